"""What a row of pixels shows of a curve, against the plain computation over all samples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockscope.core.curve import Curve
from dockscope.core.reduce import column_edges

VALUES = st.one_of(st.floats(-100, 100, width=32), st.sampled_from([math.nan, math.inf, -math.inf, 0.0]))


def brute(x, y, lo, hi, pixels):
    """Minimum and maximum of each pixel column, straight from the definition."""
    edges = column_edges(lo, hi, pixels)
    inside = (x >= lo) & (x <= hi)
    columns = np.minimum(np.searchsorted(edges, x[inside], side="right") - 1, pixels - 1)
    low, high = np.full(pixels, np.nan), np.full(pixels, np.nan)
    np.fmin.at(low, columns, y[inside])
    np.fmax.at(high, columns, y[inside])
    return low, high


def columns_of(reduced, lo, hi, pixels):
    """Minimum and maximum of each pixel column of a reduction, whatever order its entries have."""
    return (
        brute(reduced.x, reduced.low, lo, hi, pixels)[0],
        brute(reduced.x, reduced.high, lo, hi, pixels)[1],
    )


def check(curve, x_name, lo, hi, pixels, run=None):
    x, y = curve.column(x_name), curve.column("value")
    start, stop = run or (0, len(curve))
    reduced = curve.reduce(x_name, lo, hi, pixels, run=run)
    for got, wanted in zip(
        columns_of(reduced, lo, hi, pixels), brute(x[start:stop], y[start:stop], lo, hi, pixels), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)
    return reduced


def fill(curve, t, value, pieces, step=None):
    names = () if step is None else ("step",)
    curve.add_fields(names)
    for a, b in zip([0, *pieces], [*pieces, len(t)], strict=True):
        curve.append(t[a:b], value[a:b], names, [] if step is None else [step[a:b]])


def make(t, value, pieces=(), step=None):
    curve = Curve("p", "m", ())
    fill(curve, np.asarray(t, float), np.asarray(value, float), pieces, step)
    return curve


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_every_pixel_column_of_a_rising_axis_is_exact(data):
    """Repeated stamps, NaN and infinite values, any window, any batches: the columns equal brute force."""
    number = data.draw(st.sampled_from([1, 5, 64, 130, 700, 5000, 9000]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    spread = data.draw(st.sampled_from([0.0, 1.0, 30.0]))
    t = np.cumsum(rng.exponential(1.0, number) ** spread) if spread else np.sort(rng.integers(0, 40, number)) * 1.0
    value = rng.normal(size=number)
    special = data.draw(st.lists(st.tuples(st.integers(0, number - 1), VALUES), max_size=20))
    for position, odd in special:
        value[position : position + data.draw(st.integers(1, 200))] = odd
    pieces = sorted(set(data.draw(st.lists(st.integers(1, number), max_size=5))))
    curve = make(t, value, pieces)
    a, b = data.draw(st.floats(-0.1, 1.1)), data.draw(st.floats(-0.1, 1.1))
    lo, hi = sorted((t[0] + (t[-1] - t[0]) * a, t[0] + (t[-1] - t[0]) * b))
    pixels = data.draw(st.sampled_from([1, 2, 7, 100, 500]))
    if hi > lo:
        check(curve, "t", lo, hi, pixels)


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_every_pixel_column_of_an_axis_that_falls_is_exact(data):
    """Stamps out of order, NaN on the axis, few or many falls: the columns equal brute force."""
    number = data.draw(st.sampled_from([3, 300, 3000]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    step = np.arange(number) * 1.0
    for _ in range(data.draw(st.integers(0, 100))):
        step[rng.integers(number) :] -= rng.integers(0, number)
    if data.draw(st.booleans()):
        step[rng.integers(number, size=2)] = np.nan
    curve = make(np.arange(number), rng.normal(size=number), [], step)
    finite = step[np.isfinite(step)]
    lo, hi = sorted(rng.uniform(finite.min() - 1, finite.max() + 1, 2))
    check(curve, "step", lo, hi, data.draw(st.sampled_from([1, 13, 200])))


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), thinnings=st.integers(1, 4), more=st.integers(0, 5000))
def test_columns_stay_exact_after_thinning_and_more_samples(seed, thinnings, more):
    """The levels follow when old samples are thinned and new ones arrive."""
    rng = np.random.default_rng(seed)
    curve = make(np.arange(20_000), rng.normal(size=20_000), [1000])
    time = 20_000
    for _ in range(thinnings):
        assert curve.thin(256)
        curve.append(time + np.arange(more), rng.normal(size=more), (), [])
        time += more
        check(curve, "t", 0, time, 37)
        check(curve, "t", time * 0.3, time * 0.8, 100)


@settings(deadline=None, max_examples=80)
@given(data=st.data())
def test_columns_stay_exact_whatever_happens_to_the_curve(data):
    """Appended, inserted late, thinned once or again, in any order: the columns equal those of the samples there are.

    Those samples are real ones: nothing drawn lies beyond what arrived, the first sample and the extremes stay.
    """
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    curve, sent, clock = Curve("p", "m", ()), [np.empty((2, 0))], 0.0
    for what in data.draw(st.lists(st.sampled_from(["append", "insert", "thin", "again", "look"]), max_size=12)):
        number = data.draw(st.integers(1, 3000))
        if what == "append":
            t = clock + np.sort(rng.integers(0, number, number)) * 1.0
            clock = t[-1]
            value = odd_values(rng, number)
            sent.append(np.stack([t, value]))
            curve.append(t, value, (), [])
        elif what == "insert" and len(curve):
            t = rng.integers(0, int(clock) + 1, number // 10 + 1) * 1.0
            value = odd_values(rng, len(t))
            sent.append(np.stack([t, value]))
            curve.insert(t, value, (), [])
        elif what == "thin":
            curve.thin(data.draw(st.sampled_from([16, 64, 1024])))
        elif what == "again":
            curve.thin_again()
        else:
            check(curve, "t", 0, clock + 1, 50)
    if len(curve):
        lo, hi = sorted(rng.uniform(-1, clock + 2, 2))
        check(curve, "t", lo, hi, data.draw(st.sampled_from([1, 3, 64, 700])))
        every = np.concatenate(sent, axis=1)
        there = set(zip(curve.column("t").tolist(), curve.column("value").view(np.int64).tolist(), strict=True))
        assert there <= set(zip(every[0].tolist(), every[1].view(np.int64).tolist(), strict=True))
        assert curve.column("t")[0] == every[0].min()
        np.testing.assert_array_equal(np.fmin.reduce(curve.column("value")), np.fmin.reduce(every[1]))
        np.testing.assert_array_equal(np.fmax.reduce(curve.column("value")), np.fmax.reduce(every[1]))


def odd_values(rng, number):
    """Normal values with a few that are not numbers or infinite."""
    value = rng.normal(size=number)
    for odd in (math.nan, math.inf, -math.inf):
        value[rng.integers(0, number, rng.integers(0, 3))] = odd
    return value


def test_an_axis_that_starts_again_stays_exact_after_thinning():
    """Where a step axis falls is known after thinning too, also when it was looked at long before."""
    rng = np.random.default_rng(3)
    curve = make([0.0], [0.0], [], np.zeros(1))
    for k in range(8):
        curve.start_run()
        curve.append(k * 3000 + np.arange(3000.0), rng.normal(size=3000), ("step",), [np.arange(3000.0)])
        if k % 3 == 0:
            check(curve, "step", 0, 3000, 50)
        if k % 3 == 2:
            assert curve.thin(256)
            check(curve, "step", 0, 3000, 50)
    assert len(curve.runs) <= 9


def test_raw_samples_when_there_are_few():
    """Up to two samples a pixel come as they are, with a neighbour on each side so that the line goes on."""
    curve = make(np.arange(100), np.arange(100) * 2)
    reduced = curve.reduce("t", 9.5, 20.5, 100)
    assert reduced.raw
    assert reduced.x.tolist() == list(range(9, 22))
    assert reduced.low.tolist() == reduced.last.tolist() == [2.0 * x for x in range(9, 22)]


def test_a_window_between_two_samples_shows_the_line_that_crosses_it():
    """Zoomed in between two samples, both ends of the line are there; beyond the data there is nothing."""
    curve = make([0, 10], [1, 2])
    assert curve.reduce("t", 4, 5, 100).x.tolist() == [0, 10]
    assert len(curve.reduce("t", 20, 30, 100)) == 0


def test_the_line_is_broken_at_a_new_run_raw_and_reduced():
    """An entry without a value stands between two runs at any zoom."""
    curve = make(np.arange(1000), np.ones(1000))
    curve.start_run()
    curve.append(np.arange(1000, 2000), np.ones(1000), (), [])
    assert curve.breaks.tolist() == curve.run_of.tolist() == [1000]
    assert curve.runs == [(0, 1000), (1000, 2000)]
    for lo, hi in ((0, 2000), (990, 1010)):
        reduced = curve.reduce("t", lo, hi, 20)
        gaps = np.flatnonzero(np.isnan(reduced.low))
        assert len(gaps) == 1
        assert reduced.x[gaps[0] - 1] < 1000 <= reduced.x[gaps[0] + 1]


def test_one_run_can_be_reduced_by_itself():
    """On a step axis that starts again, the old run can be drawn apart from the new one."""
    step = np.arange(5000) * 1.0
    curve = make(np.arange(5000), np.zeros(5000), [], step)
    curve.start_run()
    curve.append(np.arange(5000, 9000), np.ones(4000), ("step",), [step[:4000]])
    old, new = curve.runs
    assert np.nanmax(check(curve, "step", 0, 5000, 50, run=old).high) == 0
    assert np.nanmin(check(curve, "step", 0, 5000, 50, run=new).low) == 1
    both = check(curve, "step", 0, 5000, 50)
    assert np.isnan(both.low).sum() == 1


def test_first_and_last_values_join_the_columns():
    """The first and last entry of a column are its outer samples, so neighbours can be joined as a line."""
    curve = make(np.arange(1000), np.arange(1000))
    reduced = curve.reduce("t", 0, 999, 10)
    inner = slice(0, 10)
    assert not reduced.raw
    assert (reduced.first[1:] == reduced.last[:-1] + 1)[inner].all()


@pytest.mark.parametrize(("lo", "hi", "pixels"), [(1, 1, 10), (2, 1, 10), (0, 5, 0), (math.nan, 5, 10)])
def test_a_window_without_width_is_empty(lo, hi, pixels):
    """A degenerate window gives nothing instead of an error."""
    assert len(make(np.arange(9), np.arange(9)).reduce("t", lo, hi, pixels)) == 0


def test_windows_extents_and_nearest_samples():
    """A window is a slice on a rising axis and positions otherwise; the crosshair finds the nearest sample."""
    curve = make([0, 1, 1, 3, 9], [5, 6, 7, 8, 9], [], np.array([0, 5, 2, math.nan, 4.0]))
    assert curve.window("t", 1, 3) == slice(1, 4)
    positions = curve.window("step", 2, 5)
    assert isinstance(positions, np.ndarray)
    assert positions.tolist() == [1, 2, 4]
    assert curve.extent("t") == (0, 9)
    assert curve.extent("step") == (0, 5)
    assert curve.nearest("t", 0.9) == 2
    assert curve.nearest("step", 3.9) == 4
    assert curve.nearest("step", 100) == 1
    assert make([], []).nearest("t", 1) is None
    assert make([], []).extent("t") is None


def test_infinite_stamps_do_not_spoil_the_window():
    """A sample at infinity has no place in a window and draws no line to it."""
    curve = make([0, 1, 2, math.inf], [1, 2, 3, 4])
    assert curve.reduce("t", 0, 2, 50).x.tolist() == [0, 1, 2]
    assert curve.extent("t") == (0, 2)


def test_the_work_does_not_grow_with_the_history():
    """Two million samples are reduced from a bounded number of entries: extremes deep inside are found."""
    number = 2_000_000
    value = np.zeros(number)
    value[1_234_567], value[777_777] = 9, -9
    curve = make(np.arange(number), value)
    reduced = check(curve, "t", 0, number, 800)
    assert (np.nanmin(reduced.low), np.nanmax(reduced.high)) == (-9, 9)
    assert len(reduced) <= 800
