"""What OVRO's beam recorder sent once, and a publisher that sends such messages: the other side of the OVRO tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zmq

CAPTURES = Path(__file__).parent / "captures"
FIRST_T = 1_795_245_772.0


class Captured(NamedTuple):
    """One message: its header as it was sent, the bytes of its powers, and how those began.

    The capture keeps the first 32 bytes; the rest repeats them.
    """

    header: bytes
    payload: bytes
    head: bytes

    @property
    def frames(self) -> list[bytes]:
        return [b"data", self.header, self.payload]

    @property
    def told(self) -> dict[str, Any]:
        return json.loads(self.header)

    @property
    def power(self) -> np.ndarray:
        return np.frombuffer(self.payload, "<f4").reshape(self.told["data_shape"])


def captured(name: str) -> list[Captured]:
    """Return the messages of a capture."""
    messages = []
    for line in (CAPTURES / f"{name}.jsonl").read_text().splitlines():
        entry = json.loads(line)
        head = bytes.fromhex(entry["data_head_hex"])
        payload = (head * (entry["data_len"] // len(head) + 1))[: entry["data_len"]]
        messages.append(Captured(entry["header_raw"].encode(), payload, head))
    return messages


def message(power: np.ndarray, block: str | None = None, **changed: Any) -> list[bytes]:
    """Return the frames of a message of any shape and type; a header entry changed to None is left out."""
    shape = list(power.shape)
    header = {
        "time_tag": 351_868_171_312_000_000,
        "nbeam": shape[0],
        "nchan": shape[1],
        "npol": shape[2],
        "timestamp": FIRST_T,
        "last_block_time": block,
        "data_shape": shape,
        "data_type": power.dtype.str,
    } | changed
    told = {name: value for name, value in header.items() if value is not None}
    return [b"data", json.dumps(told).encode(), power.tobytes()]


def block_at(t: float) -> str:
    """Return the time of a block, ``t`` seconds after eight on 2026-11-21, as the recorder writes it."""
    return f"2026-11-21 08:{int(t) // 60:02d}:{t % 60:09.6f}"


class Recorder:
    """A publisher as the recorder has one; XPUB, so that a test knows when somebody has subscribed."""

    def __init__(self, socket: zmq.Socket[bytes], port: int) -> None:
        self._socket, self.port = socket, port
        self._is_heard = False

    @property
    def url(self) -> str:
        return f"ovro://127.0.0.1:{self.port}"

    def is_heard(self) -> bool:
        """Whether somebody has subscribed and not left."""
        while self._socket.poll(0):
            self._is_heard = self._socket.recv()[0] == 1
        return self._is_heard

    def send(self, frames: list[bytes]) -> None:
        self._socket.send_multipart(frames)


@contextmanager
def recorder(port: int = 0) -> Iterator[Recorder]:
    """Publish at a port, any when 0, for as long as the block lasts."""
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.linger = 0
        if port:
            socket.bind(f"tcp://127.0.0.1:{port}")
        else:
            port = socket.bind_to_random_port("tcp://127.0.0.1")
        yield Recorder(socket, port)
