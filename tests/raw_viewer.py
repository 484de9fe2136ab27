"""A viewer written from the protocol's text alone: pyzmq and msgpack, and nothing of dockscope's own."""

from __future__ import annotations

import os
import struct
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Self

import msgpack
import zmq

ALL_KINDS = ["series", "metric", "spectrum", "scene", "frame", "data", "log", "status", "control", "heartbeat"]
FORMATS = {"f4": "f", "f8": "d", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q"}


def pack(value: object) -> bytes:
    """Write MessagePack."""
    return bytes(msgpack.packb(value) or b"")


class RawViewer:
    """Two DEALERs, hello, subscribe, credit; what arrives is kept as plain lists and dicts."""

    def __init__(self, url: str, token: bytes | None = None, name: str = "raw", grants: bool = True) -> None:
        self.context = zmq.Context()
        self.viewer = os.urandom(16)
        self.token = token
        self.name = name
        self.grants = grants  # whether received bytes are given back as credit
        self.replies: dict[bytes, list[list[Any]]] = defaultdict(list)
        self.data: list[list[Any]] = []  # headers, with their array frames at index 9
        self.events: list[tuple[str, Any]] = []  # ("data", kind) and ("reply", stage) in order of arrival
        self.producer: bytes | None = None
        self.subscription = b""
        self.links = {end: self._dealer(url, end) for end in (b"d", b"c")}

    def _dealer(self, url: str, end: bytes) -> zmq.Socket:
        dealer = self.context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.ROUTING_ID, self.viewer + end)
        dealer.setsockopt(zmq.RCVHWM, 0)
        dealer.setsockopt(zmq.LINGER, 500)
        dealer.connect(url)
        return dealer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.context.destroy(linger=500)

    def request(self, command: str, args: Any, link: bytes = b"c", **changed: Any) -> bytes:
        """Send a request and give its id."""
        id_ = changed.get("id", os.urandom(16))
        producer = changed.get("producer", self.producer)
        message = [changed.get("version", 1), "request", id_, command, args, producer, changed.get("token", self.token)]
        self.links[link].send(pack(message))
        return id_

    def ask(self, command: str, args: Any, link: bytes = b"c", stages: int = 1, **changed: Any) -> list[Any]:
        """Send a request and give its last answer once ``stages`` of them came."""
        id_ = self.request(command, args, link, **changed)
        self.pump_until(lambda: len(self.replies[id_]) >= stages, f"{stages} answers to {command}")
        return self.replies[id_][-1]

    def hello(self) -> dict[str, Any]:
        """Greet the producer and give what it tells."""
        args = {"viewer": self.viewer, "name": self.name, "host": "here", "pid": os.getpid()}
        reply = self.ask("hello", args, producer=None)
        assert reply[3] == "effective", reply
        self.producer = reply[5]["producer"]
        return reply[5]

    def subscribe(
        self, topics: list[list[str]] | None = None, credit: int = 4 * 2**20, wait: bool = True, **args: Any
    ) -> bytes:
        """Greet if need be, and subscribe; by default to everything, with history."""
        if self.producer is None:
            self.hello()
        wanted = {"topics": topics or [[kind, "*"] for kind in ALL_KINDS], "history": True, "credit": credit, **args}
        self.subscription = os.urandom(16)
        id_ = self.request("subscribe", wanted, b"d", id=self.subscription)
        if wait:
            self.pump_until(lambda: self.replies[id_], "subscribe to be effective")
            assert self.replies[id_][-1][3] == "effective", self.replies[id_]
        return id_

    def grant(self, amount: int) -> None:
        """Give credit for the present subscription."""
        self.request("credit", [self.subscription, amount], b"d")

    def pump(self, timeout_s: float = 0.0) -> bool:
        """Take what has arrived; tell whether anything had."""
        poller = zmq.Poller()
        for dealer in self.links.values():
            poller.register(dealer, zmq.POLLIN)
        ready = dict(poller.poll(int(1000 * timeout_s)))
        for dealer in ready:
            while dealer.getsockopt(zmq.EVENTS) & zmq.POLLIN:
                self._take(dealer.recv_multipart())
        return bool(ready)

    def _take(self, frames: list[bytes]) -> None:
        header = msgpack.unpackb(frames[0], strict_map_key=False)
        assert header[0] == 1
        if header[1] == "reply":
            self.replies[header[2]].append(header)
            self.events.append(("reply", header[3]))
            return
        assert header[1] == "data"
        if header[8] == self.subscription:
            self.events.append(("data", header[2]))
            self.data.append([*header, frames[1:]])
            if self.grants:
                self.grant(sum(map(len, frames)))

    def pump_until(self, condition: Callable[[], object], what: str = "", timeout_s: float = 10.0) -> Any:
        """Take what arrives until a condition holds."""
        deadline = time.monotonic() + timeout_s
        while not (value := condition()):
            assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
            self.pump(0.02)
        return value

    # -- reading what arrived ----------------------------------------------------------------------------------

    def of(self, kind: str, stream: str = "") -> list[list[Any]]:
        """Give the messages of one stream."""
        return [header for header in list(self.data) if header[2] == kind and header[3] == stream]

    def bodies(self, kind: str, stream: str = "") -> list[Any]:
        return [header[6] for header in self.of(kind, stream)]

    def definitions(self) -> dict[int, tuple[str, dict[str, str], list[str]]]:
        """Give the series by id: name, labels, fields."""
        return {row[0]: (row[1], row[2], row[3]) for body in self.bodies("series") for row in body}

    def samples(self, name: str) -> list[tuple[int, float, float, tuple[float, ...]]]:
        """Give the samples of a metric in order of arrival: number, t, value, columns."""
        definitions = self.definitions()
        found = []
        for header in self.of("metric"):
            found += [row for series, row in _rows(header, definitions) if definitions[series][0] == name]
        return found

    def spans(self) -> list[tuple[int, int, int]]:
        """Give (series, first, numbers covered) of each run of samples in order of arrival."""
        spans = []
        for header in self.of("metric"):
            columns = arrays(header)
            spans += zip(columns["series"], columns["first"], columns.get("span", columns["count"]), strict=True)
        return spans


def arrays(header: list[Any]) -> dict[str, tuple[Any, ...]]:
    """Unpack the array frames of a message into flat tuples, by name."""
    return {
        name: struct.unpack(f"<{len(frame) // int(dtype[1])}{FORMATS[dtype]}", frame)
        for (name, dtype, _), frame in zip(header[7], header[9], strict=True)
    }


def _rows(header: list[Any], definitions: dict[int, Any]) -> list[tuple[int, tuple[int, float, float, tuple]]]:
    columns = arrays(header)
    rows, at, field_at = [], 0, 0
    for series, first, count in zip(columns["series"], columns["first"], columns["count"], strict=True):
        width = len(definitions[series][2])
        for index in range(count):
            extra = tuple(columns["fields"][field_at + index + column * count] for column in range(width))
            rows.append((series, (first + index, columns["t"][at + index], columns["value"][at + index], extra)))
        at, field_at = at + count, field_at + count * width
    assert at == len(columns["value"])
    assert field_at == len(columns["fields"])
    return rows
