"""Plain classes as devices: lock, streaming that always stops, threads that hang."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from dockscope.devices import attach
from dockscope.devices.abandoned import abandoned_threads

PATIENCE_S = 10.0


class Plain:
    """A device as people write them: an event, a thread, a loop."""

    _ld_lock: Any

    def __init__(self, device_id: str, interval_s: float = 0.002) -> None:
        self.device_id = device_id
        self._interval_s = interval_s
        self._stop_event = threading.Event()
        self._thread: threading.Thread | None = None
        self._count = itertools.count()

    def start_streaming(self, callback, sample_rate=10.0):
        self._callback = callback
        self._stop_event.clear()
        self._thread = threading.Thread(target=self._loop, daemon=True, name="plain loop")
        self._thread.start()

    def stop_streaming(self, timeout=None):
        self._stop_event.set()
        if self._thread:
            self._thread.join(timeout)
            self._thread = None

    def is_streaming(self):
        return self._thread is not None and self._thread.is_alive()

    def _loop(self):
        while not self._stop_event.wait(self._interval_s):
            self._callback(self._acquire())

    def _acquire(self):
        return next(self._count)

    def owns(self):
        return self._ld_lock.is_owned

    def nested(self):
        return self.owns()

    def disconnect(self):
        return self.stop_streaming()

    @property
    def state(self):
        return self._ld_lock.is_owned

    @staticmethod
    def version():
        return 1

    def _private(self):
        return self._ld_lock.is_owned


class Hung(threading.Event):
    """What a device hangs in; ``entered`` is set when it does."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()

    def wait(self, timeout=None):
        self.entered.set()
        return super().wait(timeout)


@pytest.fixture
def hung() -> Iterator[Hung]:
    """What a device hangs in; set at the end of the test."""
    event = Hung()
    yield event
    event.set()


def started(cls: type[Plain] = Plain) -> tuple[Any, list[int]]:
    device, values = attach(cls, "plain"), []
    device.start_streaming(values.append)
    return device, values


def test_which_methods_are_locked():
    """Public methods are, one by one and nested; private ones, properties and static methods are not."""
    device = attach(Plain, "plain", interval_s=0.5)
    assert type(device) is Plain
    assert (device.device_id, device._interval_s) == ("plain", 0.5)
    assert device.owns()
    assert device.nested()
    assert not device.state
    assert not device._private()
    assert device.version() == 1
    assert not device._ld_lock.is_owned


def test_a_lock_of_its_own_is_replaced():
    """A class that makes its lock in ``__init__`` is locked by one lock all the same."""

    class Own(Plain):
        def __init__(self, device_id):
            super().__init__(device_id)
            self._ld_lock = threading.RLock()

    assert attach(Own, "own").owns()


def test_errors_of_methods_and_of_init_are_raised():
    """They reach the caller, and the lock is free afterwards."""

    class Broken(Plain):
        def fail(self):
            raise OSError("no answer")

    device = attach(Broken, "broken")
    with pytest.raises(OSError, match="no answer"):
        device.fail()
    assert not device._ld_lock.is_owned
    with pytest.raises(TypeError, match="interval_ms"):
        attach(Plain, "plain", interval_ms=3)


def test_it_starts_once(wait_for):
    """A second start is refused, so that no thread is lost; after the stop it starts again."""
    device, values = started()
    with pytest.raises(RuntimeError, match="plain is already streaming"):
        device.start_streaming(print)
    assert device.stop_streaming()
    device.start_streaming(callback=values.append)
    wait_for(lambda: len(values) > 3)
    assert device.stop_streaming()
    assert not device.is_streaming()


def test_a_stream_without_a_callback(wait_for):
    """A class that allows it streams for itself; it is handed None as it was given."""

    class Silent(Plain):
        def _loop(self):
            while not self._stop_event.wait(self._interval_s):
                assert self._callback is None
                self._acquire()

    device = attach(Silent, "plain")
    device.start_streaming(None)
    wait_for(lambda: next(device._count) > 3)
    assert device.stop_streaming()


def test_other_threads_of_a_device_are_its_own_affair(wait_for):
    """A thread that the device had before the start neither keeps it from starting nor from stopping."""
    end = threading.Event()

    class WithMonitor(Plain):
        def connect(self):
            self._monitor = threading.Thread(target=end.wait, daemon=True)
            self._monitor.start()

    device = attach(WithMonitor, "plain")
    device.connect()
    values: list[int] = []
    for _ in range(2):
        device.start_streaming(values.append)
        assert device.stop_streaming()
        device.connect()
    end.set()


def test_callbacks_run_outside_the_lock(wait_for):
    """Even when the class calls back while it holds the lock, which it has again afterwards."""

    class Careless(Plain):
        def _loop(self):
            while not self._stop_event.wait(self._interval_s):
                with self._ld_lock:
                    self._callback(self._acquire())
                    assert self._ld_lock.is_owned

    device = attach(Careless, "plain")
    owned: list[bool] = []
    device.start_streaming(lambda _: owned.append(device._ld_lock.is_owned))
    wait_for(lambda: len(owned) > 3)
    assert device.stop_streaming()
    assert not any(owned)


def test_stop_from_the_callback(wait_for):
    """It returns at once, and the thread ends after the callback; so does a public method that stops."""
    for name in ("stop_streaming", "disconnect"):
        device = attach(Plain, "plain")
        returned: list[bool] = []
        stop = getattr(device, name)
        device.start_streaming(lambda _, stop=stop, returned=returned: returned.append(stop()))
        wait_for(lambda device=device: not device.is_streaming())
        assert returned
        assert all(returned)


def test_a_start_after_a_stop_from_the_callback(wait_for):
    """In the callback it is refused, from elsewhere it waits for the end of that stop."""
    device = attach(Plain, "plain")
    refused: list[RuntimeError] = []
    stopped = threading.Event()

    def callback(_):
        device.stop_streaming()
        try:
            device.start_streaming(callback)
        except RuntimeError as error:
            refused.append(error)
        stopped.set()

    device.start_streaming(callback)
    assert stopped.wait(PATIENCE_S)
    wait_for(lambda: not device.is_streaming())
    values: list[int] = []
    device.start_streaming(values.append)
    wait_for(lambda: len(values) > 3)
    assert device.is_streaming()
    assert device.stop_streaming()
    assert refused


def test_stop_does_not_wait_for_a_start_that_hangs(hung, expect_log):
    """It returns after its time-out and says so."""
    expect_log("plain: another start or stop did not return within 0.05 s")

    class Slow(Plain):
        def start_streaming(self, callback, sample_rate=10.0):
            hung.wait()

    device = attach(Slow, "plain")
    start = threading.Thread(target=device.start_streaming, args=(print,))
    start.start()
    assert hung.entered.wait(PATIENCE_S)
    assert device.stop_streaming(timeout=0.05) is False
    hung.set()
    start.join()
    assert device.stop_streaming()


def test_stop_from_its_own_thread(wait_for):
    """A loop may stop its own device, which would be an error when it joined itself."""

    class Finite(Plain):
        def _acquire(self):
            if (number := super()._acquire()) == 3:
                self.stop_streaming()
            return number

    device, values = started(Finite)
    wait_for(lambda: not device.is_streaming())
    assert values[:4] == [0, 1, 2, 3]


def test_a_stop_that_waits_without_a_limit_is_given_one(wait_for, hung, expect_log):
    """A class that takes no time-out and joins for ever is given up after the time-out of the caller."""
    expect_log(r"plain: its thread plain loop did not end within 0.05 s, left behind")

    def join_for_ever(self):
        self._stop_event.set()
        self._thread.join()

    endless = type("Endless", (Plain,), {"stop_streaming": join_for_ever, "_acquire": lambda _: hung.wait()})
    device, values = started(endless)
    assert hung.entered.wait(PATIENCE_S)
    before = abandoned_threads()
    assert device.stop_streaming(timeout=0.05) is False
    assert abandoned_threads() == before + 1
    hung.set()
    wait_for(lambda: abandoned_threads() == before)
    assert values == []


def test_a_thread_that_hangs_is_not_brought_back_to_life(wait_for, hung, expect_log):
    """The device cannot be started before its old thread has ended, which never delivers again."""
    expect_log(r"plain: its thread plain loop did not end within 0.05 s")

    class Hanging(Plain):
        def _acquire(self):
            if (number := super()._acquire()) == 0:
                hung.wait()
            return number

    device, old = started(Hanging)
    assert hung.entered.wait(PATIENCE_S)
    assert device.stop_streaming(timeout=0.05) is False
    with pytest.raises(RuntimeError, match="a thread of its last stream still runs"):
        device.start_streaming(print)
    assert device.stop_streaming(timeout=0.0) is False
    hung.set()
    wait_for(device.stop_streaming)
    new: list[int] = []
    device.start_streaming(new.append)
    wait_for(lambda: len(new) > 3)
    assert device.stop_streaming()
    assert old == []


def test_a_thread_that_hangs_with_the_lock_does_not_keep_it(hung, expect_log):
    """After the stop, which a public method that holds the lock may call, the device can be used on."""
    expect_log(r"plain: its thread plain loop did not end within 0.05 s")

    class Greedy(Plain):
        def _loop(self):
            with self._ld_lock:
                hung.wait()

    device, _ = started(Greedy)
    assert hung.entered.wait(PATIENCE_S)
    assert device.stop_streaming(timeout=0.05) is False
    assert device.owns()


def test_a_thread_that_hangs_with_the_lock_does_not_stop_who_had_it(hung, expect_log):
    """A public method that stops has the lock again, although the thread took it meanwhile and hangs."""
    expect_log(r"plain: its thread plain loop did not end within 0.05 s")
    begin = threading.Event()

    class Greedy(Plain):
        def _loop(self):
            begin.wait()
            with self._ld_lock:
                hung.wait()

        def shut(self):
            begin.set()
            return self.stop_streaming(timeout=0.05), self.owns()

    device, _ = started(Greedy)
    assert device.shut() == (False, True)
    assert device.owns()


def test_errors_of_stop(wait_for, expect_log):
    """They are raised in the caller; from the callback, where nobody waits, they go to the log."""
    expect_log(r"plain: stop_streaming raised OSError: relay stuck")

    class Broken(Plain):
        def stop_streaming(self, timeout=None):
            super().stop_streaming(timeout)
            raise OSError("relay stuck")

    device, values = started(Broken)
    wait_for(lambda: values)
    with pytest.raises(OSError, match="relay stuck"):
        device.stop_streaming()
    assert not device.is_streaming()
    device.start_streaming(lambda _: device.stop_streaming())
    wait_for(lambda: not device.is_streaming())


def test_a_start_that_fails_can_be_repeated(wait_for):
    """What start_streaming raises reaches the caller, and the next start is served."""

    class Unready(Plain):
        is_ready = False

        def start_streaming(self, callback, sample_rate=10.0):
            if not self.is_ready:
                raise RuntimeError("warming up")
            super().start_streaming(callback, sample_rate)

    device = attach(Unready, "plain")
    with pytest.raises(RuntimeError, match="warming up"):
        device.start_streaming(print)
    assert device.stop_streaming()
    device.is_ready = True
    values: list[int] = []
    device.start_streaming(values.append, sample_rate=5.0)
    wait_for(lambda: values)
    assert device.stop_streaming()


def test_cycles_leave_no_thread():
    """After 300 starts and stops, every third from a public method, no thread lives."""
    device = attach(Plain, "plain", interval_s=0.0001)
    threads = threading.active_count()
    for number in range(300):
        device.start_streaming(lambda _: None)
        assert device.disconnect() if number % 3 == 0 else device.stop_streaming()
    assert threading.active_count() == threads
