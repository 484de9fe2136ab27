"""When an object was made: which of its entries is its time, and in which unit.

A number is a time when, read in s, ms, us or ns, it lies between the years 2000 and 2100. It does so in one unit at
most, as a thousand times as much is millennia away. Any other number, such as seconds since a start, is no time of day.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

FIRST_S = 946_684_800.0  # 2000-01-01
LAST_S = 4_102_444_800.0  # 2100-01-01
UNITS = (1.0, 1e-3, 1e-6, 1e-9)
_WORDS = ("timestamp", "time", "ts", "t", "stamp")
_WITH_UNIT = tuple(f"{word}_{unit}" for word in _WORDS for unit in ("s", "ms", "us", "ns"))
# The first of these that an object has is its time, if its value is plausible.
TIME_KEYS = (
    *_WORDS,
    "@timestamp",
    "datetime",
    *(f"{word}_{unit}" for word in _WORDS for unit in ("s", "ms", "us", "ns")),
)
_TIME_KEYS = frozenset(TIME_KEYS)
MAX_ISO_CHARACTERS = 40


def time_key(names: Any) -> str | None:
    """Return which of these names holds the time, or None."""
    if _TIME_KEYS.isdisjoint(names):
        return None
    return next((key for key in TIME_KEYS if key in names), None)


def plausible_seconds(numbers: np.ndarray) -> np.ndarray:
    """Convert numbers to unix seconds.

    Args:
        numbers: f8[n] in any of the units.

    Returns:
        f8[n]; NaN where a number is no plausible time.
    """
    seconds = np.full(len(numbers), np.nan)
    for unit in UNITS:
        scaled = numbers * unit
        fits = (scaled >= FIRST_S) & (scaled < LAST_S)
        seconds[fits] = scaled[fits]
    return seconds


def time_of(value: Any) -> float | None:
    """Return the unix seconds of one value, a number or ISO text (UTC unless it says otherwise), or None."""
    if type(value) is str:
        return iso_seconds(value)
    if type(value) not in (int, float):
        return None
    for unit in UNITS:
        if FIRST_S <= value * unit < LAST_S:
            return value * unit
    return None


def iso_seconds(text: str) -> float | None:
    """Return the unix seconds of ISO 8601 text, or None when it is none."""
    if len(text) > MAX_ISO_CHARACTERS:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        seconds = moment.timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if FIRST_S <= seconds < LAST_S else None
