"""The stream of one device, handed to any number of clients."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from typing import Any

from ..core.dialects.plain_json import to_json
from .served import Served
from .server_clients import StreamClient
from .server_errors import RequestError
from .server_events import failure_event, reading_event
from .server_loop import ServerLoop

logger = logging.getLogger("dockscope.devices")

LOOK_EVERY_S = 1.0
MOST_HANDED_OVER = 1000


class StreamFailedError(Exception):
    """The stream did not come about.

    Attributes:
        kind: name of the error that the device raised.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class DeviceFeed:
    """Number the readings of a device and hand each to all clients. Lives on the server's loop, apart from ``take``.

    The device is started for the first client and stopped after the last one, unless it was started otherwise.

    Args:
        served: the device. loop: of the server.
    """

    def __init__(self, served: Served, loop: ServerLoop) -> None:
        self.served = served
        self.is_on = False
        self._loop = loop
        self._clients: set[StreamClient] = set()
        self._changing = asyncio.Lock()
        self._is_ours = self._is_kept = False
        self._watch: asyncio.Task[None] | None = None
        self._numbering = threading.Lock()
        self._stream = 0  # what an earlier one still delivers is nobody's
        self._taken, self._dropped_before, self._number = 0, 0, -1
        self._over: deque[tuple[int, bytes]] = deque(maxlen=MOST_HANDED_OVER)
        self._is_posted = False
        self._unwritable: set[str] = set()

    @property
    def clients(self) -> int:
        """Return how many clients there are."""
        return len(self._clients)

    async def join(self) -> StreamClient:
        """Start the device unless it streams, and return a new client.

        Raises:
            StreamFailedError: it cannot be started, or is no device that streams.
        """
        if not self.served.streams:
            raise StreamFailedError("DeviceError", f"Device '{self.served.id}' does not support streaming")
        client = StreamClient(self._number + 1)
        self._clients.add(client)  # before the first reading
        try:
            async with self._changing:
                await self._start()
        except BaseException:
            self._clients.discard(client)
            raise
        return client

    def leave(self, client: StreamClient) -> None:
        """Forget a client, and have the device stopped after the last one if it was started for clients."""
        self._clients.discard(client)
        if not self._clients:
            self._loop.begin(self._stop_unused())

    async def keep(self) -> None:
        """Start the device unless it streams, and have it stream whether or not there are clients.

        Raises:
            StreamFailedError: it cannot be started.
        """
        async with self._changing:
            await self._start()
            self._is_kept = True

    async def stop(self) -> None:
        """Stop the device, whoever started it, and end the stream of all clients."""
        self.end_clients()
        async with self._changing:
            await self._stop()

    async def close(self) -> None:
        """End the stream of all clients, and stop the device if it was started here."""
        self.end_clients()
        async with self._changing:
            if self._is_ours:
                await self._stop()

    def end_clients(self, farewell: bytes = b"") -> None:
        """End the stream of all clients.

        Args:
            farewell: their last event.
        """
        clients, self._clients = self._clients, set()
        for client in clients:
            client.end(farewell)

    # -- the device ---------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        if self.is_on:
            return
        self._stream += 1
        stream = self._stream
        dropped = self.served.dropped
        with self._numbering:
            self._dropped_before = dropped + self._taken - (self._number + 1)
        try:
            self._is_ours = await self._loop.result(self.served.start(lambda value: self.take(stream, value)))
        except RequestError:  # the server stops, and whatever comes of it with it
            self._stream += 1
            raise
        except Exception as error:
            self._stream += 1
            raise StreamFailedError(type(error).__name__, str(error) or type(error).__name__) from error
        self.is_on = True
        self._watch = self._loop.begin(self._look_again())

    async def _stop(self) -> None:
        self._stream += 1
        self.is_on = self._is_ours = self._is_kept = False
        if self._watch is not None and self._watch is not asyncio.current_task():
            self._watch.cancel()
        self._watch = None
        try:
            await self._loop.outcome(self.served.stop())
        except Exception as error:  # noqa: BLE001 - whatever a device raises, the stream is over for the clients
            logger.warning("%s: stop: %s", self.served.id, error)

    async def _stop_unused(self) -> None:
        async with self._changing:
            if not self._clients and self._is_ours and not self._is_kept:
                await self._stop()

    async def _look_again(self) -> None:
        """Find out when the device has ended the stream by itself, and tell the clients."""
        while self.is_on:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                still = await self._loop.outcome(self.served.look_at_stream())
            except Exception as error:  # noqa: BLE001 - a device that cannot even tell
                still, reason = False, str(error)
            else:
                reason = "" if still else self.served.end_reason
            if not still:
                await self._has_ended(reason)
                return

    async def _has_ended(self, reason: str) -> None:
        async with self._changing:
            if not self.is_on:
                return
            words = f"the stream of {self.served.id} has ended" + (f": {reason}" if reason else "")
            self.end_clients(failure_event(self.served.id, "DeviceError", words))
            await self._stop()

    # -- from the device's thread to the clients ------------------------------------------------------------------

    def take(self, stream: int, value: Any) -> None:
        """Take a reading, in a thread of the device.

        Args:
            stream: that it belongs to. value: of any kind that has a meaning in JSON.
        """
        with self._numbering:
            if stream != self._stream:
                return
            number = self._count()
        if not self._clients:
            return
        try:
            self._over.append((number, reading_event(number, to_json(value, words=True))))
        except (TypeError, ValueError) as error:
            self._tell_unwritable(str(error))
            return
        if not self._is_posted:
            self._is_posted = True
            self._loop.post(self._hand_over)

    def _count(self) -> int:
        """Return the number of a reading; those that the device gave up before it have numbers, too."""
        number = self._taken + self.served.dropped - self._dropped_before
        self._taken += 1
        self._number = max(self._number + 1, number)
        return self._number

    def _hand_over(self) -> None:
        self._is_posted = False  # before the first is taken: what comes meanwhile is posted again
        while self._over:
            number, event = self._over.popleft()
            for client in self._clients:
                client.offer(number, event)

    def _tell_unwritable(self, words: str) -> None:
        if words not in self._unwritable and len(self._unwritable) < 16:
            self._unwritable.add(words)
            logger.warning("%s: readings are left out: %s", self.served.id, words)
