"""The waterfall itself: frequency axis, time axis, picture, and a bar that tells which part of the history it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QWidget

from .axis_ticks import Tick, duration_text, frequency_text, frequency_ticks, moment, time_text, value_text
from .color_maps import to_decibel
from .frequency_plot import RIGHT_PX, FrequencyPlot, crosshair_line
from .theme import Theme, blend
from .waterfall_feed import Geometry, WaterfallFeed
from .waterfall_image import WaterfallImage
from .waterfall_time_axis import TimeAxis

AXIS_PX = 22
HISTORY_PX = 8


@dataclass(frozen=True)
class _Preview:
    """A finished picture shown, stretched, until its successor is finished."""

    image: WaterfallImage
    geometry: Geometry


class WaterfallView(FrequencyPlot):
    """Blits the picture of a ``WaterfallFeed``.

    Signals:
        resized(): the picture must get another size.
        history_asked(float): show the history so that this time, unix seconds, is in the middle.
    """

    resized = Signal()
    history_asked = Signal(float)

    def __init__(
        self, theme: Theme, feed: WaterfallFeed, utc: Callable[[], bool], parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, parent)
        self.feed = feed
        self.unit = ""
        self.history: tuple[float, float] | None = None
        self.blocks: list[tuple[float, str]] = []  # where a block begins, unix seconds, and what changed
        self._utc = utc
        self._preview: _Preview | None = None
        self._scrubbing = False
        self._time_axis = TimeAxis()
        self._strip = QPixmap()
        self._strip_key: tuple[object, ...] | None = None
        self.setMinimumHeight(AXIS_PX + 60)
        self.setAccessibleName("Waterfall")

    def area(self) -> QRectF:
        width, height = self.width() - self.left_px - RIGHT_PX, self.height() - AXIS_PX - 2
        return QRectF(self.left_px, AXIS_PX, max(1, width), max(1, height))

    def pixel_size(self) -> tuple[int, int]:
        """Return width and height of the picture in device pixels."""
        ratio = self.devicePixelRatioF()
        return max(1, int(self.area().width() * ratio)), max(1, int(self.area().height() * ratio))

    def keep_preview(self) -> None:
        """Remember the present picture before the feed starts a new one, unless it is unfinished itself."""
        if self.feed.filled_to <= self.feed.image.bottom() and self.feed.image.width > 1:
            self._preview = _Preview(self.feed.image, self.feed.geometry)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    # time

    def y_of_time(self, t: float) -> float:
        """Return the y of a time, unix seconds."""
        return self._y_of_row(t / self.feed.geometry.row_s)

    def time_at(self, y: float) -> float:
        """Return the time at a y, unix seconds."""
        rows = (y - self.area().top()) * self.devicePixelRatioF()
        image = self.feed.image
        at = image.top + 1 - rows if image.newest_on_top else image.bottom() + rows
        return at * self.feed.geometry.row_s

    def on_time_axis(self, position: QPointF) -> bool:
        return position.x() < self.left_px and position.y() > AXIS_PX

    def _y_of_row(self, row: float) -> float:
        image = self.feed.image
        rows = image.top + 1 - row if image.newest_on_top else row - image.bottom()
        return self.area().top() + rows / self.devicePixelRatioF()

    # painting

    def paint_plot(self, painter: QPainter) -> None:
        area = self.area()
        ground, right = QColor(self.theme.surface), area.right() + 1
        for margin in (
            QRectF(0, AXIS_PX - 1, area.left(), self.height()),
            QRectF(right, AXIS_PX - 1, self.width() - right, self.height()),
            QRectF(0, area.bottom(), self.width(), 4),
        ):
            painter.fillRect(margin, ground)
        self._paint_picture(painter, area)
        painter.setPen(QPen(QColor(self.theme.border)))
        painter.drawRect(area.adjusted(-1, -1, 0, 0))
        self._paint_gaps(painter, area)
        self._paint_blocks(painter, area)
        self._paint_frequencies(painter, area)
        self._paint_times(painter, area)
        self._paint_history(painter, area)
        if self.mouse is not None and area.contains(self.mouse):
            crosshair_line(painter, self.theme, area, self.mouse.y())

    def _paint_picture(self, painter: QPainter, area: QRectF) -> None:
        image = self.feed.image
        painter.save()
        painter.setClipRect(area)
        if self.feed.filled_to <= image.bottom():
            self._preview = None
        if self._preview is None:
            self._blit(painter, image, image.bottom())
        else:
            painter.fillRect(area, QColor(self.theme.surface))
            self._paint_preview(painter, area, self._preview)
            self._blit(painter, image, self.feed.filled_to)
        painter.restore()

    def _blit(self, painter: QPainter, image: WaterfallImage, oldest: int) -> None:
        """Draw the pixel rows from the newest down to ``oldest``: one or two pieces of the ring."""
        oldest = max(oldest, image.bottom())
        if oldest > image.top:
            return
        ratio, left = self.devicePixelRatioF(), self.area().left()
        source = _qimage(image, ratio)
        for begin, count, y_row in image.pieces(oldest, image.top):
            y = self._y_of_row(y_row)
            painter.drawImage(QPointF(left, y), source, QRectF(0, begin, image.width, count))

    def _paint_preview(self, painter: QPainter, area: QRectF, preview: _Preview) -> None:
        old, image = preview.geometry, preview.image
        left, right = self.x_of(old.low_hz), self.x_of(old.high_hz)
        source = _qimage(image, 1.0)
        scale = old.row_s / self.feed.geometry.row_s
        for begin, count, y_row in image.pieces(image.bottom(), image.top):
            y = self._y_of_row(y_row * scale)
            target = QRectF(left, y, right - left, count * scale / self.devicePixelRatioF())
            if target.intersects(area):
                painter.drawImage(target, source, QRectF(0, begin, image.width, count))

    def _paint_gaps(self, painter: QPainter, area: QRectF) -> None:
        """Write into each gap that is high enough how long it is."""
        metrics = self.fontMetrics()
        row_s = self.feed.geometry.row_s
        for first, last in self.feed.image.gaps():
            ends = sorted((self._y_of_row(first), self._y_of_row(last + 1)))
            if ends[1] - ends[0] < metrics.height() + 8:
                continue
            text = f"no data for {duration_text((last - first + 1) * row_s, digits=2)}"
            width = metrics.horizontalAdvance(text) + 16
            middle = (max(ends[0], area.top()) + min(ends[1], area.bottom())) / 2
            box = QRectF(area.center().x() - width / 2, middle - metrics.height() / 2 - 1, width, metrics.height() + 2)
            painter.fillRect(box, QColor(self.theme.surface))
            painter.setPen(QColor(self.theme.muted))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_blocks(self, painter: QPainter, area: QRectF) -> None:
        pen = QPen(QColor(self.theme.warning))
        pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        for t, _text in self.blocks:
            y = round(self.y_of_time(t))
            if area.top() < y < area.bottom():
                painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))

    def _paint_frequencies(self, painter: QPainter, area: QRectF) -> None:
        """Draw the frequency axis from a strip that is drawn anew only when something in it changed."""
        key = (self.low_hz, self.high_hz, self.width(), self.left_px, self.theme.name, self._utc(), self.font().key())
        if self._strip_key != key:
            ratio = self.devicePixelRatioF()
            self._strip = QPixmap(max(1, int(self.width() * ratio)), int((AXIS_PX - 1) * ratio))
            self._strip.setDevicePixelRatio(ratio)
            self._strip.fill(QColor(self.theme.surface))
            with QPainter(self._strip) as strip:
                strip.setFont(self.font())
                self._draw_frequencies(strip, area)
            self._strip_key = key
        painter.drawPixmap(0, 0, self._strip)

    def _draw_frequencies(self, painter: QPainter, area: QRectF) -> None:
        metrics = self.fontMetrics()
        ticks, unit = frequency_ticks(self.low_hz, self.high_hz, 10)
        longest = max((metrics.horizontalAdvance(tick.text) for tick in ticks), default=60)
        ticks, unit = frequency_ticks(self.low_hz, self.high_hz, max(2, int(area.width() / (longest + 30))))
        unit_width = metrics.horizontalAdvance(unit) + 6
        right = area.right() + RIGHT_PX
        flags = Qt.AlignmentFlag.AlignVCenter
        for tick in ticks:
            x, width = self.x_of(tick.value), metrics.horizontalAdvance(tick.text)
            painter.setPen(QPen(QColor(self.theme.muted)))
            painter.drawLine(QPointF(round(x), AXIS_PX - 4), QPointF(round(x), AXIS_PX - 2))
            if area.left() - 2 <= x - width / 2 and x + width / 2 < right - unit_width - 4:
                box = QRectF(x - width / 2 - 1, 0, width + 2, AXIS_PX - 4)
                painter.drawText(box, flags | Qt.AlignmentFlag.AlignHCenter, tick.text)
        painter.setPen(QColor(self.theme.muted))
        flags |= Qt.AlignmentFlag.AlignRight
        painter.drawText(QRectF(right - unit_width - 2, 0, unit_width, AXIS_PX - 4), flags, unit)
        painter.drawText(QRectF(0, 0, self.left_px - 6, AXIS_PX - 4), flags, "UTC" if self._utc() else "Local")

    def time_ticks(self) -> list[Tick]:
        """Return the ticks of the time axis, new to old."""
        image, row_s = self.feed.image, self.feed.geometry.row_s
        count = max(2, int(self.area().height() / 44))
        return self._time_axis.ticks(image.bottom() * row_s, (image.top + 1) * row_s, count, utc=self._utc())

    def _paint_times(self, painter: QPainter, area: QRectF) -> None:
        ticks, image = self.time_ticks(), self.feed.image
        px_per_s = (-1 if image.newest_on_top else 1) / (self.feed.geometry.row_s * self.devicePixelRatioF())
        newest_y = self.y_of_time(ticks[0].value) if ticks else 0.0
        marks = [(newest_y + (tick.value - ticks[0].value) * px_per_s, tick) for tick in ticks]
        self._time_axis.paint(painter, self.theme, marks, area)

    def history_rect(self) -> QRectF:
        """Return the bar that stands for all that is kept."""
        area = self.area()
        return QRectF(area.right() + (RIGHT_PX - HISTORY_PX) / 2, area.top(), HISTORY_PX, area.height())

    def _paint_history(self, painter: QPainter, area: QRectF) -> None:
        if self.history is None or self.history[1] <= self.history[0]:
            return
        bar = self.history_rect()
        image, row_s = self.feed.image, self.feed.geometry.row_s
        ends = sorted(self._history_y(t) for t in (image.bottom() * row_s, (image.top + 1) * row_s))
        painter.fillRect(bar, QColor(self.theme.raised))
        thumb = self.theme.accent if self._scrubbing else blend(self.theme.muted, self.theme.raised, 0.55)
        painter.fillRect(QRectF(bar.left(), ends[0], bar.width(), max(6.0, ends[1] - ends[0])), QColor(thumb))

    def _history_y(self, t: float) -> float:
        assert self.history is not None
        share = min(1.0, max(0.0, (t - self.history[0]) / (self.history[1] - self.history[0])))
        bar = self.history_rect()
        return bar.top() + bar.height() * (1 - share if self.feed.image.newest_on_top else share)

    # mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.history and event.button() == Qt.MouseButton.LeftButton and self._on_history(event.position()):
            self._scrubbing = True
            self._scrub(event.position().y())
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._scrubbing:
            self._scrub(event.position().y())
            return
        over_bar = self._on_history(event.position())
        self.setCursor(Qt.CursorShape.PointingHandCursor if over_bar else Qt.CursorShape.CrossCursor)
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._scrubbing = False
        super().mouseReleaseEvent(event)

    def _on_history(self, position: QPointF) -> bool:
        return position.x() > self.area().right() and position.y() > AXIS_PX

    def _scrub(self, y: float) -> None:
        bar = self.history_rect()
        if self.history is None:
            return
        share = min(1.0, max(0.0, (y - bar.top()) / bar.height()))
        share = 1 - share if self.feed.image.newest_on_top else share
        self.history_asked.emit(self.history[0] + share * (self.history[1] - self.history[0]))

    def readout(self) -> list[str]:
        area, image = self.area(), self.feed.image
        if self.mouse is None or not area.contains(self.mouse):
            return []
        hz, t = self.hz_at(self.mouse.x()), self.time_at(self.mouse.y())
        row_s = self.feed.geometry.row_s
        when = moment(t, utc=self._utc())
        zone = "UTC" if self._utc() else when.strftime("%Z")
        lines = [
            frequency_text(hz, (self.high_hz - self.low_hz) / area.width()),
            f"{when.date().isoformat()} {time_text(t, min(row_s, 1.0), utc=self._utc())} {zone}",
        ]
        values = image.row(math.floor(t / row_s))
        x = min(image.width - 1, int((self.mouse.x() - area.left()) * self.devicePixelRatioF()))
        if values is None:
            return [*lines, "no data: a gap"]
        if not np.isfinite(values[x]):
            return [*lines, "no channel here" if np.isnan(values[x]) else value_text(float(values[x]))]
        value = float(values[x])
        decibel = float(to_decibel(values[x : x + 1])[0])
        return [*lines, f"{value_text(value)} {self.unit}".rstrip() + f"   {decibel:.2f} dB", *self._block_line(t)]

    def _block_line(self, t: float) -> list[str]:
        return [text for start, text in self.blocks if abs(self.y_of_time(start) - self.y_of_time(t)) < 4]


def _qimage(image: WaterfallImage, ratio: float) -> QImage:
    result = QImage(image.pixels.data, image.width, image.height, image.width * 4, QImage.Format.Format_RGB32)
    result.setDevicePixelRatio(ratio)
    return result
