"""The life of a foreign source: connecting again, steering as far as it goes, and leaving nothing behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dockscope.core.dialects.foreign import ForeignSource
from dockscope.core.dialects.reception import Reception
from dockscope.core.link_address import LinkError
from dockscope.core.messages import ControlState, Hello, LogRecord, ProtocolError
from dockscope.core.run_control import LinkState, Stage
from fakes import FakeHub
from watched import run

URL = "line://127.0.0.1:1"
HELLO = Hello(bytes(16), "line", capabilities=("stop",), role="operate", is_numbered=False)


class LineServer:
    """A real server of lines: what it gets is kept; ``say`` sends to all, ``drop`` hangs up on all."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.visits = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.drop()
        self._server.close()
        await self._server.wait_closed()

    def say(self, line: str) -> None:
        for writer in self._writers:
            writer.write(f"{line}\n".encode())

    def drop(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        self._writers.append(writer)
        while line := await reader.readline():
            self.got.append(line.decode().strip())


class LineDialect:
    """Logs each line; ``paused`` confirms a pause, ``ended`` ends the run, ``bad`` is no line of the dialect."""

    def __init__(self, port: int, hub: FakeHub, *, steers: bool = True) -> None:
        self._port = port
        self._writer: asyncio.StreamWriter | None = None
        steer = self._steer if steers else None
        self.source = ForeignSource(URL, hub, key=URL, where="127.0.0.1:1", connect=self._connect, steer=steer)

    async def _connect(self, reception: Reception) -> None:
        try:
            reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            raise LinkError("Nobody is there") from None
        try:
            reception.up(HELLO)
            while line := (await reader.readline()).decode().strip():
                self._take(reception, line)
        finally:
            self._writer.close()
            self._writer = None

    def _take(self, reception: Reception, line: str) -> None:
        reception.heard()
        if line == "bad":
            reception.bad_message(ProtocolError("not a line"))
        elif line == "paused":
            for id_ in self.source.open_commands("pause"):
                self.source.confirm(id_, Stage.EFFECTIVE)
        elif line == "ended":
            reception.receive(ControlState("ENDED", "finished"))
        else:
            reception.receive(LogRecord("info", line, {}, 1.0))

    def _steer(self, command: str, args: dict[str, Any]) -> str | None:
        if command == "set":
            return "it has no parameters"
        assert self._writer is not None
        self._writer.write(f"{command}\n".encode())
        return None


def test_it_connects_again_and_says_where_something_may_be_missing(wait_for_async):
    """A broken connection heals with no click; between two connections there is a gap, and bad messages end neither."""

    async def scenario():
        hub = FakeHub()
        async with LineServer() as server:
            source = LineDialect(server.port, hub).source
            source.start()
            await wait_for_async(lambda: hub.state is LinkState.LIVE)
            server.say("bad")
            server.say("one")
            await wait_for_async(lambda: len(hub.messages) == 1)
            assert hub.causes() == ["bad_message"]
            assert hub.gaps_at == []
            server.drop()
            await wait_for_async(lambda: server.visits == 2)
            await wait_for_async(lambda: hub.gaps_at == [1])
            await source.close()
        assert hub.state is LinkState.CLOSED
        assert LinkState.LOST not in hub.states  # it healed within a second

    run(scenario)


def test_nobody_there_is_told_once(wait_for_async):
    """The dialect's sentence is the problem and the detail of the link, and is not repeated with each attempt."""

    async def scenario():
        hub = FakeHub()
        async with LineServer() as server:
            port = server.port
        attempts = 0
        dialect = LineDialect(port, hub)
        connect = dialect.source._connect

        async def counted(reception: Reception) -> None:
            nonlocal attempts
            attempts += 1
            await connect(reception)

        dialect.source._connect = counted
        dialect.source.start()
        await wait_for_async(lambda: attempts >= 3)
        assert hub.problems == [("connecting", "Nobody is there")]
        assert hub.links[-1] == (LinkState.CONNECTING, "Nobody is there")
        await dialect.source.close()

    run(scenario)


def test_a_command_is_effective_only_when_the_other_side_showed_it(wait_for_async):
    """Sent is requested; what the dialect saw is effective; without that it is unconfirmed, and can be sent again."""

    async def scenario():
        hub = FakeHub()
        async with LineServer() as server:
            source = LineDialect(server.port, hub).source
            before = source.send("pause")
            assert hub.stages_of(before)[-1] == (Stage.LOST, "not connected: nothing was sent")
            source.start()
            await wait_for_async(lambda: hub.state is LinkState.LIVE)
            id_ = source.send("pause")
            await wait_for_async(lambda: server.got == ["pause"])
            assert [stage for stage, _ in hub.stages_of(id_)] == [Stage.REQUESTED]
            await wait_for_async(lambda: hub.stages_of(id_)[-1][0] is Stage.UNCONFIRMED, 8.0)
            assert source.retry(id_)
            await wait_for_async(lambda: server.got == ["pause", "pause"])
            server.say("paused")
            await wait_for_async(lambda: hub.stages_of(id_)[-1][0] is Stage.EFFECTIVE)
            assert hub.stages_of(source.send("set"))[-1] == (Stage.REJECTED, "it has no parameters")
            lost = source.send("stop")
            server.drop()
            await source.close()
            assert hub.stages_of(lost)[-1][0] is Stage.LOST

    run(scenario)


def test_the_end_of_a_run_is_no_loss(wait_for_async):
    """A connection that goes after the run has ended is CLOSED, and the source goes on looking for the next run."""

    async def scenario():
        hub = FakeHub()
        async with LineServer() as server:
            source = LineDialect(server.port, hub).source
            source.start()
            await wait_for_async(lambda: hub.state is LinkState.LIVE)
            server.say("ended")
            await wait_for_async(lambda: hub.messages)
            server.drop()
            await wait_for_async(lambda: LinkState.CLOSED in hub.states)
            await source.close()

    run(scenario)


def test_a_fault_of_a_dialect_ends_nothing(wait_for_async, expect_log):
    """An exception that no dialect should raise is logged and told, and the source connects again."""

    async def scenario():
        hub, attempts = FakeHub(), []

        async def connect(reception: Reception) -> None:
            attempts.append(1)
            raise KeyError("oops")

        source = ForeignSource(URL, hub, key=URL, where="here", connect=connect)
        source.start()
        await wait_for_async(lambda: len(attempts) == 2)
        assert set(hub.causes()) == {"internal"}
        await source.close()

    expect_log("the connection failed", at_least=2)
    run(scenario)


@pytest.mark.parametrize("waits", [True, False])
def test_closing_before_the_start_is_nothing(waits):
    """A source that never started closes at once and tells nothing."""

    async def scenario():
        hub = FakeHub()
        dialect = LineDialect(1, hub, steers=waits)
        await dialect.source.close()
        assert hub.links == []

    run(scenario)
