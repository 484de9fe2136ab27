"""A bounded queue between the thread that acquires and the thread that calls back."""

from __future__ import annotations

import enum
import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")

GATHER_S = 0.01


class Policy(enum.StrEnum):
    """What happens to a sample when the queue is full.

    DROP_OLDEST: the sample that waits longest gives way. DROP_NEWEST: the new one is dropped. BLOCK: acquisition waits
    for room. DECIMATE: every second waiting sample is dropped, and from then on only every second new one is taken,
    every fourth when it fills again, and so on until the queue has run dry: what is left is spread over the whole time.
    """

    DROP_OLDEST = "drop_oldest"
    DROP_NEWEST = "drop_newest"
    BLOCK = "block"
    DECIMATE = "decimate"


def checked_policy(policy: str) -> Policy:
    """Return the policy of this name.

    Raises:
        ValueError: there is none.
    """
    try:
        return Policy(policy)
    except ValueError:
        raise ValueError(f"policy must be one of {', '.join(Policy)}, not {policy!r}") from None


class SampleQueue(Generic[T]):
    """Samples in order, from one thread to another.

    The thread that takes is woken only when it sleeps: by the first sample or, in a fast stream, by several at once,
    since changing threads for each costs more than all else.

    Args:
        size: how many may wait. policy: what happens beyond.
        rate_hz: of the samples that are expected; they are gathered for up to 10 ms.
    """

    def __init__(self, size: int, policy: str = Policy.DROP_OLDEST, *, rate_hz: float = 0.0) -> None:
        if size < 1:
            raise ValueError(f"queue_size must be at least 1, not {size}")
        self._size = size
        self._policy = checked_policy(policy)
        self._samples: deque[T] = deque()
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._emptied = threading.Condition(self._lock)
        self._gathered = max(1, min(int(rate_hz * GATHER_S), size // 2))
        self._is_closed = False
        self._dropped = 0
        self._stride = 1  # of DECIMATE: one of so many new samples is taken
        self._skipped = 0  # and so many came since

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def dropped(self) -> int:
        """Samples that were put and will not be taken."""
        return self._dropped

    def put(self, sample: T) -> bool:
        """Add a sample.

        Returns:
            Whether it waits now; False when it was dropped or the queue is closed.
        """
        with self._lock:
            if self._policy is Policy.BLOCK:
                self._emptied.wait_for(lambda: self._is_closed or len(self._samples) < self._size)
            if self._is_closed or not self._has_place():
                self._dropped += 1
                return False
            self._samples.append(sample)
            if len(self._samples) >= self._gathered:
                self._filled.notify()
            return True

    def get(self) -> T | None:
        """Wait for a sample and take it; None when the queue is closed and empty."""
        with self._lock:
            if not self._samples:
                self._wait()
            if not self._samples:
                return None
            sample = self._samples.popleft()
            if not self._samples:
                self._stride, self._skipped = 1, 0
            self._emptied.notify()
            return sample

    def close(self, *, discard: bool = False) -> None:
        """Take no more samples; those that wait can still be taken, or are discarded and counted as dropped."""
        with self._lock:
            self._is_closed = True
            if discard:
                self._dropped += len(self._samples)
                self._samples.clear()
            self._filled.notify_all()
            self._emptied.notify_all()

    def _wait(self) -> None:
        """Wait for enough samples, or for those that came within 10 ms, or for the end."""
        limit_s = GATHER_S if self._gathered > 1 else None
        while not (self._samples or self._is_closed):
            self._filled.wait_for(lambda: len(self._samples) >= self._gathered or self._is_closed, limit_s)

    def _has_place(self) -> bool:
        if self._policy is Policy.DECIMATE:
            return self._is_due()
        if len(self._samples) < self._size:
            return True
        if self._policy is Policy.DROP_NEWEST:
            return False
        self._samples.popleft()
        self._dropped += 1
        return True

    def _is_due(self) -> bool:
        self._skipped += 1
        if self._skipped >= self._stride and self._size > 1 and len(self._samples) >= self._size:
            self._thin()
        if self._skipped < self._stride or len(self._samples) >= self._size:
            return False
        self._skipped = 0
        return True

    def _thin(self) -> None:
        """Drop every second waiting sample, and space those to come as widely as those that are left."""
        count = len(self._samples)
        self._samples = deque(list(self._samples)[::2])
        self._dropped += count - len(self._samples)
        if count % 2 == 0:  # the last of them was dropped
            self._skipped += self._stride
        self._stride *= 2
