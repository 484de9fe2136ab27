"""The messages of OVRO's beam recorder: a topic, a header of JSON, and raw powers. Bytes in, objects out, no I/O.

data | {"time_tag": …, "nbeam": 1, "nchan": 3072, "npol": 4, …} | <f4[nbeam, nchan, npol] in C order
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np

from ..messages import ProtocolError
from .payload import decode_payload

TOPIC = b"data"
DATA_TYPE = "<f4"
MAX_HEADER_BYTES = 4 * 2**20
MAX_BEAMS, MAX_CHANNELS, MAX_PRODUCTS = 256, 2**20, 64
MAX_PAYLOAD_BYTES = 64 * 2**20

# Numbers of one size everywhere; no objects, no structures, no text. NumPy also spells them float32, int16 …
_NUMBERS = re.compile(r"[<>=|]?(?:[iu][1248]|f[248]|c8|c16)|u?int(?:8|16|32|64)|float(?:16|32|64)|complex(?:64|128)")

Text = Annotated[str, msgspec.Meta(max_length=256)]


class Header(msgspec.Struct, frozen=True):
    """What a message says of its powers; whatever else is in it is left out.

    The recorder sends the first eight. The others are no part of its wire yet: the channel plan is then used for the
    frequencies, and the number of products names them.

    Args:
        time_tag: of the start of the sequence, in ticks at 196 MHz. timestamp: when it was sent, unix seconds.
        last_block_time: end of what was averaged, UTC. These three may be anything: see ``ovro_times``.
        frequencies: of all channels. f0, df: of the first, and their spacing. chan0: number of the first channel.
        bw: of all channels together. All in Hz or MHz. polarizations, pols: names, or text with commas.
    """

    nbeam: Annotated[int, msgspec.Meta(ge=1, le=MAX_BEAMS)] | None = None
    nchan: Annotated[int, msgspec.Meta(ge=1, le=MAX_CHANNELS)] | None = None
    npol: Annotated[int, msgspec.Meta(ge=1, le=MAX_PRODUCTS)] | None = None
    data_shape: Annotated[list[int], msgspec.Meta(min_length=1, max_length=3)] | None = None
    data_type: Text = DATA_TYPE
    time_tag: Any = None
    timestamp: Any = None
    last_block_time: Any = None
    frequencies: Annotated[list[float], msgspec.Meta(max_length=MAX_CHANNELS)] | None = None
    f0: float | None = None
    df: float | None = None
    chan0: float | None = None
    bw: float | None = None
    polarizations: Annotated[list[Text], msgspec.Meta(max_length=MAX_PRODUCTS)] | Text | None = None
    pols: Annotated[list[Text], msgspec.Meta(max_length=MAX_PRODUCTS)] | Text | None = None

    @property
    def names(self) -> list[str]:
        """Names of the products; none when they are not told."""
        told = self.polarizations or self.pols or []
        return told.split(",") if isinstance(told, str) else told


class Packet(NamedTuple):
    """One message: f4[nbeam, nchan, npol] powers as they came, and their header."""

    header: Header
    power: np.ndarray


def decode_packet(frames: Sequence[bytes]) -> Packet:
    """Read one message.

    Args:
        frames: topic, header, powers.

    Raises:
        ProtocolError: it is none, or contradicts itself.
    """
    if len(frames) != 3:
        raise ProtocolError(f"{len(frames)} frames instead of topic, header and powers")
    topic, head, payload = frames
    if topic != TOPIC:
        raise ProtocolError(f"topic {bytes(topic[:20])!r} instead of {TOPIC!r}")
    header = _header(head)
    return Packet(header, _powers(header, payload))


def encode_packet(
    power: np.ndarray,
    *,
    time_tag: int,
    timestamp: float,
    last_block_time: str,
    axis: tuple[float, float] | None = None,
) -> list[bytes]:
    """Return the frames of a message, byte for byte as the recorder sends them.

    Args:
        power: [nbeam, nchan, npol]; sent as little-endian single precision.
        time_tag, timestamp, last_block_time: see ``Header``.
        axis: f0 and df in Hz, for other channels than those of the recorder.
    """
    nbeam, nchan, npol = power.shape
    header = {
        "time_tag": time_tag,
        "nbeam": nbeam,
        "nchan": nchan,
        "npol": npol,
        "timestamp": timestamp,
        "last_block_time": last_block_time,
        "data_shape": [nbeam, nchan, npol],
        "data_type": DATA_TYPE,
    }
    if axis is not None:
        header |= {"f0": axis[0], "df": axis[1]}
    return [TOPIC, json.dumps(header).encode(), power.astype(DATA_TYPE).tobytes()]


def _header(head: bytes) -> Header:
    if len(head) > MAX_HEADER_BYTES or head[:1] != b"{":
        raise ProtocolError("its header is no JSON object")
    try:
        return msgspec.convert(decode_payload(head), Header)
    except (msgspec.ValidationError, OverflowError) as error:
        raise ProtocolError(f"header: {str(error)[:80]}") from None


def _powers(header: Header, payload: bytes) -> np.ndarray:
    shape, dtype = _shape(header), _dtype(header.data_type)
    needed = shape[0] * shape[1] * shape[2] * dtype.itemsize
    if needed > MAX_PAYLOAD_BYTES:
        raise ProtocolError(f"powers of shape {shape} are {needed} bytes, more than {MAX_PAYLOAD_BYTES}")
    if len(payload) != needed:
        raise ProtocolError(f"{len(payload)} bytes for powers of shape {shape} of type {dtype.str}")
    numbers = np.frombuffer(payload, dtype).reshape(shape)
    with np.errstate(over="ignore", invalid="ignore"):  # beyond single precision is infinite there
        return (np.abs(numbers) if dtype.kind == "c" else numbers).astype(np.float32, copy=False)


def _shape(header: Header) -> tuple[int, int, int]:
    """Return nbeam, nchan, npol: of ``data_shape``, which needs no beams when there is one; else of the three."""
    told = (header.nbeam, header.nchan, header.npol)
    if header.data_shape is None:
        if header.nchan is None:
            raise ProtocolError("its header tells no shape")
        return header.nbeam or 1, header.nchan, header.npol or 1
    shape = _three(header.data_shape, header.npol)
    for name, most, number, in_shape in zip(
        ("nbeam", "nchan", "npol"), (MAX_BEAMS, MAX_CHANNELS, MAX_PRODUCTS), told, shape, strict=True
    ):
        if not 1 <= in_shape <= most:
            raise ProtocolError(f"data_shape: {in_shape} is no number of {name[1:]}s up to {most}")
        if number not in (None, in_shape):
            raise ProtocolError(f"data_shape {header.data_shape} and {name} {number} contradict each other")
    return shape


def _three(shape: list[int], npol: int | None) -> tuple[int, int, int]:
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    if len(shape) == 2:
        return 1, shape[0], shape[1]
    return 1, shape[0], npol or 1


def _dtype(text: str) -> np.dtype:
    if not _NUMBERS.fullmatch(text):
        raise ProtocolError(f"data_type {text[:20]!r} is no type of number")
    return np.dtype(text)
