"""Long forms: rates of one stream and of a hundred, on this machine, with their figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dockscope.devices import StreamingDevice

pytestmark = pytest.mark.soak
SECONDS = 30.0


class Constant(StreamingDevice):
    """A reading that costs nothing, so that what is measured is the streaming."""

    def _acquire_sample(self):
        return 1.0


@contextmanager
def streaming(devices: dict[Constant, float], callback: Callable[[float], object]) -> Iterator[None]:
    """Stream with devices at their rates as long as the block lasts."""
    for device, rate_hz in devices.items():
        device.start_streaming(callback, rate_hz)
    try:
        yield
    finally:
        for device in devices:
            assert device.stop_streaming()


def test_a_rate_does_not_drift(wait_for, capsys):
    """10,000 samples at 100 Hz take 100 s within 0.1 %."""
    device = Constant("adc")
    times_s: list[float] = []
    with streaming({device: 100.0}, lambda _: times_s.append(time.perf_counter())):
        wait_for(lambda: len(times_s) > 10_000, timeout_s=200.0)
    rate_hz = 10_000 / (times_s[10_000] - times_s[0])
    with capsys.disabled():
        print(f"\n10,000 samples at 100 Hz: {rate_hz:.4f} Hz, {device.statistics().missed} missed")
    assert rate_hz == pytest.approx(100.0, rel=0.001)


def test_a_hundred_slow_and_four_fast_devices(capsys):
    """100 at 10 Hz and 4 at 1 kHz keep their rates within 1 % together, on less than one core, and lose nothing."""
    slow = {Constant(f"slow {number}"): 10.0 for number in range(100)}
    devices = slow | {Constant(f"fast {number}"): 1000.0 for number in range(4)}
    with streaming(devices, lambda _: None):
        time.sleep(1.0)
        before = {device: device.statistics() for device in devices}
        since_s, used_s = time.perf_counter(), time.process_time()
        time.sleep(SECONDS)
        after = {device: device.statistics() for device in devices}
        duration_s, used_s = time.perf_counter() - since_s, time.process_time() - used_s
    errors = {
        device: (after[device].samples - before[device].samples) / (duration_s * rate_hz) - 1.0
        for device, rate_hz in devices.items()
    }
    # A sample more or less at both ends of the interval is not an error of the rate.
    bounds = {device: 0.01 + 1.0 / (duration_s * rate_hz) for device, rate_hz in devices.items()}
    with capsys.disabled():
        print(
            f"\n100 at 10 Hz and 4 at 1 kHz for {duration_s:.0f} s: worst errors"
            f" {max(abs(errors[device]) for device in slow):.2%} and"
            f" {max(abs(error) for device, error in errors.items() if device not in slow):.2%},"
            f" {used_s / duration_s:.2f} of a core, {sum(after[device].missed for device in devices)} missed"
        )
    assert all(abs(errors[device]) < bounds[device] for device in devices)
    assert used_s / duration_s < 1.0
    assert all(after[device].dropped == 0 for device in devices)
