"""The port of LiveView's commands: we bind a publisher, the runs subscribe.

A PUB reaches all its subscribers. This one can also reach some of them, with nothing changed on their side: it is an
XPUB that subscribes each connection, in place of what it asked for, to commands with a number of spaces of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection
from typing import Any

import zmq
import zmq.asyncio

from ..link_address import LinkError
from ..socket_monitor import SocketMonitor
from .liveview_codec import encode_command

TYPES = ("abort", "pause", "resume")
MOST_SUBSCRIBERS = 256
LINGER_MS = 100


class CommandPort:
    """Bind the port and keep account of who subscribes; ``close`` it when done.

    Args:
        endpoint: for libzmq, with a numeric host. where: host and port, for sentences.

    Raises:
        LinkError: it cannot be bound, as a sentence.
    """

    def __init__(self, endpoint: str, *, where: str) -> None:
        self.where = where
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._shadow = zmq.Socket.shadow(self._socket.underlying)
        for option, value in (
            (zmq.XPUB_MANUAL, 1),
            (zmq.MAXMSGSIZE, 1024),
            (zmq.IPV6, int("[" in endpoint)),
        ):
            self._socket.setsockopt(option, value)
        self._monitor = SocketMonitor(self._socket)
        self._numbers: dict[int, int] = {}  # connection to the number that is its own
        self._subscribed = asyncio.Event()
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise LinkError(
                f"Commands cannot be sent: {where} cannot be bound ({str(error.strerror).lower()})"
            ) from None

    @property
    def subscribers(self) -> list[int]:
        """Return the connections that take commands."""
        self._note_left()
        return list(self._numbers)

    async def serve(self) -> None:
        """Take subscriptions, until it is cancelled."""
        while True:
            await asyncio.ensure_future(self._socket.poll())
            self._note_left()
            self._take_subscriptions()
            await asyncio.sleep(0)

    async def another(self, timeout_s: float) -> None:
        """Return when one more has subscribed, or when that took too long."""
        self._subscribed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._subscribed.wait(), timeout_s)

    def send(self, type_: str, payload: dict[str, Any], to: Collection[int]) -> None:
        """Send a command to these connections."""
        t = time.time()
        for connection in to:
            number = self._numbers.get(connection)
            if number is not None:
                self._shadow.send(encode_command(type_, payload, t, number + 1), zmq.NOBLOCK)
        self._socket.get(zmq.EVENTS)  # subscriptions may have come in while it was used past asyncio

    def close(self) -> None:
        """Close the socket; what was sent has a moment to leave."""
        if not self._socket.closed:
            self._monitor.close()
            self._socket.close(linger=LINGER_MS)
            self._context.term()

    def _take_subscriptions(self) -> None:
        while True:
            try:
                frame = self._shadow.recv(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            content = frame.bytes
            if content[:1] == b"\x01":
                self._subscribe(frame.get(zmq.SRCFD), content[1:])

    def _subscribe(self, connection: int, topic: bytes) -> None:
        """Give the connection whose subscription was read last the commands that it asked for."""
        taken = set(self._numbers.values())
        number = self._numbers.get(connection, next(free for free in range(len(taken) + 1) if free not in taken))
        types = [type_ for type_ in TYPES if f"cmd:{type_} ".encode().startswith(topic)]
        if not types or number >= MOST_SUBSCRIBERS:
            return
        self._numbers[connection] = number
        for type_ in types:
            self._socket.setsockopt(zmq.SUBSCRIBE, f"cmd:{type_}{' ' * (number + 1)}{{".encode())
        self._subscribed.set()

    def _note_left(self) -> None:
        for told in self._monitor.read():
            if told.event in (zmq.Event.ACCEPTED, zmq.Event.DISCONNECTED):
                self._numbers.pop(told.value, None)
