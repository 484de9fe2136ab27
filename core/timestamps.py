"""Times as the wire has them: unix seconds, from whatever a program keeps its time in."""

from __future__ import annotations

import datetime as dt
import math
import time
from typing import Any

import numpy as np


def unix_seconds(timestamp: Any, argument: str = "timestamp") -> float:
    """Convert one time; None is now.

    Args:
        timestamp: unix seconds, an aware datetime or a numpy.datetime64 (which is UTC).
        argument: what the caller calls it, for the error.

    Raises:
        TypeError: none of these. ValueError: not finite, or a datetime without time zone.
    """
    if timestamp is None:
        return time.time()
    if isinstance(timestamp, dt.datetime):
        if timestamp.tzinfo is None:
            raise ValueError(f"{argument}: a datetime without time zone; use datetime.now(timezone.utc)")
        return timestamp.timestamp()
    if isinstance(timestamp, np.datetime64):
        return float(_from_datetime64(np.asarray(timestamp), argument))
    if isinstance(timestamp, bool) or not isinstance(timestamp, int | float | np.integer | np.floating):
        raise TypeError(f"{argument}: must be unix seconds, a datetime or a datetime64, not {type(timestamp).__name__}")
    if not math.isfinite(timestamp):
        raise ValueError(f"{argument}: must be finite, not {timestamp}")
    return float(timestamp)


def unix_seconds_array(timestamps: Any, length: int, argument: str = "timestamps") -> np.ndarray:
    """Convert a column of times, or repeat one time.

    Returns:
        f8[length], unix seconds.

    Raises:
        TypeError: not times. ValueError: another number of them, or a NaT.
    """
    if timestamps is None or isinstance(timestamps, int | float | dt.datetime | np.datetime64 | np.number):
        return np.full(length, unix_seconds(timestamps, argument))
    column = np.asarray(timestamps)
    if column.shape != (length,):
        raise ValueError(f"{argument}: shape {column.shape} for {length} values")
    if column.dtype.kind == "M":
        return _from_datetime64(column, argument)
    if column.dtype.kind == "O":
        return np.array([unix_seconds(item, argument) for item in column], "f8")
    if column.dtype.kind not in "fiu":
        raise TypeError(f"{argument}: an array of {column.dtype} holds no times")
    return column


def _from_datetime64(column: np.ndarray, argument: str) -> np.ndarray:
    if np.isnat(column).any():
        raise ValueError(f"{argument}: holds NaT, which is no time")
    return column.astype("datetime64[ns]").astype("i8") / 1e9
