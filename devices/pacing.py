"""Ticks at a rate that does not drift."""

from __future__ import annotations

import math
import threading
import time

MAX_RATE_HZ = 1e6


def checked_rate_hz(rate_hz: float) -> float:
    """Return a rate as a float.

    Raises:
        ValueError: it is not a number above 0 and at most 1,000,000.
    """
    rate_hz = float(rate_hz)
    if not (math.isfinite(rate_hz) and 0 < rate_hz <= MAX_RATE_HZ):
        raise ValueError(f"sample_rate must be above 0 and at most {MAX_RATE_HZ:,.0f} Hz, not {rate_hz:g}")
    return rate_hz


class Pacer:
    """Waits for the ticks of one thread, tick n at start + n / rate, the first at once.

    Each deadline is absolute: what a tick is late does not move those after it. Ticks that passed while the thread was
    busy are skipped and counted.

    Attributes:
        missed: ticks that were skipped.
    """

    def __init__(self, rate_hz: float) -> None:
        self.missed = 0
        self._interval_s = 1.0 / checked_rate_hz(rate_hz)
        self._start_s: float | None = None
        self._next = 0
        # Waiting for a bare lock takes a quarter of the time of waiting for an Event.
        self._halt = threading.Lock()
        self._halt.acquire()
        self._is_stopped = False

    @property
    def is_stopped(self) -> bool:
        """Tell whether ``stop`` was called."""
        return self._is_stopped

    def wait(self) -> bool:
        """Wait for the next tick.

        Returns:
            Whether it came; False after ``stop``.
        """
        now_s = time.perf_counter()
        if self._start_s is None:
            self._start_s = now_s
        behind = int((now_s - self._start_s) / self._interval_s) - self._next
        if behind > 0:
            self.missed += behind
            self._next += behind
        remaining_s = self._start_s + self._next * self._interval_s - now_s
        self._next += 1
        if remaining_s > 0 and not self._is_stopped:
            self._halt.acquire(timeout=remaining_s)
        return not self._is_stopped

    def stop(self) -> None:
        """End the wait that runs and all that follow; any thread may."""
        self._is_stopped = True
        try:
            self._halt.release()
        except RuntimeError:  # it is released already
            pass
