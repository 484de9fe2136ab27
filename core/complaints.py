"""Say what is wrong once per cause and five seconds, however often it happens."""

from __future__ import annotations

import time
from collections.abc import Callable

INTERVAL_S = 5.0
MAX_LENGTH = 140
MAX_CAUSES = 64


class Complaints:
    """Count repeated problems and let one sentence per cause pass in each interval.

    Args:
        tell: takes the sentence.
        clock: seconds, monotonic.
    """

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.count = 0
        self._tell = tell
        self._clock = clock
        self._silent_until: dict[str, float] = {}

    def complain(self, cause: str, sentence: str) -> None:
        """Tell of a problem unless its cause was told lately; the sentence is cut to 140 characters."""
        self.count += 1
        now = self._clock()
        if now < self._silent_until.get(cause, 0.0):
            return
        if len(self._silent_until) >= MAX_CAUSES:
            self._silent_until.clear()
        self._silent_until[cause] = now + INTERVAL_S
        self._tell(sentence[:MAX_LENGTH])
