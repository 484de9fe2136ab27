"""What waits to be sent on one conduit connection: control first, then messages and stream items in their order."""

from __future__ import annotations

import asyncio
from collections import deque

PAUSE_S = 30.0


class Lane:
    """The items of one subscription that wait to be sent; a full lane drops its oldest item.

    Args:
        size: items that may wait.

    Attributes:
        dropped: items that gave way to newer ones.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.frames: deque[bytes] = deque()
        self.dropped = 0


class Outbox:
    """Frames in the order in which they are to be sent.

    Args:
        limit: messages that may wait, apart from stream items, which their lanes bound.

    Attributes:
        flushed: is set while nothing waits and what was taken last is sent.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._urgent: deque[bytes] = deque()
        self._order: deque[bytes | Lane] = deque()
        self._messages = 0
        self._held = False
        self._timer: asyncio.TimerHandle | None = None
        self._something = asyncio.Event()
        self._room = asyncio.Event()
        self.flushed = asyncio.Event()
        self.flushed.set()

    def hold(self) -> None:
        """Send nothing at all until ``release``."""
        self._held = True

    def release(self) -> None:
        """Send again."""
        if self._held:
            self._held = False
            self._something.set()

    def pause(self) -> None:
        """Send only what is urgent, until ``resume`` or for half a minute: the other side asked for it."""
        self.resume()
        self._timer = asyncio.get_running_loop().call_later(PAUSE_S, self.resume)

    def resume(self) -> None:
        """Send everything again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._something.set()

    def close(self) -> None:
        """Forget everything."""
        self.resume()
        self._urgent.clear()
        self._order.clear()
        self._messages = 0
        self._room.set()

    def put_urgent(self, frame: bytes) -> None:
        """Add what goes before everything else: signs of life and flow control."""
        self._urgent.append(frame)
        self._wake()

    def put(self, frame: bytes) -> bool:
        """Add a message; returns False when there is no room for it."""
        if self._messages >= self._limit:
            return False
        self._messages += 1
        self._order.append(frame)
        self._wake()
        return True

    async def room(self) -> None:
        """Wait until a message has been sent."""
        self._room.clear()
        await self._room.wait()

    def offer(self, lane: Lane, frame: bytes) -> None:
        """Add a stream item; when its lane is full the oldest one gives way."""
        if len(lane.frames) >= lane.size:
            lane.frames.popleft()
            lane.dropped += 1
        else:
            self._order.append(lane)
        lane.frames.append(frame)
        self._wake()

    async def take(self, enough_bytes: int) -> bytes:
        """Wait for something to send; return whole frames, about ``enough_bytes`` or one frame at most."""
        while True:
            taken = self._taken(enough_bytes)
            if taken:
                return b"".join(taken)
            if not self._order and not self._urgent:
                self.flushed.set()
            self._something.clear()
            await self._something.wait()

    def _wake(self) -> None:
        self.flushed.clear()
        self._something.set()

    def _taken(self, enough_bytes: int) -> list[bytes]:
        taken: list[bytes] = []
        size = 0
        while size < enough_bytes and (frame := self._next()) is not None:
            taken.append(frame)
            size += len(frame)
        return taken

    def _next(self) -> bytes | None:
        if self._held:
            return None
        if self._urgent:
            return self._urgent.popleft()
        while self._order and self._timer is None:
            first = self._order.popleft()
            if isinstance(first, bytes):
                self._messages -= 1
                self._room.set()
                return first
            if first.frames:  # empty when its subscription ended meanwhile
                return first.frames.popleft()
        return None
