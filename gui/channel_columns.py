"""From channels to pixel columns: each column keeps the strongest of its channels, so nothing narrow disappears.

A value can be negative (a cross product of two polarizations). "Strongest" therefore means the largest magnitude, with
its sign kept; +a wins over -a.
"""

from __future__ import annotations

import numpy as np


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
        self._order = _ascending_order(frequencies)
        centers = frequencies if self._order is None else frequencies[self._order]
        step = (high_hz - low_hz) / width
        low, edge_channels = channel_edges(centers), np.arange(width + 1) * step + low_hz
        first = np.searchsorted(centers, edge_channels, side="left")
        middle = edge_channels[:-1] + step / 2
        nearest = np.searchsorted(low, middle, side="right") - 1
        self._full = np.flatnonzero(first[1:] > first[:-1])  # columns with channel centres
        self._starts = first[:-1][self._full]
        self._stop = int(first[-1])
        inside = (nearest >= 0) & (nearest < len(centers)) & (first[1:] == first[:-1])
        self._narrow = np.flatnonzero(inside)  # columns inside one channel
        self._channels = nearest[self._narrow]
        used = [
            *self._starts[:1],
            *self._channels[:1],
            *self._channels[-1:],
            *([self._stop - 1] if len(self._full) else []),
        ]
        self.channel_range = (int(min(used)), int(max(used)) + 1) if used else (0, 0)
        self._shift()

    def _shift(self) -> None:
        """Count channels from the first one in use: a zoomed window then reads only its own channels."""
        self._starts = self._starts - self.channel_range[0]
        self._channels = self._channels - self.channel_range[0]
        self._stop -= self.channel_range[0]

    def select(self, rows: np.ndarray) -> np.ndarray:
        """Return the channels of the window in ascending order, a view where possible; f4[r, n] of f4[r, nchan]."""
        start, stop = self.channel_range
        if self._order is None:
            return rows[:, start:stop]
        if isinstance(self._order, slice):
            return rows[:, ::-1][:, start:stop]
        return rows[:, self._order[start:stop]]

    def reduce(self, selected: np.ndarray) -> np.ndarray:
        """Turn selected channels into columns.

        Args:
            selected: f4[r, n] from ``select``.

        Returns:
            f4[r, width]; NaN where the window lies outside of the block's channels.
        """
        columns = np.full((len(selected), self.width), np.nan, dtype=np.float32)
        if len(self._full):
            part = selected[:, : self._stop]
            high = np.fmax.reduceat(part, self._starts, axis=1)
            columns[:, self._full] = (
                _pick(high, np.fmin.reduceat(part, self._starts, axis=1)) if _has_negative(part) else high
            )
        if len(self._narrow):
            columns[:, self._narrow] = selected[:, self._channels]
        return columns

    def extremes(self, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the smallest and the largest value of each column of one spectrum, f4[width] each."""
        selected = self.select(row[None, :])[0]
        low = np.full(self.width, np.nan, dtype=np.float32)
        if len(self._full):
            low[self._full] = np.fmin.reduceat(selected[: self._stop], self._starts)
        high = low.copy()
        if len(self._full):
            high[self._full] = np.fmax.reduceat(selected[: self._stop], self._starts)
        low[self._narrow] = high[self._narrow] = selected[self._channels]
        return low, high


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
