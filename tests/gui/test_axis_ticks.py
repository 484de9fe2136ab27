"""Ticks and texts of the waterfall's axes."""

import datetime as dt
import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockscope.gui.axis_ticks import (
    duration_text,
    frequency_text,
    frequency_ticks,
    linear_ticks,
    moment,
    time_text,
    time_ticks,
    value_text,
)

T0 = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC
DAY = dt.date(2023, 11, 14)


def test_frequencies_carry_si_units():
    """The unit follows the largest frequency, the digits follow the step."""
    ticks, unit = frequency_ticks(1.40e9, 1.44e9, 5)
    assert unit == "GHz"
    assert [tick.text for tick in ticks] == ["1.40", "1.41", "1.42", "1.43", "1.44"]
    ticks, unit = frequency_ticks(0.0, 20e3, 4)
    assert unit == "kHz"
    assert [tick.text for tick in ticks] == ["0", "5", "10", "15", "20"]
    assert frequency_text(1420.40575e6, 1e3) == "1.4204058 GHz"
    assert frequency_text(0.0, 10.0) == "0 Hz"


@given(
    low=st.floats(-1e300, 1e300),
    span=st.floats(1e-300, 1e300),
    count=st.integers(1, 30),
    factor=st.sampled_from([1, 1e6]),
)
def test_linear_ticks_are_bounded_and_inside(low, span, count, factor):
    """Whatever the range: few ticks, ascending, inside of it, with short texts."""
    ticks = linear_ticks(low, low + span, count, factor)
    assert len(ticks) <= 2 * count + 2
    values = [tick.value for tick in ticks]
    assert values == sorted(values)
    slack = span * 1e-6 + abs(low) * 1e-12
    assert all(low - slack <= value <= low + span + slack for value in values)
    assert all(len(tick.text) < 24 for tick in ticks)


def test_times_are_round_and_newest_first():
    """A minute in UTC has ticks at round seconds and no date on the day itself."""
    ticks = time_ticks(T0, T0 + 60, 5, utc=True, today=DAY)
    assert [tick.text for tick in ticks] == ["22:14:15", "22:14:00", "22:13:45", "22:13:30"]
    assert {tick.date for tick in ticks} == {""}


def test_dates_are_told_when_they_matter():
    """Another day than today is named at the newest tick, and each further day where it begins."""
    midnight = 1_700_006_400.0
    ticks = time_ticks(midnight - 3600, midnight + 3600, 4, utc=True, today=dt.date(2023, 11, 15))
    assert [(tick.text, tick.date) for tick in ticks] == [
        ("01:00", ""),
        ("00:30", ""),
        ("00:00", ""),
        ("23:30", "2023-11-14"),
        ("23:00", ""),
    ]
    assert time_ticks(T0, T0 + 60, 5, utc=True, today=dt.date(2026, 1, 1))[0].date == "2023-11-14"


def test_local_time_is_that_of_the_computer():
    """Local times are those of the system's zone."""
    expected = time.strftime("%H:%M:%S", time.localtime(T0))
    assert time_text(T0, 1.0, utc=False) == expected


@given(t=st.floats(-1e12, 1e12), span=st.floats(1e-3, 1e9))
def test_times_never_fail(t, span):
    """Any time and span gives a bounded number of ticks and a text."""
    assert len(time_ticks(t, t + span, 10, utc=True, today=DAY)) <= 30
    assert moment(t, utc=True).tzinfo is not None
    assert time_text(t, span, utc=True)


def test_short_steps_have_decimals():
    """Below a second the text has as many decimals as the step needs."""
    assert time_text(T0 + 0.25, 0.05, utc=True) == "22:13:20.25"
    assert time_text(T0 + 0.9996, 0.1, utc=True) == "22:13:21.0"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.05, "50 ms"), (8.05, "8.05 s"), (90.0, "1.5 min"), (7200.0, "2 h"), (172800.0, "2 d")]
)
def test_durations_in_words(seconds, text):
    """A span is told in its largest unit."""
    assert duration_text(seconds) == text


def test_special_values_have_a_text():
    """Infinities and NaN are named."""
    assert [value_text(value) for value in (1.5, math.inf, -math.inf, math.nan)] == ["1.5", "∞", "-∞", "NaN"]
