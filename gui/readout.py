"""A small box with the values under the crosshair, placed where it hides neither the mouse nor the end of a curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from .theme import Theme

MOST_ROWS = 16
PADDING_PX = 7.0
AWAY_PX = 14.0
WIDEST_PX = 360.0
SWATCH_PX = 8.0


@dataclass(frozen=True)
class ReadoutRow:
    """One curve: colour, name and value as texts."""

    color: str
    label: str
    value: str


class Readout(QWidget):
    """The box; it lies over the plots and lets the mouse through."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._room = parent
        self.theme = theme
        self.heading = ""
        self.rows: list[ReadoutRow] = []
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def show_at(
        self, place: QPoint, heading: str, rows: Sequence[ReadoutRow], keep_free: Sequence[QPointF], clear_of: QRectF
    ) -> None:
        """Show values beside a place.

        Args:
            place: of the mouse, in the parent. heading: the x as text. rows: curves, the most important first.
            keep_free: points of the parent that must stay visible. clear_of: the plot; outside it nothing is hidden.
        """
        self.heading = heading
        self.rows = list(rows[:MOST_ROWS])
        if len(rows) > MOST_ROWS:
            self.rows.append(ReadoutRow("", f"+{len(rows) - MOST_ROWS} more", ""))
        width, height = self._wanted_size()
        box = choose_place(QPointF(place), width, height, QRectF(self._room.rect()), keep_free, clear_of)
        self.setGeometry(box.toAlignedRect())
        self.show()
        self.raise_()
        self.update()

    def _wanted_size(self) -> tuple[float, float]:
        metrics = QFontMetricsF(self.font())
        label_px = max((metrics.horizontalAdvance(row.label) for row in self.rows), default=0.0)
        value_px = max((metrics.horizontalAdvance(row.value) for row in self.rows), default=0.0)
        needed = max(metrics.horizontalAdvance(self.heading), SWATCH_PX + 6 + label_px + 14 + value_px)
        return min(needed + 2 * PADDING_PX + 1, WIDEST_PX), (len(self.rows) + 1) * self._row_px() + 2 * PADDING_PX - 2

    def _row_px(self) -> float:
        return QFontMetricsF(self.font()).height() + 1

    def paintEvent(self, event: QPaintEvent) -> None:
        metrics, row_px = QFontMetricsF(self.font()), self._row_px()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(self.theme.border), 1.0))
            painter.setBrush(QColor(self.theme.raised))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
            inner = QRectF(self.rect()).adjusted(PADDING_PX, PADDING_PX - 1, -PADDING_PX, 0)
            painter.setPen(QColor(self.theme.muted))
            line = QRectF(inner.left(), inner.top(), inner.width(), row_px)
            painter.drawText(line, int(Qt.AlignmentFlag.AlignVCenter), self.heading)
            for row in self.rows:
                line.translate(0, row_px)
                self._paint_row(painter, line, row, metrics)

    def _paint_row(self, painter: QPainter, line: QRectF, row: ReadoutRow, metrics: QFontMetricsF) -> None:
        if row.color:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(row.color))
            painter.drawRoundedRect(QRectF(line.left(), line.center().y() - SWATCH_PX / 2, SWATCH_PX, SWATCH_PX), 2, 2)
        left = line.left() + (SWATCH_PX + 6 if row.color else 0)
        room = line.right() - left - metrics.horizontalAdvance(row.value) - 8
        painter.setPen(QColor(self.theme.text))
        label = metrics.elidedText(row.label, Qt.TextElideMode.ElideMiddle, max(room, 8.0))
        painter.drawText(QRectF(left, line.top(), max(room, 8.0) + 1, line.height()), int(_MIDDLE), label)
        painter.drawText(line, int(_MIDDLE | Qt.AlignmentFlag.AlignRight), row.value)


_MIDDLE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine


def choose_place(
    mouse: QPointF, width: float, height: float, bounds: QRectF, keep_free: Sequence[QPointF], clear_of: QRectF
) -> QRectF:
    """Return where a box goes: inside ``bounds``, not over the mouse, not over the points to keep free.

    Left of the mouse is tried first, since curves grow to the right; then right of it, then beside, below and above
    the plot. When every place hides something, the first one is taken.
    """
    top = min(max(mouse.y() - height / 2, bounds.top() + 1), max(bounds.bottom() - height - 1, bounds.top()))
    across = min(max(mouse.x() - width / 2, bounds.left() + 1), max(bounds.right() - width - 1, bounds.left()))
    boxes = [
        QRectF(left, y, width, height)
        for left, y in (
            (mouse.x() - AWAY_PX - width, top),
            (mouse.x() + AWAY_PX, top),
            (clear_of.left() - width - 2, top),
            (clear_of.right() + 2, top),
            (across, clear_of.bottom() + 2),
            (across, clear_of.top() - height - 2),
        )
    ]
    inside = [box for box in boxes if bounds.contains(box)]
    free = [box for box in inside if not any(box.adjusted(-4, -4, 4, 4).contains(point) for point in keep_free)]
    if free or inside:
        return (free or inside)[0]
    left = min(max(boxes[0].left(), bounds.left()), max(bounds.right() - width, bounds.left()))
    return QRectF(left, top, min(width, bounds.width()), min(height, bounds.height()))
