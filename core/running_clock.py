"""Time as this process lived it: a viewer that was stopped for ten seconds has not waited for ten seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST_TICK_S = 0.25


class RunningClock:
    """A clock that advances with ``tick`` only, and by at most a quarter of a second each time.

    Args:
        monotonic_s: the clock behind it, seconds.
    """

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._last_s = monotonic_s()
        self.now_s = 0.0

    def tick(self) -> float:
        """Advance, and return by how many seconds."""
        last_s, self._last_s = self._last_s, self._monotonic_s()
        passed_s = min(self._last_s - last_s, LONGEST_TICK_S)
        self.now_s += passed_s
        return passed_s
