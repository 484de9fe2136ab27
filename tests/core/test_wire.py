"""The native wire: what is encoded comes back, and what is not dockscope's is a ProtocolError and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockscope.core.messages import (
    ControlState,
    DataRecord,
    Heartbeat,
    Hello,
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
from dockscope.core.wire import (
    MAX_MESSAGE_BYTES,
    DataMessage,
    Reply,
    Request,
    UnknownVersion,
    data_header,
    decode_message,
    decode_request,
    encode_payload,
    encode_reply,
    encode_request,
    hello_from_result,
    hello_result,
)

ID = bytes(range(16))
NAMES = st.text(max_size=40)
FLOATS = st.floats()
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def send(kind: Kind, message: Message, stream: str = "", n: int = 7, sent_ns: int = 2_000_000_000) -> DataMessage:
    """Carry a message over the wire's bytes."""
    payload = encode_payload(kind, stream, message)
    frames = [bytes(frame) for frame in [data_header(payload, n, sent_ns, ID), *payload.frames]]
    received = decode_message(frames)
    assert isinstance(received, DataMessage)
    assert received.nbytes == sum(map(len, frames))
    return received


def same(left: object, right: object) -> bool:
    """Compare two messages, arrays and NaN included."""
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return isinstance(left, np.ndarray) and np.array_equal(
            left, np.asarray(right), equal_nan=left.dtype.kind == "f"
        )
    if isinstance(left, float) and isinstance(right, float):
        return left == right or (math.isnan(left) and math.isnan(right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, msgspec.Struct):
        return type(left) is type(right) and same(msgspec.structs.astuple(left), msgspec.structs.astuple(right))  # pyright: ignore[reportArgumentType]
    return left == right


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | FLOATS
    | st.text(max_size=20)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)


@given(values)
@settings(max_examples=80, deadline=None)
def test_free_form_values_come_back_unchanged(value: object) -> None:
    """Any nested dict or list of text, numbers, None and bytes survives the wire."""
    message = send(Kind.DATA, DataRecord(value, 0.0), "s").message
    assert isinstance(message, DataRecord)
    assert same(message.value, value)
    assert message.t == 2.0, "the time of free-form data is when it was sent"


ARRAYS = ["f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


@given(st.sampled_from(ARRAYS), st.lists(st.integers(0, 3), max_size=4))
@settings(max_examples=60, deadline=None)
def test_arrays_keep_type_and_shape(dtype: str, shape: list[int]) -> None:
    """An array in free-form data arrives with its type, shape (empty and 0-d too) and numbers, read-only."""
    array = np.arange(math.prod(shape)).astype(dtype).reshape(shape)
    message = send(Kind.DATA, DataRecord({"a": [array, array]}, 0.0), "s").message
    assert isinstance(message, DataRecord)
    for received in message.value["a"]:
        assert received.dtype == array.dtype
        assert received.shape == array.shape
        assert same(received, array)
        assert not received.flags.writeable


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([True, False]), np.array([1, 0], "u1")),
        (np.array([1.5], "f2"), np.array([1.5], "f4")),
        (np.array([1, 2], ">i4"), np.array([1, 2], "i4")),
        (np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(6.0).reshape(2, 3)),
        (np.arange(10.0)[::-2], np.arange(10.0)[::-2]),
    ],
)
def test_foreign_array_layouts_are_converted(array: np.ndarray, expected: np.ndarray) -> None:
    """Bool travels as u1, float16 as f4, big endian swapped, any memory order as C order."""
    message = send(Kind.DATA, DataRecord(array, 0.0), "s").message
    assert isinstance(message, DataRecord)
    assert message.value.dtype == expected.dtype
    assert same(message.value, expected)


@pytest.mark.parametrize("array", [np.array(["x"]), np.array([1j]), np.array([{}]), np.zeros(1, "M8[s]")])
def test_arrays_the_wire_lacks_raise_at_the_call(array: np.ndarray) -> None:
    """An array of text, complex numbers, objects or dates is a TypeError that names the argument."""
    with pytest.raises(TypeError, match="data"):
        encode_payload(Kind.DATA, "s", DataRecord(array, 0.0))


def test_what_free_form_data_cannot_hold_raises_at_the_call() -> None:
    """Foreign types are TypeError; huge integers, endless nesting and broken text are ValueError."""
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(TypeError, match="data"):
        encode_payload(Kind.DATA, "s", DataRecord(object(), 0.0))
    for value in (2**64, endless, "\ud800", {"\ud800": 1}):
        with pytest.raises(ValueError, match="data"):
            encode_payload(Kind.DATA, "s", DataRecord(value, 0.0))


def test_what_is_sent_is_detached_from_the_callers_array() -> None:
    """A payload made with copy=True does not change with the array it was made of."""
    array = np.zeros(4)
    payload = encode_payload(Kind.DATA, "s", DataRecord(array, 0.0))
    array[:] = 1
    assert bytes(payload.frames[0]) == bytes(32)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 2**40), st.integers(0, 5)), max_size=6), st.booleans())
@settings(max_examples=60, deadline=None)
def test_metric_batches_come_back_unchanged(entries: list[tuple[int, int, int]], thinned: bool) -> None:
    """Columns, sample numbers and spans of a batch survive, NaN and infinities included."""
    samples = sum(count for _, _, count in entries)
    count = np.array([count for _, _, count in entries], "u4")
    batch = MetricBatch(
        series=np.array([series for series, _, _ in entries], "u4"),
        first=np.array([first for _, first, _ in entries], "u8"),
        count=count,
        t=np.arange(samples) + 0.5,
        value=np.resize(np.array([np.nan, np.inf, -np.inf, 1.0]), samples),
        fields=np.arange(samples * 2.0),
        span=count + 3 if thinned else None,
    )
    assert same(send(Kind.METRIC, batch).message, batch)


@given(
    st.lists(
        st.builds(
            SeriesDefinition,
            st.integers(0, 2**32 - 1),
            NAMES,
            st.dictionaries(NAMES, NAMES, max_size=3).map(lambda labels: tuple(sorted(labels.items()))),
            st.lists(NAMES, max_size=4, unique=True).map(tuple),
        ),
        max_size=4,
    )
)
@settings(max_examples=40, deadline=None)
def test_series_definitions_come_back_unchanged(definitions: list[SeriesDefinition]) -> None:
    """Names, labels and fields survive in any script."""
    message = SeriesDefinitions(tuple(definitions))
    assert send(Kind.SERIES, message).message == message


SCENE = PlacementScene(
    refs=("R1", "C1"),
    size=np.ones((2, 2), "f4"),
    scene=3,
    outlines=(np.array([[0.0, 0.0], [9.0, 0.0], [9.0, 9.0]]),),
    holes=(np.array([[1.0, 1.0], [2.0, 1.0], [2.0, 2.0]]),),
    modules=(("power", "#ff8800"), ("logic", None)),
    nets=(("GND", ((0, 0), (1, -1))),),
    layer=np.array([0, 1], "u1"),
    pads=np.ones((2, 5), "f4"),
    pad_owner=np.array([0, 1], "u4"),
    pad_shape=np.array([0, 2], "u1"),
)
FRAME = PlacementFrame(
    position=np.ones((2, 3), "f4"),
    scene=3,
    index=4,
    label="x",
    iteration=5,
    phase="cooling",
    energy=1.5,
    max_move=0.25,
    overlap_count=1,
    total_wire_length=99.0,
    fields={"temperature": 2.5},
    module=np.array([0, 1], "u2"),
    force=np.ones((3, 2), "f4"),
    force_owner=np.array([0, 1, 1], "u4"),
    force_kind=np.array([0, 4, 5], "u1"),
    overlap=np.array([[0, 1]], "u4"),
    movement=np.zeros((2, 3), "f4"),
)
CONTROL = ControlState(
    run="ENDED",
    outcome="stopped",
    revision=4,
    by="ann@desk",
    reason="too hot",
    waiting_s=1.5,
    parameters=(
        ParameterState("rate", "float", 0.5, 0.0, 1.0, None, "1/s", 2),
        ParameterState("mode", "str", "fast", choices=("fast", "slow")),
    ),
)
MESSAGES: list[tuple[Kind, str, Message]] = [
    (Kind.SCENE, "board", SCENE),
    (Kind.FRAME, "board", FRAME),
    (Kind.FRAME, "board", PlacementFrame(position=np.empty((0, 3), "f4"))),
    (Kind.SPECTRUM, "b", Spectrum(np.ones((2, 3), "f4"), 1.0, 1e9, -1e3, 0.1, "sfu", ("XX", "YY"), {"el": 45.0})),
    (Kind.SPECTRUM, "b", Spectrum(np.ones((1, 3), "f4"), 1.0, 0.0, 1.0, frequencies=np.array([1.0, 2.0, 4.0]))),
    (Kind.LOG, "", LogRecord("warning", "<b>hot</b>", {"celsius": 99.5, "where": "cpu", "ok": False, "n": 3}, 1.5)),
    (Kind.STATUS, "", Status("complete", "done", 2.5)),
    (Kind.CONTROL, "", CONTROL),
    (Kind.HEARTBEAT, "", Heartbeat((("metric", "", 12), ("frame", "board", 3)), 2, 4096)),
]


@pytest.mark.parametrize(("kind", "stream", "message"), MESSAGES)
def test_every_kind_comes_back_unchanged(kind: Kind, stream: str, message: Message) -> None:
    """Scenes, frames, spectra, logs, statuses, control and heartbeats survive with all their optional parts."""
    received = send(kind, message, stream)
    assert (received.kind, received.stream, received.n, received.subscription) == (kind, stream, 7, ID)
    assert same(received.message, message)


def encoded(kind: Kind, stream: str, message: Message) -> list[bytes]:
    payload = encode_payload(kind, stream, message)
    return [bytes(frame) for frame in [data_header(payload, 1, 1, ID), *payload.frames]]


@given(st.integers(0, len(MESSAGES) - 1), st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_messages_are_protocol_errors(index: int, data: st.DataObject) -> None:
    """Any byte changed, frame lost or frame shortened gives a message, nothing, or a ProtocolError."""
    frames = encoded(*MESSAGES[index])
    which = data.draw(st.integers(0, len(frames) - 1))
    damage = data.draw(st.sampled_from(["byte", "cut", "lose", "double"]))
    if damage == "byte" and frames[which]:
        at = data.draw(st.integers(0, len(frames[which]) - 1))
        frames[which] = frames[which][:at] + bytes([data.draw(st.integers(0, 255))]) + frames[which][at + 1 :]
    elif damage == "cut":
        frames[which] = frames[which][: data.draw(st.integers(0, len(frames[which])))]
    elif damage == "lose":
        del frames[which]
    else:
        frames.insert(which, frames[which])
    try:
        decode_message(frames)
    except ProtocolError:
        return


@given(st.lists(st.binary(max_size=60), max_size=3))
@settings(max_examples=200, deadline=None)
def test_garbage_is_a_protocol_error(frames: list[bytes]) -> None:
    """Random bytes never raise anything but ProtocolError, on either side."""
    for decode in (lambda: decode_message(frames), lambda: decode_request(b"".join(frames))):
        try:
            decode()
        except ProtocolError:
            continue


BOMBS = [
    b"\x91" * 100_000,
    b"\x93\x01\xa7request\xdd\xff\xff\xff\xff",
    b"\xdd\xff\xff\xff\xff",
    b"\x99\x01\xa4data\xc6\xff\xff\xff\xff",
    b"\x97\x01\xa7request\xc4\x10" + ID + b"\xa4ping" + b"\x91" * 5000 + b"\xc0" * 3,
    b"\x97\x01\xa7request\xc4\x10" + ID + b"\xa5pause" + b"\xdc\xff\xff" + b"\x90" * 65_535 + b"\xc0\xc0",
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_declared_lengths_and_nesting_are_not_believed(bomb: bytes) -> None:
    """A declared length beyond the frame, or endless nesting, is refused before anything is allocated."""
    with pytest.raises(ProtocolError):
        decode_request(bomb)
    with pytest.raises(ProtocolError):
        decode_message([bomb.replace(b"\xa7request", b"\xa5reply")])


def header_of(kind: str, body: object, buffers: Sequence[object], stream: str = "") -> bytes:
    return msgspec.msgpack.encode([1, "data", kind, stream, 1, 1, body, buffers, ID])


REFUSED: list[tuple[str, list[bytes]]] = [
    ("array of another size", [header_of("data", None, [["", "f8", [2]]], "s"), bytes(8)]),
    ("overflowing shape", [header_of("data", None, [["", "f8", [2**40, 2**40]]], "s"), bytes(8)]),
    ("empty but impossible shape", [header_of("data", None, [["", "u1", [0, 2**62, 2**62]]], "s"), b""]),
    ("unknown dtype", [header_of("data", None, [["", "O8", [1]]], "s"), bytes(8)]),
    ("array index without array", [header_of("data", msgspec.msgpack.Ext(1, bytes(4)), [], "s")]),
    ("extension 2", [header_of("data", msgspec.msgpack.Ext(2, bytes(4)), [], "s")]),
    ("stream where none belongs", [header_of("log", ["info", "x", {}, 1.0], [], "s")]),
    ("long stream name", [header_of("data", None, [], "é" * 200)]),
    ("status of unknown level", [header_of("status", ["fine", "x", 1.0], [])]),
    ("run state unknown", [header_of("control", {"run": "FLYING"}, [])]),
    ("nested log field", [header_of("log", ["info", "x", {"a": [1]}, 1.0], [])]),
    ("a net beyond the parts", [header_of("scene", {"scene": 1, "refs": [], "nets": [["n", [[0, -1]]]]}, [])]),
    ("a metric without columns", [header_of("metric", None, [])]),
    ("deep data", [header_of("data", msgspec.Raw(b"\x91" * 80 + b"\xc0"), [], "s")]),
    ("a map key that is a number", [header_of("data", {1: 2}, [], "s")]),
]


@pytest.mark.parametrize(("why", "frames"), REFUSED, ids=[why for why, _ in REFUSED])
def test_well_formed_lies_are_refused(why: str, frames: list[bytes]) -> None:
    """Correct MessagePack with impossible sizes, types, names or indices is a ProtocolError."""
    with pytest.raises(ProtocolError):
        decode_message(frames)


def test_counts_of_a_metric_must_add_up() -> None:
    """A batch whose counts do not sum to its samples is refused, also when the sum overflows 32 bits."""
    buffers = [
        ["series", "u4", [2]],
        ["first", "u8", [2]],
        ["count", "u4", [2]],
        ["t", "f8", [0]],
        ["value", "f8", [0]],
        ["fields", "f8", [0]],
    ]
    counts = np.array([2**31, 2**31], "u4").tobytes()
    frames = [header_of("metric", None, buffers), bytes(8), np.array([1, 1], "u8").tobytes(), counts, b"", b"", b""]
    with pytest.raises(ProtocolError, match="buffer t"):
        decode_message(frames)


def test_what_later_versions_add_is_ignored_or_told_apart() -> None:
    """An unknown type or kind is None, an unknown version tells its number."""
    assert decode_message([msgspec.msgpack.encode([1, "gossip", 3])]) is None
    assert decode_message([header_of("smell", None, [])]) is None
    with pytest.raises(UnknownVersion) as caught:
        decode_message([msgspec.msgpack.encode([9, {"quite": "different"}])])
    assert caught.value.version == 9
    with pytest.raises(UnknownVersion):
        decode_request(msgspec.msgpack.encode([2, "request"]))


@given(st.sampled_from(["hello", "pause", "set", "ping"]), st.dictionaries(NAMES, values, max_size=3), st.booleans())
@settings(max_examples=60, deadline=None)
def test_requests_come_back_unchanged(command: str, args: dict[str, object], known: bool) -> None:
    """Id, command, arguments, producer and token of a request survive."""
    request = Request(ID, command, args, ID if known else None, b"token" if known else None)
    assert same(decode_request(encode_request(request)), request)


def test_subscribe_and_credit_have_typed_arguments() -> None:
    """Subscribe arguments are completed and checked, credit is a pair; anything else is refused."""
    args = {"topics": [["metric", ""], ["frame", "*"]], "history": False, "credit": 5, "have": [["log", "", 3]]}
    decoded = decode_request(encode_request(Request(ID, "subscribe", args, ID)))
    assert decoded.args["topics"] == [("metric", ""), ("frame", "*")]
    assert decoded.args["have_series"] == []
    assert decode_request(encode_request(Request(ID, "credit", [ID, 7], ID))).args == [ID, 7]
    for command, wrong in (("subscribe", {"topics": [[1, 2]]}), ("credit", [ID, -1]), ("pause", {"x": "y" * 70_000})):
        with pytest.raises(ProtocolError):
            decode_request(encode_request(Request(ID, command, wrong, ID)))


def test_replies_and_hello_come_back_unchanged() -> None:
    """A reply carries its stage, reason and result; hello's result is the Hello that was told."""
    hello = Hello(ID, "trainer", "host", 12, "0.1.0", 1, 2, ("pause", "stop"), (("metric", ""),), "operate")
    reply = decode_message([encode_reply(Reply(ID, "effective", "why", hello_result(hello)))])
    assert isinstance(reply, Reply)
    assert (reply.id, reply.stage, reply.reason) == (ID, "effective", "why")
    assert hello_from_result(reply.result) == hello
    for wrong in (None, [], {"producer": b"short", "name": "x"}, {**reply.result, "role": "root"}):
        with pytest.raises(ProtocolError):
            hello_from_result(wrong)


WRONG: list[tuple[str, Kind, Message]] = [
    ("size", Kind.SCENE, PlacementScene(refs=("A",), size=np.ones((2, 2)))),
    ("nets", Kind.SCENE, PlacementScene(refs=("A",), size=np.ones((1, 2)), nets=(("n", ((1, 0),)),))),
    ("modules", Kind.SCENE, PlacementScene(refs=(), size=np.ones((0, 2)), modules=(("m", "red"),))),
    ("position", Kind.FRAME, PlacementFrame(position=np.ones((2, 2)))),
    ("overlap", Kind.FRAME, PlacementFrame(position=np.ones((2, 3)), overlap=np.array([[0, 2]]))),
    ("module", Kind.FRAME, PlacementFrame(position=np.ones((1, 3)), module=np.array([-1]))),
    ("power", Kind.SPECTRUM, Spectrum(np.ones(3), 1.0, 0.0, 1.0)),
    ("polarizations", Kind.SPECTRUM, Spectrum(np.ones((1, 3)), 1.0, 0.0, 1.0, polarizations=("XX", "YY"))),
    ("status", Kind.STATUS, Status("fine", "x", 0.0)),
]


@pytest.mark.parametrize(("argument", "kind", "message"), WRONG)
def test_wrong_messages_name_the_argument(argument: str, kind: Kind, message: Message) -> None:
    """A message that cannot be right raises ValueError at the call, and its text begins with the argument."""
    with pytest.raises(ValueError, match=f"^{argument}"):
        encode_payload(kind, "", message)


def test_sizes_are_bounded_at_the_call() -> None:
    """A stream name over 256 bytes or a part over 256 MiB raises ValueError before anything is queued."""
    with pytest.raises(ValueError, match="stream"):
        encode_payload(Kind.DATA, "é" * 129, DataRecord(1, 0.0))
    huge = np.lib.stride_tricks.as_strided(np.zeros(1, "u1"), (MAX_MESSAGE_BYTES,), (0,))
    with pytest.raises(ValueError, match="data"):
        encode_payload(Kind.DATA, "s", DataRecord(huge, 0.0), copy=False)


def test_long_log_text_is_cut_and_says_so() -> None:
    """A log text beyond 64 KiB is cut to fit and tells how much is missing."""
    message = send(Kind.LOG, LogRecord("info", "é" * 100_000, {}, 0.0)).message
    assert isinstance(message, LogRecord)
    assert len(message.message.encode()) <= 65_536
    assert message.message.endswith("characters more)")
