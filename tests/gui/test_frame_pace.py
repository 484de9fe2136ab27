"""The interval between frames follows what painting leaves to the loop."""

from __future__ import annotations

import pytest

from dockscope.gui.frame_pace import MAXIMUM_INTERVAL_MS, MINIMUM_INTERVAL_MS, FramePace


class Loop:
    """A loop of which each frame takes some work, and others compute in what is left."""

    def __init__(self) -> None:
        self.now_s = self.computed_s = 0.0
        self.pace = FramePace(lambda: self.now_s, lambda: self.computed_s)

    def frame(self, work_s: float, *, rests: bool, late_ms: float = 0.0) -> None:
        passed_s = max(work_s, self.pace.interval_ms / 1e3)
        self.now_s += passed_s
        self.computed_s += work_s if rests else passed_s
        self.pace.worked(work_s)
        self.pace.tick(late_ms)

    def frames(self, work_s: float, *, rests: bool) -> float:
        for _ in range(100):
            self.frame(work_s, rests=rests)
        return self.pace.interval_ms


@pytest.mark.parametrize("work_ms", [12, 15, 30])
def test_a_loop_that_never_rests_keeps_a_quarter_of_its_time(work_ms):
    """While others always have something to do, painting gets at most three quarters of the time, not much less."""
    interval_ms = Loop().frames(work_ms / 1e3, rests=False)
    assert work_ms / 0.75 <= interval_ms <= 2 * work_ms


def test_painting_may_fill_a_loop_that_rests():
    """Nobody waits: frames come as often as they can, whatever they take."""
    assert Loop().frames(0.014, rests=True) == MINIMUM_INTERVAL_MS


def test_light_painting_never_stretches():
    """A loop that is full of other work is painted 60 times a second as long as there is time for it."""
    assert Loop().frames(0.004, rests=False) == MINIMUM_INTERVAL_MS


def test_frames_that_come_late_give_way_up_to_a_bound_and_come_back():
    """Whatever holds the loop up, also paints that nobody told of, makes frames rarer for as long as it lasts."""
    loop = Loop()
    for _ in range(30):
        loop.frame(0.001, rests=True, late_ms=60.0)
    assert loop.pace.interval_ms == MAXIMUM_INTERVAL_MS
    assert loop.frames(0.001, rests=True) == MINIMUM_INTERVAL_MS
