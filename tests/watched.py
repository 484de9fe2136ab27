"""A hub with one source on it, and what tests ask of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from dockscope.core.curve import Curve
from dockscope.core.dialects.base import open_source
from dockscope.core.hub import Hub, Producer
from dockscope.core.run_control import LinkState


class Watched:
    """A source that delivers into a hub of its own for as long as the ``async with`` lasts."""

    def __init__(self, url: str) -> None:
        self.hub = Hub()
        self.source = open_source(url, self.hub)

    async def __aenter__(self):
        self.source.start()
        return self

    async def __aexit__(self, *_):
        await self.source.close()

    @property
    def producer(self) -> Producer:
        return self.hub.producers[self.source.key]

    def curve(self, name: str = "loss") -> Curve:
        return self.hub.series.curves[self.source.key, name, ()]

    def samples(self, name: str = "loss") -> int:
        curve = self.hub.series.curves.get((self.source.key, name, ()))
        return 0 if curve is None else len(curve)

    def is_link(self, state: LinkState) -> Callable[[], bool]:
        return lambda: self.producer.link is state

    def is_run(self, state: str) -> Callable[[], bool]:
        return lambda: self.producer.run is not None and self.producer.run.run == state


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario to its end, within 30 s."""
    asyncio.run(asyncio.wait_for(scenario(), 30.0))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
