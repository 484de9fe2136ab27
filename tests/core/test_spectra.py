"""Waterfalls: true times, blocks of equal axis, bounded memory."""

import math

import numpy as np
import pytest

from dockscope.core.messages import ProtocolError, Spectrum
from dockscope.core.spectra import SpectrumStore


def spectrum(t, nchan=8, npol=2, fill=None, **changes):
    power = np.full((npol, nchan), t if fill is None else fill, "<f4")
    return Spectrum(power=power, t=t, **{"f0": 1e6, "df": 1e3, **changes})


def waterfall(store):
    return store.waterfalls["p", "beam"]


def filled(*rows, **options):
    store = SpectrumStore(**options)
    for row in rows:
        store.append("p", "beam", row)
    return store


def test_rows_are_kept_with_their_times():
    """Time, duration and power of every row, the axis in Hz."""
    names = ("XX", "YY")
    store = filled(spectrum(1.0, duration=0.5, polarizations=names), spectrum(3.0, polarizations=names))
    (block,) = waterfall(store).blocks
    assert block.t.tolist() == [1, 3]
    assert block.duration[0] == 0.5
    assert math.isnan(block.duration[1])
    assert block.power.shape == (2, 2, 8)
    assert block.power.dtype == np.float32
    assert block.power[1].tolist() == [[3.0] * 8] * 2
    assert block.axis.tolist() == [1e6 + 1e3 * k for k in range(8)]
    assert block.polarizations == ("XX", "YY")
    last = waterfall(store).last
    assert last is not None
    assert last.t == 3


@pytest.mark.parametrize(
    "change",
    [
        {"nchan": 9},
        {"f0": 2e6},
        {"df": -1e3},
        {"polarizations": ("I", "Q")},
        {"npol": 1},
        {"frequencies": np.arange(8.0)},
    ],
)
def test_another_axis_starts_a_new_block(change):
    """Channels, frequencies or polarizations that change start a block; the same again goes on with it."""
    store = filled(spectrum(1.0), spectrum(2.0), spectrum(3.0, **change), spectrum(4.0, **change))
    assert [block.t.tolist() for block in waterfall(store).blocks] == [[1, 2], [3, 4]]


def test_a_late_row_is_put_in_its_place():
    """Rows are in the order of their times; a view can tell that earlier rows moved."""
    store = filled(spectrum(1.0), spectrum(4.0), spectrum(2.0), spectrum(4.0))
    (block,) = waterfall(store).blocks
    assert block.t.tolist() == [1, 2, 4, 4]
    assert block.power[:, 0, 0].tolist() == [1, 2, 4, 4]
    assert block.reordered == 1


def test_a_clock_set_back_starts_a_block():
    """A row far older than the rest is not sorted in between them."""
    rows = [spectrum(100.0 + k) for k in range(200)]
    store = filled(*rows, spectrum(1.0), spectrum(2.0))
    assert [len(block) for block in waterfall(store).blocks] == [200, 2]


def test_row_interval():
    """The median spacing of the last rows, the duration when there is only one."""
    store = filled(spectrum(1.0, duration=0.25))
    assert waterfall(store).row_interval_s == 0.25
    for t in (2.0, 3.0, 4.0, 14.0):
        store.append("p", "beam", spectrum(t))
    assert waterfall(store).row_interval_s == 1


def test_memory_is_bounded_and_the_oldest_rows_go():
    """Rows keep their serials when older ones are dropped."""
    store = filled(*(spectrum(float(k), nchan=256) for k in range(2000)), max_bytes=500_000)
    (block,) = waterfall(store).blocks
    assert store.nbytes <= 500_000
    assert block.t[-1] == 1999
    assert block.t[0] == block.first_serial > 0
    assert (block.power[:, 0, 0] == block.t).all()


def test_the_stream_with_the_oldest_row_gives_first():
    """Across streams the oldest rows go; each stream keeps its newest row."""
    store = SpectrumStore()
    for k in range(100):
        store.append("p", "old", spectrum(float(k), nchan=64))
        store.append("p", "new", spectrum(1000.0 + k, nchan=64))
    store.shrink(store.nbytes * 2 // 5)
    old, new = (store.waterfalls["p", name].blocks[0] for name in ("old", "new"))
    assert len(new) == 100
    assert len(old) < 30
    store.shrink(10**9)
    assert (len(old), len(new)) == (1, 1)


def test_many_streams_give_evenly():
    """Of streams that go on side by side none is emptied before the others; what goes is older than what stays."""
    store = SpectrumStore(max_bytes=4_000_000)
    for k in range(40):
        for stream in range(100):
            store.append("p", f"stream {stream}", spectrum(float(k), nchan=256))
    assert 3_800_000 < store.nbytes <= 4_000_000
    assert store.nbytes == sum(one.nbytes for one in store.waterfalls.values())
    kept = [one.blocks[0].t for one in store.waterfalls.values()]
    assert all(t[-1] == 39 for t in kept)
    assert max(t[0] for t in kept) - min(t[0] for t in kept) <= 5


def test_blocks_are_bounded():
    """A stream that changes its axis with every row does not grow without end."""
    store = filled(*(spectrum(float(k), f0=float(k)) for k in range(300)))
    assert len(waterfall(store).blocks) == 64
    store.forget("p")
    assert store.nbytes == 0
    assert store.waterfalls == {}


@pytest.mark.parametrize(
    "bad",
    [
        spectrum(math.nan, fill=1),
        spectrum(1.0, f0=math.inf),
        spectrum(1.0, polarizations=("XX",)),
        spectrum(1.0, frequencies=np.arange(3.0)),
        spectrum(1.0, nchan=0),
        Spectrum(power=np.zeros(8, "<f4"), t=1.0, f0=0.0, df=1.0),
    ],
)
def test_rows_that_cannot_be_shown_are_refused(bad):
    """They say why and leave nothing behind."""
    store = SpectrumStore()
    with pytest.raises(ProtocolError, match="spectrum"):
        store.append("p", "beam", bad)
    assert store.waterfalls == {}
