"""From the kept spectra to the curves over the waterfall: in slices, and no more often than a person can follow."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from ..core.spectra import Block, Waterfall
from .spectrum_plot import Curve, SpectrumPlot
from .spectrum_set import SpectrumSet
from .theme import Theme
from .waterfall_extent import newest_block
from .waterfall_feed import WaterfallFeed
from .waterfall_options import CURVES, WaterfallOptions

INTERVAL_MS = 40
SLICE_S = 0.002
CURVE_COLORS = dict(zip(CURVES, (0, 1, 3), strict=True))  # index of the theme's curve colours


class SpectrumFeed(QObject):
    """Brings the curves of a plot up to date.

    Args:
        plot: shows the curves.
        picture: the waterfall under it; the average can be over the rows visible there.
        frozen: tells whether nothing newer may be shown.

    Signals:
        shown(): the plot has other curves now, and perhaps another axis.
    """

    shown = Signal()

    def __init__(
        self,
        plot: SpectrumPlot,
        picture: WaterfallFeed,
        options: WaterfallOptions,
        theme: Theme,
        frozen: Callable[[], bool],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.options = options
        self.theme = theme
        self.spectra = SpectrumSet()
        self.levels = (0.0, 1.0)  # of the waterfall's colours: the axis holds them
        self._plot, self._picture, self._frozen = plot, picture, frozen
        self._waterfall: Waterfall | None = None
        self._updated = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.update)

    def choose(self, waterfall: Waterfall, block: Block, index: int) -> None:
        """Take the curves of this block and polarization; ``update`` shows them."""
        self._waterfall = waterfall
        self.spectra.choose(waterfall, block, index)

    def stop(self) -> None:
        """Leave what is unfinished."""
        self._timer.stop()

    def update_soon(self) -> None:
        """Update after the events that wait, the waterfall's painting among them."""
        if not self._timer.isActive():
            self._timer.start(max(0, round(INTERVAL_MS - self._waited_s() * 1000)))

    def update(self) -> None:
        """Take in what arrived and show it; what takes long is done in slices."""
        block, curves = newest_block(self._waterfall), self.spectra.curves
        if block is None or curves is None or self._frozen():
            return
        average = self._average_range(block) if "Average" in self.options.curves else None
        if not curves.update(average, hold=True, budget_s=SLICE_S):
            self._timer.start(0)
            if self._waited_s() * 1000 < INTERVAL_MS:
                return  # showing them after every slice would take as long as the slices
        self._show(block)

    def _waited_s(self) -> float:
        return time.perf_counter() - self._updated

    def _show(self, block: Block) -> None:
        self._updated = time.perf_counter()
        values = self.spectra.values()
        curves = [
            Curve(name, self.theme.curve(CURVE_COLORS[name]), values[name], name == "Current")
            for name in ("Max hold", "Current", "Average")
            if name in self.options.curves and name in values
        ]
        self._plot.show_curves(curves, block.axis, self.levels)
        self.shown.emit()

    def _average_range(self, block: Block) -> tuple[int, int]:
        stop = block.first_serial + len(block)
        if self.options.average_rows:
            return stop - self.options.average_rows, stop
        image, row_s = self._picture.image, self._picture.geometry.row_s
        ends = np.searchsorted(block.t, (image.bottom() * row_s, (image.top + 1) * row_s))
        return block.first_serial + int(ends[0]), block.first_serial + int(ends[1])
