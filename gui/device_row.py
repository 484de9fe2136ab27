"""One local device as a row: what its instrument, or only its URL, tells of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..devices.instrument_state import InstrumentState
from ..devices.reading_context import ReadingContext
from ..devices.spec import DeviceSpec
from .device_value import value_lines, value_text
from .plain_text import one_line

if TYPE_CHECKING:
    from ..core.hub import Producer
    from ..devices.instrument import Instrument

STATE_WORDS = {
    InstrumentState.DISCONNECTED: ("○", "Offline", "muted"),
    InstrumentState.CONNECTING: ("…", "Connecting", "muted"),
    InstrumentState.CONNECTED: ("■", "Connected", "accent"),
    InstrumentState.STREAMING: ("▶", "Streaming", "ok"),
    InstrumentState.PAUSED: ("‖", "Paused", "accent"),
    InstrumentState.RETRYING: ("↻", "Retrying", "warning"),
    InstrumentState.FAILED: ("✕", "Failed", "error"),
}
OFFLINE = "Start connects it"
PROBLEM_SHOWN_S = 15.0
SLOW = 0.9  # of the rate that was asked: less is told


@dataclass(frozen=True, kw_only=True)
class DeviceRow:
    """What is shown of one device.

    Args:
        key: of its producer. spec: how it is described, None when its URL cannot be read. state: what it does.
        name: the user's, or its id. identity: how it names itself. value: its last reading in words.
        rate_hz, measured_hz: asked and measured, None when not known. errors, dropped, missed: since it was opened.
        detail: a sentence about the state, "" when there is nothing to say. parts: of the last reading, a line each.
    """

    key: str
    spec: DeviceSpec | None
    state: InstrumentState
    name: str
    identity: str = ""
    value: str = ""
    parts: tuple[str, ...] = field(default=(), compare=False)
    rate_hz: float | None = None
    measured_hz: float | None = None
    errors: int | None = None
    dropped: int | None = None
    missed: int = 0
    detail: str = ""

    @property
    def is_slow(self) -> bool:
        """Whether it streams with less than the rate that was asked."""
        return bool(self.measured_hz and self.rate_hz and self.measured_hz < SLOW * self.rate_hz)


def device_row(producer: Producer, instrument: Instrument | None) -> DeviceRow:
    """Return the row of a device.

    Args:
        producer: as the hub lists it. instrument: the device itself while its source is open.
    """
    if instrument is None:
        return _closed_row(producer)
    spec, told = instrument.spec, instrument.statistics()
    measured_hz = instrument.measured_rate_hz
    return DeviceRow(
        key=producer.key,
        spec=spec,
        state=instrument.state,
        name=_name(producer, spec),
        identity=one_line(instrument.identity),
        value=value_text(instrument.last_value, unit_of(instrument)),
        parts=tuple(value_lines(instrument.last_value)) if isinstance(instrument.last_value, dict) else (),
        rate_hz=spec.rate_hz,
        measured_hz=measured_hz or None,
        errors=instrument.error_count,
        dropped=told.dropped,
        missed=told.missed,
        detail=(one_line(instrument.detail) or _recent_problem(producer)).removeprefix(f"{spec.id}: "),
    )


def unit_of(instrument: Instrument) -> str:
    """Return the unit of a device's readings, "" when nobody told it."""
    return ReadingContext.of(instrument, "").unit


def spec_of(url: str) -> DeviceSpec | None:
    """Return what a URL says of a device, None when it cannot be read."""
    try:
        return DeviceSpec.from_url(url)
    except ValueError:
        return None


def _closed_row(producer: Producer) -> DeviceRow:
    try:
        spec, state, detail = DeviceSpec.from_url(producer.url), InstrumentState.DISCONNECTED, OFFLINE
    except ValueError as error:
        spec, state, detail = None, InstrumentState.FAILED, one_line(str(error))
    return DeviceRow(
        key=producer.key,
        spec=spec,
        state=state,
        name=_name(producer, spec),
        rate_hz=spec.rate_hz if spec else None,
        detail=detail,
    )


def _name(producer: Producer, spec: DeviceSpec | None) -> str:
    name = producer.custom_name or (spec.id if spec else producer.url)
    return one_line(f"{name} · {spec.name}" if spec and spec.name and spec.name != name else name, 80)


def _recent_problem(producer: Producer) -> str:
    problem: Any = producer.problem
    return one_line(problem) if problem and time.time() - producer.problem_t < PROBLEM_SHOWN_S else ""
