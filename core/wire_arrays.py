"""Arrays on the native wire: one frame each, C order, little endian, described by ``[name, dtype, shape]``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .messages import ProtocolError

DTYPES = {name: np.dtype("<" + name) for name in ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")}
CODES = {dtype: name for name, dtype in DTYPES.items()}
CONVERTED = {np.dtype("?"): "u1", np.dtype("<f2"): "f4"}
MAX_BUFFERS = 4096
MAX_DIMENSIONS = 32

BufferInfo = tuple[str, str, tuple[int, ...]]


def wire_dtype(dtype: np.dtype[Any], argument: str) -> str:
    """Find the wire's name for a NumPy type; bool travels as u1, float16 as f4.

    Raises:
        TypeError: the wire has no such type; the message names ``argument``.
    """
    little = dtype.newbyteorder("<")
    name = CODES.get(little) or CONVERTED.get(little)
    if name is None:
        raise TypeError(f"{argument}: arrays of dtype {dtype} cannot be sent, only {' '.join(DTYPES)} and bool")
    return name


def as_array(values: Any, argument: str) -> np.ndarray:
    """Make an array of whatever has the shape of one.

    Raises:
        ValueError: rows of different lengths; the text names ``argument``.
    """
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(f"{argument}: must be an array, its rows have different lengths") from None


def real_numbers(values: Any, argument: str) -> np.ndarray:
    """Make an array of real numbers of any shape.

    Raises:
        TypeError: of something else. ValueError: rows of different lengths; the text names ``argument``.
    """
    numbers = as_array(values, argument)
    if numbers.dtype.kind not in "fiub":
        raise TypeError(f"{argument}: must be real numbers, not an array of {numbers.dtype}")
    return numbers


def pack_array(array: np.ndarray, argument: str, dtype: str | None = None, copy: bool = True) -> np.ndarray:
    """Make an array ready for the wire: C order, little endian, detached from the caller's memory.

    Args:
        array: any shape.
        argument: what the caller calls it, for the error.
        dtype: wire name to convert to; None keeps the type where the wire has it.
        copy: False may return the caller's own memory.

    Raises:
        TypeError: the type has no form on the wire.
    """
    name = wire_dtype(array.dtype, argument) if dtype is None else dtype
    if copy:
        return np.array(array, dtype=DTYPES[name], order="C", copy=True)
    return np.ascontiguousarray(array, dtype=DTYPES[name]).reshape(array.shape)


def array_bytes(array: np.ndarray) -> memoryview | bytes:
    """Show a packed array as flat bytes, without a copy."""
    return array.reshape(-1).view("u1").data if array.size else b""


def describe(name: str, array: np.ndarray) -> BufferInfo:
    """Describe a packed array for the header."""
    return name, CODES[array.dtype], array.shape


def unpack_array(dtype: str, shape: Sequence[int], frame: Any) -> np.ndarray:
    """View a received frame as an array, read-only, without a copy.

    Raises:
        ProtocolError: unknown dtype, or shape and frame length disagree.
    """
    known = DTYPES.get(dtype)
    if known is None:
        raise ProtocolError(f"unknown dtype {dtype[:16]!r}")
    view = memoryview(frame)
    if len(shape) > MAX_DIMENSIONS or math.prod(shape) * known.itemsize != view.nbytes:
        raise ProtocolError(f"array of dtype {dtype} and {len(shape)} dimensions in {view.nbytes} bytes")
    try:
        array = np.frombuffer(view, dtype=known).reshape(tuple(shape)) if view.nbytes else np.empty(shape, known)
    except (ValueError, OverflowError, MemoryError) as error:
        raise ProtocolError(f"array shape: {error}") from None
    array.flags.writeable = False
    return array
