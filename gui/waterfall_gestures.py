"""Mouse and keys on the two plots, turned into changes of the window."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, QPointF, QRectF, Signal

from .spectrum_plot import SpectrumPlot
from .waterfall_view import WaterfallView
from .waterfall_window import MINIMUM_SPAN_S, Extent, WaterfallWindow


class WaterfallGestures(QObject):
    """Moves a ``WaterfallWindow`` as the user asks; the spectrum moves frequencies only, the waterfall time as well.

    Signals:
        changed(): the window is another one now.
    """

    changed = Signal()

    def __init__(self, window: WaterfallWindow, spectrum: SpectrumPlot, view: WaterfallView, parent: QObject) -> None:
        super().__init__(parent)
        self.extent: Extent | None = None  # of what is shown; without it nothing can move
        self._window = window
        self._spectrum, self._view = spectrum, view
        for plot in (spectrum, view):
            in_time = plot is view
            plot.zoom_asked.connect(partial(self._on_zoom, in_time))
            plot.pan_asked.connect(partial(self._on_pan, in_time))
            plot.box_asked.connect(partial(self._on_box, in_time))
            plot.reset_asked.connect(self.reset)
            plot.hovered.connect(self._on_hover)
        view.history_asked.connect(self._on_history)

    def reset(self) -> None:
        """Follow the live end and show all channels."""
        self._window.reset()
        self.changed.emit()

    def follow(self, follow: bool) -> None:
        """Follow the live end, or stop at what is shown."""
        if follow:
            self._window.follow()
        elif self.extent is not None:
            self._window.hold(self.extent)
        self.changed.emit()

    def _on_zoom(self, in_time: bool, frequency_factor: float, time_factor: float, at: QPointF) -> None:
        if self.extent is None:
            return
        if frequency_factor != 1.0:
            self._window.zoom_frequencies(self.extent, frequency_factor, self._view.hz_at(at.x()))
        if time_factor != 1.0:
            self._window.zoom_time(self.extent, time_factor, self._view.time_at(at.y()) if in_time else None)
        self.changed.emit()

    def _on_pan(self, in_time: bool, right_px: float, down_px: float) -> None:
        if self.extent is None:
            return
        area = self._view.area()
        moved_hz = -right_px / area.width() * (self._view.high_hz - self._view.low_hz)
        if moved_hz:
            self._window.pan_frequencies(self.extent, moved_hz)
        if down_px and in_time:
            seconds = down_px / area.height() * self._window.seconds(self.extent)
            self._window.pan_time(self.extent, seconds if self._view.feed.image.newest_on_top else -seconds)
        self.changed.emit()

    def _on_box(self, in_time: bool, box: QRectF) -> None:
        if self.extent is None:
            return
        low, high = self._view.hz_at(box.left()), self._view.hz_at(box.right())
        if in_time and box.height() > 3:
            times = sorted((self._view.time_at(box.top()), self._view.time_at(box.bottom())))
            self._window.newest_s = times[1]
            self._window.span_s = max(MINIMUM_SPAN_S, times[1] - times[0])
        self._window.set_frequencies(self.extent, low, high)
        self.changed.emit()

    def _on_history(self, middle_s: float) -> None:
        if self.extent is not None:
            half_s = self._window.seconds(self.extent) / 2
            self._window.newest_s = self.extent.newest_s
            self._window.pan_time(self.extent, middle_s + half_s - self.extent.newest_s)
            self.changed.emit()

    def _on_hover(self, hz: float | None) -> None:
        self._spectrum.set_hover(hz)
        self._view.set_hover(hz)
