"""The messages of LiveView: one frame of JSON each way, told apart by its ``type``.

``{"type": T, …}`` has the sender's own keys beside ``type``, so that a key of that name hides it. Such a message is
known by its shape. What we send ourselves puts keys of such names one level deeper, where any viewer shows them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from ..messages import LogRecord, ProtocolError
from .liveview_json import encode_json
from .payload import decode_payload
from .readings import LEVELS, MOST_NUMBERS, NUMBERS, Reading, check_depth, read_log, read_object

MAX_MESSAGE_BYTES = 16 * 2**20
MAX_COMMAND_BYTES = 64 * 2**10
MAX_NAME_CHARACTERS = 128
PREFIX = b"cmd:"
IMAGES = "sensor_images"
RESERVED = frozenset({"type", "stream"})
# One of these has to be in a message of type state for it to be taken for LiveView's when nobody said that it is.
STATE_KEYS = frozenset(
    {
        "run_name",
        "experiment_name",
        "status",
        "experiment_mode",
        "current_step",
        "current_epoch",
        "total_train_steps",
        "learning_module_count",
        "sensor_module_count",
    }
)


class MetricMessage(NamedTuple):
    """One sample of a metric: its value and columns as ``numbers``, its labels, and what else it says as ``rest``."""

    reading: Reading
    run: str = ""


class DataMessage(NamedTuple):
    """A value of a data stream; ``run`` is the run it names, ``sensor`` that run's sensor module, or ""."""

    stream: str
    value: dict[str, Any]
    run: str = ""
    sensor: str = ""


class LogMessage(NamedTuple):
    """A line of the log, and the time it tells, or None."""

    record: LogRecord
    own_time: Any
    run: str = ""


class StateMessage(NamedTuple):
    """Fields of the experiment's state that changed."""

    fields: dict[str, Any]
    run: str = ""

    @property
    def is_first(self) -> bool:
        """Tell whether a run begins with it."""
        return self.fields.get("status") == "initializing"


LiveViewMessage = MetricMessage | DataMessage | LogMessage | StateMessage


class CommandMessage(NamedTuple):
    """A command to a run: abort, pause, resume, or one that nobody knows yet."""

    type: str
    payload: dict[str, Any]


def decode_message(frame: bytes) -> LiveViewMessage:
    """Decode what a run tells.

    Raises:
        ProtocolError: no JSON object, nested deeper than 64, or nothing that a run tells.
    """
    value = _object(frame, MAX_MESSAGE_BYTES)
    kind = value.pop("type", None)
    message = _by_type(kind, value) or _by_shape(kind, value)
    if message is None:
        raise ProtocolError(f"a message of type {str(kind)[:30]!r}, with nothing of a metric, log, data or state")
    return message


def is_liveview(frame: bytes) -> bool:
    """Tell whether a message is one of LiveView's, as those of other systems are not."""
    try:
        value = _object(frame, MAX_MESSAGE_BYTES)
        message = _by_type(value.pop("type", None), value)
    except ProtocolError:
        return False
    return message is not None and (not isinstance(message, StateMessage) or not STATE_KEYS.isdisjoint(message.fields))


def decode_command(frame: bytes) -> CommandMessage:
    """Decode ``cmd:<type> <json>``; the type is the one in the JSON.

    Raises:
        ProtocolError: it is no such text.
    """
    head, _, body = frame[:MAX_COMMAND_BYTES].partition(b" ")
    if not head.startswith(PREFIX):
        raise ProtocolError("a command begins with cmd:")
    value = _object(body.lstrip(b" "), MAX_COMMAND_BYTES)
    kind, payload = value.get("type"), value.get("payload")
    if not isinstance(kind, str):
        raise ProtocolError("a command without a type")
    return CommandMessage(kind[:MAX_NAME_CHARACTERS], payload if isinstance(payload, dict) else {})


def encode_command(type_: str, payload: dict[str, Any], t: float, spaces: int = 1) -> bytes:
    """Encode a command; ``spaces`` before the JSON change nothing but its first bytes."""
    body = json.dumps({"type": type_, "payload": payload, "timestamp": t})
    return f"cmd:{type_}{' ' * spaces}{body}".encode()


def encode_metric(name: str, value: Any, metadata: Mapping[str, Any]) -> bytes:
    """Encode a sample of a metric; see ``_flat`` for metadata called type."""
    return encode_json({"type": "metric", "name": name, "value": value, **_flat(metadata)})


def encode_log(level: str, message: str, metadata: Mapping[str, Any]) -> bytes:
    """Encode a line of the log."""
    return encode_json({"type": "log", "level": level, "message": message, **_flat(metadata)})


def encode_data(stream: str, data: Mapping[str, Any]) -> bytes:
    """Encode a value of a data stream; one with keys called type or stream goes under the key ``data``."""
    return encode_json({"type": "data", "stream": stream, **({"data": data} if _is_nested(data) else data)})


def encode_state(fields: Mapping[str, Any]) -> bytes:
    """Encode changed fields of the state."""
    return encode_json({"type": "state", **fields})


def _object(frame: bytes, longest: int) -> dict[str, Any]:
    if len(frame) > longest:
        raise ProtocolError(f"a message of {len(frame)} bytes, at most {longest} are read")
    if not frame.lstrip(b" \t\r\n").startswith(b"{"):
        raise ProtocolError("no JSON object")
    value = decode_payload(frame)
    if not isinstance(value, dict):
        raise ProtocolError("no JSON object")
    return check_depth(value)


def _by_type(kind: Any, value: dict[str, Any]) -> LiveViewMessage | None:
    if kind == "metric":
        return _metric(value)
    if kind == "data":
        return _data(value)
    if kind == "log":
        return _log(value)
    return StateMessage(value, _text(value.get("run_name"))) if kind == "state" else None


def _by_shape(kind: Any, value: dict[str, Any]) -> LiveViewMessage | None:
    """Read a message whose type was hidden by an entry of that name, which stays one."""
    if not isinstance(kind, str | int | float | None):
        return None
    return _metric(value, kind) or _data(value, kind) or _log(value, kind)


def _metric(value: dict[str, Any], hidden: Any = None) -> MetricMessage | None:
    number = value.get("value")
    if not _text(value.get("name")) or "value" not in value or not (number is None or type(number) in NUMBERS):
        return None
    entries = {**_unfolded(value, hidden), "value": math.nan if number is None else number}
    if len(entries) > MOST_NUMBERS:
        raise ProtocolError(f"more than {MOST_NUMBERS} entries in one metric")
    return MetricMessage(read_object(entries))


def _data(value: dict[str, Any], hidden: Any = None) -> DataMessage | None:
    stream = _text(value.get("stream"))
    if not stream:
        return None
    data = {key: item for key, item in value.items() if key != "stream"}
    inner = data.get("data")
    if len(data) == 1 and isinstance(inner, dict) and _is_nested(inner):
        data = inner
    if hidden is not None:
        data["type"] = hidden
    run, sensor = _text(data.get("run_name")), ""
    if stream == IMAGES and ":" in run:
        run, _, sensor = run.rpartition(":")
    return DataMessage(stream, data, run, sensor)


def _log(value: dict[str, Any], hidden: Any = None) -> LogMessage | None:
    level, text = value.get("level"), value.get("message")
    if not isinstance(level, str) or not isinstance(text, str):
        return None
    entries = _unfolded(value, hidden)
    if level.lower() in LEVELS:
        told = read_log(entries)
        return None if told is None else LogMessage(*told)
    told = read_log({**entries, "level": "info"})
    return None if told is None else LogMessage(replace(told[0], level=level[:32].lower()), told[1])


def _flat(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata as they lie beside ``type``: one of that name goes under the key ``metadata``."""
    if "type" not in metadata:
        return dict(metadata)
    return {**{key: item for key, item in metadata.items() if key != "type"}, "metadata": {"type": metadata["type"]}}


def _unfolded(value: dict[str, Any], hidden: Any) -> dict[str, Any]:
    """Return entries with what ``_flat`` has put away, or what hid the type of the message."""
    metadata = value.get("metadata")
    if isinstance(metadata, dict) and metadata.keys() == {"type"}:
        return {**{key: item for key, item in value.items() if key != "metadata"}, **metadata}
    return value if hidden is None else {**value, "type": hidden}


def _is_nested(data: Mapping[str, Any]) -> bool:
    """Tell whether data go under the key ``data``: they, or what lies under their only key ``data``, hide a key."""
    while RESERVED.isdisjoint(data):
        inner = data.get("data")
        if len(data) != 1 or not isinstance(inner, Mapping):
            return False
        data = inner
    return True


def _text(value: Any) -> str:
    return value[:MAX_NAME_CHARACTERS] if isinstance(value, str) else ""
