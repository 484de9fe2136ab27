"""Find samples by their place on an axis that rises in one piece, in a few, or not at all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

MOST_PIECES = 64  # an axis that falls more often than that is not taken piece by piece
Pieces = Sequence[tuple[int, int]]  # (start, stop) stretches in which the axis never falls


def window_of(column: np.ndarray, pieces: Pieces, lo: float, hi: float) -> slice | np.ndarray:
    """Return which samples have lo ≤ x ≤ hi: a slice when x never falls, else i8[k] positions."""
    if len(pieces) == 1:
        return slice(int(np.searchsorted(column, lo, "left")), int(np.searchsorted(column, hi, "right")))
    return np.flatnonzero((column >= lo) & (column <= hi))


def extent_of(column: np.ndarray, pieces: Pieces) -> tuple[float, float] | None:
    """Return the smallest and largest finite x, or None when there is none."""
    if len(pieces) == 1:
        first, last = float(column[pieces[0][0]]), float(column[pieces[0][1] - 1])
        if math.isfinite(first) and math.isfinite(last):
            return first, last
    if len(pieces) <= MOST_PIECES:
        ends = [column[position] for start, stop in pieces for position in (start, stop - 1)]
        if ends and np.isfinite(ends).all():
            return float(min(ends)), float(max(ends))
    finite = column[np.isfinite(column)]
    return (float(finite.min()), float(finite.max())) if len(finite) else None


def nearest_of(column: np.ndarray, pieces: Pieces, target: float) -> int | None:
    """Return the position of the sample whose x is nearest to ``target``; of equals the newest."""
    if len(pieces) > MOST_PIECES:
        candidates = np.arange(len(column))
    else:
        found = [start + int(np.searchsorted(column[start:stop], target)) for start, stop in pieces]
        limits = zip(found, pieces, strict=True)
        candidates = np.array(
            [p for at, (start, stop) in limits for p in (at - 1, at) if start <= p < stop], dtype=np.int64
        )
    distance = np.abs(column[candidates] - target)
    if not len(candidates) or np.isnan(distance).all():
        return None
    best = np.nanmin(distance)
    equal = column[candidates[np.flatnonzero(distance == best)[-1]]]
    return _newest_equal(column, pieces, float(equal))


def _newest_equal(column: np.ndarray, pieces: Pieces, x: float) -> int:
    if len(pieces) > MOST_PIECES:
        return int(np.flatnonzero(column == x)[-1])
    for start, stop in reversed(pieces):
        at = start + int(np.searchsorted(column[start:stop], x, "right")) - 1
        if at >= start and column[at] == x:
            return at
    raise AssertionError("the value was found in one of the pieces")
