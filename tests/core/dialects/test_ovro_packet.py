"""Messages of OVRO's recorder, byte for byte: powers of any shape, frequencies, times, gaps, any nonsense."""

from __future__ import annotations

import datetime as dt
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from dockscope.core.dialects.ovro_axis import CHANNEL_HZ, axis_of
from dockscope.core.dialects.ovro_packet import Header, decode_packet, encode_packet
from dockscope.core.dialects.ovro_reader import spectra_of
from dockscope.core.dialects.ovro_times import Cadence, moment_of
from dockscope.core.messages import ProtocolError
from ovro_recorder import captured, message

ARRIVED = 1_800_000_000.0
TYPES = ["<f4", ">f4", "<f8", "f2", "<i2", ">i4", "u1", "<u8", "float32", "int16"]


@pytest.mark.parametrize("name", ["ovro", "sunspec_dummy"])
def test_captured_messages_are_read_and_written_byte_for_byte(name):
    """What the recorder and its stand-in sent is read whole, and our own message of the same content is the same."""
    for sent in captured(name):
        packet = decode_packet(sent.frames)
        assert packet.power.shape == (1, 3072, 4)
        assert packet.power.tobytes() == sent.payload
        assert sent.payload[:32] == sent.head
        told = sent.told
        frames = encode_packet(
            packet.power,
            time_tag=told["time_tag"],
            timestamp=told["timestamp"],
            last_block_time=told["last_block_time"],
        )
        assert frames == sent.frames


@given(stn.arrays(st.sampled_from(TYPES), stn.array_shapes(min_dims=3, max_dims=3, max_side=9)))
def test_any_shape_and_type_that_the_header_declares(power):
    """Beams, channels, products and types are those of the header; values are kept as far as single precision goes."""
    packet = decode_packet(message(power, data_type=power.dtype.str))
    with np.errstate(over="ignore", invalid="ignore"):
        np.testing.assert_array_equal(packet.power, power.astype("f4"))


def test_a_shape_may_be_told_in_parts():
    """Without data_shape the three counts decide; without beams there is one; complex powers are magnitudes."""
    power = np.arange(24, dtype="<f4").reshape(2, 3, 4)
    assert decode_packet(message(power, data_shape=None)).power.shape == (2, 3, 4)
    one = power[:1]
    assert decode_packet(message(one, data_shape=[3, 4], nbeam=None)).power.shape == (1, 3, 4)
    assert decode_packet(message(one[:, :, :1], data_shape=[3], nbeam=None, npol=None)).power.shape == (1, 3, 1)
    assert decode_packet(message(one, nbeam=None, npol=None, nchan=None)).power.shape == (1, 3, 4)
    crossed = np.full((1, 2, 1), 3 + 4j, dtype="<c8")
    np.testing.assert_array_equal(decode_packet(message(crossed)).power, np.full((1, 2, 1), 5.0))


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([b"data", b"{}"], "2 frames"),
        ([b"status", b"{}", b""], "topic"),
        ([b"data", b"[1]", b""], "no JSON object"),
        ([b"data", b"{1}", b""], "malformed"),
        ([b"data", b"{}", b""], "no shape"),
        (message(np.zeros((1, 3, 4), "f4"))[:2] + [b"1234"], "4 bytes for powers"),
        (message(np.zeros((1, 3, 4), "f4"), nchan=4), "contradict"),
        (message(np.zeros((1, 3, 4), "f4"), data_type="O"), "no type of number"),
        (message(np.zeros((1, 3, 4), "f4"), data_type="f4,f4"), "no type of number"),
        (message(np.zeros((1, 3, 4), "f4"), data_shape=[1, -3, -4], nchan=None, npol=None), "no number of chans"),
        (
            message(np.zeros((1, 3, 4), "f4"), data_shape=[256, 2**20, 64], nbeam=None, nchan=None, npol=None),
            "more than",
        ),
        (message(np.zeros((1, 3, 4), "f4"), npol=True), "header"),
    ],
)
def test_a_message_that_breaks_the_form_is_refused(frames, why):
    """It is a ProtocolError that says why, before anything of its announced size is made."""
    with pytest.raises(ProtocolError, match=why):
        decode_packet(frames)


def test_products_are_named_and_stokes_derived():
    """Each beam is a stream; XX, YY and their cross products are named, I and V follow from them."""
    power = np.arange(2 * 3 * 4, dtype="f4").reshape(2, 3, 4)
    packet = decode_packet(message(power, "2026-11-21 07:22:52"))
    spectra = spectra_of(packet, moment_of(packet.header, ARRIVED))
    assert list(spectra) == ["beam1", "beam2"]
    second = spectra["beam2"]
    assert second.polarizations == ("XX", "YY", "Re XY*", "Im XY*", "I", "V")
    np.testing.assert_array_equal(second.power[:4], power[1].T)
    np.testing.assert_array_equal(second.power[4], (power[1, :, 0] + power[1, :, 1]) / 2)
    np.testing.assert_array_equal(second.power[5], power[1, :, 3])
    named = decode_packet(message(power, pols="XX,YY,CR,CI"))
    assert named.header.names == ["XX", "YY", "CR", "CI"]


def test_frequencies_are_those_of_the_channel_plan():
    """Without a word of the header, channel i is at 196 × (600 + i) / 8192 MHz."""
    axis = axis_of(Header(), 3072)
    assert (axis.f0, axis.df) == (196e6 * 600 / 8192, 196e6 / 8192)
    assert axis.f0 + 3071 * axis.df == pytest.approx(87.83e6, abs=5e3)


def test_frequencies_of_the_header_go_before_the_plan():
    """A list, a first one with its spacing, or the number of the first channel; in Hz or MHz, regular or not."""
    listed = axis_of(Header(frequencies=[10.0, 20.0, 30.0]), 3)
    assert (listed.f0, listed.df, listed.frequencies) == (10e6, 10e6, None)
    irregular = axis_of(Header(frequencies=[1e7, 2e7, 4e7]), 3)
    assert irregular.frequencies is not None
    assert irregular.frequencies.tolist() == [1e7, 2e7, 4e7]
    assert axis_of(Header(f0=50e6, df=-1e4), 8)[:2] == (50e6, -1e4)
    assert axis_of(Header(f0=50.0, df=0.01), 8)[:2] == (50e6, 1e4)
    assert axis_of(Header(chan0=1000), 8)[:2] == (1000 * CHANNEL_HZ, CHANNEL_HZ)
    assert axis_of(Header(chan0=0, bw=8e5), 8)[:2] == (0.0, 1e5)
    for wrong in (Header(frequencies=[1.0]), Header(df=0.0), Header(f0=1e300), Header(frequencies=[1.0, 1.0, 1.0])):
        with pytest.raises(ProtocolError):
            axis_of(wrong, 3)


def test_the_time_is_that_of_the_last_block():
    """UTC with or without a fraction is read; where it is none, the time of sending serves, then that of arrival."""
    second = dt.datetime(2026, 11, 21, 7, 22, 52, tzinfo=dt.UTC).timestamp()
    assert moment_of(Header(last_block_time="2026-11-21 07:22:52.192595"), ARRIVED) == (second + 0.192595, True)
    assert moment_of(Header(last_block_time="2026-11-21 07:22:52"), ARRIVED) == (second, True)
    assert moment_of(Header(last_block_time="2026-11-21T07:22:52+00:00"), ARRIVED) == (second, True)
    literal = "2026-11-21 07:23:01.%f"
    assert moment_of(Header(last_block_time=literal, timestamp=second), ARRIVED) == (second, False)
    assert moment_of(Header(last_block_time=literal, timestamp=str(second)), ARRIVED) == (second, False)
    for useless in (None, "", [], {}, 5, float("nan"), "9" * 500, 10**40):
        assert moment_of(Header(last_block_time=useless, timestamp=useless), ARRIVED) == (ARRIVED, False)


def missing(times: list[float], tags: list[int] | None = None) -> list[int]:
    cadence = Cadence()
    return [cadence.missing(t, tag) for t, tag in zip(times, tags or [7] * len(times), strict=True)]


def test_gaps_are_found_by_the_times():
    """A step of several usual ones hides spectra, also right at the start; jitter and doubled times hide none."""
    assert missing([0.0, 0.5, 1.0, 2.5, 3.0]) == [0, 0, 0, 2, 0]
    assert missing([0.0, 0.5, 1.5]) == [0, 0, 1]
    assert missing([0.0, 0.5, 1.1, 1.5, 2.05, 2.7]) == [0, 0, 0, 0, 0, 0]
    assert missing([0.0, 0.5, 0.5, 0.2, 0.7]) == [0, 0, 0, 0, 0]
    captured_t = [moment_of(decode_packet(sent.frames).header, ARRIVED).t for sent in captured("ovro")]
    assert sum(missing(captured_t)) == 0
    assert sum(missing(captured_t[:3] + captured_t[5:])) == 2


def test_another_sequence_is_no_gap():
    """Nothing is missing between two observations; a sender with another tag in each message has one observation."""
    times = [0.0, 0.5, 1.0, 3600.0, 3600.5, 3602.0]
    assert missing(times, [1, 1, 1, 2, 2, 2]) == [0, 0, 0, 0, 0, 2]
    assert missing([0.0, 0.5, 1.0, 2.0], [1, 2, 3, 4]) == [0, 0, 0, 1]


def test_a_sender_that_slows_down_is_believed_after_a_while():
    """A new step becomes the usual one: what is missing is no longer counted."""
    times = [0.5 * step for step in range(20)] + [10.0 + 2.0 * step for step in range(20)]
    assert missing(times)[-8:] == [0] * 8


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*Header.__struct_fields__, "other"])
PLAUSIBLE = st.sampled_from([1, 2, 3, [1, 2, 3], [2, 3], "<f4", "u1", 1e7, [1e7, 2e7, 3e7], "XX,YY", ["a", "b"]])
HEADERS = st.dictionaries(NAMES, VALUES | PLAUSIBLE, max_size=12).map(lambda told: json.dumps(told).encode())
FRAMES = st.lists(st.binary(max_size=80) | HEADERS, max_size=4) | st.tuples(
    st.just(b"data"), HEADERS, st.binary(max_size=60)
).map(list)


def check_any_frames(frames: list[bytes]) -> None:
    try:
        packet = decode_packet(frames)
        spectra = spectra_of(packet, moment_of(packet.header, ARRIVED))
    except ProtocolError:
        return
    assert all(len(spectrum.polarizations) == len(spectrum.power) for spectrum in spectra.values())


@given(FRAMES)
@example([b"data", b'{"data_shape": [1, 1, 1], "data_type": "u1", "f0": 1e400}', b"1"])
@example([b"data", b'{"data_shape": [1, 1, 1], "data_type": "u1", "f0": ' + b"9" * 400 + b"}", b"1"])
@example([b"data", b'{"data_shape": ' + b"[" * 2000 + b"]" * 2000 + b"}", b"1"])
@example([b"data", b'{"data_shape": [1, 1, 1], "data_type": "u1", "frequencies": [NaN]}', b"1"])
def test_nothing_but_a_protocol_error_comes_out_of_any_frames(frames):
    """Whatever is sent is read, or refused as ProtocolError."""
    check_any_frames(frames)


@pytest.mark.soak
@settings(max_examples=10_000)
@given(FRAMES)
def test_nothing_else_comes_out_of_ten_thousand(frames):
    """The same for ten thousand messages."""
    check_any_frames(frames)


def test_an_announced_size_is_not_allocated():
    """A header that announces gigabytes costs nothing: the powers must be there."""
    frames = message(np.zeros((1, 3, 4), "f4"), data_shape=[200, 80_000, 1], nbeam=200, nchan=80_000, npol=1)
    tracemalloc.start()
    with pytest.raises(ProtocolError):
        decode_packet(frames)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20
