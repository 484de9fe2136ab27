"""Percentiles of the last durations."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from dockscope.core.durations import Durations

LENGTHS = st.lists(st.floats(0.0, 1e3), min_size=1, max_size=60)


def test_nothing_has_no_spread():
    """Before the first duration there is nothing to tell."""
    assert Durations().spread() is None


@given(LENGTHS, st.integers(1, 20))
def test_percentiles_are_the_nearest_ranks_of_what_is_kept(lengths, kept):
    """Last, median, 99th percentile and longest are those of the last ``kept`` durations; the sum is of all."""
    durations = Durations(kept)
    for length in lengths:
        durations.add(length)
    recent = sorted(lengths[-kept:])
    spread = durations.spread()
    assert spread is not None
    assert spread.last_s == lengths[-1]
    assert spread.p50_s == recent[math.ceil(0.5 * len(recent)) - 1]
    assert spread.p99_s == recent[math.ceil(0.99 * len(recent)) - 1]
    assert spread.max_s == recent[-1]
    assert durations.count == len(lengths)
    assert math.isclose(durations.total_s, sum(lengths), abs_tol=1e-9)
