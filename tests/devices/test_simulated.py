"""The simulated twins: they measure like instruments, and fail like them when the switch says so."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dockscope.core.link_address import LinkError
from dockscope.devices.simulated import SimulatedDevice
from dockscope.devices.simulated_models import MODELS, Drift
from dockscope.devices.supervised_link import LinkState

FAULT_KINDS = {"timeout": "no answer", "garbage": "bad answer", "disconnect": "link lost"}


@contextmanager
def connected(model: str, **options: Any) -> Iterator[SimulatedDevice]:
    device = SimulatedDevice("twin", model, **{"seed": 1, **options})
    device.connect()
    try:
        yield device
    finally:
        device.disconnect()


def collect(device: SimulatedDevice, count: int, wait_for: Any, rate_hz: float = 200.0) -> list[Any]:
    samples: list[Any] = []
    device.start_streaming(samples.append, rate_hz)
    wait_for(lambda: len(samples) >= count)
    device.stop_streaming()
    return samples


@pytest.mark.parametrize("model", MODELS)
def test_each_twin_streams_out_of_the_box(model, wait_for):
    """A twin needs no argument: it has its question, its unit and its identity."""
    with connected(model) as device:
        samples = collect(device, 5, wait_for)
        assert np.all(np.isfinite(samples))
        assert device.unit == MODELS[model].unit
        assert device.identity.startswith("dockscope,simulated ")
        assert device.link_faults == {}


def test_the_multimeter_is_noisy_around_what_it_measures(wait_for):
    """Readings differ from one to the next, and stay within a few thousandths of the value."""
    with connected("multimeter") as device:
        samples = collect(device, 50, wait_for)
        assert len(set(samples)) > 40
        assert np.mean(samples) == pytest.approx(5.0, rel=1e-3)
        assert 2e-6 < np.std(samples) < 5e-3
        assert float(device.ask("MEAS:RES?")) == pytest.approx(1000.0, rel=1e-3)


def test_drift_wanders_and_comes_back():
    """In the long run the drift has the deviation asked for, and neighbours in time are alike."""
    now = 0.0
    drift = Drift(np.random.default_rng(2), 0.5, 10.0, clock=lambda: now)
    values = []
    for _ in range(20_000):
        now += 1.0
        values.append(drift.value())
    assert np.std(values) == pytest.approx(0.5, rel=0.1)
    assert np.corrcoef(values[:-1], values[1:])[0, 1] == pytest.approx(np.exp(-0.1), abs=0.02)


def test_the_power_supply_does_what_is_set(wait_for):
    """What is set is kept and read back with noise; above its limit it keeps the current."""
    with connected("power_supply") as device:
        assert device.ask("VOLT 3.5") == ""
        assert float(device.ask("VOLT?")) == 3.5
        assert np.mean(collect(device, 20, wait_for)) == pytest.approx(3.5, abs=0.01)
        assert float(device.ask("MEAS:CURR?")) == pytest.approx(0.35, abs=0.002)
        device.ask("VOLT 20")
        assert float(device.ask("MEAS:CURR?")) == pytest.approx(1.0, abs=0.005)
        assert float(device.ask("MEAS:VOLT?")) == pytest.approx(10.0, abs=0.05)
        device.ask("OUTP 0")
        assert float(device.ask("MEAS:VOLT?")) == pytest.approx(0.0, abs=0.01)
        assert device.ask("SYST:ERR?") == '0,"No error"'


def test_settings_outlive_the_connection_and_belong_to_one_device():
    """A twin is an instrument: reconnecting does not reset it, and another one has settings of its own."""
    with connected("power_supply") as device, connected("power_supply") as other:
        device.ask("VOLT 7")
        device.disconnect()
        device.connect()
        assert float(device.ask("VOLT?")) == 7.0
        assert float(other.ask("VOLT?")) == 5.0


def test_the_spectrum_analyzer_sends_traces_both_ways(wait_for):
    """As a binary block and as text: the same carriers above the same floor, with as many points as set."""
    with connected("spectrum_analyzer") as device:
        block = collect(device, 3, wait_for)[-1]
        device.ask("FORM ASC")
        text = collect(device, 3, wait_for)[-1]
        for trace in (block, text):
            assert trace.shape == (601,)
            assert abs(int(np.argmax(trace)) - 303) <= 75  # one of the two strongest carriers
            assert np.median(trace) == pytest.approx(-95.0, abs=5.0)
            assert trace.max() > -50.0
        device.ask("FORM REAL,32")
        device.ask("SWE:POIN 101")
        assert collect(device, 3, wait_for)[-1].shape == (101,)


@pytest.mark.parametrize("fault", FAULT_KINDS)
@pytest.mark.parametrize("model", MODELS)
def test_the_fault_switch(model, fault, wait_for, expect_log):
    """Each fault is told by its name and costs some samples; switched off, the stream goes on."""
    expect_log(f"twin: {FAULT_KINDS[fault]}")
    with connected(model, timeout_s=0.15) as device:
        samples: list[Any] = []
        device.start_streaming(samples.append, 100.0)
        wait_for(lambda: samples)
        device.set_fault(fault)
        wait_for(lambda: device.injected_faults.get(fault, 0) >= 2)
        device.set_fault("")
        wait_for(lambda: device.link_state is LinkState.CONNECTED)
        before = len(samples)
        wait_for(lambda: len(samples) >= before + 5)
        assert device.link_faults[FAULT_KINDS[fault]] >= 2
        assert set(device.link_faults) == {FAULT_KINDS[fault]}
        assert len({np.shape(sample) for sample in samples}) == 1


def test_slow_answers_are_answers(wait_for):
    """An instrument that takes its time loses ticks, no samples."""
    with connected("multimeter", fault="slow", fault_share=1.0, timeout_s=0.2) as device:
        collect(device, 5, wait_for)
        assert device.injected_faults["slow"] >= 5
        assert device.link_faults == {}
        assert device.statistics().missed > 0


def test_the_console_sees_faults_too(expect_log):
    """A question of a person fails as one of the stream does."""
    expect_log("twin: link lost")
    with connected("multimeter") as device:
        device.set_fault("disconnect")
        with pytest.raises(LinkError, match="broke"):
            device.ask("MEAS:RES?")


def test_the_same_seed_fails_the_same(wait_for, expect_log):
    """With a seed, chance is the same twice."""
    expect_log("twin: ", at_least=0)
    readings = []
    for _ in range(2):
        with connected("power_supply", fault="slow", fault_share=0.3, timeout_s=0.05, seed=7) as device:
            readings.append([device.ask("OUTP?") for _ in range(20)])
            faults = device.injected_faults
        readings.append(faults)
    assert readings[1] == readings[3]
    assert 1 <= readings[1]["slow"] <= 15


def test_random_faults_for_some_seconds(wait_for, expect_log):
    """The short form of the soak test: all twins, faults at random, no hang, no lost device, all kinds told."""
    for kind in FAULT_KINDS.values():
        expect_log(f": {kind}")
    devices = [
        SimulatedDevice(f"{model} {n}", model, fault="random", fault_share=0.2, timeout_s=0.1, seed=n)
        for n, model in enumerate(MODELS)
    ]
    counts: dict[str, int] = dict.fromkeys((device.device_id for device in devices), 0)
    for device in devices:
        device.connect()
        device.start_streaming(lambda _, key=device.device_id: counts.update({key: counts[key] + 1}), 100.0)
    try:
        wait_for(
            lambda: all(len(device.injected_faults) == 4 and counts[device.device_id] >= 30 for device in devices),
            timeout_s=30.0,
        )
        for device in devices:
            device.set_fault("")
        wait_for(lambda: all(device.link_state is LinkState.CONNECTED for device in devices))
    finally:
        for device in devices:
            device.disconnect()


def test_the_example_of_the_documentation_runs(capsys, expect_log):
    """What docs/devices.md shows works as it stands."""
    expect_log("psu: ", at_least=0)  # its faults come at random
    section = (Path(__file__).parents[2] / "docs" / "devices.md").read_text().partition("## Simulated instruments")[2]
    section = section.partition("\n## ")[0]
    (example,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    exec(compile(example, "docs/devices.md", "exec"), {})
    assert float(capsys.readouterr().out) == pytest.approx(3.3, abs=0.01)


@pytest.mark.parametrize(
    "options",
    [{"model": "toaster"}, {"fault": "fire"}, {"fault": "slow", "fault_share": 2.0}, {"fault_share": float("nan")}],
)
def test_wrong_arguments_are_refused(options):
    """There are three models, five faults, and shares between 0 and 1."""
    with pytest.raises(ValueError, match=r"simulated|fault|share"):
        SimulatedDevice("twin", **options)


def test_many_connections_leave_no_thread():
    """Twins come and go without a trace."""
    before = threading.active_count()
    for _ in range(50):
        with connected("multimeter"):
            pass
    assert threading.active_count() <= before + 2
