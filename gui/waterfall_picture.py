"""Brings the picture to what is wanted: window, colours and levels, and the slices of work that this leaves."""

from __future__ import annotations

import math
import time

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QColor

from ..core.spectra import Waterfall
from .color_maps import pixel_table
from .theme import Theme, blend
from .waterfall_feed import Geometry
from .waterfall_image import WaterfallImage
from .waterfall_levels import Levels
from .waterfall_options import WaterfallOptions
from .waterfall_view import WaterfallView
from .waterfall_window import Extent, WaterfallWindow

SLICE_S = 0.003
UPDATE_S = 0.03  # between paints of an unfinished picture
HATCH_SHARE = 0.35  # of the muted text colour: a hatch that is seen but not looked at
NOWHERE = Geometry(width=1, height=1, low_hz=0.0, high_hz=1.0, row_s=1.0)


class WaterfallPicture(QObject):
    """Owns the levels and the work of a view's feed.

    Signals:
        levels_changed(): the levels in force are others now.
    """

    levels_changed = Signal()

    def __init__(self, view: WaterfallView, options: WaterfallOptions, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self.options = options
        self.theme = theme
        self.levels = Levels()
        self._view, self._feed = view, view.feed
        self._updated = 0.0
        self._slices = QTimer(self)
        self._slices.setSingleShot(True)
        self._slices.timeout.connect(self._work)

    def stop(self) -> None:
        """Leave what is unfinished."""
        self._slices.stop()

    def show(self, waterfall: Waterfall | None) -> None:
        """Take this waterfall and the polarization chosen; the next ``fit`` starts a new picture."""
        self.levels.unsettle()
        self._feed.show(waterfall, self.options.polarization or None)
        self._feed.geometry = NOWHERE

    def fit(self, window: WaterfallWindow, extent: Extent, *, frozen: bool) -> None:
        """Bring the picture to a window: new rows, a scroll, or a new picture.

        Args:
            window: what the user wants to see.
            extent: what there is.
            frozen: take no rows in that came since; what is kept may be shown otherwise.
        """
        width, height = self._view.pixel_size()
        low, high = window.frequencies(extent)
        row_s = window.seconds(extent) / height
        on_top = self.options.newest_on_top
        wanted = Geometry(width=width, height=height, low_hz=low, high_hz=high, row_s=row_s, newest_on_top=on_top)
        top = self._top(window, extent, row_s, frozen)
        if wanted != self._feed.geometry or not self._feed.is_current():
            self._view.keep_preview()
            image = WaterfallImage(width, height, newest_on_top=on_top)
            self._color(image)
            self._feed.restart(wanted, image, top)
        else:
            self._feed.scroll(top)
            if not frozen:
                self._feed.take_new()
        self._work()

    def recolor(self) -> None:
        """Take over colour map, scale and levels."""
        self._color(self._feed.image)
        self._feed.recolor()
        self._slices.start(0)

    def follow_levels(self) -> None:
        """Let automatic levels follow what is shown; called at the pace of a reader, not of the rows."""
        if not self._feed.busy and self._follow():
            self._slices.start(0)

    def set_levels(self, low: float, high: float) -> bool:
        """Set the levels by hand; False when they cannot be."""
        if not self.levels.set_by_hand(low, high):
            return False
        self.recolor()
        self.levels_changed.emit()
        return True

    def _follow(self) -> bool:
        changed = self.levels.follow(self._feed.image.sample(), decibel=self.options.decibel)
        if changed:
            self.recolor()
            self.levels_changed.emit()
        return changed

    def _top(self, window: WaterfallWindow, extent: Extent, row_s: float, frozen: bool) -> int:
        if window.newest_s is not None:
            return math.ceil(window.newest_s / row_s) - 1
        edge = None if frozen else self._feed.live_edge(row_s)
        return math.ceil(extent.newest_s / row_s - 0.5) - 1 if edge is None else edge

    def _work(self) -> None:
        """Do a slice of what is left; the rest follows after the events that wait."""
        busy = self._feed.step(SLICE_S)
        if not self.levels.settled and self._follow():
            busy = True
        if busy:
            self._slices.start(0)
        # While the preview stands, painting it after every slice would take as long as the slices.
        if not busy or time.perf_counter() - self._updated > UPDATE_S:
            self._updated = time.perf_counter()
            self._view.update()

    def _color(self, image: WaterfallImage) -> None:
        theme = self.theme
        hatch = blend(theme.muted, theme.surface, HATCH_SHARE)
        table = pixel_table(self.options.color_map, _pixel(theme.background))
        image.set_colors(table, _pixel(theme.surface), _pixel(hatch))
        image.set_levels(self.levels.low, self.levels.high, decibel=self.options.decibel)


def _pixel(color: str) -> int:
    return QColor(color).rgb() & 0xFFFFFFFF
