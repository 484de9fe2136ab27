"""What published bytes become: encodings, framing, times, metrics, data; and whatever bytes there are, no surprise."""

from __future__ import annotations

import contextlib
import json
import math
import struct
import tracemalloc
from typing import Any

import cbor2
import msgpack
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dockscope.core.dialects.framing import read_frames
from dockscope.core.dialects.json_reader import JsonReader
from dockscope.core.dialects.metric_rows import MOST_SERIES
from dockscope.core.dialects.object_times import plausible_seconds, time_of
from dockscope.core.dialects.payload import decode_payload
from dockscope.core.dialects.reception import Reception
from dockscope.core.dialects.subscriber import Batch
from dockscope.core.hub import Hub
from dockscope.core.link_health import LinkHealth
from dockscope.core.messages import Hello, ProtocolError

ARRIVED = 1_800_000_000.0
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), st.text(max_size=20), st.binary(max_size=8)
)
OBJECTS = st.dictionaries(
    st.text(max_size=12),
    st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=8), inner, max_size=5)),
        max_leaves=12,
    ),
    max_size=6,
)
STARTS = (
    b"",
    b"{",
    b"[",
    b"\x81",
    b"\x9f",
    b"\xa1",
    b"\xbf",
    b"\xd9\xd9\xf7",
    b"\xd8\x1c",
    b"\xdf",
    b"topic ",
    b"\xc2",
)


class Reader:
    """A reader that delivers into a hub."""

    def __init__(self, *only: str) -> None:
        self.hub = Hub()
        self.hub.add("k", "json+zmq://127.0.0.1:1")
        reception = Reception(
            self.hub, key="k", where="here", health=LinkHealth(), on_change=lambda: None, on_up=lambda: None
        )
        reception.up(Hello(bytes(16), "here"))
        self._reader = JsonReader(reception, only)

    def take(self, *messages: Any) -> None:
        """Read messages: objects are sent as JSON, lists of bytes as frames."""
        batch = [message if isinstance(message, bytes | list) else json.dumps(message).encode() for message in messages]
        self._reader.take(Batch(batch, ARRIVED, ARRIVED))

    def values(self) -> dict[str, list[float]]:
        return {name: self.column(name, "value") for name in self.hub.series.names()}

    def column(self, name: str, column: str) -> list[float]:
        return [number for curve in self.hub.series.of_name(name) for number in curve.column(column).tolist()]

    def data(self) -> dict[str, Any]:
        return {stream: entry.value for (_, stream), entry in self.hub.data.entries.items()}

    @property
    def problem(self) -> str:
        return self.hub.producers["k"].problem


def same(told: Any, meant: Any) -> bool:
    if isinstance(meant, dict):
        return isinstance(told, dict) and told.keys() == meant.keys() and all(same(told[k], meant[k]) for k in meant)
    if isinstance(meant, list):
        return len(told) == len(meant) and all(map(same, told, meant))
    if isinstance(meant, float) and math.isnan(meant):
        return isinstance(told, float) and math.isnan(told)
    return type(told) is type(meant) and told == meant


# -- encodings -------------------------------------------------------------------------------------------------


@given(OBJECTS)
def test_messagepack_and_cbor_objects_are_told_apart_and_read(value):
    """An object comes back equal from either encoding, by its first byte alone."""
    assert same(decode_payload(msgpack.packb(value) or b""), value)
    assert same(decode_payload(cbor2.dumps(value)), value)
    assert same(decode_payload(b"\xd9\xd9\xf7" + cbor2.dumps(value)), value)


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'{"a": NaN, "b": [Infinity, -Infinity]}', {"a": math.nan, "b": [math.inf, -math.inf]}),
        (b" [1, 2]", [1, 2]),
        (b"21.5", 21.5),
        (msgpack.packb({1: 2.0, b"k": "v"}), {"1": 2.0, "b'k'": "v"}),
        (msgpack.packb({"t": msgpack.Timestamp(1_700_000_000)}), {"t": "2023-11-14T22:13:20+00:00"}),
        (msgpack.packb({"e": msgpack.ExtType(5, b"xy")}), {"e": b"xy"}),
        (cbor2.dumps({"d": cbor2.CBORTag(55, 1), "u": cbor2.undefined}), {"d": 1, "u": None}),
        (bytes([0x82, 0x01, 0x02]), [1, 2]),  # half a MessagePack map is a whole CBOR array
    ],
)
def test_what_python_programs_send_is_read(payload, value):
    """NaN as json writes it, keys that are no text, times and extensions become what JSON knows, and bytes."""
    assert same(decode_payload(payload), value)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"hello",
        b'{"a": 1',
        b'{"a": 1} {"b": 2}',
        b"[" * 100_000,
        b"\x91" * 100_000,
        b"\x81" * 100_000,
        b"\xdd\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\x9b\x00\x00\x00\xff\xff\xff\xff\xff",
        b"\xbb\x00\x00\x00\xff\xff\xff\xff\xff",
        b"\xa1\x61a\xd8\x1c\x81\xd8\x1d\x00",  # shared values
        b"\xa1\x61a\xd8\x23\x62a+",  # a pattern
        b'{"a": NaN' + b", 1" * 10,
        b'{"a": NaN, "b": ' + b"9" * 10_000 + b"}",
    ],
)
def test_what_is_none_of_the_three_is_a_protocol_error(payload):
    """Broken, endless, too deep, or announcing more than it has: refused, and no memory is taken for it."""
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            decode_payload(payload)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


# -- frames and times ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frames", "topic", "value", "t"),
    [
        ([b'{"a": 1}'], "", {"a": 1}, None),
        ([b'robot/arm {"a": 1}'], "robot/arm", {"a": 1}, None),
        ([b'robot\0{"a": 1}'], "robot", {"a": 1}, None),
        ([b'robot: {"a": 1}'], "robot", {"a": 1}, None),
        ([b"temp\0" + bytes(msgpack.packb({"a": 1}) or b"")], "temp", {"a": 1}, None),
        ([b"weather 21.5"], "weather", 21.5, None),
        ([b"robot", b'{"a": 1}'], "robot", {"a": 1}, None),
        ([b"", b'{"a": 1}'], "", {"a": 1}, None),
        ([b"robot", b"1", b"1700000000.5"], "robot", 1, 1_700_000_000.5),
        ([b"robot", b"1", b"1700000000500"], "robot", 1, 1_700_000_000.5),
        ([b"robot", b"1", b"2023-11-14T22:13:20Z"], "robot", 1, 1_700_000_000.0),
        ([b"robot", b"1", struct.pack("<d", 1_700_000_000.5)], "robot", 1, 1_700_000_000.5),
        ([b"robot", b"1", struct.pack(">q", 1_700_000_000_500_000_000)], "robot", 1, 1_700_000_000.5),
        ([b"robot", b"1", b"soon"], "robot", 1, None),
    ],
)
def test_the_forms_of_a_message(frames, topic, value, t):
    """One frame, ``topic payload`` in one frame, topic + payload, and these with the time in a frame of its own."""
    assert read_frames(frames) == (topic, value, t)


@given(st.floats(946_684_800, 4_102_444_799), st.sampled_from([1, 1e3, 1e6, 1e9]))
def test_a_time_is_known_by_its_size_in_any_unit(seconds, unit):
    """Whether in s, ms, us or ns, a time between 2000 and 2100 is read as itself."""
    assert time_of(seconds * unit) == pytest.approx(seconds, abs=1e-3)
    assert plausible_seconds(np.array([seconds * unit]))[0] == pytest.approx(seconds, abs=1e-3)


@pytest.mark.parametrize("value", [0, 12.5, -1, 5e8, math.nan, math.inf, 1e300, True, None, "12", "x", [1], 10**400])
def test_other_numbers_are_no_time(value):
    """Seconds since a start, text that is no date and what is no number are not taken for a time."""
    assert time_of(value) is None


# -- objects ---------------------------------------------------------------------------------------------------


def test_nested_numbers_are_metrics_with_dotted_names():
    """Numbers and truth values at any depth, short lists by index; text and long lists go to the data."""
    reader = Reader()
    reader.take(
        {"imu": {"acc": [1, 2.5], "ok": True}, "loss": 0.5, "state": "run", "trace": list(range(17)), "no": None}
    )
    assert reader.values() == {"imu.acc.0": [1.0], "imu.acc.1": [2.5], "imu.ok": [1.0], "loss": [0.5]}
    data = reader.data()["messages"]
    assert data["state"] == "run"
    assert data["trace"].tolist() == list(range(17))
    assert data.keys() == {"state", "trace"}


def test_a_time_entry_is_the_time_and_counts_are_columns():
    """timestamp is not a metric; step and epoch are fields of the others; seconds since a start are one too."""
    reader = Reader()
    reader.take({"loss": 1, "timestamp": 1_700_000_000_000, "step": 3, "epoch": 1})
    assert (reader.column("loss", "t"), reader.column("loss", "step")) == ([1_700_000_000.0], [3.0])
    reader.take({"gain": 2, "time": "2023-11-14T22:13:20"}, {"x": 1, "t": 12.5})
    assert reader.column("gain", "t") == [1_700_000_000.0]
    assert (reader.column("x", "t"), reader.column("x", "t (field)")) == ([ARRIVED], [12.5])
    assert reader.values().keys() == {"loss", "gain", "x"}
    reader.take({"step": 7})
    assert reader.values()["step"] == [7.0]


def test_an_object_with_name_and_value_is_one_metric():
    """It is called by its name, its numbers are fields, its short texts labels: as publish_metric has them."""
    reader = Reader()
    reader.take({"name": "loss", "value": 0.5, "step": 2, "phase": "train"}, {"name": "loss", "value": 0.7})
    labels = {curve.labels: curve.column("value").tolist() for curve in reader.hub.series.of_name("loss")}
    assert labels == {(("phase", "train"),): [0.5], (): [0.7]}


def test_samples_of_one_metric_stay_in_order_though_objects_differ():
    """Objects of different shapes with a metric in common bring its samples in the order of their arrival."""
    reader = Reader()
    reader.take(*({"loss": n} if n % 3 else {"loss": n, "val": -n} for n in range(20)))
    assert reader.values() == {"loss": list(range(20)), "val": [-n for n in range(0, 20, 3)]}


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.floats(-1e9, 1e9), min_size=1), max_size=30))
def test_every_number_arrives_once_and_in_order(rows):
    """However shapes alternate, each metric has exactly the numbers that were sent, in order."""
    reader = Reader()
    for start in range(0, len(rows), 7):
        reader.take(*rows[start : start + 7])
    meant = {key: [row[key] for row in rows if key in row] for row in rows for key in row}
    assert reader.values() == meant


def test_lists_of_objects_bare_numbers_and_bare_texts():
    """A list of objects is so many messages; a number is a metric, a text data, both called by their topic."""
    reader = Reader()
    reader.take([b'[{"a": 1}, {"a": 2}]'], [b"temp", b"21.5"], 3, [b"note", b'"hello"'], [b"row", b"[1, 2]"])
    assert reader.values() == {"a": [1.0, 2.0], "temp": [21.5], "value": [3.0]}
    assert reader.data()["note"] == "hello"
    assert reader.data()["row"].tolist() == [1, 2]


def test_only_keeps_what_was_asked_for():
    """Names of metrics, data streams or kinds; a name stands for all that begin with its words. The rest is left."""
    message = {"a": 1, "b": 2, "s": "x", "imu": {"x": 3, "acc": {"y": 4}}}
    for only, metrics, streams in (
        ("a", {"a"}, set()),
        ("messages", set(), {"messages"}),
        ("metric", {"a", "b", "imu.x", "imu.acc.y"}, set()),
        ("imu", {"imu.x", "imu.acc.y"}, set()),
        ("imu.acc", {"imu.acc.y"}, set()),
        ("im", set(), set()),
    ):
        reader = Reader(only)
        reader.take(message)
        assert (reader.values().keys(), reader.data().keys()) == (metrics, streams)


def test_names_without_end_are_bounded():
    """Random names cost a bounded number of series, long ones none, and it is said once; known ones go on."""
    reader = Reader()
    reader.take({"known": 1})
    for start in range(0, MOST_SERIES + 4000, 4000):
        reader.take({f"n{n}": n for n in range(start, start + 4000)})
    reader.take({"x" * 300: 1})
    reader.take({"known": 2})
    assert len(reader.hub.series.curves) == MOST_SERIES
    assert reader.values()["known"] == [1.0, 2.0]
    assert "10000 different names" in "".join(row.message for row in reader.hub.log.rows)
    reader.take({f"n{n}": n for n in range(5000)})
    assert "4096 numbers" in reader.problem


@pytest.mark.parametrize(
    "value",
    [
        {"a": 10**400, "b": 1},
        {"": 1, "level": "info"},
        {"name": "", "value": 1},
        {"level": "info", "message": 3},
        {"t": 1_700_000_000},
        {},
        {"a": {"b": {}}},
        {"t": "2023-11-14", "ts": True},
    ],
)
def test_odd_objects_do_no_harm(value):
    """Huge integers, empty names and half a log line are taken as far as they go."""
    reader = Reader()
    reader.take([cbor2.dumps(value)], {"after": 1})
    assert reader.values()["after"] == [1.0]


# -- any bytes at all ------------------------------------------------------------------------------------------

FRAMES = st.lists(st.tuples(st.sampled_from(STARTS), st.binary(max_size=120)).map(b"".join), min_size=1, max_size=4)


def check_any_bytes(frames: list[bytes]) -> None:
    with contextlib.suppress(ProtocolError):
        read_frames(frames)
    reader = Reader()
    reader.take(frames if len(frames) > 1 or not frames[0] else frames[0], {"after": 1})
    assert reader.values()["after"] == [1.0]


@given(FRAMES)
@example([b"\xc2\x59\xff\xff" + b"\xff" * 65535])
def test_whatever_bytes_come_only_a_protocol_error_comes_out(frames):
    """Bytes that begin like each form are read or refused, and the next message is read."""
    check_any_bytes(frames)


@pytest.mark.soak
@settings(max_examples=10_000)
@given(FRAMES)
def test_whatever_bytes_come_ten_thousand_times(frames):
    """The same for ten thousand messages, in bounded memory."""
    check_any_bytes(frames)


@pytest.mark.soak
@settings(max_examples=10_000)
@given(OBJECTS, st.sampled_from([cbor2.dumps, msgpack.packb]), st.data())
def test_damaged_objects_ten_thousand_times(value, encode, data):
    """A whole object of which some bytes were changed or cut is read or refused, and the next message is read."""
    encoded = bytearray(encode(value) or b"")
    for _ in range(data.draw(st.integers(0, 3))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    check_any_bytes([bytes(encoded[: data.draw(st.integers(0, len(encoded)))])])
