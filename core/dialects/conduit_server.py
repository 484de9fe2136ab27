"""The server of the conduit wire: lets clients in, hands their messages and calls to handlers, sends to them."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Collection
from typing import Any

from ..access import is_loopback
from ..complaints import Complaints
from ..messages import ProtocolError
from .conduit_connection import Connection
from .conduit_descriptors import ServerDescriptor
from .conduit_desk import Desk
from .conduit_errors import AuthenticationError
from .conduit_events import AuthRequest
from .conduit_frame import FrameDecoder
from .conduit_handlers import Handler, call_each
from .conduit_handshake import Line, let_in

logger = logging.getLogger("dockscope.conduit")

# The original client reads the answer to its login with one read and then starts afresh: what came with it is lost.
QUIET_S = 0.15
MOST_NEWCOMERS = 256


class Server:
    """A server of messages, calls and (with a StreamManager) streams.

    Handlers are coroutine functions or plain functions. Those of one client run one after another, those of different
    clients do not wait for each other, and none delays a heartbeat or a stream.

    Args:
        config: how it is set up.
    """

    def __init__(self, config: ServerDescriptor) -> None:
        self.config = config
        rate = config.rate_limit_messages_per_second if config.rate_limit_enabled else None
        self._desk = Desk(compresses=config.enable_compression, messages_per_second=rate)
        self._server: asyncio.Server | None = None
        self._stopped: asyncio.Event | None = None
        self._connections: dict[str, Connection] = {}
        self._guests: set[asyncio.Task[None]] = set()
        self._on_startup: list[Handler] = []
        self._on_shutdown: list[Handler] = []
        self._on_connect: list[Handler] = []
        self._on_disconnect: list[Handler] = []
        self._complaints = Complaints(lambda sentence: logger.warning("%s", sentence))

    # -- what the user registers --------------------------------------------------------------------------------

    def on(self, message_type: str) -> Callable[[Handler], Handler]:
        """Register a handler of messages, called with the connection and the data.

        What it returns, unless it is None, goes back as a message of the type ``<message_type>_response``.
        """

        def register(handler: Handler) -> Handler:
            self._desk.register(message_type, handler)
            return handler

        return register

    def rpc(self, name: Any = None, *, requires_auth: bool = True, takes_caller: bool = False) -> Any:
        """Offer a function to be called, as ``@server.rpc`` or ``@server.rpc(name="add")``.

        Args:
            name: of the method, that of the function when not given.
            requires_auth: as ``listall`` tells it; who is connected has logged in anyway.
            takes_caller: the calling connection goes before the parameters.
        """
        if callable(name):
            self._desk.methods.register(name)
            return name

        def register(handler: Handler) -> Handler:
            self._desk.methods.register(handler, name=name, requires_auth=requires_auth, takes_caller=takes_caller)
            return handler

        return register

    def on_startup(self, handler: Handler) -> Handler:
        """Register what is called with the server when it starts."""
        self._on_startup.append(handler)
        return handler

    def on_shutdown(self, handler: Handler) -> Handler:
        """Register what is called with the server when it has stopped."""
        self._on_shutdown.append(handler)
        return handler

    def on_client_connect(self, handler: Handler) -> Handler:
        """Register what is called with each connection that has logged in."""
        self._on_connect.append(handler)
        return handler

    def on_client_disconnect(self, handler: Handler) -> Handler:
        """Register what is called with each connection that is gone."""
        self._on_disconnect.append(handler)
        return handler

    # -- life ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Start, and serve until ``stop`` or cancellation.

        Raises:
            OSError: the address cannot be bound.
        """
        await self.start()
        assert self._stopped is not None
        try:
            await self._stopped.wait()
        finally:
            await self.stop()

    async def start(self) -> None:
        """Start and return, after the startup handlers.

        Raises:
            OSError: the address cannot be bound. ValueError: TLS without a certificate.
        """
        if self._server is not None:
            return
        context, config = self.config.ssl_context(), self.config
        self._stopped = asyncio.Event()
        self._server = await asyncio.start_server(
            self._on_guest,
            config.host,
            config.port,
            family=socket.AF_INET6 if config.ipv6 else socket.AF_INET,
            ssl=context,
            start_serving=False,
        )
        if not is_loopback(config.host):
            encrypted = "encrypted" if context is not None else "not encrypted"
            logger.warning("%s:%s is open to other machines, %s", config.host, self.address[1], encrypted)
        try:
            for handler in self._on_startup:
                outcome = handler(self)
                if asyncio.iscoroutine(outcome):
                    await outcome
            await self._server.start_serving()
        except BaseException:
            await self.stop()
            raise
        logger.info("%s listens on %s:%s", config.name, *self.address)

    async def stop(self) -> None:
        """Stop: send what waits for a moment, close every connection, call the shutdown handlers."""
        server, self._server = self._server, None
        if server is None:
            return
        assert self._stopped is not None
        self._stopped.set()
        server.close()
        await asyncio.gather(*(connection.close() for connection in self.connections))
        guests = [task for task in self._guests if task is not asyncio.current_task()]
        for task in guests:
            task.cancel()
        await asyncio.gather(*guests, return_exceptions=True)
        await server.wait_closed()
        await call_each(self._on_shutdown, self)

    @property
    def is_running(self) -> bool:
        """Tell whether it serves."""
        return self._server is not None

    @property
    def refused(self) -> int:
        """Return how many messages the rate limit kept out."""
        return self._desk.refused

    @property
    def connections(self) -> list[Connection]:
        """Return the connections that have logged in."""
        return list(self._connections.values())

    @property
    def connection_count(self) -> int:
        """Return how many clients are connected."""
        return len(self._connections)

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port, the real one once it serves."""
        if self._server is None or not self._server.sockets:
            return self.config.host, self.config.port
        return self._server.sockets[0].getsockname()[:2]

    async def broadcast(self, message_type: str, data: Any, exclude: Collection[str] = ()) -> int:
        """Send a message to every client.

        Args:
            message_type, data: of the message. exclude: ids of connections to leave out.

        Returns:
            To how many it was sent.
        """
        receivers = [one for one in self.connections if one.id not in exclude]
        sent = await asyncio.gather(
            *(one.send_message(message_type, data) for one in receivers), return_exceptions=True
        )
        for outcome in sent:
            if isinstance(outcome, BaseException) and not isinstance(outcome, OSError):
                raise outcome
        return sum(outcome is None for outcome in sent)

    # -- clients ------------------------------------------------------------------------------------------------

    async def _on_guest(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        newcomers = len(self._guests) - len(self._connections)
        if self._server is None or newcomers >= MOST_NEWCOMERS:
            writer.transport.abort()
            return
        self._guests.add(task)
        line = Line(reader, writer, FrameDecoder())
        try:
            request = await self._welcome(line)
            if request is not None:
                await self._serve(line, dict(request.client_info))
        except asyncio.CancelledError:
            pass  # the server stops
        finally:
            line.drop()
            self._guests.discard(task)

    async def _welcome(self, line: Line) -> AuthRequest | None:
        peer = line.writer.get_extra_info("peername")
        try:
            async with asyncio.timeout(self.config.auth_timeout):
                return await let_in(line, self.config, is_full=self._is_full)
        except (AuthenticationError, ProtocolError, TimeoutError) as error:
            reason = str(error) or f"no login within {self.config.auth_timeout:g} s"
            self._complaints.complain(reason, f"a client at {peer} was not let in: {reason}")
        except OSError:
            pass  # it left while it was asked
        return None

    def _is_full(self) -> bool:
        return len(self._connections) >= self.config.max_connections

    async def _serve(self, line: Line, client_info: dict[str, Any]) -> None:
        connection = Connection(
            line.reader,
            line.writer,
            decoder=line.decoder,
            options=self.config,
            peer=client_info,
            on_event=self._desk.for_client(),
            on_closed=self._on_closed,
            silence_s=self.config.connection_timeout,
            bytes_per_second=self.config.rate_limit_bytes_per_second if self.config.rate_limit_enabled else None,
            hold_s=QUIET_S,
        )
        self._connections[connection.id] = connection
        connection.start()
        try:
            await call_each(self._on_connect, connection)
            await connection.wait_handled()
        finally:
            await connection.close()  # a handler may still be at work for who has left
        await call_each(self._on_disconnect, connection)

    def _on_closed(self, connection: Connection) -> None:
        """Free the slot at once."""
        self._connections.pop(connection.id, None)
