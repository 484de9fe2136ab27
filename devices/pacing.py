"""Ticks at a rate that does not drift."""

from __future__ import annotations

import threading
import time

MIN_RATE_HZ, MAX_RATE_HZ = 1e-6, 1e6
MADE_UP_S = 0.25


def checked_rate_hz(rate_hz: float) -> float:
    """Return a rate as a float.

    Raises:
        ValueError: it is not a number from 0.000001 to 1,000,000.
    """
    rate_hz = float(rate_hz)
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:  # also what is no number
        raise ValueError(f"sample_rate must be from {MIN_RATE_HZ:f} to {MAX_RATE_HZ:,.0f} Hz, not {rate_hz:g}")
    return rate_hz


class Schedule:
    """Tick n is due at start + n / rate: what a tick is late does not move those after it.

    Ticks up to 0.25 s late are made up at once, so that a fast stream keeps its rate when the machine has other things
    to do for a moment. After a longer delay all that are overdue but the newest are skipped.

    Args:
        rate_hz: ticks per second. start_s: when the first is due.

    Attributes:
        missed: ticks that were skipped.
    """

    def __init__(self, rate_hz: float, start_s: float) -> None:
        self.missed = 0
        self._interval_s = 1.0 / rate_hz
        self._start_s = start_s
        self._made_up = int(rate_hz * MADE_UP_S)
        self._next = 0

    def next_in_s(self, now_s: float) -> float:
        """Begin the next tick, and return the time until it is due in s, 0 or less when that has passed."""
        behind = int((now_s - self._start_s) / self._interval_s) - self._next
        if behind > self._made_up:
            self.missed += behind
            self._next += behind
        due_s = self._start_s + self._next * self._interval_s
        self._next += 1
        return due_s - now_s


class Pacer:
    """Waits for the ticks of one thread, the first at once."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = checked_rate_hz(rate_hz)
        self._schedule: Schedule | None = None
        self._is_stopped = False
        # Waiting for a bare lock takes a quarter of the time of waiting for an Event.
        self._halt = threading.Lock()
        self._halt.acquire()

    @property
    def missed(self) -> int:
        """Ticks that were skipped, as they passed while the thread was busy."""
        return self._schedule.missed if self._schedule else 0

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
        if self._schedule is None:
            self._schedule = Schedule(self._rate_hz, now_s)
        remaining_s = self._schedule.next_in_s(now_s)
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
