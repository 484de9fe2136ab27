"""A SUB socket that connects or binds: its options, who is connected, and what arrives, in bounded batches."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable, Collection
from typing import NamedTuple

import zmq
import zmq.asyncio

from ..link_address import LinkError
from ..link_connection import LinkConnection, Turn
from ..link_trouble import Trouble
from ..running_clock import RunningClock
from ..socket_monitor import HANDSHAKE_FAILURES, MonitorEvent, SocketMonitor

HANDSHAKE_MS = 2_000
CONNECT_TIMEOUT_MS = 3_000
TICK_S = 0.1
MOST_FRAMES = 8
BATCH_S = 0.004
LONG_TURN_S, SHORT_TURN_S = 0.006, 0.003
FEWEST_MESSAGES, MOST_MESSAGES = 16, 4_096
# The queue counts messages. It has to hold what a fast sender sends while the window paints, and yet few bytes: it is
# shortened as larger messages are seen. It never grows again, as libzmq may then leave a full one waiting for ever.
QUEUE_BYTES = 64 * 2**20
FEWEST_QUEUED, MOST_QUEUED = 8, 100_000

# A first frame that begins like this is an object of JSON, MessagePack or CBOR and the whole message: no topic begins
# with a brace, and no text with the other bytes. Asking libzmq for more frames would cost more than all the rest.
IS_WHOLE = tuple(byte == ord("{") or 0x80 <= byte <= 0xBF for byte in range(256))

# The one frame of a message, or all of them when there may be several.
Frames = bytes | list[bytes]
OnConnection = Callable[[int, bool], None]


class Batch(NamedTuple):
    """Messages read in one go, when that began and ended (unix s), and the connection of each, where asked for."""

    messages: list[Frames]
    first_t: float
    last_t: float
    origins: list[int] = []


class Subscriber:
    """A SUB socket in a context of its own; ``close`` it when done.

    Args:
        endpoint: for libzmq, with a numeric host. binds: bind there instead of connecting.
        topics: prefixes to subscribe to; all when empty. max_message_bytes: larger ones end the connection.
        where: host and port, for sentences.

    Attributes:
        connections: those that stand, each by its number, of a bound socket. Numbers are used again.
        tells_origins: say of each message by which connection it came, which takes about a microsecond more.

    Raises:
        LinkError: it cannot be bound, as a sentence.
    """

    def __init__(
        self, endpoint: str, *, where: str, max_message_bytes: int, binds: bool = False, topics: Collection[str] = ()
    ) -> None:
        self.binds, self.where = binds, where
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._shadow = zmq.Socket.shadow(self._socket.underlying)
        for option, value in (
            (zmq.RCVHWM, MOST_QUEUED),
            (zmq.HANDSHAKE_IVL, HANDSHAKE_MS),
            (zmq.CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS),
            (zmq.LINGER, 0),
            (zmq.MAXMSGSIZE, max_message_bytes),
            (zmq.IPV6, int("[" in endpoint)),
            # Not every peer answers the heartbeat of ZeroMQ; a machine that vanished is noticed by TCP.
            (zmq.TCP_KEEPALIVE, 1),
            (zmq.TCP_KEEPALIVE_IDLE, 5),
            (zmq.TCP_KEEPALIVE_INTVL, 2),
            (zmq.TCP_KEEPALIVE_CNT, 3),
        ):
            self._socket.setsockopt(option, value)
        for topic in topics or ("",):
            self._socket.setsockopt(zmq.SUBSCRIBE, topic.encode())
        self._monitor = SocketMonitor(self._socket)
        self._queued = MOST_QUEUED
        self._most = FEWEST_MESSAGES * 16
        self._clock = RunningClock()
        self._connection = LinkConnection((self._monitor,), lambda: self._clock.now_s)
        self._peers = 0
        self._is_up = self._was_up = False
        self._pushed_back: list[Frames] = []
        self._pushed_origins: list[int] = []
        self.tells_origins = False
        self.connections: set[int] = set()
        self._on_up: Callable[[], None] = lambda: None
        self._on_down: Callable[[], None] = lambda: None
        self._on_connection: OnConnection | None = None
        self._event: asyncio.Future[None] | None = None
        try:
            (self._socket.bind if binds else self._socket.connect)(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise LinkError(_bind_words(where, error)) from None

    def push_back(self, batch: Batch) -> None:
        """Let messages that were read already be the next ones that ``read`` hands over."""
        self._pushed_back += batch.messages
        self._pushed_origins += batch.origins

    async def read(
        self,
        take: Callable[[Batch], None],
        *,
        on_up: Callable[[], None],
        on_down: Callable[[], None],
        on_connection: OnConnection | None = None,
    ) -> None:
        """Hand over what arrives until the connection is gone; a bound socket waits for ever.

        It may be called again after it was cancelled: nothing is lost in between.

        Args:
            take: gets each batch. on_up, on_down: the first peer is there, the last gone.
            on_connection: of a bound socket, gets the number of each connection and whether it came or went. What was
                sent by one that came is handed over later; what was sent by one that went may be, too.

        Raises:
            LinkError: nobody answers there, or nobody who publishes.
        """
        self._on_up, self._on_down, self._on_connection = on_up, on_down, on_connection
        if self._is_up:
            on_up()
        watch = self._watch_bound if self.binds else self._watch_connected
        tasks = [asyncio.ensure_future(self._drain(take)), asyncio.ensure_future(watch())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            tasks += [self._event] if self._event is not None else []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._event = None

    def close(self) -> None:
        """Close the socket."""
        if not self._socket.closed:
            self._monitor.close()
            self._socket.close(linger=0)
            self._context.term()

    # -- what arrives -------------------------------------------------------------------------------------------

    async def _drain(self, take: Callable[[Batch], None]) -> None:
        while True:
            if self._pushed_back:
                messages, self._pushed_back = self._pushed_back, []
                origins, self._pushed_origins = self._pushed_origins, []
                self._note_life()
                take(Batch(messages, time.time(), time.time(), origins))
            await asyncio.ensure_future(self._socket.poll())
            started_s, first_t = time.monotonic(), time.time()
            origins: list[int] = []
            until_s = started_s + BATCH_S
            messages = self._receive_with(origins, until_s) if self.tells_origins else self._receive(until_s)
            if messages:
                self._bound_queue(messages)
                self._note_life()
                take(Batch(messages, first_t, time.time(), origins))
            self._bound_turn(len(messages), time.monotonic() - started_s)
            await asyncio.sleep(0)

    def _note_life(self) -> None:
        """Tell that somebody is there before their first message, which may be read before the monitor says so."""
        if not self._was_up:
            self._turn(is_up=True)

    def _receive(self, until_s: float) -> list[Frames]:
        """Return what has arrived, up to the bounds of a batch."""
        messages: list[Frames] = []
        receive, no_wait = self._shadow.recv, zmq.NOBLOCK
        try:
            for count in range(self._most):
                frame = receive(no_wait)
                messages.append(frame if frame and IS_WHOLE[frame[0]] else self._receive_rest(frame))
                if not count & 31 and time.monotonic() >= until_s:
                    break
        except zmq.Again:
            pass
        return messages

    def _receive_with(self, origins: list[int], until_s: float) -> list[Frames]:
        """Return what has arrived, and put the connection of each message into ``origins``."""
        messages: list[Frames] = []
        try:
            while len(messages) < self._most and time.monotonic() < until_s:
                frame = self._shadow.recv(zmq.NOBLOCK, copy=False)
                messages.append(self._receive_rest(frame.bytes) if frame.more else frame.bytes)
                origins.append(frame.get(zmq.SRCFD))
        except zmq.Again:
            pass
        self._note_bound(self._monitor.read())  # who sent them is known before they are handed over
        self._monitor.wake()
        return messages

    def _receive_rest(self, frame: bytes) -> Frames:
        frames = [frame]
        while self._shadow.getsockopt(zmq.RCVMORE):
            frame = self._shadow.recv(zmq.NOBLOCK)
            if len(frames) < MOST_FRAMES:  # more are no form that anybody knows: cut, and so refused
                frames.append(frame)
        return frames

    def _bound_turn(self, count: int, took_s: float) -> None:
        """Let a turn, with all that is done for its messages, take a few milliseconds."""
        if took_s > LONG_TURN_S:
            self._most = max(FEWEST_MESSAGES, int(self._most * 0.7))
        elif took_s < SHORT_TURN_S and count >= self._most:
            self._most = min(MOST_MESSAGES, int(self._most * 1.5))

    def _bound_queue(self, messages: list[Frames]) -> None:
        """Let the queue hold many small messages, or few large ones."""
        if {bytes}.issuperset(map(type, messages)):
            nbytes = sum(map(len, messages))
        else:
            nbytes = sum(len(frames) if isinstance(frames, bytes) else sum(map(len, frames)) for frames in messages)
        queued = max(FEWEST_QUEUED, QUEUE_BYTES // (nbytes // len(messages) + 64))
        if queued < self._queued // 2:
            self._queued = queued
            self._socket.setsockopt(zmq.RCVHWM, queued)

    # -- who is connected ---------------------------------------------------------------------------------------

    async def _watch_connected(self) -> None:
        while True:
            for told in await self._events():
                turn = self._connection.take(told.event)
                if isinstance(turn, Trouble):
                    raise LinkError(self._sentence(turn))
                if turn is not None and self._is_up is not (turn is Turn.UP):
                    self._turn(is_up=turn is Turn.UP)
            self._clock.tick()
            if self._connection.given_up():
                why = self._connection.why()
                if why is not None:
                    raise LinkError(self._sentence(why))
                return

    async def _watch_bound(self) -> None:
        while True:
            self._note_bound(await self._events())

    def _note_bound(self, events: list[MonitorEvent]) -> None:
        for told in events:
            if told.event is zmq.Event.HANDSHAKE_SUCCEEDED:
                self._peers += 1
            elif told.event is zmq.Event.DISCONNECTED or told.event in HANDSHAKE_FAILURES:
                self._peers = max(0, self._peers - 1)
            if told.event in (zmq.Event.ACCEPTED, zmq.Event.DISCONNECTED):
                self._note_connection(told.value, came=told.event is zmq.Event.ACCEPTED)
            if bool(self._peers) is not self._is_up:
                self._turn(is_up=bool(self._peers))

    def _note_connection(self, connection: int, *, came: bool) -> None:
        (self.connections.add if came else self.connections.discard)(connection)
        if self._on_connection is not None:
            self._on_connection(connection, came)

    def _turn(self, *, is_up: bool) -> None:
        self._is_up = is_up
        self._was_up |= is_up
        (self._on_up if is_up else self._on_down)()

    async def _events(self) -> list[MonitorEvent]:
        """Return what happened to the connections, after a tick at the latest."""
        if self._event is None:
            self._event = asyncio.ensure_future(self._monitor.wait())
        done, _ = await asyncio.wait([self._event], timeout=TICK_S)
        if not done:
            return []
        self._event = None
        events = self._monitor.read()
        self._monitor.wake()
        return events

    def _sentence(self, trouble: Trouble) -> str:
        if trouble is Trouble.FOREIGN:
            return f"What listens at {self.where} is no ZeroMQ publisher: check the port"
        return trouble.sentence(self.where)


def _bind_words(where: str, error: zmq.ZMQError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{where} is taken by another program: end it, or choose another port"
    return f"Cannot listen on {where}: {str(error.strerror).lower()}"
