"""Answers of instruments: told apart, read whole from any pieces, and never trusted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockscope.devices.answer_reader import AnswerReader, Ending
from dockscope.devices.answers import block_dtype, decode
from dockscope.devices.instrument_errors import AnswerError, NoAnswerError

F4 = block_dtype(">f4")
DTYPES = ["<f4", ">f4", "<f8", ">f8", "<i2", ">i2", "u1", "<u4", ">i8"]
MEANT = {9.91e37: math.nan, 9.9e37: math.inf, -9.9e37: -math.inf}
finite = st.floats(allow_nan=False, allow_infinity=False)


def definite(payload: bytes) -> bytes:
    size = str(len(payload)).encode()
    return b"#" + str(len(size)).encode() + size + payload


class Pieces:
    """Hands out messages in pieces of given sizes, as sockets do, or as interfaces that mark where a message ends."""

    def __init__(self, messages: list[bytes], sizes: list[int], *, marks_ends: bool) -> None:
        self.marks_ends = marks_ends
        self._messages = messages if marks_ends else [b"".join(messages)]
        self._sizes = sizes
        self._turn = 0

    def read_some(self, most: int, *, to_terminator: bool) -> tuple[bytes, Ending]:
        while self._messages and not self._messages[0]:
            self._messages.pop(0)
        if not self._messages:
            raise NoAnswerError("nothing more")
        self._turn += 1
        chunk = self._messages[0][: min(most, self._sizes[self._turn % len(self._sizes)])]
        if to_terminator and b"\n" in chunk:
            chunk = chunk[: chunk.index(b"\n") + 1]
        self._messages[0] = self._messages[0][len(chunk) :]
        if self.marks_ends and not self._messages[0]:
            return chunk, Ending.MESSAGE
        return chunk, Ending.LINE if to_terminator and chunk.endswith(b"\n") else Ending.NOTHING

    def read_if_there(self) -> bytes:
        try:
            return self.read_some(1, to_terminator=False)[0]
        except NoAnswerError:
            return b""


lines = st.binary(min_size=1, max_size=40).filter(lambda line: b"\n" not in line and line[:1] != b"#")
blocks = st.binary(max_size=300).map(definite)


@given(st.lists(st.tuples(lines | blocks, st.booleans()), min_size=1), st.lists(st.integers(1, 50), min_size=1))
def test_each_answer_is_read_whole_from_a_socket(answers, sizes):
    """Lines and definite blocks are read one by one from any pieces; after a block the terminator may be missing."""
    sent = [answer + (b"" if answer[:1] == b"#" and bare else b"\n") for answer, bare in answers]
    reader = AnswerReader(Pieces(sent, sizes, marks_ends=False), b"\n")
    assert [reader.read() for _ in answers] == [answer for answer, _ in answers]


@given(
    st.lists(lines | blocks | st.binary(max_size=300).map(lambda payload: b"#0" + payload), min_size=1),
    st.lists(st.integers(1, 50), min_size=1),
)
def test_each_answer_is_read_whole_from_an_interface_that_marks_ends(answers, sizes):
    """The same where the interface tells the end, with blocks of indefinite length too."""
    reader = AnswerReader(Pieces([answer + b"\n" for answer in answers], sizes, marks_ends=True), b"\n")
    assert [reader.read() for _ in answers] == answers


@given(st.binary(max_size=300), st.lists(st.integers(1, 50), min_size=1))
def test_an_indefinite_block_on_a_socket_ends_when_nothing_follows(payload, sizes):
    """Newlines inside the numbers do not end a block of indefinite length."""
    reader = AnswerReader(Pieces([b"#0" + payload + b"\n"], sizes, marks_ends=False), b"\n")
    assert reader.read() == b"#0" + payload


@given(st.binary(min_size=1, max_size=200), st.booleans(), st.lists(st.integers(1, 50), min_size=1))
def test_garbage_is_one_kind_of_error(garbage, marks_ends, sizes):
    """Whatever comes is an answer, no proper answer, or not a whole one."""
    reader = AnswerReader(Pieces([garbage], sizes, marks_ends=marks_ends), b"\n", most=100)
    try:
        decode(reader.read(), dtype=F4)
    except (AnswerError, NoAnswerError):
        pass


@pytest.mark.parametrize("endless", [b"7" * 5000, b"#0" + b"\x00" * 5000, b"#45000" + b"\x00" * 5000])
@pytest.mark.parametrize("marks_ends", [False, True])
def test_an_endless_answer_is_not_collected(endless, marks_ends):
    """No more is read than an answer may have."""
    source = Pieces([endless], [64], marks_ends=marks_ends)
    with pytest.raises(AnswerError, match="allowed"):
        AnswerReader(source, b"\n", most=1000).read()
    assert source.read_some(1, to_terminator=False)[0]  # the rest was left alone


@given(finite)
def test_a_number_is_a_float(value):
    """A decimal number in any of its forms is that float."""
    meant = MEANT.get(value, value)
    for text in (repr(value), f"{value:+.17E}", f"  {value!r}\r"):
        assert decode(text.encode(), dtype=F4) == pytest.approx(meant, rel=1e-15, nan_ok=True)


@given(st.lists(finite, min_size=2, max_size=50))
def test_a_comma_list_is_an_array(values):
    """A list of numbers is an array of float64."""
    array = decode(", ".join(map(repr, values)).encode(), dtype=F4)
    assert isinstance(array, np.ndarray)
    assert array.dtype == np.float64
    assert np.array_equal(array, np.array([MEANT.get(value, value) for value in values]), equal_nan=True)


@given(st.sampled_from(DTYPES), st.lists(st.integers(0, 127), max_size=50), st.booleans())
def test_a_block_is_an_array(dtype, numbers, is_definite):
    """Blocks of both kinds hold numbers of the agreed type and byte order."""
    payload = np.array(numbers, dtype).tobytes()
    answer = definite(payload) if is_definite else b"#0" + payload
    array = decode(answer, dtype=block_dtype(dtype))
    assert isinstance(array, np.ndarray)
    assert array.dtype == np.float64
    assert array.tolist() == numbers


@pytest.mark.parametrize(
    ("answer", "meant"),
    [(b"9.91E37", math.nan), (b"9.9E+37", math.inf), (b"-9.9E37", -math.inf), (b"NAN", math.nan), (b"-INF", -math.inf)]
    + [(b"#HFF", 255.0), (b"#Q17", 15.0), (b"#B101", 5.0)],
)
def test_what_scpi_writes_otherwise(answer, meant):
    """SCPI's stand-ins for none and infinity and its numbers of other bases are understood."""
    assert decode(answer, dtype=F4) == pytest.approx(meant, nan_ok=True)


@pytest.mark.parametrize(
    "answer", [b"", b"1,,2", b"OK", b"1_000", b"1.2 V", b"fine", b"#HXY", b"#", b"\xff\x00", b"1;2"]
)
def test_what_is_no_number_is_refused(answer):
    """A stream of numbers takes nothing else for a number, and says what it got."""
    with pytest.raises(AnswerError, match="not a number"):
        decode(answer, dtype=F4)


@pytest.mark.parametrize("answer", [b"#18abc", b"#15abcdefg", b"#210aaaaaaaaa", b"#15abcde", b"#0abc"])
def test_a_broken_block_is_refused(answer):
    """A block with too few or too many bytes, or with parts of numbers, is no answer."""
    with pytest.raises(AnswerError, match="block"):
        decode(answer, dtype=F4)


def test_text_is_a_sample_when_wanted():
    """An instrument may be asked for a word; then numbers are numbers still."""
    assert decode(b" CV\r", dtype=F4, text=True) == "CV"
    assert decode(b"1.5", dtype=F4, text=True) == 1.5
    with pytest.raises(AnswerError, match="not text"):
        decode(b"\xff\xfe", dtype=F4, text=True)


@pytest.mark.parametrize("text", ["", "f3", "object", "c8", "M8", "<U4", "V8", "f2,f4"])
def test_an_unknown_block_format_is_refused(text):
    """Only integers and floats of up to 8 bytes are formats of a block."""
    with pytest.raises(ValueError, match="block format"):
        block_dtype(text)
