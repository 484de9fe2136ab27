"""Calls that wait for their reply on one conduit connection."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from .conduit_errors import ConduitConnectionError
from .conduit_events import RpcReply


class OpenCalls:
    """Calls by their number, which starts at 1 for each connection."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._replies: dict[int, asyncio.Future[RpcReply]] = {}

    def number(self) -> int:
        """Return the next number."""
        return next(self._numbers)

    @contextmanager
    def open(self, id_: int) -> Iterator[asyncio.Future[RpcReply]]:
        """Give what will hold the reply; a reply that comes after the block is not missed."""
        reply = self._replies[id_] = asyncio.get_running_loop().create_future()
        try:
            yield reply
        finally:
            del self._replies[id_]

    def answer(self, reply: RpcReply) -> None:
        """Give a reply to who waits for it; others are late, or nobody asked."""
        waiting = self._replies.get(reply.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(reply)

    def lose(self) -> None:
        """Tell all who wait that no reply will come."""
        for waiting in self._replies.values():
            if not waiting.done():
                waiting.set_exception(ConduitConnectionError("the connection was lost before an answer came"))
