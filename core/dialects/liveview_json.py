"""JSON as LiveView's own producers write it, of values that they could not: NumPy scalars and arrays, times, sets."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import numpy as np


def encode_json(value: dict[str, Any]) -> bytes:
    """Encode an object; NaN and infinities are written as Python writes them.

    Raises:
        TypeError: a value that no JSON can hold, naming its type.
        ValueError: it contains itself.
    """
    try:
        return json.dumps(value, default=_plain).encode()
    except TypeError:  # a key that is no text, such as a NumPy integer
        return json.dumps(_with_text_keys(value), default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, set | frozenset):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} cannot be published: use numbers, text, lists and dicts")


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): _with_text_keys(item) for key, item in value.items()}
    return [_with_text_keys(item) for item in value] if isinstance(value, list | tuple) else value


def _key(key: Any) -> Any:
    if isinstance(key, np.generic):
        key = key.item()
    return key if isinstance(key, str | int | float | None) else str(key)
