"""What becomes of a reading: metrics with their unit, spectra, and the rest."""

from __future__ import annotations

import enum
import math
from decimal import Decimal

import numpy as np
import pytest

from dockscope.core.messages import ProtocolError
from dockscope.devices.reading import take_apart
from dockscope.devices.reading_context import ReadingContext


class Mode(enum.Enum):
    ON = 1


def metrics(value, **context):
    found = take_apart(value, 10.0, ReadingContext("dmm", **context)).metrics
    return {name: (number, dict(labels).get("unit")) for labels, numbers in found for name, number in numbers.items()}


@pytest.mark.parametrize("value", [1.5, np.float32(1.5), np.array(1.5), Decimal("1.5")])
def test_any_number_is_a_metric(value):
    """Numbers of Python, NumPy and decimal are one metric under the given name, with its unit as label."""
    assert metrics(value, unit="V") == {"dmm": (1.5, "V")}


def test_a_dict_gives_a_metric_each():
    """What a dict holds is named after it, its units told by the device come before the unit of all."""
    reading = {"a": 1, "b": {"c": np.float64(2.5)}, "name": "x", "value": 4, "z": 1 + 2j}
    assert metrics(reading, unit="V", units={"a": "A"}) == {
        "dmm.a": (1, "A"),
        "dmm.b.c": (2.5, "V"),
        "dmm.value": (4, "V"),
        "dmm.z.re": (1.0, "V"),
        "dmm.z.im": (2.0, "V"),
    }


def test_nan_is_a_number():
    """Values that are not finite are data as any other."""
    assert math.isnan(metrics(math.nan)["dmm"][0])


def test_a_trace_with_known_frequencies_is_a_spectrum():
    """Its axis runs from the first to the last frequency, and logarithmic power becomes linear."""
    row = take_apart(np.array([0.0, -10.0, 10.0]), 5.0, ReadingContext("sa", "dBm", axis=(1e9, 2e9))).spectrum
    assert row is not None
    assert (row.f0, row.df, row.unit, row.t) == (1e9, 0.5e9, "mW", 5.0)
    np.testing.assert_allclose(row.power, [[1.0, 0.1, 10.0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("value", "rest"),
    [("ready", "ready"), ([Mode.ON], ["Mode.ON"]), (None, None), ({"a": [1.5, "b"]}, {"a": {"1": "b"}})],
)
def test_the_rest_is_data(value, rest):
    """Texts and what drivers have of their own are no metrics, and nothing of them is lost."""
    reading = take_apart(value, 5.0, ReadingContext("x"))
    assert (reading.spectrum, reading.rest) == (None, rest)


@pytest.mark.parametrize("array", [np.arange(4.0), np.zeros((2, 3), "f4"), np.array([1, 2])])
def test_an_array_without_axis_is_data(array):
    """Where frequencies are not known, or there is more than one dimension, an array is shown as it is."""
    reading = take_apart(array, 5.0, ReadingContext("x", axis=None if array.ndim == 1 else (1.0, 2.0)))
    assert (reading.metrics, reading.spectrum) == ((), None)
    np.testing.assert_array_equal(reading.rest, array)


def test_a_reading_without_end_is_refused():
    """A value that is nested too deep is refused instead of recursed into."""
    value: list = []
    value.append(value)
    with pytest.raises(ProtocolError, match="nested"):
        take_apart(value, 5.0, ReadingContext("x"))
