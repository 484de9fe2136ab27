"""Links on which nothing comes: what they cost."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import zmq

from conduit_raw import PASSWORD, our_server
from device_replay import ReplayServer
from dockscope.core.dialects.placement_ws import StreamServer
from dockscope.core.run_control import LinkState
from idle import MOST_OF_A_CORE, idle_share
from watched import Watched, free_port, run

LIVE = b"event: ping\r\ndata: {}\r\n\r\n"


@asynccontextmanager
async def publisher() -> AsyncIterator[str]:
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.linger = 0
        yield f"json+zmq://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}"


@asynccontextmanager
async def visitor() -> AsyncIterator[str]:
    port = free_port()
    with zmq.Context() as context, context.socket(zmq.PUB) as socket:
        socket.linger = 0
        socket.connect(f"tcp://127.0.0.1:{port}")
        yield f"json+zmq://*:{port}"


@asynccontextmanager
async def conduit_server() -> AsyncIterator[str]:
    async with our_server() as (_, streams, port):
        streams.create("silent")
        yield f"conduit://127.0.0.1:{port}"


@asynccontextmanager
async def device_server() -> AsyncIterator[str]:
    async with ReplayServer() as server:
        for device in ("daq1", "daq2"):
            server.streams[device] = deque([[LIVE, None]])
        yield server.url


@asynccontextmanager
async def placement_server() -> AsyncIterator[str]:
    server = StreamServer(port=0)
    await server.start()
    try:
        yield server.url
    finally:
        await server.stop()


@pytest.mark.parametrize("other", [publisher, visitor, conduit_server, device_server, placement_server])
def test_an_idle_link_leaves_the_processor_alone(other, wait_for_async, monkeypatch):
    """A link on which nothing comes uses under 1 % of a core, together with the other side where that is in Python."""
    monkeypatch.setenv("DOCKSCOPE_PASSWORD", PASSWORD)

    async def scenario():
        async with other() as url, Watched(url) as watched:
            await wait_for_async(watched.is_link(LinkState.LIVE))
            assert await asyncio.to_thread(idle_share) < MOST_OF_A_CORE

    run(scenario)
