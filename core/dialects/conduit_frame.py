"""Frames of the conduit wire: 32 bytes of header, then one MessagePack value or nothing. Bytes in, objects out.

Header, big-endian: magic ``CNDT``, version, type, flags, reserved (2 bytes each), payload length (4), correlation id
and unix milliseconds (8 each). With flag 1 the payload is a zlib stream; a receiver inflates by the flag alone.
"""

from __future__ import annotations

import enum
import struct
import time
import zlib
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from ..messages import ProtocolError

MAGIC = b"CNDT"
VERSION = 0x0100
MAX_PAYLOAD_BYTES = 104_857_600
COMPRESSED = 0x0001
COMPRESS_ABOVE_BYTES = 1024
COMPRESSION_LEVEL = 6

_HEADER = struct.Struct(">4sHHHHIQQ")
HEADER_BYTES = _HEADER.size
_FAULTS = (msgspec.DecodeError, RecursionError, ValueError, TypeError, OverflowError, MemoryError)
_decode = msgspec.msgpack.Decoder().decode


class FrameType(enum.IntEnum):
    """What a frame is."""

    MESSAGE = 0x01
    RPC_REQUEST = 0x02
    RPC_RESPONSE = 0x03
    RPC_ERROR = 0x04
    HEARTBEAT_PING = 0x05
    HEARTBEAT_PONG = 0x06
    AUTH_REQUEST = 0x07
    AUTH_SUCCESS = 0x08
    AUTH_FAILURE = 0x09
    PAUSE = 0x0A
    RESUME = 0x0B
    ACK = 0x0C
    NACK = 0x0D
    CLOSE = 0x0E
    CLOSE_ACK = 0x0F
    RPC_LIST = 0x10


class FramingError(ProtocolError):
    """The bytes are not frames of this wire: nothing that follows can be read."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame; ``payload`` is the decoded value, None when there is none."""

    type: FrameType
    payload: Any = None
    correlation_id: int = 0
    timestamp_ms: int = 0


def encode_frame(
    type_: FrameType,
    payload: Any = None,
    *,
    correlation_id: int = 0,
    timestamp_ms: int | None = None,
    compress: bool = False,
) -> bytes:
    """Encode a frame.

    Args:
        type_: what it is. payload: None for a frame without one. correlation_id: of an RPC, else 0.
        timestamp_ms: unix milliseconds, now when not given. compress: with zlib, above 1 KiB and where that is shorter.

    Raises:
        TypeError: a value that MessagePack cannot carry. ValueError: more than 100 MiB, or an integer beyond 64 bits.
    """
    body = b"" if payload is None else _packed(payload)
    flags = 0
    if compress and len(body) > COMPRESS_ABOVE_BYTES:
        shorter = zlib.compress(body, COMPRESSION_LEVEL)
        if len(shorter) < len(body):
            body, flags = shorter, COMPRESSED
    if len(body) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a payload of {len(body)} bytes, at most {MAX_PAYLOAD_BYTES} can be sent")
    moment_ms = time.time_ns() // 1_000_000 if timestamp_ms is None else timestamp_ms
    return _HEADER.pack(MAGIC, VERSION, type_, flags, 0, len(body), correlation_id, moment_ms) + body


def _packed(payload: Any) -> bytes:
    try:
        return _encode(payload)
    except OverflowError as error:
        raise ValueError(f"the payload holds a number that MessagePack cannot carry: {error}") from None
    except RecursionError:
        raise ValueError("the payload is nested too deep, or in itself") from None


def _plain(value: Any) -> Any:
    """Convert what NumPy made; arrays become lists."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be sent")


_encode = msgspec.msgpack.Encoder(enc_hook=_plain).encode


class FrameDecoder:
    """Cut received bytes into frames, however TCP cut or glued them.

    It holds one frame and one segment at most: what is larger than allowed is skipped as it comes in, without being
    kept.

    Args:
        max_payload_bytes: of a frame, as sent and inflated.
    """

    def __init__(self, max_payload_bytes: int = MAX_PAYLOAD_BYTES) -> None:
        self.max_payload_bytes = max_payload_bytes
        self._buffer = bytearray()
        self._skip = 0

    @property
    def pending_bytes(self) -> int:
        """Return how much of an unfinished frame is held."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take what was received."""
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        self._buffer += memoryview(data)[skipped:]

    def next(self) -> Frame | None:
        """Return the next frame, None when it is not complete yet.

        Raises:
            ProtocolError: this frame is bad or too large; it is skipped and the next one can be read.
            FramingError: the bytes are no frames.
        """
        buffer = self._buffer
        if not MAGIC.startswith(buffer[: len(MAGIC)]):
            raise FramingError("the bytes do not start with the conduit mark")
        if len(buffer) < HEADER_BYTES:
            return None
        _, version, type_, flags, _, length, correlation_id, timestamp_ms = _HEADER.unpack_from(buffer)
        if version != VERSION:
            raise FramingError(f"version {version:#06x} of the conduit wire, only {VERSION:#06x} is known")
        if length > min(self.max_payload_bytes, MAX_PAYLOAD_BYTES):
            self._drop(HEADER_BYTES + length)
            raise ProtocolError(f"a frame of {length} bytes, at most {self.max_payload_bytes} are taken")
        if len(buffer) < HEADER_BYTES + length:
            return None
        payload = bytes(memoryview(buffer)[HEADER_BYTES : HEADER_BYTES + length])
        self._drop(HEADER_BYTES + length)
        return Frame(_type_of(type_), self._value(payload, flags), correlation_id, timestamp_ms)

    def _drop(self, count: int) -> None:
        held = min(count, len(self._buffer))
        del self._buffer[:held]
        self._skip = count - held

    def _value(self, payload: bytes, flags: int) -> Any:
        if flags & COMPRESSED:
            payload = self._inflated(payload)
        if not payload:
            return None
        try:
            return _decode(payload)
        except _FAULTS as error:
            raise ProtocolError(f"a payload that is no MessagePack: {str(error)[:60]}") from None

    def _inflated(self, payload: bytes) -> bytes:
        inflater = zlib.decompressobj()
        try:
            inflated = inflater.decompress(payload, self.max_payload_bytes)
        except zlib.error as error:
            raise ProtocolError(f"a payload that cannot be inflated: {str(error)[:60]}") from None
        if inflater.unconsumed_tail:
            raise ProtocolError(f"a payload that inflates to more than {self.max_payload_bytes} bytes")
        if not inflater.eof:
            raise ProtocolError("a payload that cannot be inflated: it is cut off")
        return inflated


def _type_of(number: int) -> FrameType:
    try:
        return FrameType(number)
    except ValueError:
        raise ProtocolError(f"a frame of unknown type {number:#06x}") from None
