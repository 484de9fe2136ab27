"""A client's part in the streams of its server: what it has subscribed to, and what it offers."""

from __future__ import annotations

from typing import Any

from .conduit_buffer import ItemBuffer
from .conduit_client import Client
from .conduit_connection import Connection
from .conduit_errors import ConduitConnectionError, RPCError
from .conduit_events import STREAM_DATA
from .conduit_handlers import Handler
from .conduit_stream import check_name
from .conduit_subscription import Subscription


class RemoteStreams:
    """The subscriptions of one client, which outlive its connections.

    Args:
        client: whose connection is used.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._buffers: dict[str, list[ItemBuffer]] = {}
        self._offered: dict[str, Connection] = {}

    def subscription(self, name: str, size: int, on_item: Handler | None) -> Subscription:
        """Return an iterator over a stream of the server."""
        check_name(name)

        async def begin(buffer: ItemBuffer) -> None:
            buffers = self._buffers.setdefault(name, [])
            buffers.append(buffer)  # before the call: items may come before its answer
            if len(buffers) == 1:
                try:
                    await self._subscribe(name)
                except (RPCError, ConduitConnectionError) as error:
                    self._end(name, error)  # for those as well who came meanwhile

        async def finish(buffer: ItemBuffer) -> None:
            await self._leave(name, buffer)

        return Subscription(begin, finish, size=size, on_item=on_item)

    async def subscribe_again(self) -> None:
        """Subscribe on a new connection to what was subscribed before; what does not exist any more ends."""
        for name in list(self._buffers):
            try:
                await self._subscribe(name)
            except RPCError as error:
                self._end(name, error)
            except ConduitConnectionError:
                return  # the next connection does it

    def on_item(self, data: Any) -> None:
        """Take what the server sent; the original sends streams that nobody here asked for, too."""
        if isinstance(data, dict) and isinstance(name := data.get("stream"), str):
            for buffer in self._buffers.get(name, ()):
                buffer.put(data.get("data"))

    def on_closed(self, data: Any) -> None:
        """Take note that the server closed a stream."""
        if isinstance(data, dict) and isinstance(name := data.get("stream"), str):
            self._end(name, None)

    def end_all(self, reason: Exception | None) -> None:
        """End every iteration: the connection will not come back."""
        for name in list(self._buffers):
            self._end(name, reason)

    async def forward(self, item: dict[str, Any]) -> bool:
        """Take an item of a stream of ours to the server, and offer the stream to it first; tells whether it went."""
        if not self._client.is_connected:
            return False
        name, connection = item["stream"], self._client.connection
        try:
            if self._offered.get(name) is not connection:
                await connection.call("stream_create", {"stream_name": name}, self._client.config.rpc_timeout)
                self._offered[name] = connection
            await connection.send_message(STREAM_DATA, item)
        except ConduitConnectionError:
            return False
        return True

    async def _subscribe(self, name: str) -> None:
        answer = await self._client.rpc.call("stream_subscribe", {"stream_name": name})
        if isinstance(answer, dict) and "error" in answer:  # the wire calls this a success
            raise RPCError(str(answer["error"])[:200])

    def _end(self, name: str, reason: Exception | None) -> None:
        for buffer in self._buffers.pop(name, ()):
            buffer.end(reason)

    async def _leave(self, name: str, buffer: ItemBuffer) -> None:
        buffers = self._buffers.get(name, [])
        if buffer not in buffers:
            return
        buffers.remove(buffer)
        if not buffers:
            del self._buffers[name]
            try:
                await self._client.rpc.call_no_wait("stream_unsubscribe", {"stream_name": name})
            except ConduitConnectionError:
                pass  # the server has noticed that already
