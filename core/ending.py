"""How a broadcaster ends: by close, by an exception, with its process, or not at all in a forked child."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable

from .access import TokenFile
from .checkpoint import RunControl
from .io_thread import IoThread
from .publish_queue import PublishQueue


class Ending:
    """How a broadcaster ends: once, whoever asks first, and not at all in a forked child."""

    def __init__(
        self, queue: PublishQueue, control: RunControl, io: IoThread, tokens: TokenFile, linger_s: float
    ) -> None:
        self._queue = queue
        self._control = control
        self._io = io
        self._tokens = tokens
        self._linger_s = linger_s
        self._once = threading.Lock()
        self._last_error = getattr(sys, "last_value", None)

    def end(self, outcome: str | None) -> None:
        """Shut the queue, tell the end, and wait for the I/O thread."""
        if not self._once.acquire(blocking=False):
            return
        self._queue.shut()
        self._control.end(outcome)
        self._io.close(self._linger_s)
        self._tokens.remove()

    def end_of_process(self) -> None:
        """End when the interpreter exits or the broadcaster was dropped; an uncaught exception makes it an error."""
        error = getattr(sys, "last_value", None)
        self.end(outcome_of(error) if error is not self._last_error else None)

    def detach(self) -> None:
        """Leave everything to the parent process."""
        self._once = threading.Lock()
        self._once.acquire()
        self._queue.detach()
        self._control.detach()


def detach_in_child(ending: weakref.ref[Ending]) -> Callable[[], None]:
    """Make what a forked child has to call."""

    def detach() -> None:
        alive = ending()
        if alive is not None:
            alive.detach()

    return detach


def outcome_of(error: BaseException | None) -> str | None:
    """Name the outcome of a run that an exception ended; leaving on purpose is no error."""
    if error is None or isinstance(error, GeneratorExit):
        return None
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return None
    return "stopped" if isinstance(error, KeyboardInterrupt) else "error"
