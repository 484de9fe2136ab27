"""Ticks of value axes, linear and logarithmic, and of durations. Pure functions."""

from __future__ import annotations

import math

from .axis_ticks import MOST_TICKS, Tick, nice_step, si_prefix

PLAIN_UP_TO = 1e4  # larger magnitudes get k, M, G or T
PLAIN_DOWN_TO = 1e-3  # smaller ones a power of ten
PREFIXED_BELOW = 1e15
_DURATION_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def value_ticks(low: float, high: float, count: int) -> list[Tick]:
    """Return about ``count`` round ticks in low … high, all written with the same digits."""
    if not (math.isfinite(low) and math.isfinite(high) and low < high and count > 0):
        return []
    step = nice_step((high - low) / count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first > MOST_TICKS or low + step == low:
        return []
    largest = max(abs(first), abs(last)) * step
    return [Tick(i * step, _tick_text(i * step, step, largest)) for i in range(first, last + 1)]


def _tick_text(value: float, step: float, largest: float) -> str:
    if value == 0:
        return "0"
    if PLAIN_DOWN_TO <= largest < PLAIN_UP_TO:
        return f"{value:.{_decimals(step)}f}"
    if PLAIN_UP_TO <= largest < PREFIXED_BELOW:
        factor, prefix = si_prefix(largest)
        return f"{value / factor:.{_decimals(step / factor)}f}{prefix}"
    digits = max(0, math.floor(math.log10(abs(value)) + 1e-9) - math.floor(math.log10(step) + 1e-9))
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _decimals(step: float) -> int:
    return max(0, -math.floor(math.log10(step) + 1e-9))


def log_ticks(low: float, high: float, count: int) -> list[Tick]:
    """Return about ``count`` ticks in log10(value) = low … high; their ``value`` is the logarithm, too."""
    if not (math.isfinite(low) and math.isfinite(high) and low < high and count > 0) or high - low > 700:
        return []
    first, last = math.ceil(low - 1e-9), math.floor(high + 1e-9)
    decades = last - first + 1
    if decades >= 3 or (decades == 2 and count <= 3):
        every = max(1, math.ceil(decades / count))
        return [Tick(k, _power_text(k)) for k in range(first, last + 1) if k % every == 0]
    if high - low > 0.5:
        mantissas = (1, 2, 5) if count > 3 else (1, 3)
        places = [(m, k) for k in range(first - 1, last + 1) for m in mantissas]
        ticks = [
            Tick(place, _number_text(m * 10.0**k))
            for m, k in places
            if low - 1e-9 <= (place := k + math.log10(m)) <= high + 1e-9
        ]
        if len(ticks) > 1:
            return ticks
    return [Tick(math.log10(tick.value), tick.text) for tick in value_ticks(10**low, 10**high, count) if tick.value > 0]


def _power_text(exponent: int) -> str:
    return _number_text(10.0**exponent) if -300 < exponent < 300 else f"1e{exponent}"


def _number_text(value: float) -> str:
    if PLAIN_DOWN_TO <= value < PLAIN_UP_TO:
        return f"{value:g}"
    if PLAIN_UP_TO <= value < PREFIXED_BELOW:
        factor, prefix = si_prefix(value)
        return f"{value / factor:g}{prefix}"
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def short_value(value: float) -> str:
    """Return a value with about four digits, as "0.1234", "32404", "1.2e-5", "32.4M"."""
    size = abs(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if size >= PREFIXED_BELOW or 0 < size < PLAIN_DOWN_TO / 10:
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    if size >= 1e6:
        factor, prefix = si_prefix(size)
        return f"{value / factor:.4g}{prefix}"
    return f"{value:.0f}" if size >= 9999.5 else f"{value:.4g}"


def duration_ticks(low_s: float, high_s: float, count: int) -> list[Tick]:
    """Return about ``count`` ticks of a relative time, as "90 s", "2:30", "1:02:00"."""
    if not (math.isfinite(low_s) and math.isfinite(high_s) and low_s < high_s and count > 0):
        return []
    wanted = (high_s - low_s) / count
    if wanted < 1:
        step = nice_step(wanted)
    else:
        step = next((s for s in _DURATION_STEPS_S if s >= wanted), nice_step(wanted / 86400) * 86400)
    first, last = math.ceil(low_s / step - 1e-9), math.floor(high_s / step + 1e-9)
    if last - first > MOST_TICKS or low_s + step == low_s:
        return []
    return [Tick(i * step, duration_text(i * step, step)) for i in range(first, last + 1)]


def duration_text(seconds: float, step_s: float) -> str:
    """Return a relative time with the digits that a step of ``step_s`` needs."""
    if not math.isfinite(seconds):
        return "–"
    decimals = max(0, min(6, -math.floor(math.log10(step_s) + 1e-9))) if 0 < step_s < 1 else 0
    sign, size = ("-" if seconds < 0 else ""), round(abs(seconds), decimals)
    if size < 60:
        return f"{sign}{size:.{decimals}f} s"
    minutes, rest = divmod(size, 60)
    rest_text = f"{rest:0{3 + decimals if decimals else 2}.{decimals}f}"
    if minutes < 60:
        return f"{sign}{int(minutes)}:{rest_text}"
    hours, minutes = divmod(int(minutes), 60)
    return f"{sign}{hours}:{minutes:02d}:{rest_text}"
