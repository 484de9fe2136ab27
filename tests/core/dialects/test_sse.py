"""Server-sent events: whatever the line ends and however the bytes are parted."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device_replay import captured_stream
from dockscope.core.dialects.sse import ServerEvent, SseParser
from dockscope.core.messages import ProtocolError

LIMIT = 4096


def read(*chunks: bytes, limit: int = LIMIT) -> list[ServerEvent | ProtocolError]:
    parser = SseParser(limit)
    return [found for chunk in chunks for found in parser.feed(chunk)]


def events(*chunks: bytes) -> list[ServerEvent]:
    found = read(*chunks)
    assert all(isinstance(one, ServerEvent) for one in found)
    return found  # type: ignore[return-value]


def test_the_captured_stream_is_read_whole():
    """40 readings were captured, numbered from 0, each with the counter of the device."""
    found = events(captured_stream())
    assert [event.id for event in found] == [str(n) for n in range(40)]
    assert {event.name for event in found} == {"device_data"}
    assert [json.loads(event.data)["n"] for event in found] == list(range(40))


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b"\r"])
def test_every_line_end_is_one_also_when_it_is_parted(end):
    """CRLF, LF and CR end lines; one byte at a time gives the same events as all at once."""
    stream = captured_stream().replace(b"\r\n", end)[:3000]
    whole = events(stream)
    assert whole == events(captured_stream()[: 3000 + stream.count(end)])[: len(whole)]
    assert len(whole) > 5
    assert events(*(stream[at : at + 1] for at in range(len(stream)))) == whole


def test_the_captured_idle_stream_is_pings_between_readings():
    """Pings have no id of their own; the last one told stays."""
    found = events(captured_stream("labdaemon_sse_idle.txt"))
    assert [(event.name, event.id) for event in found] == [("device_data", "0")] + [("ping", "0")] * 3
    assert [event.data for event in found[1:]] == [b"{}"] * 3


@pytest.mark.parametrize("name", ["second", "nostream"])
def test_a_captured_refusal_is_an_event(name):
    """A server that cannot stream says so in an event of an answer with status 200."""
    (event,) = events(captured_stream(f"labdaemon_sse_{name}.txt"))
    assert event.name == "stream_error"
    assert json.loads(event.data)["error"]["type"] == "DeviceError"


def test_the_rules_of_the_standard():
    """Comments and unknown fields are nothing, data lines are joined, one space goes, an event without data is none."""
    assert events(b"\xef\xbb\xbf: ping - now\n\ndata: a\ndata:  b\ndata\nretry: 5\nfoo: bar\n\n") == [
        ServerEvent("message", b"a\n b\n", "")
    ]
    assert events(b"event: x\n\ndata: 1\n\n") == [ServerEvent("message", b"1", "")]
    assert events(b"id: 1\nid: a\0b\ndata: 1\n\ndata: 2") == [ServerEvent("message", b"1", "1")]


def test_what_is_too_large_is_left_out_and_nothing_else():
    """One long line, many lines or a long name in its place; memory stays bounded, and the next event is read."""
    many = b"data: 1234567890\n" * 499 + b"data: 1"
    for large in (b"data: " + b"x" * 5000, many, b": " + b"x" * 5000, b"\xff" * 5000):
        stream = b"data: 1\n\n" + large + b"\ndata: y\n\ndata: 2\n\n"
        for found in (read(stream), read(*(stream[at : at + 7] for at in range(0, len(stream), 7)))):
            first, refused, last = found
            assert (first, last) == (ServerEvent("message", b"1", ""), ServerEvent("message", b"2", ""))
            assert isinstance(refused, ProtocolError)


def test_an_endless_line_is_not_kept():
    """A line that never ends costs no more memory than one event may have."""
    parser = SseParser(LIMIT)
    found = [one for _ in range(1000) for one in parser.feed(b"data: " + b"x" * 1000)]
    assert len(found) == 1
    kept = sum(len(value) for value in vars(parser).values() if isinstance(value, bytes | bytearray | str))
    assert kept <= LIMIT


LINES = st.sampled_from([b"data: 1", b"data", b"event: e", b"id: 7", b": c", b"", b"", b"\xef\xbb\xbf", b"x" * 99])
ENDS = st.sampled_from([b"\r\n", b"\n", b"\r"])
TEXTS = st.lists(st.tuples(LINES, ENDS), max_size=30).map(lambda lines: b"".join(map(b"".join, lines)))
STREAMS = st.binary(max_size=400) | TEXTS


def check_parting(stream: bytes, cuts: list[int]) -> None:
    """However a stream is parted, the events are the same, and nothing is raised."""
    at = sorted(cut % (len(stream) + 1) for cut in cuts)
    chunks = [stream[a:b] for a, b in zip([0, *at], [*at, len(stream)], strict=True)]
    whole, parted = read(stream, limit=64), read(*chunks, limit=64)
    assert list(map(repr, whole)) == list(map(repr, parted))
    assert all(len(one.data) <= 64 for one in whole if isinstance(one, ServerEvent))


@given(STREAMS, st.lists(st.integers(0, 10_000), max_size=8))
def test_any_bytes_in_any_parts(stream, cuts):
    """Any bytes give the same events however they are parted, and never an exception."""
    check_parting(stream, cuts)


@pytest.mark.soak
@settings(max_examples=10_000)
@given(STREAMS, st.lists(st.integers(0, 10_000), max_size=8))
def test_any_bytes_in_any_parts_for_long(stream, cuts):
    """The same with 10,000 examples."""
    check_parting(stream, cuts)
