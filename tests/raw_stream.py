"""Both ends of atoplace's wire in a few lines of ``websockets``, for tests: what they say is what is on the wire."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

CAPTURE = Path(__file__).parent / "captures" / "atoplace_ws.txt"


def captured() -> tuple[list[str], list[str]]:
    """Return what the real server sent and what was sent to it, as text."""
    lines = CAPTURE.read_text().splitlines()
    received = [line.split(" str ", 1)[1] for line in lines if " str " in line]
    sent = [line.removeprefix("SENT ") for line in lines if line.startswith("SENT ")]
    return received, sent


class RawViewer:
    """A viewer that keeps every message as it came.

    Args:
        url: of the server. origin: as a browser would tell it.
    """

    def __init__(self, url: str, origin: str | None = None) -> None:
        self.url, self.origin = url, None if origin is None else Origin(origin)
        self.texts: list[str] = []

    async def __aenter__(self):
        self.socket = await connect(self.url, origin=self.origin, compression=None, proxy=None, max_size=None)
        self._reading = asyncio.ensure_future(self._read())
        return self

    async def __aexit__(self, *_):
        await self.socket.close()
        await self._reading

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                assert isinstance(text, str)
                self.texts.append(text)
        except ConnectionClosed:
            pass

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.texts]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    async def send(self, text: str) -> None:
        await self.socket.send(text)


class RawProducer:
    """A server that sends what a test says, and keeps what it is told.

    Args:
        port: 0 for any. first: messages that every viewer gets at once. obeys: answer pause, resume, stop and ping as
            the real one does.
    """

    def __init__(self, *first: str, port: int = 0, obeys: bool = True) -> None:
        self.first, self.port, self.obeys = first, port, obeys
        self.received: list[str] = []
        self.paused = self.stopped = False
        self.connections: set[Any] = set()

    async def __aenter__(self):
        self._server = await serve(self._serve, "127.0.0.1", self.port, close_timeout=0.5)
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def send(self, *texts: str) -> None:
        for text in texts:
            for connection in list(self.connections):
                await connection.send(text)

    async def drop(self) -> None:
        """Say goodbye to all viewers, and go on."""
        for connection in list(self.connections):
            await connection.close()

    async def _serve(self, connection: Any) -> None:
        self.connections.add(connection)
        try:
            for text in self.first:
                await connection.send(text)
            async for text in connection:
                self.received.append(text)
                if self.obeys:
                    await self._obey(connection, json.loads(text)["type"])
        except ConnectionClosed:
            pass
        finally:
            self.connections.discard(connection)

    async def _obey(self, connection: Any, asked: str) -> None:
        if asked == "ping":
            await connection.send('{"type": "pong"}')
        elif asked in ("pause", "resume", "stop"):
            self.paused = {"pause": True, "resume": False, "stop": self.paused}[asked]
            self.stopped = self.stopped or asked == "stop"
            await self.send(
                json.dumps({"type": "control_state", "paused": self.paused, "stop_requested": self.stopped})
            )


def frame(index: int, components: dict[str, Any] | None = None, **data: Any) -> str:
    """Return a frame message."""
    places = {"U1": [10.0, 10.0, 0.0], "R1": [20.0 + index, 10.0, 90.0]} if components is None else components
    told = {"index": index, "label": f"step {index}", "iteration": index, "phase": "refinement", "components": places}
    return json.dumps({"type": "frame", "data": {**told, **data}, "timestamp": 1_800_000_000.0 + index})


WELCOME = '{"type": "welcome", "fps": 10.0, "paused": false}'
