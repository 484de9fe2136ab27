"""Minimum and maximum of every 16, 128, 1024, … consecutive samples, kept as the samples arrive.

With them the range of values in any stretch of a curve is found from a bounded number of entries: whole buckets of the
coarsest level that fit, finer ones at both ends, and at most 15 samples on each side. NaN counts as no value. All
levels together take a seventh of what the values take.
"""

from __future__ import annotations

import numpy as np

from .sliding import Reservations, SlidingArray

BASE_BUCKET = 16
RATIO = 8
_COARSEN_FROM = 96  # entries per stretch on average, below which a coarser level saves nothing


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

    def drop_back(self, number: int) -> None:
        self.low.drop_back(max(0, number))
        self.high.drop_back(max(0, number))


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
        """Bytes of memory that all levels hold."""
        return sum(level.low.held_bytes + level.high.held_bytes for level in self._levels)

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
        self._levels[0].extend(*_extremes_of_rows(samples, samples, BASE_BUCKET))
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
                coarse.extend(*_extremes_of_rows(fine.low.view()[entries], fine.high.view()[entries], RATIO))
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
            low, high = _extremes_of_rows(fine_low[entries], fine_high[entries], per_bucket)
            level.replace_front(max(first, until) - level.first, low, high)
            if not len(level.low):
                del self._levels[depth:]  # it starts anew when it has a bucket again
                break
            fine_low, fine_high, fine_first = level.low.view(), level.high.view(), level.first
            per_bucket = RATIO
            bucket *= RATIO
        self._covered = self._levels[0].stop * BASE_BUCKET if self._levels else 0

    def cut(self, serial: int) -> None:
        """Forget all buckets that reach to this sample or beyond; the next ``extend`` builds them anew."""
        per_bucket = BASE_BUCKET
        for depth, level in enumerate(self._levels):
            level.drop_back(level.stop - serial // per_bucket)
            if not len(level.low):
                del self._levels[depth:]
                break
            per_bucket *= RATIO
        self._covered = self._levels[0].stop * BASE_BUCKET if self._levels else 0

    def trim(self) -> None:
        """Give spare memory back."""
        for level in self._levels:
            level.low.trim()
            level.high.trim()

    def extremes(self, values: np.ndarray, first_serial: int, borders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return minimum and maximum of the samples between neighbouring borders, exactly.

        Args:
            values: f8[n] all live values.
            first_serial: serial of ``values[0]``.
            borders: i8[p + 1] ascending positions in ``values``; stretches without any value give NaN.

        Returns:
            low f8[p], high f8[p].
        """
        low = high = values
        first, ratio, bounds = first_serial, BASE_BUCKET, []
        starts, stops = borders[:-1] + first_serial, borders[1:] + first_serial
        for level in self._levels:
            if stops[-1] - starts[0] < _COARSEN_FROM * len(starts):
                break
            # What no whole bucket covers is the head and the tail of a stretch; without any bucket they are all of it.
            heads = np.minimum(np.maximum(-(-starts // ratio), level.first) * ratio, stops)
            tails = np.maximum(np.minimum(stops // ratio, level.stop) * ratio, heads)
            bounds += [_ends(low, high, starts - first, heads - first), _ends(low, high, tails - first, stops - first)]
            whole = tails > heads
            starts, stops = np.where(whole, heads // ratio, tails // ratio), tails // ratio
            low, high, first, ratio = level.low.view(), level.high.view(), level.first, RATIO
        bounds.append(_stretches(low, high, starts - first, stops - first))
        return np.fmin.reduce([b[0] for b in bounds], axis=0), np.fmax.reduce([b[1] for b in bounds], axis=0)


def _ends(low: np.ndarray, high: np.ndarray, starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return minimum and maximum of many stretches that are all short; NaN for an empty one."""
    lengths = stops - starts
    width = int(lengths.max(initial=0))
    if width < 1:
        none = np.full(len(starts), np.nan)
        return none, none
    offsets = np.arange(width)[:, np.newaxis]
    index = starts + np.minimum(offsets, np.maximum(lengths - 1, 0))  # the last one again and again
    np.minimum(index, len(low) - 1, out=index)
    lows = low[index]
    highs = lows if high is low else high[index]
    least, most = np.fmin.reduce(lows, axis=0), np.fmax.reduce(highs, axis=0)
    least[lengths <= 0] = most[lengths <= 0] = np.nan
    return least, most


def _stretches(
    low: np.ndarray, high: np.ndarray, starts: np.ndarray, stops: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return minimum and maximum of ascending stretches that lie close to one another; NaN for an empty one."""
    least, most = np.full(len(starts), np.nan), np.full(len(starts), np.nan)
    filled = np.flatnonzero(stops > starts)
    if len(filled):
        begin, end = int(starts[filled[0]]), int(stops[filled[-1]])
        # What lies between two stretches is reduced as well and left out: cheaper than gathering the rest.
        pairs = np.stack([starts[filled], stops[filled]], axis=1).ravel()[:-1] - begin
        least[filled] = np.fmin.reduceat(low[begin:end], pairs)[::2]
        most[filled] = np.fmax.reduceat(high[begin:end], pairs)[::2]
    return least, most


def _extremes_of_rows(low: np.ndarray, high: np.ndarray, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Return minimum of ``low`` and maximum of ``high`` of every ``row`` entries, a power of two.

    Halving the columns again and again is several times faster than reducing short rows.
    """
    least, most = low, high
    for _ in range(row.bit_length() - 1):
        least, most = np.minimum(least[::2], least[1::2]), np.maximum(most[::2], most[1::2])
    if np.isnan(least).any() or np.isnan(most).any():
        return np.fmin.reduce(low.reshape(-1, row), axis=1), np.fmax.reduce(high.reshape(-1, row), axis=1)
    return least, most
