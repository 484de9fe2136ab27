"""A thread that does the blocking calls of one device in their order, and is left behind when one does not return."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .abandoned import abandon, abandoned_threads

__all__ = ["DeviceStuckError", "DeviceWorker", "abandoned_threads"]

T = TypeVar("T")

IDLE_S = 5.0  # after which the thread ends; the next call starts another


class DeviceStuckError(Exception):
    """A call to a device did not return within its limit."""


@dataclass(eq=False)
class _Call:
    run: Callable[[], Any]
    limit_s: float
    future: Future[Any] = field(default_factory=Future)
    until_s: float = math.inf  # on the monotonic clock, once it runs


class DeviceWorker:
    """Does calls one after the other in a daemon thread, which is there while there is something to do.

    A second thread watches the limits. It is woken at the end of a limit, not by each call, so that many short calls
    cost one change of threads each.

    Args:
        name: of the device, for threads and sentences.
    """

    def __init__(self, name: str = "the device") -> None:
        self._name = name
        self._lock = threading.Lock()
        self._called = threading.Condition(self._lock)  # for the runner
        self._limited = threading.Condition(self._lock)  # for the watcher
        self._calls: deque[_Call] = deque()
        self._current: _Call | None = None
        self._runner: threading.Thread | None = None
        self._watcher: threading.Thread | None = None
        self._watched_until_s = math.inf
        self._is_closed = False

    def submit(self, call: Callable[[], T], *, limit_s: float) -> Future[T]:
        """Have a call done after those submitted before it; returns at once.

        Args:
            call: runs in the thread of the worker.
            limit_s: how long it may run. Then its future fails with DeviceStuckError, its thread is left behind and
                counted, and the next call gets another thread.

        Raises:
            RuntimeError: the worker is closed. ValueError: ``limit_s`` is not above 0 and finite.
        """
        if not (math.isfinite(limit_s) and limit_s > 0):
            raise ValueError(f"limit_s must be above 0 and finite, not {limit_s}")
        submitted = _Call(call, limit_s)
        with self._lock:
            if self._is_closed:
                raise RuntimeError(f"the worker of {self._name} is closed")
            self._calls.append(submitted)
            self._run_what_waits()
        return submitted.future

    def close(self, timeout_s: float) -> bool:
        """Cancel what waits, take no more, and wait for the call that runs.

        Returns:
            Whether it ended in time, or is the one that closes; else its thread is left behind.
        """
        until_s = time.monotonic() + timeout_s
        with self._lock:
            self._is_closed = True
            cancelled = list(self._calls)
            self._calls.clear()
            runner, watcher = self._runner, self._watcher
            self._called.notify_all()
        for call in cancelled:
            call.future.cancel()
            call.future.set_running_or_notify_cancel()  # else concurrent.futures.wait would not hear of it
        caller = threading.current_thread()
        if runner is not None and runner is not caller:
            runner.join(max(0.0, until_s - time.monotonic()))
        is_ended = runner is None or runner is caller or not runner.is_alive()
        if runner is not None and not is_ended:
            self._leave_runner(runner, f"{self._name} did not end its last call within {timeout_s:g} s of closing")
        with self._lock:
            self._limited.notify_all()
        if watcher is not None and caller not in {runner, watcher}:
            watcher.join()
        return is_ended

    def _run_what_waits(self) -> None:
        if self._runner is None:
            self._runner = threading.Thread(target=self._run_all, name=f"{self._name} calls", daemon=True)
            self._runner.start()
        else:
            self._called.notify()

    def _run_all(self) -> None:
        while (call := self._next()) is not None:
            if not call.future.set_running_or_notify_cancel():
                self._is_done(call)
                continue
            try:
                result = call.run()
            except BaseException as error:  # noqa: BLE001 - raised again in the one who waits for it
                if self._is_done(call):
                    call.future.set_exception(error)
            else:
                if self._is_done(call):
                    call.future.set_result(result)

    def _next(self) -> _Call | None:
        """Wait for a call and begin it; None when this thread is left behind, idle or closed."""
        with self._lock:
            if self._runner is not threading.current_thread():
                return None
            self._called.wait_for(lambda: self._calls or self._is_closed, IDLE_S)
            if not self._calls:
                self._runner = None
                return None
            self._current = call = self._calls.popleft()
            call.until_s = time.monotonic() + call.limit_s
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name=f"{self._name} limits", daemon=True)
                self._watcher.start()
            elif call.until_s < self._watched_until_s:
                self._limited.notify()
            return call

    def _is_done(self, call: _Call) -> bool:
        """End a call; False when it was given up before."""
        with self._lock:
            if self._current is not call:
                return False
            self._current = None
            return True

    def _watch(self) -> None:
        while (overdue := self._overdue()) is not None:
            runner, call = overdue
            self._leave_runner(runner, f"{self._name} did not return from a call within {call.limit_s:g} s", call)

    def _overdue(self) -> tuple[threading.Thread, _Call] | None:
        """Wait until a call is over its limit; None when none runs any more."""
        with self._lock:
            while (call := self._current) is not None and self._runner is not None:
                remaining_s = call.until_s - time.monotonic()
                if remaining_s <= 0:
                    return self._runner, call
                self._watched_until_s = call.until_s
                self._limited.wait(remaining_s)
            self._watcher = None
            return None

    def _leave_runner(self, runner: threading.Thread, sentence: str, call: _Call | None = None) -> None:
        """Fail the call that runs, or ``call`` when it still does, and go on with another thread."""
        with self._lock:
            given_up = self._current
            if self._runner is not runner or (call is not None and given_up is not call):
                return
            self._current = self._runner = None
            if self._calls:
                self._run_what_waits()
        abandon([runner], f"{sentence}; its thread is left behind")
        if given_up is not None:  # else it hangs in what somebody does with a result
            given_up.future.set_exception(DeviceStuckError(sentence))
