"""Commands to LiveView's runs: to the ones that were asked, and to no other."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from ..run_control import Command, Stage
from .liveview_commands import CommandPort
from .liveview_run import LiveViewRun
from .peer_process import Peer, peer_of, processes_of

logger = logging.getLogger("dockscope.dialects")

SUBSCRIBES_S = 2.0
WIRE_NAMES = {Command.STOP.value: "abort", Command.PAUSE.value: "pause", Command.RESUME.value: "resume"}


class Steering:
    """Take commands for runs and send them.

    Args:
        runs: all that are known.

    Attributes:
        port: that commands go out by, or None as long as it is not bound.
    """

    def __init__(self, runs: Sequence[LiveViewRun]) -> None:
        self.port: CommandPort | None = None
        self._runs = runs
        self._asked: dict[str, tuple[dict[str, Any], list[LiveViewRun]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._in_turn = asyncio.Lock()  # finding out who is meant takes a while, and commands keep their order

    def ask(self, run: LiveViewRun, command: str, args: dict[str, Any]) -> str | None:
        """Take a command for a run; what is asked of several in the same turn of the loop goes out together.

        Returns:
            None, or why it cannot be sent, as a sentence.
        """
        if command not in WIRE_NAMES:
            return f"LiveView knows no {command}"
        if self.port is None:
            return "commands cannot be sent: their port is taken by another program"
        if not self._asked:
            asyncio.get_running_loop().call_soon(self._send_asked)
        self._asked.setdefault(command, (args, []))[1].append(run)
        return None

    async def close(self) -> None:
        """Give up what was not sent yet."""
        self._asked = {}
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _send_asked(self) -> None:
        asked, self._asked = self._asked, {}
        for command, (args, runs) in asked.items():
            task = asyncio.ensure_future(self._carry_out(command, args, runs))
            self._tasks.add(task)
            task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a command could not be sent", exc_info=error)

    async def _carry_out(self, command: str, args: dict[str, Any], runs: list[LiveViewRun]) -> None:
        refusal = await self._reach(command, args, runs)
        if refusal is not None:
            for run in runs:
                for id_ in run.source.open_commands(command):
                    run.source.confirm(id_, Stage.REJECTED, refusal)

    async def _reach(self, command: str, args: dict[str, Any], runs: list[LiveViewRun]) -> str | None:
        """Send a command to these runs and no other; returns why it cannot be.

        A run that has just connected may subscribe a moment later: for a while it is waited for. Only when nobody can
        say whose the subscribers are, and no other run is connected, it goes to all that are there.
        """
        port, sent = self.port, set[int]()
        until_s = time.monotonic() + SUBSCRIBES_S
        reason = str(args.get("reason") or f"User requested {WIRE_NAMES[command]}")
        while port is not None and self.port is port:
            others = [run for run in self._runs if run.connections and run not in runs]
            async with self._in_turn:
                to = await self._recipients(port, runs, others)
                if to is None and others and not sent:
                    return f"it would reach {others[0].name or 'other runs'} as well: choose all producers to reach all"
                if to is None:
                    to = sent or set(port.subscribers)
                if self.port is port:
                    port.send(WIRE_NAMES[command], {"reason": reason} if command == Command.STOP else {}, to - sent)
            sent |= to
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not any(run.source.open_commands(command) for run in runs):
                return None if sent else f"nobody takes commands at {port.where}: this run only publishes"
            await port.another(left_s)
        return None if sent else "the address is not bound any more"

    async def _recipients(
        self, port: CommandPort, runs: list[LiveViewRun], others: list[LiveViewRun]
    ) -> set[int] | None:
        """Return the connections for commands of these runs' processes, None when it is not sure which they are."""
        asked = [peer_of(connection) for run in runs for connection in run.connections]
        spared = [peer_of(connection) for run in others for connection in run.connections]
        subscribers = {connection: peer_of(connection) for connection in port.subscribers}
        if not subscribers:
            return set()
        peers = {peer for peer in [*asked, *spared, *subscribers.values()] if peer is not None}
        pids: dict[Peer | None, int] = {**await asyncio.to_thread(processes_of, peers)}
        wanted, unwanted = {pids.get(peer) for peer in asked}, {pids.get(peer) for peer in spared}
        if not wanted or None in wanted or wanted & unwanted:
            return None
        return {connection for connection, peer in subscribers.items() if pids.get(peer) in wanted}
