"""What the window's event loop spends its time on, written down while somebody looks at it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from ..core.durations import Durations
from ..core.stall_watch import Stall

HISTORY_S = 20.0
MOST_FRAMES = 4096
MOST_STALLS = 200


class Work:
    """Durations of one dock: of its refreshes and of its paints."""

    def __init__(self) -> None:
        self.refresh, self.paint = Durations(), Durations()

    @property
    def total_s(self) -> float:
        """All time it took."""
        return self.refresh.total_s + self.paint.total_s


class LoopRecorder:
    """Frame intervals, the work of each dock and the stalls since the last reset.

    Args:
        clock: seconds, monotonic. thread_clock: seconds of processor time of the window's thread.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.perf_counter,
        thread_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self.clock, self._thread_clock = clock, thread_clock
        self.doing = ""
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._began = self._now()
        self._paused: tuple[float, float] | None = None
        self.intervals = Durations()
        self.frames: deque[tuple[float, float]] = deque(maxlen=MOST_FRAMES)  # (when, interval), seconds
        self.works: dict[str, Work] = {}
        self.stalls: deque[Stall] = deque(maxlen=MOST_STALLS)
        self.stall_count = 0

    def pause(self) -> None:
        """Let the time until ``go_on`` not count."""
        self._paused = self._now()

    def go_on(self) -> None:
        """Record again after a pause."""
        if self._paused is not None:
            (wall_s, thread_s), self._paused = self._paused, None
            now = self._now()
            self._began = (self._began[0] + now[0] - wall_s, self._began[1] + now[1] - thread_s)

    @property
    def elapsed_s(self) -> float:
        """Recorded time since the last reset."""
        return max(1e-9, (self._paused or self._now())[0] - self._began[0])

    @property
    def thread_s(self) -> float:
        """Processor time that the window's thread used in that time."""
        return (self._paused or self._now())[1] - self._began[1]

    def _now(self) -> tuple[float, float]:
        return self.clock(), self._thread_clock()

    def frames_per_s(self, over_s: float = 2.0) -> float:
        """Return frames per second of late."""
        now = self.clock()
        over_s = min(over_s, max(self.elapsed_s, 0.1))
        return sum(1 for when, _ in self.frames if when > now - over_s) / over_s

    def frame(self, when: float, interval_s: float) -> None:
        """Take note of a frame of the clock."""
        self.intervals.add(interval_s)
        self.frames.append((when, interval_s))

    def stall(self, stall: Stall) -> None:
        """Take note of a stall."""
        self.stalls.append(stall)
        self.stall_count += 1

    def refresh(self, name: str, call: Callable[[], object]) -> None:
        """Call what brings a dock up to date and take its time, unless it returns False: there was nothing to do."""
        before, self.doing = self.doing, f"refreshing {name}"
        started = self.clock()
        did: object = None
        try:
            did = call()
        finally:
            if did is not False:
                self.work(name).refresh.add(self.clock() - started)
            self.doing = before

    def work(self, name: str) -> Work:
        """Return the durations of a dock, made when it is new."""
        work = self.works.get(name)
        if work is None:
            work = self.works[name] = Work()
        return work
