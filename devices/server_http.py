"""uvicorn on the device server's loop: one socket, bounded, and silent but for what a person has to know."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import MutableMapping
from functools import partial
from typing import Any

from starlette.types import ASGIApp
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..core.complaints import Complaints
from .server_loop import ServerLoop

logger = logging.getLogger("dockscope.devices")

MOST_CONNECTIONS = 1000
MAX_HEAD_BYTES = 16_384
KEEP_ALIVE_S = 15
TICK_S = 1.0
FAREWELL_S = 0.5  # that clients have to take what is still to be sent


class HttpServer:
    """Answer at a socket, from the moment it is made, which is on the loop.

    Args:
        app: what answers. listener: the socket, bound. loop: of the server.
    """

    def __init__(self, app: ASGIApp, listener: socket.socket, loop: ServerLoop) -> None:
        self._server = _Server(
            Config(
                app,
                http=partial(_Protocol, _Log()),  # type: ignore[arg-type]
                ws="none",
                lifespan="off",
                log_config=None,
                proxy_headers=False,
                server_header=False,
                headers=[("server", "dockscope")],
                limit_concurrency=MOST_CONNECTIONS,
                timeout_keep_alive=KEEP_ALIVE_S,
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            )
        )
        self._serving = loop.begin(self._server.serve([listener]))

    async def stop(self) -> None:
        """Take no more requests, and leave those who do not take their answers; on the loop."""
        self._server.leave()
        await self._left(FAREWELL_S)
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        await asyncio.wait([self._serving])

    async def _left(self, timeout_s: float) -> None:
        """Wait until all requests are answered."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + timeout_s
        while self._server.server_state.tasks and loop.time() < until_s:
            await asyncio.wait(list(self._server.server_state.tasks), timeout=until_s - loop.time())


class _Server(Server):
    """uvicorn without its ten looks a second whether to end."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._leaving = asyncio.Event()

    def leave(self) -> None:
        """Leave the main loop."""
        self.should_exit = True
        self._leaving.set()

    async def main_loop(self) -> None:
        """Do once a second what uvicorn does then, which is to tell the time in the heads of answers."""
        while not await self.on_tick(0):
            try:
                async with asyncio.timeout(TICK_S):
                    await self._leaving.wait()
            except TimeoutError:
                pass


class _Protocol(H11Protocol):
    """One connection; what it would log goes where the rest of dockscope does, each cause once in a while."""

    def __init__(self, log: _Log, **options: Any) -> None:
        super().__init__(**options)
        self.logger = log  # type: ignore[assignment]
        self.access_log = False


class _Log(logging.LoggerAdapter[logging.Logger]):
    """What uvicorn writes to, of which it also asks the level."""

    level = logging.INFO

    def __init__(self) -> None:
        super().__init__(logger, {})
        self._complaints = Complaints(lambda sentence: logger.warning("%s", sentence))

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        return f"the device server: {str(msg).strip()}", kwargs

    def warning(self, msg: object, *args: object, **_: Any) -> None:
        """Tell what clients do wrong, once in a while."""
        self._complaints.complain(str(msg), f"the device server: {msg}")
