"""Bytes to objects: JSON as Python writes it, MessagePack and CBOR, told apart by their first byte.

An object never starts with the same byte in two of these: JSON with a brace or white space, a MessagePack map with
80 … 8f, de, df, a CBOR map with a0 … bf or its own mark d9 d9 f7. Where arrays overlap, MessagePack is tried first.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import cbor2
import msgspec

from ..messages import ProtocolError
from ..wire_values import MAX_NESTING

CBOR_MARK = b"\xd9\xd9\xf7"
# Shared values can hold themselves or unfold without end; a pattern or a mail is nothing to watch.
_REFUSED_TAGS = (28, 29, 35, 36)
_FIRST_BYTES_OF_MESSAGEPACK = frozenset([*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF])
_FIRST_BYTES_OF_CBOR = frozenset([*range(0x80, 0xC0), 0xD9])
_PLAIN = frozenset({str, int, float, bool, type(None), bytes})
_FAULTS = (
    msgspec.DecodeError,
    cbor2.CBORError,
    RecursionError,
    OverflowError,
    ValueError,
    TypeError,
    ArithmeticError,
    MemoryError,
)

decode_json = msgspec.json.Decoder().decode


def decode_payload(payload: bytes | memoryview) -> Any:
    """Decode one value.

    Returns:
        Text, numbers, None, bytes, lists, and dicts with text keys.

    Raises:
        ProtocolError: it is none of the three, or nested deeper than 64.
    """
    first = payload[0] if len(payload) else -1
    if first in _FIRST_BYTES_OF_MESSAGEPACK:
        try:
            return plain(_decoded(msgspec.msgpack.decode, payload))
        except ProtocolError:
            if first not in _FIRST_BYTES_OF_CBOR:
                raise
    if first in _FIRST_BYTES_OF_CBOR:
        return plain(_decoded(_decode_cbor, payload))
    return _decoded(_decode_json, payload)


def _decoded(decode: Callable[[Any], Any], payload: bytes | memoryview) -> Any:
    try:
        return decode(payload)
    except _FAULTS as error:
        raise ProtocolError(str(error)[:80] or type(error).__name__) from None


def _decode_json(payload: bytes | memoryview) -> Any:
    try:
        return decode_json(payload)
    except msgspec.DecodeError:
        # Python's own json writes NaN and Infinity, which are no JSON.
        text = bytes(payload)
        if b"NaN" not in text and b"Infinity" not in text:
            raise
        return json.loads(text)


def _refuse(decoder: cbor2.CBORDecoder, immutable: bool) -> Any:
    raise ValueError("CBOR with shared values, a pattern or a mail")


_TAGS: dict[int, Any] = dict.fromkeys(_REFUSED_TAGS, _refuse)


def _decode_cbor(payload: bytes | memoryview) -> Any:
    content = bytes(payload)
    return cbor2.loads(content.removeprefix(CBOR_MARK), semantic_decoders=_TAGS, max_depth=MAX_NESTING)


def plain(value: Any, depth: int = 0) -> Any:
    """Turn what MessagePack and CBOR know beyond JSON into what JSON knows, and bytes.

    Raises:
        ProtocolError: nested deeper than 64.
    """
    if type(value) in _PLAIN:
        return value
    if depth > MAX_NESTING:
        raise ProtocolError(f"nested deeper than {MAX_NESTING}")
    if isinstance(value, Mapping):
        return {_key(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [item if type(item) in _PLAIN else plain(item, depth + 1) for item in value]
    if isinstance(value, cbor2.CBORTag):
        return plain(value.value, depth + 1)
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    if isinstance(value, Decimal | Fraction):
        return _decoded(float, value)  # type: ignore[arg-type]
    if isinstance(value, msgspec.msgpack.Ext):
        return bytes(value.data)
    if value is cbor2.undefined:
        return None
    return str(value)[:256]


def _key(key: Any) -> str:
    return key if type(key) is str else str(key)[:256]
