"""Settings of a serial line, by the names a person gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FASTEST_BAUD = 20_000_000

# Numbers of the VISA specification, VPP-4.3.2: VI_ATTR_ASRL_BAUD and those after it.
_ATTRIBUTES = {
    "baud_rate": 0x3FFF0021,
    "data_bits": 0x3FFF0022,
    "parity": 0x3FFF0023,
    "stop_bits": 0x3FFF0024,
    "flow_control": 0x3FFF0025,
}
_NUMBERS = {"baud_rate": range(1, FASTEST_BAUD + 1), "data_bits": range(5, 9)}
_WORDS = {
    "parity": {"none": 0, "odd": 1, "even": 2, "mark": 3, "space": 4},
    "stop_bits": {1: 10, 1.5: 15, 2: 20},
    "flow_control": {"none": 0, "xon_xoff": 1, "rts_cts": 2, "dtr_dsr": 4},
}


def serial_settings(settings: Mapping[str, Any]) -> dict[int, int]:
    """Return settings of a serial line as VISA attributes.

    Args:
        settings: ``baud_rate``, ``data_bits`` (5 to 8), ``parity`` (none, odd, even, mark, space), ``stop_bits``
            (1, 1.5, 2), ``flow_control`` (none, xon_xoff, rts_cts, dtr_dsr); the rest stays as the library has it.

    Raises:
        ValueError: a name or a value is unknown, as a sentence.
    """
    return {_attribute(name): _value(name, value) for name, value in settings.items()}


def _attribute(name: str) -> int:
    if name not in _ATTRIBUTES:
        raise ValueError(f"{name!r} is no setting of a serial line; there are {', '.join(_ATTRIBUTES)}")
    return _ATTRIBUTES[name]


def _value(name: str, value: Any) -> int:
    if name in _NUMBERS:
        if isinstance(value, int) and value in _NUMBERS[name]:
            return value
        raise ValueError(f"{name} of a serial line cannot be {value!r}")
    words = _WORDS[name]
    if not isinstance(value, str | int | float) or value not in words:
        raise ValueError(f"{name} of a serial line is one of {', '.join(map(str, words))}, not {value!r}")
    return words[value]
