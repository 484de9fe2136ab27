"""The streams of a server or of a client, and what they say to each other about them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from .conduit_client import Client
from .conduit_connection import Connection
from .conduit_events import STREAM_CLOSED, STREAM_DATA
from .conduit_handlers import Handler, call_each
from .conduit_remote_streams import RemoteStreams
from .conduit_server import Server
from .conduit_stream import BUFFER_SIZE, Stream, check_name
from .conduit_subscription import Subscription

logger = logging.getLogger("dockscope.conduit")

MOST_STREAMS_OF_A_CLIENT = 100


class StreamManager:
    """Streams by name.

    Register it with a server to push to clients and to take what clients push, or with a client to subscribe and to
    push to the server. Without either its streams connect the tasks of this process.

    Args:
        owner: of the streams that it creates, as others see it.
    """

    def __init__(self, owner: str = "server") -> None:
        self.owner = owner
        self._streams: dict[str, Stream] = {}
        self._client_handlers: dict[str, list[Handler]] = {}
        self._client: Client | None = None
        self._remote: RemoteStreams | None = None

    # -- streams of our own -------------------------------------------------------------------------------------

    def create(self, name: str, buffer_size: int = BUFFER_SIZE) -> Stream:
        """Create a stream.

        Args:
            name: at most 256 bytes. buffer_size: items that may wait for one subscriber; the oldest gives way.

        Raises:
            ValueError: there is a stream of this name already (a closed one is replaced), or a wrong argument.
        """
        if (known := self._streams.get(name)) is not None and known.is_active:
            raise ValueError(f"name: there is a stream {name!r} already")
        stream = self._streams[name] = Stream(name, self.owner, buffer_size, forward=self._forward)
        return stream

    def get(self, name: str) -> Stream | None:
        """Return a stream by name, None when there is none."""
        return self._streams.get(name)

    def list_streams(self) -> list[dict[str, Any]]:
        """Return name, owner, subscribers and active of every stream."""
        return [stream.describe() for stream in self._streams.values()]

    async def close_all(self) -> None:
        """Close every stream."""
        for stream in list(self._streams.values()):
            await stream.close()

    async def _forward(self, item: dict[str, Any]) -> bool:
        return self._remote is not None and await self._remote.forward(item)

    # -- the streams of the other side --------------------------------------------------------------------------

    def subscribe(
        self, stream_name: str, on_data: Handler | None = None, *, buffer_size: int = BUFFER_SIZE
    ) -> Subscription:
        """Iterate over the items of a stream: ``async for item in streams.subscribe("sensors")``.

        With a client it is the server's stream; after a lost connection it goes on by itself. The iteration ends when
        the stream is closed or the client disconnects.

        Args:
            stream_name: of the stream. on_data: is called with each item too.
            buffer_size: items that may wait here; the oldest gives way.

        Raises:
            RPCError: (while iterating) there is no such stream. ConduitConnectionError: not connected, or the server
                did not come back. RuntimeError: no client, and no such stream here.
        """
        if self._remote is not None:
            return self._remote.subscription(stream_name, buffer_size, on_data)
        stream = self._streams.get(stream_name)
        if stream is None:
            raise RuntimeError(f"no stream {stream_name!r} here: register_client_handlers connects to a server's")
        return stream.subscribe(buffer_size=buffer_size, on_data=on_data)

    async def push_to_server(self, stream_name: str, data_item: Any) -> bool:
        """Send an item to the server, whose ``on_client_stream`` handlers take it.

        Returns:
            True.

        Raises:
            RuntimeError: no client is registered. ConduitConnectionError: not connected.
            TypeError, ValueError: the item cannot be sent.
        """
        if self._client is None:
            raise RuntimeError("no client: call register_client_handlers first")
        check_name(stream_name)
        item = {"stream": stream_name, "data": data_item, "timestamp": time.time()}
        await self._client.send(STREAM_DATA, item)
        return True

    def on_client_stream(self, stream_name: str) -> Callable[[Handler], Handler]:
        """Register what is called with (client id, item) for each item that a client pushes under this name."""

        def register(handler: Handler) -> Handler:
            self._client_handlers.setdefault(stream_name, []).append(handler)
            return handler

        return register

    # -- registering --------------------------------------------------------------------------------------------

    def register_server_handlers(self, server: Server) -> None:
        """Offer the streams to the clients of a server, and take theirs."""

        async def stream_list() -> dict:
            """List available streams."""
            return {"streams": self.list_streams()}

        async def stream_subscribe(client: Connection, stream_name: str) -> dict:
            """Subscribe to a stream."""
            stream = self._streams.get(stream_name)
            if stream is None or not stream.is_active:
                return {"error": f"Stream not found: {stream_name}"}
            await stream.add_connection(client)
            return {"subscribed": True, "stream": stream_name}

        async def stream_unsubscribe(client: Connection, stream_name: str) -> dict:
            """Unsubscribe from a stream."""
            stream = self._streams.get(stream_name)
            if stream is not None:
                await stream.remove(client.id)
            return {"unsubscribed": True}

        async def stream_create(client: Connection, stream_name: str) -> dict:
            """Client requests to create a stream."""
            return self._created_by(client, stream_name)

        server.rpc()(stream_list)
        for method in (stream_subscribe, stream_unsubscribe, stream_create):
            server.rpc(takes_caller=True)(method)
        server.on(STREAM_DATA)(self._on_client_item)
        server.on_client_disconnect(self._on_client_gone)

    def register_client_handlers(self, client: Client) -> None:
        """Reach the streams of the server that a client is connected to, and offer ours to it."""
        if self._client is not None:
            raise ValueError("client: another one is registered already")
        self._client = client
        remote = self._remote = RemoteStreams(client)
        client.on(STREAM_DATA)(remote.on_item)
        client.on(STREAM_CLOSED)(remote.on_closed)
        client.on_connect(lambda _: remote.subscribe_again())
        client.on_given_up(remote.end_all)

    # -- server side --------------------------------------------------------------------------------------------

    def _created_by(self, client: Connection, name: str) -> dict[str, Any]:
        known = self._streams.get(name)
        if known is not None and known.is_active:
            return {"error": "Stream already exists"}
        if sum(stream.info.owner == client.id for stream in self._streams.values()) >= MOST_STREAMS_OF_A_CLIENT:
            return {"error": f"A client may create {MOST_STREAMS_OF_A_CLIENT} streams"}
        try:
            stream = self._streams[name] = Stream(name, client.id)
        except (TypeError, ValueError) as error:
            return {"error": str(error)}
        return {"created": True, "stream": name, "stream_id": stream.info.stream_id}

    async def _on_client_item(self, client: Connection, data: Any) -> dict[str, Any]:
        name, item = (data.get("stream"), data.get("data")) if isinstance(data, dict) else (None, None)
        if not isinstance(name, str):
            logger.warning("%s sent an item without the name of its stream", client.remote_address)
            return {"received": False}
        await call_each(self._client_handlers.get(name, ()), client.id, item)
        stream = self._streams.get(name)
        if stream is not None and stream.info.owner == client.id and stream.is_active:
            await stream.push(item)
        return {"received": True}

    async def _on_client_gone(self, client: Connection) -> None:
        for name, stream in list(self._streams.items()):
            await stream.remove(client.id)
            if stream.info.owner == client.id:
                await stream.close()
                del self._streams[name]
