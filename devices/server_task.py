"""One task: a class with ``run(context)`` in a thread of its own, paused, resumed and cancelled from outside."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Protocol

from .abandoned import abandon
from .served import written
from .server_errors import Told, error_object
from .worker import DeviceWorker

PARAMETER_LIMIT_S = 30.0

Claim = Callable[[list[str]], None]


class Devices(Protocol):
    """What a task reaches of the server; named as labdaemon does."""

    def get_device(self, device_id: str) -> Any:
        """Return a device by its id; ValueError when there is none."""


class TaskContext:
    """What ``run`` is given.

    Attributes:
        daemon: has ``get_device(id)``. task_id: of this task.
        cancel_event: set when the task shall end. resume_event: cleared while it shall pause: ``resume_event.wait()``.
    """

    def __init__(self, daemon: Devices, task_id: str) -> None:
        self.daemon, self.task_id = daemon, task_id
        self.cancel_event, self.resume_event = threading.Event(), threading.Event()
        self.resume_event.set()


class TaskDefinitionError(Exception):
    """The class declares its devices wrongly."""


class RunningTask:
    """Make a task and run it. Begins at once; may be used from any thread.

    Args:
        context: for ``run``. make: makes the task, in its thread. kind: its type, as it is told.
        claim: takes the ids of the devices it declares before it runs, or raises.
        on_end: is called with this and the error or None, before it is told that it has ended or never begun.

    Attributes:
        device_ids: that it declares. begun: tells when it runs, or why it does not.
        ended: tells when it has ended, with its result as JSON or the exception.
    """

    def __init__(
        self,
        context: TaskContext,
        make: Callable[[], Any],
        kind: str,
        *,
        claim: Claim,
        on_end: Callable[[RunningTask, BaseException | None], None],
    ) -> None:
        self.id, self.kind = context.task_id, kind
        self.device_ids: list[str] = []
        self.begun: Future[None] = Future()
        self.ended: Future[str] = Future()
        self._context, self._make, self._claim, self._on_end = context, make, claim, on_end
        self._task: Any = None
        self._parameters = DeviceWorker(f"{self.id}-parameters")
        self._thread = threading.Thread(target=self._work, name=f"dockscope-task-{self.id}", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Tell whether it has begun and not ended."""
        return self.begun.done() and not self.ended.done()

    def pause(self) -> None:
        """Ask it to pause at its next ``resume_event.wait()``."""
        self._context.resume_event.clear()

    def resume(self) -> None:
        """Let it go on."""
        self._context.resume_event.set()

    def cancel(self) -> None:
        """Ask it to end, also while it is paused."""
        self._context.cancel_event.set()
        self._context.resume_event.set()

    def set_parameter(self, key: str, value: Any) -> Future[Any]:
        """Hand a parameter to the task's ``set_parameter``.

        Raises:
            LookupError: it has none.
        """
        change = getattr(self._task, "set_parameter", None)
        if not callable(change):
            raise LookupError(
                f"Task '{self.id}' does not support parameter updates. "
                "The task must implement a set_parameter(key, value) method."
            )
        return self._parameters.submit(lambda: change(key, value), limit_s=PARAMETER_LIMIT_S)

    def exception(self) -> Told | None:
        """Return the error that ended it."""
        error = self.ended.exception() if self.ended.done() else None
        if error is None:
            return None
        return error_object(type(error).__name__, str(error), origin="framework", context={"task_id": self.id})

    def result(self) -> str:
        """Return its result as JSON, null while there is none."""
        return self.ended.result() if self.ended.done() and self.ended.exception() is None else "null"

    def close(self, timeout_s: float) -> bool:
        """Wait for its end; returns whether it has come, and leaves its threads behind when not."""
        if self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                abandon([self._thread], f"task {self.id} did not end when it was cancelled; its thread is left behind")
        return self._parameters.close(timeout_s) and not self._thread.is_alive()

    def _work(self) -> None:
        try:
            self._task = self._make()
            self.device_ids = _declared(self._task, self.id)
            self._claim(self.device_ids)
        except BaseException as error:  # noqa: BLE001 - whatever the class raises is told to who asked for it
            self._on_end(self, error)
            self.begun.set_exception(error)
            return
        self.begun.set_result(None)
        try:
            result = written(self._task.run(self._context))
        except BaseException as error:  # noqa: BLE001 - the same
            self._on_end(self, error)
            self.ended.set_exception(error)
        else:
            self._on_end(self, None)
            self.ended.set_result(result)


def make_task(kind: type, task_id: str, params: Mapping[str, Any]) -> Callable[[], Any]:
    """Return what makes a task of a class."""
    return lambda: kind(task_id=task_id, **params)


def _declared(task: Any, task_id: str) -> list[str]:
    ids = getattr(task, "device_ids", None) or []
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise TaskDefinitionError(f"Task '{task_id}': self.device_ids must be a list of strings")
    return list(ids)
