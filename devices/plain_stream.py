"""The streaming of plain classes, which have threads of their own: started once, stopped within a limit."""

from __future__ import annotations

import functools
import inspect
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from .abandoned import abandon, stop_limit_s
from .lock import DeviceLock

logger = logging.getLogger("dockscope.devices")

GRACE_S = 0.2


class Gate:
    """What a plain class calls instead of the callback: outside the lock, and nothing once it is closed."""

    def __init__(self, callback: Callable[..., object], lock: DeviceLock) -> None:
        self._callback = callback
        self._lock = lock
        self._is_closed = False
        self._inside: set[int] = set()

    @property
    def is_inside(self) -> bool:
        """Tell whether the calling thread is in the callback."""
        return threading.get_ident() in self._inside

    def close(self) -> None:
        """Let no further call through."""
        self._is_closed = True

    def __call__(self, *args: Any, **kwargs: Any) -> object:
        """Call back."""
        if self._is_closed:
            return None
        self._inside.add(threading.get_ident())
        try:
            with self._lock.released():
                return self._callback(*args, **kwargs)
        finally:
            self._inside.discard(threading.get_ident())


class Stopper(threading.Thread):
    """Calls ``stop_streaming`` of a plain class, which may wait for ever for a thread.

    Attributes:
        error: what it raised.
    """

    def __init__(self, stop: Callable[..., Any], limit_s: float, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.error: Exception | None = None
        self._stop_streaming = stop
        self._arguments = {"timeout": limit_s} if _takes_timeout(stop) else {}

    def run(self) -> None:
        """Stop, and keep what is raised for the one who waits."""
        try:
            self._stop_streaming(**self._arguments)
        except Exception as error:  # noqa: BLE001 - raised again in the one who waits
            self.error = error


class PlainStream:
    """Stands before ``start_streaming``, ``stop_streaming`` and ``is_streaming`` of one plain device.

    All three run with the lock released. The threads of a stream are those that came among the attributes of the
    device since its start.
    """

    def __init__(self, device: Any, device_id: str, lock: DeviceLock) -> None:
        self._device = device
        self._device_id = device_id
        self._lock = lock
        self._changing = threading.Lock()
        self._gate: Gate | None = None
        self._others: set[threading.Thread] | None = None  # of the device, but not of the stream; None without one
        self._left: list[threading.Thread] = []  # of streams that were stopped
        for name, wrapper in (
            ("start_streaming", self._start),
            ("stop_streaming", self._stop),
            ("is_streaming", self._is_streaming),
        ):
            method = getattr(type(device), name, None)
            if inspect.isfunction(method):
                bound = method.__get__(device)
                setattr(device, name, functools.wraps(bound)(functools.partial(wrapper, bound)))

    def _start(
        self, start: Callable[..., Any], callback: Callable[..., object] | None, *args: Any, **kwargs: Any
    ) -> Any:
        # A stop event that is cleared for a new stream would bring a thread of the last one back to life.
        refusal = RuntimeError(f"{self._device_id} is already streaming, or a thread of its last stream still runs")
        if self._is_own_thread():
            raise refusal
        with self._lock.released(), self._changing:
            if self._threads():
                raise refusal
            self._others = set(self._threads_of_device())
            self._gate = None if callback is None else Gate(callback, self._lock)
            return start(self._gate, *args, **kwargs)

    def _is_streaming(self, is_streaming: Callable[[], Any]) -> Any:
        with self._lock.released():
            return is_streaming()

    def _stop(self, stop: Callable[..., Any], timeout: float | None = None) -> bool:
        """Stop within a limit, and tell whether all threads ended; from the callback they end after it returns."""
        limit_s = stop_limit_s(timeout)
        stopper = Stopper(stop, limit_s, f"{self._device_id} stop")
        if self._is_own_thread():
            threading.Thread(
                target=self._finish_aside, args=(stopper, limit_s), name=f"{stopper.name} watch", daemon=True
            ).start()
            return True
        with self._lock.released():
            return self._finish(stopper, limit_s)

    def _finish(self, stopper: Stopper, limit_s: float) -> bool:
        until_s = time.monotonic() + limit_s
        if not self._changing.acquire(timeout=limit_s):
            logger.warning("%s: another start or stop did not return within %g s", self._device_id, limit_s)
            return False
        try:
            return self._end(stopper, limit_s, until_s)
        finally:
            self._changing.release()

    def _end(self, stopper: Stopper, limit_s: float, until_s: float) -> bool:
        threads = self._threads()
        stopper.start()
        for thread in (stopper, *threads):
            thread.join(max(0.0, until_s - time.monotonic()))
        stuck: list[threading.Thread] = [thread for thread in threads if thread.is_alive()]
        if not stuck:  # a stop that waited to the very end of the limit is about to return
            stopper.join(GRACE_S)
            stuck = [stopper] if stopper.is_alive() else []
        if self._gate is not None:
            self._gate.close()
        self._leave(stuck, limit_s)
        if stopper.error is not None:
            raise stopper.error
        return not stuck

    def _finish_aside(self, stopper: Stopper, limit_s: float) -> None:
        try:
            self._finish(stopper, limit_s)
        except Exception as error:  # noqa: BLE001 - devices raise anything, and nobody waits for it
            logger.warning("%s: stop_streaming raised %s: %s", self._device_id, type(error).__name__, error)

    def _leave(self, stuck: list[threading.Thread], limit_s: float) -> None:
        if unknown := [thread for thread in stuck if thread not in self._left]:
            what = f"{len(unknown)} of its threads" if len(unknown) > 1 else f"its thread {unknown[0].name}"
            abandon(unknown, f"{self._device_id}: {what} did not end within {limit_s:g} s, left behind")
            self._lock.disown(unknown)
        self._left, self._others = stuck, None

    def _is_own_thread(self) -> bool:
        is_inside = self._gate is not None and self._gate.is_inside
        return is_inside or threading.current_thread() in self._threads()

    def _threads(self) -> list[threading.Thread]:
        """Return the threads of the stream that runs, or those of the last one, as far as they live."""
        left = [thread for thread in self._left if thread.is_alive()]
        if self._others is None:
            return left
        return left + [thread for thread in self._threads_of_device() if thread not in self._others]

    def _threads_of_device(self) -> list[threading.Thread]:
        values = list(vars(self._device).values())
        return [value for value in values if isinstance(value, threading.Thread) and value.is_alive()]


def _takes_timeout(stop: Callable[..., Any]) -> bool:
    parameters = inspect.signature(stop).parameters.values()
    return any(each.name == "timeout" or each.kind is each.VAR_KEYWORD for each in parameters)
