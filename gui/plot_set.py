"""The plots of a Metrics dock and their curves, kept in line with the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from .curve_view import CurveKey, CurveView, curve_labels, run_starts
from .metric_plot import MetricPlot
from .metrics_options import MetricsOptions
from .smoothing import SmoothedCurve
from .x_axis import RELATIVE, XAxis

if TYPE_CHECKING:
    from ..core.curve import Curve
    from ..core.hub import Hub

SMOOTHING_S = 0.003  # of a frame; a longer history is smoothed over several frames
SMOOTHED_AT_ONCE = 8192  # samples between two looks at the clock
MOST_CURVES_OF_A_PLOT = 500
MOST_PLOTS_KEPT = 100  # further ones that are out of sight are made anew when they come back


class PlotSet:
    """One plot for each metric name that is or was in sight.

    Args:
        hub: producers and curves. make: makes the plot of a name.
    """

    def __init__(self, hub: Hub, make: Callable[[str], MetricPlot]) -> None:
        self.plots: dict[str, MetricPlot] = {}
        self.names: list[str] = []  # those in sight, in order
        self._starts: tuple[object, dict[CurveKey, list[float]]] = (None, {})
        self._hub = hub
        self._make = make
        self._smoothed: dict[CurveKey, SmoothedCurve] = {}

    def shown(self) -> list[MetricPlot]:
        """Return the plots that are in sight, in order."""
        return [self.plots[name] for name in self.names]

    def views(self) -> list[CurveView]:
        """Return the curves of the plots that are in sight, in order."""
        return [view for plot in self.shown() for view in plot.views]

    def views_of(self, names: Sequence[str], options: MetricsOptions) -> list[CurveView]:
        """Return the curves of these metrics, in sight or not."""
        views = [view for name in names for view in self._views_of(name)]
        for view in views:
            view.shown = view.key not in options.hidden
        return views

    def extents(self, axis: XAxis) -> list[tuple[float, float]]:
        """Return the smallest and largest x of the curves that are switched on, or of all when none is."""
        views = self.views()
        switched_on = [view for view in views if view.shown] or views
        return [extent for view in switched_on if (extent := view.extent(axis)) is not None]

    def names_by_producer(self, names: Iterable[str]) -> list[list[str]]:
        """Return the names that each producer has, producers in order of their first metric."""
        order: dict[str, list[str]] = {}
        for name in names:
            for producer in dict.fromkeys(curve.producer for curve in self._hub.series.of_name(name)):
                order.setdefault(producer, []).append(name)
        return list(order.values())

    def show(self, names: Sequence[str], existing: Sequence[str]) -> None:
        """Show these names; plots of names that are no longer in ``existing`` go away."""
        self.names = list(names)
        kept = set(existing)
        unseen = [name for name in self.plots if name not in names]
        surplus = set(unseen[: max(0, len(self.plots) - MOST_PLOTS_KEPT)])
        for name in [name for name in self.plots if name not in kept or name in surplus]:
            self.plots.pop(name).deleteLater()
        for name in self.names:
            if name not in self.plots:
                self.plots[name] = self._make(name)
        shown = set(self.names)
        for name, plot in self.plots.items():
            if name not in shown:
                plot.hide()

    def update(self, options: MetricsOptions, axis: XAxis, *, utc: bool) -> None:
        """Give the shown plots their curves and settings."""
        for plot in self.shown():
            self._update_curves(plot)
            plot.log, plot.utc = options.is_log(plot.name), utc
            for view in plot.views:
                view.shown = view.key not in options.hidden
                view.smoothed = self._smoothed_of(view, options.smoothing) if options.smoothing else None
        used = {view.key for view in self.views()} if options.smoothing else set()
        self._smoothed = {key: smoothed for key, smoothed in self._smoothed.items() if key in used}
        if axis.choice == RELATIVE:
            starts = self._run_starts()
            for view in self.views():
                view.starts = starts[view.key]

    def _run_starts(self) -> dict[CurveKey, list[float]]:
        """Return when runs started; all curves of all producers are asked only when there may be another run."""
        store = self._hub.series
        state = (store.names_revision, [len(view.curve.run_of) for view in self.views()])
        if self._starts[0] != state:
            self._starts = state, run_starts([curve for name in store.names() for curve in store.of_name(name)])
        return self._starts[1]

    def smooth_some(self) -> bool:
        """Bring moving averages up to date, as many samples as a slice of time allows; return whether all are."""
        until = time.perf_counter() + SMOOTHING_S
        is_complete = True
        for view in self.views():
            if view.smoothed is None or not view.shown:
                continue
            is_done = view.smoothed.extend(SMOOTHED_AT_ONCE)
            while not is_done and time.perf_counter() < until:
                is_done = view.smoothed.extend(SMOOTHED_AT_ONCE)
            is_complete &= is_done
            if not is_done:
                break  # the time is over
        return is_complete

    def _update_curves(self, plot: MetricPlot) -> None:
        curves = self._hub.series.of_name(plot.name)[:MOST_CURVES_OF_A_PLOT]
        is_same = [view.curve for view in plot.views] == curves
        told = self._producer_names(curves)
        if not is_same or any(view.producer_name != told[view.curve.producer] for view in plot.views):
            plot.set_views(self._views_of(plot.name))

    def _views_of(self, name: str) -> list[CurveView]:
        curves = self._hub.series.of_name(name)[:MOST_CURVES_OF_A_PLOT]
        told = self._producer_names(curves)
        labels = curve_labels(curves, told)
        return [CurveView(curve, label, told[curve.producer]) for curve, label in zip(curves, labels, strict=True)]

    def _producer_names(self, curves: Iterable[Curve]) -> dict[str, str]:
        producers = self._hub.producers
        return {c.producer: producers[c.producer].name if c.producer in producers else c.producer for c in curves}

    def _smoothed_of(self, view: CurveView, weight: float) -> SmoothedCurve:
        smoothed = self._smoothed.get(view.key)
        if smoothed is None or smoothed.curve is not view.curve or smoothed.weight != weight:
            smoothed = self._smoothed[view.key] = SmoothedCurve(view.curve, weight)
        return smoothed
