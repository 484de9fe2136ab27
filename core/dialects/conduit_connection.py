"""One conduit connection that is logged in: reads, writes, stays alive, calls and is called. Both sides use it."""

from __future__ import annotations

import asyncio
import logging
import math
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from ..complaints import Complaints
from ..messages import ProtocolError
from .conduit_calls import OpenCalls
from .conduit_descriptors import WireOptions
from .conduit_errors import ConduitConnectionError, RPCError, RPCTimeout
from .conduit_events import Event, Message, RpcReply, RpcRequest, Signal, read_event, write_event
from .conduit_frame import FrameDecoder, FrameType, FramingError
from .conduit_heartbeat import Heartbeat
from .conduit_inbox import Inbox
from .conduit_outbox import Lane, Outbox
from .conduit_rate import RateLimit

logger = logging.getLogger("dockscope.conduit")

SEND_BYTES = 64 * 1024
LINGER_S = 0.3

Incoming = Message | RpcRequest
Later = Callable[[], Awaitable[None]]
OnEvent = Callable[["Connection", Incoming], Later | None]
OnClosed = Callable[["Connection"], None]


class Connection:
    """A connection.

    Args:
        reader, writer: of the socket. decoder: may hold what came after the login.
        options: of this side. peer: what the other side told of itself.
        on_event: gets messages and calls as they are read. What is to be awaited for them it returns as a function:
            these run in their order, apart from the reading, so that a slow one delays no sign of life.
        on_closed: is called once when the connection is gone, whoever ended it.
        on_bad: gets what is wrong with a frame; the log when not given, each cause once in five seconds.
        silence_s: after which it is given up, if that is less than the heartbeat timeout.
        bytes_per_second: as many are read; None for all there are.
        hold_s: seconds to send nothing, unless the other side sends something before.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        decoder: FrameDecoder,
        options: WireOptions,
        peer: dict[str, Any],
        on_event: OnEvent,
        on_closed: OnClosed,
        on_bad: Callable[[ProtocolError], None] | None = None,
        silence_s: float = math.inf,
        bytes_per_second: float | None = None,
        hold_s: float = 0.0,
    ) -> None:
        self.id = str(uuid.uuid4())
        self.peer = peer
        self.remote_address: Any = writer.get_extra_info("peername")
        self.bad_frames = 0
        self.ended_by = ""
        self._reader, self._writer, self._decoder, self._options = reader, writer, decoder, options
        self._on_event, self._on_closed, self._on_bad = on_event, on_closed, on_bad or self._complain
        self._outbox = Outbox(options.send_queue_size)
        self._inbox: Inbox[Later] = Inbox(options.receive_queue_size, self._run, self._ask_to_pause)
        self._complaints = Complaints(lambda sentence: logger.warning("%s", sentence))
        self._calls = OpenCalls()
        self._heartbeat = Heartbeat(
            interval_s=options.heartbeat_interval,
            patience_s=min(silence_s, options.heartbeat_timeout),
            ping=self._ping,
            silent=lambda silence_s: self._end(f"no sign of life for {silence_s:.0f} s"),
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._rate = None if bytes_per_second is None else RateLimit(bytes_per_second)
        self._hold_s = hold_s
        self._gone = asyncio.Event()
        writer.transport.set_write_buffer_limits(high=0)  # what waits does so in the outbox, where it can give way

    @property
    def is_connected(self) -> bool:
        """Tell whether it is still there."""
        return not self._gone.is_set()

    @property
    def compresses(self) -> bool:
        """Tell whether this side compresses what it sends."""
        return self._options.enable_compression

    def start(self) -> None:
        """Begin to read and write."""
        loop = asyncio.get_running_loop()
        if self._hold_s:
            self._outbox.hold()
            loop.call_later(self._hold_s, self._outbox.release)
        self._tasks = [loop.create_task(work()) for work in (self._read, self._write, self._inbox.run)]
        for task in self._tasks:
            task.add_done_callback(self._work_ended)
        self._heartbeat.start()

    async def close(self) -> None:
        """Send what waits, for a moment, then end it and leave nothing behind."""
        if self.is_connected:
            try:
                async with asyncio.timeout(LINGER_S):
                    await self._outbox.flushed.wait()
            except TimeoutError:
                pass  # the other side does not read
        self._end("closed")
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def wait_closed(self) -> None:
        """Wait until it is gone."""
        await self._gone.wait()

    async def wait_handled(self) -> None:
        """Wait until it is gone and what had come is handled."""
        await self._gone.wait()
        await asyncio.wait(self._tasks)

    # -- sending ------------------------------------------------------------------------------------------------

    async def send_message(self, message_type: str, data: Any) -> None:
        """Send a message.

        Raises:
            ConduitConnectionError: not connected, or no room for the message within ``send_timeout``.
            TypeError, ValueError: a value that cannot be sent.
        """
        await self._put(self.encoded(Message(message_type, data)))

    async def send_frame(self, frame: bytes) -> None:
        """Send a frame that is encoded already; see ``send_message``."""
        await self._put(frame)

    def encoded(self, event: Event) -> bytes:
        """Return the frame of an event as this side sends it.

        Raises:
            TypeError, ValueError: a value that cannot be sent, or too much of it.
        """
        frame = write_event(event, compress=self._options.enable_compression)
        if len(frame) > self._options.max_message_size:
            raise ValueError(f"a message of {len(frame)} bytes, max_message_size is {self._options.max_message_size}")
        return frame

    def offer(self, lane: Lane, frame: bytes) -> bool:
        """Put a stream item into a lane; returns False when the connection is gone."""
        if not self.is_connected:
            return False
        self._outbox.offer(lane, frame)
        return True

    async def call(self, method: str, params: dict[str, Any], timeout_s: float) -> Any:
        """Call the other side and return what it answers.

        Raises:
            RPCError: it could not do it. RPCTimeout: it did not answer. ConduitConnectionError: it is gone.
        """
        id_ = self._calls.number()
        try:
            async with asyncio.timeout(timeout_s):
                with self._calls.open(id_) as reply:
                    await self._put(self.encoded(RpcRequest(id_, method, params)))
                    answer = await reply
        except TimeoutError:
            raise RPCTimeout(method, timeout_s) from None
        if answer.fault is not None:
            raise RPCError.of(answer.fault)
        return answer.value

    async def tell(self, method: str, params: dict[str, Any]) -> int:
        """Call the other side without waiting for an answer; returns the number of the call."""
        id_ = self._calls.number()
        await self._put(self.encoded(RpcRequest(id_, method, params)))
        return id_

    async def _put(self, frame: bytes) -> None:
        if not self.is_connected:
            raise ConduitConnectionError("not connected")
        if not self._outbox.put(frame):
            await self._put_later(frame)

    async def _put_later(self, frame: bytes) -> None:
        try:
            async with asyncio.timeout(self._options.send_timeout):
                while self.is_connected and not self._outbox.put(frame):
                    await self._outbox.room()
        except TimeoutError:
            seconds = self._options.send_timeout
            raise ConduitConnectionError(f"nothing was taken for {seconds:g} s: the message was not sent") from None
        if not self.is_connected:
            raise ConduitConnectionError("the connection was lost")

    # -- the work -----------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        try:
            while True:
                await self._take_frames()
                data = await self._reader.read(self._options.buffer_size)
                if not data:
                    self._end("the other side closed the connection")
                    return
                self._heartbeat.heard()
                self._decoder.feed(data)
                if self._rate is not None:
                    await asyncio.sleep(self._rate.owe(len(data)))
        except FramingError as error:
            self._bad(error)
            self._end("the bytes are not conduit's")
        except OSError as error:
            self._end(f"the connection broke: {error.strerror or error}")

    async def _take_frames(self) -> None:
        while True:
            try:
                frame = self._decoder.next()
                if frame is None:
                    return
                self._outbox.release()
                await self._take(read_event(frame))
            except FramingError:
                raise
            except ProtocolError as error:
                self._bad(error)

    async def _take(self, event: Event) -> None:
        match event:
            case Signal(FrameType.HEARTBEAT_PING):
                self._outbox.put_urgent(write_event(Signal(FrameType.HEARTBEAT_PONG)))
            case Signal(FrameType.PAUSE) if self._options.enable_backpressure:
                self._outbox.pause()
            case Signal(FrameType.RESUME):
                self._outbox.resume()
            case RpcReply():
                self._calls.answer(event)
            case Message() | RpcRequest():
                later = self._told(event)
                if later is not None:
                    await self._inbox.put(later)
            case _:
                pass  # other signals ask for nothing, as in the original; a second login neither

    def _told(self, event: Incoming) -> Later | None:
        try:
            return self._on_event(self, event)
        except Exception:
            logger.exception("a handler failed for what %s sent", self.remote_address)
            return None

    async def _run(self, later: Later) -> None:
        try:
            await later()
        except ConduitConnectionError:
            pass  # gone before it could be answered
        except Exception:
            logger.exception("a handler failed for what %s sent", self.remote_address)

    async def _write(self) -> None:
        try:
            while True:
                self._writer.write(await self._outbox.take(SEND_BYTES))
                await self._writer.drain()
        except OSError as error:
            self._end(f"the connection broke: {error.strerror or error}")

    def _ask_to_pause(self, paused: bool) -> None:
        if self._options.enable_backpressure:
            self._outbox.put_urgent(write_event(Signal(FrameType.PAUSE if paused else FrameType.RESUME)))

    def _bad(self, error: ProtocolError) -> None:
        self.bad_frames += 1
        self._on_bad(error)

    def _complain(self, error: ProtocolError) -> None:
        self._complaints.complain(str(error), f"from {self.remote_address}: {error}")

    def _work_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("the connection with %s failed", self.remote_address, exc_info=error)
            self._end("an internal error")

    # -- staying alive, and the end -----------------------------------------------------------------------------

    def _ping(self) -> None:
        if self._inbox.is_full:  # it is we who do not read
            self._heartbeat.heard()
        self._outbox.put_urgent(write_event(Signal(FrameType.HEARTBEAT_PING)))

    def _end(self, why: str) -> None:
        if self._gone.is_set():
            return
        self.ended_by = why
        self._gone.set()
        self._heartbeat.stop()
        self._outbox.close()
        self._inbox.finish()
        for task in self._tasks[:2]:
            if task is not asyncio.current_task():
                task.cancel()
        self._writer.transport.abort()
        self._calls.lose()
        self._on_closed(self)
