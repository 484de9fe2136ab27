"""Every code example of labdaemon's guide to advanced streaming as a device of ours, through ``attach``.

Only imports are added. The functions that the guide leaves open are given: ``_acquire_sample``, and to the two examples
that show a loop alone, the start and stop of the example Rate Limiting. The instrument of Real Hardware is a simulated
one. Server Integration has no code; its sentences are tested with the server.
"""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dockscope.devices import attach

GUIDE = (Path(__file__).parent / "002_labdaemon.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
CLASS = re.compile(r"^class (\w+):", re.MULTILINE)
IMPORTS = "import threading\nimport time\n"
GIVEN = ("start_streaming", "stop_streaming", "is_streaming")

METER = """
spec: "1.1"
devices:
  meter:
    eom:
      GPIB INSTR: {q: "\\r\\n", r: "\\n"}
    error: ERROR
    dialogues:
      - {q: "MEAS?", r: " 1.25 "}
      - {q: "READ?", r: "2.5"}
      - {q: "*IDN?", r: "not a number"}
resources:
  GPIB0::9::INSTR: {device: meter}
"""


def example(name: str) -> type:
    """Return the class of an example, its imports added."""
    block = next(block for block in BLOCKS if f"class {name}:" in block)
    names: dict[str, Any] = {}
    exec(IMPORTS + block, names)
    return names[name]


def completed(name: str, acquire: Callable[[], Any] | None = None) -> type:
    """Return the class of an example with what it leaves open; its samples count from 0 unless ``acquire`` is given."""
    cls, whole = example(name), example("RateLimitedStreamingDevice")
    samples = itertools.count()
    open_ones: dict[str, Any] = {method: vars(whole)[method] for method in GIVEN if not hasattr(cls, method)}
    open_ones["_acquire_sample"] = lambda _: acquire() if acquire else next(samples)
    return type(name, (cls,), open_ones)


@pytest.fixture
def stopping() -> Iterator[list[Any]]:
    """Devices that are stopped after the test."""
    devices: list[Any] = []
    yield devices
    for device in devices:
        assert device.stop_streaming()


def test_the_guide_has_these_examples():
    """Five classes, and nothing else in Python: none of them is left out here."""
    assert [CLASS.findall(block) for block in BLOCKS] == [
        ["ThreadSafeStreamingDevice"],
        ["RateLimitedStreamingDevice"],
        ["VISAStreamingDevice"],
        ["RobustStreamingDevice"],
        ["BackpressureStreamingDevice"],
    ]


def test_thread_safety(wait_for, stopping):
    """Streams; shared state waits for the lock, the callback runs outside, and get_latest_data is locked."""
    device = attach(completed("ThreadSafeStreamingDevice"), "adc")
    stopping.append(device)
    seen: list[tuple[int, bool]] = []
    device.start_streaming(lambda value: seen.append((value, device._ld_lock.is_owned)))
    wait_for(lambda: len(seen) > 5)
    assert [value for value, _ in seen] == list(range(len(seen)))
    assert not any(owned for _, owned in seen)
    assert device.get_latest_data() >= 5

    got: list[int] = []
    other = threading.Thread(target=lambda: got.append(device.get_latest_data()))
    with device._ld_lock:
        stands = device._latest_data
        wait_for(lambda: len(seen) > stands)  # the callback with the last sample before the lock
        other.start()
        assert device._latest_data == stands
        assert got == []
    other.join()
    assert got[0] >= stands
    assert device.stop_streaming(timeout=5.0)
    assert not device.is_streaming()


def test_rate_limiting(wait_for, stopping):
    """Samples come at the asked rate at most, and start, stop and start again work."""
    device = attach(completed("RateLimitedStreamingDevice", acquire=time.time), "adc")
    stopping.append(device)
    for _ in range(2):
        acquired: list[float] = []
        device.start_streaming(acquired.append, sample_rate=100.0)
        assert device.is_streaming()
        wait_for(lambda acquired=acquired: len(acquired) > 5)
        assert device.stop_streaming()
        assert not device.is_streaming()
        assert all(after - before > 0.0099 for before, after in pairwise(acquired))
        count = len(acquired)
        assert device.stop_streaming()
        assert len(acquired) == count


def test_real_hardware(wait_for, tmp_path, monkeypatch, capsys):
    """Connects to an instrument, streams what it answers, refuses without a connection, tells an error, disconnects."""
    file = tmp_path / "meter.yaml"
    file.write_text(METER)
    monkeypatch.setenv("PYVISA_LIBRARY", f"{file}@sim")
    cls = example("VISAStreamingDevice")
    device = attach(cls, "meter", address="GPIB0::9::INSTR")
    with pytest.raises(RuntimeError, match="Device not connected"):
        device.start_streaming(print)
    device.connect()
    values: list[float] = []
    device.start_streaming(values.append, sample_rate=200.0)
    wait_for(lambda: len(values) > 5)
    assert set(values) == {1.25}
    device.disconnect()  # holds the lock and stops the stream
    assert not device.is_streaming()

    device = attach(cls, "other", address="GPIB0::9::INSTR", query_command="*IDN?")
    device.connect()
    device.start_streaming(values.append)
    wait_for(lambda: not device.is_streaming())
    assert "Streaming error: could not convert string to float" in capsys.readouterr().out
    device.disconnect()


def test_error_handling_in_callbacks(wait_for, stopping, capsys):
    """Errors of the callback are counted and do not stop the stream, until there were more than ten."""
    device = attach(completed("RobustStreamingDevice"), "adc")
    stopping.append(device)
    values: list[int] = []

    def fails_at_first(value):
        if value < 3:
            raise ValueError(f"no {value}")
        values.append(value)

    device.start_streaming(fails_at_first)
    wait_for(lambda: len(values) > 3)
    assert device.get_error_count() == 3
    assert device.stop_streaming()
    assert "Callback error (#3): no 2" in capsys.readouterr().out

    device.start_streaming(lambda _: 1 / 0)
    wait_for(lambda: not device.is_streaming())
    assert device.get_error_count() == 11
    assert "Too many callback errors, stopping stream" in capsys.readouterr().out


def test_backpressure_handling(wait_for, capsys):
    """A callback that takes its time does not hold up acquisition: samples are queued, then dropped."""
    acquired = itertools.count()
    latest = [0]

    def acquire():
        latest[0] = next(acquired)
        return latest[0]

    device = attach(completed("BackpressureStreamingDevice", acquire), "adc", max_queue_size=5)
    values: list[int] = []
    go_on = threading.Event()

    def slow(value):
        values.append(value)
        go_on.wait(10.0)

    device.start_streaming(slow, sample_rate=1000.0)
    wait_for(lambda: latest[0] > 10)
    assert values == [0]
    go_on.set()
    wait_for(lambda: len(values) > 10)
    assert values[:6] == [0, 1, 2, 3, 4, 5]
    assert values[6] > 6
    assert device.stop_streaming()
    assert "Data queue full, dropping sample" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["ThreadSafeStreamingDevice", "RateLimitedStreamingDevice"])
def test_defect_stopping_holds_the_lock(name, wait_for):
    """A stop without a time-out, also from a public method that holds the lock, ends the thread that wants the lock.

    With labdaemon each stop of the example Thread Safety takes its whole time-out and leaves the thread alive.
    """
    cls = completed(name)
    device = attach(type(name, (cls,), {"close": lambda self: self.stop_streaming()}), "adc")
    for stop in (device.stop_streaming, device.close):
        values: list[int] = []

        def takes_the_lock(value, values=values):
            with device._ld_lock:
                values.append(value)

        device.start_streaming(takes_the_lock)
        wait_for(lambda values=values: values)
        assert stop() is True
        assert not device.is_streaming()


def test_defect_the_lock_comes_after_init():
    """The lock can be used in ``__init__`` already, and in methods that it calls."""
    cls = completed("ThreadSafeStreamingDevice")

    class Device(cls):
        def __init__(self, device_id: str, **kwargs: Any) -> None:
            with self._ld_lock:
                super().__init__(device_id, **kwargs)
            self.first = self.get_latest_data()

    device = attach(Device, "adc")
    assert device.device_id == "adc"
    assert device.first is None


def test_defect_is_streaming_waits_for_a_long_call():
    """Whether a device streams is told while another of its methods takes its time."""
    begun, go_on = threading.Event(), threading.Event()

    def calibrate(_):
        begun.set()
        go_on.wait(10.0)

    cls = completed("RateLimitedStreamingDevice")
    device = attach(type("Device", (cls,), {"calibrate": calibrate}), "adc")
    call = threading.Thread(target=device.calibrate)
    call.start()
    assert begun.wait(5.0)
    assert device.is_streaming() is False
    assert call.is_alive()
    go_on.set()
    call.join()
