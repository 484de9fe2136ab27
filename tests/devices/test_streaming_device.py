"""StreamingDevice: start, stop, counts, errors; callbacks and acquisition that hang or raise."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dockscope.devices import StreamingDevice, attach
from dockscope.devices.abandoned import abandoned_threads

PATIENCE_S = 10.0


class Counter(StreamingDevice):
    """Counts its samples from 0; ``acquire`` is called instead when it is given."""

    def __init__(self, device_id: str = "counter", acquire: Callable[[], Any] | None = None, **options: Any) -> None:
        super().__init__(device_id, **options)
        self.go_on = True
        self._acquire = acquire or itertools.count().__next__

    def _acquire_sample(self):
        return self._acquire()

    def _on_acquisition_error(self, error):
        return self.go_on

    def calibrate(self, call):
        return call()


class Hung:
    """A call that returns when it is told to, and until then counts how often it was entered."""

    def __init__(self) -> None:
        self.entered = 0
        self.release = threading.Event()

    def __call__(self, *_: object) -> int:
        self.entered += 1
        assert self.release.wait(30.0)
        return -1


@pytest.fixture
def hung() -> Iterator[Hung]:
    """A call that hangs until the end of the test."""
    call = Hung()
    yield call
    call.release.set()


@pytest.fixture(params=["plain construction", "attach"])
def make(request) -> Iterator[Callable[..., Counter]]:
    """Makes devices, both ways; they are stopped after the test."""
    devices: list[Counter] = []

    def make(*args: Any, **options: Any) -> Counter:
        device = attach(Counter, "counter", **options) if request.param == "attach" else Counter(*args, **options)
        devices.append(device)
        return device

    yield make
    for device in devices:
        device.stop_streaming()


def test_samples_come_in_order_until_the_stop(make, wait_for):
    """Each is called back with, latest and counts tell of it, and nothing comes after the stop."""
    device = make()
    assert device.get_latest_data() is None
    values: list[int] = []
    device.start_streaming(values.append, 500.0)
    assert device.is_streaming()
    wait_for(lambda: len(values) > 20)
    assert device.stop_streaming() is True
    assert not device.is_streaming()
    assert values == list(range(len(values)))
    told = device.statistics()
    assert told.delivered == len(values)
    assert told.samples == told.delivered + told.dropped
    assert device.get_latest_data() == told.samples - 1
    assert (told.callback_errors, told.acquisition_errors, told.reason) == (0, 0, "")


def test_times_are_those_of_the_acquisition(make, wait_for):
    """With timed=True each value comes with the unix time at which it was acquired, however late it is called back."""
    device = make(acquire=time.time)
    samples: list[tuple[float, float]] = []
    device.start_streaming(lambda value, t: samples.append((value, t)), 200.0, timed=True)
    wait_for(lambda: len(samples) > 5)
    device.stop_streaming()
    assert all(value <= t for value, t in samples)
    assert all(t <= value for (_, t), (value, _) in itertools.pairwise(samples))


def test_it_starts_once_and_again_after_a_stop(make, wait_for):
    """A second start is refused; after the stop it starts, and counts go on."""
    device = make()
    for round_ in range(1, 4):
        device.start_streaming(lambda _: None, 500.0)
        with pytest.raises(RuntimeError, match="counter is already streaming"):
            device.start_streaming(print)
        wait_for(lambda round_=round_: device.statistics().delivered >= 3 * round_)
        device.stop_streaming()
    assert device.statistics().samples - 1 == device.get_latest_data()


@pytest.mark.parametrize(
    ("arguments", "error", "sentence"),
    [
        ((None,), TypeError, "callback must be callable, not NoneType"),
        ((print, 0.0), ValueError, "sample_rate must be from 0.000001"),
        ((print, "fast"), ValueError, "could not convert"),
    ],
)
def test_wrong_arguments_are_told(make, arguments, error, sentence):
    """They raise at the call, and nothing was started."""
    device = make()
    with pytest.raises(error, match=sentence):
        device.start_streaming(*arguments)
    assert not device.is_streaming()


@pytest.mark.parametrize("options", [{"queue_size": 0}, {"policy": "newest"}, {"queue": 5}])
def test_wrong_options_are_told(options):
    """A wrong size, policy or name of an option raises when the device is made."""
    with pytest.raises((ValueError, TypeError)):
        Counter(**options)


@pytest.mark.parametrize(
    ("policy", "second"), [("drop_oldest", range(15, 10**6)), ("drop_newest", [1]), ("decimate", [1])]
)
def test_a_callback_that_takes_its_time_does_not_slow_acquisition(policy, second, wait_for, hung):
    """Samples are acquired all the same, as many wait as the queue holds, the others are counted as dropped."""
    device = Counter(queue_size=5, policy=policy)
    values: list[int] = []
    device.start_streaming(lambda value: (values.append(value), hung()), 1000.0)
    wait_for(lambda: device.statistics().samples >= 20)
    assert values == [0]
    assert device.statistics().dropped >= 20 - 6
    hung.release.set()
    wait_for(lambda: len(values) > 1)
    assert values[1] in second
    assert device.stop_streaming()
    told = device.statistics()
    assert told.samples == told.delivered + told.dropped


def test_block_holds_acquisition_back(wait_for, hung):
    """With this policy nothing is dropped while it streams: acquisition waits, and the stop ends the wait."""
    device = Counter(queue_size=5, policy="block")
    device.start_streaming(hung, 1000.0)
    wait_for(lambda: device.statistics().samples == 7)  # one called back with, five wait, one waits for its place
    assert device.statistics().dropped == 0
    stopping = threading.Thread(target=device.stop_streaming)
    stopping.start()
    wait_for(lambda: device.statistics().dropped == 6)
    hung.release.set()
    stopping.join()
    assert not device.is_streaming()


def test_callback_errors_are_counted_and_told_once_per_kind(make, wait_for, expect_log, log_watch):
    """They do not stop the stream as long as one in eleven succeeds; the log has one row for each kind."""
    expect_log(r"counter: its callback raised ValueError: no \d+; more errors of this kind are only counted")
    expect_log(r"counter: its callback raised KeyError")
    device = make()
    values: list[int] = []

    def callback(value):
        if value % 11 == 10:
            values.append(value)
        elif value % 2:
            raise ValueError(f"no {value}")
        else:
            raise KeyError

    device.start_streaming(callback, 1000.0)
    wait_for(lambda: len(values) > 2)
    assert device.stop_streaming()
    assert device.get_error_count() >= 30
    told = device.statistics()
    assert told.callback_errors == device.get_error_count()
    assert told.samples == told.delivered + told.callback_errors + told.dropped
    assert told.reason == ""
    assert len(log_watch.records) == 2


def test_more_than_ten_callback_errors_in_a_row_stop_the_stream(make, wait_for, expect_log):
    """The eleventh does, with a reason; the next stream starts with a clean sheet and the count goes on."""
    expect_log(r"counter: its callback raised ZeroDivisionError")
    reason = "its callback failed 11 times in a row, last with ZeroDivisionError: division by zero"
    expect_log(f"counter stopped streaming: {reason}")
    device = make()
    for total in (11, 22):
        device.start_streaming(lambda _: 1 / 0, 1000.0)
        wait_for(lambda: not device.is_streaming())
        assert device.get_error_count() == total
        assert device.statistics().reason == reason
    device.start_streaming(lambda _: None, 1000.0)
    assert device.statistics().reason == ""


def test_an_acquisition_error_ends_the_stream_with_a_reason(wait_for, expect_log):
    """What was acquired before is still called back with."""
    expect_log("counter stopped streaming: acquiring a sample failed: StopIteration")
    device = Counter(acquire=iter(range(5)).__next__)
    device.go_on = False
    values: list[int] = []
    device.start_streaming(values.append, 1000.0)
    wait_for(lambda: not device.is_streaming())
    assert values == [0, 1, 2, 3, 4]
    told = device.statistics()
    assert (told.samples, told.delivered, told.acquisition_errors) == (5, 5, 1)
    assert told.reason == "acquiring a sample failed: StopIteration"


def test_a_subclass_decides_to_go_on_after_an_error(make, wait_for):
    """Each error is counted, and the stream goes on."""
    count = itertools.count()

    def acquire():
        if (number := next(count)) % 2:
            raise OSError("garbage")
        return number

    device = make(acquire=acquire)
    values: list[int] = []
    device.start_streaming(values.append, 1000.0)
    wait_for(lambda: len(values) > 5)
    assert device.stop_streaming()
    assert values[:5] == [0, 2, 4, 6, 8]
    assert device.statistics().acquisition_errors >= 5


def test_a_device_that_says_nothing_of_acquiring_is_told(wait_for, expect_log):
    """The base class alone does not stream, and says why."""
    sentence = "NotImplementedError: StreamingDevice does not say how a sample is acquired"
    expect_log(sentence)
    device = StreamingDevice("bare")
    device.start_streaming(print)
    wait_for(lambda: not device.is_streaming())
    assert device.statistics().reason == f"acquiring a sample failed: {sentence}"


def test_public_methods_are_locked_and_callbacks_are_not(make, wait_for):
    """Methods of subclasses and get_latest_data wait for each other; statistics, is_streaming and callbacks do not."""
    device = make()
    owned: list[bool] = []
    device.start_streaming(lambda _: owned.append(device._ld_lock.is_owned), 500.0)
    with device._ld_lock:
        wait_for(lambda: len(owned) > 3)
        got: list[object] = []
        other = threading.Thread(target=lambda: got.append(device.get_latest_data()))
        free = threading.Thread(target=lambda: got.extend([device.is_streaming(), device.statistics()]))
        other.start()
        free.start()
        free.join(PATIENCE_S)
        assert got[0] is True
        assert len(got) == 2
    other.join(PATIENCE_S)
    assert len(got) == 3
    assert device.calibrate(lambda: device._ld_lock.is_owned)
    assert not any(owned)


def test_stop_from_the_callback(make, wait_for):
    """It returns at once, nothing more is called back, and a start in the same callback is served."""
    device = make()
    values: list[int] = []
    returned: list[bool] = []

    def callback(value):
        values.append(value)
        returned.append(device.stop_streaming())
        if len(returned) < 3:
            device.start_streaming(callback, 500.0)

    device.start_streaming(callback, 500.0)
    wait_for(lambda: len(returned) == 3 and not device.is_streaming())
    assert returned == [True, True, True]
    assert len(values) == 3


def test_stop_from_the_acquisition(make, wait_for):
    """A device may stop itself while it acquires, even while its callback takes its time."""
    device = make()
    device._acquire = lambda: device.calibrate(device.stop_streaming)
    device.start_streaming(lambda _: None, 500.0)
    wait_for(lambda: not device.is_streaming())
    assert device.statistics().samples == 0


@pytest.mark.parametrize("timeout", [None, PATIENCE_S, float("inf")])
def test_stop_from_a_public_method_that_holds_the_lock(make, wait_for, timeout):
    """The stop ends the threads although they want the lock that the caller holds, and the caller has it afterwards."""
    device = make()
    values: list[int] = []

    def callback(value):
        with device._ld_lock:
            values.append(value)

    def stop():
        with device._ld_lock:
            return device.stop_streaming(timeout), device._ld_lock.is_owned

    device.start_streaming(callback, 1000.0)
    wait_for(lambda: values)
    assert device.calibrate(stop) == (True, True)
    device.start_streaming(callback, 1000.0)
    device.disconnect()
    assert not device.is_streaming()


def test_two_stops_at_once(make, wait_for):
    """Both return, and both say that it ended."""
    device = make()
    values: list[int] = []
    device.start_streaming(values.append, 500.0)
    wait_for(lambda: values)
    ended: list[bool] = []
    threads = [threading.Thread(target=lambda: ended.append(device.stop_streaming())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert ended == [True, True]


def test_an_acquisition_that_hangs_is_left_behind(make, wait_for, hung, expect_log):
    """The stop says so, it is counted, the device streams again, and what hung delivers nothing when it returns."""
    expect_log(r"acquisition of counter .*did not end within 0.05 s, left behind")
    device = make(acquire=hung)
    old: list[int] = []
    device.start_streaming(old.append, 500.0)
    wait_for(lambda: hung.entered)
    before = abandoned_threads()
    assert device.stop_streaming(timeout=0.05) is False
    assert device.stop_streaming(timeout=0.0) is False
    assert abandoned_threads() == before + 1
    assert not device.is_streaming()

    device._acquire = itertools.count().__next__
    new: list[int] = []
    device.start_streaming(new.append, 500.0)
    assert device.is_streaming()
    hung.release.set()
    wait_for(lambda: new)
    assert device.stop_streaming()
    wait_for(lambda: abandoned_threads() == before)
    assert old == []
    assert new == list(range(len(new)))
    assert device.statistics().samples == len(new) + device.statistics().dropped


def test_a_callback_that_hangs_is_left_behind(make, wait_for, hung, expect_log):
    """The stop says so, and nothing of the old stream comes once the callback returns."""
    expect_log(r"callback of counter did not end within 0.05 s, left behind")
    device = make()
    old: list[int] = []
    device.start_streaming(lambda value: (old.append(value), hung()), 500.0)
    wait_for(lambda: hung.entered and device.statistics().samples > 3)
    assert device.stop_streaming(timeout=0.05) is False
    new: list[int] = []
    device.start_streaming(new.append, 500.0)
    hung.release.set()
    wait_for(lambda: len(new) > 3)
    assert old == [0]
    assert device.stop_streaming()


def test_a_thread_that_hangs_with_the_lock_does_not_keep_it(make, wait_for, hung, expect_log):
    """After the stop public methods work again, and a stop from one of them returns."""
    expect_log(r"acquisition of counter .*did not end within 0.05 s")
    device = make()
    device._acquire = lambda: device.calibrate(hung)
    device.start_streaming(lambda _: None, 500.0)
    wait_for(lambda: hung.entered)
    assert device.stop_streaming(timeout=0.05) is False
    assert device.calibrate(lambda: device._ld_lock.is_owned)
    assert device.get_latest_data() is None


def test_the_next_stream_lets_a_late_acquisition_end_first(make, wait_for, hung, expect_log):
    """Two threads do not ask one instrument at once when the older is only late."""
    expect_log(r"acquisition of counter .*did not end within 0 s")
    device = make(acquire=hung)
    device.start_streaming(lambda _: None, 500.0)
    wait_for(lambda: hung.entered)
    device.stop_streaming(timeout=0)
    overlaps: list[bool] = []
    device._acquire = lambda: overlaps.append(not hung.release.is_set())
    device.start_streaming(lambda _: None, 500.0)
    assert device.is_streaming()
    assert overlaps == []
    hung.release.set()
    wait_for(lambda: overlaps)
    assert not any(overlaps)


def test_cycles_leave_no_thread(wait_for):
    """After 1,000 starts and stops, and 200 of connect and disconnect, no thread lives; each stop said so."""
    device = Counter()
    threads = threading.active_count()
    for _ in range(1000):
        device.start_streaming(lambda _: None, 1000.0)
        assert device.stop_streaming()
    for _ in range(200):
        device.connect()
        device.start_streaming(lambda _: None, 1000.0)
        device.disconnect()
    assert threading.active_count() == threads
