"""What lies over a placement picture in pixels of its own: legend, scale bar, a line of text."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPen

from .placement_facts import one_line, unit
from .placement_painter import is_detailed, visible_parts
from .placement_picture import Picture
from .placement_style import FORCE_KINDS

ROW_PX, SWATCH_PX, GAP_PX, EDGE_PX = 15.0, 11.0, 6.0, 8.0
MAX_LEGEND_TEXT_PX = 120.0
SCALE_BAR_PX = 90.0


@dataclass(frozen=True)
class Entry:
    """A row of the legend. ``sign`` is "fill", "hatch", "arrow" or "cross"."""

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
        entries.append(Entry("cross", colors.overlap, "overlap"))
    if picture.switches.forces:
        kinds = np.unique(frame.forces[2]).tolist()
        entries += [Entry("arrow", colors.forces[kind], FORCE_KINDS[kind]) for kind in kinds]
    if (picture.switches.ratsnest or picture.switches.forces) and not is_detailed(frame, visible_parts(picture, frame)):
        entries.append(Entry("", "", "zoom in for nets, forces"))
    names = [(index, one_line(frame.shapes.module_name(index), 40)) for index in frame.modules_used[:64]]
    return entries + [Entry("fill", colors.of_module(index), name) for index, name in names if name]


def legend_width_px(picture: Picture, metrics: QFontMetricsF) -> float:
    """Return how much of the left the legend takes, 0 without one."""
    texts = [metrics.horizontalAdvance(entry.text) for entry in legend_entries(picture)]
    return EDGE_PX + SWATCH_PX + 4 * GAP_PX + min(max(texts), MAX_LEGEND_TEXT_PX) if texts else 0.0


def draw_legend(painter: QPainter, picture: Picture, height_px: float) -> None:
    """Draw the legend into the top left corner, as many rows as fit."""
    entries = legend_entries(picture)
    room = max(1, int((height_px - 2 * EDGE_PX - ROW_PX) // ROW_PX))
    if len(entries) > room:
        entries = [*entries[: room - 1], Entry("", "", f"… {len(entries) - room + 1} more")]
    if not entries:
        return
    metrics = QFontMetricsF(painter.font())
    width = legend_width_px(picture, metrics) - EDGE_PX
    _plate(painter, picture, QRectF(EDGE_PX - 4, EDGE_PX - 4, width - GAP_PX, len(entries) * ROW_PX + 8))
    for row, entry in enumerate(entries):
        top = EDGE_PX + row * ROW_PX
        _draw_sign(painter, entry, picture, QRectF(EDGE_PX, top + (ROW_PX - SWATCH_PX) / 2, SWATCH_PX, SWATCH_PX))
        painter.setPen(QColor(picture.colors.text))
        text = metrics.elidedText(entry.text, Qt.TextElideMode.ElideRight, MAX_LEGEND_TEXT_PX + 1)
        place = QRectF(EDGE_PX + SWATCH_PX + GAP_PX, top, MAX_LEGEND_TEXT_PX + 2, ROW_PX)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, text)


def _draw_sign(painter: QPainter, entry: Entry, picture: Picture, rect: QRectF) -> None:
    color = QColor(entry.color)
    painter.save()
    painter.setPen(QPen(color, 0))
    box = rect.adjusted(0.5, 0.5, -0.5, -0.5)
    if entry.sign == "fill":
        painter.setBrush(QColor(picture.colors.fill(entry.color)))
        painter.drawRect(box)
    elif entry.sign == "hatch":
        painter.setBrush(QBrush(color, Qt.BrushStyle.BDiagPattern))
        painter.drawRect(box)
    elif entry.sign in ("cross", "arrow"):
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left, top, right, bottom = box.left(), box.top(), box.right(), box.bottom()
        middle = box.center().y()
        lines = {
            "cross": [QLineF(left, top, right, bottom), QLineF(left, bottom, right, top)],
            "arrow": [
                QLineF(left, middle, right, middle),
                QLineF(right, middle, right - 4, middle - 3),
                QLineF(right, middle, right - 4, middle + 3),
            ],
        }[entry.sign]
        painter.drawLines(lines)
    painter.restore()


def draw_scale_bar(painter: QPainter, picture: Picture, width_px: float, height_px: float) -> None:
    """Draw a bar of a round length into the bottom right corner."""
    reach = SCALE_BAR_PX / picture.view.scale
    power = 10.0 ** math.floor(math.log10(reach))
    round_length = max(step * power for step in (1, 2, 5) if step * power <= reach * (1 + 1e-9))
    text = f"{round_length:g} {unit(picture.shapes)}"
    bar_px = round_length * picture.view.scale
    text_px = QFontMetricsF(painter.font()).horizontalAdvance(text)
    right, base = width_px - EDGE_PX, height_px - EDGE_PX
    _plate(painter, picture, QRectF(right - bar_px - text_px - 14, base - 13, bar_px + text_px + 18, 18))
    painter.setPen(QPen(QColor(picture.colors.muted), 0))
    y = round(base - 4) + 0.5
    left = right - bar_px
    painter.drawLines([QLineF(left, y, right, y), QLineF(left, y - 4, left, y), QLineF(right, y - 4, right, y)])
    painter.drawText(QPointF(left - text_px - 6, base), text)


def draw_readout(painter: QPainter, picture: Picture, text: str, width_px: float, height_px: float) -> None:
    """Draw one line of text into the bottom left corner, elided to fit."""
    metrics = QFontMetricsF(painter.font())
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, width_px - 2 * EDGE_PX - 4)
    rect = QRectF(EDGE_PX - 4, height_px - EDGE_PX - 15, metrics.horizontalAdvance(shown) + 10, 20)
    _plate(painter, picture, rect, 0.94)
    painter.setPen(QColor(picture.colors.text))
    painter.drawText(rect.adjusted(4, 0, 4, 0), Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)


def _plate(painter: QPainter, picture: Picture, rect: QRectF, opacity: float = 0.78) -> None:
    plate = QColor(picture.colors.plate)
    plate.setAlphaF(opacity)
    painter.fillRect(rect, plate)
