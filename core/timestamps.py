"""Times as the wire has them: unix seconds, from whatever a program keeps its time in."""

from __future__ import annotations

import datetime as dt
import math
import time
from typing import Any

import numpy as np

from .wire_arrays import as_array

LAST_S = 9_223_372_036.0  # after it nanoseconds need more than 63 bits


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
    try:
        seconds = float(timestamp)
    except OverflowError:
        raise ValueError(f"{argument}: no such time, it is beyond what a float holds") from None
    if not math.isfinite(seconds):
        raise ValueError(f"{argument}: must be finite, not {seconds}")
    return seconds


def unix_nanoseconds(timestamp: Any, argument: str = "timestamp") -> int:
    """Convert one time to what travels as ``sent_ns``: whole nanoseconds from 1970 on, in 63 bits; None is now.

    Raises:
        TypeError: no time. ValueError: before 1970 or after 2262, as milliseconds taken for seconds are.
    """
    if timestamp is None:
        return time.time_ns()
    seconds = unix_seconds(timestamp, argument)
    if not 0 <= seconds <= LAST_S:
        raise ValueError(f"{argument}: {seconds:g} s is not between the years 1970 and 2262; it is meant in seconds")
    return int(seconds * 1e9)


def unix_seconds_array(timestamps: Any, length: int, argument: str = "timestamps") -> np.ndarray:
    """Convert a column of times, or repeat one time.

    Returns:
        f8[length], unix seconds.

    Raises:
        TypeError: not times. ValueError: another number of them, or one that is not finite.
    """
    if timestamps is None or isinstance(timestamps, int | float | dt.datetime | np.datetime64 | np.number):
        return np.full(length, unix_seconds(timestamps, argument))
    column = as_array(timestamps, argument)
    if column.shape != (length,):
        raise ValueError(f"{argument}: shape {column.shape} for {length} values")
    if column.dtype.kind == "M":
        return _from_datetime64(column, argument)
    if column.dtype.kind == "O":
        return np.array([unix_seconds(item, argument) for item in column], "f8")
    if column.dtype.kind not in "fiu":
        raise TypeError(f"{argument}: an array of {column.dtype} holds no times")
    if not np.isfinite(column).all():
        raise ValueError(f"{argument}: must be finite")
    return column


def _from_datetime64(column: np.ndarray, argument: str) -> np.ndarray:
    if np.isnat(column).any():
        raise ValueError(f"{argument}: holds NaT, which is no time")
    return column.astype("datetime64[ns]").astype("i8") / 1e9
