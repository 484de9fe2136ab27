"""How the readings of a device are to be understood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .instrument import Instrument


class ReadingContext(NamedTuple):
    """What is known of the readings of a device.

    Args:
        name: of the metric; the parts of a dict are named after it. unit: of the readings, "" when not known.
        units: of the parts of a dict, by their names there. axis: first and last frequency of a trace, Hz.
    """

    name: str
    unit: str = ""
    units: Mapping[str, str] = {}
    axis: tuple[float, float] | None = None

    @classmethod
    def of(cls, instrument: Instrument, name: str) -> ReadingContext:
        """Return what an instrument and its description say; the description comes first."""
        spec, device = instrument.spec, instrument.device
        told: Any = getattr(device, "units", None)
        unit = spec.unit or str(getattr(device, "unit", "") or "")
        ends = [spec.params.get(end) for end in ("start_hz", "stop_hz")]
        first_hz, last_hz = (float(end) if isinstance(end, int | float) else None for end in ends)
        own = getattr(device, "axis_hz", None)
        axis = own if first_hz is None or last_hz is None else (first_hz, last_hz)
        return cls(name, unit, told if isinstance(told, Mapping) else {}, axis)
