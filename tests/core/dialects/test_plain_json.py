"""What becomes JSON, and how numbers that JSON does not have get through it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockscope.core.dialects.payload import decode_payload, unquoted_numbers
from dockscope.core.dialects.plain_json import to_json

TEXTS = st.text() | st.sampled_from(['"NaN"', "NaN", "\\", '\\"NaN', '"', "Infinity", ": ", 'x"NaN', '"NaN":'])
VALUES = st.recursive(
    st.floats() | st.booleans() | st.none() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)
WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: float
    trace: np.ndarray


def with_numbers(value):
    """Replace texts that are the words by the numbers they stand for."""
    if isinstance(value, dict):
        return {key: with_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_numbers(item) for item in value]
    return WORDS.get(value, value) if isinstance(value, str) else value


def refuse(word):
    raise AssertionError(f"{word} is no JSON")


@given(VALUES, st.booleans())
def test_every_number_gets_through(value, compact):
    """It is JSON that any parser takes; read with its words as numbers it is the same again, other texts untouched."""
    text = to_json(value, words=True, compact=compact)
    json.loads(text, parse_constant=refuse)
    assert repr(decode_payload(unquoted_numbers(text.encode()))) == repr(with_numbers(value))


def test_what_programs_have_becomes_json():
    """NumPy, complex numbers, data classes, enumerations, times, bytes and sets have a form; a thing has none."""
    value = {
        "f4": np.float32(0.5),
        np.int64(3): np.bool_(True),
        "gaps": np.array([1.0, math.nan]),
        "iq": np.array([1 + 2j]),
        "point": Point(1.0, np.arange(2)),
        "colour": Colour.RED,
        "at": dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
        "raw": b"ab",
        "set": {3, 1},
    }
    assert json.loads(to_json(value, words=True)) == {
        "f4": 0.5,
        "3": True,
        "gaps": [1.0, "NaN"],
        "iq": [{"real": 1.0, "imag": 2.0}],
        "point": {"x": 1.0, "trace": [0, 1]},
        "colour": "red",
        "at": "2026-01-02T00:00:00Z",
        "raw": "YWI=",
        "set": [1, 3],
    }
    assert to_json([math.nan, -math.inf]) == "[null, null]"
    for thing in (object(), [math.nan, object()], {"a": {(1, 2): 3}}):
        with pytest.raises(TypeError):
            to_json(thing)
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested deeper"):
        to_json(endless)
