"""How many JSON objects a second the painting window takes, beside a loop that does nothing but receive and decode."""

from __future__ import annotations

import time
from collections.abc import Iterator

import msgspec
import zmq

from .entry import Entry, alternating
from .program import program
from .programs.json_objects import HIGH_WATER_MARK
from .whole_window import whole_window

WARM_S = 1.0
ROUND_S = 2.0
LOOK_EVERY = 1000  # messages between two looks at the clock


class JsonObject(msgspec.Struct):
    """What the sender sends."""

    timestamp: float
    loss: float


def rows() -> Iterator[Entry]:
    """Yield ingest_json."""
    with program("json_objects") as sender:
        value, bare = alternating(lambda: _window_per_s(sender.url), lambda: _bare_per_s(sender.url))
    yield Entry("ingest_json", value, "pyzmq recv and msgspec decode", bare)


def _window_per_s(address: str) -> float:
    """Open a window, connect, and count what is stored while the plot is painted."""
    with whole_window() as window:
        window.connect(f"json+zmq://{address}")
        window.show_metrics("loss")
        window.wait(WARM_S)
        start, already = time.perf_counter(), window.hub.samples
        window.wait(ROUND_S)
        return (window.hub.samples - already) / (time.perf_counter() - start)


def _bare_per_s(address: str) -> float:
    """Receive and decode in a loop of this process, without a window."""
    decode = msgspec.json.Decoder(JsonObject).decode
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.set_hwm(HIGH_WATER_MARK)
        socket.connect(f"tcp://{address}")
        socket.subscribe(b"")
        receive = socket.recv
        start = time.perf_counter()
        warm, end, count, first = start + WARM_S, start + WARM_S + ROUND_S, 0, 0
        while (now := time.perf_counter()) < end:
            if now < warm:
                first = count
            for _ in range(LOOK_EVERY):
                decode(receive())
            count += LOOK_EVERY
    return (count - first) / ROUND_S
