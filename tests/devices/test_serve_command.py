"""``dockscope serve``: the devices of a bench file over HTTP, from a process of its own, and instruments served so."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from dockscope.core.run_control import LinkState
from dockscope.devices.serve_command import serve
from dockscope.devices.server import DeviceServer
from dockscope.devices.spec import DeviceSpec
from scpi_server import ScpiServer
from served_lab import EventReader, ask, call
from watched import Watched, free_port, run

DOCUMENT = (Path(__file__).parents[2] / "docs" / "devices.md").read_text()
PROGRAM = [sys.executable, "-m", "dockscope", "serve"]
BENCH = """
[[device]]
id = "host"
kind = "system"
rate_hz = 20

[[device]]
id = "dmm"
kind = "visa"
address = "{address}"
rate_hz = 50
timeout_s = 0.3
"""


@pytest.fixture
def instrument():
    """A real instrument behind a socket."""
    with ScpiServer() as instrument:
        yield instrument


@pytest.fixture
def bench(tmp_path, instrument):
    """A bench file with it."""
    path = tmp_path / "lab.toml"
    path.write_text(BENCH.format(address=instrument.address))
    return path


class Serving:
    """A process that serves a bench, for the length of a ``with`` block; a signal ends it.

    Attributes:
        url: where it can be reached. code, said: exit code and stderr, once it has ended.
    """

    def __init__(self, bench: Path, *options: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            [*PROGRAM, str(bench), "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        self.code, self.said = -1, ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        _, self.said = self._process.communicate(timeout=20)
        self.code = self._process.returncode


def test_a_bench_is_served_to_windows(bench, instrument, wait_for_async):
    """Two windows see the readings of its devices, and a signal ends it with exit 0 and without a word."""

    async def scenario():
        with Serving(bench) as process:
            async with Watched(process.url) as one, Watched(f"{process.url}?only=dmm") as two:
                for seen in (one, two):
                    await wait_for_async(lambda seen=seen: seen.samples("dmm") > 5, 15.0)
                    assert seen.producer.link is LinkState.LIVE
                await wait_for_async(lambda: one.samples("host.cpu_percent") > 1)
        assert (process.code, process.said) == (0, "")

    run(scenario)


def test_a_token_is_asked_for(bench):
    """Given by the environment, it opens the server; without it there is nothing to see."""
    with Serving(bench, DOCKSCOPE_TOKEN="secret") as process:
        request = urllib.request.Request(f"{process.url}/devices")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(request, timeout=10)
        request.add_header("Authorization", "Bearer secret")
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert [one["device_id"] for one in json.load(answer)["devices"]] == ["host", "dmm"]


def test_what_cannot_be_served_is_said(bench):
    """An open address without a token, a token no header can hold, and an address that is not here are told."""
    output = io.StringIO()
    for error, work, words in (
        (ValueError, serve(bench, output, port=0, host="0.0.0.0"), "can be reached by other machines"),
        (ValueError, serve(bench, output, port=0, token="two words"), "printable ASCII"),
        (OSError, serve(bench, output, port=0, host="192.0.2.1", insecure=True), "cannot bind 192.0.2.1"),
    ):
        with pytest.raises(error, match=words):
            asyncio.run(work)
    assert output.getvalue() == ""


def test_a_wrong_bench_is_said_in_one_line(tmp_path):
    """File, device and reason are told, without a traceback; exit 2."""
    path = tmp_path / "wrong.toml"
    path.write_text('[[device]]\nid = "a"\nkind = "perpetuum"\n')
    done = subprocess.run([*PROGRAM, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "wrong.toml" in done.stderr
    assert "perpetuum is no kind of device" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_program_of_the_documentation_runs():
    """It serves a device and a task, says where, and ends without a complaint."""
    section = DOCUMENT.partition("\n## Serving devices\n")[2]
    (program,) = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+\n", done.stdout)


def test_an_instrument_is_connected_called_and_streamed(instrument, wait_for):
    """It is connected by the server; its commands are called, its readings streamed, and the last client stops it."""
    with DeviceServer(port=0) as server:
        server.add_instrument(DeviceSpec(id="dmm", kind="visa", rate_hz=50.0, params={"address": instrument.address}))
        wait_for(lambda: ask(server, "GET", "/devices/dmm")[1]["connected"])
        listed = [one["name"] for one in ask(server, "GET", "/devices/dmm/methods")[1]["methods"]]
        assert {"ask", "start_streaming", "stop_streaming"} <= set(listed)
        assert call(server, "dmm", "ask", "*IDN?")[1]["success"] is True
        assert call(server, "dmm", "__init__")[0] == 400
        assert call(server, "dmm", "nothing")[0] == 404
        with EventReader(server, "dmm") as one, EventReader(server, "dmm") as two:
            numbers = [number for number, _ in one.readings(20)]
            assert numbers == list(range(numbers[0], numbers[0] + 20))
            assert {number for number, _ in two.readings(20)} & set(numbers)
            assert ask(server, "GET", "/devices/dmm")[1]["streaming"] is True
        wait_for(lambda: ask(server, "GET", "/devices/dmm")[1]["streaming"] is False)
        assert call(server, "dmm", "disconnect")[0] == 200
        assert ask(server, "POST", "/devices/dmm/disconnect")[1]["message"] == "Device is already disconnected"
        assert ask(server, "POST", "/devices/dmm/connect")[1]["connected"] is True


def test_an_instrument_that_is_switched_off(expect_log):
    """The refusal is told to the client and kept as the error of the device; the others are served all the while."""
    expect_log("dmm", logger="dockscope.devices")
    address = f"TCPIP::127.0.0.1::{free_port()}::SOCKET"
    with DeviceServer(port=0) as server:
        server.add_instrument(DeviceSpec(id="dmm", kind="visa", params={"address": address, "timeout_s": 0.3}))
        server.add_instrument(DeviceSpec(id="host", kind="system", rate_hz=20.0))
        with EventReader(server, "dmm") as reader, EventReader(server, "host") as host:
            assert host.readings(2)
            told = reader.event()
            assert (told["event"], told["data"]["device_id"]) == ("stream_error", "dmm")
            assert reader.event() == {}
            assert host.readings(2)
        error = ask(server, "GET", "/devices/dmm/error")[1]["error"]
        assert (error["type"], error["origin"]) == ("InstrumentError", "device")
        assert call(server, "dmm", "ask", "*IDN?")[0] == 400
        assert ask(server, "GET", "/devices/dmm")[1]["connected"] is False
