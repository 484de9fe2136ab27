"""Iterating over a stream: ``async for item in streams.subscribe("sensors")``."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from .conduit_buffer import ItemBuffer, StreamEnded

Step = Callable[[ItemBuffer], Awaitable[None]]


class Subscription:
    """An asynchronous iterator over the items of a stream.

    It subscribes with the first item asked for, and unsubscribes when its loop is left or it is closed.

    Args:
        begin: subscribes a buffer. finish: unsubscribes it.
        size: items that may wait for the reader. on_item: is called with each item before the reader gets it.
    """

    def __init__(self, begin: Step, finish: Step, *, size: int, on_item: Callable[[Any], Any] | None = None) -> None:
        self._buffer = ItemBuffer(size)
        # A generator that does not know this object: it unsubscribes as soon as nobody holds either of them.
        self._items = _items(self._buffer, begin, finish, on_item)

    @property
    def dropped(self) -> int:
        """Return how many items gave way to newer ones before the reader came for them."""
        return self._buffer.dropped

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Any:
        return await anext(self._items)

    async def aclose(self) -> None:
        """Unsubscribe."""
        await self._items.aclose()


async def _items(
    buffer: ItemBuffer, begin: Step, finish: Step, on_item: Callable[[Any], Any] | None
) -> AsyncGenerator[Any, None]:
    try:
        await begin(buffer)
        while True:
            item = await buffer.get()
            if on_item is not None:
                outcome = on_item(item)
                if inspect.isawaitable(outcome):
                    await outcome
            yield item
    except StreamEnded:
        return
    finally:
        await finish(buffer)
