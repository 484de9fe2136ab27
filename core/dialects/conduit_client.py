"""The client of the conduit wire: connects, logs in, calls and is sent messages, connects again when it was lost."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from .conduit_connection import Connection, Incoming
from .conduit_descriptors import ClientDescriptor
from .conduit_errors import AuthenticationError, ConduitConnectionError
from .conduit_events import Message
from .conduit_handlers import Handler, call_each
from .conduit_handshake import log_in
from .conduit_rpc import RPC

logger = logging.getLogger("dockscope.conduit")


class Client:
    """A client of messages, calls and (with a StreamManager) streams.

    Args:
        config: how it is set up.

    Attributes:
        rpc: calls to the server. server_info: what the server told of itself. session_token: given by the server.
    """

    def __init__(self, config: ClientDescriptor) -> None:
        self.config = config
        self.rpc = RPC(self, config.rpc_timeout)
        self.server_info: dict[str, Any] = {}
        self.session_token: str | None = None
        self._connection: Connection | None = None
        self._attempts = 0
        self._wanted = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._handlers: dict[str, list[Handler]] = {}
        self._on_connect: list[Handler] = []
        self._on_disconnect: list[Handler] = []
        self._on_reconnect: list[Handler] = []
        self._on_given_up: list[Callable[[Exception | None], None]] = []

    # -- what the user registers --------------------------------------------------------------------------------

    def on(self, message_type: str) -> Callable[[Handler], Handler]:
        """Register a handler of messages, called with the data.

        A plain function is called as the message is read, coroutine functions one after another apart from that.
        """

        def register(handler: Handler) -> Handler:
            self._handlers.setdefault(message_type, []).append(handler)
            return handler

        return register

    def on_connect(self, handler: Handler) -> Handler:
        """Register what is called with the client each time it has connected."""
        self._on_connect.append(handler)
        return handler

    def on_disconnect(self, handler: Handler) -> Handler:
        """Register what is called with the client each time the connection is gone."""
        self._on_disconnect.append(handler)
        return handler

    def on_reconnect(self, handler: Handler) -> Handler:
        """Register what is called with the client when it has connected again, after ``on_connect``."""
        self._on_reconnect.append(handler)
        return handler

    def on_given_up(self, handler: Callable[[Exception | None], None]) -> None:
        """Register what is called when no connection will come back: with the reason, None after ``disconnect``."""
        self._on_given_up.append(handler)

    # -- life ---------------------------------------------------------------------------------------------------

    async def connect(self) -> bool:
        """Connect and log in; when the connection is lost later it comes back by itself, if so configured.

        Returns:
            True.

        Raises:
            NotConduitError: something else answers there; no password was sent. AuthenticationError: the password is
            refused. ConduitConnectionError: nobody answers.
        """
        if self._connection is not None:
            return True
        self._wanted = True
        await self._connect_once()
        return True

    async def disconnect(self) -> None:
        """Leave: send what waits for a moment, close, and do not come back."""
        was_wanted, self._wanted = self._wanted, False
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        connection = self._connection
        if connection is not None:
            await connection.close()
            await call_each(self._on_disconnect, self)
        if was_wanted:
            self._give_up(None)

    @property
    def connection(self) -> Connection:
        """Return the connection.

        Raises:
            ConduitConnectionError: there is none now.
        """
        if self._connection is None:
            raise ConduitConnectionError("not connected")
        return self._connection

    @property
    def is_connected(self) -> bool:
        """Tell whether it is connected and logged in."""
        return self._connection is not None

    @property
    def is_authenticated(self) -> bool:
        """Tell whether the server has let it in."""
        return self.session_token is not None

    def health(self) -> dict[str, Any]:
        """Return how it is: connected, authenticated, reconnect_attempts, server_info."""
        return {
            "connected": self.is_connected,
            "authenticated": self.is_authenticated,
            "reconnect_attempts": self._attempts,
            "server_info": dict(self.server_info),
        }

    async def send(self, message_type: str, data: Any) -> None:
        """Send a message.

        Raises:
            ConduitConnectionError: not connected. TypeError, ValueError: a value that cannot be sent.
        """
        await self.connection.send_message(message_type, data)

    # -- connecting ---------------------------------------------------------------------------------------------

    async def _connect_once(self) -> None:
        line, answer = await log_in(self.config)
        self.server_info, self.session_token = dict(answer.server_info), answer.session_token
        connection = Connection(
            line.reader,
            line.writer,
            decoder=line.decoder,
            options=self.config,
            peer=self.server_info,
            on_event=self._on_event,
            on_closed=self._on_closed,
        )
        self._connection, self._attempts = connection, 0
        connection.start()
        await call_each(self._on_connect, self)

    def _on_closed(self, connection: Connection) -> None:
        self._connection, self.session_token = None, None
        if self._wanted:
            logger.info("the connection to %s ended: %s", self._where, connection.ended_by)
            task = asyncio.get_running_loop().create_task(self._come_back(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _come_back(self, lost: Connection) -> None:
        await lost.wait_handled()
        await call_each(self._on_disconnect, self)
        if not self.config.reconnect_enabled:
            self._give_up(ConduitConnectionError(f"the connection to {self._where} ended: {lost.ended_by}"))
        elif await self._connect_again():
            await call_each(self._on_reconnect, self)

    async def _connect_again(self) -> bool:
        delay_s = self.config.reconnect_delay
        while not self.config.reconnect_attempts or self._attempts < self.config.reconnect_attempts:
            self._attempts += 1
            await asyncio.sleep(delay_s)
            try:
                await self._connect_once()
            except AuthenticationError as error:  # it will not get right by trying
                self._give_up(error)
                return False
            except ConduitConnectionError as error:
                logger.info("attempt %d: %s", self._attempts, error)
                delay_s = min(delay_s * self.config.reconnect_delay_multiplier, self.config.reconnect_delay_max)
            else:
                return True
        self._give_up(ConduitConnectionError(f"{self._where} did not come back in {self._attempts} attempts"))
        return False

    def _give_up(self, reason: Exception | None) -> None:
        self._wanted = False
        if reason is not None:
            logger.error("%s", reason)
        for handler in self._on_given_up:
            handler(reason)

    @property
    def _where(self) -> str:
        return f"{self.config.server_host}:{self.config.server_port}"

    # -- what comes in ------------------------------------------------------------------------------------------

    def _on_event(self, connection: Connection, event: Incoming) -> Callable[[], Awaitable[None]] | None:
        """Hand a message to its handlers; calls from a server have no meaning on this wire."""
        if not isinstance(event, Message):
            return None
        handlers = self._handlers.get(event.type, ())
        for handler in handlers:
            if not inspect.iscoroutinefunction(handler):
                handler(event.data)
        later = [handler for handler in handlers if inspect.iscoroutinefunction(handler)]
        return partial(call_each, later, event.data) if later else None
