"""The last reading of a device in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .plain_text import one_line

DIGITS, RANGE_DIGITS = 7, 4
MOST_PARTS = 3
LONGEST_VALUE = 60


def value_text(value: Any, unit: str = "") -> str:
    """Return a reading on one line: a number with its unit, a trace as its size and range, parts by their names.

    Args:
        value: as the device gave it. unit: "" when not known.
    """
    if value is None:
        return ""
    if isinstance(value, Mapping):
        parts = [f"{one_line(str(name), 24)} {value_text(part)}" for name, part in list(value.items())[:MOST_PARTS]]
        more = len(value) - len(parts)
        return ", ".join(parts) + (f", {more} more" if more > 0 else "")
    text = _plain(value)
    return f"{text} {unit}" if unit else text


def value_lines(value: Any, unit: str = "") -> list[str]:
    """Return all of a reading, a line for each part."""
    if isinstance(value, Mapping):
        return [f"{name}: {value_text(part)}" for name, part in value.items()]
    return [value_text(value, unit)] if value is not None else []


def _plain(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return str(value)
    if isinstance(value, float | np.floating):
        return f"{float(value):.{DIGITS}g}"
    if isinstance(value, np.ndarray) and value.ndim and value.size and value.dtype.kind in "biuf":
        shape = "×".join(map(str, value.shape))
        return f"{shape} values, {np.min(value):.{RANGE_DIGITS}g} to {np.max(value):.{RANGE_DIGITS}g}"
    return one_line(str(value) if not isinstance(value, np.ndarray) else f"{value.size} values", LONGEST_VALUE)
