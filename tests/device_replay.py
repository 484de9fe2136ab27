"""Servers of devices for tests: one that answers what was captured, byte for byte, or is given; the real labdaemon."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections import deque
from pathlib import Path
from typing import Any

from dockscope.core.dialects.base import open_source
from dockscope.core.messages import ControlState, MetricBatch, ParameterState, SeriesDefinitions
from dockscope.core.run_control import Stage
from fakes import FakeHub
from watched import free_port

CAPTURES = Path(__file__).parent / "captures"


def captured_answers() -> dict[str, bytes]:
    """Return the bodies of labdaemon_http.txt by what was asked for, such as "GET /devices"."""
    parts = (CAPTURES / "labdaemon_http.txt").read_bytes().split(b"## ")[1:]
    answers = {}
    for part in parts:
        asked, _, rest = part.partition(b"\n")
        answers.setdefault(asked.decode(), rest[rest.find(b"{") :].strip())
    return answers


def captured_stream(name: str = "labdaemon_sse.txt") -> bytes:
    """Return the body of a captured stream, without the head of its answer."""
    content = (CAPTURES / name).read_bytes()
    if name.endswith("idle.txt"):  # written down with its line ends made visible
        return content.replace(b"^M$\n", b"\r\n")
    return content.split(b"\r\n\r\n", 1)[1] if content.startswith(b"HTTP/") else content


def stream_head() -> bytes:
    """Return the captured head of a stream's answer."""
    return (CAPTURES / "labdaemon_sse.txt").read_bytes().split(b"\r\n\r\n", 1)[0] + b"\r\n\r\n"


class ReplayServer:
    """Answers as captured; ``streams`` holds, by device, what each further visit gets: chunks, None to stay open.

    Attributes:
        asked: request lines in their order. heads: the whole requests. answers: (status, body) by request line.
    """

    def __init__(self) -> None:
        captured = captured_answers()
        self.answers = {
            "GET /devices": (200, captured["GET /devices"]),
            "GET /tasks": (200, captured["GET /tasks"]),
            "GET /devices/laser1/methods": (200, captured["GET /devices/laser1/methods"]),
        }
        for device in ("daq1", "daq2"):
            self.answers[f"GET /devices/{device}/methods"] = (200, b'{"methods":[{"name":"start_streaming"}]}')
        self.streams: dict[str, deque[list[bytes | None]]] = {}
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()

    def visits(self, device: str) -> int:
        """Return how often the stream of a device was asked for."""
        return self.asked.count(f"GET /stream/devices/{device}")

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                asked = b" ".join(head.split(b" ", 2)[:2]).decode()
                self.asked.append(asked)
                self.heads.append(head)
                if asked.startswith("GET /stream/devices/"):
                    await self._stream(reader, writer, asked.rpartition("/")[2])
                else:
                    await self._answer(writer, asked)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, writer, asked):
        status, body = self.answers.get(asked, (404, b'{"error":{"type":"NotFound","message":"no such path"}}'))
        length = b"" if status == 204 else b"content-length: %d\r\n" % len(body)  # a body after 204, as the real one
        writer.write(b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\n%b\r\n%b" % (status, length, body))
        await writer.drain()
        if status == 204:
            raise ConnectionResetError

    async def _stream(self, reader, writer, device):
        visits = self.streams.get(device)
        chunks = visits.popleft() if visits else [None]
        writer.write(stream_head())
        for chunk in chunks:
            if chunk is None:
                await writer.drain()
                await reader.read()  # until the other side leaves
                raise ConnectionResetError
            writer.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            await writer.drain()
        writer.write(b"0\r\n\r\n")


class Followed:
    """A source that writes into a FakeHub for as long as the ``async with`` lasts."""

    def __init__(self, url: str, **options) -> None:
        self.hub = FakeHub()
        self.source = open_source(url, self.hub, **options)

    async def __aenter__(self):
        self.source.start()
        return self

    async def __aexit__(self, *_):
        await self.source.close()

    def stages(self, id_: bytes) -> list[Stage]:
        return [stage for told, _, stage, _ in self.hub.stages if told == id_]

    def reason(self, id_: bytes) -> str:
        return [reason for told, _, _, reason in self.hub.stages if told == id_][-1]

    def states(self) -> list[ControlState]:
        """Return all run states that were told, oldest first."""
        return [sent.message for sent in self.hub.messages if isinstance(sent.message, ControlState)]

    def told(self, name: str) -> list[ParameterState]:
        """Return all that was told of a parameter, oldest first."""
        return [one for state in self.states() for one in state.parameters if one.name == name]

    def parameters(self) -> dict[str, Any]:
        """Return the parameters as they were told last."""
        states = self.states()
        return {one.name: one.value for one in states[-1].parameters} if states else {}

    def definitions(self) -> list[SeriesDefinitions]:
        """Return all definitions of series."""
        return [sent.message for sent in self.hub.messages if isinstance(sent.message, SeriesDefinitions)]

    def metrics(self) -> list[MetricBatch]:
        """Return all batches of metrics."""
        return [sent.message for sent in self.hub.messages if isinstance(sent.message, MetricBatch)]


class LabDaemon:
    """The real labdaemon in a process of its own; ends with its ``with`` block.

    Args:
        port: any when not given. guide, device: a guide in Markdown, and the class in it that is the device "guide".
    """

    def __init__(self, port: int | None = None, guide: Path | None = None, device: str = "") -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        program = Path(__file__).with_name("labdaemon_program.py")
        guided = [str(guide), device] if guide else []
        self._process = subprocess.Popen(
            [sys.executable, str(program), str(self.port), *guided],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n", "labdaemon did not start"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self) -> None:
        """Kill it, as when its machine is switched off."""
        self._process.kill()
        self._process.communicate()

    def ask(self, method: str, path: str, body: dict | None = None) -> dict:
        """Send a request of another client, and wait for the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    async def call(self, device: str, method: str, *args: object) -> dict:
        """Have another client call a method of a device."""
        body = {"method": method, "args": args, "kwargs": {}}
        return await asyncio.to_thread(self.ask, "POST", f"/devices/{device}/call", body)

    async def begin_task(self, task: str, **params: object) -> dict:
        """Have another client begin a task."""
        body = {"task_id": task, "task_type": "SweepTask", "params": {"device_id": "laser1", **params}}
        return await asyncio.to_thread(self.ask, "POST", "/tasks", body)
