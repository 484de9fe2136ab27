"""How far apart frames are: 16 ms, and more while painting would leave the loop too little for everything else."""

from __future__ import annotations

import time
from collections.abc import Callable

MINIMUM_INTERVAL_MS = 16.0
MAXIMUM_INTERVAL_MS = 100.0
STRETCH, RELAX = 1.25, 0.9
MOST_LATE = 0.5  # of the interval
PAINTING_SHARE = 0.75  # of a loop that never rests
RESTLESS = 0.9  # of the time the thread computes
SLACK = 0.8  # below so much of the share there is room for more frames


class FramePace:
    """Choose the interval between frames.

    A tick that comes late shows that others hold the loop up. One that comes in time may still leave them too little:
    when the thread never rests and painting takes more than three quarters of it, frames give way. While the thread
    rests, nobody waits, and painting may take what it likes.

    Args:
        clock: seconds, monotonic. thread_clock: seconds of processor time of the window's thread.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.perf_counter,
        thread_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self.interval_ms = MINIMUM_INTERVAL_MS
        self._clock, self._thread_clock = clock, thread_clock
        self._work_s = 0.0
        self._began = (clock(), thread_clock())

    def worked(self, seconds: float) -> None:
        """Note time that refreshing or painting took since the last tick."""
        self._work_s += seconds

    def tick(self, late_ms: float) -> None:
        """Adapt the interval.

        Args:
            late_ms: how long after it was due this tick came.
        """
        now = (self._clock(), self._thread_clock())
        passed_s, computed_s = now[0] - self._began[0], now[1] - self._began[1]
        work_s, self._work_s, self._began = self._work_s, 0.0, now
        is_restless = computed_s > RESTLESS * passed_s
        if late_ms > MOST_LATE * self.interval_ms or (is_restless and work_s > PAINTING_SHARE * passed_s):
            self.interval_ms = min(MAXIMUM_INTERVAL_MS, self.interval_ms * STRETCH)
        elif not is_restless or work_s < SLACK * PAINTING_SHARE * passed_s:
            self.interval_ms = max(MINIMUM_INTERVAL_MS, self.interval_ms * RELAX)
