"""What ``dockscope tail`` says of a message: objects for programs, and one readable line of each for people."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .dialects.plain_json import NOT_FINITE
from .messages import (
    ControlState,
    DataRecord,
    LogRecord,
    MetricBatch,
    PlacementFrame,
    PlacementScene,
    ProtocolError,
    SeriesDefinition,
    SeriesDefinitions,
    Spectrum,
    Status,
)
from .wire import DataMessage

Fields = dict[str, Any]
HEAD = ("kind", "producer", "stream", "t")


class TailLines:
    """Turn the messages of one run of one producer into objects; it has to see the series definitions.

    Args:
        producer: its name, which may change.
    """

    def __init__(self, producer: str) -> None:
        self.producer = producer
        self._series: dict[int, SeriesDefinition] = {}

    def objects(self, message: DataMessage) -> Iterator[Fields]:
        """Yield one object for each sample of a metric, one for any other message, none for what is no reading.

        Raises:
            ProtocolError: samples of a series that was never described, or fewer numbers than announced.
        """
        body = message.message
        if isinstance(body, SeriesDefinitions):
            self._series.update((definition.id, definition) for definition in body.definitions)
        elif isinstance(body, MetricBatch):
            yield from self._samples(body)
        elif type(body) in FORMS:
            t = getattr(body, "t", None)
            head = (message.kind.value, self.producer, message.stream, message.sent_ns / 1e9 if t is None else t)
            yield dict(zip(HEAD, head, strict=True)) | FORMS[type(body)](body)

    def _samples(self, batch: MetricBatch) -> Iterator[Fields]:
        position = field_position = 0
        for id_, count in zip(batch.series.tolist(), batch.count.tolist(), strict=True):
            definition = self._series.get(id_)
            if definition is None:
                raise ProtocolError(f"samples of series {id_}, which was not described")
            width = len(definition.fields)
            columns = batch.fields[field_position : field_position + count * width].reshape(width, count)
            samples = slice(position, position + count)
            yield from self._of_series(definition, batch.t[samples], batch.value[samples], columns)
            position += count
            field_position += count * width

    def _of_series(
        self, definition: SeriesDefinition, t: np.ndarray, value: np.ndarray, columns: np.ndarray
    ) -> Iterator[Fields]:
        labels = dict(definition.labels)
        for at, number, *extra in zip(t.tolist(), value.tolist(), *columns.tolist(), strict=True):
            yield {
                "kind": "metric",
                "producer": self.producer,
                "stream": "",
                "t": at,
                "name": definition.name,
                "value": number,
                "labels": labels,
                "fields": dict(zip(definition.fields, extra, strict=True)),
            }


def _spectrum(row: Spectrum) -> Fields:
    return {
        "shape": list(row.power.shape),
        **_extremes(row.power, mean=True),
        "unit": row.unit,
        "f0": row.f0,
        "df": row.df,
        "polarizations": list(row.polarizations),
    }


def _scene(scene: PlacementScene) -> Fields:
    points = [np.asarray(outline, "f8").reshape(-1, 2) for outline in scene.outlines if len(outline)]
    corners = np.concatenate(points) if points else None
    box = None if corners is None else [*corners.min(0).tolist(), *corners.max(0).tolist()]
    return {"unit": scene.unit, "parts": len(scene.refs), "nets": len(scene.nets), "outline": box}


def _frame(frame: PlacementFrame) -> Fields:
    return {
        "index": frame.index,
        "label": frame.label,
        "iteration": frame.iteration,
        "phase": frame.phase,
        "components": len(frame.position),
        "energy": frame.energy,
        "max_move": frame.max_move,
        "overlap_count": frame.overlap_count,
        "total_wire_length": frame.total_wire_length,
    }


def _control(state: ControlState) -> Fields:
    parameters = [
        {"name": told.name, "type": told.type, "value": told.value, "unit": told.unit} for told in state.parameters
    ]
    return {"run": state.run, "outcome": state.outcome, "by": state.by, "parameters": parameters}


FORMS: dict[type, Callable[[Any], Fields]] = {
    Spectrum: _spectrum,
    PlacementScene: _scene,
    PlacementFrame: _frame,
    DataRecord: lambda record: {"data": summary(record.value)},
    LogRecord: lambda log: {"level": log.level, "message": log.message, "fields": log.fields},
    Status: lambda status: {"status": status.status, "message": status.message},
    ControlState: _control,
}


def summary(value: Any) -> Any:
    """Replace arrays and bytes within a value by what is to be said of them."""
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "dtype": value.dtype.name, **_extremes(value)}
    if isinstance(value, bytes | bytearray | memoryview):
        return {"bytes": len(value)}
    if isinstance(value, dict):
        return {str(key): summary(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [summary(item) for item in value]
    return value


def _extremes(array: np.ndarray, *, mean: bool = False) -> Fields:
    """Return minimum, maximum and mean of the numbers in an array; None where there is none."""
    numbers = array[np.isfinite(array)] if array.dtype.kind == "f" else array.reshape(-1)
    told: Fields = (
        {"min": numbers.min().item(), "max": numbers.max().item()} if numbers.size else {"min": None, "max": None}
    )
    if mean:
        told["mean"] = float(numbers.mean(dtype="f8")) if numbers.size else None
    return told


def as_json(fields: Fields | list[Any]) -> str:
    """Return one line of JSON, ASCII only, so that no received text reaches the terminal as it is."""
    try:
        return json.dumps(fields, allow_nan=False)
    except ValueError:
        return json.dumps(_spelled(fields), allow_nan=False)


def _spelled(value: Any) -> Any:
    """Write out what JSON has no number for."""
    if isinstance(value, float) and not math.isfinite(value):
        return NOT_FINITE.get(value, "NaN")
    if isinstance(value, dict):
        return {key: _spelled(item) for key, item in value.items()}
    return [_spelled(item) for item in value] if isinstance(value, list | tuple) else value


def as_line(fields: Fields) -> str:
    """Return one line for a person: time, producer, kind, then what the message tells; control characters are gone."""
    what = {name: value for name, value in fields.items() if name not in (*HEAD, "history")}
    words = [_clock(fields["t"]), fields["producer"], fields["kind"], fields["stream"]]
    if fields["kind"] == "metric":
        words += [what["name"], f"{what['value']:.6g}", *_pairs(what["labels"] | what["fields"])]
    elif fields["kind"] == "log":
        words += [what["level"], what["message"], *_pairs(what["fields"])]
    elif fields["kind"] == "status":
        words += [what["status"], what["message"]]
    elif fields["kind"] == "data":
        words.append(as_json(what["data"]) if isinstance(what["data"], dict | list) else str(what["data"]))
    else:
        words += _pairs({name: value for name, value in what.items() if value not in (None, "", [])})
    return printable(" ".join(word for word in words if word))


def _pairs(fields: Fields) -> list[str]:
    return [f"{name}={value:.6g}" if isinstance(value, float) else f"{name}={value}" for name, value in fields.items()]


def _clock(t: float) -> str:
    try:
        return dt.datetime.fromtimestamp(t).astimezone().strftime("%H:%M:%S.%f")[:-3]
    except (ValueError, OverflowError, OSError):  # a time no calendar knows
        return f"{t:.3f}"


def printable(text: str) -> str:
    """Replace what a terminal could take for a command."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else "�" for sign in text)
