"""Exact loss and rates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockscope.core.accounting import Numbering, RateMeter


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 10)), max_size=40))
def test_numbering_equals_a_set_of_seen_numbers(stretches):
    """Whatever arrives in whatever order: new is what was not seen, lost is what is missing in between."""
    numbering, seen, begin = Numbering(), set(), None
    for first, span in stretches:
        begin = first if begin is None else begin
        numbers = set(range(max(first, begin), first + span))  # before the first ever seen nothing is counted
        fresh = {n for a, b in numbering.take(first, span) for n in range(a, b)}
        assert fresh == numbers - seen
        seen |= numbers
        assert numbering.next_number == max(seen) + 1
        assert numbering.lost == len(set(range(begin, max(seen))) - seen)


def test_counting_starts_at_the_first_number():
    """A viewer that comes late has lost nothing of what was before it."""
    numbering = Numbering()
    assert numbering.take(1000) == [(1000, 1001)]
    assert numbering.lost == 0


def test_a_flood_of_gaps_costs_bounded_memory():
    """Old gaps can no longer be filled, but they stay counted."""
    numbering = Numbering()
    for n in range(1, 20_001, 2):
        numbering.take(n)
    assert numbering.lost == 9999
    assert len(numbering.missing()) <= 1024
    assert numbering.take(2) == []
    assert numbering.lost == 9999


def test_rates_follow_the_last_two_seconds():
    """A steady stream shows its rate, a stream that ended shows none."""
    meter = RateMeter()
    for tick in range(1000):
        meter.add(5, 100 + tick * 0.01)
    assert meter.per_second(110) == pytest.approx(500, rel=0.02)
    assert meter.per_second(111) == pytest.approx(250, rel=0.3)
    assert meter.per_second(115) == 0


def test_a_clock_that_jumps_does_not_break_a_rate():
    """A clock set back or ahead starts the window anew."""
    meter = RateMeter()
    meter.add(10, 100.0)
    meter.add(10, 50.0)
    assert 0 < meter.per_second(50.5) <= 20
    assert meter.per_second(10.0) == 0
