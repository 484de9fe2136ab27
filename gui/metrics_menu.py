"""The context menu of a Metrics dock: everything that its controls do, and what concerns one plot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from .plain_text import menu_text
from .x_axis import RELATIVE, SPAN_TEXTS, SPANS_S, TIME, field_axis

if TYPE_CHECKING:
    from .metric_plot import MetricPlot
    from .metrics_dock import MetricsDock

SMOOTHING_PRESETS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99)
MOST_LISTED = 40
T = TypeVar("T")


def metrics_actions(dock: MetricsDock, plot: MetricPlot | None, owner: QMenu) -> list[QAction]:
    """Return the entries of the dock's context menu.

    Args:
        dock: whose menu it is. plot: under the mouse or with the focus, if any. owner: what is made belongs to it.
    """
    actions = _plot_actions(dock, plot, owner) if plot is not None else []
    options = dock.options
    choices = [(TIME, "Time"), (RELATIVE, "Relative time")]
    choices += [(field_axis(name), name) for name in dock.fields()[:MOST_LISTED]]
    actions += [
        _choice(owner, "X axis", choices, options.x, dock.choose_x),
        _choice(owner, "Visible span", list(zip(SPANS_S, SPAN_TEXTS, strict=True)), options.span_s, dock.choose_span),
        _switch(owner, "Logarithmic y axes", options.log_y, dock.choose_log),
        _choice(owner, "Smoothing", [(w, f"{w:.2f}") for w in SMOOTHING_PRESETS], options.smoothing, dock.smooth),
        _switch(owner, "Follow the newest samples", dock.axis.follow, dock.set_follow),
        _plain(owner, "Choose metrics…", dock.open_chooser),
    ]
    return actions


def _plot_actions(dock: MetricsDock, plot: MetricPlot, owner: QMenu) -> list[QAction]:
    enlarged = dock.options.enlarged is not None
    enlarge = "Show the other plots again" if enlarged else f"Enlarge “{menu_text(plot.title, 30)}”"
    curves = QMenu("Curves", owner)
    for number, view in enumerate(plot.views[:MOST_LISTED]):
        text = view.label if len(plot.views) > 1 else view.full_name or view.label
        curves.addAction(_switch(curves, text, view.shown, lambda _on, n=number: dock.toggle_curve(plot, n)))
    curves.addSeparator()
    curves.addAction("Show all", lambda: dock.show_all_curves(plot))
    line = QAction(owner)
    line.setSeparator(True)
    return [
        _plain(owner, enlarge, lambda: dock.enlarge(plot.name)),
        _switch(owner, "Logarithmic y axis here", plot.log, lambda on: dock.choose_log_of(plot.name, on)),
        curves.menuAction(),
        line,
    ]


def _plain(owner: QMenu, text: str, slot: Callable[[], object]) -> QAction:
    action = QAction(text, owner)
    action.triggered.connect(lambda _on=False: slot())
    return action


def _switch(owner: QMenu, text: str, on: bool, slot: Callable[[bool], object]) -> QAction:
    action = QAction(menu_text(text), owner)
    action.setCheckable(True)
    action.setChecked(on)
    action.triggered.connect(slot)
    return action


def _choice(owner: QMenu, title: str, choices: list[tuple[T, str]], present: T, slot: Callable[[T], object]) -> QAction:
    menu = QMenu(title, owner)
    group = QActionGroup(menu)
    for value, text in choices:
        action = _switch(menu, text, value == present, lambda _on, value=value: slot(value))
        group.addAction(action)
        menu.addAction(action)
    return menu.menuAction()
