"""Commands to a device server: what each asks for, and when the server's word makes it effective."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ..link_address import LinkError
from ..messages import ProtocolError
from ..run_control import Command, Stage
from .device_http import DeviceServer, RefusedError
from .device_state import ERROR, STREAM, TASK, DeviceState
from .device_tasks import CANCELLED, PAUSED, RUNNING

SOON_S = 0.25
NOTHING = {
    Command.PAUSE: "no task runs here that could be paused",
    Command.RESUME: "no task runs here and no stream was stopped",
    Command.STOP: "no task runs here and no device streams to us: name devices with ?only=",
}
# command: word of the request, what the server answers when it is done, the state that this is
VERBS = {
    Command.PAUSE: ("pause", "paused", PAUSED),
    Command.RESUME: ("resume", "resumed", RUNNING),
    Command.STOP: ("cancel", "cancellation_requested", CANCELLED),
}
WISHES = {PAUSED: Command.PAUSE, RUNNING: Command.RESUME, CANCELLED: Command.STOP}

Confirm = Callable[[Stage, str], None]
Refresh = Callable[[DeviceServer], Awaitable[None]]


class CommandError(Exception):
    """The command cannot be done; the text says why."""


class DeviceControls:
    """Do commands, one after another.

    Args:
        state: what is known of devices and tasks. refresh: asks the server for it anew.
        refresh_tasks: asks for the tasks only, which does not wait for busy devices.
    """

    def __init__(self, state: DeviceState, refresh: Refresh, refresh_tasks: Refresh) -> None:
        self._state, self._refresh, self._refresh_tasks = state, refresh, refresh_tasks

    async def do(self, server: DeviceServer, command: str, args: dict[str, Any], confirm: Confirm) -> None:
        """Do a command to its end, and tell how far it has come.

        Args:
            server: to ask. command, args: as given. confirm: is told accepted, then effective or rejected.
        """
        try:
            await self._do(server, command, args, lambda: confirm(Stage.ACCEPTED, ""))
        except CommandError as refused:
            confirm(Stage.REJECTED, str(refused))
        except RefusedError as refused:
            confirm(Stage.REJECTED, refused.error.sentence)
        except ProtocolError as error:
            confirm(Stage.REJECTED, f"the server's answer cannot be read: {error}")
        except LinkError:
            pass  # no word of the server: it stays open, and is lost with the link
        else:
            confirm(Stage.EFFECTIVE, "")

    async def _do(self, server: DeviceServer, command: str, args: dict[str, Any], accepted: Callable[[], None]) -> None:
        if command == Command.SET:
            await self._set(server, args.get("name"), args.get("value"), accepted)
            return
        await self._refresh(server)
        verb, tasks = Command(command), self._state.tasks_here()
        to_stop = self._state.streams_here() if verb is Command.STOP else []
        to_start = self._state.stopped_here() if verb is Command.RESUME and not tasks else []
        if not tasks and not to_stop and not to_start:
            raise CommandError(NOTHING[verb])
        for device in to_stop:
            await self._stop_stream(server, device)
        for device in to_start:
            await self._start_stream(device)
        await self._steer_tasks(server, verb, tasks, accepted)

    async def _steer_tasks(
        self, server: DeviceServer, command: Command, tasks: list[str], accepted: Callable[[], None]
    ) -> None:
        verb, done, told = VERBS[command]
        for task in tasks:
            try:
                status = await server.steer_task(task, verb)
            except RefusedError as refused:
                raise CommandError(f"{task}: {refused.error.sentence}") from None
            if status != done:
                raise CommandError(f"{task}: the server answered {status[:40]!r}")
            self._state.told_task(task, told)
        accepted()
        while command is Command.STOP and any(task in self._state.tasks.running for task in tasks):
            await asyncio.sleep(SOON_S)  # to be cancelled was asked of them; the list tells when they have ended
            await self._refresh_tasks(server)

    async def _set(self, server: DeviceServer, name: Any, value: Any, accepted: Callable[[], None]) -> None:
        id_, _, what = name.rpartition(" ") if type(name) is str else ("", "", "")
        if what == STREAM and id_ in self._state.streams and type(value) is bool:
            await (self._start_stream(id_) if value else self._stop_stream(server, id_))
        elif what == ERROR and id_ in self._state.devices and value is False:
            await server.clear_device_error(id_)
            await self._refresh(server)
        elif what == TASK and id_ in self._state.tasks.running and type(value) is str and value in WISHES:
            await self._steer_tasks(server, WISHES[value], [id_], accepted)
        else:
            raise CommandError("there is no such setting")

    async def _start_stream(self, device: str) -> None:
        stream = self._state.streams[device]
        was_wanted = stream.is_wanted
        while stream.is_open and not was_wanted:  # the answer to its last start has not ended yet
            await self._state.changed()
        if not stream.is_on:
            stream.want()
        while not stream.is_on:
            if stream.refusal:
                stream.is_wanted = was_wanted
                raise CommandError(stream.refusal)
            await self._state.changed()

    async def _stop_stream(self, server: DeviceServer, device: str) -> None:
        stream = self._state.streams.get(device)
        was_wanted = stream is not None and stream.is_wanted
        if stream is not None:
            stream.is_wanted = False  # before: the response may end before the answer is here
        try:
            status = await server.stop_stream(device)
            if status != "stopped":
                raise CommandError(f"{device}: the server answered {status[:40]!r}")
        except BaseException:
            if stream is not None and was_wanted:
                stream.want()
            raise
        self._state.told_stopped(device)
