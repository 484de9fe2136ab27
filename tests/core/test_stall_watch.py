"""A loop that stands still is noticed from another thread, with what it was at."""

from __future__ import annotations

import time

import pytest

from dockscope.core.hub import Hub
from dockscope.core.messages import DataRecord, Kind
from dockscope.core.stall_watch import BEAT_S, STALL_S, Stall, StallWatch
from dockscope.core.wire import DataMessage

LONG_S = 0.2


def busy(seconds):
    """Take time as Python code does."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


@pytest.fixture
def watched():
    """``watched(work)`` beats, works and beats again as a loop does; returns the stalls that were told of."""
    watches = []

    def run(work, **options) -> list[Stall]:
        stalls: list[Stall] = []
        watch = StallWatch(stalls.append, **options)
        watches.append(watch)
        watch.start()
        watch.beat()
        stalls.clear()
        work()
        watch.beat()
        return stalls

    yield run
    for watch in watches:
        watch.stop()


def test_a_long_function_is_found_by_its_name(watched):
    """Length, processor time, and file:line function, the innermost first."""
    (stall,) = watched(lambda: busy(LONG_S))
    assert stall.duration_s >= LONG_S - BEAT_S
    assert stall.cpu_s > 0
    assert "core/test_stall_watch.py:" in stall.where
    assert stall.where.endswith(" busy")
    assert any(line.endswith("watched.<locals>.run") for line in stall.lines)


def test_what_waits_is_found_as_well(watched):
    """A thread that sleeps is stuck too, though it takes no processor time."""
    (stall,) = watched(lambda: time.sleep(LONG_S))
    assert stall.duration_s >= LONG_S - BEAT_S
    assert stall.cpu_s < LONG_S / 2
    assert "<lambda>" in stall.where


def test_what_is_short_is_no_stall(watched):
    """Work of a tenth of the bound is not told, however slow this machine is: it is given several tries."""
    assert any(not watched(lambda: busy(STALL_S / 10)) for _ in range(20))


def test_the_stall_says_what_the_program_was_at(watched):
    """The word of the program while it was stuck goes with it."""
    word = ["idle"]

    def work():
        word[0] = "painting Metrics"
        busy(LONG_S)
        word[0] = "idle"

    (stall,) = watched(work, doing=lambda: word[0])
    assert stall.doing == "painting Metrics"


def test_the_source_whose_messages_were_taken_is_named(watched):
    """A hub that is stuck in a message names the producer that sent it."""
    hub = Hub()
    hub.add("key of it", "dockscope://127.0.0.1:5560")
    hub.on_change = lambda: busy(LONG_S)
    hub.take_changes()
    record = DataRecord(1, 1.0)
    message = DataMessage(kind=Kind.DATA, stream="s", n=1, sent_ns=0, subscription=b"s" * 16, nbytes=10, message=record)
    (stall,) = watched(lambda: hub.receive("key of it", message))
    assert stall.source == "key of it"


def test_modules_that_only_hand_on_are_left_out(watched):
    """Code that measures does not stand where the measured code should."""
    (stall,) = watched(lambda: busy(LONG_S), unseen={__name__})
    assert not any("test_stall_watch.py" in line for line in stall.lines)


def test_after_stop_nothing_is_told():
    """A stopped watch has no thread, and beats of it do nothing."""
    stalls: list[Stall] = []
    watch = StallWatch(stalls.append)
    watch.start()
    watch.stop()
    time_before = time.perf_counter()
    busy(2 * STALL_S)
    watch.beat()
    assert time.perf_counter() - time_before > STALL_S
    assert stalls == []
