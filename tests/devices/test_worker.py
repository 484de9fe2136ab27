"""DeviceWorker: order, results, calls that do not return, closing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, wait

import pytest

from dockscope.devices.worker import DeviceStuckError, DeviceWorker, abandoned_threads

PATIENCE_S = 10.0


@pytest.fixture
def worker() -> Iterator[DeviceWorker]:
    """A worker that is closed after the test."""
    worker = DeviceWorker("laser")
    yield worker
    worker.close(PATIENCE_S)


@pytest.fixture
def hung() -> Iterator[threading.Event]:
    """What a call hangs in; set at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


def test_calls_run_in_order_in_one_thread_of_their_own(worker):
    """Each future has the result of its call."""
    order: list[int] = []

    def call(number):
        order.append(number)
        return number, threading.get_ident()

    futures = [worker.submit(lambda number=number: call(number), limit_s=PATIENCE_S) for number in range(200)]
    results = [future.result(PATIENCE_S) for future in futures]
    assert order == [number for number, _ in results] == list(range(200))
    assert len({thread for _, thread in results} | {threading.get_ident()}) == 2


def test_what_a_call_raises_is_raised_again(worker):
    """The next call runs all the same."""
    assert isinstance(worker.submit(lambda: 1 / 0, limit_s=1.0).exception(PATIENCE_S), ZeroDivisionError)

    def leave():
        raise SystemExit

    assert isinstance(worker.submit(leave, limit_s=1.0).exception(PATIENCE_S), SystemExit)
    assert worker.submit(lambda: 5, limit_s=1.0).result(PATIENCE_S) == 5


def test_a_call_that_does_not_return_is_given_up(worker, hung, wait_for, expect_log):
    """Its future fails with a sentence, its thread is counted, those behind it run in another; its result is lost."""
    sentence = "laser did not return from a call within 0.05 s"
    expect_log(f"{sentence}; its thread is left behind")
    before = abandoned_threads()
    stuck = worker.submit(hung.wait, limit_s=0.05)
    behind = worker.submit(threading.get_ident, limit_s=PATIENCE_S)
    with pytest.raises(DeviceStuckError, match=sentence):
        stuck.result(PATIENCE_S)
    assert behind.result(PATIENCE_S) != threading.get_ident()
    assert abandoned_threads() == before + 1
    hung.set()
    wait_for(lambda: abandoned_threads() == before)
    assert isinstance(stuck.exception(), DeviceStuckError)
    assert worker.submit(lambda: 3, limit_s=1.0).result(PATIENCE_S) == 3


def test_a_shorter_limit_after_a_longer_one_holds(worker, hung, expect_log):
    """The watch that sleeps until the end of a long limit is woken for a short one."""
    expect_log("laser did not return from a call within 0.05 s")
    assert worker.submit(lambda: 1, limit_s=3600.0).result(PATIENCE_S) == 1
    with pytest.raises(DeviceStuckError):
        worker.submit(hung.wait, limit_s=0.05).result(PATIENCE_S)


def test_the_limit_counts_from_the_begin_of_the_call(worker, hung):
    """A call may wait for those before it longer than it may run."""
    first = worker.submit(lambda: hung.wait(0.2), limit_s=PATIENCE_S)
    second = worker.submit(lambda: 2, limit_s=0.1)
    assert first.result(PATIENCE_S) is False
    assert second.result(PATIENCE_S) == 2


def test_a_call_can_be_cancelled_while_it_waits(worker, hung):
    """It never runs."""
    ran: list[int] = []
    first = worker.submit(hung.wait, limit_s=PATIENCE_S)
    second = worker.submit(lambda: ran.append(2), limit_s=1.0)
    assert second.cancel()
    hung.set()
    assert first.result(PATIENCE_S)
    assert worker.submit(lambda: 3, limit_s=1.0).result(PATIENCE_S) == 3
    assert ran == []


def test_a_call_may_submit_and_close(worker):
    """From inside a call both return at once."""

    def call():
        inner = worker.submit(lambda: 7, limit_s=1.0)
        return inner, worker.close(PATIENCE_S)

    inner, is_closed = worker.submit(call, limit_s=PATIENCE_S).result(PATIENCE_S)
    assert is_closed is True
    with pytest.raises(CancelledError):
        inner.result(PATIENCE_S)


def test_close_cancels_what_waits_and_ends_the_threads(hung):
    """Then it takes no more, and closing again is no error."""
    worker = DeviceWorker("laser")
    threads = threading.active_count()
    first = worker.submit(lambda: hung.wait(0.1), limit_s=PATIENCE_S)
    others = [worker.submit(lambda: 1, limit_s=1.0) for _ in range(3)]
    assert worker.close(PATIENCE_S) is True
    assert first.done()
    assert not wait(others, timeout=PATIENCE_S).not_done
    assert threading.active_count() == threads
    assert worker.close(PATIENCE_S) is True
    with pytest.raises(RuntimeError, match="the worker of laser is closed"):
        worker.submit(lambda: 1, limit_s=1.0)


def test_close_leaves_behind_what_does_not_end(hung, expect_log):
    """It returns in time, says so, and the call that hangs fails."""
    expect_log("laser did not end its last call within 0.05 s of closing; its thread is left behind")
    worker = DeviceWorker("laser")
    entered = threading.Event()
    stuck = worker.submit(lambda: (entered.set(), hung.wait()), limit_s=3600.0)
    assert entered.wait(PATIENCE_S)
    before = abandoned_threads()
    assert worker.close(0.05) is False
    assert abandoned_threads() == before + 1
    assert isinstance(stuck.exception(PATIENCE_S), DeviceStuckError)


@pytest.mark.parametrize("limit_s", [0.0, -1.0, float("inf"), float("nan")])
def test_a_limit_is_a_time(worker, limit_s):
    """There is no call without a limit."""
    with pytest.raises(ValueError, match="limit_s must be above 0 and finite"):
        worker.submit(lambda: 1, limit_s=limit_s)
