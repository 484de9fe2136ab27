"""What tail prints of each kind of message."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from dockscope.core.messages import (
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
from dockscope.core.tail_lines import TailLines, as_json, as_line
from dockscope.core.wire import DataMessage

DEFINITIONS = SeriesDefinitions(
    (
        SeriesDefinition(1, "loss", (("phase", "train"),), ("step", "epoch")),
        SeriesDefinition(2, "rate"),
    )
)
BATCH = MetricBatch(
    series=np.array([1, 2, 1], "<u4"),
    first=np.array([1, 1, 3], "<u8"),
    count=np.array([2, 1, 1], "<u4"),
    t=np.array([1.0, 2.0, 3.0, 4.0]),
    value=np.array([0.5, math.nan, math.inf, -math.inf]),
    fields=np.array([10.0, 20.0, 1.0, 2.0, 30.0, 3.0]),
)


def lines(*messages: tuple[Kind, Message], stream: str = "") -> list[dict]:
    tail = TailLines("maker")
    return [
        json.loads(as_json(fields))
        for kind, message in messages
        for fields in tail.objects(DataMessage(kind, stream, 1, 7_500_000_000, bytes(16), 0, message))
    ]


def head(kind: str, t: float, stream: str = "") -> dict:
    return {"kind": kind, "producer": "maker", "stream": stream, "t": t}


def test_a_metric_is_a_line_for_each_sample():
    """Columns of a batch become samples with their own name, labels and fields, in order; NaN is spelled out."""
    loss = {"name": "loss", "labels": {"phase": "train"}}
    assert lines((Kind.SERIES, DEFINITIONS), (Kind.METRIC, BATCH)) == [
        head("metric", 1.0) | loss | {"value": 0.5, "fields": {"step": 10.0, "epoch": 1.0}},
        head("metric", 2.0) | loss | {"value": "NaN", "fields": {"step": 20.0, "epoch": 2.0}},
        head("metric", 3.0) | {"name": "rate", "labels": {}, "value": "Infinity", "fields": {}},
        head("metric", 4.0) | loss | {"value": "-Infinity", "fields": {"step": 30.0, "epoch": 3.0}},
    ]


def test_samples_of_an_undescribed_series_are_refused():
    """A batch that names a series nobody described is the producer's error."""
    with pytest.raises(ProtocolError):
        lines((Kind.METRIC, BATCH))


SQUARE = np.array([[0.0, 1.0], [4.0, 1.0], [4.0, 3.0], [0.0, 3.0]])
CASES: list[tuple[Kind, Message, float, dict]] = [
    (
        Kind.SPECTRUM,
        Spectrum(np.array([[1, 2, np.nan]], "<f4"), 5.0, 1e6, -10.0, unit="sfu", polarizations=("XX",)),
        5.0,
        {"shape": [1, 3], "min": 1.0, "max": 2.0, "mean": 1.5, "unit": "sfu", "f0": 1e6, "df": -10.0}
        | {"polarizations": ["XX"]},
    ),
    (
        Kind.SCENE,
        PlacementScene(("A", "B"), np.ones((2, 2), "<f4"), outlines=(SQUARE,), nets=(("GND", ((0, 0),)),)),
        7.5,
        {"unit": "mm", "parts": 2, "nets": 1, "outline": [0.0, 1.0, 4.0, 3.0]},
    ),
    (
        Kind.FRAME,
        PlacementFrame(np.zeros((2, 3), "<f4"), index=4, label="x", iteration=9, phase="legal", energy=math.nan),
        7.5,
        {"index": 4, "label": "x", "iteration": 9, "phase": "legal", "components": 2, "energy": "NaN"}
        | {"max_move": None, "overlap_count": None, "total_wire_length": None},
    ),
    (
        Kind.DATA,
        DataRecord({"a": [1, np.array([1.0, 3.0], "<f4")], "b": b"123", "c": None, "e": np.array([], "u1")}, 6.0),
        6.0,
        {
            "data": {
                "a": [1, {"shape": [2], "dtype": "float32", "min": 1.0, "max": 3.0}],
                "b": {"bytes": 3},
                "c": None,
                "e": {"shape": [0], "dtype": "uint8", "min": None, "max": None},
            }
        },
    ),
    (
        Kind.LOG,
        LogRecord("warning", "hot", {"c": 90}, 6.0),
        6.0,
        {"level": "warning", "message": "hot"} | {"fields": {"c": 90}},
    ),
    (Kind.STATUS, Status("complete", "done", 6.0), 6.0, {"status": "complete", "message": "done"}),
    (
        Kind.CONTROL,
        ControlState("ENDED", "stopped", by="a@b", parameters=(ParameterState("rate", "float", 0.5, unit="1/s"),)),
        7.5,
        {"run": "ENDED", "outcome": "stopped", "by": "a@b"}
        | {"parameters": [{"name": "rate", "type": "float", "value": 0.5, "unit": "1/s"}]},
    ),
]


@pytest.mark.parametrize(("kind", "message", "t", "expected"), CASES, ids=[case[0].value for case in CASES])
def test_every_other_kind_is_a_line_for_each_message(kind, message, t, expected):
    """The object has exactly the promised fields; what carries no time of its own has that of its sending."""
    assert lines((kind, message), stream="s") == [head(kind.value, t, "s") | expected]


def test_heartbeats_and_definitions_are_no_readings():
    """What only keeps the link going is not printed."""
    assert lines((Kind.HEARTBEAT, Heartbeat()), (Kind.SERIES, DEFINITIONS)) == []


@pytest.mark.parametrize(("kind", "message"), [case[:2] for case in CASES], ids=[case[0].value for case in CASES])
def test_lines_for_people_are_one_printable_line(kind, message):
    """Each message is one line that names producer and kind."""
    tail = TailLines("maker")
    (fields,) = tail.objects(DataMessage(kind, "s", 1, 7_500_000_000, bytes(16), 0, message))
    line = as_line(fields)
    assert f"maker {kind.value}" in line
    assert line.isprintable()


def test_received_text_cannot_steer_the_terminal():
    """Escape sequences and line breaks of a producer arrive neither in lines nor in JSON as they are."""
    evil = LogRecord("info", "a\x1b[31m\nb\x9b2J", {}, 1.0)
    (fields,) = TailLines("maker").objects(DataMessage(Kind.LOG, "", 1, 0, bytes(16), 0, evil))
    assert as_line(fields).isprintable()
    assert as_json(fields).isascii()
    assert "\x1b" not in as_json(fields)
