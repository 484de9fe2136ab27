"""What waits for a handler on one conduit connection: bounded, in order, and the other side asked to slow down."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

HIGH, LOW = 0.8, 0.5

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """Hand items to a handler one after another, apart from the reading.

    Args:
        limit: items that may wait. handle: takes one.
        slow_down: is called with True when most of the room is taken, with False when half of it is free again.
    """

    def __init__(
        self, limit: int, handle: Callable[[Item], Awaitable[None]], slow_down: Callable[[bool], None]
    ) -> None:
        self._limit, self._handle, self._slow_down = limit, handle, slow_down
        self._items: deque[Item] = deque()
        self._something, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()
        self._slowed = False
        self._finishing = False

    @property
    def is_full(self) -> bool:
        """Tell whether nothing more is taken now."""
        return len(self._items) >= self._limit

    async def put(self, item: Item) -> None:
        """Add an item, when there is room for it."""
        while self.is_full:
            self._room.clear()
            await self._room.wait()
        self._items.append(item)
        self._something.set()
        if not self._slowed and len(self._items) >= max(2, HIGH * self._limit):
            self._slowed = True
            self._slow_down(True)

    def finish(self) -> None:
        """Let ``run`` end when everything that came is handled."""
        self._finishing = True
        self._something.set()

    async def run(self) -> None:
        """Handle what comes, until ``finish``."""
        while self._items or not self._finishing:
            if not self._items:
                self._something.clear()
                await self._something.wait()
                continue
            await self._handle(self._items.popleft())
            self._room.set()
            if self._slowed and not self._finishing and len(self._items) <= LOW * self._limit:
                self._slowed = False
                self._slow_down(False)
