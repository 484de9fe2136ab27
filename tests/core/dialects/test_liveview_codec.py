"""LiveView's messages: what the captures say, what Monty's own code loses, and whatever bytes there are."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dockscope.core.dialects.liveview_codec import (
    DataMessage,
    LogMessage,
    MetricMessage,
    StateMessage,
    decode_command,
    decode_message,
    encode_command,
    encode_data,
    encode_log,
    encode_metric,
    encode_state,
    is_liveview,
)
from dockscope.core.messages import ProtocolError
from monty import captured, captured_commands

EDGE = Path(__file__).parents[2] / "captures" / "monty_edge.txt"
KEYS = st.one_of(st.sampled_from(["type", "stream", "data", "metadata", "name", "value"]), st.text(max_size=8))
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=8,
)


def test_every_captured_message_is_encoded_byte_for_byte():
    """What our library writes for the same arguments is what Monty's broadcaster wrote."""
    for line in captured():
        told = json.loads(line)
        kind = told.pop("type")
        if kind == "metric":
            written = encode_metric(told.pop("name"), told.pop("value"), told)
        elif kind == "data":
            written = encode_data(told.pop("stream"), told)
        elif kind == "log":
            written = encode_log(told.pop("level"), told.pop("message"), told)
        else:
            written = encode_state(told)
        assert written == line
    for line in captured_commands():
        told = json.loads(line.partition(b" ")[2])
        assert encode_command(told["type"], told["payload"], told["timestamp"]) == line
        assert decode_command(line) == (told["type"], told["payload"])


def test_what_hid_its_type_is_known_by_its_shape():
    """Data whose own key ``type`` or ``stream`` replaced the wire's is data of that stream, not dropped."""
    hidden, nan, after = (decode_message(line.encode()) for line in EDGE.read_text("utf-8").splitlines()[1:])
    assert hidden == DataMessage("other", {"v": 1, "type": "sensor"})
    assert isinstance(nan, MetricMessage)
    assert math.isnan(nan.reading.numbers["value"])
    assert isinstance(after, MetricMessage)
    metric = decode_message(b'{"type": "train", "name": "loss", "value": 1}')
    assert isinstance(metric, MetricMessage)
    assert metric.reading.labels == (("type", "train"),)
    log = decode_message(b'{"type": "io", "level": "info", "message": "m"}')
    assert isinstance(log, LogMessage)
    assert log.record.fields == {"type": "io"}


@given(st.text(min_size=1, max_size=8), st.dictionaries(KEYS, VALUES, max_size=5))
@example("s", {"type": "sensor", "stream": "other"})
@example("s", {"data": {"type": 1}})
@example("s", {"data": {"data": {"stream": 1}}})
def test_data_come_back_whatever_their_keys(stream, data):
    """Keys called type, stream or data survive, however they are nested; the wire keeps its own type and stream."""
    frame = encode_data(stream, data)
    assert {name: json.loads(frame)[name] for name in ("type", "stream")} == {"type": "data", "stream": stream}
    message = decode_message(frame)
    assert isinstance(message, DataMessage)
    assert (message.stream, message.value) == (stream, data)


def test_metadata_called_type_survive():
    """A metric and a line of the log keep metadata of that name, and stay what they are for any viewer."""
    metric = decode_message(encode_metric("loss", 0.5, {"type": "train", "step": 3}))
    assert isinstance(metric, MetricMessage)
    assert (metric.reading.labels, metric.reading.numbers) == ((("type", "train"),), {"value": 0.5, "step": 3})
    log = decode_message(encode_log("NOTICE", "m", {"type": "io", "n": 1}))
    assert isinstance(log, LogMessage)
    assert (log.record.level, log.record.fields) == ("info", {"n": 1, "type": "io"})
    odd = decode_message(encode_log("Odd", "m", {}))
    assert isinstance(odd, LogMessage)
    assert odd.record.level == "odd"


def test_numpy_and_nan_survive():
    """NumPy scalars, arrays and keys, times and not finite numbers are written, where Monty's own drops the message."""
    data = {
        "f4": np.float32(0.5),
        "i8": np.int64(3),
        "ok": np.bool_(True),
        "array": np.arange(3),
        "nan": np.float64("nan"),
        "inf": -math.inf,
        "at": dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC),
        np.int64(7): {np.str_("k"): (1, 2)},
        "set": {5},
    }
    message = decode_message(encode_data("s", data))
    assert isinstance(message, DataMessage)
    nan = message.value.pop("nan")
    assert math.isnan(nan)
    assert message.value == {
        "f4": 0.5,
        "i8": 3,
        "ok": True,
        "array": [0, 1, 2],
        "inf": -math.inf,
        "at": "2024-01-01T12:00:00+00:00",
        "7": {"k": [1, 2]},
        "set": [5],
    }
    with pytest.raises(TypeError, match="object cannot be published"):
        encode_data("s", {"x": object()})


def test_runs_and_sensors_are_named():
    """The run name is read where there is one; that of pictures has the sensor module after its last colon."""
    pictures = decode_message(b'{"type": "data", "stream": "sensor_images", "run_name": "x:A:patch"}')
    assert pictures[2:] == ("x:A", "patch")
    first = decode_message(b'{"type": "state", "run_name": "A", "status": "initializing"}')
    assert isinstance(first, StateMessage)
    assert (first.run, first.is_first) == ("A", True)
    assert decode_message(b'{"type": "state", "run_name": "A"}') == StateMessage({"run_name": "A"}, "A")


def test_only_liveview_is_taken_for_it():
    """Every captured message is recognized; objects of other systems are not, also with a type of their own."""
    assert all(map(is_liveview, captured()))
    for other in (
        b'{"loss": 1}',
        b'{"type": "imu", "stream": "s", "x": 1}',
        b'{"type": "metric", "loss": 1}',
        b'{"type": "state", "robot": "on"}',
        b"topic {}",
        b"\x81\xa4type\xa6metric",
        b"[1]",
        b"",
    ):
        assert not is_liveview(other)


COMMANDS = st.sampled_from([b"cmd:abort ", b"cmd:", b"cmd:pause  ", b""])
STARTS = st.sampled_from([b"", b'{"type": "', b'{"type": "metric", "name": "', b'{"type": "data", ', b"[" * 70])


ARRIVALS = (STARTS, st.binary(max_size=200), st.dictionaries(KEYS, VALUES, max_size=6), COMMANDS)


def check_any_arrival(start, rest, entries, command):
    encoded = json.dumps(entries).encode()
    for frame in (start + rest, encoded):
        with contextlib.suppress(ProtocolError):
            decode_message(frame)
        with contextlib.suppress(ProtocolError):
            decode_command(command + frame)


@given(*ARRIVALS)
def test_nothing_but_a_protocol_error_comes_out(start, rest, entries, command):
    """Whatever arrives is a message or a ProtocolError, for messages and for commands."""
    check_any_arrival(start, rest, entries, command)


@pytest.mark.soak
@settings(max_examples=10_000)
@given(*ARRIVALS)
def test_nothing_but_a_protocol_error_comes_out_ten_thousand_times(start, rest, entries, command):
    """The same ten thousand times."""
    check_any_arrival(start, rest, entries, command)


@pytest.mark.parametrize(
    "frame",
    [
        b"no json",
        b"[]",
        b"{}",
        b'{"type": "x"}',
        b'{"type": "metric", "name": "m", "value": "text"}',
        b'{"type": "metric", "name": "", "value": 1}',
        b'{"type": {}, "name": "m", "value": 1}',
        b'{"type": "data", "stream": 3}',
        b'{"type": "log", "level": 1, "message": "m"}',
        b'{"a": ' * 100 + b"1" + b"}" * 100,
        b'{"type": "state", "x": "' + b"x" * 2**24 + b'"}',
    ],
)
def test_what_is_none_of_them_is_refused(frame):
    """Not JSON, no object, no metric, data, log or state, too deep or too large: each is a ProtocolError."""
    with pytest.raises(ProtocolError):
        decode_message(frame)


@pytest.mark.parametrize("frame", [b"", b"abort {}", b"cmd:abort", b"cmd:abort [1]", b'cmd:abort {"type": 1}'])
def test_a_command_that_is_none_is_refused(frame):
    """Without its prefix, its JSON or its type it is a ProtocolError."""
    with pytest.raises(ProtocolError):
        decode_command(frame)


def test_a_command_without_payload_has_an_empty_one():
    """Only the type is needed; what is no object as payload is none."""
    told: Any = decode_command(b'cmd:x {"type": "pause", "payload": 3}')
    assert told == ("pause", {})
