"""The one thread that owns the socket: it numbers, retains and sends, and hands requests to the desk."""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import zmq

from .access import TokenFile
from .binding import bind
from .checkpoint import RunControl
from .complaints import Complaints
from .frame_rate import FrameRate
from .history import History
from .messages import ControlState, Hello, LogRecord
from .publish_queue import PublishQueue
from .publisher import Publisher
from .request_desk import RequestDesk
from .run_control import RunState
from .wire import MAX_REQUEST_BYTES, Reply

logger = logging.getLogger("dockscope.broadcaster")

BUSY_MS = 4  # how long samples gather while the program publishes all the time
BUSY_S = 0.03  # so long after the last publication no call has to wake this thread, which costs it a system call
HEARTBEAT_S = 1.0
RECEIVED_AT_ONCE = 256
FAREWELL_SHARE = 0.6  # of linger, for viewers that still return credit; the rest is ZeroMQ's


class IoThread:
    """Bind, serve, and say farewell.

    Args:
        endpoint: what to bind, for ZeroMQ. queue: what the program publishes. history: what is retained.
        rate: thins frames.

    Raises:
        OSError: the port is taken or the address cannot be bound; raised in the caller's thread.
    """

    def __init__(self, endpoint: str, *, queue: PublishQueue, history: History, rate: FrameRate) -> None:
        self._queue = queue
        self._rate = rate
        self._outbox: deque[Reply | ControlState | LogRecord] = deque()
        self._flushes: deque[threading.Lock] = deque()  # each taken until all that was published before is handed on
        self._farewell: list[ControlState] = []
        self._closing = threading.Event()
        self._served = False  # whether the thread has done its last turn
        self._linger_s = 0.0
        self._busy_until = 0.0
        self._next_beat = time.monotonic() + HEARTBEAT_S
        self.complaints = Complaints(self._complain)
        self.publisher = Publisher(queue, history, rate)
        self.history = history
        self._context = zmq.Context()
        try:
            self._socket = _bind(self._context, endpoint)
        except BaseException:
            self._context.destroy(linger=0)
            raise
        self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(queue.receiver, zmq.POLLIN)
        self._thread = threading.Thread(target=self._run, name="dockscope-broadcaster", daemon=True)

    def start(self, hello: Hello, tokens: TokenFile, control: RunControl) -> None:
        """Begin to serve.

        Args:
            hello: what the producer tells of itself. tokens: decides roles. control: takes commands.
        """
        self._control = control
        self._desk = RequestDesk(
            hello=hello,
            tokens=tokens,
            publisher=self.publisher,
            history=self.history,
            control=control.request,
            send=self._send,
            complaints=self.complaints,
        )
        self.publisher.publish_control(control.state())
        self._thread.start()

    def emit(self, event: Reply | ControlState | LogRecord) -> None:
        """Take what viewers shall be told, from any thread."""
        self._outbox.append(event)
        if self._queue.sleeping:
            self._queue.wake()

    def flush(self, timeout: float | None) -> bool:
        """Wait until all that was published before is numbered, retained and handed on."""
        done = threading.Lock()  # and not an Event, which Ctrl-C can leave locked: this thread would hang in its set()
        done.acquire()
        self._flushes.append(done)
        if self._queue.sleeping:
            self._queue.wake()
        if self._served:  # it ended just now, and may have looked for waiting threads before this one came
            return False
        return done.acquire(timeout=-1 if timeout is None else min(max(0.0, timeout), threading.TIMEOUT_MAX))

    def close(self, linger_s: float) -> None:
        """Say farewell within ``linger_s`` seconds and end."""
        self._linger_s = linger_s
        self._closing.set()
        self._queue.wake()
        if threading.current_thread() is not self._thread:
            self._thread.join(linger_s + 5.0)

    @property
    def alive(self) -> bool:
        """Whether the thread serves; Thread.is_alive is not asked, which Ctrl-C in it makes deny a living thread."""
        return not self._served

    # -- the thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                self._guarded_turn()
            self._say_farewell(time.monotonic() + self._linger_s)
        finally:
            self._served = True
            while self._flushes:
                self._flushes.popleft().release()
            self._queue.close()

    def _guarded_turn(self) -> None:
        try:
            self._turn(self._timeout_ms())
        except Exception:
            self.complaints.complain("turn", "an internal error; see the producer's log")
            logger.exception("a turn of the I/O thread failed")
            time.sleep(0.1)  # an error that repeats must not take the watched program's time

    def _timeout_ms(self) -> float:
        """Decide how long to wait; sets the sign for publishers when it is until something happens."""
        if time.monotonic() < self._busy_until:
            return BUSY_MS
        self._queue.sleeping.append(True)
        if self._queue.waiting() or self._outbox or self._flushes or self._closing.is_set():
            return 0
        wait_s = max(0.0, self._next_beat - time.monotonic())
        held_s = self._rate.wait_s()
        return 1000 * (wait_s if held_s is None else min(wait_s, held_s)) + 1

    def _turn(self, timeout_ms: float) -> None:
        events = dict(self._poller.poll(int(timeout_ms)))
        self._queue.sleeping.clear()
        if self._queue.receiver.fileno() in events:
            self._queue.was_woken()
        if self._socket in events:
            self._receive()
        flushes = list(self._flushes)
        if self._queue.waiting():
            self._busy_until = time.monotonic() + BUSY_S
        self._drain(everything=bool(flushes))
        self._tell()
        if time.monotonic() >= self._next_beat:
            self._beat()
        self._desk.pump_all()
        for done in flushes:
            self._flushes.popleft()
            done.release()

    def _drain(self, everything: bool) -> None:
        """Publish what is queued now, and not what is added meanwhile."""
        queue = self._queue
        samples = queue.samples_gone + len(queue.samples)
        messages = queue.messages_gone + len(queue.messages)
        while queue.samples_gone < samples or queue.messages_gone < messages:
            self.publisher.drain()
        self.publisher.publish_held_frames(everything)

    def _tell(self) -> None:
        """Pass on what the run control has to say."""
        while self._outbox:
            event = self._outbox.popleft()
            if isinstance(event, Reply):
                self._desk.answer(event)
            elif isinstance(event, LogRecord):
                self.publisher.publish_log(event)
            elif event.run == RunState.ENDED.value:
                self._farewell.append(event)
            else:
                self.publisher.publish_control(event)

    def _beat(self) -> None:
        self._next_beat = time.monotonic() + HEARTBEAT_S
        self._control.tick()
        self._desk.forget_silent()
        self.publisher.publish_heartbeat()

    # -- the socket --------------------------------------------------------------------------------------------

    def _receive(self) -> None:
        for _ in range(RECEIVED_AT_ONCE):
            try:
                frames = self._receive_one()
            except zmq.Again:
                return
            self._desk.handle(frames)
            self._tell()

    def _receive_one(self) -> list[Any]:
        """Receive one message; of one with too many frames only so many as show that it is wrong."""
        frames = [self._socket.recv(zmq.NOBLOCK, copy=False)]
        while frames[-1].more:
            frame = self._socket.recv(zmq.NOBLOCK, copy=False)
            if len(frames) > 2:
                frames.pop()
            frames.append(frame)
        return frames

    def _send(self, routing_id: bytes, frames: list[Any]) -> bool:
        try:
            self._socket.send_multipart([routing_id, *frames], zmq.NOBLOCK, copy=False)
        except zmq.ZMQError as error:
            if error.errno in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                return False
            raise
        return True

    def _complain(self, sentence: str) -> None:
        logger.info("%s", sentence)
        self._outbox.append(LogRecord("warning", sentence, {}, time.time()))

    # -- the end -----------------------------------------------------------------------------------------------

    def _say_farewell(self, deadline: float) -> None:
        """Send what waits to viewers that still take it, then ENDED to all, and close the socket."""
        try:
            self._drain(everything=True)
            self._tell()
            self._wait_for_viewers(deadline - (1 - FAREWELL_SHARE) * self._linger_s)
            for state in self._farewell:
                self.publisher.publish_control(state)
            for subscription in self.publisher.subscriptions.values():
                subscription.tell_end()
        except Exception:
            logger.exception("the farewell to the viewers failed")
        finally:
            left_ms = max(0, int(1000 * (deadline - time.monotonic())))
            self._context.destroy(linger=left_ms if self._linger_s else 0)

    def _wait_for_viewers(self, deadline: float) -> None:
        while True:
            self._desk.pump_all()
            left_s = deadline - time.monotonic()
            if left_s <= 0 or all(viewer.idle() for viewer in self.publisher.subscriptions.values()):
                return
            if self._socket.poll(int(1000 * left_s) + 1):
                self._receive()


def _bind(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> zmq.Socket[bytes]:
    """Make the ROUTER and bind it.

    Raises:
        OSError: the address cannot be bound; the sentence names it and says what to do.
    """
    router = context.socket(zmq.ROUTER)
    router.setsockopt(zmq.ROUTER_MANDATORY, 1)
    router.setsockopt(zmq.ROUTER_HANDOVER, 1)
    router.setsockopt(zmq.SNDHWM, 0)
    router.setsockopt(zmq.MAXMSGSIZE, MAX_REQUEST_BYTES)
    if endpoint.startswith("ipc://"):
        _refuse_taken_path(endpoint.removeprefix("ipc://"))
    bind(router, endpoint)
    return router


def _refuse_taken_path(path: str) -> None:
    """Find out whether a path is free: ZeroMQ would delete what is there, a file or somebody's socket.

    Raises:
        OSError: it is not.
    """
    if Path(path).exists() and not Path(path).is_socket():
        raise OSError(errno.EEXIST, f"{path} is a file, and binding there would delete it; give another path")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0.5)
        if probe.connect_ex(path) == 0:
            raise OSError(errno.EADDRINUSE, f"{path} is taken by another program; give another path")
