"""What happened since a view last looked: the set of changes, and the rows of the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .messages import Kind
from .records import LogStore


class Change(NamedTuple):
    """Something that a view may have to repaint.

    Args:
        kind: a Kind value, or "producer", "command", "problem".
        producer: key, "" for the viewer itself.
        stream: of that kind; a metric's name; a command's name; a problem's cause.
    """

    kind: str
    producer: str
    stream: str


class Journal:
    """Collect changes until they are taken, and write rows of the log.

    Args:
        log: where rows go. clock: returns unix seconds.

    Attributes:
        on_change: called when the first change after ``take`` is noted.
    """

    def __init__(self, log: LogStore, clock: Callable[[], float]) -> None:
        self.on_change: Callable[[], None] | None = None
        self._log = log
        self._clock = clock
        self._changes: set[Change] = set()

    def mark(self, kind: str, producer: str, stream: str = "") -> None:
        """Note one change."""
        first = not self._changes
        self._changes.add(Change(kind, producer, stream))
        if first and self.on_change is not None:
            self.on_change()

    def mark_all(self, changes: frozenset[Change]) -> None:
        """Note many changes at once."""
        first = not self._changes and bool(changes)
        self._changes |= changes
        if first and self.on_change is not None:
            self.on_change()

    def __len__(self) -> int:
        """Return the number of changes that wait to be taken."""
        return len(self._changes)

    def take(self) -> set[Change]:
        """Return the changes since the last call."""
        changes, self._changes = self._changes, set()
        return changes

    def write(
        self,
        key: str,
        source: str,
        level: str,
        message: str,
        fields: dict[str, Any] | None = None,
        t: float | None = None,
    ) -> None:
        """Add a row to the log; arguments as of ``LogRow``, ``t`` None means now."""
        self._log.append(self._clock() if t is None else t, key, source, level, message, fields)
        self.mark(str(Kind.LOG), key)
