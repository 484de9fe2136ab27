"""What can be asked of devices in each state, and how it is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ..core.run_control import Command
from ..devices.instrument_state import InstrumentState
from ..devices.source import DeviceSource
from ..devices.spec import DeviceSpec
from .device_row import DeviceRow

if TYPE_CHECKING:
    from ..core.hub import Hub
    from ..devices.instrument import Instrument

State = InstrumentState
POSSIBLE: dict[str, frozenset[InstrumentState]] = {
    "start": frozenset({State.DISCONNECTED, State.CONNECTED, State.FAILED}),
    "pause": frozenset({State.STREAMING}),
    "resume": frozenset({State.PAUSED}),
    "stop": frozenset({State.CONNECTING, State.STREAMING, State.PAUSED, State.RETRYING}),
    "connect": frozenset({State.DISCONNECTED, State.FAILED}),
    "disconnect": frozenset(State) - {State.DISCONNECTED},
}
STEERED = frozenset({State.STREAMING, State.PAUSED})  # asked as the toolbar asks: with a row of the log for each stage


class DeviceOrders:
    """Ask devices for something through the window's actions; the outcome is what they report.

    Args:
        hub: read only. actions: of the window. tell: shows one sentence to the user.
    """

    def __init__(self, hub: Hub, actions: dict[str, Callable[..., Any]], tell: Callable[[str], None]) -> None:
        self._hub, self._do, self._tell = hub, actions, tell

    def instrument(self, key: str) -> Instrument | None:
        """Return a device while it is open here."""
        source = self._do["source"](key)
        return source.instrument if isinstance(source, DeviceSource) else None

    def give(self, order: str, rows: Sequence[DeviceRow]) -> None:
        """Ask those devices for it that can do it now."""
        for row in rows:
            if row.spec is not None and row.state in POSSIBLE[order]:
                getattr(self, f"_{order}")(row)

    def add(self, spec: DeviceSpec) -> None:
        """Add a device, connect it and have it stream."""
        self._do["connect_url"](spec.url, None)

    def change(self, key: str, spec: DeviceSpec) -> None:
        """Have a device be as it is described now; one that is open is opened anew, its data stay."""
        was_open = self.instrument(key) is not None
        if was_open:
            self._do["disconnect_key"](key)
        self._do["respell"](key, spec.url)
        if was_open:
            self._do["connect_url"](spec.url, None)

    def set_rate(self, row: DeviceRow, typed: str) -> None:
        """Ask for another rate, as a person typed it."""
        if row.spec is None:
            return
        try:
            rate_hz = float(typed.removesuffix("Hz").strip())
        except ValueError:
            self._tell(f"The rate is not changed: {typed[:20]!r} is no number of readings a second")
            return
        try:
            spec = msgspec.structs.replace(row.spec, rate_hz=rate_hz)
            spec.__post_init__()
        except ValueError as error:
            self._tell(f"The rate is not changed: {error}")
            return
        if (instrument := self.instrument(row.key)) is not None:
            instrument.set_rate(rate_hz)
        self._do["respell"](row.key, spec.url)
        self._do["note"](row.key, "info", f"rate {rate_hz:g} Hz was asked for")

    def _start(self, row: DeviceRow) -> None:
        instrument = self.instrument(row.key)
        if instrument is None:
            self._do["connect_url"](self._hub.producers[row.key].url, None)
        else:
            instrument.start()

    def _connect(self, row: DeviceRow) -> None:
        self._start(row)
        source = self._do["source"](row.key)
        if isinstance(source, DeviceSource):
            source.rest()

    def _disconnect(self, row: DeviceRow) -> None:
        self._do["disconnect_key"](row.key)

    def _pause(self, row: DeviceRow) -> None:
        self._do["send"]([row.key], Command.PAUSE.value)

    def _resume(self, row: DeviceRow) -> None:
        self._do["send"]([row.key], Command.RESUME.value)

    def _stop(self, row: DeviceRow) -> None:
        instrument = self.instrument(row.key)
        if row.state in STEERED:
            self._do["send"]([row.key], Command.STOP.value)
        elif instrument is not None:
            instrument.stop()
