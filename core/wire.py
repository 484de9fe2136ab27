"""The native wire, version 1: bytes in, objects out, no I/O.

Every message is one MessagePack header and the frames of its arrays. What arrives is checked before it is believed,
and anything wrong with it is a ``ProtocolError``; what is to be sent is checked when it is encoded, and anything wrong
with that is the caller's ``TypeError`` or ``ValueError``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
import numpy as np

from .messages import Kind, Message, ProtocolError
from .wire_arrays import MAX_BUFFERS, BufferInfo, array_bytes, describe, unpack_array
from .wire_decode import DECODERS, Name, Number, decode_data
from .wire_encode import ENCODERS
from .wire_envelope import MAX_REQUEST_BYTES, NO_ID, VERSION, Frame, Id, UnknownVersion, read_envelope, refuse_extension
from .wire_hello import HelloArgs, hello_from_result, hello_result
from .wire_requests import HELLO_FIRST, Request, SubscribeArgs, decode_request, encode_request
from .wire_values import (
    MAX_STREAM_BYTES,
    check_received_text,
    check_shape_of_value,
    check_text,
    decode_bytes,
    encode_bytes,
)

MAX_MESSAGE_BYTES = 256 * 2**20
KINDS = {kind.value: kind for kind in Kind}
STAGES = ("accepted", "effective", "rejected")
NAMELESS = frozenset({Kind.SERIES, Kind.METRIC, Kind.LOG, Kind.STATUS, Kind.CONTROL, Kind.HEARTBEAT})

__all__ = [
    "HELLO_FIRST",
    "MAX_MESSAGE_BYTES",
    "MAX_REQUEST_BYTES",
    "MAX_STREAM_BYTES",
    "NO_ID",
    "VERSION",
    "DataMessage",
    "Frame",
    "HelloArgs",
    "Payload",
    "Reply",
    "Request",
    "SubscribeArgs",
    "UnknownVersion",
    "data_header",
    "decode_message",
    "decode_request",
    "encode_payload",
    "encode_reply",
    "encode_request",
    "hello_from_result",
    "hello_result",
]


class Reply(msgspec.Struct):
    """One stage of the answer to a request: accepted, effective or rejected."""

    id: bytes
    stage: str
    reason: str = ""
    result: Any = None


class DataMessage(msgspec.Struct):
    """A received message with what its envelope told; ``nbytes`` counts all its frames, as credit does."""

    kind: Kind
    stream: str
    n: int
    sent_ns: int
    subscription: bytes
    nbytes: int
    message: Message


class Payload(msgspec.Struct, frozen=True):
    """A message encoded once, to be sent to any number of viewers.

    Args:
        body: MessagePack. buffers: (name, dtype, shape) of each frame. frames: bytes of the arrays.
        nbytes: body and frames together.
    """

    kind: Kind
    stream: str
    body: bytes
    buffers: list[BufferInfo]
    frames: list[Frame]
    nbytes: int


def encode_payload(kind: Kind, stream: str, message: Message, *, copy: bool = True) -> Payload:
    """Encode a message for the wire, once for all its receivers.

    Args:
        kind: what ``message`` is.
        stream: at most 256 bytes of UTF-8; "" for the kinds that have no streams.
        message: the object of ``kind``.
        copy: False lets the payload refer to the message's arrays, which must then stay as they are.

    Raises:
        TypeError, ValueError: something in it cannot be sent; the text begins with what.
    """
    check_text(stream, "stream")
    body, arrays = ENCODERS[type(message)](message, copy)
    encoded = encode_bytes(body, kind.value)
    frames = [array_bytes(array) for _, array in arrays]
    sizes = [len(encoded), *(len(frame) for frame in frames)]
    if max(sizes) + 4096 + 64 * len(frames) > MAX_MESSAGE_BYTES:
        raise ValueError(f"{kind.value}: {max(sizes)} bytes in one part, at most {MAX_MESSAGE_BYTES} can be sent")
    return Payload(kind, stream, encoded, [describe(name, array) for name, array in arrays], frames, sum(sizes))


def data_header(payload: Payload, n: int, sent_ns: int, subscription: bytes) -> bytes:
    """Make the first frame of a data message; ``payload.frames`` follow it."""
    body = msgspec.Raw(payload.body)
    return msgspec.msgpack.encode(
        (VERSION, "data", payload.kind.value, payload.stream, n, sent_ns, body, payload.buffers, subscription)
    )


def encode_reply(reply: Reply) -> bytes:
    """Make the one frame of a reply."""
    return encode_bytes((VERSION, "reply", reply.id, reply.stage, reply.reason, reply.result), "result")


class _DataHeader(msgspec.Struct, array_like=True):
    version: int
    type: str
    kind: Name
    stream: Name
    n: Number
    sent_ns: Number
    body: msgspec.Raw
    buffers: Annotated[list[tuple[Name, Name, list[Number]]], msgspec.Meta(max_length=MAX_BUFFERS)]
    subscription: Id


def decode_message(frames: Sequence[Frame]) -> Reply | DataMessage | None:
    """Read what a producer sent.

    Args:
        frames: all frames of one message; the arrays of the result are views of them.

    Returns:
        None for a type or kind that this version does not know: to be counted and ignored.

    Raises:
        UnknownVersion: another version of the wire. ProtocolError: anything else that is wrong with it.
    """
    if not frames:
        raise ProtocolError("an empty message")
    type_, header = read_envelope(frames[0], MAX_MESSAGE_BYTES)
    if type_ == "data":
        return _decode_data(header, frames)
    return _decode_reply(header) if type_ == "reply" else None


def _decode_data(frame: memoryview, frames: Sequence[Frame]) -> DataMessage | None:
    header: _DataHeader = decode_bytes(frame, _DataHeader)
    kind = KINDS.get(header.kind)
    if kind is None:
        return None
    check_received_text(header.stream, "stream name")
    if header.stream and kind in NAMELESS:
        raise ProtocolError(f"{kind} has no streams")
    if len(frames) != len(header.buffers) + 1:
        raise ProtocolError(f"{len(frames) - 1} frames for {len(header.buffers)} buffers")
    buffers = _unpack_buffers(header, frames)
    if kind is Kind.DATA:
        message = decode_data(header.body, buffers, header.sent_ns)
    else:
        message = DECODERS[kind](header.body, buffers)
    nbytes = sum(memoryview(part).nbytes for part in frames)
    return DataMessage(kind, header.stream, header.n, header.sent_ns, header.subscription, nbytes, message)


def _unpack_buffers(header: _DataHeader, frames: Sequence[Frame]) -> list[tuple[str, np.ndarray]]:
    described = zip(header.buffers, frames[1:], strict=True)
    return [(name, unpack_array(dtype, shape, frame)) for (name, dtype, shape), frame in described]


class _ReplyHeader(msgspec.Struct, array_like=True):
    version: int
    type: str
    id: Id
    stage: str
    reason: Annotated[str, msgspec.Meta(max_length=65_536)]
    result: Any


def _decode_reply(frame: memoryview) -> Reply:
    if len(frame) > MAX_REQUEST_BYTES:
        raise ProtocolError(f"a reply of more than {MAX_REQUEST_BYTES} bytes")
    header: _ReplyHeader = decode_bytes(frame, _ReplyHeader, refuse_extension)
    if header.stage not in STAGES:
        raise ProtocolError("a reply of an unknown stage")
    return Reply(header.id, header.stage, header.reason, check_shape_of_value(header.result))
