"""Server-sent events: bytes in, events out, after the HTML standard (section "Interpreting an event stream")."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..messages import ProtocolError

MAX_WORD_CHARACTERS = 256
UNNAMED = "message"

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ServerEvent(NamedTuple):
    """One event: its name, its data, and the last id told so far or ""."""

    name: str
    data: bytes
    id: str


class SseParser:
    """Read one response.

    Args:
        max_event_bytes: what all lines of an event may have together; a larger event is left out.
    """

    def __init__(self, max_event_bytes: int) -> None:
        self._max_bytes = max_event_bytes
        self._line = bytearray()  # begun, its end has not arrived
        self._follows_return = False
        self._is_first = True
        self._is_too_large = False
        self._id = ""
        self._name = ""
        self._data = bytearray()

    def feed(self, chunk: bytes) -> list[ServerEvent | ProtocolError]:
        """Take bytes as they arrive, parted anyhow.

        Returns:
            The events they complete; in the place of one that is too large, why it is left out.
        """
        if self._follows_return and chunk.startswith(b"\n"):  # the second half of one line end
            chunk = chunk[1:]
            self._follows_return = False
        if not chunk:
            return []
        self._follows_return = chunk.endswith(b"\r")
        *lines, rest = _LINE_END.split(chunk)
        found: list[ServerEvent | ProtocolError] = []
        for line in lines:
            self._gather(line, found)
            whole = bytes(self._line)
            self._line.clear()
            self._take(whole, found)
        self._gather(rest, found)
        return found

    def _gather(self, part: bytes, found: list[ServerEvent | ProtocolError]) -> None:
        """Add to the line; of an event that is too large only whether the line is empty has to be known."""
        if len(self._line) + len(part) + len(self._data) > self._max_bytes and not self._is_too_large:
            self._is_too_large = True
            self._data.clear()
            self._line.clear()
            found.append(ProtocolError(f"an event of more than {self._max_bytes} bytes"))
        if self._is_too_large:
            self._line = self._line or bytearray(part[:1])
        else:
            self._line += part

    def _take(self, line: bytes, found: list[ServerEvent | ProtocolError]) -> None:
        if self._is_first:
            self._is_first = False
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            self._end_event(found)
        elif not self._is_too_large:
            field, _, value = line.partition(b":")
            self._take_field(field, value.removeprefix(b" "))

    def _take_field(self, field: bytes, value: bytes) -> None:
        if field == b"data":
            self._data += value
            self._data += b"\n"
        elif field == b"event":
            self._name = _word(value)
        elif field == b"id" and b"\0" not in value:
            self._id = _word(value)

    def _end_event(self, found: list[ServerEvent | ProtocolError]) -> None:
        if self._data:
            found.append(ServerEvent(self._name or UNNAMED, bytes(self._data[:-1]), self._id))
        self._data.clear()
        self._name = ""
        self._is_too_large = False


def _word(value: bytes) -> str:
    return value[: 4 * MAX_WORD_CHARACTERS].decode("utf-8", "replace")[:MAX_WORD_CHARACTERS]
