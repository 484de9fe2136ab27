"""Where watched loops wait: checkpoints for threads and tasks, requests from the I/O thread, one lock between them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from .loops import Loop, Owner
from .messages import ControlState
from .parameters import Parameter
from .run_control import RunState
from .run_machine import Ask, Callback, Emit, RunMachine, Verdict


class RunControl:
    """Pause, resume and stop for loops that ask for it; ``Broadcaster.control``.

    Args:
        emit: takes Reply, ControlState and LogRecord objects in order; must not block or call back.
        clock: seconds, monotonic.
    """

    def __init__(self, emit: Emit, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._machine = RunMachine(emit, clock)
        # A plain lock, entered by ``with``: no signal comes between taking it and the block that gives it back, which
        # Condition and Event do not promise. Ctrl-C in a checkpoint would leave them locked for good.
        self._lock = threading.Lock()
        self._sleepers: set[threading.Lock] = set()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    # -- what the watched program calls ------------------------------------------------------------------------

    @property
    def paused(self) -> bool:
        """Whether the run is asked to pause or is paused; for loops that poll instead of calling checkpoint."""
        return self._machine.run in (RunState.PAUSING, RunState.PAUSED)

    @property
    def stop_requested(self) -> bool:
        """Whether the run is asked to stop; reading True tells viewers that it has stopped."""
        machine = self._machine
        if machine.stopping and machine.run is RunState.STOPPING:
            with self._lock:
                machine.mark_stopped()
        return machine.stopping

    def checkpoint(self, timeout: float | None = None) -> bool:
        """Let the run be paused and stopped here; call it once per iteration.

        Args:
            timeout: longest time to stay paused, seconds; None is until resumed.

        Returns:
            True: go on. False: leave the loop, a stop was requested.
        """
        machine = self._machine
        if machine.calm:
            loop = machine.loops.find(threading.current_thread())
            if loop is not None:
                machine.loops.touch(loop)
                return True
        return self._visit(timeout) is not Verdict.STOP

    def wait_resume(self, timeout: float | None = None) -> bool:
        """Wait here while the run is paused.

        Args:
            timeout: longest wait, seconds; None is until resumed.

        Returns:
            True: resumed, or not paused at all. False: stop was requested, or the time is over.
        """
        return self._visit(timeout) is Verdict.GO

    async def checkpoint_async(self) -> bool:
        """Be ``checkpoint`` for a task: other tasks of its event loop go on while it is paused."""
        machine = self._machine
        if machine.calm:
            loop = machine.loops.find(_current_task())
            if loop is not None:
                machine.loops.touch(loop)
                return True
        return await self._visit_async() is not Verdict.STOP

    async def wait_resume_async(self) -> bool:
        """Be ``wait_resume`` for a task."""
        return await self._visit_async() is Verdict.GO

    def on_pause(self, callback: Callback) -> Callback:
        """Call ``callback()`` in the first loop that stops for a pause, in its own thread; also a decorator."""
        return self._machine.register("pause", callback)

    def on_resume(self, callback: Callback) -> Callback:
        """Call ``callback()`` in the first loop that goes on after a pause; also a decorator."""
        return self._machine.register("resume", callback)

    def on_stop(self, callback: Callback) -> Callback:
        """Call ``callback()`` in the first checkpoint that returns False; also a decorator."""
        return self._machine.register("stop", callback)

    def parameter(
        self,
        name: str,
        default: Any,
        minimum: float | None = None,
        maximum: float | None = None,
        choices: Sequence[Any] | None = None,
        unit: str = "",
    ) -> Parameter:
        """Declare a value that viewers may change while the run goes on.

        Args:
            name: at most 256 bytes; the same name with equal arguments gives the same object.
            default: bool, int, float or str; its type is the parameter's.
            minimum, maximum: bounds of a number.
            choices: the only values allowed.
            unit: shown beside the value.

        Returns:
            The parameter; read its ``value`` in the loop.

        Raises:
            ValueError: declared before with other arguments, or the default breaks its own bounds.
        """
        made = Parameter(name, default, minimum=minimum, maximum=maximum, choices=choices, unit=unit)
        with self._lock:
            return self._machine.declare(made)

    # -- visits: one checkpoint from entering to leaving -------------------------------------------------------

    def _visit(self, timeout: float | None) -> Verdict:
        deadline = self._deadline(timeout)
        loop = self._enter(threading.current_thread())
        try:
            while True:
                with self._lock:
                    verdict = self._machine.step(loop, self._is_over(deadline))
                    due = self._machine.take_due()
                    sleeper = self._new_sleeper() if verdict is None and not due else None
                _call(due)
                if verdict is not None:
                    return verdict
                if sleeper is not None:
                    sleeper.acquire(timeout=self._remaining(deadline))
                    self._sleepers.discard(sleeper)
        except BaseException:
            self._abandon(loop)
            raise

    async def _visit_async(self) -> Verdict:
        loop = self._enter(_current_task())
        try:
            while True:
                with self._lock:
                    verdict = self._machine.step(loop, False)
                    due = self._machine.take_due()
                    waiter = self._new_waiter() if verdict is None and not due else None
                _call(due)
                if verdict is not None:
                    return verdict
                if waiter is not None:
                    await waiter
        except BaseException:
            self._abandon(loop)
            raise

    def _deadline(self, timeout: float | None) -> float | None:
        if timeout is None:
            return None
        if isinstance(timeout, bool) or not isinstance(timeout, int | float):
            raise TypeError(f"timeout: must be seconds or None, not {type(timeout).__name__}")
        return self._clock() + max(0.0, timeout)

    def _is_over(self, deadline: float | None) -> bool:
        return deadline is not None and self._clock() >= deadline

    def _remaining(self, deadline: float | None) -> float:
        """Return the seconds left, as Lock.acquire takes them: -1 is for ever."""
        return -1.0 if deadline is None else min(max(0.0, deadline - self._clock()), threading.TIMEOUT_MAX)

    def _abandon(self, loop: Loop) -> None:
        """Unblock a loop that was torn out of its checkpoint, by a cancelled task or a signal."""
        with self._lock:
            self._machine.leave(loop)

    def _enter(self, owner: Owner) -> Loop:
        with self._lock:
            return self._machine.enter(owner)

    # -- what the I/O thread calls -----------------------------------------------------------------------------

    def request(self, ask: Ask) -> None:
        """Carry out a viewer's command as the table says; the answers leave through ``emit``."""
        with self._lock:
            self._machine.request(ask)
            self._wake()

    def tick(self) -> None:
        """Notice loops that ended or fell silent; call it about once a second."""
        with self._lock:
            self._machine.tick()

    def end(self, outcome: str | None = None) -> None:
        """Tell that the run is over and let go of every loop that waits.

        Args:
            outcome: "finished", "stopped" or "error"; None is "stopped" when a loop obeyed a stop, else "finished".
        """
        with self._lock:
            self._machine.end(outcome)
            self._wake()

    def state(self) -> ControlState:
        """Describe the run as viewers see it, now."""
        with self._lock:
            return self._machine.snapshot()

    def detach(self) -> None:
        """Become a control that never waits, in a forked child: nobody there could ever resume it."""
        self._lock = threading.Lock()
        self._sleepers = set()
        self._waiters = []
        self._machine = RunMachine(_discard, self._clock)

    # -- waking ------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        sleepers, self._sleepers = self._sleepers, set()
        for sleeper in sleepers:
            sleeper.release()
        waiters, self._waiters = self._waiters, []
        for event_loop, waiter in waiters:
            with contextlib.suppress(RuntimeError):  # its event loop was closed while the task waited
                event_loop.call_soon_threadsafe(_finish, waiter)

    def _new_sleeper(self) -> threading.Lock:
        """Make a lock that is taken until the next change."""
        sleeper = threading.Lock()
        sleeper.acquire()
        self._sleepers.add(sleeper)
        return sleeper

    def _new_waiter(self) -> asyncio.Future[None]:
        event_loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = event_loop.create_future()
        self._waiters = [entry for entry in self._waiters if not entry[1].done()]
        self._waiters.append((event_loop, waiter))
        return waiter


def _call(due: list[Callable[[], None]]) -> None:
    for callback in due:
        callback()


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("checkpoint_async and wait_resume_async must be awaited in a task")
    return task


def _finish(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _discard(event: object) -> None:
    """Drop what would be told to viewers."""
