"""Running mean and maximum hold, compared with the plain computation."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dockscope.core.messages import Spectrum
from dockscope.core.spectra import SpectrumStore
from dockscope.gui.spectrum_curves import RunningMean, SpectrumCurves


@given(
    ranges=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=12),
    holes=st.sets(st.integers(0, 39)),
)
def test_running_mean_is_the_mean_of_the_rows_asked(ranges, holes):
    """However the range moves, the mean is that of its rows; values that are not finite do not count."""
    power = np.random.default_rng(3).normal(size=(40, 5)).astype("f4")
    for row in holes:
        power[row, row % 5] = (math.nan, math.inf, -math.inf)[row % 3]
    mean = RunningMean(5)
    for a, b in ranges:
        start, stop = min(a, b), max(a, b)
        assert mean.move(power, 0, start, stop, math.inf)
        rows = np.where(np.isfinite(power[start:stop]), power[start:stop], np.nan)
        expected = [row[~np.isnan(row)].mean() if (~np.isnan(row)).any() else math.nan for row in rows.T]
        np.testing.assert_allclose(mean.mean(), expected, atol=1e-5)


def test_work_is_done_in_steps():
    """A long range is taken in step by step when the deadline has passed, and is complete in the end."""
    power = np.ones((4000, 2000), dtype="f4")
    mean = RunningMean(2000)
    steps = 1
    while not mean.move(power, 0, 0, 4000, -math.inf):
        steps += 1
    assert steps > 3
    assert mean.mean()[0] == 1.0


def values(found):
    assert found is not None
    return found.tolist()


def append(store, t, value, nchan=4):
    power = np.full((1, nchan), value, dtype="f4")
    store.append("p", "s", Spectrum(power=power, t=t, f0=0.0, df=1.0, polarizations=("XX",)))


def test_hold_and_current_survive_late_and_dropped_rows():
    """Maximum hold remembers rows that were dropped, and takes in a row that came late; current is the last to come."""
    store = SpectrumStore(max_bytes=4096 + 3000)
    for i in range(10):
        append(store, float(i), 100.0 if i == 0 else 1.0)
    waterfall = store.waterfalls["p", "s"]
    curves = SpectrumCurves(waterfall, waterfall.blocks[0], 0)
    assert curves.update((0, 10), hold=True, budget_s=1.0)
    assert values(curves.hold()) == [100.0] * 4
    for i in range(10, 200):
        append(store, float(i), 1.0)
    append(store, 195.5, -500.0)
    block = waterfall.blocks[0]
    assert block.first_serial > 0
    stop = block.first_serial + len(block)
    assert curves.update((stop - 16, stop), hold=True, budget_s=1.0)
    assert values(curves.hold()) == [-500.0] * 4
    assert values(curves.current()) == [-500.0] * 4
    np.testing.assert_allclose(values(curves.average()), (15 * 1.0 - 500.0) / 16)
    curves.reset_hold()
    append(store, 201.0, 3.0)
    assert curves.update(None, hold=True, budget_s=1.0)
    assert values(curves.hold()) == [3.0] * 4
