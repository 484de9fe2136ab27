"""Threads that did not end in time: they are left behind, told of and counted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable

logger = logging.getLogger("dockscope.devices")

STOP_LIMIT_S = 10.0


def stop_limit_s(timeout: float | None) -> float:
    """Return how long a stop with this time-out waits in s; there is none that waits for ever."""
    return STOP_LIMIT_S if timeout is None else min(max(0.0, timeout), threading.TIMEOUT_MAX)


class AbandonedThreads:
    """The threads that were given up and still live, stuck in a call that does not return."""

    def __init__(self) -> None:
        self._threads: set[threading.Thread] = set()
        self._lock = threading.Lock()

    def add(self, threads: Iterable[threading.Thread], sentence: str) -> None:
        """Count threads as given up and log why, in a sentence."""
        with self._lock:
            self._threads.update(threads)
        logger.warning("%s", sentence)

    def count(self) -> int:
        """Return how many of them have not ended yet."""
        with self._lock:
            self._threads = {thread for thread in self._threads if thread.is_alive()}
            return len(self._threads)


_abandoned = AbandonedThreads()
abandon = _abandoned.add
abandoned_threads = _abandoned.count
