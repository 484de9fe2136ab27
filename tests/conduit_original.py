"""The original of conduit, the package netconduit, as context managers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import conduit as original

from conduit_raw import PASSWORD

SHORT_S = 0.5


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@asynccontextmanager
async def original_server(**options) -> AsyncIterator[Any]:
    port = free_port()
    server = original.Server(original.ServerDescriptor(password=PASSWORD, host="127.0.0.1", port=port, **options))
    streams = original.StreamManager()
    streams.register_server_handlers(server)
    before = asyncio.all_tasks()
    await server.start()
    try:
        yield server, streams, port
    finally:
        await force_to_stop(server, before)


async def force_to_stop(server, before: set[asyncio.Task]) -> None:
    """Stop the original, whose own ``stop`` may wait for ever for a client that left."""
    stopping = asyncio.ensure_future(server.stop())
    await asyncio.wait([stopping], timeout=SHORT_S)
    server._tcp_server._server.close()
    while tasks := asyncio.all_tasks() - before - {asyncio.current_task()}:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=0.1)


@asynccontextmanager
async def original_client(port: int, **options) -> AsyncIterator[Any]:
    client = original.Client(
        original.ClientDescriptor(server_host="127.0.0.1", server_port=port, password=PASSWORD, **options)
    )
    streams = original.StreamManager()
    streams.register_client_handlers(client)
    try:
        yield client, streams
    finally:
        await client.disconnect()
