"""``liveview://``: the address that runs connect to, and the runs that do.

Nothing in a metric or a line of the log says whose it is. What tells runs apart is the connection by which they speak,
and the run name that some messages have.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from ..link_address import LinkError
from ..messages import ProtocolError
from .base import Sink, Source
from .foreign import ForeignSource
from .foreign_address import ForeignAddress
from .liveview_codec import MAX_MESSAGE_BYTES, LiveViewMessage, StateMessage, decode_message
from .liveview_commands import CommandPort
from .liveview_run import LiveViewRun
from .liveview_steering import Steering
from .reception import Reception
from .subscriber import Batch, Subscriber

MOST_RUNS = 64
REUSED_S = 0.25
REJOINS_S = 10.0


class LiveViewSource:
    """Listen where runs connect to; the first run has the key of the source, each further one a key of its own.

    Args:
        address: to bind; commands are bound at the port above. sink, key: see ``base.Factory``.
        adopted: a socket that is bound already, for the first time.

    Attributes:
        parts: the source of each run, by key.
    """

    waits = True

    def __init__(self, address: ForeignAddress, sink: Sink, *, key: str, adopted: Subscriber | None = None) -> None:
        self.key, self.url = key, address.url
        self.parts: dict[str, Source] = {}
        self._address, self._sink, self._adopted = address, sink, adopted
        self._runs: list[LiveViewRun] = []
        self._by_connection: dict[int, LiveViewRun] = {}
        self._left_s: dict[int, float] = {}
        self._reused: set[int] = set()
        self._subscriber: Subscriber | None = None
        self._steering = Steering(self._runs)
        self._first = self._new_run()

    def start(self) -> None:
        """Begin to listen, also to runs that were closed; needs a running event loop."""
        for run in self._runs:
            if not run.source.is_open:
                self._sink.add(run.source.key, self.url)
                run.source.start()
                if run.connections:
                    run.greet()

    async def close(self) -> None:
        """Leave nothing behind; the runs go on."""
        await self._steering.close()
        for run in reversed(self._runs):
            await run.source.close()

    def send(self, command: str, args: dict[str, Any] | None = None) -> bytes:
        """Ask every run that is connected; progress is told under the key of each.

        Returns:
            The id of the first of these commands.
        """
        asked = [run for run in self._runs if run.source.reception.is_up] or [self._first]
        ids = [run.source.send(command, args) for run in asked]
        return ids[0]

    def retry(self, id_: bytes) -> bool:
        """Send an open command once more."""
        return any(run.source.retry(id_) for run in self._runs)

    # -- listening ----------------------------------------------------------------------------------------------

    async def _listen(self, reception: Reception) -> None:
        address = self._address
        subscriber, self._adopted = self._adopted or await self._bound(), None
        subscriber.tells_origins = True
        self._subscriber = subscriber
        if address.is_open:
            reception.problem("open", f"{address.where} takes data from whoever reaches it, unencrypted")
        serving: asyncio.Future[None] | None = None
        try:
            commands = await self._bound_commands(reception)
            self._steering.port = commands
            serving = None if commands is None else asyncio.ensure_future(commands.serve())
            await subscriber.read(
                self._take,
                on_up=self._on_somebody,
                on_down=self._on_nobody,
                on_connection=self._on_connection,
            )
        finally:
            if serving is not None:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)
            if self._steering.port is not None:
                self._steering.port.close()
            subscriber.close()
            self._subscriber = self._steering.port = None
            self._by_connection.clear()
            for run in self._runs:
                for connection in list(run.connections):
                    run.leave(connection)

    async def _bound(self) -> Subscriber:
        return Subscriber(
            await self._address.endpoint(), where=self._address.where, max_message_bytes=MAX_MESSAGE_BYTES, binds=True
        )

    async def _bound_commands(self, reception: Reception) -> CommandPort | None:
        """Bind the port of the commands; without it everything but commands works."""
        address = command_address(self._address)
        try:
            return CommandPort(await address.endpoint(), where=address.where)
        except LinkError as error:
            reception.problem("commands", str(error))
            return None

    def _on_somebody(self) -> None:
        if not self._first.has_begun:
            self._first.greet()

    def _on_nobody(self) -> None:
        if not self._first.has_begun:
            self._first.leave(-1)

    def _on_connection(self, connection: int, came: bool) -> None:
        now_s = time.monotonic()
        if not came:
            self._left_s[connection] = now_s
        elif now_s - self._left_s.get(connection, -REUSED_S) < REUSED_S:
            self._reused.add(connection)  # of the one before that had this number there may be words to come
        else:
            self._by_connection.pop(connection, None)
        for run in self._runs:
            if connection in run.connections:
                run.leave(connection)

    def _take(self, batch: Batch) -> None:
        for frame, connection in zip(batch.messages, batch.origins, strict=True):
            try:
                if not isinstance(frame, bytes):
                    raise ProtocolError(f"{len(frame)} frames, a message of LiveView has one")
                message = decode_message(frame)
                run = self._run_of(connection, message)
                if run.source.is_open:
                    run.take(message, batch.last_t, len(frame))
            except ProtocolError as error:
                self._by_connection.get(connection, self._first).source.reception.bad_message(error)
        for run in self._runs:
            run.flush()
        for connection in self._reused:
            self._by_connection.pop(connection, None)
        self._reused.clear()

    # -- whose message it is ------------------------------------------------------------------------------------

    def _run_of(self, connection: int, message: LiveViewMessage) -> LiveViewRun:
        """Return the run that a message is of.

        A connection is of one run, which its first state names. Data may be of another run that they name: a process
        beside the run may send for it.
        """
        run, is_state = self._by_connection.get(connection), isinstance(message, StateMessage)
        is_first = isinstance(message, StateMessage) and message.is_first
        name = message.run
        if is_first and connection in self._reused:
            self._reused.discard(connection)
            if run is not None and connection in run.connections:
                run.leave(connection)
            run = None
        if run is not None and (not name or name == run.name):
            if is_first and run.is_over:
                run.begin_anew()
                run.greet()
            return run
        if run is not None and not run.name:
            known = [other for other in self._runs if other.name == name]
            if not known or (is_state and all(other.connections for other in known)):
                run.name = name
                run.greet()
                return run
        other = None if is_state else self._named(name)
        if other is None:
            other = self._begin(name, is_first=is_first)
        if run is None or is_state or not run.name:
            self._by_connection[connection] = other
            if run is not None and connection in run.connections:
                run.leave(connection)
        self._join(connection, other)
        return other

    def _named(self, name: str) -> LiveViewRun | None:
        """Return the run of this name that is connected."""
        return next((run for run in self._runs if name and run.name == name and run.connections), None)

    def _begin(self, name: str, *, is_first: bool) -> LiveViewRun:
        """Return the run that a new connection is of: one that is back, or another one."""
        absent = [run for run in self._runs if run.has_begun and not run.connections]
        same = [run for run in absent if run.name == name]
        unfinished = [run for run in absent if not run.is_over and time.monotonic() - run.left_s < REJOINS_S]
        if not name and not same and len(unfinished) == 1:
            return unfinished[0]  # not every message says whose it is; nobody else went missing just now
        if same:
            if is_first or same[0].is_over or not name:
                same[0].begin_anew()
            return same[0]
        run = self._first if not self._first.has_begun else self._new_run()
        run.name = name
        return run

    def _join(self, connection: int, run: LiveViewRun) -> None:
        """Count a connection to a run; one that is gone already leaves it as it came."""
        run.has_begun = True
        if not run.source.is_open:
            self._sink.add(run.source.key, self.url)
            run.source.start()
        is_new = not run.connections
        run.connections.add(connection)
        if is_new:
            run.greet()
        if self._subscriber is None or connection not in self._subscriber.connections:
            run.leave(connection)

    def _new_run(self) -> LiveViewRun:
        """Make a run, or take over that which is over for longest when there are too many.

        Raises:
            ProtocolError: there are too many, and all of them connected.
        """
        if len(self._runs) >= MOST_RUNS:
            run = next((run for run in self._runs if not run.connections), None)
            if run is None:
                raise ProtocolError(f"more than {MOST_RUNS} runs at once; the further ones are left out")
            self._runs.remove(run)
            self._runs.append(run)
            run.begin_anew()
            return run
        number, where = len(self._runs) + 1, self._address.where
        key = self.key if number == 1 else f"{self.key}#{number}"
        asked: list[LiveViewRun] = []
        source = ForeignSource(
            self.url,
            self._sink,
            key=key,
            where=where,
            connect=self._listen if number == 1 else _for_ever,
            steer=lambda command, args: self._steering.ask(asked[0], command, args),
            waits=True,
        )
        title = where if number == 1 else f"{where} ({number})"
        run = LiveViewRun(source, self._address.host, title, self._address.query.get("only", ()))
        asked.append(run)
        self._runs.append(run)
        self.parts[key] = source
        if number > 1:
            self._sink.add(key, self.url)
            source.start()
        return run


def command_address(address: ForeignAddress) -> ForeignAddress:
    """Return where the commands of an address are: at the port above."""
    return ForeignAddress(address.scheme, address.host, address.port + 1, binds=True)


async def _for_ever(reception: Reception) -> None:
    """Be the connection of a run that another one listens for."""
    await asyncio.get_running_loop().create_future()
