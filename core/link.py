"""The viewer's side of the native wire: one link per producer, which connects, reads, steers and heals by itself."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
import zmq.asyncio

from .backoff import Backoff
from .dialects.base import Sink, Source, Topics
from .link_address import LinkAddress, LinkError
from .link_clock import LinkClock
from .link_commands import LinkCommands, OpenCommand
from .link_health import LinkHealth
from .link_peer import LinkPeer
from .link_session import Session
from .link_trouble import Trouble
from .messages import ControlState, Hello, Kind, ProtocolError
from .run_control import LinkState, RunState, Stage
from .running_clock import RunningClock
from .wire import DataMessage, Reply
from .wire_decode import decode_control

logger = logging.getLogger("dockscope.link")

ALL_TOPICS: Topics = [(kind.value, "*") for kind in Kind]
TICK_S = 0.1
PING_S = 2.0
LOST_WORDS = "the connection was lost before the producer answered"
OFFLINE_WORDS = "not connected: nothing was sent"
DETAILS = {
    LinkState.LOST: "connecting again by itself",
    LinkState.CLOSED: "the run has ended",
}


class Link:
    """A source of the native wire; see ``dialects.base.Source``.

    It goes on connecting until it is closed, so a producer that starts again on the same address comes back by itself.

    Args:
        address: where the producer listens. sink: gets what arrives.
        key: how the sink knows this link. topics: what to subscribe to; an empty list only greets.
    """

    waits = False
    parts: Mapping[str, Source] = MappingProxyType({})

    def __init__(self, address: LinkAddress, sink: Sink, *, key: str, topics: Topics = ALL_TOPICS) -> None:
        self.key, self.url = key, address.url
        self._address, self._sink, self._topics = address, sink, list(topics)
        # Random, secret, and this link's own: two links to one producer must not take each other's connection over.
        self._viewer = os.urandom(16)
        self._peer = LinkPeer()
        self._health = LinkHealth()
        self._running = RunningClock()
        self._ping_clock = LinkClock()
        self._commands = LinkCommands(self._tell_command)
        self._session: Session | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._told: tuple[LinkState, str] | None = None
        self._connect_trouble: Trouble | None = None
        self._pinged_s = 0.0
        self._backoff = Backoff()

    # -- what the owner calls -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect; needs a running event loop."""
        if self._tasks:
            return
        self._tell_link("")
        self._tasks = [
            asyncio.ensure_future(self._keep_connecting()),
            asyncio.ensure_future(self._keep_time()),
        ]

    async def close(self) -> None:
        """Say good-bye and leave nothing behind; the producer goes on."""
        tasks, self._tasks = self._tasks, []
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                logger.error("%s: ended with an error", self._address.where, exc_info=outcome)
        self._commands.lost(LOST_WORDS)
        self._health.closed()
        self._told = (LinkState.CLOSED, "")
        self._sink.link(self.key, *self._told)

    def send(self, command: str, args: dict[str, Any] | None = None) -> bytes:
        """Ask for pause, resume, stop or set; progress is told to the sink.

        A command that cannot go out now is not kept for later, except while a connection heals: minutes afterwards
        nobody expects it any more, and the run may be another one.

        Returns:
            The id of the command.
        """
        id_ = os.urandom(16)
        asked = self._commands.request(id_, command, dict(args or {}))
        if self._health.state not in (LinkState.LIVE, LinkState.STALE):
            self._commands.refuse(id_, OFFLINE_WORDS)
        elif self._commands.full:
            self._commands.refuse(id_, Trouble.TOO_MANY.sentence(self._address.where))
        else:
            self._send_command(asked)
        return id_

    def retry(self, id_: bytes) -> bool:
        """Send an open command once more under its own id; returns False when that is not possible."""
        if self._session is None or not self._session.greeted:
            return False
        asked = self._commands.retried(id_)
        return asked is not None and self._send_command(asked)

    def remember(self) -> tuple[list[Any], list[Any]]:
        """Return what the sink has already (see ``Sink.remember``)."""
        return self._sink.remember(self.key)

    # -- connecting, again and again ----------------------------------------------------------------------------

    async def _keep_connecting(self) -> None:
        # A context of its own: one producer's megabytes do not wait in another's I/O thread.
        context = zmq.asyncio.Context()
        try:
            while True:
                await self._connect_once(context)
                await asyncio.sleep(self._backoff.next_s())
        finally:
            context.term()

    async def _connect_once(self, context: zmq.asyncio.Context) -> None:
        try:
            trouble = await self._run_session(context, await self._address.endpoint())
        except LinkError:
            trouble = Trouble.NO_HOST
        except Exception as error:
            logger.error("%s: the connection failed", self._address.where, exc_info=error)
            self.on_trouble(Trouble.INTERNAL, type(error).__name__)
            return
        if trouble is not None:
            self.on_trouble(trouble)
        if trouble is Trouble.OVERRUN:
            self._backoff.exhaust()  # it answers hello like an honest one, so that alone proves nothing

    async def _run_session(self, context: zmq.asyncio.Context, endpoint: str) -> Trouble | None:
        session = Session(
            context,
            endpoint,
            viewer=self._viewer,
            peer=self._peer,
            topics=self._topics,
            owner=self,
            turns=self._sink.turns,
            clock_s=lambda: self._running.now_s,
        )
        self._session = session
        try:
            return await session.run()
        finally:
            self._session = None
            session.close(bye=not self._tasks)

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            passed_s = self._running.tick()
            before = self._health.state
            if self._health.tick(passed_s) or self._running.now_s - self._pinged_s >= PING_S:
                self._ping()
            self._commands.tick(passed_s)
            if self._session is not None:
                self._session.tick()
            self._state_changed(before)

    def _ping(self) -> None:
        self._pinged_s = self._running.now_s
        if self._session is not None and self._session.greeted:
            id_ = os.urandom(16)
            self._session.send(self._peer.request(id_, "ping", self._ping_clock.sent(id_)))

    # -- what a session tells -----------------------------------------------------------------------------------

    def on_heard(self) -> None:
        """Take a sign of life."""
        before = self._health.state
        self._health.heard()
        self._state_changed(before)

    def on_greeted(self, hello: Hello, restarted: bool) -> None:
        """Take the answer to hello: the link is live, and what was asked of another run has failed."""
        if restarted:
            self._commands.restarted()
            self._ping_clock.forget()
            self._health.told_run(ended=False)
        self._backoff.reset()
        self._connect_trouble = None
        self._sink.greet(self.key, hello, hello.role)
        self._health.greeted()
        self._tell_link("")
        self._ping()
        for asked in self._commands.to_send():
            self._send_command(asked)

    def on_broken(self) -> None:
        """Take the end of a connection."""
        before = self._health.state
        self._health.disconnected()
        self._state_changed(before)

    def on_caught_up(self) -> None:
        """Tell the sink that what follows is live."""
        self._sink.caught_up(self.key)

    def on_data(self, message: DataMessage) -> None:
        """Take a message into the sink; what breaks there harms no other message."""
        if isinstance(message.message, ControlState) and message.message.run == RunState.ENDED.value:
            # For good: an answer that tells an earlier state may come after it, on the other connection.
            before = self._health.state
            self._health.told_run(ended=True)
            self._state_changed(before)
        try:
            self._sink.receive(self.key, message)
        except ProtocolError as error:
            self.on_trouble(Trouble.BAD_MESSAGE, str(error), refused=1)
        except Exception as error:  # a fault of ours must not end the link
            logger.exception("%s: a message of kind %s could not be stored", self._address.where, message.kind.value)
            self.on_trouble(Trouble.INTERNAL, type(error).__name__, refused=1)

    def on_reply(self, reply: Reply) -> None:
        """Take an answer to a ping or a command."""
        if not self._ping_clock.is_open(reply.id):
            self._take_state(reply)
            self._commands.reply(reply)
            return
        trip = self._ping_clock.answered(reply.id, reply.result)
        if trip is not None:
            self._sink.latency(self.key, trip.round_trip_s, trip.offset_s)

    def _take_state(self, reply: Reply) -> None:
        """Take the run state that comes with an answer: on the data connection it may wait behind megabytes."""
        if not self._commands.tells_state(reply):
            return
        try:
            state = decode_control(msgspec.msgpack.encode(reply.result))
        except ProtocolError as error:
            self.on_trouble(Trouble.BAD_MESSAGE, str(error), refused=1)
            return
        self.on_data(DataMessage(Kind.CONTROL, "", n=0, sent_ns=0, subscription=b"", nbytes=0, message=state))

    def on_trouble(self, trouble: Trouble, detail: str = "", refused: int = 0) -> None:
        """Take what a person should know; while nothing connects, each cause is told once until it changes."""
        sentence = trouble.sentence(self._address.where, detail)
        if not trouble.while_connecting:
            self._sink.problem(self.key, trouble.cause, sentence, refused)
        elif trouble is not self._connect_trouble:
            self._connect_trouble = trouble
            self._sink.problem(self.key, trouble.cause, sentence)
            self._tell_link(sentence)

    # -- telling the sink ---------------------------------------------------------------------------------------

    def _state_changed(self, before: LinkState) -> None:
        state = self._health.state
        if state is before:
            return
        if state is LinkState.LOST:
            self._commands.lost(LOST_WORDS)
        self._tell_link(DETAILS.get(state, ""))

    def _tell_link(self, detail: str) -> None:
        told = (self._health.state, detail)
        if told != self._told:
            self._told = told
            self._sink.link(self.key, *told)

    def _send_command(self, asked: OpenCommand) -> bool:
        """Send a command if its run is connected; else it goes out when that run has answered hello again."""
        if self._session is None or not self._session.greeted:
            return False
        return self._session.send(self._peer.request(asked.id, asked.command, asked.args))

    def _tell_command(self, id_: bytes, command: str, args: dict[str, Any], stage: Stage, reason: str) -> None:
        self._sink.command(self.key, id_, command, args, stage, reason)
