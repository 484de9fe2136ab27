"""The time axis left of a waterfall. Rows move it with every frame, so its ticks and drawn labels are kept."""

from __future__ import annotations

import time

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPixmap

from .axis_ticks import Tick, moment, time_ticks
from .theme import Theme

MOST_LABELS = 256


class TimeAxis:
    """Ticks of a time range, and their labels as small pictures."""

    def __init__(self) -> None:
        self._ticks: list[Tick] = []
        self._ticks_key: tuple[object, ...] = ()
        self._valid = (0.0, 0.0, 0.0, 0.0)  # the ticks hold for low_s and high_s between these
        self._labels: dict[str, QPixmap] = {}
        self._labels_key: tuple[object, ...] = ()

    def ticks(self, low_s: float, high_s: float, count: int, *, utc: bool) -> list[Tick]:
        """Return the ticks from new to old, about ``count``; they are found anew when one comes or goes."""
        key = (high_s - low_s, count, utc)
        a, b, c, d = self._valid
        if not (len(self._ticks) > 1 and key == self._ticks_key and a < low_s <= b and c <= high_s < d):
            today = moment(time.time(), utc=utc).date()
            self._ticks = time_ticks(low_s, high_s, count, utc=utc, today=today)
            self._ticks_key = key
            if len(self._ticks) > 1:
                new, old = self._ticks[0].value, self._ticks[-1].value
                step = new - self._ticks[1].value
                self._valid = (old - step, old, new, new + step)
        return self._ticks

    def paint(self, painter: QPainter, theme: Theme, marks: list[tuple[float, Tick]], area: QRectF) -> None:
        """Draw ticks into the margin left of ``area``, each at its y; labels that would be cut off are left out."""
        metrics, ratio = painter.fontMetrics(), painter.device().devicePixelRatioF()
        height, width = metrics.height(), area.left() - 6
        self._forget_labels((theme.name, painter.font().key(), ratio, width))
        painter.setPen(QPen(QColor(theme.muted)))
        lowest = area.bottom() + 3
        for y, tick in marks:
            painter.drawLine(QPointF(area.left() - 4, round(y)), QPointF(area.left() - 2, round(y)))
            if not area.top() - 2 <= y - height / 2 or y + height / 2 > lowest:
                continue
            self._paint_label(painter, theme, tick.text, QRectF(0, y - height / 2, width, height))
            if tick.date and y + 1.5 * height <= lowest:
                self._paint_label(painter, theme, tick.date, QRectF(0, y + height / 2, width, height))

    def _forget_labels(self, key: tuple[object, ...]) -> None:
        if key != self._labels_key or len(self._labels) > MOST_LABELS:
            self._labels, self._labels_key = {}, key

    def _paint_label(self, painter: QPainter, theme: Theme, text: str, box: QRectF) -> None:
        if text not in self._labels:
            self._labels[text] = _label(text, theme, painter.font(), box, painter.device().devicePixelRatioF())
        painter.drawPixmap(QPointF(box.left(), round(box.top())), self._labels[text])


def _label(text: str, theme: Theme, font: QFont, box: QRectF, ratio: float) -> QPixmap:
    pixmap = QPixmap(max(1, int(box.width() * ratio)), max(1, int(box.height() * ratio)))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(QColor(theme.surface))
    with QPainter(pixmap) as painter:
        painter.setFont(font)
        painter.setPen(QColor(theme.muted))
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(QRectF(0, 0, box.width(), box.height()), flags, text)
    return pixmap
