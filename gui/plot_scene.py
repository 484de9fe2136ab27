"""What one metric plot shows at one moment, computed from its curves: lines, ranges, ticks and notes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QRectF

from .axis_ticks import Tick, moment, time_ticks
from .curve_lines import SMOOTH_LENGTH_PX, Lines, Mapping, make_lines, y_extent
from .curve_view import CurveView, Trace
from .value_axis import duration_ticks, log_ticks, value_ticks
from .x_axis import RELATIVE, TIME, XAxis

Y_TICK_PX = 25.0
X_TICK_PX = 48.0
Y_MARGIN = 0.06
KEEP_SHARE = 0.7  # a range is kept while what is shown fills at least so much of it: ticks do not flicker
LARGEST = 1e300  # beyond it the size of a range is no longer a number
MOST_CURVES = 64  # drawn in one plot; further ones are only counted


@dataclass(frozen=True)
class PaintedLines:
    """Lines of one trace with the index of its curve and the way it is painted."""

    view: int
    role: str
    lines: Lines
    smooth: bool


@dataclass(frozen=True)
class PlotScene:
    """Everything the painter needs for the plot area and its axes."""

    mapping: Mapping
    lines: list[PaintedLines]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    count_note: str
    message: str
    lengths_px: dict[int, float] = field(default_factory=dict)  # of the lines of each curve

    @property
    def note(self) -> str:
        """What the plot does not show, or ""."""
        skipped = "values ≤ 0 not shown" if any(entry.lines.skipped for entry in self.lines) else ""
        return ", ".join(filter(None, (skipped, self.count_note)))

    def add_lines(self, view: int, trace: Trace) -> None:
        """Make the lines of one trace of the curve with this number."""
        lines = make_lines(trace.reduced, self.mapping, trace.shift)
        self.lines.append(PaintedLines(view, trace.role, lines, lines.length_px < SMOOTH_LENGTH_PX))
        self.lengths_px[view] = lines.length_px

    def add_tail(self, view: int, trace: Trace) -> bool:
        """Make the lines of what a curve has grown by.

        Returns:
            False when it has become too long for smooth lines: then it must be painted anew.
        """
        lines = make_lines(trace.reduced, self.mapping, trace.shift)
        before = self.lengths_px.get(view, 0.0)
        self.lengths_px[view] = before + lines.length_px
        smooth = before < SMOOTH_LENGTH_PX
        self.lines.append(PaintedLines(view, trace.role, lines, smooth))
        return smooth is (self.lengths_px[view] < SMOOTH_LENGTH_PX)


def in_painting_order(traces: Sequence[tuple[int, Trace]]) -> list[tuple[int, Trace]]:
    """Return the traces with faded and old ones first and the main ones on top."""
    return sorted(traces, key=lambda entry: entry[1].role == "main")


def fit_y(
    traces: Sequence[tuple[int, Trace]], axis: XAxis, current: tuple[float, float] | None, *, log: bool
) -> tuple[float, float]:
    """Return a y range that holds everything visible.

    Args:
        traces: of the curves by their number. axis: the visible stretch.
        current: kept when it holds everything without being much too large; None to fit exactly.
        log: the range is in log10.
    """
    # An average of zeros runs down to nothing on a logarithmic axis: there the samples themselves decide.
    decisive = [trace for _, trace in traces if trace.role == "faded"] if log else []
    decisive = decisive or [trace for _, trace in traces]
    extents = [y_extent(trace.reduced, axis.low, axis.high, trace.shift, log=log) for trace in decisive]
    known = [extent for extent in extents if extent is not None]
    if not known:
        return current or ((-1.0, 1.0) if log else (0.0, 1.0))
    low, high = max(min(a for a, _ in known), -LARGEST), min(max(b for _, b in known), LARGEST)
    if current is not None and current[0] <= low and high <= current[1]:
        is_full = high - low >= KEEP_SHARE * (current[1] - current[0]) / (1 + 2 * Y_MARGIN)
        return current if is_full else _widened(low, high, log=log)
    return _widened(low, high, log=log)


def _widened(low: float, high: float, *, log: bool) -> tuple[float, float]:
    """Return the range with a margin; around a single value one that shows it in the middle."""
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        half = 0.3 if log else abs(high) * 0.1 or 1.0
        return low - half, high + half
    margin = (high - low) * Y_MARGIN
    return low - margin, high + margin


def build(
    views: Sequence[CurveView],
    traces: Sequence[tuple[int, Trace]],
    axis: XAxis,
    area: QRectF,
    y_range: tuple[float, float],
    *,
    log: bool,
    utc: bool,
) -> PlotScene:
    """Make the scene for an area in pixels; its lines are added to it with ``add_lines``."""
    return PlotScene(
        Mapping(area, axis.low, axis.high, *y_range, log),
        [],
        tuple(x_ticks(axis, max(2, int(area.width() / X_TICK_PX)), utc=utc)),
        tuple(y_ticks(*y_range, max(2, int(area.height() / Y_TICK_PX)), log=log)),
        _note(views),
        _message(views, traces, axis),
    )


def y_ticks(bottom: float, top: float, count: int, *, log: bool) -> list[Tick]:
    """Return about ``count`` ticks of the y axis, and at least two where there are any: one gives no scale."""
    ticks_of = log_ticks if log else value_ticks
    return next((ticks for n in range(count, 2 * count + 2) if len(ticks := ticks_of(bottom, top, n)) != 1), [])


def x_ticks(axis: XAxis, count: int, *, utc: bool) -> list[Tick]:
    """Return about ``count`` ticks of the x axis."""
    if axis.choice == TIME:
        today = moment(dt.datetime.now(dt.UTC).timestamp(), utc=utc).date()
        return time_ticks(axis.low, axis.high, count, utc=utc, today=today)
    return (duration_ticks if axis.choice == RELATIVE else value_ticks)(axis.low, axis.high, count)


def _note(views: Sequence[CurveView]) -> str:
    return f"{MOST_CURVES} of {len(views)} curves drawn" if len(views) > MOST_CURVES else ""


def _message(views: Sequence[CurveView], traces: Sequence[tuple[int, Trace]], axis: XAxis) -> str:
    """Return a sentence for an empty plot area, or ""."""
    possible = [view for view in views if view.has(axis)]
    if views and not possible:
        return f"No field “{axis.column}” here"
    if views and not any(view.shown for view in possible):
        return "All curves are switched off"
    if traces and not any(len(trace.reduced) for _, trace in traces):
        return "No samples in this stretch"
    return ""
