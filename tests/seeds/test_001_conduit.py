"""Every code example of the streaming guide of conduit, with its import lines changed, against a live other side.

The functions that the guide leaves open are given here; the port is a free one instead of 8080.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conduit_raw import our_client, our_server, run
from dockscope.core.dialects.conduit import ServerDescriptor, StreamManager

ROOT = Path(__file__).parents[2]
GUIDE = Path(__file__).parent / "001_conduit.rst"
DEFINED = re.compile(r"^def (test_\w+)", re.MULTILINE)
BLOCK = re.compile(r"^\.\. code-block:: python\n\n((?:    .*\n|\n)+)", re.MULTILINE)
OURS = "from dockscope.core.dialects.conduit import "
EXAMPLES = [
    textwrap.dedent(block).replace("from conduit import ", OURS) for block in BLOCK.findall(GUIDE.read_text() + "\n")
]
SETUP, SERVER, CLIENT, CLIENT_STREAM, LIFECYCLE, INFO, DASHBOARD_SERVER, DASHBOARD_CLIENT = EXAMPLES


@pytest.fixture
def port(monkeypatch) -> int:
    """A free port, and the default one of servers as long as the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = taken.getsockname()[1]
    defaults = {**(ServerDescriptor.__init__.__kwdefaults__ or {}), "port": free}
    monkeypatch.setattr(ServerDescriptor.__init__, "__kwdefaults__", defaults)
    return free


async def execute(example: str, **given: Any) -> dict[str, Any]:
    """Run an example, which may await at its top level; gives its names."""
    names = {"asyncio": asyncio, "time": time, **given}
    code = compile(example, "<example>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    outcome = eval(code, names)
    if inspect.isawaitable(outcome):
        await outcome
    return names


async def end_tasks() -> None:
    """End what the examples leave running."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        if "broadcast_sensor_data" in repr(task):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def test_setup():
    """Setup: a manager is made without further ado."""

    async def scenario():
        assert isinstance((await execute(SETUP))["streams"], StreamManager)

    run(scenario)


def test_server_streaming_to_clients(port):
    """Server Streaming to Clients: what the example pushes reaches a client that subscribed."""

    async def scenario():
        names = await execute(SERVER, read_temperature=lambda: 21.5, read_humidity=lambda: np.float32(40))
        await names["server"].start()
        assert (names["sensor_stream"].info.owner, names["sensor_stream"].buffer_size) == ("server", 100)
        async with our_client(port) as (_, viewer):
            subscription = viewer.subscribe("sensors")
            first = await anext(subscription)
            assert (first["temperature"], first["humidity"]) == (21.5, 40.0)
            assert abs(first["timestamp"] - time.time()) < 10
            await subscription.aclose()
        await names["server"].stop()
        await end_tasks()

    run(scenario)


def test_client_consuming_streams(port, capsys, wait_for_async):
    """Client Consuming Streams: the loop of the example prints the items of a server."""

    async def scenario():
        async with our_server(port=port) as (_, streams, _port):
            stream = streams.create("sensors")
            names = await execute(CLIENT.replace("8080", str(port)))
            consuming = asyncio.ensure_future(names["consume_sensors"]())
            await wait_for_async(lambda: stream.subscriber_count)
            await stream.push({"temperature": 21.5, "humidity": 40})
            await stream.close()
            await consuming
            await names["client"].disconnect()
        assert capsys.readouterr().out == "Temp: 21.5°C\nHumidity: 40%\n"

    run(scenario)


def test_client_streaming_to_server(port, wait_for_async):
    """Client Streaming to Server: the handler of the example gets the frames that its client pushes, from its id."""

    async def scenario():
        class Camera:
            def read(self) -> np.ndarray:
                names["capturing"] = len(frames) < 3
                return np.arange(6, dtype=np.uint8)

        frames: list[np.ndarray] = []
        async with our_server(port=port) as (server, server_streams, _port), our_client(port) as (client, streams):
            both = _Both(streams, server_streams)
            names = await execute(
                CLIENT_STREAM,
                client=client,
                streams=both,
                camera=Camera(),
                capturing=True,
                np=np,
                process_frame=frames.append,
            )
            await names["stream_video"]()
            await wait_for_async(lambda: len(frames) >= 3)
            assert frames[0].tolist() == [0, 1, 2, 3, 4, 5]
            assert server.connection_count == 1

    run(scenario)


def test_stream_lifecycle(capsys, wait_for_async):
    """Stream Lifecycle: create, callbacks, push and close run as written; the callbacks are called."""

    async def scenario():
        async with our_server() as (server, streams, port), our_client(port) as (_, viewer):
            before_push, push = LIFECYCLE.split("# Push data\n")
            names = await execute(before_push, streams=streams)
            waiting = asyncio.ensure_future(anext(viewer.subscribe("my_stream")))
            await wait_for_async(lambda: names["stream"].subscriber_count)
            id_ = server.connections[0].id
            await execute(push, **{key: names[key] for key in ("stream", "streams")})
            assert await waiting == {"value": 42}
            assert capsys.readouterr().out == f"New subscriber: {id_}\nSent to 1 subscribers\nLost subscriber: {id_}\n"
            assert not names["stream"].is_active
            await execute(LIFECYCLE, streams=StreamManager())  # in one piece too
            assert capsys.readouterr().out == "Sent to 0 subscribers\n"

    run(scenario)


def test_stream_info(capsys, wait_for_async):
    """Stream Info: every field that the example prints is there and true."""

    async def scenario():
        async with our_server() as (_, streams, port), our_client(port) as (_, viewer):
            stream = streams.create("sensors")
            waiting = asyncio.ensure_future(anext(viewer.subscribe("sensors")))
            await wait_for_async(lambda: stream.subscriber_count)
            await stream.push(1)
            await execute(INFO, stream=stream, streams=streams)
            assert await waiting == 1
        assert capsys.readouterr().out.splitlines() == [
            "Name: sensors",
            "Owner: server",
            "Messages sent: 1",
            "Subscribers: 1",
            "Active: True",
            "sensors: 1 subscribers",
        ]

    run(scenario)


def test_live_dashboard(port, tmp_path, wait_for):
    """Complete Example: the two programs run as processes of their own; the client prints what the server measures."""
    with program(tmp_path / "dashboard_server.py", DASHBOARD_SERVER, port):
        wait_for(lambda: listens(port), 10.0)
        with program(tmp_path / "dashboard_client.py", DASHBOARD_CLIENT, port) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == "Monitoring system metrics...\n"
            assert re.fullmatch(r"CPU: [\d.]+% \| Memory: [\d.]+% \| Disk: [\d.]+%\n", client.stdout.readline())


@contextmanager
def program(path: Path, code: str, port: int) -> Iterator[subprocess.Popen[str]]:
    """Run a program of the guide on another port than 8080; it is ended with the block."""
    path.write_text(code.replace("8080", str(port)))
    process = subprocess.Popen(
        [sys.executable, "-u", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "default"},
    )
    with process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class _Both:
    """The guide calls the manager of either side ``streams``: here is each call for its side."""

    def __init__(self, of_client: StreamManager, of_server: StreamManager) -> None:
        self.push_to_server = of_client.push_to_server
        self.on_client_stream = of_server.on_client_stream


def test_every_test_that_the_table_names_exists():
    """docs/seeds.md names no test that is not there, and every example of the guide has one."""
    table = (ROOT / "docs" / "seeds.md").read_text()
    known = {name for file in ROOT.glob("tests/**/test_*.py") for name in DEFINED.findall(file.read_text())}
    named = set(re.findall(r"`(test_\w+)`", table))
    assert len(named) > 40
    assert named - known == set()
    assert len(EXAMPLES) == 8
    own = table[table.index("## Seed 001") : table.index("## Seed 002")]
    assert own.count("| example ") == 7  # the last has two programs
