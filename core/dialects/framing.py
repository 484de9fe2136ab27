"""What the frames of one published message are: ``payload``, ``topic payload``, topic + payload (+ time)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..messages import ProtocolError
from .object_times import iso_seconds, time_of
from .payload import decode_payload

MAX_TOPIC_BYTES = 128
_SEPARATORS = b" \t\0|,;:\n"


class Published(NamedTuple):
    """One message: its topic or "", what it says, and the unix seconds that its own frame told, or None."""

    topic: str
    value: Any
    t: float | None


def read_frames(frames: Sequence[bytes | memoryview]) -> Published:
    """Read one message.

    Raises:
        ProtocolError: more than three frames, or none of the known forms.
    """
    if len(frames) == 1:
        return _read_one(frames[0])
    if len(frames) == 2:
        return Published(_topic(frames[0]), decode_payload(frames[1]), None)
    if len(frames) == 3:
        return Published(_topic(frames[0]), decode_payload(frames[1]), _time(bytes(frames[2])))
    raise ProtocolError(f"{len(frames)} frames, expected payload, topic + payload or topic + payload + time")


def _read_one(frame: bytes | memoryview) -> Published:
    try:
        return Published("", decode_payload(frame), None)
    except ProtocolError:
        parted = _parted(bytes(frame))
        if parted is None:
            raise
        return Published(parted[0], decode_payload(parted[1]), None)


def _parted(frame: bytes) -> tuple[str, bytes] | None:
    """Part ``topic payload``: the payload begins after the first separator that follows printable text."""
    head = frame[: MAX_TOPIC_BYTES + 1]
    for position, sign in enumerate(head):
        if sign in _SEPARATORS and position:
            start = position + 1
            # A colon or a comma is often followed by a space; JSON does not mind white space before it.
            try:
                topic = head[:position].decode("ascii")
            except UnicodeDecodeError:
                return None
            return (topic, frame[start:]) if topic.isprintable() and start < len(frame) else None
        if sign in b"{[" and position:
            return None
    return None


def _topic(frame: bytes | memoryview) -> str:
    if len(frame) > MAX_TOPIC_BYTES:
        raise ProtocolError(f"a topic of {len(frame)} bytes, at most {MAX_TOPIC_BYTES} are shown")
    return bytes(frame).decode("utf-8", "replace").strip("\0 ")


def _time(frame: bytes) -> float | None:
    """Read a frame that holds a time: text, or eight bytes of a float or an integer; None when it is none of these."""
    if len(frame) > 64:
        return None
    text = frame.decode("ascii", "replace").strip("\0 ")
    try:
        told = time_of(float(text))
    except ValueError:
        told = iso_seconds(text)
    if told is None and len(frame) == 8:
        readings = (time_of(struct.unpack(form, frame)[0]) for form in ("<d", ">d", "<q", ">q"))
        told = next((reading for reading in readings if reading is not None), None)
    return told
