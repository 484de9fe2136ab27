"""One DEALER of a link: its options, its monitor, sending only while connected, and draining in bounded batches."""

from __future__ import annotations

import asyncio
import enum
import time
from collections.abc import Callable

import zmq
import zmq.asyncio

from .link_credit import MOST_UNINTERRUPTED_BYTES, MOST_WAITING_MESSAGES
from .socket_monitor import MonitorEvent, SocketMonitor
from .turns import Turns
from .wire import MAX_MESSAGE_BYTES
from .wire_arrays import MAX_BUFFERS

HANDSHAKE_MS = 2_000
HEARTBEAT_MS = 1_000
HEARTBEAT_TIMEOUT_MS = 3_000
CONNECT_TIMEOUT_MS = 3_000
LINGER_MS = 200
BATCH_MESSAGES = 200


class Left(enum.Enum):
    """What a batch has left in the socket: nothing, more to read, or more than anyone was allowed to send."""

    NOTHING = "nothing"
    MORE = "more"
    TOO_MUCH = "too much"


class LinkSocket:
    """A connected DEALER; ``close`` it when done.

    Args:
        context: that the socket lives in.
        endpoint: address for libzmq, with a numeric host.
        routing_id: how the producer tells this socket from others.

    Attributes:
        uninterrupted_bytes: taken since the socket was last found empty.
    """

    def __init__(self, context: zmq.asyncio.Context, endpoint: str, routing_id: bytes) -> None:
        self.uninterrupted_bytes = 0
        self._socket = context.socket(zmq.DEALER)
        self._shadow = zmq.Socket.shadow(self._socket.underlying)
        for option, value in (
            (zmq.ROUTING_ID, routing_id),
            (zmq.RCVHWM, MOST_WAITING_MESSAGES),
            (zmq.SNDHWM, 0),  # what is sent is small and rare; a full queue could only lose a command
            (zmq.HANDSHAKE_IVL, HANDSHAKE_MS),
            (zmq.HEARTBEAT_IVL, HEARTBEAT_MS),
            (zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS),
            (zmq.CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS),
            (zmq.LINGER, LINGER_MS),
            (zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES),
            (zmq.IPV6, int("[" in endpoint)),
        ):
            self._socket.setsockopt(option, value)
        self.monitor = SocketMonitor(self._socket)
        self._socket.connect(endpoint)

    def send(self, frame: bytes) -> bool:
        """Send one frame unless the connection is down.

        Returns:
            False when nothing was sent.
        """
        if self._socket.closed or not self.monitor.handshaken:
            return False
        try:
            self._shadow.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        # Sending past asyncio may have taken the wake-up that a message just received was to give.
        self._socket.get(zmq.EVENTS)
        return True

    def receive(self) -> list[zmq.Frame] | None:
        """Return the frames of the next message, without waiting, or None.

        A message of more frames than the wire allows is cut, and so refused by the decoder.
        """
        try:
            frame = self._shadow.recv(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return None
        frames = [frame]
        while frame.more:
            frame = self._shadow.recv(zmq.NOBLOCK, copy=False)
            if len(frames) <= MAX_BUFFERS + 1:
                frames.append(frame)
        return frames

    async def drain(self, turns: Turns, read: Callable[[float], object]) -> None:
        """Have the socket read whenever something has arrived, for ever.

        Args:
            turns: say when. read: takes a batch that ends by the given time.
        """
        while True:
            await asyncio.ensure_future(self._socket.poll())
            await turns.take(read)

    def take_batch(self, take: Callable[[list[zmq.Frame]], None], until_s: float) -> Left:
        """Hand over messages up to the bounds of a batch: a number, and a time of ``time.monotonic``."""
        for _ in range(BATCH_MESSAGES):
            frames = self.receive()
            if frames is None:
                return self._found_empty()
            if self.uninterrupted_bytes >= MOST_UNINTERRUPTED_BYTES:
                return Left.TOO_MUCH
            self.uninterrupted_bytes += sum(map(len, frames))
            take(frames)
            if time.monotonic() >= until_s:
                break
        # Reading past asyncio has taken the wake-up for what is left; asking here gives it back.
        return Left.MORE if int(self._socket.get(zmq.EVENTS)) & zmq.POLLIN else self._found_empty()

    def _found_empty(self) -> Left:
        self.uninterrupted_bytes = 0
        return Left.NOTHING

    async def watch(self, on_event: Callable[[MonitorEvent], None]) -> None:
        """Tell what happens to the connection, for ever."""
        while True:
            await self.monitor.wait()
            for event in self.monitor.read():
                on_event(event)
            self.monitor.wake()

    def close(self, linger_ms: int = 0) -> None:
        """Close the socket; what was sent last gets ``linger_ms`` to leave."""
        if self._socket.closed:
            return
        self.monitor.close()
        self._socket.close(linger=linger_ms)
