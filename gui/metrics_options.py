"""The settings of a Metrics dock, as they are kept in a layout."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from .curve_view import CurveKey
from .smoothing import MAXIMUM_WEIGHT
from .x_axis import RELATIVE, SPANS_S, TIME, field_axis

FIT = "fit"
ALL = "all"
MOST_KEPT = 1000
LONGEST_KEPT = 10_000


@dataclass
class MetricsOptions:
    """What the user chose.

    Args:
        x: "time", "relative" or "field:NAME". span_s: seconds shown while following, None for all.
        log_y: logarithmic y axes; log_of: metric names for which the user chose otherwise.
        smoothing: weight of the past, 0 to 0.99.
        metrics: "fit" (as many as there is room for), "all", or the names chosen.
        enlarged: the one metric that fills the dock, or None.
        hidden: curves switched off in the legend.
    """

    x: str = TIME
    span_s: float | None = None
    log_y: bool = False
    log_of: dict[str, bool] = field(default_factory=dict)
    smoothing: float = 0.0
    metrics: str | list[str] = FIT
    enlarged: str | None = None
    hidden: set[CurveKey] = field(default_factory=set)

    def is_log(self, name: str) -> bool:
        """Tell whether the plot of this metric has a logarithmic y axis."""
        return self.log_of.get(name, self.log_y)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values for ``from_json``."""
        return {
            "x": self.x,
            "span_s": self.span_s,
            "log_y": self.log_y,
            "log_of": dict(list(self.log_of.items())[:MOST_KEPT]),
            "smoothing": self.smoothing,
            "metrics": self.metrics,
            "enlarged": self.enlarged,
            "hidden": [[producer, name, [list(pair) for pair in labels]] for producer, name, labels in self.hidden][
                :MOST_KEPT
            ],
        }

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> MetricsOptions:
        """Read what ``to_json`` made; what is missing or makes no sense is left at its default."""
        options = cls()
        x = state.get("x")
        if isinstance(x, str) and _is_axis(x):
            options.x = x
        if state.get("span_s") in SPANS_S and not isinstance(state.get("span_s"), bool):
            options.span_s = state.get("span_s")
        options.log_y = state.get("log_y") is True
        options.log_of = _switches(state.get("log_of"))
        options.smoothing = _weight(state.get("smoothing"))
        metrics = state.get("metrics")
        if metrics in (FIT, ALL):
            options.metrics = metrics
        elif isinstance(metrics, list):
            options.metrics = [name for name in metrics[:MOST_KEPT] if _is_text(name)]
        options.enlarged = state.get("enlarged") if _is_text(state.get("enlarged")) else None
        hidden = state.get("hidden")
        keys = [_curve_key(entry) for entry in (hidden[:MOST_KEPT] if isinstance(hidden, list) else [])]
        options.hidden = {key for key in keys if key is not None}
        return options


def _is_axis(x: str) -> bool:
    return x in (TIME, RELATIVE) or (len(x) <= LONGEST_KEPT and x.startswith(field_axis("")) and x != field_axis(""))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_KEPT


def _switches(value: object) -> dict[str, bool]:
    if not isinstance(value, dict):
        return {}
    return {name: on for name, on in list(value.items())[:MOST_KEPT] if _is_text(name) and isinstance(on, bool)}


def _weight(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0.0
    return min(max(float(value), 0.0), MAXIMUM_WEIGHT)


def _curve_key(entry: object) -> CurveKey | None:
    if not (isinstance(entry, list) and len(entry) == 3 and isinstance(entry[2], list)):
        return None
    producer, name, labels = entry
    pairs = [tuple(pair) for pair in labels if isinstance(pair, list) and len(pair) == 2 and all(map(_is_text, pair))]
    if not (_is_text(producer) and _is_text(name) and len(pairs) == len(labels)):
        return None
    return producer, name, tuple(pairs)
