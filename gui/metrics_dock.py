"""The Metrics dock: one plot per metric name, all over the same x axis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QContextMenuEvent, QKeyEvent, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QVBoxLayout, QWidget

from ..core.messages import Kind
from .crosshair import Crosshair
from .curve_view import CurveKey
from .dock import Dock, DockContext
from .metric_chooser import MetricChooser
from .metric_plot import MetricPlot
from .metrics_bar import MetricsBar
from .metrics_csv import MOST_ROWS, metrics_csv
from .metrics_menu import metrics_actions
from .metrics_options import ALL, FIT, MetricsOptions
from .plot_arrangement import Arrangement, first_names
from .plot_grid import PlotGrid
from .plot_set import PlotSet
from .theme import Theme
from .x_axis import XAxis

if TYPE_CHECKING:
    from ..core.hub import Change

FRAME_S = 0.007  # plots that are not done by then wait for the next turn of the loop, the longest waiting first
LEAST_S = FRAME_S / 2  # for lines, whatever all else took
PAN_STEP = 0.15
ZOOM_STEP = 0.7


class MetricsDock(Dock):
    """Plots of all metrics, or of those chosen."""

    kind = "metrics"
    title = "Metrics"

    def __init__(self, context: DockContext, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.options = MetricsOptions()
        self.axis = XAxis()
        self._set = PlotSet(self.hub, self._make_plot)
        self._chosen: tuple[object, list[str], Arrangement] = (None, [], Arrangement(0, 1, 0, fits=True))
        self._fields: tuple[object, list[str]] = (None, [])
        self._unfinished: MetricPlot | None = None
        self._keeps_axis_px = False  # the y axes do not become narrower
        self._before_click: tuple[str, set[CurveKey]] | None = None
        self._jumps = False  # the user asked for the end
        self._menu_plot: MetricPlot | None = None
        self._menu_owner: QMenu | None = None
        self.bar = MetricsBar()
        self.grid = PlotGrid()
        self.crosshair = Crosshair(self.body, self.theme, self.grid.visible_plots, lambda: self.context.settings.utc)
        self.chooser = MetricChooser(self)
        self._nothing = QLabel("None of the chosen metrics has samples. Choose others above.", self.grid)
        self._nothing.setWordWrap(True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._redraw_timer = QTimer(self)
        self._redraw_timer.setSingleShot(True)
        self._redraw_timer.timeout.connect(self._redraw)
        # Names whose lines must be made anew, the longest waiting first, and whether their y ranges are fitted anew.
        self._waiting_plots: dict[str, bool] = {}
        self._rest_timer = QTimer(self)
        self._rest_timer.setSingleShot(True)
        self._rest_timer.timeout.connect(self._do_rest)
        layout = QVBoxLayout(self.body)
        layout.setContentsMargins(0, 0, 0, 4)
        layout.setSpacing(2)
        layout.addWidget(self.bar)
        layout.addWidget(self.grid, 1)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setAutoFillBackground(True)
        self._connect()

    def _connect(self) -> None:
        self.bar.choose_wanted.connect(self.open_chooser)
        self.bar.more_wanted.connect(lambda: self.choose_metrics(ALL))
        self.bar.follow_wanted.connect(lambda: self.set_follow(not self.axis.follow))
        self.bar.x_chosen.connect(self.choose_x)
        self.bar.span_chosen.connect(self.choose_span)
        self.bar.log_chosen.connect(self.choose_log)
        self.bar.smoothing_chosen.connect(self.smooth)
        self.chooser.chosen.connect(self.choose_metrics)
        self.grid.resized.connect(self._redraw_later)
        self.grid.scrolled.connect(self._redraw_later)

    @property
    def plots(self) -> dict[str, MetricPlot]:
        """The plots by metric name, some that are not in sight at present included."""
        return self._set.plots

    @property
    def names(self) -> list[str]:
        """The metric names shown, in order, those scrolled out of sight included."""
        return self._chosen[1]

    # data

    def concerns(self, change: Change) -> bool:
        return change.kind in (Kind.METRIC, "producer")

    def refresh(self, changes: set[Change] | None) -> None:
        until = time.perf_counter() + FRAME_S
        names = self.hub.series.names()
        if not names:
            self.set_empty(self._waiting())
            return
        self.set_empty(None)
        self._choose_names(names)
        self._set.update(self.options, self.axis, utc=self.context.settings.utc)
        is_smooth = self._set.smooth_some()
        moved = self._follow_end()
        self._share_legend_rows()
        if changes is None or moved or not is_smooth:
            self._let_wait(self._set.names, exact=changes is None)
        else:
            self._let_wait((c.stream for c in changes if c.kind == Kind.METRIC), exact=False)
        self._prepare(max(until, time.perf_counter() + LEAST_S))
        self.crosshair.follow_mouse()
        if not is_smooth or self._waiting_plots or self._unfinished is not None:
            self._rest_timer.start(0)

    def refresh_text(self) -> None:
        for plot in self.grid.visible_plots():
            plot.refresh_legend()
        self._show_options()
        self.crosshair.show_readout()

    def fields(self) -> list[str]:
        """Return the fields of the shown metrics, each once."""
        state = (self.hub.series.names_revision, self.names)
        if self._fields[0] != state:
            names = dict.fromkeys(field for name in self.names for field in self.hub.series.fields_of(name))
            self._fields = state, list(names)
        return self._fields[1]

    def csv(self) -> str | None:
        table, left_out = metrics_csv(self._set.views_of(self.names, self.options), self.axis)
        if left_out:
            self.context.tell(f"Only {MOST_ROWS:,} rows were written: the oldest {left_out:,} were left out")
        return table

    def clear_data(self) -> None:
        options = self.options
        everything = options.enlarged is None and options.metrics in (FIT, ALL)
        for name in self.hub.series.names() if everything else list(self.names):
            self.hub.clear(Kind.METRIC, stream=name)
        self.request_refresh()

    # settings

    def choose_metrics(self, choice: str | list[str]) -> None:
        """Show "fit" (as many as there is room for), "all", or these names."""
        self.options.metrics = choice
        self.options.enlarged = None
        self.request_refresh()
        self._redraw_later(everything=True)

    def choose_x(self, choice: str) -> None:
        """Put time, relative time or a field on the x axis, and follow its end."""
        self.options.x = self.axis.choice = choice
        self.set_follow(True)

    def choose_span(self, span_s: float | None) -> None:
        """Choose how much is visible while following."""
        self.options.span_s = self.axis.span_s = span_s
        self.set_follow(True)

    def choose_log(self, on: bool) -> None:
        """Make all y axes logarithmic or linear."""
        self._keeps_axis_px = False
        self.options.log_y = on
        self.options.log_of.clear()
        self._redraw_later(everything=True)

    def choose_log_of(self, name: str, on: bool) -> None:
        """Make the y axis of one metric logarithmic or linear."""
        self.options.log_of[name] = on
        self._redraw_later(everything=True)

    def smooth(self, weight: float) -> None:
        """Choose the weight of the past in the moving average."""
        self.options.smoothing = weight
        self._redraw_later(everything=True)

    def set_follow(self, on: bool) -> None:
        """Keep to the newest samples with fitted y axes, or hold what is visible."""
        self.axis.follow = self._jumps = on
        if on:
            for plot in self.plots.values():
                plot.fit_y()
        self._redraw_later(everything=True)

    def enlarge(self, name: str) -> None:
        """Let one plot fill the dock, or show all again when it does."""
        self.options.enlarged = None if self.options.enlarged is not None else name
        self._redraw_later(everything=True)

    def toggle_curve(self, plot: MetricPlot, number: int) -> None:
        """Switch a curve on or off."""
        self._before_click = (plot.name, set(self.options.hidden))
        self.options.hidden ^= {plot.views[number].key}
        self._redraw_later(everything=True)

    def solo_curve(self, plot: MetricPlot, number: int) -> None:
        """Show only this curve of its plot, or all when it was the only one."""
        # A double click starts with a click, which has toggled the curve already: what was before it decides.
        name, hidden = self._before_click or ("", self.options.hidden)
        before = hidden if name == plot.name else self.options.hidden
        others = {view.key for i, view in enumerate(plot.views) if i != number}
        own = plot.views[number].key
        self.options.hidden -= others | {own}
        if not (others <= before and own not in before):
            self.options.hidden |= others
        self._redraw_later(everything=True)

    def show_all_curves(self, plot: MetricPlot) -> None:
        """Switch on every curve of a plot."""
        self.options.hidden -= {view.key for view in plot.views}
        self._redraw_later(everything=True)

    def open_chooser(self) -> None:
        """Drop down the list of metrics."""
        self.chooser.open_below(self.bar.metrics_button, self.hub.series.names(), self.names, self.options.metrics)

    def view_state(self) -> dict[str, Any]:
        return self.options.to_json()

    def restore_view_state(self, state: dict[str, Any]) -> None:
        self.options = MetricsOptions.from_json(state)
        self.axis = XAxis(choice=self.options.x, span_s=self.options.span_s)
        self._jumps = True
        self._redraw_later(everything=True)

    def apply_theme(self, theme: Theme) -> None:
        self.crosshair.readout.theme = theme
        for plot in self.plots.values():
            plot.set_theme(theme)

    # which plots, with which curves

    def _waiting(self) -> str:
        if not self.hub.producers:
            return "Metrics of a connected producer appear here, one plot for each name."
        return "Waiting for metrics: a producer sends them with publish_metric(name, value)."

    def _choose_names(self, names: list[str]) -> None:
        options = self.options
        chosen = tuple(options.metrics) if isinstance(options.metrics, list) else options.metrics
        state = (self.hub.series.names_revision, chosen, options.enlarged, self.grid.width(), self.grid.height())
        if state != self._chosen[0]:
            self._chosen = state, *self._choice_of(names)
            self._keeps_axis_px = False
            self.crosshair.drop_unless(self.names)
            self.bar.show_count(len(self.names), len(names), is_fitted=options.metrics == FIT)
            self._nothing.setGeometry(self.grid.rect())
            self._nothing.setVisible(not self.names)
        wanted, arrangement = self._chosen[1:]
        in_sight = wanted[self.grid.in_sight(arrangement)]
        if in_sight != self._set.names or not all(name in self.hub.series for name in self.plots):
            self._let_wait([name for name in in_sight if name not in self._set.names], exact=True)
            self._set.show(in_sight, names)
        self.grid.place(self._set.shown(), arrangement)

    def _choice_of(self, names: list[str]) -> tuple[list[str], Arrangement]:
        """Return the metrics to be shown and how they are arranged."""
        options = self.options
        if options.enlarged in names:
            wanted = [options.enlarged]
        elif isinstance(options.metrics, list):
            chosen = set(options.metrics)
            wanted = [name for name in names if name in chosen]
        else:
            wanted = names
        arrangement = self.grid.room_for(len(wanted), may_scroll=options.metrics != FIT)
        if arrangement.shown < len(wanted):
            wanted = first_names(self._set.names_by_producer(wanted), arrangement.shown)
        return wanted, arrangement

    def _make_plot(self, name: str) -> MetricPlot:
        plot = MetricPlot(name, self.theme, self.grid.content)
        plot.hovered.connect(lambda x: self.crosshair.hover(plot, x))
        plot.panned.connect(lambda fraction: self._on_moved(lambda: self.axis.pan(fraction)))
        plot.zoomed.connect(lambda factor, at: self._on_moved(lambda: self.axis.zoom(factor, at)))
        plot.stretched.connect(lambda low, high: self._on_moved(lambda: self.axis.show(low, high)))
        plot.legend_clicked.connect(lambda number: self.toggle_curve(plot, number))
        plot.legend_solo.connect(lambda number: self.solo_curve(plot, number))
        plot.follow_wanted.connect(lambda: self.set_follow(True))
        plot.enlarge_wanted.connect(lambda: self.enlarge(name))
        plot.y_changed.connect(self._on_y_changed)
        return plot

    def _follow_end(self) -> bool:
        """Follow the newest samples; while frozen only when the user asks for it."""
        if self.context.clock.frozen and not self._jumps:
            return False
        self._jumps = False
        pixels = max((plot.pixels() for plot in self.grid.visible_plots()), default=1)
        return self.axis.follow_end(self._set.extents(self.axis), pixels)

    # painting

    def _redraw_later(self, *, everything: bool = False) -> None:
        """Paint at the next turn of the loop: what the user does is answered at once, also while frozen."""
        if everything:
            self._show_options()
        self._redraw_timer.start(0)

    def _redraw(self) -> None:
        if self.isVisible():
            self.refresh(None)
        else:
            self.request_refresh()

    def _do_rest(self) -> None:
        if self.isVisible():
            self.refresh(set())

    def _share_legend_rows(self) -> None:
        """Give the plots of a row legends of the same height, so that their areas are level."""
        for row in self.grid.rows():
            rows = max((plot.wanted_legend_rows() for plot in row), default=0)
            for plot in row:
                if plot.legend_rows != rows:
                    plot.legend_rows = rows
                    self._let_wait([plot.name], exact=False)
                    plot.refresh_legend()

    def _let_wait(self, names: Iterable[str], *, exact: bool) -> None:
        for name in names:
            self._waiting_plots[name] = exact or self._waiting_plots.get(name, False)

    def _prepare(self, until: float) -> None:
        """Make the lines of plots that wait, a step at least and no further one after the time ``until``."""
        visible = {plot.name: plot for plot in self.grid.visible_plots()}
        unfinished, self._unfinished = self._unfinished, None
        is_begun = unfinished is not None and unfinished in visible.values()
        if is_begun and unfinished is not None and not unfinished.go_on(until):
            self._unfinished = unfinished
            return
        for name, exact in list(self._waiting_plots.items()):
            if is_begun and time.perf_counter() > until:
                break
            is_begun = is_begun or name in visible
            del self._waiting_plots[name]
            if name in visible and not visible[name].prepare(self.axis, exact=exact, until=until):
                self._unfinished = visible[name]
                break
        self._share_axis_px(list(visible.values()))

    def _share_axis_px(self, plots: list[MetricPlot]) -> None:
        axis_px = max((plot.wanted_axis_px() for plot in plots), default=0.0)
        if self._keeps_axis_px:
            axis_px = max([axis_px, *(plot.axis_px for plot in plots)])  # a label that goes must not move the curves
        self._keeps_axis_px = True
        for plot in plots:
            if plot.axis_px != axis_px:
                plot.axis_px = axis_px
                self._let_wait([plot.name], exact=False)

    def _show_options(self) -> None:
        self.bar.show_options(self.options, self.fields(), follows=self.axis.follow, utc=self.context.settings.utc)

    def _on_moved(self, move: Callable[[], None]) -> None:
        move()
        self._redraw_later(everything=True)

    def _on_y_changed(self) -> None:
        self._redraw_later(everything=True)

    # keys and menu

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Left: lambda: self.axis.pan(-PAN_STEP),
            Qt.Key.Key_Right: lambda: self.axis.pan(PAN_STEP),
            Qt.Key.Key_Plus: lambda: self.axis.zoom(ZOOM_STEP),
            Qt.Key.Key_Equal: lambda: self.axis.zoom(ZOOM_STEP),
            Qt.Key.Key_Minus: lambda: self.axis.zoom(1 / ZOOM_STEP),
        }
        if event.key() == Qt.Key.Key_F and not event.modifiers():
            self.set_follow(True)
        elif event.key() == Qt.Key.Key_Escape and self.options.enlarged is not None:
            self.enlarge(self.options.enlarged)
        elif event.key() in moves:
            self._on_moved(moves[event.key()])
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        self._menu_plot = self._plot_of(QApplication.focusWidget() if by_key else self.childAt(event.pos()))
        super().contextMenuEvent(event)

    def _plot_of(self, widget: QWidget | None) -> MetricPlot | None:
        while widget is not None and not isinstance(widget, MetricPlot):
            widget = widget.parentWidget()
        return widget if widget in self.plots.values() else None

    def menu_actions(self) -> list[QAction]:
        if self._menu_owner is not None:
            self._menu_owner.deleteLater()
        self._menu_owner = QMenu(self)
        plot = self._menu_plot if self._menu_plot in self.plots.values() else None
        return metrics_actions(self, plot, self._menu_owner)
