"""One viewer of a stream server: what waits for it, and sending it as fast as it reads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

MOST_WAITING = 1000


class StreamViewer:
    """Keep what a viewer has not read yet: short messages up to 1,000, of frames the newest only.

    So one that reads slowly, or not at all, costs a bounded amount and nobody waits for it.

    Args:
        connection: to it. on_sent: is told the characters of each message that went out.
    """

    def __init__(self, connection: ServerConnection, on_sent: Callable[[int], None]) -> None:
        self._connection, self._on_sent = connection, on_sent
        self._waiting: deque[str | None] = deque()  # None stands for the newest frame, in the order of its arrival
        self._frame = ""
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def address(self) -> str:
        """Return where it is, for a person."""
        peer = self._connection.remote_address
        return f"{peer[0]}:{peer[1]}" if peer else "a viewer that has gone"

    def send(self, text: str) -> None:
        """Let a message go out after those that wait; of too many the oldest is dropped."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.remove(next(waiting for waiting in self._waiting if waiting is not None))
        self._put(text)

    def send_frame(self, text: str) -> None:
        """Let a frame go out; it takes the place of one that waits."""
        self._frame = text
        if None not in self._waiting:
            self._put(None)

    async def send_all(self) -> None:
        """Send what waits, until cancelled or the viewer has gone."""
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                await self._more.wait()
                self._more.clear()
                while self._waiting:
                    waiting = self._waiting.popleft()
                    text = self._frame if waiting is None else waiting
                    await self._connection.send(text)
                    self._on_sent(len(text))
                self._idle.set()
        except ConnectionClosed:
            pass
        finally:
            self._idle.set()

    async def sent(self) -> None:
        """Wait until nothing waits any more."""
        await self._idle.wait()

    def _put(self, waiting: str | None) -> None:
        self._waiting.append(waiting)
        self._idle.clear()
        self._more.set()
