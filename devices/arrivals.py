"""How many readings a second come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

OVER = 64  # readings
SILENT = 3.0  # usual intervals without a reading, after which the rate falls


class Arrivals:
    """Measure a rate over the last readings; it falls when none come.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=OVER)

    def note(self) -> None:
        """Take note that a reading came."""
        self._times.append(self._clock())

    def clear(self) -> None:
        """Forget what came: a pause is no slow rate."""
        self._times.clear()

    def rate_hz(self) -> float:
        """Return readings a second, 0 before the second."""
        times = list(self._times)
        if len(times) < 2 or times[-1] <= times[0]:
            return 0.0
        over_s, silent_s = times[-1] - times[0], self._clock() - times[-1]
        usual_s = over_s / (len(times) - 1)
        return (len(times) - 1) / (over_s if silent_s <= SILENT * usual_s else over_s + silent_s)
