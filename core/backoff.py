"""How long to wait before the next attempt to connect."""

from __future__ import annotations

import random

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0


class Backoff:
    """Pauses that double, with jitter so that viewers do not march in step."""

    def __init__(self) -> None:
        self._attempts = 0

    def reset(self) -> None:
        """Start over: the last attempt succeeded."""
        self._attempts = 0

    def next_s(self) -> float:
        """Return the seconds to wait now."""
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**self._attempts)
        self._attempts = min(self._attempts + 1, 16)
        return pause_s * random.uniform(0.75, 1.0)  # noqa: S311 - spreads load, keeps no secret
