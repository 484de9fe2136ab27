"""The frame clock: what paints when."""

from __future__ import annotations

import time

import pytest
from PySide6.QtWidgets import QVBoxLayout, QWidget

from dockscope.core.hub import Change
from dockscope.gui.dock import Dock
from dockscope.gui.frame_clock import FrameClock
from dockscope.gui.frame_pace import MAXIMUM_INTERVAL_MS, MINIMUM_INTERVAL_MS

A, B = Change("metric", "p", "loss"), Change("log", "p", "")


class FakeDock(Dock):
    """Write down each refresh; may take its time or fail."""

    kind = "fake"

    def __init__(self, context, only="", busy_s=0.0, fails=False):
        super().__init__(context)
        self.only, self.busy_s, self.fails = only, busy_s, fails
        self.seen = []
        self.times = []
        self.texts = 0

    def concerns(self, change):
        return not self.only or change.kind == self.only

    def refresh(self, changes):
        self.seen.append(changes)
        self.times.append(time.perf_counter())
        until = time.perf_counter() + self.busy_s
        while time.perf_counter() < until:
            pass
        if self.fails:
            raise RuntimeError("broken dock")

    def refresh_text(self):
        self.texts += 1
        if self.fails:
            raise RuntimeError("broken text")


class FakeWindow(QWidget):
    """Hold docks as a window does."""

    def __init__(self, *docks):
        super().__init__()
        column = QVBoxLayout(self)
        for dock in docks:
            column.addWidget(dock)


@pytest.fixture
def hub_marks(hub):
    """``hub_marks()`` makes a change as an arriving message does."""
    return lambda change=A: hub.clear(*change)


@pytest.fixture
def shown(qtbot, context):
    """``shown(dock…)`` puts docks into a window and waits for their first frame."""
    windows = []

    def show(*docks):
        window = FakeWindow(*docks)
        windows.append(window)
        qtbot.addWidget(window)
        window.show()
        qtbot.waitUntil(lambda: all(dock.seen for dock in docks))
        for dock in docks:
            dock.seen.clear()
            dock.times.clear()
        return window

    return show


def test_nothing_paints_without_a_change(context, shown, qtbot):
    """After the first frame the clock stands still until something changes."""
    dock = FakeDock(context)
    shown(dock)
    frames = context.clock.frames
    with qtbot.assertNotEmitted(context.clock.ticked, wait=80):
        pass
    assert context.clock.frames == frames
    assert dock.seen == []


def test_the_first_change_arms_a_frame_with_the_changes(context, shown, qtbot, hub_marks):
    """All changes until the frame come in one refresh; only docks that are concerned are called."""
    one, other = FakeDock(context, only="metric"), FakeDock(context, only="log")
    shown(one, other)
    hub_marks(A)
    hub_marks(A)
    qtbot.waitUntil(lambda: bool(one.seen))
    assert one.seen == [{A}]
    assert other.seen == []


def test_at_most_one_frame_per_16_ms(context, shown, qtbot, hub_marks):
    """However many changes come, frames keep their distance."""
    dock = FakeDock(context)
    shown(dock)
    context.clock.ticked.connect(hub_marks)
    hub_marks()
    qtbot.waitUntil(lambda: len(dock.times) >= 8)
    context.clock.ticked.disconnect(hub_marks)
    gaps_ms = [(later - earlier) * 1e3 for earlier, later in zip(dock.times, dock.times[1:], strict=False)]
    assert min(gaps_ms) >= MINIMUM_INTERVAL_MS - 1.5  # Qt's timer counts whole milliseconds


def test_a_hidden_dock_is_not_refreshed_and_gets_everything_when_shown(context, shown, qtbot, hub_marks):
    """Hidden: no call at all, not even for texts. Shown again: one full refresh."""
    hidden, other = FakeDock(context), FakeDock(context)
    shown(hidden, other)
    hidden.hide()
    texts = hidden.texts
    hub_marks(A)
    qtbot.waitUntil(lambda: bool(other.seen))
    with qtbot.waitSignal(context.clock.text_ticked):
        pass
    assert hidden.seen == []
    assert hidden.texts == texts
    hidden.show()
    qtbot.waitUntil(lambda: bool(hidden.seen))
    assert hidden.seen == [None]


def test_freeze_stops_painting_only(context, shown, qtbot, hub, hub_marks):
    """While frozen changes are taken, nobody is called; afterwards every dock is refreshed fully."""
    dock = FakeDock(context)
    shown(dock)
    context.clock.set_frozen(True)
    texts = dock.texts
    armed = []
    hub.on_change = lambda: (armed.append(1), context.clock.arm())
    qtbot.waitUntil(lambda: hub_marks(A) or len(armed) >= 3)  # the first change after each taking arms
    with qtbot.waitSignal(context.clock.text_ticked):
        pass
    assert dock.seen == []
    assert dock.texts == texts
    assert context.clock.frozen_since is not None
    context.clock.set_frozen(False)
    qtbot.waitUntil(lambda: bool(dock.seen))
    assert dock.seen == [None]
    assert context.clock.frozen_since is None


def test_a_broken_dock_does_not_stop_the_others(context, shown, qtbot, hub_marks, expect_log):
    """A dock that raises is named in the log; the other goes on, in frames and in texts."""
    expect_log("could not be refreshed", logger="dockscope.gui.frame_clock", at_least=2)
    broken, good = FakeDock(context, fails=True), FakeDock(context)
    shown(broken, good)
    hub_marks(A)
    qtbot.waitUntil(lambda: good.seen == [{A}])
    with qtbot.waitSignal(context.clock.text_ticked):
        broken.texts = good.texts = 0
    assert good.texts >= 1
    assert broken.texts >= 1


def test_a_dock_that_stays_broken_is_told_once(context, shown, qtbot, hub_marks, log_watch):
    """Sixty equal records a second would bury everything else; what it fails with next is told again."""
    log_watch.expect("could not be refreshed", logger="dockscope.gui.frame_clock", at_least=2)
    broken = FakeDock(context, fails=True)
    shown(broken)
    for _ in range(3):
        frames = len(broken.seen)
        hub_marks(A)
        qtbot.waitUntil(lambda frames=frames: len(broken.seen) > frames)
    qtbot.waitUntil(lambda: broken.texts >= 2)
    assert len(log_watch.seen("could not be refreshed", logger="dockscope.gui.frame_clock")) == 2


def test_the_interval_stretches_when_painting_takes_too_long_and_relaxes_again(context, shown, qtbot, hub_marks):
    """Painting that fills the loop makes frames rarer, up to a bound; light painting brings 60 Hz back."""
    dock = FakeDock(context, busy_s=0.03)
    shown(dock)
    context.clock.ticked.connect(hub_marks)

    def more_than_the_loop_can_take():
        time.sleep(0.02)  # other work of the loop, which makes the next tick late

    context.clock.ticked.connect(more_than_the_loop_can_take)
    hub_marks()
    qtbot.waitUntil(lambda: context.clock.interval_ms > 2 * MINIMUM_INTERVAL_MS)
    context.clock.ticked.disconnect(more_than_the_loop_can_take)
    dock.busy_s = 0.0
    hub_marks()
    qtbot.waitUntil(lambda: context.clock.interval_ms == MINIMUM_INTERVAL_MS)
    context.clock.ticked.disconnect(hub_marks)
    assert context.clock.interval_ms <= MAXIMUM_INTERVAL_MS


def test_a_disposed_dock_is_never_called_again(context, shown, qtbot, hub_marks):
    """A dock that is gone for good has left the clock and the theme."""
    gone, other = FakeDock(context), FakeDock(context)
    shown(gone, other)
    gone.dispose()
    hub_marks(A)
    qtbot.waitUntil(lambda: bool(other.seen))
    context.themes.choose("light")
    qtbot.waitUntil(lambda: None in other.seen)
    assert gone.seen == []


def test_a_stopped_clock_does_nothing(qtbot):
    """After stop there is no frame and no text, whatever arms it."""
    clock = FrameClock(set)
    clock.stop()
    with qtbot.assertNotEmitted(clock.text_ticked, wait=300):
        pass
