"""The stream of one device: opened, read, opened again when it breaks, as long as it is wanted."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from ..backoff import Backoff
from ..link_address import LinkError
from ..messages import ProtocolError
from ..turns import Turns
from .device_http import DeviceServer, RefusedError
from .device_listing import ServerError, read_error, read_object
from .framing import Published
from .object_reader import ObjectReader
from .payload import decode_payload, unquoted_numbers
from .reception import Reception
from .sse import ServerEvent, SseParser

MAX_EVENT_BYTES = 16 * 2**20
# Who ended it may want to stream the device himself, and only one can.
AFTER_END_S = 2.0
STEADY_S = 5.0  # a stream that ends sooner is opened again after growing pauses: each opening starts the device
READING, REFUSAL = "device_data", "stream_error"

Pending = deque[ServerEvent | ProtocolError]


class DeviceStream:
    """Keep one device streaming while it is wanted.

    Args:
        device: its id. reception, reader, turns: take what comes. on_change: is called when ``is_on`` may have changed.

    Attributes:
        is_wanted: it is opened again when it ends. is_on: the server has shown that it streams to us.
        is_open: it is asked for, or was and the answer has not ended. is_stopped: the server said that it is stopped.
        refusal: why the server did not start it the last time, or "".
    """

    def __init__(
        self,
        device: str,
        *,
        reception: Reception,
        reader: ObjectReader,
        turns: Turns,
        on_change: Callable[[], None],
    ) -> None:
        self.device = device
        self.is_wanted, self.is_on, self.is_open, self.is_stopped = True, False, False, False
        self.refusal = ""
        self._reception, self._reader, self._turns, self._on_change = reception, reader, turns, on_change
        self._backoff = Backoff()
        self._hurry = asyncio.Event()
        self._on_s = 0.0
        self._has_read = False
        self._last_number: int | None = None

    def want(self) -> None:
        """Have it streamed, at once."""
        self.is_wanted, self.refusal = True, ""
        self._backoff.reset()
        self._hurry.set()

    async def keep(self, server: DeviceServer) -> None:
        """Stream whenever it is wanted, until cancelled."""
        while True:
            self._hurry.clear()
            pause_s = await self._stream_once(server) if self.is_wanted else None
            try:
                async with asyncio.timeout(pause_s):
                    await self._hurry.wait()
            except TimeoutError:
                pass

    async def _stream_once(self, server: DeviceServer) -> float | None:
        """Read one response to its end; returns the seconds to wait before the next, None until it is wanted."""
        self.is_open, self.is_stopped = True, False
        try:
            return await self._read_response(server)
        finally:
            self.is_on = self.is_open = False
            self._on_change()

    async def _read_response(self, server: DeviceServer) -> float | None:
        try:
            async with server.stream(self.device) as chunks:
                parser = SseParser(MAX_EVENT_BYTES)
                self._last_number = None
                async for chunk in chunks:
                    await self._read(deque(parser.feed(chunk)))
                    self._note_steady()
        except RefusedError as refused:
            return self._failed(refused.error.message or refused.error.type)
        except (LinkError, ProtocolError) as error:
            return self._failed(str(error))
        if self.is_wanted and self.is_on:
            self._tell(f"the server ended the stream of {self.device}; it is asked for again")
            return AFTER_END_S
        return self._backoff.next_s() if self.is_wanted else None

    async def _read(self, pending: Pending) -> None:
        while pending:
            await self._turns.take(lambda until_s: self._take(pending, until_s))

    def _take(self, pending: Pending, until_s: float) -> None:
        try:
            while pending and time.monotonic() < until_s:
                self._take_one(pending.popleft())
        finally:
            self._reader.deliver()

    def _take_one(self, event: ServerEvent | ProtocolError) -> None:
        self._reception.heard()
        try:
            if isinstance(event, ProtocolError):
                raise event
            if event.name == REFUSAL:
                raise RefusedError(200, read_error(read_object(event.data)) or ServerError("Error", ""))
            self._set_on()  # the first sign of life shows that the device was started, the status does not
            if event.name == READING:
                self._take_reading(event)
        except ProtocolError as error:
            self._reception.bad_message(error)

    def _take_reading(self, event: ServerEvent) -> None:
        self._count(event.id)
        self._has_read = True
        value = decode_payload(unquoted_numbers(event.data))
        self._reader.take(Published(self.device, value, None), time.time(), len(event.data))

    def _count(self, id_: str) -> None:
        """Tell what a jump of the ids shows to be lost. Ids without one show nothing: often the sent are counted."""
        number = int(id_) if id_.isdecimal() and len(id_) < 19 else None
        before, self._last_number = self._last_number, number
        if number is not None and before is not None and number > before + 1:
            self._reader.deliver()  # what came before the gap
            self._reception.gap(self.device)
            self._reception.problem(
                f"lost {self.device}", f"{number - before - 1} readings of {self.device[:60]} were lost on the way"
            )

    def _set_on(self) -> None:
        if self.is_on:
            return
        self.is_on, self._on_s = True, time.monotonic()
        if self._has_read:
            self._reception.gap(self.device)  # what came in between, nobody knows
        self._on_change()

    def _note_steady(self) -> None:
        if self.is_on and time.monotonic() - self._on_s >= STEADY_S:
            self.refusal = ""
            self._backoff.reset()

    def _failed(self, reason: str) -> float:
        if reason != self.refusal:
            self.refusal = reason
            self._tell(f"{self.device}: {reason}; tried again by itself")
        return self._backoff.next_s()

    def _tell(self, sentence: str) -> None:
        self._reception.problem(f"stream {self.device}", sentence)
