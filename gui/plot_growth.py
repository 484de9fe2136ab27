"""New samples at the end of curves that a plot shows already: only the columns that they change are made anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.lookup import MOST_PIECES
from ..core.reduce import Reduced
from .curve_lines import Mapping, y_extent
from .curve_view import CurveView, Trace
from .x_axis import XAxis

MOST_TAILS = 100  # pieces added to each curve of a picture before all is made anew


@dataclass(frozen=True)
class Shown:
    """How far a curve is shown.

    Args:
        view: the curve. length, last_x: its samples, and the x of the newest. state: what changes when more than
            samples at the end did.
    """

    view: CurveView
    length: int
    last_x: float
    state: tuple[object, ...]

    @classmethod
    def of(cls, view: CurveView, axis: XAxis) -> Shown:
        """Note how far a curve goes now."""
        curve = view.curve
        length = len(curve) if view.has(axis) else 0
        last_x = float(curve.column(axis.column)[-1]) if length else np.nan
        return cls(view, length, last_x, _state(view, axis))


class PlotGrowth:
    """What was painted, and what has come since.

    Args:
        axis, mapping, pixels: of the picture. shown: its curves when their lines were made.
    """

    def __init__(self, axis: XAxis, mapping: Mapping, pixels: int, shown: Sequence[Shown]) -> None:
        self._axis, self._mapping, self._pixels = axis, mapping, pixels
        self._shown = list(shown)
        self._tails = 0

    def is_of(self, axis: XAxis, mapping: Mapping, pixels: int, views: Sequence[CurveView]) -> bool:
        """Tell whether the picture is still of this stretch and these curves, and not of too many pieces."""
        is_same = (axis, mapping, pixels) == (self._axis, self._mapping, self._pixels) and not axis.splits_runs
        self._tails += 1
        return is_same and len(views) == len(self._shown) and self._tails <= MOST_TAILS

    def tail(self, number: int, view: CurveView) -> Trace | None:
        """Return the piece of a curve to be painted over the picture, None without one; it counts as painted.

        Raises:
            LookupError: the picture must be made anew: something else changed, or the new values need another range.
        """
        axis, mapping = self._axis, self._mapping
        before, after = self._shown[number], Shown.of(view, axis)
        if not _has_grown(before, after, axis):
            return None
        trace = Trace(_tail(before, axis, self._pixels), 0.0, "main")
        extent = y_extent(trace.reduced, axis.low, axis.high, 0.0, log=mapping.log)
        if extent is not None and (extent[0] < mapping.bottom or extent[1] > mapping.top):
            raise LookupError("another range")
        self._shown[number] = after
        return trace


def _state(view: CurveView, axis: XAxis) -> tuple[object, ...]:
    curve = view.curve
    if not view.has(axis):
        return view.shown, False
    return view.shown, view.smoothed, curve.rewrites, len(curve.pieces(axis.column)), len(curve.breaks)


def _has_grown(before: Shown, after: Shown, axis: XAxis) -> bool:
    """Tell whether there are new samples to be painted.

    Raises:
        LookupError: there is more to it.
    """
    if before.view is not after.view or before.state != after.state or after.view.smoothed is not None:
        raise LookupError("more than new samples")
    if after.length == before.length or not after.view.shown:
        return False
    if not np.isfinite(before.last_x) or len(after.view.curve.pieces(axis.column)) > MOST_PIECES:
        raise LookupError("nothing to go on from")
    return True


def _tail(before: Shown, axis: XAxis, pixels: int) -> Reduced:
    """Reduce from the pixel column on that holds the newest sample painted."""
    width = (axis.high - axis.low) / pixels
    column = min(max(int((before.last_x - axis.low) / width), 0), pixels - 1)
    low = axis.low + column * width
    return before.view.curve.reduce(axis.column, low, axis.high, pixels - column)
