"""What the user chose for a waterfall, as values that settings can keep."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from .color_maps import NAMES

SPANS_S: tuple[tuple[str, float | None], ...] = (
    ("1 min", 60.0),
    ("5 min", 300.0),
    ("15 min", 900.0),
    ("All kept", None),
)
AVERAGES = (("16 rows", 16), ("64 rows", 64), ("256 rows", 256), ("Visible rows", 0))
CURVES: tuple[str, ...] = ("Current", "Average", "Max hold")


@dataclass
class WaterfallOptions:
    """The choices.

    Args:
        polarization: name, or "" for the first. decibel: dB instead of linear values.
        color_map: one of ``color_maps.NAMES``. newest_on_top: direction of time.
        average_rows: rows of the running mean; 0 means those visible.
        curves: names of the curves shown, out of ``CURVES``.
        span_s: time shown; None means all that is kept.
        levels: (low, high) set by hand in dB or linear, or None for automatic.
    """

    polarization: str = ""
    decibel: bool = True
    color_map: str = "viridis"
    newest_on_top: bool = True
    average_rows: int = 64
    curves: tuple[str, ...] = CURVES
    span_s: float | None = 60.0
    levels: tuple[float, float] | None = None

    def state(self) -> dict[str, Any]:
        """Return the choices as JSON values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> WaterfallOptions:
        """Make choices from ``state()``; each value that is not valid is left at its default."""
        result = cls()
        if isinstance(text := state.get("polarization"), str) and len(text) <= 256:
            result.polarization = text
        for name in ("decibel", "newest_on_top"):
            if isinstance(state.get(name), bool):
                setattr(result, name, state[name])
        if state.get("color_map") in NAMES:
            result.color_map = state["color_map"]
        if state.get("average_rows") in [rows for _, rows in AVERAGES] and not isinstance(state["average_rows"], bool):
            result.average_rows = state["average_rows"]
        if isinstance(curves := state.get("curves"), list | tuple):
            result.curves = tuple(name for name in CURVES if name in curves)
        span = state.get("span_s", 60.0)
        if span is None or (_is_number(span) and 0 < span <= 366 * 86400):
            result.span_s = span
        levels = state.get("levels")
        if (
            isinstance(levels, list | tuple)
            and len(levels) == 2
            and all(map(_is_number, levels))
            and levels[0] < levels[1]
        ):
            result.levels = (float(levels[0]), float(levels[1]))
        return result


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
