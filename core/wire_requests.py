"""What a viewer asks of a producer, on the native wire."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from .messages import ProtocolError
from .wire_decode import Name, Number
from .wire_envelope import MAX_REQUEST_BYTES, VERSION, Frame, Id, read_envelope, refuse_extension
from .wire_values import check_shape_of_value, decode_bytes, encode_bytes

MAX_ARGUMENT_BYTES = 65_536
HELLO_FIRST = "say hello first"  # the reason by which a viewer learns that it was dropped


class Request(msgspec.Struct):
    """What a viewer asks; ``args`` is a map, or for credit the pair [subscription, bytes]."""

    id: bytes
    command: str
    args: Any = msgspec.field(default_factory=dict)
    producer: bytes | None = None
    token: bytes | None = None


def encode_request(request: Request) -> bytes:
    """Make the one frame of a request.

    Raises:
        TypeError, ValueError: the arguments cannot be encoded, or make more than 16 MiB.
    """
    header = (VERSION, "request", request.id, request.command, request.args, request.producer, request.token)
    frame = encode_bytes(header, "args")
    if len(frame) > MAX_REQUEST_BYTES:
        raise ValueError(f"args: a request of {len(frame)} bytes, at most {MAX_REQUEST_BYTES} are allowed")
    return frame


def decode_request(frame: Frame) -> Request:
    """Read what a viewer sent.

    Raises:
        UnknownVersion: another version of the wire. ProtocolError: not a request.
    """
    type_, view = read_envelope(frame, MAX_REQUEST_BYTES)
    if type_ != "request":
        raise ProtocolError("not a request")
    header: _RequestHeader = decode_bytes(view, _RequestHeader)
    args = _decode_arguments(header.command, header.args)
    return Request(header.id, header.command, args, header.producer, header.token)


class _RequestHeader(msgspec.Struct, array_like=True):
    version: int
    type: str
    id: Id
    command: Name
    args: msgspec.Raw
    producer: Id | None = None
    token: Annotated[bytes, msgspec.Meta(max_length=256)] | None = None


Topics = Annotated[list[tuple[Name, Name]], msgspec.Meta(max_length=65_536)]


class SubscribeArgs(msgspec.Struct):
    """Arguments of subscribe: what is wanted and what the viewer has already.

    Args:
        topics: (kind, stream or "*") pairs. credit: bytes granted.
        have: (kind, stream, next n). have_series: (series id, number of the next sample).
    """

    topics: Topics
    history: bool = True
    credit: Number = 4 * 2**20
    have: list[tuple[Name, Name, Number]] = []
    have_series: list[tuple[Number, Number]] = []


def _decode_arguments(command: str, raw: msgspec.Raw) -> Any:
    """Decode arguments; only subscribe may be long, and it is decoded typed so that it cannot blow up in memory."""
    if command == "subscribe":
        return msgspec.structs.asdict(decode_bytes(raw, SubscribeArgs))
    if command == "credit":
        return list(decode_bytes(raw, tuple[Id, Number]))
    if len(memoryview(raw)) > MAX_ARGUMENT_BYTES:
        raise ProtocolError(f"arguments of more than {MAX_ARGUMENT_BYTES} bytes")
    args = decode_bytes(raw, dict[Name, Any], refuse_extension)
    return check_shape_of_value(args)
