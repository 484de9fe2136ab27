"""One device of a bench: what may be asked of it, and what is known of it. It works on threads of its own."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec

from .arrivals import Arrivals
from .bench_errors import InstrumentError
from .instrument_life import InstrumentLife
from .instrument_state import InstrumentState
from .spec import DeviceSpec
from .stream_statistics import StreamStatistics
from .wishes import Wish, refused

__all__ = ["Instrument", "InstrumentError", "InstrumentState"]

CALL_S = 60.0


class Instrument(InstrumentLife):
    """A device with its worker. Every method but ``close`` returns at once; all may be called from any thread.

    It strives for what was asked last: a device that cannot be connected, or whose stream breaks, is tried again with
    growing pauses until something else is asked. Whoever owns it calls ``tick`` a few times a second.

    Args:
        spec: which device. on_change: is told that state or detail are otherwise than before.
        on_samples: is told readings as (unix seconds, value). on_fault: is told each fault as a sentence; all are in
            the log as well. These are called from the device's threads and must not block.

    Attributes:
        spec: as above, with the present rate. device: as its kind made it, None before. identity: how it names itself.
        last_value, last_t: the last reading and its time, unix seconds. fault_count: faults told so far.
    """

    def __init__(
        self,
        spec: DeviceSpec,
        *,
        on_change: Callable[[Instrument], None],
        on_samples: Callable[[Instrument, list[tuple[float, Any]]], None],
        on_fault: Callable[[Instrument, str], None] | None = None,
    ) -> None:
        super().__init__(spec)
        self.last_value: Any = None
        self.last_t: float | None = None
        self.fault_count = 0
        self._on_change, self._on_samples, self._on_fault = on_change, on_samples, on_fault
        self._arrivals = Arrivals()

    @property
    def error_count(self) -> int:
        """Faults of all kinds, those of readings included."""
        told = self.statistics()
        return self.fault_count + told.callback_errors + told.acquisition_errors

    @property
    def measured_rate_hz(self) -> float:
        """Readings a second, over the last ones; 0 when it does not stream."""
        return self._arrivals.rate_hz() if self._is_streaming else 0.0

    def statistics(self) -> StreamStatistics:
        """Tell what became of its readings, since the device was made."""
        told: Any = getattr(self.device, "statistics", None)
        return StreamStatistics() if told is None else told()

    @property
    def is_wanted(self) -> bool:
        """Whether it is to stream, be it that it does or that it is tried again."""
        return self._wishes.now is Wish.STREAMING

    def prepare(self) -> Future[None]:
        """Make the device without connecting it, so that it can be asked what it has."""
        with self._lock:
            self._is_prepared = True
            wish = self._wishes.now
        return self._want(wish, lambda: self.device is not None, tuple(Wish))

    def connect(self) -> Future[None]:
        """Connect it. One that does not answer is tried again, though the future tells of the first refusal."""
        with self._lock:
            wish = Wish.CONNECTED if self._wishes.now is Wish.DISCONNECTED else self._wishes.now
        within = (Wish.CONNECTED, Wish.PAUSED, Wish.STREAMING)
        return self._want(wish, lambda: self._is_connected, within, anew=True)

    def start(self) -> Future[None]:
        """Connect it when needed, and stream."""
        return self._want(Wish.STREAMING, lambda: self._is_streaming, anew=True)

    def pause(self) -> Future[None]:
        """End the stream until ``resume``; the connection stays."""
        return self._want(self._unless_left(Wish.PAUSED), lambda: not self._is_streaming)

    def resume(self) -> Future[None]:
        """Stream again, unless it is to be disconnected."""
        wish = self._unless_left(Wish.STREAMING)
        return self.start() if wish is Wish.STREAMING else refused(f"{self.spec.id} is not connected")

    def stop(self) -> Future[None]:
        """End the stream; the connection stays."""
        return self._want(self._unless_left(Wish.CONNECTED), lambda: not self._is_streaming)

    def disconnect(self) -> Future[None]:
        """End the stream and the connection."""
        return self._want(Wish.DISCONNECTED, lambda: not self._is_connected and not self._busy, anew=True)

    def set_rate(self, rate_hz: float) -> Future[None]:
        """Have another rate from now on; a stream that runs begins anew.

        Raises:
            ValueError: the rate is out of bounds, with a sentence.
        """
        spec = msgspec.structs.replace(self.spec, rate_hz=float(rate_hz))
        spec.__post_init__()
        with self._lock:
            self.spec = spec
            wish = self._wishes.now
        return self._want(wish, lambda: self._runs_at(spec.rate_hz) or not self.is_wanted, tuple(Wish))

    def ask(self, command: str) -> Future[str]:
        """Send one command in the device's own language; the answer is "" for a command that has none."""
        return self.call("ask", (command,))

    def call(
        self, method: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, *, limit_s: float = CALL_S
    ) -> Future[Any]:
        """Call a public method of the device, in turn with all else that is done with it.

        Args:
            method: its name. args, kwargs: as the method takes them. limit_s: after which it is given up.

        Returns:
            What the method returns or raises; InstrumentError when there is no such method, or no device yet.
        """
        device = self.device
        if device is None:
            return refused(f"{self.spec.id} is not connected")
        if method.startswith("_") or not inspect.isroutine(getattr(type(device), method, None)):
            return refused(f"{self.spec.id} has no command {method[:40]!r}")
        return self._submit(lambda: getattr(device, method)(*args, **(kwargs or {})), limit_s)

    def close(self, timeout_s: float = 2.0) -> bool:
        """End its stream, its connection and its worker.

        Returns:
            False when a thread of it had to be left behind.
        """
        until_s = time.monotonic() + timeout_s
        ended = self.disconnect()
        with self._lock:
            self._is_closed = True
        try:
            ended.result(timeout_s)
        except (TimeoutError, InstrumentError):
            pass  # what is left is left behind
        return self._worker.close(max(0.0, until_s - time.monotonic()))

    def _runs_at(self, rate_hz: float) -> bool:
        return self._is_streaming and self._running_hz == rate_hz

    def _unless_left(self, wish: Wish) -> Wish:
        """Return a wish, but leave a device alone that nobody wants to be connected."""
        with self._lock:
            return Wish.DISCONNECTED if self._wishes.now is Wish.DISCONNECTED else wish

    def _on_news(self) -> None:
        if not self._is_streaming:
            self._arrivals.clear()
        self._on_change(self)

    def _tell_fault(self, sentence: str) -> None:
        self.fault_count += 1
        if self._on_fault is not None:
            self._on_fault(self, sentence)

    def _take(self, stream: int, value: Any, t: float) -> None:
        if stream == self._stream:
            self.last_value, self.last_t = value, t
            self._arrivals.note()
            self._on_samples(self, [(t, value)])
