"""Answers of instruments: where one ends, and what it says.

IEEE 488.2 knows decimal numbers and arbitrary blocks (8.7.9, 8.7.10): ``#3400`` and 400 bytes, or ``#0`` and bytes up
to the end of the message. SCPI-99 (volume 1, 7.2.1) adds numbers that stand for none: 9.91E37, 9.9E37 and -9.9E37.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from .instrument_errors import AnswerError

Reading = float | NDArray[np.float64] | str

MAX_ANSWER_BYTES = 64 << 20  # far above any trace; below what hurts
SHOWN_LENGTH = 40  # of a bad answer in a message

_NUMBERS = re.compile(rb"[-+.,0-9eEnNaAiIfFtTyY \t]+")
_NON_DECIMAL = {"H": 16, "Q": 8, "B": 2}
_STANDS_FOR = {9.91e37: float("nan"), 9.9e37: float("inf"), -9.9e37: float("-inf")}


def block_dtype(text: str) -> np.dtype:
    """Return the data type of the numbers in a block.

    Args:
        text: as NumPy writes it, with the byte order: ``>f4`` (SCPI's own default), ``<f4``, ``>i2``, ``u1``, …

    Raises:
        ValueError: it is none of signed and unsigned integers and floats of 1 to 8 bytes.
    """
    try:
        dtype = np.dtype(text)
    except (TypeError, ValueError):
        dtype = None
    if dtype is None or dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise ValueError(f"block format {text!r} is unknown; write it like >f4, <f8, >i2 or u1")
    return dtype


def block_length(head: bytes | bytearray) -> int | None:
    """Return how many bytes a definite-length block has, header included, or None while its header is not all there.

    Args:
        head: what came so far; it starts with ``#`` and a digit from 1 to 9, as far as it goes.

    Raises:
        AnswerError: that is no block header.
    """
    if len(head) < 2:
        return None
    digits = head[2 : 2 + head[1] - ord("0")]
    if not digits.isdigit() and digits:
        raise AnswerError(f"a block header is broken: {shown(head)}")
    if len(digits) < head[1] - ord("0"):
        return None
    return 2 + len(digits) + int(digits)


def is_block(answer: bytes | bytearray) -> bool:
    """Return whether an answer is a block, of definite or indefinite length."""
    return len(answer) >= 2 and answer[:1] == b"#" and answer[1:2].isdigit()


def decode(answer: bytes, *, dtype: np.dtype, text: bool = False) -> Reading:
    """Return what an answer says.

    Args:
        answer: the answer without what ends the message.
        dtype: of the numbers in a block.
        text: an answer that is no number is wanted as it stands.

    Returns:
        A float for a number, f8[n] for a comma list of two or more or for a block, or a str.

    Raises:
        AnswerError: it is nothing of that.
    """
    if is_block(answer):
        return _block(answer, dtype)
    plain = answer.strip()
    if _NUMBERS.fullmatch(plain):
        try:
            return _numbers(plain)
        except ValueError:
            pass  # a word such as "fine", told below
    if plain[:1] == b"#":
        return _non_decimal(plain)
    if text:
        return as_text(plain)
    raise AnswerError(f"{shown(answer)} is not a number")


def as_text(answer: bytes) -> str:
    """Return an answer as text; a block is told by its size.

    Raises:
        AnswerError: it is neither text nor a block.
    """
    if is_block(answer):
        return f"a block of {len(_payload(answer))} bytes"
    try:
        return answer.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise AnswerError(f"{shown(answer)} is not text") from None


def shown(answer: bytes | bytearray) -> str:
    """Return the beginning of an answer for a message, control characters escaped."""
    return repr(bytes(answer[:SHOWN_LENGTH]))[1:] + ("…" if len(answer) > SHOWN_LENGTH else "")


def _numbers(plain: bytes) -> float | NDArray[np.float64]:
    values = [float(part) for part in plain.split(b",")]
    if len(values) == 1:
        return _STANDS_FOR.get(values[0], values[0])
    array = np.array(values)
    for number, meaning in _STANDS_FOR.items():
        array[array == number] = meaning
    return array


def _non_decimal(plain: bytes) -> float:
    base = _NON_DECIMAL.get(plain[1:2].decode("latin-1").upper())
    try:
        if base is None or not plain[2:].isalnum():
            raise ValueError
        return float(int(plain[2:], base))
    except (ValueError, OverflowError):
        raise AnswerError(f"{shown(plain)} is not a number") from None


def _payload(answer: bytes) -> bytes:
    if answer[1:2] == b"0":
        return answer[2:]
    length = block_length(answer)
    if length is None or length != len(answer):
        raise AnswerError(f"a block has {len(answer)} bytes where its header says {length}: {shown(answer)}")
    return answer[2 + answer[1] - ord("0") :]


def _block(answer: bytes, dtype: np.dtype) -> NDArray[np.float64]:
    payload = _payload(answer)
    if len(payload) % dtype.itemsize:
        raise AnswerError(f"a block of {len(payload)} bytes does not hold whole numbers of {dtype.itemsize}")
    return np.frombuffer(payload, dtype).astype(np.float64)
