"""One client of a device's stream: its own buffer, and its own account of what it has missed."""

from __future__ import annotations

import asyncio
from collections import deque

from .server_events import loss_event

MOST_BUFFERED = 1000
MOST_BUFFERED_BYTES = 16 * 2**20


class StreamClient:
    """Hold what a client has not taken yet. Lives on the server's loop.

    When it takes too slowly the oldest goes. All that is missing shows in the numbers of the readings, wherever it was
    lost, and is told before the next one.

    Args:
        first: number of the next reading of the device.
        most, most_bytes: readings and bytes that may wait.
    """

    def __init__(self, first: int, *, most: int = MOST_BUFFERED, most_bytes: int = MOST_BUFFERED_BYTES) -> None:
        self.lost = 0
        self._next = first
        self._most, self._most_bytes = most, most_bytes
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._farewell: bytes | None = None
        self._news = asyncio.Event()

    def offer(self, number: int, event: bytes) -> None:
        """Put down a reading; one from before this client came is left out."""
        if number < self._next:
            return
        self._waiting.append((number, event))
        self._bytes += len(event)
        while len(self._waiting) > self._most or (self._bytes > self._most_bytes and len(self._waiting) > 1):
            self._bytes -= len(self._waiting.popleft()[1])
        self._news.set()

    def end(self, farewell: bytes = b"") -> None:
        """End the stream after what waits.

        Args:
            farewell: event that is sent last.
        """
        if self._farewell is None:
            self._farewell = farewell
        self._news.set()

    async def take(self, timeout_s: float) -> bytes | None:
        """Wait for news.

        Returns:
            All events that wait; b"" when none came in time; None at the end.
        """
        if self._farewell is None and not self._waiting:
            self._news.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._news.wait()
            except TimeoutError:
                return b""
        if self._waiting:
            return self._taken()
        farewell, self._farewell = self._farewell, b""
        return farewell or None

    def _taken(self) -> bytes:
        parts = []
        for number, event in self._waiting:
            if missing := number - self._next:
                self.lost += missing
                parts.append(loss_event(missing, self.lost))
            parts.append(event)
            self._next = number + 1
        self._waiting.clear()
        self._bytes = 0
        return b"".join(parts)
