"""What may listen where a producer is expected, and what a broken or hostile one may send."""

from __future__ import annotations

import http.server
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import zmq

from dockscope.core.messages import (
    DataRecord,
    Kind,
    LogRecord,
    MetricBatch,
    PlacementFrame,
    SeriesDefinition,
    SeriesDefinitions,
    Status,
)
from fakes import FakeProducer
from raw_viewer import pack

MARKUP = "<img src='file:///etc/passwd'><b>bold</b><script>alert(1)</script>"
CONTROL = "\x1b[2J\x1b]0;owned\x07\x1b[31mred\r\n\x00\x08\u202eend"
ESCAPE = "\x1b"


@contextmanager
def closed_port() -> Iterator[str]:
    """A port where nobody listens, kept from others meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"dockscope://127.0.0.1:{taken.getsockname()[1]}"


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Stay quiet."""


@contextmanager
def http_server() -> Iterator[str]:
    """A web server."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"dockscope://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def publisher() -> Iterator[str]:
    """A ZeroMQ PUB that sends all the time."""
    ended = threading.Event()
    with zmq.Context() as context, context.socket(zmq.PUB) as pub:
        port = pub.bind_to_random_port("tcp://127.0.0.1")

        def publish() -> None:
            while not ended.wait(0.01):
                pub.send(b"weather 12")

        thread = threading.Thread(target=publish)
        thread.start()
        try:
            yield f"dockscope://127.0.0.1:{port}"
        finally:
            ended.set()
            thread.join()


@contextmanager
def silent_router() -> Iterator[str]:
    """Somebody's ZeroMQ ROUTER that answers nothing."""
    with FakeProducer(greets=False, beats=0) as producer:
        yield producer.url


@contextmanager
def babbling_router() -> Iterator[str]:
    """A ROUTER that answers everything with garbage."""
    ended = threading.Event()
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        port = router.bind_to_random_port("tcp://127.0.0.1")

        def babble() -> None:
            while not ended.is_set():
                if router.poll(20):
                    identity, *_ = router.recv_multipart()
                    for _ in range(50):
                        router.send_multipart([identity, os.urandom(40), os.urandom(8)])

        thread = threading.Thread(target=babble)
        thread.start()
        try:
            yield f"dockscope://127.0.0.1:{port}"
        finally:
            ended.set()
            thread.join()
            router.close(linger=0)


# -- what a producer may send that it should not ---------------------------------------------------------------


def garbage(producer: FakeProducer) -> None:
    for _ in range(200):
        producer.send_raw(os.urandom(64), os.urandom(16))


def unknown_scene(producer: FakeProducer) -> None:
    for index in range(50):
        producer.publish(Kind.FRAME, PlacementFrame(position=np.zeros((3, 3), "<f4"), scene=99, index=index), "board")


def declared_gigabyte(producer: FakeProducer) -> None:
    """A MessagePack string that says it has 1 GB, and an array that says so, with nothing behind."""
    for _ in range(20):
        producer.send_raw(b"\x99\x01\xa4data\xdb\x40\x00\x00\x00")
        _send_header(producer, "frame", "board", _frame_body(), [["position", "f4", [89_478_485, 3]]], bytes(12))


def long_metric_name(producer: FakeProducer) -> None:
    for _ in range(20):
        _send_header(producer, "series", "", [[1, "x" * 10_000, {}, []]], [])


def wrong_columns(producer: FakeProducer) -> None:
    """Metric columns whose lengths contradict each other, of a series nobody described."""
    for _ in range(20):
        buffers = [["series", "u4", [1]], ["first", "u8", [1]], ["count", "u4", [1]], ["t", "f8", [1]]]
        one = np.ones(1)
        frames = [np.ones(1, "<u4").tobytes(), np.ones(1, "<u8").tobytes(), np.full(1, 2**31, "<u4").tobytes()]
        _send_header(producer, "metric", "", None, [*buffers, ["value", "f8", [1]]], *frames, bytes(one), bytes(one))


def deep_nesting(producer: FakeProducer) -> None:
    for _ in range(20):
        _send_header(producer, "data", "deep", None, [], body=b"\x91" * 100_000 + b"\xc0")


# -- what is odd but allowed -----------------------------------------------------------------------------------


def not_numbers(producer: FakeProducer) -> None:
    """NaN and infinities are data like any other."""
    values = np.array([1.0, np.nan, np.inf, -np.inf, 2.0, 1.7e308, -1.7e308])
    define(producer, 7, "odd")
    producer.publish(Kind.METRIC, batch(7, values), n=0)


def markup_everywhere(producer: FakeProducer) -> None:
    define(producer, 8, MARKUP)
    producer.publish(Kind.METRIC, batch(8, np.arange(5.0)), n=0)
    producer.publish(Kind.LOG, LogRecord("info", MARKUP, {MARKUP: 1.0}, 0.0))
    producer.publish(Kind.STATUS, Status("info", MARKUP, 0.0))
    producer.publish(Kind.DATA, DataRecord({MARKUP: MARKUP}, 0.0), MARKUP)


def control_characters(producer: FakeProducer) -> None:
    producer.publish(Kind.LOG, LogRecord("info", CONTROL, {CONTROL: CONTROL}, 0.0))
    producer.publish(Kind.LOG, LogRecord("info", "long " * 20_000, {}, 0.0))
    producer.publish(Kind.STATUS, Status("error", CONTROL, 0.0))
    producer.publish(Kind.DATA, DataRecord({CONTROL: CONTROL}, 0.0), CONTROL)


def define(producer: FakeProducer, id_: int, name: str) -> None:
    producer.publish(Kind.SERIES, SeriesDefinitions((SeriesDefinition(id_, name),)), n=0)


def batch(id_: int, values: np.ndarray, first: int = 1) -> MetricBatch:
    """Samples of one series without fields, a second apart."""
    return MetricBatch(
        series=np.array([id_], "<u4"),
        first=np.array([first], "<u8"),
        count=np.array([len(values)], "<u4"),
        t=1.7e9 + np.arange(len(values), dtype="<f8"),
        value=values.astype("<f8"),
        fields=np.zeros(0, "<f8"),
    )


def _frame_body() -> dict[str, Any]:
    return {"scene": 1, "index": 1}


def _send_header(
    producer: FakeProducer, kind: str, stream: str, value: Any, buffers: list[Any], *frames: bytes, body: bytes = b""
) -> None:
    """Send a data message whose parts need not fit together, to every subscriber, as its own subscription."""
    for routing_id, subscription in list(producer._subscriptions.items()):
        start = [1, "data", kind, stream, 0, 0]
        packed = b"\x99" + b"".join(map(pack, start)) + (body or pack(value))
        producer.send_to(routing_id, packed + pack(buffers) + pack(subscription), *frames)


FOUL: dict[str, Callable[[FakeProducer], None]] = {
    f.__name__: f for f in (garbage, unknown_scene, declared_gigabyte, long_metric_name, wrong_columns, deep_nesting)
}
ODD: dict[str, Callable[[FakeProducer], None]] = {
    f.__name__: f for f in (not_numbers, markup_everywhere, control_characters)
}
