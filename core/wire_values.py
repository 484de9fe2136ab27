"""Free-form values on the native wire: text, numbers, None, bytes, lists, dicts, and arrays beside them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from .messages import ProtocolError
from .wire_arrays import MAX_BUFFERS, pack_array

MAX_STREAM_BYTES = 256
MAX_NESTING = 64
ARRAY_EXTENSION = 1
EXACT = 2**53  # up to here float64 holds every integer
SCALARS = frozenset({str, float, int, bool, type(None), bytes})


def check_text(text: object, argument: str, limit: int = MAX_STREAM_BYTES) -> str:
    """Let a text through that fits the wire.

    Raises:
        TypeError: not a str. ValueError: longer than ``limit`` UTF-8 bytes, or not encodable.
    """
    if not isinstance(text, str):
        raise TypeError(f"{argument}: must be text, not {type(text).__name__}")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ValueError(f"{argument}: holds lone surrogates, which UTF-8 cannot carry") from None
    if size > limit:
        raise ValueError(f"{argument}: {size} bytes long, at most {limit} are allowed")
    return str(text)


def exact_float(value: Any, argument: str) -> float:
    """Convert a real number to float64.

    Raises:
        ValueError: an integer that float64 does not hold exactly; names ``argument``.
    """
    if isinstance(value, int | np.integer) and not -EXACT <= int(value) <= EXACT:
        raise ValueError(f"{argument}: an integer beyond 2**53, which float64 does not hold exactly")
    return float(value)


def check_received_text(text: str, what: str, limit: int = MAX_STREAM_BYTES) -> str:
    """Let a received text through when it is short enough.

    Raises:
        ProtocolError: longer than ``limit`` UTF-8 bytes.
    """
    if len(text) > limit or len(text.encode()) > limit:
        raise ProtocolError(f"{what} longer than {limit} bytes")
    return text


def check_shape_of_value(value: Any, depth: int = 0) -> Any:
    """Let a decoded value through when its nesting and its types are within the wire's.

    Raises:
        ProtocolError: nested deeper than 64, a key that is not text, or a foreign type.
    """
    if depth > MAX_NESTING:
        raise ProtocolError(f"nested deeper than {MAX_NESTING}")
    kind = type(value)
    if kind is dict:
        if any(type(key) is not str for key in value):
            raise ProtocolError("a key that is not text")
        _check_children(value.values(), depth)
    elif kind is list:
        _check_children(value, depth)
    elif kind not in SCALARS and kind is not np.ndarray:
        raise ProtocolError(f"a value of type {kind.__name__}")
    return value


def _check_children(children: Any, depth: int) -> None:
    for child in [child for child in children if type(child) not in SCALARS]:
        check_shape_of_value(child, depth + 1)


class ValuePacker:
    """Turn one Python value into what MessagePack can carry; arrays are collected in ``arrays``."""

    def __init__(self, argument: str = "data", copy: bool = True) -> None:
        self.arrays: list[np.ndarray] = []
        self._argument = argument
        self._copy = copy

    def pack(self, value: Any, depth: int = 0) -> Any:
        """Convert ``value``; sequences become lists, keys text, datetimes unix seconds.

        Raises:
            TypeError: a type the wire cannot carry. ValueError: nested too deep (or in itself), or too many arrays.
        """
        if type(value) in SCALARS:
            return value
        if depth > MAX_NESTING:
            raise ValueError(f"{self._argument}: nested deeper than {MAX_NESTING}")
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, Mapping):
            return {_key(key): self.pack(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [item if type(item) in SCALARS else self.pack(item, depth + 1) for item in value]
        return self._scalar(value)

    def _array(self, array: np.ndarray) -> msgspec.msgpack.Ext:
        if len(self.arrays) >= MAX_BUFFERS:
            raise ValueError(f"{self._argument}: more than {MAX_BUFFERS} arrays")
        self.arrays.append(pack_array(array, self._argument, copy=self._copy))
        return msgspec.msgpack.Ext(ARRAY_EXTENSION, (len(self.arrays) - 1).to_bytes(4, "big"))

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, np.datetime64):
            return math.nan if np.isnat(value) else float(value.astype("datetime64[ns]").astype("i8")) / 1e9
        if isinstance(value, dt.datetime):
            return value.timestamp()
        if isinstance(value, bool | np.bool_):
            return bool(value)
        if isinstance(value, int | np.integer):
            return int(value)
        if isinstance(value, float | np.floating):
            return float(value)
        if isinstance(value, str):
            return str(value)
        if isinstance(value, bytearray | memoryview | bytes):
            return bytes(value)
        raise TypeError(f"{self._argument}: a value of type {type(value).__name__} cannot be sent")


def _key(key: Any) -> str:
    return key if type(key) is str else str(key)


def unpack_value(body: bytes | memoryview | msgspec.Raw, arrays: Sequence[np.ndarray] = ()) -> Any:
    """Decode a free-form value and put its arrays in their places.

    Raises:
        ProtocolError: not MessagePack, nested deeper than 64, or an array that was not sent.
    """

    def array_of(code: int, payload: memoryview) -> np.ndarray:
        index = int.from_bytes(payload, "big")
        if code != ARRAY_EXTENSION or len(payload) != 4 or index >= len(arrays):
            raise ProtocolError("an extension that names no array of this message")
        return arrays[index]

    return check_shape_of_value(decode_bytes(body, Any, array_of))


def decode_bytes(body: bytes | memoryview | msgspec.Raw, expected: Any, ext_hook: Any = None) -> Any:
    """Decode MessagePack of an expected type.

    Raises:
        ProtocolError: whatever is wrong with it.
    """
    try:
        return msgspec.msgpack.decode(body, type=expected, ext_hook=ext_hook)
    except ProtocolError:
        raise
    except (msgspec.DecodeError, RecursionError, OverflowError, UnicodeDecodeError, ValueError, TypeError) as error:
        raise ProtocolError(str(error)[:200]) from None


def encode_bytes(value: Any, argument: str) -> bytes:
    """Encode as MessagePack.

    Raises:
        ValueError: an integer beyond 64 bits, or text that UTF-8 cannot carry; names ``argument``.
    """
    try:
        return msgspec.msgpack.encode(value)
    except OverflowError:
        raise ValueError(f"{argument}: an integer beyond 64 bits") from None
    except UnicodeEncodeError:
        raise ValueError(f"{argument}: holds lone surrogates, which UTF-8 cannot carry") from None
    except TypeError as error:
        raise TypeError(f"{argument}: {error}") from None
    except RecursionError:
        raise ValueError(f"{argument}: nested deeper than {MAX_NESTING}") from None
