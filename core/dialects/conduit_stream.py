"""A stream: items pushed to whoever has subscribed, here and at the other ends of connections."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from .conduit_buffer import ItemBuffer
from .conduit_connection import Connection
from .conduit_events import STREAM_CLOSED, Message, stream_item
from .conduit_handlers import Handler, call_each
from .conduit_outbox import Lane
from .conduit_subscription import Subscription

BUFFER_SIZE = 100
MAX_NAME_BYTES = 256


@dataclass
class StreamInfo:
    """What is known of a stream.

    Args:
        stream_id: unique. name, owner: the owner is "server", or the id of the client that created it.
        direction: "push", as the owner sends. created_at: unix seconds.
        message_count: items that went to at least one subscriber. bytes_sent: bytes of them over connections.
    """

    name: str
    owner: str
    stream_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    direction: str = "push"
    created_at: float = field(default_factory=time.time)
    message_count: int = 0
    bytes_sent: int = 0


class _Subscriber(Protocol):
    def offer(self, push: _Push) -> bool: ...

    def end(self, push: _Push) -> None: ...

    @property
    def dropped(self) -> int: ...


class _Push:
    """One item on its way; it is encoded once for all connections, when the first one needs it."""

    def __init__(self, message: Message, item: Any = None) -> None:
        self.message, self.item = message, item
        self.bytes_sent = 0
        self._frames: dict[bool, bytes] = {}

    def frame_for(self, connection: Connection) -> bytes:
        compressed = connection.compresses
        if compressed not in self._frames:
            self._frames[compressed] = connection.encoded(self.message)
        frame = self._frames[compressed]
        self.bytes_sent += len(frame)
        return frame


class _Remote:
    """A subscriber at the other end of a connection."""

    def __init__(self, connection: Connection, size: int) -> None:
        self.connection, self.lane = connection, Lane(size)

    @property
    def dropped(self) -> int:
        return self.lane.dropped

    def offer(self, push: _Push) -> bool:
        return self.connection.is_connected and self.connection.offer(self.lane, push.frame_for(self.connection))

    def end(self, push: _Push) -> None:
        self.offer(push)


class _Local:
    """A subscriber in this process."""

    def __init__(self, buffer: ItemBuffer) -> None:
        self.buffer = buffer

    @property
    def dropped(self) -> int:
        return self.buffer.dropped

    def offer(self, push: _Push) -> bool:
        self.buffer.put(push.item)
        return True

    def end(self, push: _Push) -> None:
        self.buffer.end()


class Stream:
    """A stream of a StreamManager.

    Args:
        name: at most 256 bytes. owner: "server", or the id of a client.
        buffer_size: items that may wait for one subscriber; beyond it the oldest gives way, and is counted.
        forward: takes each item, as the wire has it, to the server if there is one; tells whether it went out.
    """

    def __init__(
        self,
        name: str,
        owner: str,
        buffer_size: int = BUFFER_SIZE,
        *,
        forward: Callable[[dict[str, Any]], Awaitable[bool]] | None = None,
    ) -> None:
        check_name(name)
        if not isinstance(buffer_size, int) or buffer_size < 1:
            raise ValueError("buffer_size: must be at least 1")
        self.info = StreamInfo(name, owner)
        self.buffer_size = buffer_size
        self._forward = forward
        self._subscribers: dict[str, _Subscriber] = {}
        self._active = True
        self._dropped = 0  # of subscribers that are gone
        self._on_subscribe: list[Handler] = []
        self._on_unsubscribe: list[Handler] = []

    @property
    def name(self) -> str:
        """Return its name."""
        return self.info.name

    @property
    def subscriber_count(self) -> int:
        """Return how many have subscribed."""
        return len(self._subscribers)

    @property
    def is_active(self) -> bool:
        """Tell whether it is not closed."""
        return self._active

    @property
    def dropped(self) -> int:
        """Return how many items subscribers did not take in time, so that newer ones took their place."""
        return self._dropped + sum(one.dropped for one in self._subscribers.values())

    def on_subscribe(self, handler: Handler) -> Handler:
        """Register what is called with the id of each new subscriber."""
        self._on_subscribe.append(handler)
        return handler

    def on_unsubscribe(self, handler: Handler) -> Handler:
        """Register what is called with the id of each subscriber that is gone."""
        self._on_unsubscribe.append(handler)
        return handler

    def subscribe(self, *, buffer_size: int | None = None, on_data: Handler | None = None) -> Subscription:
        """Iterate over the items in this process, as ``async for item in stream.subscribe()``."""
        id_ = str(uuid.uuid4())

        async def begin(buffer: ItemBuffer) -> None:
            self._check_active()
            await self._add(id_, _Local(buffer))

        async def finish(buffer: ItemBuffer) -> None:
            await self.remove(id_)

        return Subscription(begin, finish, size=buffer_size or self.buffer_size, on_item=on_data)

    async def push(self, data: Any) -> int:
        """Send an item to every subscriber.

        Args:
            data: text, numbers, NumPy scalars, bytes, None, lists, dicts; arrays arrive as lists.

        Returns:
            How many subscribers it went to; for the stream of a client the server counts as one. It waits for none.

        Raises:
            RuntimeError: the stream is closed. TypeError, ValueError: the item cannot be sent.
        """
        self._check_active()
        push = _Push(stream_item(self.name, data, time.time()), data)
        reached = sum(one.offer(push) for one in list(self._subscribers.values()))
        if self._forward is not None:
            reached += await self._forward(push.message.data)
        if reached:
            self.info.message_count += 1
            self.info.bytes_sent += push.bytes_sent
        await asyncio.sleep(0)  # so that a loop that does nothing but push lets the items go out
        return reached

    async def close(self) -> None:
        """Close it: its subscribers are told, after what waits for them."""
        if not self._active:
            return
        self._active = False
        push = _Push(Message(STREAM_CLOSED, {"stream": self.name}))
        for id_, subscriber in list(self._subscribers.items()):
            subscriber.end(push)
            await self.remove(id_)

    def describe(self) -> dict[str, Any]:
        """Return the stream as lists of streams tell it."""
        return {
            "name": self.name,
            "owner": self.info.owner,
            "subscribers": self.subscriber_count,
            "active": self.is_active,
        }

    async def add_connection(self, connection: Connection) -> None:
        """Subscribe the other end of a connection; once is enough."""
        if connection.id not in self._subscribers:
            await self._add(connection.id, _Remote(connection, self.buffer_size))

    async def remove(self, subscriber_id: str) -> None:
        """Unsubscribe; nothing happens when there is no such subscriber."""
        subscriber = self._subscribers.pop(subscriber_id, None)
        if subscriber is not None:
            self._dropped += subscriber.dropped
            await call_each(self._on_unsubscribe, subscriber_id)

    async def _add(self, id_: str, subscriber: _Subscriber) -> None:
        self._subscribers[id_] = subscriber
        await call_each(self._on_subscribe, id_)

    def _check_active(self) -> None:
        if not self._active:
            raise RuntimeError(f"the stream {self.name!r} is closed")


def check_name(name: str) -> None:
    """Refuse a name that is no name for a stream.

    Raises:
        TypeError: no text. ValueError: empty, or longer than 256 bytes.
    """
    if not isinstance(name, str):
        raise TypeError(f"name: must be text, not {type(name).__name__}")
    if not name or len(name.encode(errors="replace")) > MAX_NAME_BYTES:
        raise ValueError(f"name: must have 1 to {MAX_NAME_BYTES} bytes")
