"""Ticks and number texts of axes: SI frequencies, calendar times, values. Pure functions."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

_PREFIXES = {-12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
_TIME_STEPS_S = (
    *(step * decade for decade in (1e-4, 1e-3, 1e-2, 0.1) for step in (1, 2, 5)),
    *(1, 2, 5, 10, 15, 30),
    *(60 * step for step in (1, 2, 5, 10, 15, 30)),
    *(3600 * step for step in (1, 2, 3, 6, 12)),
    *(86400 * step for step in (1, 2, 7, 14, 28, 56, 112)),
)
_LIMIT_S = 1e11
MOST_TICKS = 200


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what stands there; ``date`` is the second line of a time, or ""."""

    value: float
    text: str
    date: str = ""


def nice_step(smallest: float) -> float:
    """Return the smallest of 1, 2, 5 × 10ⁿ that is at least ``smallest`` (positive)."""
    decade = 10.0 ** math.floor(math.log10(smallest))
    return next((m * decade for m in (1, 2, 5) if m * decade >= smallest * (1 - 1e-9)), 10 * decade)


def si_prefix(largest: float) -> tuple[float, str]:
    """Return factor and prefix that bring a magnitude between 1 and 1000, as (1e6, "M")."""
    if not (largest > 0 and math.isfinite(largest)):
        return 1.0, ""
    exponent = min(12, max(-12, 3 * math.floor(math.log10(largest * (1 + 1e-12)) / 3)))
    return 10.0**exponent, _PREFIXES[exponent]


def linear_ticks(low: float, high: float, count: int, factor: float = 1.0) -> list[Tick]:
    """Return about ``count`` round ticks in low … high; texts are in units of ``factor``."""
    if not (math.isfinite(low) and math.isfinite(high) and low < high and count > 0):
        return []
    low, high = low / factor, high / factor
    step = nice_step((high - low) / count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first > MOST_TICKS or low + step == low:
        return []
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    plain = decimals <= 9 and max(abs(low), abs(high)) < 1e9
    texts = {i: f"{i * step:.{decimals}f}" if plain else f"{i * step:.6g}" for i in range(first, last + 1)}
    return [Tick(i * step * factor, text if i else "0") for i, text in texts.items()]


def frequency_ticks(low_hz: float, high_hz: float, count: int) -> tuple[list[Tick], str]:
    """Return about ``count`` ticks and their unit, as "MHz"."""
    factor, prefix = si_prefix(max(abs(low_hz), abs(high_hz)))
    return linear_ticks(low_hz, high_hz, count, factor), f"{prefix}Hz"


def frequency_text(hz: float, resolution_hz: float) -> str:
    """Return a frequency with as many digits as the resolution has, as "1.420406 GHz"."""
    factor, prefix = si_prefix(abs(hz))
    digits = 0 if resolution_hz <= 0 else max(0, min(12, 1 - math.floor(math.log10(resolution_hz / factor))))
    number = hz / factor
    return f"{number:.{digits}f} {prefix}Hz" if abs(number) < 1e6 else f"{number:.6g} {prefix}Hz"


def moment(t: float, *, utc: bool) -> dt.datetime:
    """Return unix seconds as a date and time of UTC or of this computer; beyond the calendar, its edge."""
    t = min(max(t, -_LIMIT_S / 2), _LIMIT_S)
    try:
        when = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=t)
        return when if utc else when.astimezone()
    except (OverflowError, ValueError, OSError):
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def time_text(t: float, step_s: float, *, utc: bool) -> str:
    """Return the time of day with the digits that a step of ``step_s`` needs, as "12:03:04.5"."""
    decimals = max(0, min(6, -math.floor(math.log10(step_s) + 1e-9))) if 0 < step_s < 1 else 0
    when = moment(round(t, decimals) + 10.0**-7, utc=utc)
    if step_s >= 60:
        return f"{when.hour:02d}:{when.minute:02d}"
    return f"{when.hour:02d}:{when.minute:02d}:{when.second:02d}" + (
        f".{when.microsecond:06d}"[: decimals + 1] if decimals else ""
    )


def time_ticks(low_s: float, high_s: float, count: int, *, utc: bool, today: dt.date) -> list[Tick]:
    """Return about ``count`` ticks from new to old.

    The date stands at the newest tick when it is not today, and at each tick whose date differs from the one above.
    """
    if not (low_s < high_s and count > 0 and abs(low_s) < _LIMIT_S and abs(high_s) < _LIMIT_S):
        return []
    wanted = (high_s - low_s) / count
    step = next((step for step in _TIME_STEPS_S if step >= wanted * (1 - 1e-9)), nice_step(wanted / 86400) * 86400)
    zone = moment((low_s + high_s) / 2, utc=utc).utcoffset() or dt.timedelta()
    offset = zone.total_seconds()
    first, last = math.ceil((low_s + offset) / step - 1e-9), math.floor((high_s + offset) / step + 1e-9)
    if last - first > MOST_TICKS:
        return []
    ticks, shown = [], today
    for i in range(last, first - 1, -1):
        t = i * step - offset
        date = moment(t + 1e-7, utc=utc).date()
        ticks.append(Tick(t, time_text(t, step, utc=utc), "" if date == shown else date.isoformat()))
        shown = date
    return ticks


def value_text(value: float) -> str:
    """Return a value with four significant digits."""
    return f"{value:.4g}" if math.isfinite(value) else {math.inf: "∞", -math.inf: "-∞"}.get(value, "NaN")


def duration_text(seconds: float, digits: int = 3) -> str:
    """Return a time span in words, as "2.5 min", with so many significant digits."""
    for size, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")):
        if seconds >= size:
            return f"{seconds / size:.{digits}g} {unit}"
    return f"{seconds * 1000:.{digits}g} ms"
