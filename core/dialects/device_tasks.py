"""The tasks of a device server: which run, and which of them were paused."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .device_listing import Device, Task

RUNNING, PAUSED, CANCELLED = "running", "paused", "cancelled"


class TaskBook:
    """Know what the server told of its tasks. That a task is paused is told only to who asked for it."""

    def __init__(self) -> None:
        self.running: dict[str, Task] = {}
        self._paused: set[str] = set()

    def take(self, tasks: Iterable[Task]) -> list[Task]:
        """Take a new list; returns the tasks that have ended since the last one."""
        before, self.running = self.running, {task.id: task for task in tasks if task.is_running}
        self._paused &= set(self.running)
        return [task for id_, task in before.items() if id_ not in self.running]

    def told(self, id_: str, state: str) -> None:
        """Take note of a task's state on the server's word."""
        if state == PAUSED:
            self._paused.add(id_)
        else:
            self._paused.discard(id_)

    def state(self, id_: str) -> str:
        """Return "running" or "paused" for a task that runs."""
        return PAUSED if id_ in self._paused else RUNNING

    @property
    def all_paused(self) -> bool:
        """Tell whether there are tasks, and each of them is paused."""
        return bool(self.running) and set(self.running) <= self._paused

    def within(self, names: Collection[str], devices: Iterable[Device]) -> list[str]:
        """Return the running tasks that a URL is about: those it names and those that have a device it names; else all.

        Args:
            names: that the URL narrows itself to. devices: as listed.
        """
        owners = {device.owner for device in devices if device.id in names}
        return [id_ for id_ in self.running if not names or id_ in names or id_ in owners]
