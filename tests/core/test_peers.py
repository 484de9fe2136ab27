"""Who is connected to an address that dockscope binds, among strangers that do not speak as they should."""

from __future__ import annotations

import asyncio

import pytest

from dockscope.core.dialects.zmtp import GREETING
from dockscope.core.run_control import LinkState
from foreign import Publisher
from watched import Watched, free_port, run

# A stranger of a kind that a SUB socket does not take: libzmq refuses it without a word.
REPLIER = GREETING + b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03REP"
STRANGERS = {
    "silent": b"",
    "http": b"GET / HTTP/1.1\r\n\r\n" * 9,
    "greeting": GREETING,
    "nonsense": GREETING + b"\x05nonsense",
    "replier": REPLIER,
}


async def visit(port: int, words: bytes) -> None:
    """Connect, say something, and read until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words)
    writer.write_eof()
    try:
        while await reader.read(1000):
            pass
    except ConnectionResetError:
        pass  # which is a way to close, too
    writer.close()


@pytest.mark.parametrize("words", STRANGERS.values(), ids=STRANGERS.keys())
def test_strangers_do_not_hide_a_publisher(words, wait_for_async):
    """Failed handshakes of others neither interrupt a publisher's curves nor make it look gone; its own end does."""

    async def scenario():
        port = free_port()
        async with Watched(f"json+zmq://*:{port}") as watched:
            with Publisher("json", f"tcp://127.0.0.1:{port}", connects=True):
                await wait_for_async(lambda: watched.samples() >= 5)
                for _ in range(3):
                    await visit(port, words)
                with Publisher("two", f"tcp://127.0.0.1:{port}", connects=True):  # later than what the strangers did
                    await wait_for_async(lambda: watched.samples("robot.loss") >= 5)
                assert watched.curve("loss").breaks.tolist() == []
            await wait_for_async(watched.is_link(LinkState.LOST))
            await visit(port, words)
            assert watched.producer.link is LinkState.LOST
            with Publisher("json", f"tcp://127.0.0.1:{port}", connects=True):
                await wait_for_async(watched.is_link(LinkState.LIVE))

    run(scenario)
