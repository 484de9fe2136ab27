"""The codec of the conduit wire: frames from bytes and bytes from frames, whatever arrives."""

from __future__ import annotations

import random
import zlib

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conduit_raw import HEADER, MESSAGE, PING, frame
from dockscope.core.dialects.conduit_events import Message, read_event, write_event
from dockscope.core.dialects.conduit_frame import (
    MAX_PAYLOAD_BYTES,
    Frame,
    FrameDecoder,
    FrameType,
    FramingError,
    encode_frame,
)
from dockscope.core.messages import ProtocolError

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)
events = st.sampled_from(list(FrameType))


def decoded(decoder: FrameDecoder) -> list[Frame]:
    return list(iter(decoder.next, None))


def one(data: bytes, **options) -> Frame:
    decoder = FrameDecoder(**options)
    decoder.feed(data)
    (found,) = decoded(decoder)
    return found


@given(events, values, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.booleans())
def test_what_is_encoded_is_decoded(type_, payload, id_, time_ms, compress):
    """Every type, value, id and time survives, compressed or not."""
    sent = encode_frame(type_, payload, correlation_id=id_, timestamp_ms=time_ms, compress=compress)
    assert one(sent) == Frame(type_, payload, id_, time_ms)


@given(values)
def test_encoding_is_that_of_msgpack(payload):
    """The bytes are those that the reference implementation of MessagePack makes, so that any peer reads them."""
    sent = encode_frame(FrameType.MESSAGE, [payload], timestamp_ms=0)
    assert sent == frame(MESSAGE, [payload])


@given(st.lists(st.tuples(events, values), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_segments_may_be_cut_and_glued_anywhere(told, chance):
    """However TCP cuts the bytes, the same frames come out in the same order."""
    stream = b"".join(encode_frame(type_, payload, timestamp_ms=1) for type_, payload in told)
    decoder, found, at = FrameDecoder(), [], 0
    while at < len(stream):
        size = chance.randint(1, 40)
        decoder.feed(stream[at : at + size])
        found += decoded(decoder)
        at += size
    assert [(one.type, one.payload) for one in found] == told


def test_numpy_and_nan_survive():
    """NumPy scalars go as numbers, arrays as lists, NaN and infinities as they are."""
    data = {"t": np.float64(1.5), "n": np.int32(7), "ok": np.bool_(True), "a": np.arange(3.0), "nan": np.float32("nan")}
    event = read_event(one(write_event(Message("m", data | {"inf": -np.inf}))))
    assert isinstance(event, Message)
    assert np.isnan(event.data.pop("nan"))
    assert event.data == {"t": 1.5, "n": 7, "ok": True, "a": [0.0, 1.0, 2.0], "inf": -np.inf}


def test_what_cannot_be_sent_is_refused_at_the_call():
    """A foreign type is a TypeError; a number beyond 64 bits or a value in itself is a ValueError."""
    with pytest.raises(TypeError, match="object cannot be sent"):
        encode_frame(FrameType.MESSAGE, object())
    with pytest.raises(ValueError, match="number"):
        encode_frame(FrameType.MESSAGE, 2**64)
    endless: list = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested too deep"):
        encode_frame(FrameType.MESSAGE, endless)


def test_compression_is_used_above_1_kib_where_it_is_shorter():
    """A kilobyte that repeats is compressed, a short payload and noise are not; receivers need no setting."""
    long, short = {"pad": "x" * 2000}, {"pad": "x" * 900}
    assert HEADER.unpack_from(encode_frame(FrameType.MESSAGE, long, compress=True))[3] == 1
    assert HEADER.unpack_from(encode_frame(FrameType.MESSAGE, long))[3] == 0
    assert HEADER.unpack_from(encode_frame(FrameType.MESSAGE, short, compress=True))[3] == 0
    noise = random.Random(1).randbytes(4000)
    assert HEADER.unpack_from(encode_frame(FrameType.MESSAGE, noise, compress=True))[3] == 0
    assert one(encode_frame(FrameType.MESSAGE, long, compress=True)).payload == long


BAD = {
    "unknown type": frame(0x77, {}),
    "too large": frame(MESSAGE, b"x" * 3000),
    "no MessagePack": HEADER.pack(b"CNDT", 0x0100, MESSAGE, 0, 0, 3, 0, 0) + b"\xc1\xc1\xc1",
    "cut MessagePack": HEADER.pack(b"CNDT", 0x0100, MESSAGE, 0, 0, 2, 0, 0) + b"\x92\x01",
    "nested too deep": HEADER.pack(b"CNDT", 0x0100, MESSAGE, 0, 0, 2000, 0, 0) + b"\x91" * 2000,
    "no zlib": HEADER.pack(b"CNDT", 0x0100, MESSAGE, 1, 0, 3, 0, 0) + b"abc",
    "cut zlib": HEADER.pack(b"CNDT", 0x0100, MESSAGE, 1, 0, 8, 0, 0) + zlib.compress(b"\x01" * 100)[:8],
    "bomb": frame(MESSAGE, b"\0" * 200_000, flags=1),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_frame_does_not_harm_the_next(bad):
    """Each kind of bad frame is a ProtocolError, and the frame after it is read."""
    decoder = FrameDecoder(max_payload_bytes=2048)
    decoder.feed(bad + frame(PING))
    with pytest.raises(ProtocolError) as caught:
        decoder.next()
    assert not isinstance(caught.value, FramingError)
    assert [found.type for found in decoded(decoder)] == [FrameType.HEARTBEAT_PING]


@pytest.mark.parametrize(
    "bytes_", [b"HTTP/1.1 400 Bad Request\r\n", b"\xff\0\0\0\0", HEADER.pack(b"CNDT", 0x0200, 1, 0, 0, 0, 0, 0)]
)
def test_what_is_not_conduit_ends_it_at_once(bytes_):
    """Other protocols and other versions are told apart with their first bytes."""
    decoder = FrameDecoder()
    decoder.feed(bytes_)
    with pytest.raises(FramingError):
        decoder.next()


def test_a_large_frame_is_never_held():
    """The payload of a frame that is too large is thrown away as it comes, and nothing is allocated for it."""
    decoder = FrameDecoder(max_payload_bytes=1024)
    decoder.feed(HEADER.pack(b"CNDT", 0x0100, MESSAGE, 0, 0, MAX_PAYLOAD_BYTES, 0, 0))
    with pytest.raises(ProtocolError):
        decoder.next()
    for _ in range(MAX_PAYLOAD_BYTES // 2**20):
        decoder.feed(bytes(2**20))
        assert decoder.pending_bytes == 0
    decoder.feed(frame(PING))
    assert [found.type for found in decoded(decoder)] == [FrameType.HEARTBEAT_PING]


GOOD = [
    frame(type_, payload, flags=flags)
    for type_ in range(21)
    for flags in (0, 1)
    for payload in (
        None,
        {},
        {"type": "stream_data", "data": {"stream": "s", "data": [1, 2.5, b"x"], "timestamp": 1.0}},
    )
    if payload is not None or not flags
]


def spoilt(good: bytes, cuts: dict[int, int]) -> bytes:
    """Change some bytes of a frame."""
    bad = bytearray(good)
    for at, change in cuts.items():
        bad[at % len(bad)] ^= change
    return bytes(bad)


mutated = st.builds(
    spoilt, st.sampled_from(GOOD), st.dictionaries(st.integers(0, 200), st.integers(1, 255), max_size=3)
)
garbage = st.lists(
    mutated
    | st.binary(max_size=60)
    | st.builds(
        lambda type_, flags, body: HEADER.pack(b"CNDT", 0x0100, type_, flags, 0, len(body), 0, 0) + body,
        st.integers(0, 20),
        st.integers(0, 3),
        st.binary(max_size=60),
    ),
    max_size=6,
).map(b"".join)


def devour(data: bytes, step: int) -> None:
    """Read everything; only ProtocolError may come, and no more is held than one frame and one segment."""
    decoder = FrameDecoder(max_payload_bytes=4096)
    for at in range(0, len(data), step):
        decoder.feed(data[at : at + step])
        while True:
            try:
                found = decoder.next()
                if found is None:
                    break
                read_event(found)
            except FramingError:
                return
            except ProtocolError:
                continue
        assert decoder.pending_bytes <= 4096 + HEADER.size + step


@given(garbage, st.integers(1, 100))
def test_nothing_but_protocol_errors_come_out(data, step):
    """Whatever bytes come, the decoder answers with frames or ProtocolError, and holds little."""
    devour(data, step)


@pytest.mark.soak
@settings(max_examples=10_000)
@given(garbage, st.integers(1, 100))
def test_nothing_but_protocol_errors_come_out_long(data, step):
    """The same for 10,000 examples."""
    devour(data, step)


def test_payloads_of_msgpack_are_read():
    """Integer keys, extension types and binary, as msgpack packs them, are values like any other."""
    payload = {1: b"\0\1", "ext": msgpack.ExtType(5, b"x"), "deep": [[[[1]]]]}
    found = one(frame(MESSAGE, payload)).payload
    assert (found[1], found["deep"], found["ext"].data) == (b"\0\1", [[[[1]]]], b"x")
