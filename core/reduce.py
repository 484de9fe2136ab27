"""Turn any number of samples into what a row of pixels can show: minimum and maximum of every pixel column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from .levels import Levels, expand, merge_extremes

RAW_PER_PIXEL = 2


@dataclass(frozen=True)
class Reduced:
    """A curve made ready to be painted, in drawing order; all arrays have the same length.

    One entry stands for one pixel column that holds samples, or for one sample when ``raw``. Columns without samples
    have no entry. An entry whose ``low`` is NaN is a gap: nothing joins its neighbours. One sample on either side of
    the window is included, so that the line reaches the border.

    Args:
        x: f8[m] middle of the pixel column, or the sample's own x.
        low, high: f8[m] minimum and maximum of the column; infinities are values like others.
        first, last: f8[m] first and last value of the column, to be joined with those of the neighbours.
        raw: each entry is one sample.
    """

    x: np.ndarray
    low: np.ndarray
    high: np.ndarray
    first: np.ndarray
    last: np.ndarray
    raw: bool

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Samples:
    """What a reduction reads of a curve.

    Args:
        x, y: f8[n] all live samples.
        levels: minimum/maximum levels of ``y``, built up to its newest complete bucket.
        first_serial: serial of sample 0.
        breaks: i8[b] ascending positions before which the line is broken.
    """

    x: np.ndarray
    y: np.ndarray
    levels: Levels
    first_serial: int
    breaks: np.ndarray


def column_edges(lo: float, hi: float, pixels: int) -> np.ndarray:
    """Return the f8[pixels + 1] borders of the pixel columns: each includes its lower border, the last also ``hi``."""
    return np.linspace(lo, hi, pixels + 1)


def empty_reduction(raw: bool = True) -> Reduced:
    """Return a reduction of no samples."""
    none = np.empty(0)
    return Reduced(none, none, none, none, none, raw)


def reduce_pieces(samples: Samples, pieces: Sequence[tuple[int, int]], lo: float, hi: float, pixels: int) -> Reduced:
    """Reduce stretches of samples in each of which x never falls.

    Args:
        samples: the curve.
        pieces: (start, stop) positions, ascending.
        lo, hi: borders of the window on the x axis.
        pixels: columns of the window.
    """
    inside = [_inside(samples.x, start, stop, lo, hi) for start, stop in pieces]
    if sum(stop - start for start, stop in inside) <= RAW_PER_PIXEL * pixels:
        widened = [
            (first - _reach(samples.x, start, stop, first - 1), last + _reach(samples.x, start, stop, last))
            for (start, stop), (first, last) in zip(pieces, inside, strict=True)
            if _touches(samples.x, start, stop, first, last)
        ]
        return raw_samples(samples, [piece for piece in widened if piece[1] > piece[0]])
    edges = column_edges(lo, hi, pixels)
    parts: list[_Part] = []
    for (start, stop), (first, last) in zip(pieces, inside, strict=True):
        if last > first:
            parts += _reduce_piece(samples, start, stop, first, last, edges)
    return _join(parts, raw=False)


def reduce_unordered(samples: Samples, positions: np.ndarray, lo: float, hi: float, pixels: int) -> Reduced:
    """Reduce samples whose x goes up and down too often to be taken piece by piece; the columns come in x order.

    Args:
        samples: the curve.
        positions: i8[k] ascending positions of the samples inside the window.
        lo, hi, pixels: the window.
    """
    if len(positions) <= RAW_PER_PIXEL * pixels:
        cuts = np.flatnonzero(np.diff(positions) > 1) + 1
        runs = np.split(positions, cuts) if len(positions) else []
        return raw_samples(samples, [(int(run[0]), int(run[-1]) + 1) for run in runs])
    edges = column_edges(lo, hi, pixels)
    columns = np.minimum(np.searchsorted(edges, samples.x[positions], side="right") - 1, pixels - 1)
    order = np.argsort(columns, kind="stable")
    y = samples.y[positions[order]]
    starts = np.searchsorted(columns[order], np.arange(pixels + 1))
    used = np.flatnonzero(np.diff(starts))
    low, high = merge_extremes(y, y, starts[used], starts[used + 1])
    return Reduced(_middles(edges, used), low, high, y[starts[used]], y[starts[used + 1] - 1], raw=False)


def raw_samples(samples: Samples, pieces: Sequence[tuple[int, int]]) -> Reduced:
    """Return samples as they are, with gaps at breaks and where stretches do not follow on one another."""
    if not pieces:
        return empty_reduction()
    bounds = np.array(pieces, dtype=np.int64)
    positions = expand(bounds[:, 0], bounds[:, 1] - bounds[:, 0])
    x, y = samples.x[positions], samples.y[positions]
    apart = np.flatnonzero((np.diff(positions) != 1) | _is_break(samples.breaks, positions[1:])) + 1
    if len(apart):
        x, y = np.insert(x, apart, x[apart]), np.insert(y, apart, np.nan)
    return Reduced(x, y, y, y, y, raw=True)


@dataclass(frozen=True)
class _Part:
    """Entries of consecutive samples ``start`` … ``stop``; joined to the part before when that ends at ``start``."""

    start: int
    stop: int
    broken: bool
    x: np.ndarray
    low: np.ndarray
    high: np.ndarray
    first: np.ndarray
    last: np.ndarray


def _inside(x: np.ndarray, start: int, stop: int, lo: float, hi: float) -> tuple[int, int]:
    piece = x[start:stop]
    first, last = np.searchsorted(piece, lo, side="left"), np.searchsorted(piece, hi, side="right")
    return start + int(first), start + int(last)


def _touches(x: np.ndarray, start: int, stop: int, first: int, last: int) -> bool:
    """Tell whether a piece has a sample in the window or crosses it; NaN has no place on the axis."""
    return not np.isnan(x[start]) and (last > first or start < first < stop)


def _reach(x: np.ndarray, start: int, stop: int, neighbour: int) -> int:
    """Return 1 when the piece has a sample at ``neighbour`` to which a line can be drawn, else 0."""
    return int(start <= neighbour < stop and bool(np.isfinite(x[neighbour])))


def _reduce_piece(samples: Samples, start: int, stop: int, first: int, last: int, edges: np.ndarray) -> list[_Part]:
    borders = np.searchsorted(samples.x[first:last], edges, side="left") + first
    borders[-1] = last
    low, high = samples.levels.extremes(samples.y, samples.first_serial, borders)
    used = np.flatnonzero(np.diff(borders))
    heads, tails = borders[used], borders[used + 1] - 1
    columns = [_middles(edges, used), low[used], high[used], samples.y[heads], samples.y[tails]]
    apart = np.flatnonzero(_is_break(samples.breaks, heads[1:])) + 1
    if len(apart):
        columns = [np.insert(columns[0], apart, columns[0][apart]), *(np.insert(c, apart, np.nan) for c in columns[1:])]
    parts = [_Part(first, last, _broken_at(samples, first), *columns)]
    if _reach(samples.x, start, stop, first - 1):
        parts.insert(0, _neighbour(samples, first - 1))
    if _reach(samples.x, start, stop, last):
        parts.append(_neighbour(samples, last))
    return parts


def _neighbour(samples: Samples, position: int) -> _Part:
    y = samples.y[position : position + 1]
    x = samples.x[position : position + 1]
    return _Part(position, position + 1, _broken_at(samples, position), x, y, y, y, y)


def _join(parts: Sequence[_Part], raw: bool) -> Reduced:
    if not parts:
        return empty_reduction(raw)
    pieces: list[_Part] = [parts[0]]
    for before, part in pairwise(parts):
        if part.broken or before.stop != part.start:
            none = np.full(1, np.nan)
            pieces.append(_Part(part.start, part.start, False, part.x[:1], none, none, none, none))
        pieces.append(part)
    return Reduced(
        *(np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("x", "low", "high", "first", "last")),
        raw=raw,
    )


def _broken_at(samples: Samples, position: int) -> bool:
    return bool(_is_break(samples.breaks, np.array([position]))[0])


def _is_break(breaks: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return bool[k]: whether the line is broken before each of the positions."""
    if not len(breaks):
        return np.zeros(len(positions), bool)
    index = np.minimum(np.searchsorted(breaks, positions), len(breaks) - 1)
    return breaks[index] == positions


def _middles(edges: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return (edges[columns] + edges[columns + 1]) / 2
