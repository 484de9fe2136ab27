"""One device server, connected to again and again: its devices, their streams, its tasks."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from ..asker import Asker
from ..link_address import LinkError
from ..messages import Hello, Kind, ProtocolError
from ..run_control import Command, Stage
from ..turns import Turns
from .device_controls import DeviceControls
from .device_http import DeviceServer, RefusedError, device_server
from .device_listing import Device, Task
from .device_news import DeviceNews
from .device_state import DeviceState
from .device_stream import DeviceStream
from .foreign_address import ForeignAddress
from .object_reader import ObjectReader
from .reception import Reception

logger = logging.getLogger("dockscope.dialects")

TASKS_EVERY_S = 2.0
# Asking for the devices takes the lock of each: it waits for what a device does, and lets all others wait with it.
DEVICES_EVERY_S = 10.0
NO_DEVICE_SERVER = "What answers at {where} is no device server: check the port"

Confirm = Callable[[str, dict[str, Any], Stage, str], None]


class DeviceSession:
    """Follow a server (see ``ForeignSource``).

    Args:
        address: of the server. asker: knows which devices are wanted. turns: say when to read.
        subscribes: False to steer only, and stream nothing.
        rename: takes the URL that names the chosen devices. confirm: takes how far a command has come.
    """

    def __init__(
        self,
        address: ForeignAddress,
        asker: Asker,
        turns: Turns,
        *,
        subscribes: bool,
        rename: Callable[[str], None],
        confirm: Confirm,
    ) -> None:
        self._address, self._asker, self._turns, self._subscribes = address, asker, turns, subscribes
        self._rename, self._confirm = rename, confirm
        self._id = os.urandom(16)
        self._state = DeviceState(address.query.get("only", ()), self._on_change)
        self._controls = DeviceControls(self._state, self._refresh, self._refresh_tasks)
        self._has_chosen = bool(self._state.names)
        self._streams: dict[str, bool] = {}  # whether a device can
        self._news: DeviceNews | None = None
        self._reader: ObjectReader | None = None
        self._reception: Reception | None = None
        self._server: DeviceServer | None = None
        self._jobs: dict[Any, asyncio.Task[None]] = {}
        self._hurry = asyncio.Event()
        self._needs_token = self._declined = False

    async def connect(self, reception: Reception) -> None:
        """Connect once and follow until the server is gone (see ``ForeignSource``)."""
        self._reception = reception
        if self._reader is None:  # the numbers of its series hold for as long as the source lives
            self._reader = ObjectReader(reception, newest_only=False)
            self._news = DeviceNews(reception, lists=self._subscribes)
        try:
            await self._connect_once(reception)
        except _TokenNeededError:  # nobody is asked before a device server has said so
            await self._connect_once(reception)

    async def _connect_once(self, reception: Reception) -> None:
        token = await self._token()
        async with device_server(self._address, token) as server:
            try:
                await self._look(server)
                if token:
                    self._asker.remember(self._address.where, token)
                self._server = server
                reception.up(self._hello())
                self._on_change()
                await self._choose()
                await self._follow(server)
            finally:
                self._server = None
                if self._news is not None:
                    self._news.forget()  # all is told anew after an interruption
                await self._end_jobs()

    def steer(self, command: str, args: dict[str, Any]) -> str | None:
        """Begin a command (see ``ForeignSource``)."""
        if self._server is None:
            return "not connected"
        job = self._controls.do(self._server, command, args, lambda *told: self._confirm(command, args, *told))
        self._begin((command, args.get("name"), repr(args.get("value"))), job)
        return None

    async def _token(self) -> str:
        """Return the token that the server wants; nobody is asked twice who declined."""
        place = self._address.where
        if not self._needs_token:
            return ""
        token = self._asker.known(place)
        if token is None and not self._declined:
            token = await self._asker.password(place)
            self._declined = token is None
        if token is None:
            why = "the token was refused" if self._asker.was_refused(place) else "its token is needed"
            raise LinkError(f"{place}: {why}: DOCKSCOPE_PASSWORD, --password-file, or connect anew to be asked")
        return token

    # -- following ----------------------------------------------------------------------------------------------

    async def _look(self, server: DeviceServer) -> None:
        try:
            devices = await server.devices()
            await self._learn(server, devices)
            self._state.tasks.take(await _tasks(server))
        except RefusedError as refused:
            if not refused.asks_token:
                raise LinkError(NO_DEVICE_SERVER.format(where=self._address.where)) from None
            if not self._needs_token:
                self._needs_token = True
                raise _TokenNeededError from None
            self._asker.refuse(self._address.where)
            raise LinkError(f"{self._address.where}: the token was refused") from None
        except ProtocolError:
            raise LinkError(NO_DEVICE_SERVER.format(where=self._address.where)) from None
        self._state.take_devices(devices)

    async def _learn(self, server: DeviceServer, devices: tuple[Device, ...]) -> None:
        """Find out which of the devices stream."""
        for device in devices:
            if device.id not in self._streams:
                self._streams[device.id] = await server.streams(device.id)

    async def _choose(self) -> None:
        """Let a person choose, once."""
        names = self._streaming()
        if self._has_chosen or not names or not self._subscribes:
            return
        self._has_chosen = True
        chosen = await self._asker.streams(self._address.where, names, "devices")
        if chosen is not None:
            self._state.names = tuple(chosen)
            self._rename(replace(self._address, query={"only": self._state.names}).url)

    async def _follow(self, server: DeviceServer) -> None:
        self._stream_wanted(server)
        self._tell_missing()
        loop = asyncio.get_running_loop()
        devices_s = loop.time() + DEVICES_EVERY_S
        while True:
            self._hurry.clear()
            try:
                async with asyncio.timeout(TASKS_EVERY_S):
                    await self._hurry.wait()
            except TimeoutError:
                pass
            is_due = loop.time() >= devices_s
            try:
                await (self._refresh(server) if is_due else self._refresh_tasks(server))
            except (ProtocolError, RefusedError) as error:
                self._tell_problem("listing", f"{self._address.where} does not tell its devices and tasks: {error}")
            if is_due:
                devices_s = loop.time() + DEVICES_EVERY_S
                self._stream_wanted(server)

    async def _refresh(self, server: DeviceServer) -> None:
        devices = await server.devices()
        await self._learn(server, devices)
        self._state.take_devices(devices)
        await self._refresh_tasks(server)

    async def _refresh_tasks(self, server: DeviceServer) -> None:
        for task in self._state.tasks.take(await _tasks(server)):
            await self._tell_ending(server, task)
        self._state.mark()

    def _streaming(self) -> list[str]:
        return [id_ for id_ in self._state.devices if self._streams.get(id_)]

    def _stream_wanted(self, server: DeviceServer) -> None:
        """Begin with the devices that are wanted and not followed yet, and leave those that are gone."""
        names = self._state.names
        wanted = [id_ for id_ in self._streaming() if not names or id_ in names] if self._subscribes else []
        for id_ in [id_ for id_ in self._state.streams if id_ not in wanted]:
            del self._state.streams[id_]
            if job := self._jobs.get(id_):
                job.cancel()
        for id_ in wanted:
            if id_ not in self._state.streams:
                self._state.streams[id_] = self._new_stream(id_)
            if id_ not in self._jobs:
                self._begin(id_, self._state.streams[id_].keep(server))
        self._state.mark()

    def _new_stream(self, device: str) -> DeviceStream:
        assert self._reception is not None
        assert self._reader is not None
        return DeviceStream(
            device, reception=self._reception, reader=self._reader, turns=self._turns, on_change=self._on_stream
        )

    # -- jobs: a stream each, and the commands that are under way -------------------------------------------------

    def _begin(self, key: Any, job: Coroutine[Any, Any, None]) -> None:
        if key in self._jobs:  # the same is under way
            job.close()
            return
        task = self._jobs[key] = asyncio.ensure_future(job)
        task.add_done_callback(lambda task: self._on_end(key, task))

    def _on_end(self, key: Any, task: asyncio.Task[None]) -> None:
        self._jobs.pop(key, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s: a job failed", self._address.where, exc_info=error)

    async def _end_jobs(self) -> None:
        jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)

    # -- what is told -------------------------------------------------------------------------------------------

    def _hello(self) -> Hello:
        return Hello(
            self._id,
            self._address.where,
            host=self._address.host,
            capabilities=tuple(Command),
            streams=tuple((Kind.DATA.value, id_) for id_ in self._streaming()),
            role="operate",
            is_numbered=False,
        )

    def _on_stream(self) -> None:
        """A stream began or ended: the second may be because the server is gone."""
        self._hurry.set()
        self._state.mark()

    def _on_change(self) -> None:
        if self._server is not None and self._news is not None:
            self._news.tell(self._state)

    async def _tell_ending(self, server: DeviceServer, task: Task) -> None:
        if not self._subscribes or self._news is None:
            return
        try:
            self._news.tell_ending(task, await server.task_outcome(task.id))
        except (RefusedError, ProtocolError) as error:
            self._tell_problem("outcome", f"what became of task {task.id} is not told: {error}")

    def _tell_missing(self) -> None:
        known = {*self._state.devices, *self._state.tasks.running}
        if missing := ", ".join(name for name in self._state.names if name not in known)[:60]:
            where = self._address.where
            self._tell_problem("missing", f"{where} has no device or task {missing} yet: it is looked for")

    def _tell_problem(self, cause: str, sentence: str) -> None:
        assert self._reception is not None
        self._reception.problem(cause, sentence)


class _TokenNeededError(Exception):
    """The server answers only to who shows its token."""


async def _tasks(server: DeviceServer) -> tuple[Task, ...]:
    """Return the tasks; none where the server has no such thing."""
    try:
        return await server.tasks()
    except RefusedError as refused:
        if refused.status == 404:
            return ()
        raise
