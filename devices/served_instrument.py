"""An instrument of a bench that is served."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from .device import StreamingDevice
from .instrument import Instrument, InstrumentState
from .served import Served, Take, then, written
from .server_errors import RequestError
from .server_methods import STOP, Described, describe, find_method

CONNECTED = frozenset({InstrumentState.CONNECTED, InstrumentState.STREAMING, InstrumentState.PAUSED})
ENDED = frozenset({InstrumentState.CONNECTED, InstrumentState.DISCONNECTED, InstrumentState.FAILED})


class ServedInstrument(Served):
    """Serve a device that is described: it is made when it is connected, and tried again when it fails.

    Args:
        instrument: of a bench, which tells ``note_change`` and ``hand_on`` what it has to tell.
    """

    def __init__(self, instrument: Instrument) -> None:
        super().__init__(instrument.spec.id, instrument.spec.kind)
        self.instrument = instrument
        self._take: Take | None = None

    def note_change(self) -> None:
        """Take note that its state may have changed."""
        state = self.instrument.state
        self.is_connected, self.is_streaming = state in CONNECTED, state is InstrumentState.STREAMING

    def hand_on(self, samples: list[tuple[float, Any]]) -> None:
        """Hand its readings on, in its own thread."""
        if self._take is not None:
            for _t, value in samples:
                self._take(value)

    @property
    def streams(self) -> bool:
        """Tell that it streams, as all do that are described."""
        return True

    @property
    def dropped(self) -> int:
        """Return how many readings it has given up."""
        return self.instrument.statistics().dropped

    @property
    def end_reason(self) -> str:
        """Return what it says of its state."""
        return self.instrument.detail

    def methods(self) -> list[Described]:
        """Describe its methods; before it is made, those that all have."""
        device = self.instrument.device
        return describe(StreamingDevice if device is None else type(device))

    def look(self) -> None:
        """Ask nothing: an instrument tells of itself."""

    def look_at_stream(self) -> Future[bool]:
        """Tell whether it still streams, or tries to."""
        return _done(self.instrument.state not in ENDED)

    def call(self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Future[str]:
        """Call a method (see ``Served``); those that change its state do so as far as the bench is concerned, too."""
        changes: dict[str, Callable[[], Future[None]]] = {
            "connect": self.connect,
            "disconnect": self.disconnect,
            STOP: self.stop,
        }
        if method in changes:
            return then(changes[method](), written)
        device = self.instrument.device
        if device is None or not self.is_connected:
            words = self.instrument.detail or f"Device '{self.id}' is not connected"
            raise RequestError(400, "DeviceConnectionError", words)
        find_method(device, self.id, method)
        return then(self.instrument.call(method, args, kwargs), written)

    def connect(self) -> Future[None]:
        """Connect it."""
        return self.instrument.connect()

    def disconnect(self) -> Future[None]:
        """Disconnect it."""
        return self.instrument.disconnect()

    def start(self, take: Take) -> Future[bool]:
        """Have it stream, connected when needed."""
        self._take = take
        if self.instrument.state is InstrumentState.STREAMING:
            return _done(False)
        started = self.instrument.start()
        started.add_done_callback(self._on_started)
        return then(started, lambda _: True)

    def stop(self) -> Future[None]:
        """End its stream."""
        return self.instrument.stop()

    def _on_started(self, started: Future[None]) -> None:
        if started.exception() is not None:
            self.instrument.stop()  # it would go on trying, for nobody


def _done(value: bool) -> Future[bool]:
    future: Future[bool] = Future()
    future.set_result(value)
    return future
