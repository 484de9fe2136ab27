"""Metric batches become curves: nothing lost, nothing twice, memory bounded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockscope.core.messages import MetricBatch, ProtocolError, SeriesDefinition, SeriesDefinitions
from dockscope.core.series import SeriesStore


def definitions(*rows):
    return SeriesDefinitions(tuple(SeriesDefinition(*row) for row in rows))


def batch(*entries, span=None):
    """A batch of (id, first, times, values, field columns) entries."""
    ids, firsts, times, values, fields = zip(*entries, strict=True)
    return MetricBatch(
        series=np.array(ids, "u4"),
        first=np.array(firsts, "u8"),
        count=np.array([len(t) for t in times], "u4"),
        t=np.concatenate([np.asarray(t, float) for t in times]),
        value=np.concatenate([np.asarray(v, float) for v in values]),
        fields=np.concatenate([np.asarray(column, float) for columns in fields for column in columns] or [[]]),
        span=None if span is None else np.array(span, "u4"),
    )


def numbered(first, stop, series=1):
    """Samples whose time and value are their number."""
    numbers = np.arange(first, stop, dtype=float)
    return batch((series, first, numbers, numbers, []))


def one_curve(*batches):
    store = SeriesStore()
    store.define("p", definitions((1, "m")))
    for message in batches:
        store.append("p", message)
    return store.of_name("m")[0]


def test_samples_and_fields_land_in_their_curves():
    """Each series of a batch goes to the curve of its name and labels, with its own fields."""
    store = SeriesStore()
    val = (("phase", "validation"),)
    store.define("p", definitions((1, "loss", (), ("step", "epoch")), (2, "loss", val, ()), (3, "lr", (), ("step",))))
    for start in (1, 4):
        t = np.arange(start, start + 3) * 1.0
        names = store.append(
            "p", batch((1, start, t, t * 2, [t * 10, t * 0]), (2, start, t, -t, []), (3, start, t, t, [t * 5]))
        )
        assert names == {"loss", "lr"}
    train, validation = store.of_name("loss")
    assert (train.labels, validation.labels) == ((), val)
    assert (train.color_index, validation.color_index) == (0, 1)
    assert train.column("step").tolist() == [10, 20, 30, 40, 50, 60]
    assert train.column("epoch").tolist() == [0] * 6
    assert validation.column("value").tolist() == [-1, -2, -3, -4, -5, -6]
    assert store.of_name("lr")[0].column("step").tolist() == [5, 10, 15, 20, 25, 30]
    assert store.names() == ["loss", "lr"]
    assert store.fields_of("loss") == ["step", "epoch"]
    assert train.latest() == (6, 12)
    assert validation.has("t")
    assert not validation.has("step")


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_any_partition_into_batches_gives_the_same_curves(data):
    """Series of equal or unequal counts, in one batch or many, read in between or not: the same samples."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    width = data.draw(st.integers(0, 2))
    store = SeriesStore()
    fields = ("a", "b")[:width]
    store.define("p", definitions(*((k, f"m{k % 2}", (("k", str(k)),), fields) for k in range(5))))
    sent = {k: np.empty((2 + width, 0)) for k in range(5)}
    for _ in range(data.draw(st.integers(1, 6))):
        even = data.draw(st.booleans())
        entries = []
        for k in range(5) if even else sorted(rng.choice(5, data.draw(st.integers(1, 5)), replace=False)):
            samples = rng.normal(size=(2 + width, 3 if even else rng.integers(0, 6)))
            entries.append((k, sent[k].shape[1] + 1, samples[0], samples[1], samples[2:]))
            sent[k] = np.concatenate([sent[k], samples], axis=1)
        store.append("p", batch(*entries))
        if data.draw(st.booleans()):
            store.names()
    for k, curve in ((int(curve.labels[0][1]), curve) for curve in store.curves.values()):
        for row, name in enumerate(("t", "value", *fields)):
            np.testing.assert_array_equal(curve.column(name), sent[k][row])
        assert curve.lost == 0
        assert len(curve.breaks) == 0


def test_the_same_series_twice_in_one_batch_keeps_its_order():
    """An id may occur several times in a batch."""
    store = SeriesStore()
    store.define("p", definitions((1, "m"), (2, "n")))
    store.append("p", batch((1, 1, [1, 2], [1, 2], []), (2, 1, [9], [9], []), (1, 3, [3], [3], [])))
    assert store.of_name("m")[0].column("t").tolist() == [1, 2, 3]


def test_another_definition_with_other_fields_is_the_same_curve():
    """Name and labels are the curve; its fields are the union, NaN where a sample has none."""
    store = SeriesStore()
    store.define("p", definitions((1, "m", (), ("a",)), (2, "m", (), ("b", "a"))))
    store.append("p", batch((1, 1, [1], [1], [[7]])))
    store.append("p", batch((2, 1, [2], [2], [[8], [9]])))
    store.append("p", batch((1, 2, [3], [3], [[10]])))
    (curve,) = store.of_name("m")
    np.testing.assert_array_equal(curve.column("a"), [7, 9, 10])
    np.testing.assert_array_equal(curve.column("b"), [np.nan, 8, np.nan])
    assert curve.lost == 0


def test_fields_named_like_columns_do_not_hide_them():
    """A field "t" or "value" gets another name; time and value stay what they are."""
    store = SeriesStore()
    store.define("p", definitions((1, "m", (), ("t", "value"))))
    store.append("p", batch((1, 1, [1], [2], [[3], [4]])))
    (curve,) = store.of_name("m")
    assert curve.column("t").tolist() == [1]
    assert curve.column("value").tolist() == [2]
    assert curve.column(curve.fields[0]).tolist() == [3]


def test_a_gap_is_counted_and_breaks_the_line():
    """What is missing between two numbers is lost, and nothing is drawn across it."""
    curve = one_curve(numbered(100, 103), numbered(103, 105), numbered(110, 112))
    assert curve.lost == 5
    assert curve.breaks.tolist() == [5]
    assert len(curve.run_of) == 0


def test_duplicates_are_never_shown_twice():
    """What was here before is left out, wholly or in part."""
    curve = one_curve(numbered(1, 10), numbered(1, 10), numbered(5, 15))
    assert curve.column("t").tolist() == list(range(1, 15))
    assert curve.lost == 0


def test_refilled_history_closes_the_gap():
    """Samples that arrive after all are put in their place, are no longer lost, and the line is whole again."""
    curve = one_curve(numbered(1, 5), numbered(20, 25))
    assert curve.lost == 15
    store = SeriesStore()
    store.define("p", definitions((1, "m")))
    for message in (numbered(1, 5), numbered(20, 25), numbered(3, 12), numbered(1, 22), numbered(25, 27)):
        store.append("p", message)
    (curve,) = store.of_name("m")
    assert curve.column("value").tolist() == list(range(1, 27))
    assert curve.lost == 0
    assert len(curve.breaks) == 0


def test_a_partly_refilled_gap_stays_a_gap():
    """The line stays broken on the side where something is still missing."""
    curve = one_curve(numbered(1, 5), numbered(20, 25), numbered(8, 12))
    assert curve.column("value").tolist() == [*range(1, 5), *range(8, 12), *range(20, 25)]
    assert curve.lost == 11
    assert curve.breaks.tolist() == [4, 8]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(50, 120), st.integers(1, 12)), min_size=1, max_size=25))
def test_whatever_arrives_each_sample_is_there_once(stretches):
    """Gaps, repeats and late samples in any order: each sample once, in order, and exactly the missing ones lost."""
    begin = stretches[0][0]
    seen = {n for first, span in stretches for n in range(first, first + span) if n >= begin}
    curve = one_curve(*(numbered(first, first + span) for first, span in stretches))
    assert curve.column("value").tolist() == sorted(seen)
    assert curve.lost == max(seen) + 1 - begin - len(seen)
    ordered = np.array(sorted(seen))
    assert curve.breaks.tolist() == (np.flatnonzero(np.diff(ordered) != 1) + 1).tolist()


def test_thinned_history_is_not_loss():
    """A span larger than its count covers its numbers; what overlaps is shown once."""
    store = SeriesStore()
    store.define("p", definitions((1, "m")))
    store.append("p", batch((1, 1, [1, 5, 9], [1, 5, 9], []), span=[10]))
    store.append("p", numbered(11, 13))
    store.append("p", batch((1, 1, [1, 9, 12, 15], [1, 9, 12, 15], []), span=[16]))
    store.append("p", numbered(17, 18))
    (curve,) = store.of_name("m")
    assert curve.column("t").tolist() == [1, 5, 9, 11, 12, 15, 17]
    assert curve.lost == 0


def test_thinned_history_fills_a_gap():
    """After a loss, thinned samples in the gap are added once and the gap counts as filled."""
    store = SeriesStore()
    store.define("p", definitions((1, "m")))
    store.append("p", numbered(1, 4))
    store.append("p", numbered(20, 23))
    store.append("p", batch((1, 1, [1, 6, 12, 21], [1, 6, 12, 21], []), span=[22]))
    (curve,) = store.of_name("m")
    assert curve.column("t").tolist() == [1, 2, 3, 6, 12, 20, 21, 22]
    assert curve.lost == 0
    assert len(curve.breaks) == 0


def test_a_source_without_numbers_is_taken_as_it_is():
    """Numbers 0 mean that nothing is counted."""
    curve = one_curve(batch((1, 0, [1, 2], [1, 2], [])), batch((1, 0, [1, 2], [1, 2], [])))
    assert curve.column("t").tolist() == [1, 2, 1, 2]
    assert curve.lost == 0


def test_a_new_run_goes_on_with_the_same_curve():
    """After a restart the ids mean something else; curves of equal name and labels go on, the line is broken."""
    store = SeriesStore()
    store.define("p", definitions((1, "m"), (2, "n")))
    store.append("p", batch((1, 1, [1, 2], [1, 2], []), (2, 1, [1], [1], [])))
    before = store.of_name("m")[0]
    store.new_run("p")
    store.define("p", definitions((1, "n"), (2, "m")))
    store.append("p", batch((2, 1, [3, 4], [3, 4], [])))
    (curve,) = store.of_name("m")
    assert curve is before
    assert curve.column("t").tolist() == [1, 2, 3, 4]
    assert curve.breaks.tolist() == curve.run_of.tolist() == [2]
    assert curve.lost == 0
    assert store.next_numbers("p") == [[2, 3]]


def test_colours_are_stable_per_name():
    """The colour of a curve is its place among those of its name; it survives clearing, and forgetting frees it."""
    store = SeriesStore()
    for producer in ("a", "b", "c"):
        store.define(producer, definitions((1, "m"), (2, "other")))
        store.append(producer, numbered(1, 3))
        store.append(producer, numbered(1, 3, series=2))
    assert [curve.color_index for curve in store.of_name("m")] == [0, 1, 2]
    store.clear()
    assert store.names() == []
    store.append("c", numbered(3, 5))
    assert [curve.color_index for curve in store.of_name("m")] == [2]
    store.forget("b")
    store.define("d", definitions((1, "m")))
    store.append("d", numbered(1, 3))
    assert [curve.color_index for curve in store.of_name("m")] == [2, 1]


def test_clearing_keeps_the_numbers():
    """After "clear data" the live samples go on without counting as lost."""
    store = SeriesStore()
    store.define("p", definitions((1, "m")))
    store.append("p", numbered(1, 100))
    store.clear("m")
    assert store.of_name("m") == []
    store.append("p", numbered(100, 110))
    (curve,) = store.of_name("m")
    assert curve.column("t").tolist() == list(range(100, 110))
    assert curve.lost == 0


def test_bounds_on_what_others_may_define():
    """Too many curves, too long names and too many fields are refused in a sentence; the rest goes on."""
    store = SeriesStore(max_curves=2)
    with pytest.raises(ProtocolError, match="more than 2 curves"):
        store.define("p", definitions((1, "a"), (2, "b"), (3, "c"), (4, "d")))
    with pytest.raises(ProtocolError, match="longer than 256"):
        store.define("p", definitions((5, "x" * 10_000)))
    with pytest.raises(ProtocolError, match="fields"):
        store.define("p", definitions((6, "a", (), tuple(f"f{k}" for k in range(100)))))
    names = store.append("p", batch((1, 1, [1], [1], []), (3, 1, [1], [1], []), (2, 1, [1], [1], [])))
    assert names == {"a", "b"}
    assert store.names() == ["a", "b"]


@pytest.mark.parametrize(
    "message",
    [
        batch((9, 1, [1], [1], [])),
        batch((1, 1, [1], [1], [[1], [2]])),
        batch((1, 1, [1, 2], [1], [])),
        batch((1, 2**60, [1], [1], [])),
        batch((1, 1, [1, 2], [1, 2], []), span=[1]),
    ],
)
def test_batches_that_do_not_fit_are_refused(message):
    """Unknown series, columns of wrong length, absurd numbers: refused, and the store goes on."""
    store = SeriesStore()
    store.define("p", definitions((1, "m")))
    with pytest.raises(ProtocolError):
        store.append("p", message)
    store.append("p", numbered(1, 3))
    assert len(store.of_name("m")[0]) == 2


def shrink(store, nbytes):
    """Free so many bytes, in as many slices as it takes, or all that can be freed."""
    start = store.nbytes
    while store.nbytes > start - nbytes and store.shrink(start - nbytes):
        pass


def raw_from(curve, number):
    """The time from which on a curve with samples at 0, 1, 2, … ``number`` - 1 still has each of them."""
    gaps = np.flatnonzero(np.diff(curve.column("t")) != 1)
    return curve.column("t")[gaps[-1] + 1] if len(gaps) else 0


def test_shrinking_keeps_the_shape():
    """Old samples of a long curve go; its extremes, its end and short curves stay."""
    store = SeriesStore()
    store.define("p", definitions((1, "big"), (2, "small")))
    number = 50_000
    value = np.random.default_rng(1).normal(size=number)
    value[1234], value[777] = 99, -99
    t = np.arange(number) * 1.0
    store.append("p", batch((1, 1, t, value, []), (2, 1, t[:500], value[:500], [])))
    store.settle()
    before = store.nbytes
    shrink(store, before // 3)
    big, small = store.of_name("big")[0], store.of_name("small")[0]
    assert store.nbytes <= before - before // 3
    assert store.nbytes >= sum(curve.nbytes for curve in (big, small))
    assert len(small) == 500
    assert (big.column("value").min(), big.column("value").max()) == (-99, 99)
    assert big.column("t")[0] == 0
    assert big.latest() == (number - 1, value[-1])
    np.testing.assert_array_equal(big.column("value")[-10_000:], value[-10_000:])
    assert (np.diff(big.column("t")) > 0).all()


def test_the_oldest_raw_samples_of_all_curves_go_first():
    """Curves that began at other times keep raw samples from about the same time on, whatever their length."""
    store = SeriesStore()
    store.define("p", definitions(*((k, f"m{k}") for k in range(4))))
    number, late = 100_000, 60_000
    t = np.arange(number) * 1.0
    store.append("p", batch(*((k, 1, t[(k % 2) * late :], t[(k % 2) * late :], []) for k in range(4))))
    store.settle()
    shrink(store, store.nbytes // 5)
    old, new = [[store.of_name(f"m{k}")[0] for k in group] for group in ((0, 2), (1, 3))]
    assert all(len(curve) == number - late for curve in new), "younger samples than any that went"
    horizons = [raw_from(curve, number) for curve in old]
    assert min(horizons) > 0
    assert max(horizons) - min(horizons) < number / 4
    shrink(store, store.nbytes // 2)
    horizons = [raw_from(curve, number) for curve in (*old, *new)]
    assert min(horizons) > late
    assert max(horizons) - min(horizons) < number / 4
    assert [curve.column("t")[0] for curve in (*old, *new)] == [0, 0, late, late]


def test_thinning_keeps_runs_and_gaps():
    """Breaks stay where they are on the time axis when samples around them are thinned."""
    store = SeriesStore()
    store.define("p", definitions((1, "m")))
    store.append("p", numbered(1, 1001))
    store.append("p", numbered(2001, 3001))
    store.new_run("p")
    store.define("p", definitions((1, "m")))
    store.append("p", batch((1, 1, np.arange(5000) + 4000, np.zeros(5000), [])))
    (curve,) = store.of_name("m")
    for _ in range(3):
        curve.thin(256)
    t = curve.column("t")
    assert len(t) < 5000
    assert [t[p] >= limit > t[p - 1] for p, limit in zip(curve.breaks, (2001, 4000), strict=True)] == [True, True]
    assert curve.run_of.tolist() == [curve.breaks[1]]


def test_a_gap_of_nan_survives_thinning():
    """A stretch without values is still a gap afterwards."""
    value = np.ones(4000)
    value[500:700] = np.nan
    curve = one_curve(batch((1, 1, np.arange(4000), value, [])))
    curve.thin(256)
    assert np.isnan(curve.reduce("t", 520, 680, 4).low).all()


def test_memory_is_bounded_however_much_arrives():
    """With shrinking, ten times the budget goes through and the store stays below it, the whole time span shown."""
    store = SeriesStore()
    store.define("p", definitions(*((k, "m", (("k", str(k)),), ("step",)) for k in range(10))))
    budget, number = 4_000_000, 2000
    for start in range(1, 60 * number, number):
        t = np.arange(start, start + number) * 1.0
        store.append("p", batch(*((k, start, t, np.sin(t), [t]) for k in range(10))))
        if store.nbytes > budget:
            shrink(store, store.nbytes - budget + budget // 20)
            assert store.nbytes <= budget
    for curve in store.of_name("m"):
        assert curve.column("t")[0] < 20
        assert np.diff(curve.column("t")).max() < 1000, "no part of the history has faded away"
        assert curve.column("t")[-1] == 60 * number
        assert curve.lost == 0


def test_totals_by_metric_name():
    """Received and lost samples add up over the curves of a name."""
    store = SeriesStore()
    store.define("p", definitions((1, "m", (("k", "a"),)), (2, "m", (("k", "b"),)), (3, "n")))
    store.append("p", batch((1, 1, [1, 2], [1, 2], []), (2, 1, [1], [1], []), (3, 1, [1], [1], [])))
    store.append("p", batch((1, 5, [5], [5], []), (2, 3, [3], [3], [])))
    assert store.totals("p") == {"m": (5, 3), "n": (1, 0)}
    assert store.totals("nobody") == {}
