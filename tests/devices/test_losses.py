"""Readings that are lost are counted, and told in a sentence each; curves are broken where they are missing."""

from __future__ import annotations

import asyncio
import threading

from dockscope.devices.device_inbox import GAP, MOST_WAITING, DeviceInbox
from dockscope.devices.instrument import Instrument
from dockscope.devices.losses import Losses, LossWatch
from dockscope.devices.spec import DeviceSpec

SIMULATION = {"instrument": "bench_drivers.Simulation", "reads": "voltage"}


def instrument(on_samples=lambda *_: None, **spec) -> Instrument:
    made = DeviceSpec(id="psu", kind="pymeasure", params=SIMULATION, **spec)
    return Instrument(made, on_change=lambda _: None, on_samples=on_samples)


def test_what_nobody_takes_in_time_is_counted(wait_for):
    """A taker that sleeps does not slow acquisition: what the queue had no room for is told, once."""
    go_on = threading.Event()
    device, watch = instrument(lambda *_: go_on.wait(10.0), rate_hz=500.0, queue_size=1), LossWatch()
    try:
        device.start().result(10.0)
        wait_for(lambda: device.statistics().dropped > 10)
        lost = watch.look(device)
        assert lost.dropped > 10
        (sentence,) = lost._replace(missed=0).sentences(device)
        assert sentence == f"psu: {lost.dropped} readings were dropped (drop_oldest): what takes them is too slow"
    finally:
        go_on.set()
        device.stop().result(10.0)
        assert watch.look(device).failed == 0
        assert watch.look(device) == Losses()
        assert device.close()


def test_each_kind_of_loss_has_its_sentence():
    """What was missed and what failed are told apart from what was dropped."""
    device = instrument(rate_hz=50.0)
    assert Losses(missed=3, failed=2).sentences(device) == [
        "psu: 3 readings are missing: it cannot keep 50 Hz",
        "psu: 2 readings failed",
    ]
    assert Losses().sentences(device) == []
    assert "psu: 7 readings were dropped" in Losses().sentences(device, overrun=7)[0]
    assert device.close()


def test_a_busy_loop_costs_readings_and_says_so():
    """No more readings wait than there is room for; those beyond are counted, and a gap stands in their place."""

    async def scenario():
        inbox, device = DeviceInbox(), instrument()
        inbox.open(asyncio.get_running_loop())
        for number in range(MOST_WAITING + 5):
            inbox.on_samples(device, [(float(number), number)])
        assert len(inbox.readings) == MOST_WAITING
        assert inbox.overrun == 5
        inbox.readings.clear()
        inbox.on_samples(device, [(0.0, 0)])
        assert list(inbox.readings) == [GAP, (0.0, 0)]
        inbox.mark_gap()
        inbox.mark_gap()  # for days, while a device is not there
        assert list(inbox.readings) == [GAP, (0.0, 0), GAP]
        await asyncio.wait_for(inbox.filled(), 5.0)
        inbox.shut()
        assert device.close()

    asyncio.run(scenario())


def test_the_loop_is_woken_once_for_all_that_waits():
    """Many readings are one turn of the loop, and none after the inbox is shut."""

    async def scenario():
        inbox, device = DeviceInbox(), instrument()
        inbox.open(asyncio.get_running_loop())
        for number in range(1000):
            inbox.on_samples(device, [(float(number), number)])
        await asyncio.wait_for(inbox.filled(), 5.0)
        assert len(inbox.readings) == 1000
        await asyncio.sleep(0)
        assert not inbox.is_filled
        inbox.shut()
        inbox.on_samples(device, [(0.0, 0)])
        await asyncio.sleep(0)
        assert not inbox.is_filled
        assert device.close()

    asyncio.run(scenario())
