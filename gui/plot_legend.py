"""The legend of one plot: layout, painting and which entry lies under the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from .theme import Theme

SWATCH_PX = 8.0
SPACE_PX = 5.0
GAP_PX = 12.0
WIDEST_LABEL_PX = 170.0
VALUE_SAMPLE = "-0.00000"


@dataclass(frozen=True)
class LegendEntry:
    """One curve in the legend; ``is_possible`` is False when it cannot be drawn over the present x axis."""

    label: str
    value: str
    color: str
    shown: bool
    is_possible: bool


@dataclass(frozen=True)
class Legend:
    """Entries with their places; ``more`` entries found no room, ``more_rect`` says so."""

    entries: tuple[LegendEntry, ...]
    rects: tuple[QRectF, ...]
    rows: int
    more: int
    more_rect: QRectF

    def at(self, position: QPointF) -> int | None:
        """Return the index of the entry at a place."""
        return next((i for i, rect in enumerate(self.rects) if rect.contains(position)), None)


def lay_out(
    entries: Sequence[LegendEntry], metrics: QFontMetricsF, area: QRectF, row_px: float, most_rows: int
) -> Legend:
    """Place entries in columns of equal width, so that values stand below one another.

    Where the rows do not suffice for that, the values are left out and names follow closely on one another.

    Args:
        entries: the curves. metrics: of the font. area: left, top and width of the legend.
        row_px: height of a row. most_rows: further entries are counted in ``more``.
    """
    value_px = max(metrics.horizontalAdvance(text) for text in (VALUE_SAMPLE, *(entry.value for entry in entries)))
    label_px = max((metrics.horizontalAdvance(entry.label) for entry in entries), default=0.0)
    width = SWATCH_PX + 2 * SPACE_PX + value_px + min(label_px, WIDEST_LABEL_PX) + GAP_PX
    columns = max(1, min(int((area.width() + GAP_PX) // width), len(entries)))
    rows = -(-len(entries) // columns)
    if rows > most_rows:
        return _names_only(entries, metrics, area, row_px, most_rows)
    width = min(width, (area.width() + GAP_PX) / columns)
    rects = tuple(
        QRectF(area.left() + i % columns * width, area.top() + i // columns * row_px, width - GAP_PX, row_px)
        for i in range(len(entries))
    )
    return Legend(tuple(entries), rects, rows, 0, QRectF())


def _names_only(
    entries: Sequence[LegendEntry], metrics: QFontMetricsF, area: QRectF, row_px: float, most_rows: int
) -> Legend:
    more_px = metrics.horizontalAdvance("+000") + GAP_PX
    rects: list[QRectF] = []
    left, row = area.left(), 0
    for number, entry in enumerate(entries):
        label_px = min(metrics.horizontalAdvance(entry.label) + 1, WIDEST_LABEL_PX)
        width = min(SWATCH_PX + 2 * SPACE_PX + label_px, area.width())
        is_last_row, is_last = row + 1 >= most_rows, number + 1 == len(entries)
        right = area.right() - (more_px if is_last_row and not is_last else 0.0)
        if left + width > right and left > area.left():
            if is_last_row:
                break
            left, row = area.left(), row + 1
        rects.append(QRectF(left, area.top() + row * row_px, width, row_px))
        left += width + GAP_PX - SPACE_PX
    placed = tuple(replace(entry, value="") for entry in entries[: len(rects)])
    more_rect = QRectF(area.right() - more_px, area.top() + row * row_px, more_px, row_px)
    return Legend(placed, tuple(rects), row + 1, len(entries) - len(placed), more_rect)


def paint_legend(painter: QPainter, legend: Legend, metrics: QFontMetricsF, theme: Theme, hovered: int | None) -> None:
    """Paint the entries: a filled swatch for a curve that is shown, an empty one for one that is not."""
    for index, (entry, rect) in enumerate(zip(legend.entries, legend.rects, strict=True)):
        is_lit = entry.shown and entry.is_possible
        _paint_swatch(painter, rect, entry, theme)
        value_px = metrics.horizontalAdvance(entry.value)
        room = rect.width() - SWATCH_PX - 2 * SPACE_PX - value_px
        left = rect.left() + SWATCH_PX + SPACE_PX
        painter.setPen(QColor(theme.text if is_lit or index == hovered else theme.muted))
        label = metrics.elidedText(entry.label, Qt.TextElideMode.ElideRight, max(room, 8.0))
        label_rect = QRectF(left, rect.top(), max(room, 8.0), rect.height())
        painter.drawText(label_rect, int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine), label)
        if not is_lit:
            y, end = rect.center().y() + 0.5, left + metrics.horizontalAdvance(label)
            if not entry.shown:
                painter.drawLine(QPointF(left, y), QPointF(end, y))
            continue
        painter.setPen(QColor(theme.muted))
        painter.drawText(rect, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), entry.value)
    if legend.more:
        painter.setPen(QColor(theme.muted))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(legend.more_rect, int(flags), f"+{legend.more}")


def _paint_swatch(painter: QPainter, rect: QRectF, entry: LegendEntry, theme: Theme) -> None:
    swatch = QRectF(rect.left(), rect.center().y() - SWATCH_PX / 2, SWATCH_PX, SWATCH_PX).adjusted(0.5, 0.5, -0.5, -0.5)
    color = QColor(entry.color if entry.is_possible else theme.muted)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(QPen(color, 1.0))
    painter.setBrush(color if entry.shown and entry.is_possible else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(swatch, 2.0, 2.0)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
