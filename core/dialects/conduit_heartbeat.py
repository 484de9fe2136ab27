"""Signs of life on a conduit connection: a ping now and then, and the end when nothing comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Heartbeat:
    """Ask for a sign of life in regular intervals.

    Whatever comes is one: data says as much as a pong. The original counts pongs alone.

    Args:
        interval_s: between two pings. patience_s: without any sign of life. ping: asks for one.
        silent: is called with the seconds of silence when patience is over.
    """

    def __init__(
        self, *, interval_s: float, patience_s: float, ping: Callable[[], None], silent: Callable[[float], None]
    ) -> None:
        self._interval_s, self._patience_s = interval_s, patience_s
        self._ping, self._silent = ping, silent
        self._heard_s = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; the first ping comes after one interval."""
        self.heard()
        self._timer = asyncio.get_running_loop().call_later(self._interval_s, self._beat)

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()

    def heard(self) -> None:
        """Take note of a sign of life."""
        self._heard_s = time.monotonic()

    def _beat(self) -> None:
        silence_s = time.monotonic() - self._heard_s
        left_s = self._patience_s - silence_s
        if left_s <= 0:
            self._silent(silence_s)
            return
        self._ping()
        self._timer = asyncio.get_running_loop().call_later(min(self._interval_s, left_s), self._beat)
