"""conduit's wire spoken with nothing but struct and msgpack, and both sides of the product as context managers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgpack

from dockscope.core.dialects.conduit import Client, ClientDescriptor, Server, ServerDescriptor, StreamManager

CAPTURE = Path(__file__).parent / "captures" / "netconduit.jsonl"
HEADER = struct.Struct(">4sHHHHIQQ")
PASSWORD = "secret"
PROOF = hashlib.sha256(PASSWORD.encode()).hexdigest()
INFO = {"name": "raw", "version": "1"}
MESSAGE, CALL, REPLY, ERROR, PING, PONG, LOGIN, WELCOME, REFUSAL, PAUSE, RESUME = range(1, 12)
CLOSE = 0x0E
PATIENCE_S = 5.0
SHOWN_BYTES = 200  # of each captured frame, as hex


class RawFrame(NamedTuple):
    type: int
    payload: Any
    id: int
    flags: int
    sent: bytes


def frame(type_: int, payload: Any = None, id_: int = 0, *, flags: int = 0, time_ms: int = 0) -> bytes:
    body = b"" if payload is None else msgpack.packb(payload, use_bin_type=True)
    assert body is not None
    if flags & 1:
        body = zlib.compress(body, 6)
    return HEADER.pack(b"CNDT", 0x0100, type_, flags, 0, len(body), id_, time_ms) + body


def login(proof: str = PROOF) -> bytes:
    return frame(LOGIN, {"password_hash": proof, "client_info": INFO})


def item(stream: str, data: Any) -> bytes:
    return frame(MESSAGE, {"type": "stream_data", "data": {"stream": stream, "data": data, "timestamp": 1.0}})


class RawPeer:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port: int) -> RawPeer:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    @classmethod
    async def logged_in(cls, port: int) -> RawPeer:
        peer = await cls.connect(port)
        peer.writer.write(login())
        assert (await peer.read()).type == WELCOME
        return peer

    async def read(self) -> RawFrame:
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readexactly(HEADER.size)
            magic, version, type_, flags, reserved, length, id_, _ = HEADER.unpack(head)
            assert (magic, version, reserved) == (b"CNDT", 0x0100, 0)
            body = await self.reader.readexactly(length)
        inflated = zlib.decompress(body) if flags & 1 else body
        payload = msgpack.unpackb(inflated, raw=False) if inflated else None
        return RawFrame(type_, payload, id_, flags, head + body)

    async def read_type(self, type_: int) -> RawFrame:
        """Skip what is of another type."""
        while (got := await self.read()).type != type_:
            pass
        return got

    async def at_end(self) -> bool:
        """Tell whether the other side closes, with nothing more to say."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read() == b""
            except ConnectionResetError:
                return True

    async def call(self, method: str, params: dict[str, Any], id_: int = 1) -> Any:
        self.writer.write(frame(CALL, {"method": method, "params": params}, id_))
        return (await self.read_type(REPLY)).payload["result"]

    def close(self) -> None:
        self.writer.transport.abort()


@asynccontextmanager
async def raw_server(serve: Callable[[RawPeer], Awaitable[None]]) -> AsyncIterator[int]:
    """A server that only waits for connections; ``serve`` does the rest. Gives its port."""
    writers = []

    async def on_guest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await serve(RawPeer(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other side has seen enough
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(on_guest, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await server.wait_closed()


@asynccontextmanager
async def our_server(**options: Any) -> AsyncIterator[tuple[Server, StreamManager, int]]:
    """A server of ours with streams; gives its port too."""
    server = Server(ServerDescriptor(**{"password": PASSWORD, "port": 0, **options}))
    streams = StreamManager(owner="server")
    streams.register_server_handlers(server)
    await server.start()
    try:
        yield server, streams, server.address[1]
    finally:
        await server.stop()


@asynccontextmanager
async def our_client(port: int, **options: Any) -> AsyncIterator[tuple[Client, StreamManager]]:
    """A client of ours with streams, connected."""
    client = Client(
        ClientDescriptor(**{"server_host": "127.0.0.1", "server_port": port, "password": PASSWORD, **options})
    )
    streams = StreamManager(owner="client")
    streams.register_client_handlers(client)
    try:
        await client.connect()
        yield client, streams
    finally:
        await client.disconnect()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 12.0))


def captured() -> list[dict[str, Any]]:
    """Give the captured frames, in their order."""
    return [json.loads(line) for line in CAPTURE.read_text().splitlines() if line.startswith("{")]


CAPTURED = captured()


def payload_of(told: dict[str, Any]) -> Any:
    """Give the payload as it was; the one binary value in the capture is written as hex."""
    payload = told["payload"]
    if isinstance(payload, dict) and payload.get("data", {}).get("stream") == "video_frames":
        payload = {**payload, "data": {**payload["data"], "data": {"frame": b"\0\1"}}}
    return payload


def whole(told: dict[str, Any]) -> bytes:
    """Give all bytes of a captured frame: as shown, or made from its payload where the capture shows a part."""
    shown = bytes.fromhex(told["hex"])
    if len(shown) < SHOWN_BYTES:
        return shown
    packed = msgpack.packb(payload_of(told), use_bin_type=True) or b""
    made = shown[: HEADER.size] + packed
    assert made.startswith(shown)
    return made


def without_time(frame: bytes) -> bytes:
    return frame[: HEADER.size - 8] + frame[HEADER.size :]


def sent_by(side: str, type_: int) -> list[dict[str, Any]]:
    return [told for told in CAPTURED if told["dir"] == side and int(told["type"], 16) == type_]
