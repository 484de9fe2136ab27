"""The answer that is a stream of events (ASGI): it goes on until the client leaves or the stream ends."""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .server_errors import RequestError
from .server_events import PING, failure_event
from .server_loop import ServerLoop
from .server_streams import DeviceFeed, StreamFailedError

PING_S = 1.0
HEADERS = {
    "cache-control": "no-cache",
    "connection": "keep-alive",
    "x-accel-buffering": "no",
    "content-type": "text/event-stream; charset=utf-8",
}


class EventStream(Response):
    """Stream the readings of a device to one client.

    Args:
        feed: of the device. loop: of the server.
    """

    def __init__(self, feed: DeviceFeed, loop: ServerLoop) -> None:
        self._feed, self._loop = feed, loop
        self.status_code, self.background = 200, None
        self.init_headers(HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if scope["method"] != "HEAD":
            leaving = asyncio.ensure_future(_until_gone(receive))
            try:
                await self._stream(send, leaving)
            finally:
                leaving.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _stream(self, send: Send, leaving: asyncio.Future[None]) -> None:
        try:
            client = await self._loop.attended(self._feed.join())
        except StreamFailedError as error:
            await _send(send, failure_event(self._feed.served.id, error.kind, str(error)))
            return
        except RequestError:  # the server stops
            return
        leaving.add_done_callback(lambda _: client.end())
        try:
            while not leaving.done() and (events := await client.take(PING_S)) is not None:
                await _send(send, events or PING)
        finally:
            self._feed.leave(client)


async def _send(send: Send, events: bytes) -> None:
    await send({"type": "http.response.body", "body": events, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
