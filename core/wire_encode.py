"""Messages to the bodies and buffers of the native wire; wrong messages are the caller's mistake and say so."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .messages import (
    ControlState,
    DataRecord,
    Heartbeat,
    LogRecord,
    MetricBatch,
    ParameterState,
    PlacementFrame,
    PlacementScene,
    SeriesDefinitions,
    Spectrum,
    Status,
)
from .wire_arrays import pack_array, real_numbers
from .wire_values import ValuePacker, check_text, exact_float

MAX_TEXT_BYTES = 65_536
STATUSES = ("info", "warning", "error", "complete")
METRIC_COLUMNS = {"series": "u4", "first": "u8", "count": "u4", "t": "f8", "value": "f8", "fields": "f8"}
FRAME_COUNTS = ("index", "iteration", "overlap_count")
FRAME_NUMBERS = ("energy", "max_move", "total_wire_length")
MAX_FIELDS = 256
MAX_SCENE = 2**64 - 1
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\Z")

Encoded = tuple[Any, list[tuple[str, np.ndarray]]]


def encode_series(message: SeriesDefinitions, copy: bool) -> Encoded:
    """Encode definitions of series."""
    return [[d.id, d.name, dict(d.labels), list(d.fields)] for d in message.definitions], []


def encode_metric(message: MetricBatch, copy: bool) -> Encoded:
    """Encode a batch of samples; everything travels as columns."""
    columns = {name: pack_array(getattr(message, name), name, dtype, copy) for name, dtype in METRIC_COLUMNS.items()}
    if message.span is not None:
        columns["span"] = pack_array(message.span, "span", "u4", copy)
    if not len(columns["series"]) == len(columns["first"]) == len(columns["count"]):
        raise ValueError("series: needs one first and one count for each entry")
    if not int(columns["count"].sum(dtype="u8")) == len(columns["t"]) == len(columns["value"]):
        raise ValueError("count: must add up to the number of samples")
    return None, list(columns.items())


def encode_spectrum(message: Spectrum, copy: bool) -> Encoded:
    """Encode one row of a waterfall."""
    power = pack_array(_rectangle(message.power, "power", None), "power", "f4", copy)
    polarizations, channels = power.shape
    if not polarizations or not channels:
        raise ValueError("power: needs at least one polarization and one channel")
    if message.polarizations and len(message.polarizations) != polarizations:
        raise ValueError(f"polarizations: {len(message.polarizations)} names for {polarizations} rows of power")
    body = {
        "t": _real(message.t, "t"),
        "duration": _real(message.duration, "duration"),
        "f0": _real(message.f0, "f0"),
        "df": _real(message.df, "df"),
        "unit": check_text(message.unit, "unit"),
        "polarizations": [check_text(name, "polarizations") for name in message.polarizations],
        "fields": _fields(message.fields),
    }
    buffers = [("power", power)]
    if message.frequencies is not None:
        frequencies = pack_array(np.asarray(message.frequencies), "frequencies", "f8", copy)
        if frequencies.shape != (channels,):
            raise ValueError(f"frequencies: shape {frequencies.shape} for {channels} channels")
        buffers.append(("frequencies", frequencies))
    return body, buffers


def encode_scene(message: PlacementScene, copy: bool) -> Encoded:
    """Encode the fixed part of a placement."""
    parts = len(message.refs)
    buffers = [("size", pack_array(_rectangle(message.size, "size", 2, parts), "size", "f4", copy))]
    if message.layer is not None:
        layer = _column(message.layer, "layer", parts)
        buffers.append(("layer", pack_array(_below(layer, 2, "layer"), "layer", "u1", copy)))
    pads = 0
    if message.pads is not None:
        table = _rectangle(message.pads, "pads", 5)
        pads = len(table)
        buffers += _encode_pads(message, table, parts, copy)
    body = {
        "scene": _whole(message.scene, "scene", 0, MAX_SCENE),
        "unit": check_text(message.unit, "unit"),
        "outlines": [_polygon(polygon, "outlines") for polygon in message.outlines],
        "holes": [_polygon(polygon, "holes") for polygon in message.holes],
        "refs": [check_text(ref, "refs") for ref in message.refs],
        "modules": [[check_text(name, "modules"), _colour(colour)] for name, colour in message.modules],
        "nets": [[check_text(name, "nets"), _pins(pins, parts, pads)] for name, pins in message.nets],
    }
    return body, buffers


def _encode_pads(message: PlacementScene, table: np.ndarray, parts: int, copy: bool) -> list[tuple[str, np.ndarray]]:
    pads = len(table)
    owner = np.zeros(pads) if message.pad_owner is None and parts == 1 else message.pad_owner
    if owner is None:
        raise ValueError("pad_owner: each pad needs the index of its part")
    owner = _below(_column(owner, "pad_owner", pads), parts, "pad_owner")
    shape = np.zeros(pads) if message.pad_shape is None else message.pad_shape
    shape = _below(_column(shape, "pad_shape", pads), 3, "pad_shape")
    return [
        ("pads", pack_array(table, "pads", "f4", copy)),
        ("pad_owner", pack_array(owner, "pad_owner", "u4", copy)),
        ("pad_shape", pack_array(shape, "pad_shape", "u1", copy)),
    ]


def encode_frame(message: PlacementFrame, copy: bool) -> Encoded:
    """Encode where the parts are at one moment."""
    position = _rectangle(message.position, "position", 3)
    parts = len(position)
    body: dict[str, Any] = {name: _whole(getattr(message, name), name) for name in FRAME_COUNTS}
    body["scene"] = _whole(message.scene, "scene", 0, MAX_SCENE)
    body |= {name: _real(getattr(message, name), name) for name in FRAME_NUMBERS}
    body |= {"label": check_text(message.label, "label"), "phase": check_text(message.phase, "phase")}
    body["fields"] = _fields(message.fields)
    buffers = [("position", pack_array(position, "position", "f4", copy))]
    if message.module is not None:
        module = _below(_column(message.module, "module", parts), 65_536, "module")
        buffers.append(("module", pack_array(module, "module", "u2", copy)))
    if message.force is not None:
        buffers += _encode_forces(message, parts, copy)
    if message.overlap is not None:
        overlap = _below(_rectangle(message.overlap, "overlap", 2), parts, "overlap")
        buffers.append(("overlap", pack_array(overlap, "overlap", "u4", copy)))
    if message.movement is not None:
        movement = _rectangle(message.movement, "movement", 3, parts)
        buffers.append(("movement", pack_array(movement, "movement", "f4", copy)))
    return body, buffers


def _encode_forces(message: PlacementFrame, parts: int, copy: bool) -> list[tuple[str, np.ndarray]]:
    force = _rectangle(message.force, "force", 2)
    owner, kind = message.force_owner, message.force_kind
    if owner is None:
        if len(force) != parts:
            raise ValueError("force_owner: each force needs the index of its part")
        owner = np.arange(parts)
    kind = np.full(len(force), 5) if kind is None else kind
    owner = _below(_column(owner, "force_owner", len(force)), parts, "force_owner")
    kind = _below(_column(kind, "force_kind", len(force)), 6, "force_kind")
    return [
        ("force", pack_array(force, "force", "f4", copy)),
        ("force_owner", pack_array(owner, "force_owner", "u4", copy)),
        ("force_kind", pack_array(kind, "force_kind", "u1", copy)),
    ]


def encode_data(message: DataRecord, copy: bool) -> Encoded:
    """Encode a free-form value; its arrays travel beside it."""
    packer = ValuePacker("data", copy)
    body = packer.pack(message.value)
    return body, [("", array) for array in packer.arrays]


def encode_log(message: LogRecord, copy: bool) -> Encoded:
    """Encode one log line."""
    return [check_text(message.level, "level"), shorten(message.message, "message"), message.fields, message.t], []


def encode_status(message: Status, copy: bool) -> Encoded:
    """Encode a status."""
    if message.status not in STATUSES:
        raise ValueError(f"status: {str(message.status)[:40]!r} is none of {', '.join(STATUSES)}")
    return [message.status, shorten(message.message, "message"), message.t], []


def encode_control(message: ControlState, copy: bool) -> Encoded:
    """Encode the run state and the live parameters."""
    return control_body(message), []


def control_body(state: ControlState) -> dict[str, Any]:
    """Write the run state as PROTOCOL's map; also the result of pause, resume and stop."""
    return {
        "run": state.run,
        "outcome": state.outcome,
        "revision": state.revision,
        "by": state.by,
        "reason": state.reason,
        "waiting_s": state.waiting_s,
        "parameters": [parameter_row(parameter) for parameter in state.parameters],
    }


def parameter_row(state: ParameterState) -> list[Any]:
    """Write a live parameter as PROTOCOL's row; also the result of set."""
    choices = None if state.choices is None else list(state.choices)
    return [state.name, state.type, state.value, state.minimum, state.maximum, choices, state.unit, state.revision]


def encode_heartbeat(message: Heartbeat, copy: bool) -> Encoded:
    """Encode the sign of life of each second."""
    dropped = [[kind, stream, count] for kind, stream, count in message.dropped]
    return {"dropped": dropped, "viewers": message.viewers, "queue_bytes": message.queue_bytes}, []


def shorten(text: object, argument: str) -> str:
    """Let a log or status text through; what exceeds 64 KiB is cut and says so.

    Raises:
        TypeError: not a str. ValueError: holds lone surrogates.
    """
    if isinstance(text, str) and len(text) > MAX_TEXT_BYTES // 4:
        kept = text.encode(errors="surrogatepass")[: MAX_TEXT_BYTES - 64].decode(errors="ignore")
        text = kept if len(kept) == len(text) else f"{kept}… ({len(text) - len(kept)} characters more)"
    return check_text(text, argument, MAX_TEXT_BYTES)


def _real(value: Any, argument: str) -> float | None:
    """Check for a number or None; NumPy's are numbers too."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise TypeError(f"{argument}: must be a number, not {type(value).__name__}")
    return exact_float(value, argument)


def _whole(value: Any, argument: str, least: int = -(2**63), most: int = 2**63 - 1) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{argument}: must be an integer, not {type(value).__name__}")
    if not least <= value <= most:
        raise ValueError(f"{argument}: must be an integer from {least} to {most}")
    return int(value)


def _fields(fields: Any) -> dict[str, float | None]:
    if len(fields) > MAX_FIELDS:
        raise ValueError(f"fields: more than {MAX_FIELDS}")
    return {check_text(name, "fields"): _real(value, name) for name, value in fields.items() if value is not None}


def _rectangle(array: Any, argument: str, columns: int | None, rows: int | None = None) -> np.ndarray:
    """Check for a table of numbers of the given size."""
    table = real_numbers(array, argument)
    if table.size == 0 and columns is not None:
        table = table.reshape(-1, columns)
    fits = table.ndim == 2 and columns in (None, table.shape[1]) and rows in (None, len(table))
    if not fits:
        raise ValueError(f"{argument}: shape {table.shape}, must be ({rows or 'n'}, {columns or 'n'})")
    return table


def _column(array: Any, argument: str, rows: int) -> np.ndarray:
    column = real_numbers(array, argument)
    if column.shape != (rows,):
        raise ValueError(f"{argument}: shape {column.shape}, must be ({rows},)")
    return column


def _below(indices: np.ndarray, end: int, argument: str) -> np.ndarray:
    if indices.size and (indices.min() < 0 or indices.max() >= end):
        raise ValueError(f"{argument}: indices must be from 0 to {end - 1}")
    return indices


def _polygon(polygon: Any, argument: str) -> list[list[float]]:
    return _rectangle(polygon, argument, 2).astype("f8").tolist()


def _colour(colour: str | None) -> str | None:
    if colour is not None and not (isinstance(colour, str) and _COLOUR.match(colour)):
        raise ValueError(f"modules: colour {str(colour)[:20]!r} is not #rrggbb")
    return colour


def _pins(pins: Sequence[tuple[int, int]], parts: int, pads: int) -> list[list[int]]:
    for part, pad in pins:
        if not (0 <= part < parts and -1 <= pad < pads):
            raise ValueError(f"nets: part {part}, pad {pad} is not in the scene")
    return [[int(part), int(pad)] for part, pad in pins]


ENCODERS: dict[type, Callable[[Any, bool], Encoded]] = {
    SeriesDefinitions: encode_series,
    MetricBatch: encode_metric,
    Spectrum: encode_spectrum,
    PlacementScene: encode_scene,
    PlacementFrame: encode_frame,
    DataRecord: encode_data,
    LogRecord: encode_log,
    Status: encode_status,
    ControlState: encode_control,
    Heartbeat: encode_heartbeat,
}
