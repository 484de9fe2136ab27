"""Objects to JSON text as Python's own json writes it, with what that cannot write made plain.

NaN and infinities, which JSON does not have, become null; NumPy numbers and arrays become numbers and lists.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from ..wire_values import MAX_NESTING


def to_json(value: Any) -> str:
    """Return the text of a value, ASCII only.

    Raises:
        TypeError: something in it is neither text, number, list nor dict.
        ValueError: it is nested deeper than 64.
    """
    try:
        return json.dumps(value, allow_nan=False, default=_as_plain)
    except ValueError:  # it has a NaN or an infinity, or holds itself
        return json.dumps(_without_nan(value, 0), allow_nan=False)


def copied(value: Any) -> Any:
    """Return a value that later changes to the dicts, lists and arrays in it do not reach."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [item if type(item) in (int, float, str) else copied(item) for item in value]
    return value.copy() if isinstance(value, np.ndarray) else value


def _as_plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _without_nan(value: Any, depth: int) -> Any:
    if depth > MAX_NESTING:
        raise ValueError(f"nested deeper than {MAX_NESTING}")
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_nan(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item, depth + 1) for item in value]
    if value is None or isinstance(value, str | int):
        return value
    return _without_nan(_as_plain(value), depth + 1)
