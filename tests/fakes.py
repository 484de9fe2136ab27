"""Hand-written stand-ins, shared by the tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zmq

from dockscope.core.messages import ControlState, DataRecord, Heartbeat, Hello, Kind, LogRecord, Message
from dockscope.core.run_control import LinkState, Stage
from dockscope.core.turns import Turns
from dockscope.core.wire import (
    DataMessage,
    Reply,
    Request,
    data_header,
    decode_request,
    encode_payload,
    encode_reply,
    hello_result,
)
from dockscope.core.wire_encode import control_body


@dataclass
class FakeHub:
    """A sink that writes everything down, in the order in which it came."""

    links: list[tuple[LinkState, str]] = field(default_factory=list)
    hellos: list[Hello] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    messages: list[DataMessage] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    stages: list[tuple[bytes, str, Stage, str]] = field(default_factory=list)
    round_trips: list[tuple[float, float]] = field(default_factory=list)
    have: list[Any] = field(default_factory=list)
    have_series: list[Any] = field(default_factory=list)
    gaps_at: list[int] = field(default_factory=list)  # messages that had come by then
    caught_up_at: list[int] = field(default_factory=list)  # messages that had come by then
    on_receive: Callable[[DataMessage], None] | None = None
    refused: int = 0
    turns: Turns = field(default_factory=Turns)

    def add(self, key, url, name=None):
        self.key, self.url = key, url

    def greet(self, key, hello, role):
        self.hellos.append(hello)
        self.roles.append(role)

    def receive(self, key, message):
        if self.on_receive is not None:
            self.on_receive(message)
        self.messages.append(message)

    def caught_up(self, key):
        self.caught_up_at.append(len(self.messages))

    def link(self, key, state, detail=""):
        self.links.append((state, detail))

    def gap(self, key, topic=""):
        self.gaps_at.append(len(self.messages))

    def latency(self, key, round_trip_s, offset_s):
        self.round_trips.append((round_trip_s, offset_s))

    def problem(self, key, cause, sentence, refused=0):
        self.refused += refused
        self.problems.append((cause, sentence))

    def command(self, key, command_id, command, args, stage, reason=""):
        self.stages.append((command_id, command, stage, reason))

    def remember(self, key):
        return self.have, self.have_series

    @property
    def state(self) -> LinkState:
        return self.links[-1][0]

    @property
    def states(self) -> list[LinkState]:
        return [state for state, _ in self.links]

    def causes(self) -> list[str]:
        return [cause for cause, _ in self.problems]

    def of_kind(self, kind: Kind) -> list[DataMessage]:
        return [message for message in self.messages if message.kind is kind]

    def values(self) -> list[Any]:
        return [sent.message.value for sent in self.messages if isinstance(sent.message, DataRecord)]

    def texts(self) -> list[str]:
        return [sent.message.message for sent in self.messages if isinstance(sent.message, LogRecord)]

    def stages_of(self, id_: bytes) -> list[tuple[Stage, str]]:
        return [(stage, reason) for known, _, stage, reason in self.stages if known == id_]


class FakeProducer:
    """A ROUTER in a thread that answers hello, subscribe and ping, notes requests and sends what a test tells it to.

    Args:
        url: where to bind; port 0 takes any. name, role: as told in hello. greets: False leaves hello unanswered.
        beats: heartbeats per second of each viewer that subscribed, 0 for silence.
        producer: id of the run.
    """

    def __init__(
        self,
        url: str = "tcp://127.0.0.1:0",
        *,
        name: str = "fake",
        role: str = "operate",
        greets: bool = True,
        answers_pings: bool = True,
        beats: float = 10.0,
        producer: bytes | None = None,
    ) -> None:
        self.producer = os.urandom(16) if producer is None else producer
        self.name, self.role, self.greets, self.beats, self.answers_pings = name, role, greets, beats, answers_pings
        self.requests: list[tuple[bytes, Request]] = []
        self.forgets = False  # whether the viewer has to say hello anew
        self.at_subscribe: Callable[[FakeProducer, bytes, bytes], None] | None = None
        self.answers: dict[str, list[tuple[str, str]]] = {"pause": [("accepted", ""), ("effective", "")]}
        self._orders: list[list[bytes | memoryview]] = []
        self._subscriptions: dict[bytes, bytes] = {}
        self._numbers: dict[tuple[Kind, str], int] = {}
        self._lock = threading.Lock()
        self._stopping = False
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 200)
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        self._socket.setsockopt(zmq.SNDHWM, 0)
        self._bind(url)
        endpoint = self._socket.getsockopt(zmq.LAST_ENDPOINT)
        assert isinstance(endpoint, bytes)
        self.url = endpoint.rstrip(b"\0").decode().replace("tcp://", "dockscope://")
        self._thread = threading.Thread(target=self._serve, name="fake-producer", daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _bind(self, url: str) -> None:
        deadline = time.monotonic() + 3.0
        while True:
            try:
                self._socket.bind(url.replace("dockscope://", "tcp://"))
                return
            except zmq.ZMQError:  # the port of a predecessor is free a moment after it closed
                if time.monotonic() > deadline:
                    raise

    def close(self) -> None:
        """Leave without a farewell, as a killed process does."""
        self._stopping = True
        self._thread.join()

    # -- what tests look at -------------------------------------------------------------------------------------

    def commands(self) -> list[str]:
        return [request.command for _, request in list(self.requests)]

    def requests_of(self, command: str) -> list[Request]:
        return [request for _, request in list(self.requests) if request.command == command]

    def subscribed(self) -> bool:
        return bool(self._subscriptions)

    def serves_newest(self) -> bool:
        return self.requests_of("subscribe")[-1].id in list(self._subscriptions.values())

    # -- what tests tell it to do -------------------------------------------------------------------------------

    def publish(self, kind: Kind, message: Message, stream: str = "", n: int | None = None) -> None:
        """Send a message to everyone who subscribed, numbered by itself unless ``n`` says how."""
        with self._lock:
            number = self._numbers.get((kind, stream), 0) + 1 if n is None else n
            self._numbers[kind, stream] = number
            for routing_id, subscription in self._subscriptions.items():
                self._orders.append([routing_id, *frames_of(kind, message, stream, number, subscription)])

    def send_raw(self, *frames: bytes) -> None:
        """Send these frames to every data link."""
        with self._lock:
            self._orders.extend([routing_id, *frames] for routing_id in self._subscriptions)

    def send_to(self, routing_id: bytes, *frames: bytes) -> None:
        """Send these frames to one link."""
        with self._lock:
            self._orders.append([routing_id, *frames])

    def reply(self, routing_id: bytes, reply: Reply) -> None:
        with self._lock:
            self._orders.append([routing_id, encode_reply(reply)])

    # -- its thread ---------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        beaten_s = time.monotonic()
        while not self._stopping:
            if self._socket.poll(5):
                routing_id, *frames = self._socket.recv_multipart()
                self._take(routing_id, decode_request(frames[0]))
            if self.beats and time.monotonic() - beaten_s >= 1.0 / self.beats:
                beaten_s = time.monotonic()
                self.publish(Kind.HEARTBEAT, Heartbeat(viewers=1))
            self._send_all()
        self._context.destroy(linger=200)

    def _send_all(self) -> None:
        with self._lock:
            orders, self._orders = self._orders, []
        for frames in orders:
            with suppress(zmq.ZMQError):  # that viewer has left
                self._socket.send_multipart(frames, zmq.NOBLOCK)

    def _take(self, routing_id: bytes, request: Request) -> None:
        self.requests.append((routing_id, request))
        if request.command == "hello":
            self.forgets = False
            if self.greets:
                self.reply(routing_id, Reply(request.id, "effective", "", hello_result(self._hello())))
        elif request.producer != self.producer:
            self.reply(routing_id, Reply(request.id, "rejected", "the producer was restarted"))
        elif self.forgets:
            self.reply(routing_id, Reply(request.id, "rejected", "say hello first"))
        elif request.command == "subscribe":
            self._subscriptions[routing_id] = request.id
            if self.at_subscribe is not None:
                self.at_subscribe(self, routing_id, request.id)
            self.reply(routing_id, Reply(request.id, "effective"))
        elif request.command == "ping":
            if self.answers_pings:
                result = {"sent_ns": request.args["sent_ns"], "clock_ns": time.time_ns()}
                self.reply(routing_id, Reply(request.id, "effective", "", result))
        elif request.command == "bye":
            self._subscriptions.clear()
        else:
            for stage, reason in self.answers.get(request.command, []):
                result = control_body(ControlState(run="PAUSED")) if stage == "effective" else None
                self.reply(routing_id, Reply(request.id, stage, reason, result))

    def _hello(self) -> Hello:
        return Hello(
            producer=self.producer,
            name=self.name,
            host="here",
            pid=os.getpid(),
            version="0",
            clock_ns=time.time_ns(),
            capabilities=("pause", "resume", "stop", "set"),
            streams=(("metric", ""), ("data", "sizes")),
            role=self.role,
        )


def frames_of(kind: Kind, message: Message, stream: str, n: int, subscription: bytes) -> list[Any]:
    """Return the frames of a data message as a producer sends them."""
    payload = encode_payload(kind, stream, message)
    return [data_header(payload, n, time.time_ns(), subscription), *payload.frames]


class RealProducer:
    """``real_producer.py`` in a process of its own; ends with its ``with`` block.

    Args:
        url: where to bind; port 0 takes any. name: as told in hello.
    """

    def __init__(self, url: str = "tcp://127.0.0.1:0", name: str = "real") -> None:
        program = Path(__file__).with_name("real_producer.py")
        self.process = subprocess.Popen(
            [sys.executable, str(program), url, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, "the producer did not start"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Let it come to its end, or kill it, and return its exit code."""
        self.process.send_signal(signal.SIGCONT)
        try:
            self.process.communicate("", timeout=5.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        return self.process.returncode
