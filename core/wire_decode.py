"""Bodies and buffers of the native wire to messages; every size, index and text is checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
import numpy as np

from .messages import (
    ControlState,
    DataRecord,
    Heartbeat,
    Kind,
    LogRecord,
    Message,
    MetricBatch,
    ParameterState,
    PlacementFrame,
    PlacementScene,
    ProtocolError,
    SeriesDefinition,
    SeriesDefinitions,
    Spectrum,
    Status,
)
from .wire_encode import MAX_FIELDS, MAX_TEXT_BYTES
from .wire_values import MAX_STREAM_BYTES, check_received_text, decode_bytes, unpack_value

Name = Annotated[str, msgspec.Meta(max_length=MAX_STREAM_BYTES)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT_BYTES)]
Level = Annotated[str, msgspec.Meta(max_length=64)]
Colour = Annotated[str, msgspec.Meta(pattern="^#[0-9a-fA-F]{6}$")]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Unsigned32 = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
Scalar = Text | int | float | bool | None
Fields = Annotated[dict[Name, float], msgspec.Meta(max_length=MAX_FIELDS)]
Point = tuple[float, float]

RunName = Annotated[str, msgspec.Meta(pattern="^(RUNNING|PAUSING|PAUSED|RESUMING|STOPPING|STOPPED|ENDED)$")]
Outcome = Annotated[str, msgspec.Meta(pattern="^(finished|stopped|error)$")]
ParameterType = Annotated[str, msgspec.Meta(pattern="^(bool|int|float|str)$")]
StatusName = Annotated[str, msgspec.Meta(pattern="^(info|warning|error|complete)$")]


class NamedArrays:
    """Buffers of one message by name, handed out with their dtype and dimensions checked."""

    def __init__(self, buffers: Sequence[tuple[str, np.ndarray]]) -> None:
        self._arrays = dict(buffers)
        if len(self._arrays) != len(buffers):
            raise ProtocolError("two buffers of one name")

    def optional(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> np.ndarray | None:
        """Give the array called ``name``, or None when it was not sent; None in ``shape`` is any size."""
        array = self._arrays.get(name)
        if array is None:
            return None
        fits = array.ndim == len(shape) and all(b in (None, a) for a, b in zip(array.shape, shape, strict=True))
        if array.dtype != np.dtype("<" + dtype) or not fits:
            raise ProtocolError(f"buffer {name}: {array.dtype}{list(array.shape)[:4]} instead of {dtype}{list(shape)}")
        return array

    def required(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> np.ndarray:
        """Give the array called ``name``.

        Raises:
            ProtocolError: missing, or of another dtype or shape.
        """
        array = self.optional(name, dtype, shape)
        if array is None:
            raise ProtocolError(f"buffer {name} is missing")
        return array

    def indices(self, name: str, dtype: str, shape: tuple[int | None, ...], end: int) -> np.ndarray | None:
        """Give an optional array of indices, all below ``end``."""
        array = self.optional(name, dtype, shape)
        if array is not None and array.size and int(array.max()) >= end:
            raise ProtocolError(f"buffer {name}: an index beyond {end}")
        return array


Buffers = Sequence[tuple[str, np.ndarray]]


def decode_series(body: msgspec.Raw, buffers: Buffers) -> SeriesDefinitions:
    """Decode definitions of series."""
    rows = decode_bytes(body, list[tuple[Unsigned32, Name, dict[Name, Text], list[Name]]])
    return SeriesDefinitions(tuple(_definition(*row) for row in rows))


def _definition(number: int, name: str, labels: dict[str, str], fields: list[str]) -> SeriesDefinition:
    check_received_text(name, "metric name")
    if len(labels) > MAX_FIELDS or len(fields) > MAX_FIELDS or len(set(fields)) != len(fields):
        raise ProtocolError("a series with too many or doubled labels or fields")
    return SeriesDefinition(number, name, tuple(sorted(labels.items())), tuple(fields))


def decode_metric(body: msgspec.Raw, buffers: Buffers) -> MetricBatch:
    """Decode a batch of samples; the number of fields is known only to who keeps the definitions."""
    decode_bytes(body, None)
    arrays = NamedArrays(buffers)
    series = arrays.required("series", "u4", (None,))
    entries = (len(series),)
    count = arrays.required("count", "u4", entries)
    first = arrays.required("first", "u8", entries)
    span = arrays.optional("span", "u4", entries)
    samples = (int(count.sum(dtype=np.uint64)),)
    if first.size and (not first.all() or int(first.max()) > 2**62):
        raise ProtocolError("sample numbers must be from 1 to 2**62")
    if span is not None and (span < count).any():
        raise ProtocolError("span must not be less than count")
    t, value = arrays.required("t", "f8", samples), arrays.required("value", "f8", samples)
    fields = arrays.required("fields", "f8", (None,))
    return MetricBatch(series, first, count, t, value, fields, span)


class _SpectrumBody(msgspec.Struct):
    t: float
    f0: float
    df: float
    duration: float | None = None
    unit: Name = ""
    polarizations: Annotated[list[Name], msgspec.Meta(max_length=MAX_FIELDS)] = []
    fields: Fields = {}


def decode_spectrum(body: msgspec.Raw, buffers: Buffers) -> Spectrum:
    """Decode one row of a waterfall."""
    told = decode_bytes(body, _SpectrumBody)
    arrays = NamedArrays(buffers)
    power = arrays.required("power", "f4", (None, None))
    if not power.size:
        raise ProtocolError("a spectrum without channels")
    if told.polarizations and len(told.polarizations) != len(power):
        raise ProtocolError(f"{len(told.polarizations)} polarizations for {len(power)} rows")
    if not (math.isfinite(told.t) and math.isfinite(told.f0) and math.isfinite(told.df)):
        raise ProtocolError("t, f0 and df of a spectrum must be finite")
    if told.duration is not None and not 0 <= told.duration < math.inf:
        raise ProtocolError("duration of a spectrum must be finite and not negative")
    frequencies = arrays.optional("frequencies", "f8", (power.shape[1],))
    if frequencies is None and told.df == 0 and power.shape[1] > 1:
        raise ProtocolError("df of a spectrum must not be zero")
    return Spectrum(
        power=power,
        t=told.t,
        f0=told.f0,
        df=told.df,
        duration=told.duration,
        unit=told.unit,
        polarizations=tuple(told.polarizations),
        fields=told.fields,
        frequencies=frequencies,
    )


class _SceneBody(msgspec.Struct):
    scene: Annotated[int, msgspec.Meta(ge=0)]
    refs: list[Name]
    unit: Name = "mm"
    outlines: list[list[Point]] = []
    holes: list[list[Point]] = []
    modules: list[tuple[Name, Colour | None]] = []
    nets: list[tuple[Name, list[tuple[Number, Annotated[int, msgspec.Meta(ge=-1)]]]]] = []


def decode_scene(body: msgspec.Raw, buffers: Buffers) -> PlacementScene:
    """Decode the fixed part of a placement."""
    told = decode_bytes(body, _SceneBody)
    arrays = NamedArrays(buffers)
    parts = len(told.refs)
    pads = arrays.optional("pads", "f4", (None, 5))
    amount = 0 if pads is None else len(pads)
    nets = tuple((name, tuple(pins)) for name, pins in told.nets)
    if any(part >= parts or pad >= amount for _, pins in nets for part, pad in pins):
        raise ProtocolError("a net names a part or pad that the scene lacks")
    owner = arrays.indices("pad_owner", "u4", (amount,), parts)
    if amount and owner is None:
        raise ProtocolError("buffer pad_owner is missing")
    return PlacementScene(
        refs=tuple(told.refs),
        size=arrays.required("size", "f4", (parts, 2)),
        scene=told.scene,
        unit=told.unit,
        outlines=tuple(_polygon(points) for points in told.outlines),
        holes=tuple(_polygon(points) for points in told.holes),
        modules=tuple(told.modules),
        nets=nets,
        layer=arrays.indices("layer", "u1", (parts,), 2),
        pads=pads,
        pad_owner=owner,
        pad_shape=arrays.indices("pad_shape", "u1", (amount,), 3),
    )


def _polygon(points: list[Point]) -> np.ndarray:
    polygon = np.array(points, "<f8").reshape(-1, 2)
    polygon.flags.writeable = False
    return polygon


class _FrameBody(msgspec.Struct):
    scene: Annotated[int, msgspec.Meta(ge=0)] = 0
    index: int = 0
    label: Name = ""
    iteration: int | None = None
    phase: Name = ""
    energy: float | None = None
    max_move: float | None = None
    overlap_count: int | None = None
    total_wire_length: float | None = None
    fields: Fields = {}


def decode_frame(body: msgspec.Raw, buffers: Buffers) -> PlacementFrame:
    """Decode where the parts are at one moment."""
    told = decode_bytes(body, _FrameBody)
    arrays = NamedArrays(buffers)
    position = arrays.required("position", "f4", (None, 3))
    parts = len(position)
    force = arrays.optional("force", "f4", (None, 2))
    forces = 0 if force is None else len(force)
    owner = arrays.indices("force_owner", "u4", (forces,), parts)
    kind = arrays.optional("force_kind", "u1", (forces,))
    if forces and (owner is None or kind is None):
        raise ProtocolError("forces without owner or kind")
    return PlacementFrame(
        position=position,
        module=arrays.optional("module", "u2", (parts,)),
        force=force,
        force_owner=owner,
        force_kind=kind,
        overlap=arrays.indices("overlap", "u4", (None, 2), parts),
        movement=arrays.optional("movement", "f4", (parts, 3)),
        **{name: getattr(told, name) for name in told.__struct_fields__},
    )


def decode_log(body: msgspec.Raw, buffers: Buffers) -> LogRecord:
    """Decode one log line."""
    level, message, fields, t = decode_bytes(body, tuple[Level, Text, dict[Name, Scalar], float])
    if len(fields) > MAX_FIELDS:
        raise ProtocolError(f"a log record with more than {MAX_FIELDS} fields")
    return LogRecord(level, message, fields, t)


def decode_status(body: msgspec.Raw, buffers: Buffers) -> Status:
    """Decode a status."""
    return Status(*decode_bytes(body, tuple[StatusName, Text, float]))


ParameterRow = tuple[
    Name, ParameterType, Scalar, float | None, float | None, list[Scalar] | None, Name, Number
]  # fmt: skip


class _ControlBody(msgspec.Struct):
    run: RunName
    outcome: Outcome | None = None
    revision: Number = 0
    by: Text = ""
    reason: Text = ""
    waiting_s: float | None = None
    parameters: Annotated[list[ParameterRow], msgspec.Meta(max_length=4096)] = []


def decode_control(body: bytes | msgspec.Raw, buffers: Buffers = ()) -> ControlState:
    """Decode the run state and the live parameters."""
    told = decode_bytes(body, _ControlBody)
    return ControlState(
        run=told.run,
        outcome=told.outcome,
        revision=told.revision,
        by=told.by,
        reason=told.reason,
        waiting_s=told.waiting_s,
        parameters=tuple(_parameter(*row) for row in told.parameters),
    )


def _parameter(
    name: str,
    type_name: str,
    value: Any,
    minimum: float | None,
    maximum: float | None,
    choices: list[Any] | None,
    unit: str,
    revision: int,
) -> ParameterState:
    kept = None if choices is None else tuple(choices)
    return ParameterState(name, type_name, value, minimum, maximum, kept, unit, revision)


class _HeartbeatBody(msgspec.Struct):
    dropped: list[tuple[Name, Name, Number]] = []
    viewers: Number = 0
    queue_bytes: Number = 0


def decode_heartbeat(body: msgspec.Raw, buffers: Buffers) -> Heartbeat:
    """Decode the sign of life of each second."""
    told = decode_bytes(body, _HeartbeatBody)
    return Heartbeat(tuple(told.dropped), told.viewers, told.queue_bytes)


def decode_data(body: msgspec.Raw, buffers: Buffers, sent_ns: int) -> DataRecord:
    """Decode a free-form value; its time is when it was published."""
    return DataRecord(unpack_value(body, [array for _, array in buffers]), sent_ns / 1e9)


DECODERS: dict[Kind, Callable[[msgspec.Raw, Buffers], Message]] = {
    Kind.SERIES: decode_series,
    Kind.METRIC: decode_metric,
    Kind.SPECTRUM: decode_spectrum,
    Kind.SCENE: decode_scene,
    Kind.FRAME: decode_frame,
    Kind.LOG: decode_log,
    Kind.STATUS: decode_status,
    Kind.CONTROL: decode_control,
    Kind.HEARTBEAT: decode_heartbeat,
}
