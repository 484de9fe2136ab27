"""How much one client may send a second."""

from __future__ import annotations

import time
from collections.abc import Callable


class RateLimit:
    """Let as much through as flows in each second, with one second's worth saved up at most.

    Args:
        per_second: amount. clock: seconds, monotonic.
    """

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second, self._clock = per_second, clock
        self._left = float(per_second)
        self._at_s = clock()

    def allows(self, amount: float = 1) -> bool:
        """Take an amount and return True, or return False when there is not as much left."""
        self._refill()
        if self._left < amount:
            return False
        self._left -= amount
        return True

    def owe(self, amount: float) -> float:
        """Take an amount in any case; returns the seconds to wait until it is paid off."""
        self._refill()
        self._left -= amount
        return max(0.0, -self._left / self._per_second)

    def _refill(self) -> None:
        now_s = self._clock()
        self._left = min(self._per_second, self._left + (now_s - self._at_s) * self._per_second)
        self._at_s = now_s
