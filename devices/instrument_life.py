"""How a device comes to do what was asked of it last: one blocking call after another, tried again when one fails."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from ..core.backoff import Backoff
from ..core.problems import one_line
from . import device_steps
from .bench_errors import EndedError, UnfitError
from .device import StreamingDevice
from .instrument_state import InstrumentState, Step
from .spec import DeviceSpec
from .wishes import Wish, Wishes, refused
from .worker import DeviceStuckError, DeviceWorker

logger = logging.getLogger("dockscope.devices")

MAKE_S, CONNECT_S = 60.0, 30.0  # after which a call of the device is given up
LOOK_EVERY_S = 1.0
STEADY_S = 5.0  # a stream that breaks sooner is begun again after growing pauses


class InstrumentLife:
    """The states of a device and the way from one to the other; the base of ``Instrument``, which says what it is for.

    ``_want`` takes a wish. ``_next`` is the table: which call comes next, given what is so and what is wished. Calls
    are done by the worker of the device, one at a time; what follows from each is decided under ``_lock``, and what is
    told to others is told without it. Subclasses say what becomes of news, faults and readings.

    Args:
        spec: which device.
    """

    def __init__(self, spec: DeviceSpec) -> None:
        self.spec = spec
        self.device: Any = None
        self.identity = ""
        self._worker = DeviceWorker(spec.id)
        self._lock = threading.RLock()
        self._wishes = Wishes(spec.id)
        self._busy = self._is_prepared = self._is_closed = False
        self._is_connected = self._is_streaming = self._is_broken = False
        self._running_hz = 0.0
        self._failure = self._fault = self._trouble = ""  # for good, to be tried again, told by the device itself
        self._backoff = Backoff()
        self._retry_s = self._streaming_since_s = self._looked_s = 0.0  # on the monotonic clock
        self._generation = 0  # of the device: what one that was given up still tells is dropped
        self._stream = 0
        self._told: tuple[InstrumentState, str] = (InstrumentState.DISCONNECTED, "")

    @property
    def state(self) -> InstrumentState:
        """What it does."""
        with self._lock:
            return self._state()

    @property
    def detail(self) -> str:
        """A sentence about the state, such as why it is tried again; "" when there is nothing to say."""
        return self._failure or self._trouble or self._fault

    def tick(self) -> None:
        """Look whether the stream still runs, and whether it is time to try again."""
        fault = ""
        with self._lock:
            if self._is_streaming and not self._busy:
                if time.monotonic() - self._streaming_since_s >= STEADY_S:
                    self._backoff.reset()
                if isinstance(self.device, StreamingDevice):  # its answer costs nothing
                    fault = self._look()
        if fault:
            self._tell_fault(fault)
        self._go()

    def _on_news(self) -> None:
        raise NotImplementedError

    def _tell_fault(self, sentence: str) -> None:
        raise NotImplementedError

    def _take(self, stream: int, value: Any, t: float) -> None:
        raise NotImplementedError

    # -- striving for what was asked ----------------------------------------------------------------------------

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
            self._submit(step.call, step.limit_s).add_done_callback(lambda done: self._end(step, done))
        with self._lock:
            told = (self._state(), self.detail)
            is_news, self._told = told != self._told, told
            finished = self._wishes.settled()
        if is_news:
            self._on_news()
        _run(finished)

    def _submit(self, call: Callable[[], Any], limit_s: float) -> Future[Any]:
        try:
            return self._worker.submit(call, limit_s=limit_s)
        except RuntimeError:  # it is closed
            return refused(f"{self.spec.id} is closed")

    def _next(self) -> Step | None:
        wish = self._wishes.now
        if self._is_connected and (self._is_broken or wish is Wish.DISCONNECTED):
            return self._stop_step() if self._is_streaming else self._disconnect_step()
        if self._failure or self._is_closed or time.monotonic() < self._retry_s:
            return None
        if self.device is None and (self._is_prepared or wish is not Wish.DISCONNECTED):
            return self._make_step()
        if wish is Wish.DISCONNECTED:
            return None
        if not self._is_connected:
            return self._connect_step()
        if self._is_streaming:
            is_right = wish is Wish.STREAMING and self._running_hz == self.spec.rate_hz
            return self._look_step() if is_right else self._stop_step()
        return self._start_step() if wish is Wish.STREAMING else None

    def _end(self, step: Step, done: Future[Any]) -> None:
        if done.cancelled():  # by closing
            return
        error = done.exception()
        with self._lock:
            self._busy = False
            fault = step.done(done.result()) if error is None else self._fail(step.name, error)
            failures = self._wishes.failed(fault) if error is not None else []
        if fault:
            self._tell_fault(fault)
        _run(failures)
        self._go()

    def _fail(self, step: str, error: BaseException) -> str:
        """Take note that a step failed: what is left of the device, and when it is tried again; returns the fault."""
        sentence = one_line(f"{self.spec.id}: {step}: {str(error) or type(error).__name__}")
        if isinstance(error, DeviceStuckError) or step == "disconnect":
            self._forget_device()
        if isinstance(error, UnfitError):
            self._failure, self._is_prepared = sentence, False
        self._is_broken, self._is_streaming = self._is_connected, False
        self._stream += 1
        is_repeated, self._fault = sentence == self._fault, sentence  # one line until it is otherwise
        self._retry_s = time.monotonic() + self._backoff.next_s()
        is_logged = isinstance(error, DeviceStuckError) or (isinstance(error, EndedError) and error.is_logged)
        if not (self._is_closed or is_logged or is_repeated):
            logger.warning("%s", sentence)
        return sentence

    def _forget_device(self) -> None:
        """Leave a device that may hang, with its locks and threads; the next try has a new one."""
        self.device, self._trouble = None, ""
        self._generation += 1
        self._is_connected = False

    # -- the steps ------------------------------------------------------------------------------------------------

    def _make_step(self) -> Step:
        generation, spec = self._generation, self.spec

        def call() -> Any:
            return device_steps.make(spec, lambda *told: self._on_state(generation, *told))

        def done(device: Any) -> str:
            self.device = device
            return ""

        return Step("make", call, done, MAKE_S)

    def _connect_step(self) -> Step:
        generation, device = self._generation, self.device

        def call() -> str:
            identity = device_steps.connect(device)
            if generation != self._generation:  # it took so long that it was given up: nobody will use it
                device_steps.disconnect(device)
            return identity

        def done(identity: str) -> str:
            self.identity = identity
            self._is_connected, self._is_broken = True, False
            if self._wishes.now is not Wish.STREAMING:
                self._fault = ""
            return ""

        return Step("connect", call, done, CONNECT_S)

    def _disconnect_step(self) -> Step:
        device = self.device

        def done(_: None) -> str:
            self._is_connected = self._is_broken = False
            self._trouble = ""
            return ""

        return Step("disconnect", lambda: device_steps.disconnect(device), done)

    def _start_step(self) -> Step:
        self._stream += 1
        stream, device, rate_hz = self._stream, self.device, self.spec.rate_hz

        def call() -> None:
            device_steps.start(device, rate_hz, lambda value, t: self._take(stream, value, t))

        def done(_: None) -> str:
            self._is_streaming, self._running_hz, self._fault = True, rate_hz, ""
            self._streaming_since_s = self._looked_s = time.monotonic()
            return ""

        return Step("start", call, done)

    def _stop_step(self) -> Step:
        device = self.device

        def done(has_ended: bool) -> str:
            self._is_streaming = False
            self._stream += 1  # what still comes is nobody's
            return "" if has_ended else one_line(f"{self.spec.id}: stop: its thread did not end and was left behind")

        return Step("stop", lambda: device_steps.stop(device), done)

    def _look_step(self) -> Step | None:
        """Return the look at the stream of a plain class, which may block; ``tick`` looks at the others."""
        now_s, device = time.monotonic(), self.device
        if now_s - self._looked_s < LOOK_EVERY_S or isinstance(device, StreamingDevice):
            return None
        self._looked_s = now_s
        return Step("stream", lambda: device_steps.look(device), lambda _: "")

    def _look(self) -> str:
        """Return the fault when the stream has ended by itself, else ""."""
        try:
            device_steps.look(self.device)
        except EndedError as error:
            return self._fail("stream", error)
        return ""

    # -- what the device tells ------------------------------------------------------------------------------------

    def _on_state(self, generation: int, state: str, detail: str) -> None:
        """Take what the device says of its own link, which it mends, and logs, by itself."""
        with self._lock:
            if generation != self._generation:
                return
            before = self._trouble
            self._trouble = (detail or "it does not answer") if state == InstrumentState.RETRYING else ""
            is_news = self._trouble not in ("", before)
        if is_news:
            self._tell_fault(one_line(f"{self.spec.id}: {self._trouble}"))
        self._go()

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


def _run(calls: Sequence[Callable[[], None]]) -> None:
    for call in calls:
        call()
