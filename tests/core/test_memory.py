"""One bound of memory for all stores: kept, shared, and never at the cost of a long pause."""

import numpy as np

from dockscope.core.memory import MemoryBudget
from dockscope.core.messages import MetricBatch, SeriesDefinition, SeriesDefinitions, Spectrum
from dockscope.core.series import SeriesStore
from dockscope.core.spectra import SpectrumStore


def series_store(curves):
    store = SeriesStore()
    store.define("p", SeriesDefinitions(tuple(SeriesDefinition(k, f"m{k}", (), ("step",)) for k in range(curves))))
    return store


def send(store, curves, first, number):
    t = np.arange(first, first + number) * 1.0
    store.append(
        "p",
        MetricBatch(
            series=np.arange(curves, dtype="u4"),
            first=np.full(curves, first, "u8"),
            count=np.full(curves, number, "u4"),
            t=np.tile(t, curves),
            value=np.sin(np.tile(t, curves)),
            fields=np.tile(t, curves),
        ),
    )


def row(t):
    return Spectrum(t=t, power=np.ones((1, 4096), np.float32), f0=1e9, df=1e6)


def free_all(budget):
    while budget.enforce():
        pass


def test_five_thousand_series_stay_within_the_bound():
    """Held memory, spare room of arrays included, is below the bound; each series has its beginning and its end."""
    curves, number = 5000, 400
    store = series_store(curves)
    budget = MemoryBudget({"series": store}, 128 * 2**20)
    for first in range(1, 4 * number, number):
        send(store, curves, first, number)
        free_all(budget)
        assert store.nbytes <= budget.nbytes
    store.settle()
    free_all(budget)
    assert store.nbytes <= budget.nbytes
    assert store.nbytes >= sum(curve.nbytes for curve in store.curves.values())
    for curve in store.curves.values():
        t = curve.column("t")
        assert (t[0], t[-1]) == (1, 4 * number)
        assert np.diff(t).max() < 200, "no part of the history has faded away"


def test_a_smaller_bound_holds_at_once_and_a_larger_one_too():
    """After a change memory is freed in slices until it is kept; with more room nothing more goes."""
    store = series_store(3)
    budget = MemoryBudget({"series": store}, 2**30)
    send(store, 3, 1, 200_000)
    store.settle()
    assert not budget.enforce()
    before = store.nbytes
    budget.nbytes = before // 4
    free_all(budget)
    assert store.nbytes <= before // 4
    budget.nbytes = 2**30
    lengths = [len(curve) for curve in store.curves.values()]
    assert not budget.enforce()
    assert lengths == [len(curve) for curve in store.curves.values()]


def test_a_store_with_little_gives_nothing():
    """What is too much is taken from the largest store; a small one keeps all that it has."""
    series, spectra = series_store(2), SpectrumStore()
    budget = MemoryBudget({"series": series, "spectra": spectra}, 4 * 2**20)
    for t in range(20):
        spectra.append("p", "s", row(float(t)))
    send(series, 2, 1, 200_000)
    series.settle()
    free_all(budget)
    assert sum(budget.usage().values()) <= budget.nbytes
    assert len(spectra.waterfalls["p", "s"].blocks[0]) == 20


def test_a_bound_that_cannot_be_kept_is_given_up():
    """When nothing more can be freed, enforcing ends and is not tried again with every message."""
    store = series_store(50)
    budget = MemoryBudget({"series": store}, 2**16)
    send(store, 50, 1, 10)
    free_all(budget)
    assert [len(curve) for curve in store.curves.values()] == [10] * 50
