"""From channels to pixel columns: each column keeps the strongest of its channels, so nothing narrow disappears.

A value can be negative (a cross product of two polarizations). "Strongest" therefore means the largest magnitude, with
its sign kept; +a wins over -a.
"""

from __future__ import annotations

import numpy as np

from .channel_ranges import ChannelRanges


def strongest(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the value of larger magnitude of each pair; a NaN loses against any number."""
    return _pick(np.fmax(first, second), np.fmin(first, second))


def strongest_of_rows(rows: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Merge runs of rows into one row each.

    Args:
        rows: f4[r, n].
        starts: intp[k] first row of each run, ascending, starts[0] == 0.

    Returns:
        f4[k, n].
    """
    if len(starts) == len(rows):
        return rows
    stops = [*starts[1:].tolist(), len(rows)]
    # One reduce per run: numpy's reduceat along the first axis is six times slower.
    high = _reduce_runs(np.fmax, rows, starts.tolist(), stops)
    return _pick(high, _reduce_runs(np.fmin, rows, starts.tolist(), stops)) if _has_negative(rows) else high


def _reduce_runs(merge: np.ufunc, rows: np.ndarray, starts: list[int], stops: list[int]) -> np.ndarray:
    result = np.empty((len(starts), rows.shape[1]), dtype=np.float32)
    for out, start, stop in zip(result, starts, stops, strict=True):
        merge.reduce(rows[start:stop], axis=0, out=out)
    return result


def _pick(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    return np.where(-low > high, low, high)


def _has_negative(rows: np.ndarray) -> bool:
    return bool(rows.size) and bool(np.fmin.reduce(rows, axis=None) < 0)


class ChannelColumns:
    """The map from the channels of one block to the pixel columns of one frequency window.

    A column holds the channels whose centre lies in it; where channels are wider than columns, the channel at the
    column's middle. A channel reaches half way to its neighbours.

    Args:
        frequencies: f8[nchan] Hz of the channel centres, in any order; channels that are not finite are left out.
        low_hz, high_hz: edges of the window, low < high.
        width: number of columns.
    """

    def __init__(self, frequencies: np.ndarray, low_hz: float, high_hz: float, width: int) -> None:
        self.width = width
        order = _ascending_order(frequencies)
        centers = frequencies if order is None else frequencies[order]
        step = (high_hz - low_hz) / width
        low, edge_channels = channel_edges(centers), np.arange(width + 1) * step + low_hz
        first = np.searchsorted(centers, edge_channels, side="left")
        middle = edge_channels[:-1] + step / 2
        nearest = np.searchsorted(low, middle, side="right") - 1
        full = np.flatnonzero(first[1:] > first[:-1])  # columns with channel centres
        inside = (nearest >= 0) & (nearest < len(centers)) & (first[1:] == first[:-1])
        narrow = np.flatnonzero(inside)  # columns inside one channel
        used = np.concatenate([first[:-1][full], first[1:][full] - 1, nearest[narrow]])
        start, stop = (int(used.min()), int(used.max()) + 1) if len(used) else (0, 0)
        # Channels count from the first one in use: a zoomed window then reads only its own channels.
        self._full, self._narrow = full, narrow
        self._ranges = ChannelRanges(first[:-1][full] - start, int(first[-1]) - start)
        self._channels = nearest[narrow] - start
        self._use(order, start, stop, len(centers))

    def _use(self, order: np.ndarray | slice | None, start: int, stop: int, count: int) -> None:
        """Keep where the channels in use lie in a row as it was sent, and how to bring them into ascending order."""
        self._descending = isinstance(order, slice)
        self._order: np.ndarray | None = None
        if self._descending:
            start, stop = count - stop, count - start
        elif isinstance(order, np.ndarray) and stop > start:
            wanted = order[start:stop]
            start, stop = int(wanted.min()), int(wanted.max()) + 1
            self._order = wanted - start
        self.channel_range = (start, stop)

    def select(self, rows: np.ndarray) -> np.ndarray:
        """Return a view of the channels that the window needs, as ``reduce`` takes them; f4[r, n] of f4[r, nchan]."""
        start, stop = self.channel_range
        return rows[:, start:stop]

    def reduce(self, selected: np.ndarray) -> np.ndarray:
        """Turn selected channels into columns.

        Args:
            selected: f4[r, n] from ``select``.

        Returns:
            f4[r, width]; NaN where the window lies outside of the block's channels.
        """
        selected = self._ascending(selected)
        high = self._reduce(np.fmax, selected)
        return _pick(high, self._reduce(np.fmin, selected)) if _has_negative(selected) else high

    def extremes(self, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the smallest and the largest value of each column of one spectrum, f4[width] each."""
        selected = self._ascending(self.select(row[None, :]))
        return self._reduce(np.fmin, selected)[0], self._reduce(np.fmax, selected)[0]

    def _ascending(self, selected: np.ndarray) -> np.ndarray:
        if self._descending:
            return selected[:, ::-1]
        return selected if self._order is None else selected.take(self._order, axis=1)

    def _reduce(self, merge: np.ufunc, selected: np.ndarray) -> np.ndarray:
        if len(self._full) == self.width:
            return self._ranges.reduce(merge, selected)
        columns = np.full((len(selected), self.width), np.nan, dtype=np.float32)
        if len(self._full):
            columns[:, self._full] = self._ranges.reduce(merge, selected)
        if len(self._narrow):
            columns[:, self._narrow] = selected.take(self._channels, axis=1)
        return columns


def channel_edges(centers: np.ndarray) -> np.ndarray:
    """Return the f8[nchan + 1] edges of channels with ascending centres; a lone channel gets 1 Hz."""
    if len(centers) < 2:
        return np.concatenate([centers - 0.5, centers + 0.5])
    middles = centers[:-1] + np.diff(centers) / 2
    return np.concatenate([[2 * centers[0] - middles[0]], middles, [2 * centers[-1] - middles[-1]]])


def _ascending_order(frequencies: np.ndarray) -> np.ndarray | slice | None:
    """Return how to sort the channels: None when they are sorted, a slice when reversed, else their indices."""
    finite = np.isfinite(frequencies)
    if finite.all():
        steps = np.diff(frequencies)
        if (steps > 0).all():
            return None
        if (steps < 0).all():
            return slice(None, None, -1)
    order = np.argsort(frequencies, kind="stable")  # NaN comes last, +inf before it
    return order[finite[order]]
