"""A bench of instruments: many at once, each for itself."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from bench_drivers import Hanging, Simulation
from dockscope.devices.bench import Bench
from dockscope.devices.instrument import InstrumentState
from dockscope.devices.spec import DeviceSpec

SIMULATION = {"instrument": "bench_drivers.Simulation", "reads": "voltage"}


@pytest.fixture
def counted():
    """Readings by device."""
    return Counter()


@pytest.fixture
def bench(counted):
    """A bench that counts readings."""

    def on_samples(instrument, samples):
        counted[instrument.spec.id] += len(samples)

    bench = Bench(on_change=lambda _: None, on_samples=on_samples)
    Simulation.faults.clear()
    Hanging.let_go.clear()
    yield bench
    Hanging.let_go.set()
    bench.close()


def simulation(id_: str) -> DeviceSpec:
    return DeviceSpec(id=id_, kind="pymeasure", rate_hz=10.0, params=SIMULATION)


def test_two_devices_of_one_id_are_refused(bench):
    """The refusal names the id and says what to do; the first device stays."""
    first = bench.add(simulation("dmm"))
    with pytest.raises(ValueError, match="already a device dmm: give each an id of its own"):
        bench.add(simulation("dmm"))
    assert bench.instruments == {"dmm": first}


def test_one_that_hangs_delays_no_other(bench, counted, wait_for, expect_log):
    """A hundred devices start beside one that never does, and the bench closes within its time."""
    expect_log("stuck.*did not end its last call", logger="dockscope.devices")
    hanging = bench.add(
        DeviceSpec(id="stuck", kind="pymeasure", params={"instrument": "bench_drivers.Hanging", "reads": "value"})
    )
    hanging.start()
    assert Hanging.entered.wait(10.0)
    for number in range(100):
        bench.add(simulation(f"d{number}"))
    bench.start_all()
    wait_for(lambda: len(counted) == 100, 20.0)
    assert hanging.state is InstrumentState.CONNECTING
    assert not bench.close(1.0)
    assert threading.active_count() < 10


def test_pause_resume_and_stop_reach_all(bench, counted, wait_for):
    """All streams end and begin together; one that was not started stays alone."""
    names = ["a", "b", "c"]
    for name in names:
        bench.add(simulation(name)).start()
    idle = bench.add(simulation("idle"))
    wait_for(lambda: all(counted[name] for name in names))

    def states() -> set[InstrumentState]:
        return {bench.instruments[name].state for name in names}

    for future in bench.pause_all():
        future.result(10.0)
    assert states() == {InstrumentState.PAUSED}
    bench.resume_all()
    wait_for(lambda: states() == {InstrumentState.STREAMING})
    for future in bench.stop_all():
        future.result(10.0)
    assert states() == {InstrumentState.CONNECTED}
    assert idle.state is InstrumentState.DISCONNECTED


def test_a_device_can_be_taken_away(bench, counted, wait_for):
    """The others go on, and its id is free again."""
    for name in ("a", "b"):
        bench.add(simulation(name)).start()
    wait_for(lambda: counted["a"] and counted["b"])
    assert bench.remove("a")
    count = counted["b"]
    wait_for(lambda: counted["b"] > count)
    bench.add(simulation("a"))
