"""Minimum and maximum of every 64, 512, 4096, … consecutive samples, kept as the samples arrive.

With them the range of values in any stretch of a curve is found from a bounded number of entries: whole buckets of the
coarsest level that fit, finer ones at both ends, and at most 63 samples on each side. NaN counts as no value.
"""

from __future__ import annotations

import numpy as np

from .sliding import Reservations, SlidingArray

BASE_BUCKET = 64
RATIO = 8
_COARSEN_FROM = 16  # entries per stretch on average, below which a coarser level saves nothing


def expand(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the indices of many stretches, one after another.

    Args:
        starts: i8[k] first index of each stretch.
        lengths: i8[k] number of indices of each, 0 included.

    Returns:
        i8[sum(lengths)].
    """
    filled = lengths > 0
    starts, lengths = starts[filled], lengths[filled]
    if not len(starts):
        return np.empty(0, np.int64)
    ends = np.cumsum(lengths)
    steps = np.ones(ends[-1], np.int64)
    steps[0] = starts[0]
    steps[ends[:-1]] = starts[1:] - (starts[:-1] + lengths[:-1] - 1)
    return np.cumsum(steps, out=steps)  # a third of the time of np.repeat


def merge_extremes(
    low: np.ndarray, high: np.ndarray, starts: np.ndarray, stops: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return minimum and maximum of each stretch, NaN for one without any value.

    Args:
        low, high: f8[n] lower and upper bounds, the same array twice for plain samples.
        starts, stops: i8[p] stretches; they may be empty and are in ascending order.
    """
    lengths = np.maximum(stops - starts, 0)
    filled = np.flatnonzero(lengths)
    least = np.full(len(starts), np.nan)
    most = np.full(len(starts), np.nan)
    if not len(filled):
        return least, most
    starts, lengths = starts[filled], lengths[filled]
    offsets = np.cumsum(lengths) - lengths
    if len(filled) == 1 or (starts[1:] == starts[:-1] + lengths[:-1]).all():
        stretch = slice(starts[0], starts[-1] + lengths[-1])  # they touch: no need to gather
        lows, highs = low[stretch], high[stretch]
    else:
        index = expand(starts, lengths)
        lows = low[index]
        highs = lows if high is low else high[index]
    least[filled] = np.fmin.reduceat(lows, offsets)
    most[filled] = np.fmax.reduceat(highs, offsets)
    return least, most


class _Level:
    """One level: bounds of each complete bucket, numbered from the bucket of serial 0."""

    def __init__(self, reservations: Reservations | None) -> None:
        self.low = SlidingArray(reservations=reservations)
        self.high = SlidingArray(reservations=reservations)

    @property
    def first(self) -> int:
        return self.low.first_serial

    @property
    def stop(self) -> int:
        return self.low.first_serial + len(self.low)

    def start_at(self, bucket: int) -> None:
        self.low.first_serial = self.high.first_serial = bucket

    def extend(self, low: np.ndarray, high: np.ndarray) -> None:
        self.low.extend(low)
        self.high.extend(high)

    def replace_front(self, number: int, low: np.ndarray, high: np.ndarray) -> None:
        self.low.replace_front(number, low)
        self.high.replace_front(number, high)


class Levels:
    """The minimum/maximum levels of one growing column, addressed by the serials of its samples.

    Args:
        reservations: where large arrays come from.
    """

    def __init__(self, reservations: Reservations | None = None) -> None:
        self._reservations = reservations
        self._levels: list[_Level] = []
        self._covered = 0  # serial up to which the base level is built

    @property
    def covered(self) -> int:
        """Serial up to which complete buckets exist."""
        return self._covered

    @property
    def nbytes(self) -> int:
        """Bytes of all levels."""
        return sum(level.low.nbytes + level.high.nbytes for level in self._levels)

    def extend(self, values: np.ndarray, first_serial: int) -> None:
        """Take in what was appended since the last call.

        Args:
            values: f8[n] all live values of the column.
            first_serial: serial of ``values[0]``.
        """
        stop = (first_serial + len(values)) // BASE_BUCKET
        start = self._covered // BASE_BUCKET if self._levels else -(-first_serial // BASE_BUCKET)
        if stop <= start:
            return
        if not self._levels:
            self._add_level(start)
        samples = values[start * BASE_BUCKET - first_serial : stop * BASE_BUCKET - first_serial]
        buckets = samples.reshape(-1, BASE_BUCKET)
        self._levels[0].extend(*_bounds(buckets, buckets))
        self._covered = stop * BASE_BUCKET
        self._raise_levels()

    def _add_level(self, first: int) -> None:
        level = _Level(self._reservations)
        level.start_at(first)
        self._levels.append(level)

    def _raise_levels(self) -> None:
        """Build the complete buckets of every coarser level; a level is opened when its first bucket is complete."""
        depth = 0
        while depth < len(self._levels):
            fine = self._levels[depth]
            if depth + 1 == len(self._levels):
                first = -(-fine.first // RATIO)
                if (first + 1) * RATIO > fine.stop:
                    return
                self._add_level(first)
            coarse = self._levels[depth + 1]
            start, stop = coarse.stop, fine.stop // RATIO
            if stop > start:
                entries = slice(start * RATIO - fine.first, stop * RATIO - fine.first)
                low = fine.low.view()[entries].reshape(-1, RATIO)
                high = fine.high.view()[entries].reshape(-1, RATIO)
                coarse.extend(*_bounds(low, high))
            depth += 1

    def rebuild_front(self, values: np.ndarray, first_serial: int, changed_until: int) -> None:
        """Follow a replacement of the oldest samples.

        Args:
            values: f8[n] all live values after it.
            first_serial: serial of ``values[0]`` after it.
            changed_until: serial of the first sample that is still what and where it was.
        """
        bucket = BASE_BUCKET
        fine_low = fine_high = values
        fine_first = first_serial
        per_bucket = BASE_BUCKET
        for depth, level in enumerate(self._levels):
            first = min(-(-fine_first // per_bucket), level.stop)
            until = min(-(-changed_until // bucket), level.stop)
            entries = slice(first * per_bucket - fine_first, max(first, until) * per_bucket - fine_first)
            low, high = _bounds(fine_low[entries].reshape(-1, per_bucket), fine_high[entries].reshape(-1, per_bucket))
            level.replace_front(max(first, until) - level.first, low, high)
            if not len(level.low):
                del self._levels[depth + 1 :]  # coarser levels start anew when they have a bucket again
                return
            fine_low, fine_high, fine_first = level.low.view(), level.high.view(), level.first
            per_bucket = RATIO
            bucket *= RATIO

    def reset(self) -> None:
        """Forget everything; the next ``extend`` builds all levels anew."""
        self._levels.clear()
        self._covered = 0

    def extremes(
        self, values: np.ndarray, first_serial: int, starts: np.ndarray, stops: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return minimum and maximum of each stretch of samples, exactly.

        Args:
            values: f8[n] all live values.
            first_serial: serial of ``values[0]``.
            starts, stops: i8[p] ascending stretches as positions in ``values``; empty ones give NaN.

        Returns:
            low f8[p], high f8[p].
        """
        return self._merge(0, values, values, first_serial, starts + first_serial, stops + first_serial)

    def _merge(
        self, depth: int, low: np.ndarray, high: np.ndarray, first: int, starts: np.ndarray, stops: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        ratio = BASE_BUCKET if depth == 0 else RATIO
        if depth == len(self._levels) or int((stops - starts).sum()) < _COARSEN_FROM * ratio // 8 * len(starts):
            return merge_extremes(low, high, starts - first, stops - first)
        coarse = self._levels[depth]
        inner_starts = np.maximum(-(-starts // ratio), coarse.first)
        inner_stops = np.minimum(stops // ratio, coarse.stop)
        whole = inner_stops > inner_starts
        # A stretch without a whole bucket is all head: its inner part is empty and its tail as well.
        head_stops = np.where(whole, inner_starts * ratio, stops)
        tail_starts = np.where(whole, inner_stops * ratio, stops)
        inner_starts, inner_stops = np.where(whole, inner_starts, 0), np.where(whole, inner_stops, 0)
        ends = np.empty((len(starts), 2), np.int64), np.empty((len(starts), 2), np.int64)
        ends[0][:, 0], ends[0][:, 1] = starts, tail_starts
        ends[1][:, 0], ends[1][:, 1] = head_stops, stops
        outer_low, outer_high = merge_extremes(low, high, ends[0].ravel() - first, ends[1].ravel() - first)
        chosen = np.flatnonzero(whole)
        least, most = np.fmin(outer_low[::2], outer_low[1::2]), np.fmax(outer_high[::2], outer_high[1::2])
        if len(chosen):
            inner_low, inner_high = self._merge(
                depth + 1,
                coarse.low.view(),
                coarse.high.view(),
                coarse.first,
                inner_starts[chosen],
                inner_stops[chosen],
            )
            least[chosen] = np.fmin(least[chosen], inner_low)
            most[chosen] = np.fmax(most[chosen], inner_high)
        return least, most


def _bounds(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return minimum of ``low`` and maximum of ``high`` along the last axis; plain minimum is the faster one."""
    least, most = low.min(axis=1), high.max(axis=1)
    if np.isnan(least).any() or np.isnan(most).any():
        least, most = np.fmin.reduce(low, axis=1), np.fmax.reduce(high, axis=1)
    return least, most
