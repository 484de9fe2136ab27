"""The life of a source whose wire knows nothing of dockscope: connect, read, heal, steer as far as it goes, leave."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from ..backoff import Backoff
from ..link_address import LinkError
from ..link_commands import LinkCommands
from ..link_health import LinkHealth
from ..link_trouble import CONNECTING, MAX_SENTENCE, Trouble, clipped
from ..run_control import LinkState, Stage
from ..running_clock import RunningClock
from ..wire import Reply
from .base import Sink, Source
from .reception import Reception

logger = logging.getLogger("dockscope.dialects")

TICK_S = 0.1
LOST_WORDS = "the connection was lost before the producer answered"
OFFLINE_WORDS = "not connected: nothing was sent"
HEALS = "connecting again by itself"

Connect = Callable[[Reception], Awaitable[None]]
Steer = Callable[[str, dict[str, Any]], str | None]


class ForeignSource:
    """A source of a dialect; see ``base.Source``.

    The dialect gives it one coroutine function that connects once and reads until the connection is gone. It is called
    again and again, with growing pauses, until the source is closed.

    Args:
        url: in its one spelling. sink, key: see ``base.Factory``. where: host and port, for sentences.
        connect: gets the reception and tells it ``up`` when the other side answers, then what it reads. It returns when
            the connection is gone, or raises LinkError with a sentence for a person.
        steer: sends a command; returns None when it is on its way, else why not, as a sentence. None when there is
            nothing to steer. What becomes of a command is told with ``confirm``; unconfirmed after 3 s is said so.
        waits: the producer connects to us, so that nobody being there is no reason to give up.
        on_start: is called when a person wants it connected, at first and again.

    Attributes:
        reception: takes what is read to the sink.
    """

    parts: Mapping[str, Source] = MappingProxyType({})

    def __init__(
        self,
        url: str,
        sink: Sink,
        *,
        key: str,
        where: str,
        connect: Connect,
        steer: Steer | None = None,
        waits: bool = False,
        on_start: Callable[[], None] = lambda: None,
    ) -> None:
        self.key, self.url, self.waits = key, url, waits
        self._sink, self._where, self._connect, self._steer = sink, where, connect, steer
        self._on_start = on_start
        self._health = LinkHealth(pinged=False)
        self._backoff = Backoff()
        self._commands = LinkCommands(self._tell_command)
        self.reception = Reception(
            sink, key=key, where=where, health=self._health, on_change=self._tell_link, on_up=self._on_up
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._hurry = asyncio.Event()
        self._told: tuple[LinkState, str] | None = None
        self._trouble = ""

    @property
    def is_open(self) -> bool:
        """Tell whether it was started and not closed since."""
        return bool(self._tasks)

    def start(self) -> None:
        """Begin to connect, or do it now instead of after a pause; needs a running event loop."""
        if not self._health.connected:
            self._on_start()
            self._hurry.set()
        if not self._tasks:
            self._health.reopened()
            self._tell_link()
            self._tasks = [asyncio.ensure_future(self._keep_connecting()), asyncio.ensure_future(self._keep_time())]

    async def close(self) -> None:
        """Leave nothing behind; the producer goes on."""
        tasks, self._tasks = self._tasks, []
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                logger.error("%s: ended with an error", self._where, exc_info=outcome)
        if self._tasks:  # opened again meanwhile
            return
        self._commands.lost(LOST_WORDS)
        self._health.closed()
        self._told = (LinkState.CLOSED, "")
        self._sink.link(self.key, *self._told)

    def send(self, command: str, args: dict[str, Any] | None = None) -> bytes:
        """Ask for pause, resume, stop or set; progress is told to the sink.

        Returns:
            The id of the command.
        """
        id_ = os.urandom(16)
        asked = self._commands.request(id_, command, dict(args or {}))
        if self._steer is None:
            self._commands.reply(
                Reply(id_, Stage.REJECTED.value, f"{self._where} only publishes: it takes no commands")
            )
        elif not self._health.connected:
            self._commands.refuse(id_, OFFLINE_WORDS)
        elif self._commands.full:
            self._commands.refuse(id_, Trouble.TOO_MANY.sentence(self._where))
        else:
            self._pass_on(id_, command, asked.args)
        return id_

    def retry(self, id_: bytes) -> bool:
        """Send an open command once more; returns False when that is not possible."""
        if self._steer is None or not self._health.connected:
            return False
        asked = self._commands.retried(id_)
        if asked is None:
            return False
        self._pass_on(id_, asked.command, asked.args)
        return True

    def confirm(self, id_: bytes, stage: Stage, reason: str = "") -> None:
        """Tell how far a command has come: accepted, effective or rejected."""
        self._commands.reply(Reply(id_, stage.value, reason))

    def rename(self, url: str) -> None:
        """Take another URL, such as one narrowed to the streams that were chosen; the key stays."""
        self.url = url
        self._sink.add(self.key, url)

    def open_commands(self, command: str, args: dict[str, Any] | None = None) -> list[bytes]:
        """Return the ids of the commands of this name whose outcome is still to come, oldest first.

        Args:
            command: the name. args: only those with these arguments, None for any.
        """
        open_now = [asked for asked in self._commands.to_send() if asked.command == command]
        return [asked.id for asked in open_now if args in (None, asked.args)]

    def _pass_on(self, id_: bytes, command: str, args: dict[str, Any]) -> None:
        assert self._steer is not None
        refusal = self._steer(command, args)
        if refusal is not None:
            self.confirm(id_, Stage.REJECTED, refusal)

    # -- connecting, again and again ----------------------------------------------------------------------------

    async def _keep_connecting(self) -> None:
        while True:
            self._hurry.clear()
            await self._connect_once()
            self.reception.down()
            await self._pause()

    async def _pause(self) -> None:
        """Wait before the next attempt, unless a person wants it now."""
        try:
            async with asyncio.timeout(self._backoff.next_s()):
                await self._hurry.wait()
        except TimeoutError:
            pass  # the usual end of a pause

    async def _connect_once(self) -> None:
        try:
            await self._connect(self.reception)
        except LinkError as error:
            self._on_trouble(str(error))
        except Exception as error:
            logger.error("%s: the connection failed", self._where, exc_info=error)
            self.reception.trouble(Trouble.INTERNAL, type(error).__name__)

    def _on_trouble(self, sentence: str) -> None:
        """Tell why there is no connection, each reason once until it changes."""
        sentence = clipped(sentence, MAX_SENTENCE)
        if sentence != self._trouble:
            self._trouble = sentence
            self.reception.problem(CONNECTING, sentence)
            self._tell_link()

    async def _keep_time(self) -> None:
        clock = RunningClock()
        while True:
            await asyncio.sleep(TICK_S)
            passed_s = clock.tick()
            self._health.tick(passed_s)
            self._commands.tick(passed_s)
            self._tell_link()

    def _on_up(self) -> None:
        self._backoff.reset()
        self._trouble = ""
        self._tell_link()

    # -- telling the sink ---------------------------------------------------------------------------------------

    def _tell_link(self) -> None:
        state = self._health.state
        before = self._told[0] if self._told else None
        if state is LinkState.LOST and before is not LinkState.LOST:
            self._commands.lost(LOST_WORDS)
        told = (state, self._detail(state))
        if told != self._told:
            self._told = told
            self._sink.link(self.key, *told)

    def _detail(self, state: LinkState) -> str:
        if state is LinkState.CONNECTING and self.waits and not self._trouble:
            return f"waiting on {self._where} for a producer to connect"
        if state is LinkState.CONNECTING:
            return self._trouble
        if state is LinkState.LOST:
            return self._trouble or (f"waiting on {self._where} for a producer" if self.waits else HEALS)
        return "the run has ended" if state is LinkState.CLOSED else ""

    def _tell_command(self, id_: bytes, command: str, args: dict[str, Any], stage: Stage, reason: str) -> None:
        self._sink.command(self.key, id_, command, args, stage, reason)
