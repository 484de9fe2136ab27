"""The log of everything that was said and done, and the latest value of each data stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .accounting import RateMeter
from .messages import DataRecord, ProtocolError

MOST_ROWS = 50_000
MOST_ENTRIES = 10_000
LONGEST_MESSAGE = 10_000
MOST_FIELDS = 64
LONGEST_FIELD = 1000
_ROW_OVERHEAD_BYTES = 400


@dataclass(frozen=True)
class LogRow:
    """One row of the log.

    Args:
        serial: grows by one with each row. t: unix seconds. producer: key, or "" for the viewer itself.
        source: "log", "status", "command" or "viewer". level: in lower case.
        message: text as received, bounded; to be shown as plain text only. fields: text or numbers.
    """

    serial: int
    t: float
    producer: str
    source: str
    level: str
    message: str
    fields: dict[str, Any]

    @property
    def nbytes(self) -> int:
        """Bytes that the row takes, roughly."""
        return _ROW_OVERHEAD_BYTES + len(self.message) + 100 * len(self.fields)


class LogStore:
    """Keep the newest rows.

    Args:
        max_rows: rows kept; beyond it the oldest are dropped.
    """

    def __init__(self, *, max_rows: int = MOST_ROWS) -> None:
        self.rows: deque[LogRow] = deque()
        self.revision = 0
        self.cleared = 0
        self._max_rows = max_rows
        self._next_serial = 0
        self._nbytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes of all rows, roughly."""
        return self._nbytes

    @property
    def first_serial(self) -> int:
        """Serial of the oldest row kept, or of the next row when there is none."""
        return self.rows[0].serial if self.rows else self._next_serial

    @property
    def next_serial(self) -> int:
        """Serial that the next row will have."""
        return self._next_serial

    def append(
        self, t: float, producer: str, source: str, level: str, message: str, fields: Mapping[str, Any] | None = None
    ) -> LogRow:
        """Add a row; arguments as of ``LogRow``. Text beyond the bounds is cut and ends with "…"."""
        row = LogRow(
            serial=self._next_serial,
            t=t,
            producer=producer,
            source=source,
            level=_cut(level, 32).lower(),
            message=_cut(message, LONGEST_MESSAGE),
            fields=_bounded(fields or {}),
        )
        self._next_serial += 1
        self.rows.append(row)
        self._nbytes += row.nbytes
        if len(self.rows) > self._max_rows:
            self._nbytes -= self.rows.popleft().nbytes
        self.revision += 1
        return row

    def since(self, serial: int) -> list[LogRow]:
        """Return the rows whose serial is ``serial`` or greater, oldest first; costs what it returns."""
        found: list[LogRow] = []
        for row in reversed(self.rows):
            if row.serial < serial:
                break
            found.append(row)
        found.reverse()
        return found

    def shrink(self, nbytes: int) -> int:
        """Drop the oldest rows.

        Args:
            nbytes: bytes to free, if possible.

        Returns:
            Bytes that were freed.
        """
        before = self._nbytes
        while self.rows and before - self._nbytes < nbytes:
            self._nbytes -= self.rows.popleft().nbytes
        self.revision += 1
        return before - self._nbytes

    def clear(self, producer: str | None = None) -> None:
        """Remove all rows, or those of one producer; ``cleared`` grows, so that a view builds itself anew."""
        self.rows = deque(row for row in self.rows if producer is not None and row.producer != producer)
        self._nbytes = sum(row.nbytes for row in self.rows)
        self.cleared += 1
        self.revision += 1

    def forget(self, producer: str) -> None:
        """Remove the rows of a producer."""
        self.clear(producer)


@dataclass
class DataEntry:
    """The latest value of one data stream.

    Args:
        producer, stream: whose it is. value: nested dict, list, text, numbers, None, bytes, arrays. t: unix seconds.
        nbytes: size of the message. messages: how many there were.
    """

    producer: str
    stream: str
    value: Any
    t: float
    nbytes: int
    messages: int = 0
    rate_hz: float = 0.0
    revision: int = 0
    meter: RateMeter = field(default_factory=RateMeter, repr=False)


class DataStore:
    """Keep the latest value of each data stream.

    Args:
        max_entries: streams that may exist; further ones are refused.
    """

    def __init__(self, *, max_entries: int = MOST_ENTRIES) -> None:
        self.entries: dict[tuple[str, str], DataEntry] = {}
        self.revision = 0
        self._max_entries = max_entries
        self._nbytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes of all values, as they came over the wire."""
        return self._nbytes

    def put(self, producer: str, stream: str, record: DataRecord, nbytes: int, now: float) -> DataEntry:
        """Replace the value of a stream.

        Args:
            producer, stream: whose it is. record: the value. nbytes: size of the message, 0 when not known.
            now: when it arrived, unix seconds, for the rate.

        Raises:
            ProtocolError: there are too many streams.
        """
        entry = self.entries.get((producer, stream))
        if entry is None:
            if len(self.entries) >= self._max_entries:
                raise ProtocolError(f"data: more than {self._max_entries} streams")
            entry = self.entries[producer, stream] = DataEntry(producer, stream, None, 0.0, 0)
        nbytes = nbytes or bytes_of(record.value)
        self._nbytes += nbytes - entry.nbytes
        entry.value, entry.t, entry.nbytes = record.value, record.t, nbytes
        entry.messages += 1
        entry.meter.add(1, now)
        entry.rate_hz = entry.meter.per_second(now)
        entry.revision += 1
        self.revision += 1
        return entry

    def shrink(self, nbytes: int) -> int:
        """Drop values of the streams that were silent for longest.

        Args:
            nbytes: bytes to free, if possible.

        Returns:
            Bytes that were freed.
        """
        before = self._nbytes
        for key, entry in sorted(self.entries.items(), key=lambda item: item[1].t):
            if before - self._nbytes >= nbytes or len(self.entries) == 1:
                break
            self._nbytes -= entry.nbytes
            del self.entries[key]
        self.revision += 1
        return before - self._nbytes

    def clear(self, producer: str | None = None, stream: str | None = None) -> None:
        """Remove values.

        Args:
            producer: only of this producer. stream: only of this name.
        """
        for key in list(self.entries):
            if producer in (None, key[0]) and stream in (None, key[1]):
                self._nbytes -= self.entries.pop(key).nbytes
        self.revision += 1

    def forget(self, producer: str) -> None:
        """Remove the values of a producer."""
        self.clear(producer=producer)


def bytes_of(value: Any) -> int:
    """Return about how many bytes a value takes: arrays, bytes and text by their length, all else as 16."""
    total, left = 0, [value]
    while left:
        item = left.pop()
        if isinstance(item, np.ndarray):
            total += item.nbytes
        elif isinstance(item, str | bytes):
            total += len(item)
        elif isinstance(item, dict):
            left += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple):
            left += item
        else:
            total += 16
    return total


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _bounded(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Keep numbers, cut text, show anything else as cut text."""
    kept: dict[str, Any] = {}
    for name, value in list(fields.items())[:MOST_FIELDS]:
        plain = value is None or isinstance(value, bool | int | float)
        kept[_cut(name, LONGEST_FIELD)] = value if plain else _cut(str(value), LONGEST_FIELD)
    return kept
