"""The legend over a placement picture: all of it where it costs no room, else a chip that opens under the mouse."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPen

from .placement_facts import one_line
from .placement_marks import MARK_ALPHA
from .placement_overlay import EDGE_PX, draw_plate
from .placement_picture import Picture
from .placement_style import FORCE_KINDS

ROW_PX, SWATCH_PX, GAP_PX = 15.0, 11.0, 6.0
MAX_LEGEND_TEXT_PX = 120.0
CHIP = "Legend"
_FLAGS = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine


@dataclass(frozen=True)
class Entry:
    """A row of the legend. ``sign`` is "fill", "hatch", "arrow" or "mark"."""

    sign: str
    color: str
    text: str


def legend_entries(picture: Picture) -> list[Entry]:
    """Return the rows of the legend for what the picture shows: sides, marks, modules."""
    colors, frame = picture.colors, picture.frame
    if frame is None or not picture.switches.legend:
        return []
    entries = [Entry("fill", colors.muted, "top")]
    if frame.shapes.bottom.any():
        entries.append(Entry("hatch", colors.muted, "bottom"))
    if picture.switches.overlaps and len(frame.overlaps):
        entries.append(Entry("mark", colors.overlap, "overlap"))
    if picture.switches.forces:
        entries += [Entry("arrow", colors.forces[kind], FORCE_KINDS[kind]) for kind in frame.force_kinds]
    names = [(index, one_line(frame.shapes.module_name(index), 40)) for index in frame.modules_used[:64]]
    return entries + [Entry("fill", colors.of_module(index), name) for index, name in names if name]


def legend_width_px(picture: Picture, metrics: QFontMetricsF) -> float:
    """Return how much of the left the legend takes, 0 without one."""
    texts = [metrics.horizontalAdvance(entry.text) for entry in legend_entries(picture)]
    return EDGE_PX + SWATCH_PX + 4 * GAP_PX + min(max(texts), MAX_LEGEND_TEXT_PX) if texts else 0.0


def chip_rect(picture: Picture, metrics: QFontMetricsF) -> QRectF:
    """Return the place of the chip; empty without a legend."""
    if picture.frame is None or not picture.switches.legend:
        return QRectF()
    return QRectF(EDGE_PX - 4, EDGE_PX - 4, metrics.horizontalAdvance(CHIP) + 2 * GAP_PX, ROW_PX + 6)


def draw_chip(painter: QPainter, picture: Picture) -> None:
    """Draw the chip that stands for the legend into the top left corner."""
    rect = chip_rect(picture, QFontMetricsF(painter.font()))
    if rect.isEmpty():
        return
    draw_plate(painter, picture, rect, 0.9)
    painter.setPen(QColor(picture.colors.muted))
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine, CHIP)


def draw_legend(painter: QPainter, picture: Picture, height_px: float) -> QRectF:
    """Draw the legend into the top left corner, as many rows as fit; return its place."""
    entries = legend_entries(picture)
    room = max(1, int((height_px - 2 * EDGE_PX - ROW_PX) // ROW_PX))
    if len(entries) > room:
        entries = [*entries[: room - 1], Entry("", "", f"… {len(entries) - room + 1} more")]
    if not entries:
        return QRectF()
    metrics = QFontMetricsF(painter.font())
    width = legend_width_px(picture, metrics) - EDGE_PX
    place = QRectF(EDGE_PX - 4, EDGE_PX - 4, width - GAP_PX, len(entries) * ROW_PX + 8)
    draw_plate(painter, picture, place, 0.94)
    for row, entry in enumerate(entries):
        top = EDGE_PX + row * ROW_PX
        _draw_sign(painter, entry, picture, QRectF(EDGE_PX, top + (ROW_PX - SWATCH_PX) / 2, SWATCH_PX, SWATCH_PX))
        painter.setPen(QColor(picture.colors.text))
        text = metrics.elidedText(entry.text, Qt.TextElideMode.ElideRight, MAX_LEGEND_TEXT_PX + 1)
        painter.drawText(QRectF(EDGE_PX + SWATCH_PX + GAP_PX, top, MAX_LEGEND_TEXT_PX + 2, ROW_PX), _FLAGS, text)
    return place


def _draw_sign(painter: QPainter, entry: Entry, picture: Picture, rect: QRectF) -> None:
    color = QColor(entry.color)
    painter.save()
    painter.setPen(QPen(color, 0))
    box = rect.adjusted(0.5, 0.5, -0.5, -0.5)
    if entry.sign == "arrow":
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        right, middle = box.right(), box.center().y()
        painter.drawLines(
            [
                QLineF(box.left(), middle, right, middle),
                QLineF(right, middle, right - 4, middle - 3),
                QLineF(right, middle, right - 4, middle + 3),
            ]
        )
    elif entry.sign:
        painter.setBrush(_sign_brush(entry, picture))
        if entry.sign == "mark":
            painter.setPen(QPen(QColor(picture.colors.overlap_frame), 0))
        painter.drawRect(box)
    painter.restore()


def _sign_brush(entry: Entry, picture: Picture) -> QBrush:
    color = QColor(picture.colors.fill(entry.color) if entry.sign == "fill" else entry.color)
    if entry.sign == "mark":
        color.setAlpha(MARK_ALPHA)
    return QBrush(color, Qt.BrushStyle.BDiagPattern if entry.sign == "hatch" else Qt.BrushStyle.SolidPattern)
