"""One device of a bench: connected, streaming, paused, tried again; whatever was asked of it last, on its own threads."""

from __future__ import annotations

import enum
import inspect
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

import msgspec

from ..core.backoff import Backoff
from ..core.problems import one_line
from . import device_steps
from .device import StreamStatistics
from .spec import DeviceSpec
from .wishes import InstrumentError, Wish, Wishes, refused
from .worker import DeviceStuckError, DeviceWorker

logger = logging.getLogger("dockscope.devices")

CONNECT_S, STEP_S, CALL_S = 30.0, 10.0, 60.0  # after which a call of the device is given up
LOOK_EVERY_S = 1.0
STEADY_S = 5.0  # a stream that breaks sooner is begun again after growing pauses
RATE_OVER = 64  # readings
HOPELESS = (ValueError, TypeError, ImportError)  # of a device that cannot even be made: no repetition helps


class InstrumentState(enum.StrEnum):
    """What a device does, as far as it has told."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    STREAMING = "streaming"
    PAUSED = "paused"
    RETRYING = "retrying"
    FAILED = "failed"


class _Step(NamedTuple):
    """A blocking call towards what is wanted; ``done`` takes its result, and returns a fault to tell or ""."""

    name: str
    call: Callable[[], Any]
    done: Callable[[Any], str]
    limit_s: float = STEP_S


class Instrument:
    """A device with its worker. Every method but ``close`` returns at once; all may be called from any thread.

    It strives for what was asked last: a device that cannot be connected, or whose stream breaks, is tried again with
    growing pauses until something else is asked. Whoever owns it calls ``tick`` a few times a second.

    Args:
        spec: which device. on_change: is told that state or detail are otherwise than before.
        on_samples: is told readings as (unix seconds, value). on_fault: is told each fault as a sentence, which is
            logged when this is not given. All three are called from the device's threads and must not block.
    """

    def __init__(
        self,
        spec: DeviceSpec,
        *,
        on_change: Callable[[Instrument], None],
        on_samples: Callable[[Instrument, list[tuple[float, Any]]], None],
        on_fault: Callable[[Instrument, str], None] | None = None,
    ) -> None:
        self.spec = spec
        self.device: Any = None
        self.identity = ""
        self.last_value: Any = None
        self.last_t: float | None = None
        self.fault_count = 0
        self._on_change, self._on_samples, self._on_fault = on_change, on_samples, on_fault or _log_fault
        self._worker = DeviceWorker(spec.id)
        self._lock = threading.RLock()
        self._wishes = Wishes(spec.id)
        self._busy = False
        self._is_connected = self._is_streaming = self._is_broken = self._is_closed = False
        self._running_hz = 0.0
        self._failure = self._fault = self._trouble = ""  # for good, to be tried again, told by the device itself
        self._backoff = Backoff()
        self._retry_s = self._streaming_since_s = self._looked_s = 0.0  # on the monotonic clock
        self._generation = 0  # of the device: what one that was given up still tells is dropped
        self._stream = 0
        self._arrivals: deque[float] = deque(maxlen=RATE_OVER)
        self._told: tuple[InstrumentState, str] = (InstrumentState.DISCONNECTED, "")

    # -- what is known of it ------------------------------------------------------------------------------------

    @property
    def state(self) -> InstrumentState:
        """What it does."""
        with self._lock:
            return self._state()

    @property
    def detail(self) -> str:
        """A sentence about the state, such as why it is tried again; "" when there is nothing to say."""
        return self._failure or self._trouble or self._fault

    @property
    def error_count(self) -> int:
        """Faults of all kinds, those of readings included."""
        told = self.statistics()
        return self.fault_count + told.callback_errors + told.acquisition_errors

    @property
    def measured_rate_hz(self) -> float:
        """Readings a second, over the last ones; it falls when none come."""
        times = list(self._arrivals)
        if len(times) < 2 or times[-1] <= times[0]:
            return 0.0
        mean_s = (times[-1] - times[0]) / (len(times) - 1)
        silent_s = time.monotonic() - times[-1]
        return 1.0 / mean_s if silent_s <= 3.0 * mean_s else (len(times) - 1) / (times[-1] - times[0] + silent_s)

    def statistics(self) -> StreamStatistics:
        """Tell what became of its readings."""
        told = getattr(self.device, "statistics", None)
        return told() if callable(told) else StreamStatistics()

    # -- what may be asked of it --------------------------------------------------------------------------------

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
        """Stream again, unless it was never started or was disconnected."""
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
        return self._want(wish, lambda: not self._is_streaming or self._running_hz == spec.rate_hz)

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
            What the method returns or raises; InstrumentError when it is no method, or the device is not connected.
        """
        device = self.device
        if device is None or not self._is_connected:
            return refused(f"{self.spec.id} is not connected")
        if method.startswith("_") or not inspect.isroutine(getattr(type(device), method, None)):
            return refused(f"{self.spec.id} has no command {method[:40]!r}")
        return self._worker.submit(lambda: getattr(device, method)(*args, **(kwargs or {})), limit_s=limit_s)

    def tick(self) -> None:
        """Look whether the stream still runs, and whether it is time to try again."""
        with self._lock:
            if self._is_streaming and time.monotonic() - self._streaming_since_s >= STEADY_S:
                self._backoff.reset()
        self._go()

    def close(self, timeout_s: float = 2.0) -> bool:
        """End its stream, its connection and its worker.

        Returns:
            False when a thread of it had to be abandoned.
        """
        until_s = time.monotonic() + timeout_s
        ended = self.disconnect()
        with self._lock:
            self._is_closed = True
        try:
            ended.result(timeout_s)
        except (TimeoutError, InstrumentError):
            pass  # what is left is abandoned below
        return self._worker.close(max(0.0, until_s - time.monotonic()))

    # -- striving for what was asked ----------------------------------------------------------------------------

    def _unless_left(self, wish: Wish) -> Wish:
        """Return a wish, but leave a device alone that nobody wants to be connected."""
        with self._lock:
            return Wish.DISCONNECTED if self._wishes.now is Wish.DISCONNECTED else wish

    def _want(
        self, wish: Wish, is_so: Callable[[], bool], within: Sequence[Wish] = (), *, anew: bool = False
    ) -> Future[None]:
        with self._lock:
            if self._is_closed:
                return refused(f"{self.spec.id} is closed")
            if anew:  # what failed for good or was to wait is tried at once
                self._failure = self._fault = ""
                self._retry_s = 0.0
                self._backoff.reset()
            future, withdrawals = self._wishes.ask(wish, is_so, within)
        _run(withdrawals)
        self._go()
        return future

    def _go(self) -> None:
        """Begin the next step, if there is one; then tell what is so."""
        with self._lock:
            step = None if self._busy else self._next()
            self._busy = self._busy or step is not None
        if step is not None:
            done = self._worker.submit(step.call, limit_s=step.limit_s)
            done.add_done_callback(lambda done: self._end(step, done))
        self._tell()

    def _next(self) -> _Step | None:
        wish = self._wishes.now
        if self._is_connected and (self._is_broken or wish is Wish.DISCONNECTED):
            return self._stop_step() if self._is_streaming else self._disconnect_step()
        if self._failure or wish is Wish.DISCONNECTED:
            return None
        if not self._is_connected:
            return self._connect_step() if time.monotonic() >= self._retry_s else None
        if self._is_streaming:
            is_right = wish is Wish.STREAMING and self._running_hz == self.spec.rate_hz
            return self._look_step() if is_right else self._stop_step()
        return self._start_step() if wish is Wish.STREAMING else None

    def _end(self, step: _Step, done: Future[Any]) -> None:
        error = done.exception()
        with self._lock:
            self._busy = False
            fault = step.done(done.result()) if error is None else self._fail(step, error)
            self.fault_count += bool(fault)
            failures = self._wishes.failed(fault) if error is not None else []
        if fault:
            self._on_fault(self, fault)
        _run(failures)
        self._go()

    def _fail(self, step: _Step, error: BaseException) -> str:
        """Take note that a step failed: what is left of the device, and when it is tried again; returns the fault."""
        sentence = one_line(f"{self.spec.id}: {step.name}: {str(error) or type(error).__name__}")
        if isinstance(error, DeviceStuckError) or step.name == "disconnect":
            self._forget_device()
        elif step.name == "connect" and self.device is None and isinstance(error, HOPELESS):
            self._failure = sentence
        elif step.name == "stream":
            self._is_broken, self._is_streaming = True, False
        else:
            self._is_broken = self._is_connected
        self._fault, self._retry_s = sentence, time.monotonic() + self._backoff.next_s()
        return sentence

    def _forget_device(self) -> None:
        """Leave a device that may hang, with its locks and threads; the next try has a new one."""
        self.device, self._trouble = None, ""
        self._generation += 1
        self._stream += 1
        self._is_connected = self._is_streaming = self._is_broken = False

    # -- the steps ------------------------------------------------------------------------------------------------

    def _connect_step(self) -> _Step:
        generation, device, spec = self._generation, self.device, self.spec

        def call() -> tuple[Any, str]:
            made = device_steps.connect(spec, device, lambda *told: self._on_state(generation, *told))
            if generation != self._generation:  # it took so long that it was given up: nobody will use it
                device_steps.disconnect(made[0])
            return made

        def done(result: tuple[Any, str]) -> str:
            self.device, self.identity = result
            self._is_connected, self._is_broken = True, False
            if self._wishes.now is not Wish.STREAMING:
                self._fault = ""
            return ""

        return _Step("connect", call, done, CONNECT_S)

    def _disconnect_step(self) -> _Step:
        device = self.device

        def done(_: None) -> str:
            self._is_connected = self._is_broken = False
            self._trouble = ""
            return ""

        return _Step("disconnect", lambda: device_steps.disconnect(device), done)

    def _start_step(self) -> _Step:
        self._stream += 1
        stream, device, rate_hz = self._stream, self.device, self.spec.rate_hz

        def done(_: None) -> str:
            self._is_streaming, self._running_hz, self._fault = True, rate_hz, ""
            self._streaming_since_s = self._looked_s = time.monotonic()
            return ""

        return _Step(
            "start",
            lambda: device_steps.start(device, rate_hz, lambda value, t: self._take(stream, value, t)),
            done,
        )

    def _stop_step(self) -> _Step:
        device = self.device

        def done(has_ended: bool) -> str:
            self._is_streaming = False
            self._stream += 1  # what still comes is nobody's
            self._arrivals.clear()
            return "" if has_ended else one_line(f"{self.spec.id}: stop: its thread did not end and was abandoned")

        return _Step("stop", lambda: device_steps.stop(device), done)

    def _look_step(self) -> _Step | None:
        now_s, device = time.monotonic(), self.device
        if now_s - self._looked_s < LOOK_EVERY_S:
            return None
        self._looked_s = now_s
        return _Step("stream", lambda: device_steps.look(device), lambda _: "")

    # -- what the device tells, and what is told of it ------------------------------------------------------------

    def _take(self, stream: int, value: Any, t: float) -> None:
        if stream == self._stream:
            self.last_value, self.last_t = value, t
            self._arrivals.append(time.monotonic())
            self._on_samples(self, [(t, value)])

    def _on_state(self, generation: int, state: str, detail: str) -> None:
        """Take what the device says of its own link, which it mends by itself."""
        with self._lock:
            if generation != self._generation:
                return
            before = self._trouble
            self._trouble = (detail or "it does not answer") if state == InstrumentState.RETRYING else ""
            is_news = self._trouble not in ("", before)
            self.fault_count += is_news
        if is_news:
            self._on_fault(self, one_line(f"{self.spec.id}: {self._trouble}"))
        self._tell()

    def _state(self) -> InstrumentState:
        wish = self._wishes.now
        if self._failure:
            return InstrumentState.FAILED
        if self._is_connected:
            if self._trouble or self._is_broken:
                return InstrumentState.RETRYING
            if self._is_streaming:
                return InstrumentState.STREAMING
            return InstrumentState.PAUSED if wish is Wish.PAUSED else InstrumentState.CONNECTED
        if wish is Wish.DISCONNECTED:
            return InstrumentState.DISCONNECTED
        return InstrumentState.RETRYING if self._fault else InstrumentState.CONNECTING

    def _tell(self) -> None:
        with self._lock:
            told = (self._state(), self.detail)
            is_news, self._told = told != self._told, told
            finished = self._wishes.settled()
        if is_news:
            self._on_change(self)
        _run(finished)


def _run(calls: Sequence[Callable[[], None]]) -> None:
    for call in calls:
        call()


def _log_fault(_: Instrument, sentence: str) -> None:
    logger.warning("%s", sentence)
