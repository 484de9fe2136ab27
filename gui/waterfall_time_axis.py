"""The time axis left of a waterfall. Rows move it with every frame, so its ticks and their picture are kept."""

from __future__ import annotations

import time

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPixmap

from .axis_ticks import Tick, moment, time_ticks
from .theme import Theme


class TimeAxis:
    """Ticks of a time range, and a picture of them that is drawn anew when one comes or goes."""

    def __init__(self) -> None:
        self._ticks: list[Tick] = []
        self._ticks_key: tuple[object, ...] = ()
        self._valid = (0.0, 0.0, 0.0, 0.0)  # the ticks hold for low_s and high_s between these
        self._strip = QPixmap()
        self._strip_key: tuple[object, ...] = ()

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
        if not marks:
            return
        height, lowest = painter.fontMetrics().height(), area.bottom() + 3
        texts = [_texts_that_fit(tick, y, height, area.top() - 2, lowest) for y, tick in marks]
        top = min(marks[0][0], marks[-1][0]) - 1.5 * height
        span = abs(marks[-1][0] - marks[0][0]) + 3 * height
        ratio = painter.device().devicePixelRatioF()
        key = (texts, round(span, 3), area.left(), ratio, theme.name, painter.font().key())
        if key != self._strip_key:
            places = [y - top for y, _ in marks]
            size = int((area.left() - 1) * ratio), max(1, int(span * ratio))  # the border stays
            self._strip_key, self._strip = key, QPixmap(*size)
            self._strip.setDevicePixelRatio(ratio)
            _draw(self._strip, painter.font(), theme, places, texts, QRectF(0, 0, area.left(), height))
        hidden = max(0, round(area.top() - 2) - round(top))
        source = QRectF(0, hidden * ratio, self._strip.width(), self._strip.height() - hidden * ratio)
        painter.drawPixmap(QPointF(0, round(top) + hidden), self._strip, source)


def _texts_that_fit(tick: Tick, y: float, height: float, highest: float, lowest: float) -> tuple[str, ...]:
    """Return the lines of a label that are neither cut off above nor below."""
    if not highest <= y - height / 2 or y + height / 2 > lowest:
        return ()
    return (tick.text, tick.date) if tick.date and y + 1.5 * height <= lowest else (tick.text,)


def _draw(
    strip: QPixmap, font: QFont, theme: Theme, places: list[float], texts: list[tuple[str, ...]], box: QRectF
) -> None:
    """Draw all marks and labels at their distance from each other; the whole moves with the rows."""
    strip.fill(QColor(theme.surface))
    with QPainter(strip) as painter:
        painter.setFont(font)
        painter.setPen(QPen(QColor(theme.muted)))
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        for y, lines in zip(places, texts, strict=True):
            painter.drawLine(QPointF(box.right() - 4, round(y)), QPointF(box.right() - 2, round(y)))
            for number, text in enumerate(lines):
                line = QRectF(0, round(y - box.height() / 2 + number * box.height()), box.width() - 6, box.height())
                painter.drawText(line, flags, text)
