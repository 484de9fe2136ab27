"""A device object that is served: blocking calls in a thread of its own, streams started and stopped in another.

So a stream can be stopped while a call to the device is under way, and a call that never returns holds up neither the
server nor another device.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from typing import Any, TypeVar

from .device import StreamingDevice
from .served import (
    CALL_LIMIT_S,
    CONNECT_LIMIT_S,
    DeviceError,
    Served,
    Take,
    then,
    written,
)
from .server_methods import START, STOP, Described, describe, find_method
from .worker import DeviceWorker

T = TypeVar("T")

STOP_WITHIN_S = 2.0
STREAM_LIMIT_S = 30.0
ENDS_S = 0.1  # that an idle thread has to end, also when the time is over


class ServedObject(Served):
    """Serve an object of a class as in the seed, with its lock (``attach``) or a ``StreamingDevice``.

    Args:
        device: the object. id_: its id, kind: the type that is told.
        rate_hz: of its stream; the device's own default when None.
        is_ours: the server has made it, and disconnects it at the end.
        call_limit_s: the longest that a call may take.
    """

    def __init__(
        self,
        device: Any,
        id_: str,
        kind: str = "",
        *,
        rate_hz: float | None = None,
        is_ours: bool = False,
        call_limit_s: float = CALL_LIMIT_S,
    ) -> None:
        super().__init__(id_, kind or type(device).__name__)
        self.device = device
        self._rate = {} if rate_hz is None else {"sample_rate": rate_hz}
        self._is_ours, self._limit_s = is_ours, call_limit_s
        self._calls, self._stream = DeviceWorker(id_), DeviceWorker(f"{id_}-stream")
        self._lock = threading.Lock()
        self._open = 0  # calls that are under way or wait
        self._is_started = False  # by us
        self._look: Future[None] | None = None

    @property
    def streams(self) -> bool:
        """Tell whether it is a device that streams."""
        return hasattr(type(self.device), START)

    @property
    def dropped(self) -> int:
        """Return how many readings a StreamingDevice has given up; others do not tell."""
        return self.device.statistics().dropped if isinstance(self.device, StreamingDevice) else 0

    @property
    def end_reason(self) -> str:
        """Return why its last stream ended by itself, as far as it tells."""
        return self.device.statistics().reason if isinstance(self.device, StreamingDevice) else ""

    def methods(self) -> list[Described]:
        """Describe the methods that may be called."""
        return describe(type(self.device))

    def look(self) -> Future[None] | None:
        """Ask the device whether it is connected and streams, unless a call is under way."""
        with self._lock:
            if self._open:
                return None
            if self._look is None or self._look.done():
                self._look = self._calls.submit(self._look_now, limit_s=self._limit_s)
            return self._look

    def look_at_stream(self) -> Future[bool]:
        """Ask whether it still streams; a class that cannot tell is believed to."""
        return self._stream.submit(lambda: self._told("is_streaming", True), limit_s=STREAM_LIMIT_S)

    def call(self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Future[str]:
        """Call a method (see ``Served``)."""
        found = find_method(self.device, self.id, method)
        if method == STOP:
            return self._stream.submit(lambda: written(found(*args, **kwargs)), limit_s=STREAM_LIMIT_S)

        def run() -> str:
            result = found(*args, **kwargs)
            if method in ("connect", "disconnect"):
                self.is_connected = method == "connect"
            return written(result)

        return self._submit(run, self._limit_s)

    def connect(self) -> Future[None]:
        """Connect it."""
        return then(self._submit(self._connect_now, CONNECT_LIMIT_S), lambda _: None)

    def disconnect(self) -> Future[None]:
        """Disconnect it."""
        return then(self._submit(self._disconnect_now, CONNECT_LIMIT_S), lambda _: None)

    def start(self, take: Take) -> Future[bool]:
        """Have it stream; one that streams to somebody else already is left to him."""
        self._is_started = True  # already: a server that is stopped meanwhile has to stop what comes of it
        return self._stream.submit(lambda: self._start_now(take), limit_s=STREAM_LIMIT_S)

    def stop(self) -> Future[None]:
        """End its stream."""
        return self._stream.submit(self._stop_now, limit_s=STREAM_LIMIT_S)

    def close(self, timeout_s: float) -> bool:
        """End the stream if it was started here, disconnect the device if it is the server's own, end the threads."""
        until_s = time.monotonic() + timeout_s
        if self._is_started:
            _settled(self.stop(), until_s)
        if self._is_ours and self.is_connected:
            _settled(self.disconnect(), until_s)
        ended = self._calls.close(max(ENDS_S, until_s - time.monotonic()))
        return self._stream.close(max(ENDS_S, until_s - time.monotonic())) and ended

    def _submit(self, call: Callable[[], T], limit_s: float) -> Future[T]:
        with self._lock:
            self._open += 1
        future = self._calls.submit(call, limit_s=limit_s)
        future.add_done_callback(self._on_done)
        return future

    def _on_done(self, _: Future[Any]) -> None:
        with self._lock:
            self._open -= 1

    def _look_now(self) -> None:
        self.is_connected = self._told("is_connected", self.is_connected)
        self.is_streaming = self._told("is_streaming", False)

    def _told(self, name: str, default: bool) -> bool:
        """Ask the device, by a method or an attribute that it may have."""
        found = getattr(self.device, name, default)
        return bool(found() if callable(found) else found)

    def _connect_now(self) -> None:
        self.device.connect()
        self.is_connected = True
        self._look_now()

    def _disconnect_now(self) -> None:
        self.device.disconnect()
        self.is_connected = False
        self._look_now()

    def _start_now(self, take: Take) -> bool:
        self._is_started = False
        if self._told("is_streaming", False):
            raise DeviceError(f"Device '{self.id}' is already streaming")
        self.device.start_streaming(callback=take, **self._rate)
        self.is_streaming = self._is_started = True
        return True

    def _stop_now(self) -> None:
        if hasattr(self.device, STOP):
            self.device.stop_streaming(timeout=STOP_WITHIN_S)
        self.is_streaming = self._is_started = False


def _settled(future: Future[Any], until_s: float) -> None:
    """Wait for an outcome, whatever it is."""
    wait([future], max(0.0, until_s - time.monotonic()))
