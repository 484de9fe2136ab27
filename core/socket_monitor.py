"""What libzmq tells of one socket's connection: the events of its monitor, and what they mean for sending."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

import zmq
import zmq.asyncio
from zmq.utils.monitor import parse_monitor_message

HANDSHAKE_FAILURES = frozenset(
    {zmq.Event.HANDSHAKE_FAILED_NO_DETAIL, zmq.Event.HANDSHAKE_FAILED_PROTOCOL, zmq.Event.HANDSHAKE_FAILED_AUTH}
)
WATCHED = (
    zmq.Event.CONNECTED
    | zmq.Event.CONNECT_DELAYED
    | zmq.Event.CONNECT_RETRIED
    | zmq.Event.ACCEPTED
    | zmq.Event.CLOSED
    | zmq.Event.DISCONNECTED
    | zmq.Event.HANDSHAKE_SUCCEEDED
    | zmq.Event.HANDSHAKE_FAILED_NO_DETAIL
    | zmq.Event.HANDSHAKE_FAILED_PROTOCOL
    | zmq.Event.HANDSHAKE_FAILED_AUTH
)


class MonitorEvent(NamedTuple):
    """One event; the meaning of ``value`` depends on it (errno, file descriptor, milliseconds)."""

    event: zmq.Event
    value: int


class SocketMonitor:
    """Follow the connection of one socket that connects to one address, or the connections of one that binds.

    Args:
        socket: not connected or bound yet, so that no event is missed.
    """

    def __init__(self, socket: zmq.asyncio.Socket) -> None:
        self._watched = socket
        self._socket = socket.get_monitor_socket(WATCHED)
        self._shadow = zmq.Socket.shadow(self._socket.underlying)
        self.last: zmq.Event | None = None

    @property
    def handshaken(self) -> bool:
        """Tell whether the newest event is a completed handshake: only then may anything be sent."""
        return self.last is zmq.Event.HANDSHAKE_SUCCEEDED

    def read(self) -> list[MonitorEvent]:
        """Return what has happened since the last call, without waiting."""
        events = []
        while True:
            try:
                frames = self._shadow.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return events
            told = parse_monitor_message(frames)
            self.last = zmq.Event(told["event"])
            events.append(MonitorEvent(self.last, told["value"]))

    async def wait(self) -> None:
        """Return when there is something to read."""
        await asyncio.ensure_future(self._socket.poll())

    def wake(self) -> None:
        """Look for events again that arrived while the socket was used past asyncio."""
        self._socket.get(zmq.EVENTS)

    def close(self) -> None:
        """Stop watching."""
        # The shadow is never closed: that would close the socket past asyncio, which would go on watching its number.
        self._watched.disable_monitor()
        if not self._socket.closed:
            self._socket.close(linger=0)
