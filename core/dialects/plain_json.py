"""Objects to JSON text as Python's own json writes it, with what that cannot write made plain.

JSON has no NaN and no infinities: they become null, or the words "NaN", "Infinity" and "-Infinity" where nothing may be
lost. NumPy numbers and arrays become numbers and lists, complex numbers objects of two numbers; times, enumerations,
data classes and bytes become what msgspec makes of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from ..wire_values import MAX_NESTING

NOT_FINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}


def to_json(value: Any, *, words: bool = False, compact: bool = False) -> str:
    """Return the text of a value, ASCII only.

    Args:
        value: of any kind that has a meaning in JSON. words: write what is not finite as a word, not as null.
        compact: without spaces.

    Raises:
        TypeError: something in it has no meaning in JSON.
        ValueError: it is nested deeper than 64.
    """
    separators = (",", ":") if compact else None
    try:
        return json.dumps(value, allow_nan=False, default=_as_plain, separators=separators)
    except (ValueError, TypeError, RecursionError):  # it has a NaN, a key of NumPy, or holds itself
        return json.dumps(_finite(value, _word if words else _nothing, 0), allow_nan=False, separators=separators)


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
    if isinstance(value, complex):
        return {"real": value.real, "imag": value.imag}
    if isinstance(value, set | frozenset):
        return sorted(value)
    return msgspec.to_builtins(value, enc_hook=_unknown)


def _unknown(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray | complex):
        return _as_plain(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _nothing(_number: float) -> None:
    return None


def _word(number: float) -> str:
    return NOT_FINITE.get(number, "NaN")


def _finite(value: Any, spelled: Callable[[float], Any], depth: int) -> Any:
    if depth > MAX_NESTING:
        raise ValueError(f"nested deeper than {MAX_NESTING}")
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else spelled(value)
    if isinstance(value, dict):
        return {_key(key): _finite(item, spelled, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item, spelled, depth + 1) for item in value]
    if value is None or isinstance(value, str | int):
        return value
    return _finite(_as_plain(value), spelled, depth + 1)


def _key(key: Any) -> Any:
    return key.item() if isinstance(key, np.generic) else key
