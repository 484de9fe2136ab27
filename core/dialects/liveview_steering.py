"""Commands to LiveView's runs: to the ones that were asked, and to no other."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from ..run_control import Command, Stage
from .liveview_commands import CommandPort
from .liveview_run import LiveViewRun
from .peer_process import peer_of, processes_of

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
            task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, command: str, args: dict[str, Any], runs: list[LiveViewRun]) -> None:
        refusal = await self._reach(command, args, runs)
        if refusal is not None:
            for run in runs:
                for id_ in run.source.open_commands(command):
                    run.source.confirm(id_, Stage.REJECTED, refusal)

    async def _reach(self, command: str, args: dict[str, Any], runs: list[LiveViewRun]) -> str | None:
        """Send a command to these runs and no other; returns why it cannot be."""
        port = self.port
        if port is None:
            return "the address is not bound any more"
        try:
            await asyncio.wait_for(port.wait_for_subscriber(), SUBSCRIBES_S)
        except TimeoutError:
            return f"nobody takes commands at {port.where}: this run only publishes"
        to: Collection[int] = port.subscribers
        others = [run for run in self._runs if run.connections and run not in runs]
        if others:
            to = await self._subscribers_of(port, runs, others)
            if not to:
                return f"it would reach {others[0].name or 'other runs'} as well: choose all producers to reach all"
        if self.port is port:
            reason = str(args.get("reason") or f"User requested {WIRE_NAMES[command]}")
            port.send(WIRE_NAMES[command], {"reason": reason} if command == Command.STOP else {}, to)
        return None

    async def _subscribers_of(self, port: CommandPort, runs: list[LiveViewRun], others: list[LiveViewRun]) -> list[int]:
        """Return the connections for commands of these runs' processes, [] when it is not sure which they are."""
        telemetry = {connection: peer_of(connection) for run in [*runs, *others] for connection in run.connections}
        subscribers = {connection: peer_of(connection) for connection in port.subscribers}
        peers = [peer for peer in [*telemetry.values(), *subscribers.values()] if peer is not None]
        pids = await asyncio.to_thread(processes_of, peers)

        def processes(of: list[LiveViewRun]) -> set[int | None]:
            return {pids.get(peer) if (peer := telemetry[c]) else None for run in of for c in run.connections}

        wanted, unwanted = processes(runs), processes(others)
        if None in wanted or wanted & unwanted:
            return []
        return [c for c, peer in subscribers.items() if peer is not None and pids.get(peer) in wanted]
