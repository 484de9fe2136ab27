"""Levels of the waterfall's colours: set by hand, or following the data slowly, so that nothing flickers."""

from __future__ import annotations

import numpy as np

from .color_maps import to_decibel

LOW_PERCENTILE, HIGH_PERCENTILE = 15.0, 99.7  # the noise floor is to look dark, and filter edges are below it
ROOM_BELOW = 0.12  # of the range, so that the noise keeps its structure
MINIMUM_RANGE_DB = 6.0  # so that plain noise does not fill the whole colour map
DEAD_BAND = 0.06  # of the range: smaller changes leave the levels alone
STEP = 0.5  # of the way towards the data, per update


def target_levels(values: np.ndarray, *, decibel: bool) -> tuple[float, float] | None:
    """Return robust levels for values, or None when there is nothing to go by.

    Args:
        values: f4[n] finite, linear.
        decibel: the levels are wanted in dB of the magnitude.

    Returns:
        low < high.
    """
    if decibel:
        values = values[values != 0]
    if not len(values):
        return None
    source = to_decibel(values) if decibel else values
    low, high = (float(level) for level in np.percentile(source, (LOW_PERCENTILE, HIGH_PERCENTILE)))
    low -= ROOM_BELOW * (high - low)
    if decibel:
        return low, max(high, low + MINIMUM_RANGE_DB)
    return low, high if high > low else low + max(abs(low) * 1e-3, 1e-30)


class Levels:
    """The levels in force.

    Attributes:
        low, high: values of the first and last colour, in dB or linear; low < high.
        automatic: whether ``follow`` may change them.
        settled: False until ``follow`` has seen data of the present kind.
    """

    def __init__(self) -> None:
        self.low, self.high = 0.0, 1.0
        self.automatic = True
        self.settled = False

    def unsettle(self) -> None:
        """Jump to the data at the next ``follow``: they are of another kind now."""
        self.settled = False

    def set_by_hand(self, low: float, high: float) -> bool:
        """Fix the levels; False and no change when they are not finite with low < high."""
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            return False
        self.low, self.high, self.automatic = float(low), float(high), False
        return True

    def follow(self, values: np.ndarray, *, decibel: bool) -> bool:
        """Move towards the values when automatic and they differ by more than the dead band.

        Returns:
            whether the levels changed.
        """
        if not self.automatic:
            self.settled = True
        if not self.automatic or (target := target_levels(values, decibel=decibel)) is None:
            return False
        if not self.settled:
            changed = (self.low, self.high) != target
            self.low, self.high = target
            self.settled = True
            return changed
        band = DEAD_BAND * (self.high - self.low)
        if abs(target[0] - self.low) <= band and abs(target[1] - self.high) <= band:
            return False
        self.low += STEP * (target[0] - self.low)
        self.high += STEP * (target[1] - self.high)
        return True
