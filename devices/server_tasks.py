"""The tasks of the device server: which there are, and which devices they own."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from .registered_types import RegisteredTypes
from .server_errors import FRAMEWORK, ErrorBook, RequestError
from .server_task import Devices, RunningTask, TaskContext, make_task

MOST_ENDED = 20  # ended tasks that are still told of
MOST_RECENT = 2000  # ids that may not be used again
MOST_RUNNING = 100


class DevicesOwnedError(Exception):
    """Another task owns a device that a task declares."""


class TaskBook:
    """Begin tasks, know them and their devices. May be used from any thread.

    Args:
        devices: for tasks to use.
    """

    def __init__(self, devices: Devices) -> None:
        self.errors = ErrorBook(MOST_ENDED)
        self._devices = devices
        self.types = RegisteredTypes("task")
        self._tasks: dict[str, RunningTask] = {}
        self._recent: dict[str, None] = {}
        self._owners: dict[str, str] = {}
        self._lock = threading.Lock()

    def begin(self, task_id: str, kind: str, params: Mapping[str, Any]) -> RunningTask:
        """Begin a task; ``begun`` of it tells whether it came about.

        Raises:
            RequestError: there is no such type, or the id was used already.
        """
        context = {"task_type": kind}
        with self._lock:
            found = self._tasks.get(task_id)
            if found is not None and not found.ended.done():
                raise RequestError(409, "TaskExists", f"Task '{task_id}' is already running")
            if (cls := self.types.get(kind)) is None:
                words = f"Unknown task type: '{kind[:100]}'. Is the plugin registered?"
                raise RequestError(404, "TaskTypeNotFound", words)
            if task_id in self._recent:
                raise RequestError(400, "TaskInstantiationError", _used(task_id), context=context)
            if sum(not task.ended.done() for task in self._tasks.values()) >= MOST_RUNNING:
                raise RequestError(503, "TooManyTasks", f"{MOST_RUNNING} tasks run already")
            self._remember(task_id)
            task = self._tasks[task_id] = RunningTask(
                TaskContext(self._devices, task_id),
                make_task(cls, task_id, params),
                cls.__name__,
                claim=lambda ids: self._claim(task_id, ids),
                on_end=self._on_end,
            )
        return task

    def get(self, task_id: str) -> RunningTask:
        """Return a task.

        Raises:
            RequestError: there is none.
        """
        with self._lock:
            task = self._tasks.get(task_id)
        if task is None:
            raise RequestError(404, "TaskNotFound", "Task not found")
        return task

    def all(self) -> list[RunningTask]:
        """Return those that run, and the last that have ended."""
        with self._lock:
            return list(self._tasks.values())

    def owner(self, device_id: str) -> str | None:
        """Return the task that owns a device."""
        with self._lock:
            return self._owners.get(device_id)

    def cancel_all(self) -> None:
        """Ask all tasks to end."""
        for task in self.all():
            task.cancel()

    def close(self, until_s: float) -> bool:
        """Wait for the end of all tasks, until a time of the monotonic clock; returns whether it has come."""
        ended = [task.close(max(0.0, until_s - time.monotonic())) for task in self.all()]
        return all(ended)

    def _remember(self, task_id: str) -> None:
        self._recent[task_id] = None
        if len(self._recent) > MOST_RECENT:
            del self._recent[next(iter(self._recent))]

    def _claim(self, task_id: str, device_ids: list[str]) -> None:
        with self._lock:
            owned = [f"'{one}' (owned by '{self._owners[one]}')" for one in device_ids if one in self._owners]
            if owned:
                words = f"Cannot start task '{task_id}': devices already owned: {', '.join(owned)}"
                raise DevicesOwnedError(words)
            self._owners.update(dict.fromkeys(device_ids, task_id))

    def _on_end(self, task: RunningTask, error: BaseException | None) -> None:
        """Release the devices; one that did not even begin leaves nothing but its error, not even its id."""
        has_begun = task.begun.done()
        if error is not None:
            context = {"task_id": task.id} if has_begun else {"task_type": task.kind}
            self.errors.record(task.id, error, origin=FRAMEWORK, context=context)
        with self._lock:
            self._owners = {device: owner for device, owner in self._owners.items() if owner != task.id}
            if not has_begun:
                del self._tasks[task.id], self._recent[task.id]
                return
            ended = [one.id for one in self._tasks.values() if one.ended.done()]
            for id_ in ended[: max(0, len(ended) + 1 - MOST_ENDED)]:
                del self._tasks[id_]


def _used(task_id: str) -> str:
    return (
        f"Task ID '{task_id}' has been used recently. "
        "Task IDs must be unique across active and recently completed tasks."
    )
