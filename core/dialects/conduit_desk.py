"""Where a conduit server deals with what clients send: messages to their handlers, calls to their methods."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from .conduit_connection import Connection, Incoming
from .conduit_events import Message, RpcFault, RpcRequest, fault_body, write_reply
from .conduit_handlers import Handler
from .conduit_rate import RateLimit
from .conduit_rpc import INTERNAL, RATE_LIMITED, RpcMethods

logger = logging.getLogger("dockscope.conduit")


class Desk:
    """Handlers and methods of one server.

    Args:
        compresses: replies may be compressed. messages_per_second: of one client, None for any number.

    Attributes:
        methods: that can be called. refused: messages that the limit kept out.
    """

    def __init__(self, *, compresses: bool, messages_per_second: float | None) -> None:
        self.methods = RpcMethods()
        self.refused = 0
        self._compresses, self._messages_per_second = compresses, messages_per_second
        self._handlers: dict[str, list[Handler]] = {}

    def register(self, message_type: str, handler: Handler) -> None:
        """Add a handler of messages."""
        self._handlers.setdefault(message_type, []).append(handler)

    def for_client(self) -> Callable[[Connection, Incoming], Callable[[], Awaitable[None]]]:
        """Return what takes the events of one client, in the form that its connection wants."""
        rate = self._messages_per_second
        limit = None if rate is None else RateLimit(rate)
        return lambda connection, event: partial(self._take, limit, connection, event)

    async def _take(self, limit: RateLimit | None, connection: Connection, event: Incoming) -> None:
        if limit is not None and not limit.allows():
            self.refused += 1
            if isinstance(event, RpcRequest):
                inner = fault_body(RpcFault("Rate limit exceeded", RATE_LIMITED))
                await connection.send_frame(write_reply(event.id, inner))
        elif isinstance(event, RpcRequest):
            await self._on_call(connection, event)
        else:
            await self._on_message(connection, event)

    async def _on_call(self, connection: Connection, request: RpcRequest) -> None:
        inner = await self.methods.answer(connection, request)
        try:
            frame = write_reply(request.id, inner, compress=self._compresses)
        except (TypeError, ValueError) as error:
            logger.error("%s returned what cannot be sent: %s", request.method, error)
            frame = write_reply(request.id, fault_body(RpcFault(f"Error in {request.method}: {error}", INTERNAL)))
        await connection.send_frame(frame)

    async def _on_message(self, connection: Connection, message: Message) -> None:
        answer = None
        for handler in self._handlers.get(message.type, ()):
            outcome = handler(connection, message.data)
            answer = await outcome if inspect.isawaitable(outcome) else outcome
        if answer is not None:
            await connection.send_message(f"{message.type}_response", answer)
