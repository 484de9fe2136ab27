"""The spectra of one block for every polarization looked at, so that each keeps its maximum hold."""

from __future__ import annotations

import io

import numpy as np

from ..core.spectra import Block, Waterfall
from .spectrum_curves import SpectrumCurves
from .waterfall_options import CURVES


class SpectrumSet:
    """Curves of the polarization chosen now; those of others are kept while the block lasts."""

    def __init__(self) -> None:
        self.curves: SpectrumCurves | None = None
        self._known: dict[int, SpectrumCurves] = {}

    def choose(self, waterfall: Waterfall, block: Block, index: int) -> None:
        """Take the curves of this block and polarization."""
        self._known = {key: each for key, each in self._known.items() if each.block is block}
        if index not in self._known:
            self._known[index] = SpectrumCurves(waterfall, block, index)
        self.curves = self._known[index]

    def forget(self) -> None:
        """Drop everything: another stream is shown."""
        self.curves = None
        self._known = {}

    def reset_hold(self) -> None:
        """Begin every maximum hold anew."""
        for curves in self._known.values():
            curves.reset_hold()

    def values(self) -> dict[str, np.ndarray]:
        """Return the curves there are by name, f4[nchan] linear each."""
        if self.curves is None:
            return {}
        found = zip(CURVES, (self.curves.current(), self.curves.average(), self.curves.hold()), strict=True)
        return {name: values for name, values in found if values is not None}

    def csv(self, names: tuple[str, ...], low_hz: float, high_hz: float) -> str | None:
        """Return curves as a table with one line per channel between two frequencies, or None without any."""
        if self.curves is None:
            return None
        axis = self.curves.block.axis
        columns = {name: values for name, values in self.values().items() if name in names}
        out = io.StringIO()
        out.write(",".join(["frequency_hz", *(name.lower().replace(" ", "_") for name in columns)]) + "\n")
        for i in np.flatnonzero((axis >= low_hz) & (axis <= high_hz)).tolist():
            out.write(",".join([repr(float(axis[i])), *(f"{float(each[i]):.9g}" for each in columns.values())]) + "\n")
        return out.getvalue()
