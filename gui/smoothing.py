"""Exponential moving average of a curve, kept up to date as samples arrive.

With weight a, sample i of a run is shown as Σ aᵏ y(i-k) / Σ aᵏ over the run's samples so far: the average starts at
the first sample instead of at zero (the bias correction of Adam, arXiv 1412.6980, section 3). Samples that are NaN or
infinite have no weight and stay as they are.
"""

from __future__ import annotations

import math

import numpy as np

from ..core.curve import Curve
from ..core.levels import Levels
from ..core.lookup import MOST_PIECES
from ..core.reduce import Reduced, Samples, empty_reduction, reduce_pieces, reduce_unordered
from ..core.sliding import SlidingArray

NEGLIGIBLE = 1e-9  # weights below it end the sum
MAXIMUM_WEIGHT = 0.99


def exponential_sums(values: np.ndarray, weight: float, before: float) -> np.ndarray:
    """Return s[i] = values[i] + weight · s[i-1].

    1 / (1 - aS) = (1 + aS)(1 + a²S²)(1 + a⁴S⁴)… for a shift S by one sample: as many whole-array steps as the number of
    samples that matter has binary digits, instead of one step per sample.

    Args:
        values: f8[n], finite.
        weight: 0 ≤ weight < 1.
        before: the sum before the first sample.
    """
    sums = values.copy()
    if len(sums):
        sums[0] += weight * before
    shift, factor = 1, weight
    while factor > NEGLIGIBLE and shift < len(sums):
        sums[shift:] += factor * sums[:-shift]
        shift, factor = 2 * shift, factor * factor
    return sums


def weight_sums(number: int, weight: float, before: float) -> np.ndarray:
    """Return the sums of ``number`` ones, as ``exponential_sums`` would, by the formula of the geometric series."""
    powers = weight ** np.arange(1, number + 1)
    return (1 - powers) / (1 - weight) + powers * before


class SmoothedCurve:
    """The moving average of one curve.

    Args:
        curve: what is smoothed.
        weight: of the past, 0 to 0.99.
    """

    def __init__(self, curve: Curve, weight: float) -> None:
        self.curve = curve
        self.weight = min(max(weight, 0.0), MAXIMUM_WEIGHT)
        self._values = SlidingArray(reservations=curve.reservations)
        self._levels = Levels(curve.reservations)
        curve.followers.add(self)
        self._sums = (0.0, 0.0)  # of weighted values and of weights, after the newest sample done
        self._newest = (math.nan, math.nan)  # time and value of that sample, to notice samples put before it
        self._first_serial = 0

    @property
    def values(self) -> np.ndarray:
        """f8[m] averages of the first m samples of the curve; m reaches its length when ``extend`` returned True."""
        return self._values.view()

    def extend(self, limit: int) -> bool:
        """Take in new samples.

        Args:
            limit: at most so many now, so that a long history does not hold up a frame.

        Returns:
            Whether all samples of the curve are done.
        """
        if not self._continues():
            self._restart()
        start = len(self._values)
        stop = min(len(self.curve), start + limit)
        for first, last in self.curve.runs:
            if first < stop and last > start:
                self._extend_run(max(first, start), min(last, stop), is_start=first >= start)
        if stop > start:
            self._newest = self._sample(stop - 1)
            self._levels.extend(self._values.view(), self._first_serial)
        return stop == len(self.curve)

    def thin(self, kept: np.ndarray, half: int) -> None:
        """Follow a curve of which only the samples at ``kept`` stay of those before ``half``: so do their averages."""
        if half > len(self._values):
            self._restart()  # its oldest samples are gone before they were done
            return
        changed = self._first_serial + half
        self._values.replace_front(half, self._values.view()[kept])
        self._first_serial = changed - len(kept)
        self._levels.rebuild_front(self._values.view(), self._first_serial, changed)
        self._values.trim()
        self._levels.trim()

    def reduce(self, x: str, low: float, high: float, pixels: int, run: tuple[int, int] | None = None) -> Reduced:
        """Return what a row of pixels can show of the average; arguments as of ``Curve.reduce``."""
        done = len(self._values)
        column = self.curve.column(x)[:done]
        start, stop = run if run is not None else (0, done)
        stop = min(stop, done)
        if not (high > low) or pixels < 1 or stop <= start:
            return empty_reduction()
        samples = Samples(column, self._values.view(), self._levels, self._first_serial, self.curve.breaks)
        pieces = self.curve.pieces(x)
        if len(pieces) <= MOST_PIECES:
            cut = [(max(a, start), min(b, stop)) for a, b in pieces]
            return reduce_pieces(samples, [(a, b) for a, b in cut if b > a], low, high, pixels)
        inside = np.flatnonzero((column[start:stop] >= low) & (column[start:stop] <= high))
        return reduce_unordered(samples, start + inside, low, high, pixels)

    def _extend_run(self, start: int, stop: int, *, is_start: bool) -> None:
        if is_start:
            self._sums = (0.0, 0.0)
        y = self.curve.column("value")[start:stop]
        finite = np.isfinite(y)
        values, weight = self._sums
        if finite.all():
            sums = exponential_sums(y, self.weight, values)
            weights = weight_sums(len(y), self.weight, weight)
        else:
            sums = exponential_sums(np.where(finite, y, 0.0), self.weight, values)
            weights = exponential_sums(finite.astype(float), self.weight, weight)
        self._sums = (float(sums[-1]), float(weights[-1]))
        average = np.divide(sums, weights, out=np.full(len(y), np.nan), where=weights > 0)
        self._values.extend(np.where(finite, average, y))

    def _continues(self) -> bool:
        """Tell whether the samples done are still the first ones of the curve."""
        done = len(self._values)
        if not done:
            return False
        if self.curve.first_serial != self._first_serial or len(self.curve) < done:
            return False
        return np.array_equal(self._sample(done - 1), self._newest, equal_nan=True)

    def _restart(self) -> None:
        self._values = SlidingArray(reservations=self.curve.reservations)
        self._levels = Levels(self.curve.reservations)
        self._sums = (0.0, 0.0)
        self._first_serial = self.curve.first_serial

    def _sample(self, position: int) -> tuple[float, float]:
        return float(self.curve.column("t")[position]), float(self.curve.column("value")[position])
