"""How one curve appears in its plot: text, colour, whether it is shown, and what of it lies in the visible stretch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..core.curve import Curve
from ..core.reduce import Reduced
from .plain_text import one_line
from .smoothing import SmoothedCurve
from .x_axis import RELATIVE, XAxis

CurveKey = tuple[str, str, tuple[tuple[str, str], ...]]
Sample = tuple[float, float, float | None]  # x, value, average
MOST_RUNS = 12  # older ones of a producer that restarts all the time are not drawn over one another
NEAR_PX = 60.0  # a sample farther away from the crosshair than that is not its value
BEYOND_PX = 12.0  # the same for the ends of a curve


@dataclass(frozen=True)
class Trace:
    """One reduced stretch of a curve; ``shift`` is to be subtracted from its x, ``role`` says how it is painted."""

    reduced: Reduced
    shift: float
    role: str  # "main", "faded" under its average, "old" for an earlier run


@dataclass
class CurveView:
    """A curve in a plot.

    Args:
        curve: the samples. label: what the legend calls it. producer_name: as the user knows the producer.
        shown: not switched off in the legend. smoothed: its moving average, when smoothing is on.
        starts: x of each run's start, for a relative axis.
    """

    curve: Curve
    label: str
    producer_name: str
    shown: bool = True
    smoothed: SmoothedCurve | None = None
    starts: list[float] = field(default_factory=list)

    @property
    def key(self) -> CurveKey:
        return (self.curve.producer, self.curve.name, self.curve.labels)

    @property
    def full_name(self) -> str:
        """Producer and labels, for tooltips and tables."""
        labels = " ".join(f"{name}={text}" for name, text in self.curve.labels)
        return one_line(f"{self.producer_name} {labels}".strip())

    def has(self, axis: XAxis) -> bool:
        """Tell whether this curve can be drawn over the axis."""
        return self.curve.has(axis.column)

    def extent(self, axis: XAxis) -> tuple[float, float] | None:
        """Return the smallest and largest x of the samples on the axis."""
        if not self.has(axis):
            return None
        if axis.choice != RELATIVE:
            return self.curve.extent(axis.column)
        t = self.curve.column("t")
        ends = [float(t[p]) - start for start, run in self._runs(axis) for p in (run[0], run[1] - 1)]
        finite = [end for end in ends if np.isfinite(end)]
        return (min(finite), max(finite)) if finite else None

    def traces(self, axis: XAxis, pixels: int) -> list[Trace]:
        """Return what is to be painted, undermost first."""
        if not self.shown or not self.has(axis):
            return []
        if not axis.splits_runs:
            return self._trace(axis, pixels, 0.0, None, is_old=False)
        runs = self._runs(axis)
        return [
            trace
            for number, (start, run) in enumerate(runs)
            for trace in self._trace(axis, pixels, start, run, is_old=number + 1 < len(runs))
        ]

    def value_at(self, axis: XAxis, x: float, per_px: float) -> Sample | None:
        """Return x, value and average of the sample under the crosshair, of the newest run where runs overlap.

        Args:
            axis: the axis. x: the crosshair's place. per_px: axis units per pixel.
        """
        if not self.has(axis):
            return None
        start, run = self._runs(axis)[-1] if axis.splits_runs and len(self.curve) else (0.0, (0, len(self.curve)))
        position = self.curve.nearest(axis.column, x + start)
        if position is None:
            return None
        if not run[0] <= position < run[1]:
            column = self.curve.column(axis.column)[run[0] : run[1]]
            position = run[0] + int(np.nanargmin(np.abs(column - (x + start)))) if np.isfinite(column).any() else -1
        if position < 0:
            return None
        found = float(self.curve.column(axis.column)[position]) - start
        is_beyond = position in (run[0], run[1] - 1)
        if not abs(found - x) <= (BEYOND_PX if is_beyond else NEAR_PX) * per_px:
            return None
        average = self.smoothed.values if self.smoothed is not None else np.empty(0)
        smooth = float(average[position]) if position < len(average) else None
        return found, float(self.curve.column("value")[position]), smooth

    def visible_positions(self, axis: XAxis) -> np.ndarray:
        """Return i8[k] ascending positions of the samples in the visible stretch."""
        if not self.has(axis):
            return np.empty(0, np.int64)
        if axis.choice != RELATIVE:
            window = self.curve.window(axis.column, axis.low, axis.high)
            return np.arange(window.start, window.stop) if isinstance(window, slice) else window
        t = self.curve.column("t")
        parts = [
            first + np.flatnonzero((t[first:last] - start >= axis.low) & (t[first:last] - start <= axis.high))
            for start, (first, last) in self._runs(axis)
        ]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def _runs(self, axis: XAxis) -> list[tuple[float, tuple[int, int]]]:
        """Return the newest runs as (what is to be subtracted from their x, positions)."""
        runs = self.curve.runs
        is_known = axis.choice == RELATIVE and len(self.starts) == len(runs)
        starts = self.starts if is_known else [0.0] * len(runs)
        return list(zip(starts, runs, strict=True))[-MOST_RUNS:]

    def _trace(
        self, axis: XAxis, pixels: int, shift: float, run: tuple[int, int] | None, *, is_old: bool
    ) -> list[Trace]:
        low, high = axis.low + shift, axis.high + shift
        raw = self.curve.reduce(axis.column, low, high, pixels, run=run)
        if self.smoothed is None:
            return [Trace(raw, shift, "old" if is_old else "main")]
        average = self.smoothed.reduce(axis.column, low, high, pixels, run)
        return [Trace(raw, shift, "faded"), Trace(average, shift, "old" if is_old else "main")]


def curve_labels(curves: Sequence[Curve], producer_names: Mapping[str, str]) -> list[str]:
    """Return a short text for each curve of one plot that tells it from the others.

    Labels that all curves share are left out; the producer's name is added when there are several producers.
    """
    pairs = Counter(pair for curve in curves for pair in curve.labels)
    several = len({curve.producer for curve in curves}) > 1
    texts = []
    for curve in curves:
        own = [text for name, text in curve.labels if pairs[name, text] < len(curves) or len(curves) == 1]
        words = [", ".join(own)] if own else []
        if several:
            words.insert(0, producer_names.get(curve.producer, curve.producer))
        texts.append(one_line(" · ".join(words) or curve.name))
    return [
        _told_apart(text, curve) if texts.count(text) > 1 else text for text, curve in zip(texts, curves, strict=True)
    ]


def _told_apart(text: str, curve: Curve) -> str:
    labels = ", ".join(f"{name}={value}" for name, value in curve.labels)
    return one_line(f"{text} ({labels or curve.producer})")


def run_starts(curves: Sequence[Curve]) -> dict[CurveKey, list[float]]:
    """Return, for each curve, the time at which each of its runs began for its producer.

    A producer's run begins with the first sample of any of its curves. The curve with most runs says where runs end;
    another curve's run is the one after all those that ended before it began.
    """
    result: dict[CurveKey, list[float]] = {}
    for producer in {curve.producer for curve in curves}:
        own = [curve for curve in curves if curve.producer == producer and len(curve)]
        spans = {id(curve): _run_times(curve) for curve in own}
        reference = max(spans.values(), key=len, default=[])
        ends = [last for _, last in reference[:-1]]
        begins: dict[int, float] = {}
        numbers: dict[int, list[int]] = {}
        for curve in own:
            numbers[id(curve)] = [sum(end < first for end in ends) for first, _ in spans[id(curve)]]
            for number, (first, _) in zip(numbers[id(curve)], spans[id(curve)], strict=True):
                begins[number] = min(first, begins.get(number, first))
        for curve in own:
            result[curve.producer, curve.name, curve.labels] = [begins[number] for number in numbers[id(curve)]]
    return result


def _run_times(curve: Curve) -> list[tuple[float, float]]:
    t = curve.column("t")
    return [(float(t[start]), float(t[stop - 1])) for start, stop in curve.runs]
