"""What is in a reading: numbers that become metrics, a trace that is a spectrum, and the rest."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from ..core.dialects.readings import read_object
from ..core.messages import ProtocolError, Spectrum
from ..core.metric_values import Labels
from .reading_context import ReadingContext

DEEPEST = 16
UNIT = "unit"  # the label that tells the unit of a metric
LOGARITHMIC = {"dbm": "mW", "db": ""}  # units of traces, and what they are when they are linear


class Reading(NamedTuple):
    """A reading taken apart.

    Args:
        metrics: numbers by full name, for each set of labels. spectrum: a trace whose frequencies are known.
        rest: what is neither, or None.
    """

    metrics: tuple[tuple[Labels, dict[str, Any]], ...] = ()
    spectrum: Spectrum | None = None
    rest: Any = None


def take_apart(value: Any, t: float, context: ReadingContext) -> Reading:
    """Take a reading apart.

    Args:
        value: as the device gave it. t: unix seconds. context: how it is to be understood.

    Raises:
        ProtocolError: nested too deep, or too many numbers.
    """
    name, unit, units, axis = context
    value = _plain(value)
    if isinstance(value, bool | int | float):
        return Reading(((_labels(unit), {name: value}),))
    if isinstance(value, np.ndarray) and axis is not None and value.ndim == 1 and len(value) > 1:
        return Reading(spectrum=_spectrum(value, t, axis, unit))
    if not isinstance(value, dict):
        return Reading(rest=value)
    found = read_object(value)
    if found.metric:  # an object with a name and a value of its own is just another reading here
        found = read_object({"": value})
    groups: dict[str, dict[str, Any]] = {}
    for part, number in found.numbers.items():
        part = part.lstrip(".")
        groups.setdefault(units.get(part, unit), {})[f"{name}.{part}"] = number
    return Reading(tuple((_labels(unit), group) for unit, group in groups.items()), rest=found.rest or None)


def _labels(unit: str) -> Labels:
    return ((UNIT, unit),) if unit else ()


def _spectrum(trace: np.ndarray, t: float, axis: tuple[float, float], unit: str) -> Spectrum:
    """Make a row of a waterfall, whose power is linear."""
    first_hz, last_hz = axis
    linear = LOGARITHMIC.get(unit.lower())
    power = trace if linear is None else 10.0 ** (trace / 10.0)
    return Spectrum(
        power=np.ascontiguousarray(power, "<f4")[None],
        t=t,
        f0=first_hz,
        df=(last_hz - first_hz) / (len(trace) - 1),
        unit=unit if linear is None else linear,
    )


def _plain(value: Any, depth: int = 0) -> Any:
    """Return a value made of Python's own kinds and arrays, as drivers return what they like."""
    if depth > DEEPEST:
        raise ProtocolError(f"nested deeper than {DEEPEST}")
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim):
        value = value.item()
    if value is None or isinstance(value, bool | str | bytes):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real | Decimal):
        return float(value)
    if isinstance(value, numbers.Complex):
        value = complex(value)
        return {"re": value.real, "im": value.imag}
    if isinstance(value, np.ndarray):
        return _plain_array(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    return str(value)


def _plain_array(array: np.ndarray) -> Any:
    """Return an array of real numbers; one of complex numbers as its two parts."""
    if array.dtype.kind == "c":
        return {"re": np.ascontiguousarray(np.real(array), "f8"), "im": np.ascontiguousarray(np.imag(array), "f8")}
    if array.dtype.kind in "biuf":
        return np.ascontiguousarray(array)
    return str(array)
