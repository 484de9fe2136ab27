"""One pair of connections to a producer: greeting, subscribing, credit, and noticing that they are no good."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

import zmq
import zmq.asyncio

from .access import find_token
from .link_connection import LinkConnection, Turn
from .link_credit import CREDIT_BYTES, LinkCredit
from .link_owner import SessionOwner
from .link_peer import LinkPeer, without_placements
from .link_socket import Left, LinkSocket
from .link_trouble import Trouble
from .messages import ProtocolError
from .socket_monitor import MonitorEvent
from .turns import Turns
from .viewer_identity import about_us
from .wire import (
    HELLO_FIRST,
    NO_ID,
    DataMessage,
    Reply,
    Request,
    UnknownVersion,
    decode_message,
    encode_request,
    hello_from_result,
)

HELLO_S = 2.0
READ_EMPTY_S = 0.25  # a producer that keeps to its credit leaves far less than this to read


class Session:
    """Data and command connection of a link, from connecting until they are given up; made for one use.

    Args:
        context: to make the sockets in. endpoint: for libzmq.
        viewer: 16 random bytes that nobody else knows. peer: what is known of the producer.
        topics: what to subscribe to; none means not to subscribe.
        owner: is told what happens. turns: say when to read. clock_s: seconds in which this process ran.
    """

    def __init__(
        self,
        context: zmq.asyncio.Context,
        endpoint: str,
        *,
        viewer: bytes,
        peer: LinkPeer,
        topics: list[tuple[str, str]],
        owner: SessionOwner,
        turns: Turns,
        clock_s: Callable[[], float],
    ) -> None:
        self._viewer, self._peer, self._topics, self._owner, self._clock_s = viewer, peer, topics, owner, clock_s
        self._turns = turns
        self._data = LinkSocket(context, endpoint, viewer + b"d")
        self._command = LinkSocket(context, endpoint, viewer + b"c")
        self._over: asyncio.Future[Trouble | None] = asyncio.get_running_loop().create_future()
        self._connection = LinkConnection((self._data.monitor, self._command.monitor), clock_s)
        self._hello: tuple[bytes, float, bool] | None = None
        self._greeted = self._overrun = False
        self._credit = LinkCredit()
        self._subscribed_s: float | None = None

    @property
    def greeted(self) -> bool:
        """Tell whether the producer has answered hello on connections that still stand."""
        return self._greeted and self._connection.stands

    async def run(self) -> Trouble | None:
        """Read and answer until the connections are no good any more.

        Returns:
            What was wrong, or None when they are simply gone.
        """
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._data.drain(self._turns, self._read)),
                group.create_task(self._command.drain(self._turns, self._read_commands)),
                group.create_task(self._data.watch(self._on_event)),
                group.create_task(self._command.watch(self._on_event)),
            ]
            try:
                return await self._over
            finally:
                for task in tasks:
                    task.cancel()

    def close(self, *, bye: bool = False) -> None:
        """Close both connections; a dead one is read empty first, a living one is told that we leave."""
        left = bye and self.send(self._peer.request(os.urandom(16), "bye", {}))
        if not bye:
            self._read_empty()
        self._data.close(100 if left else 0)
        self._command.close(100 if left else 0)

    def send(self, request: Request) -> bool:
        """Send a request on the command connection; returns False when it is down."""
        return self._command.send(encode_request(request))

    # -- connecting ---------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Look at the clock: give up what takes too long."""
        known = self._peer.producer is not None
        if self._hello is not None and self._clock_s() - self._hello[1] >= HELLO_S:
            self._end(None if known else Trouble.NO_HELLO)
        elif self._connection.given_up():
            why = self._connection.why()
            # A run that was there before is frozen or gone; only who was never greeted may be something else.
            self._end(None if known and why is Trouble.FOREIGN else why)

    def _end(self, trouble: Trouble | None) -> None:
        if not self._over.done():
            self._over.set_result(trouble)

    def _on_event(self, told: MonitorEvent) -> None:
        turn = self._connection.take(told.event)
        if turn is Turn.UP:
            self._greet(self._peer.token)
        elif turn is Turn.BROKEN:
            self._on_broken()
        elif turn is None or self._peer.producer is not None:
            return
        elif turn is Trouble.FOREIGN:
            self._end(turn)
        else:
            self._owner.on_trouble(turn)

    def _on_broken(self) -> None:
        self._hello = None
        self._read_empty()
        self._break()
        subscribed_s, self._subscribed_s = self._subscribed_s, None
        if subscribed_s is not None and self._peer.subscription_ended(self._clock_s() - subscribed_s):
            self._owner.on_trouble(Trouble.NO_HISTORY)

    def _break(self) -> None:
        if self._greeted:
            self._greeted = False
            self._owner.on_broken()

    # -- greeting and subscribing -------------------------------------------------------------------------------

    def _greet(self, token: bytes | None) -> None:
        self._greeted = False
        id_ = os.urandom(16)
        self._hello = (id_, self._clock_s(), token is not None)
        self.send(Request(id_, "hello", about_us(self._viewer), None, token))

    def _on_hello(self, reply: Reply, with_token: bool) -> None:
        if reply.stage != "effective":
            self._owner.on_trouble(Trouble.REFUSED, reply.reason)
            self._end(None)
            return
        hello = hello_from_result(reply.result)
        token = find_token(hello.producer)
        if token is not None and (not with_token or token != self._peer.token):
            self._peer.token = token
            self._greet(token)
            return
        self._hello = None
        self._read_empty()
        restarted = self._peer.meet(hello.producer)
        self._peer.token = token
        self._greeted = True
        self._owner.on_greeted(hello, restarted)
        self._subscribe()

    def _resubscribe(self, stream: str) -> None:
        """Subscribe anew so that the scenes and frames of ``stream`` are sent again."""
        if self.greeted:
            self._subscribe(stream)

    def _subscribe(self, anew: str | None = None) -> None:
        if not self._topics:
            return
        have, have_series = self._owner.remember()
        args = {
            "topics": self._topics,
            "history": not self._peer.without_history,
            "credit": CREDIT_BYTES,
            "have": have if anew is None else without_placements(have, anew),
            "have_series": have_series,
        }
        self._subscribed_s = self._clock_s()
        self._data.send(self._subscribe_frame(self._credit.grant(), args))

    def _subscribe_frame(self, id_: bytes, args: dict[str, Any]) -> bytes:
        request = self._peer.request(id_, "subscribe", args)
        try:
            return encode_request(request)
        except ValueError:  # over 16 MiB of series: the whole history comes instead
            request.args = args | {"have_series": []}
            return encode_request(request)

    # -- what arrives -------------------------------------------------------------------------------------------

    def _read(self, until_s: float) -> None:
        """Read answers, then data: under a flood of data an answer must not wait for a turn of its own."""
        self._read_commands(until_s)
        self._after_data(self._data.take_batch(self._take_data, until_s))

    def _read_commands(self, until_s: float) -> None:
        self._after_batch(self._command.take_batch(self._take_command, until_s))

    def _read_empty(self) -> None:
        """Take what has arrived already: it belongs to the connection that was, or to the run that was."""
        if self._overrun:
            return  # nobody asked for what is left there
        until_s = time.monotonic() + READ_EMPTY_S
        for socket, take in ((self._data, self._take_data), (self._command, self._take_command)):
            while socket.take_batch(take, until_s) is Left.MORE and time.monotonic() < until_s:
                pass

    def _take_command(self, frames: list[zmq.Frame]) -> None:
        self._take(frames)

    def _take_data(self, frames: list[zmq.Frame]) -> None:
        if not self._take(frames):
            self._credit.drained(sum(map(len, frames)))

    def _take(self, frames: list[zmq.Frame]) -> bool:
        """Take a message; returns True when credit has nothing to do with it."""
        self._owner.on_heard()
        try:
            message = decode_message(frames)
            if isinstance(message, Reply):
                self._on_reply(message)
                return True
        except UnknownVersion:
            self._owner.on_trouble(Trouble.VERSION)
        except ProtocolError as error:
            self._on_bad_message(error)
        else:
            return self._on_message(message)
        return False

    def _on_bad_message(self, error: ProtocolError) -> None:
        """A producer that breaks the format is still a producer; who does so before it greeted is none."""
        if self._peer.producer is None:
            self._end(Trouble.NO_HELLO)
        else:
            self._owner.on_trouble(Trouble.BAD_MESSAGE, str(error), refused=1)

    def _on_message(self, message: DataMessage | None) -> bool:
        if message is None:
            self._owner.on_trouble(Trouble.UNKNOWN_TYPE, refused=1)
            return False
        if message.subscription != self._credit.subscription:
            return True
        self._owner.on_data(message)
        if self._peer.scenes.miss(message):
            self._resubscribe(message.stream)
        return False

    def _on_reply(self, reply: Reply) -> None:
        if self._hello is not None and reply.id == self._hello[0]:
            self._on_hello(reply, self._hello[2])
        elif reply.id == NO_ID:
            self._end(Trouble.VERSION)
        elif reply.stage == "rejected" and self._is_forgotten(reply):
            # We were silent for too long, or it was replaced behind our back.
            if self.greeted:
                self._greet(self._peer.token)
        elif reply.id == self._credit.subscription:
            self._owner.on_caught_up()
        else:
            self._owner.on_reply(reply)

    def _is_forgotten(self, reply: Reply) -> bool:
        """Tell whether a rejection means that the producer does not know us any more."""
        return self._credit.is_request(reply.id) or reply.reason == HELLO_FIRST

    def _after_batch(self, left: Left) -> None:
        if left is Left.TOO_MUCH:
            self._overrun = True
            self._break()
            self._end(Trouble.OVERRUN)

    def _after_data(self, left: Left) -> None:
        self._after_batch(left)
        due_bytes = self._credit.due_bytes(self._data.uninterrupted_bytes)
        if not due_bytes:
            return
        request = self._peer.request(os.urandom(16), "credit", [self._credit.subscription, due_bytes])
        if self._data.send(encode_request(request)):
            self._credit.returned(request.id)
