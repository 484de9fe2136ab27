"""Items that wait for whoever iterates over a subscription; when the buffer is full the oldest one gives way."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any


class StreamEnded(Exception):  # noqa: N818 - an end is no error
    """Nothing more will come, and everything that came is taken."""


class ItemBuffer:
    """A bounded buffer for one reader.

    Args:
        size: items that may wait.

    Attributes:
        dropped: items that gave way to newer ones.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.dropped = 0
        self._items: deque[Any] = deque()
        self._something = asyncio.Event()
        self._ended = False
        self._reason: Exception | None = None

    def put(self, item: Any) -> None:
        """Add an item."""
        if self._ended:
            return
        if len(self._items) >= self.size:
            self._items.popleft()
            self.dropped += 1
        self._items.append(item)
        self._something.set()

    def end(self, reason: Exception | None = None) -> None:
        """Let no more in; the reader gets what waits, then the end, or ``reason`` as an exception."""
        if not self._ended:
            self._ended, self._reason = True, reason
            self._something.set()

    async def get(self) -> Any:
        """Wait for an item and take it.

        Raises:
            StreamEnded: there will be none. Exception: the reason given to ``end``.
        """
        while not self._items:
            if self._ended:
                raise self._reason or StreamEnded
            self._something.clear()
            await self._something.wait()
        return self._items.popleft()
