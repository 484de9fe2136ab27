"""Free memory of many curves in short slices of time: the oldest raw samples of all of them go first."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Collection, Iterator

from .curve import Curve

KEPT_SAMPLES = (4096, 1024, 256, 64)  # newest samples of each curve that stay raw as long as others can give more
_CURVES_AT_ONCE = 64  # looked at between two looks at the clock


class OldestFirst:
    """Thin curves in the order of their oldest raw sample, so that all keep raw samples from about the same time on.

    A slow curve keeps its newest samples though they are older than those of a fast one, as long as that is possible.
    When no raw samples are left to give, what was thinned before is thinned again, that of the longest curve first.

    Args:
        curves: returns the curves there are.
    """

    def __init__(self, curves: Callable[[], Collection[Curve]]) -> None:
        self._curves = curves
        self._scan: Iterator[Curve] | None = None
        self._stage = 0  # index of KEPT_SAMPLES; beyond them samples are thinned again
        self._queue: list[tuple[float, int, Curve]] = []

    def thin(self, is_enough: Callable[[], bool], slice_s: float) -> bool:
        """Thin until there is enough or the time is over; the next call goes on from there.

        Returns:
            False when nothing can be thinned.
        """
        until = time.thread_time() + slice_s
        while not is_enough() and time.thread_time() < until:
            if self._scan is not None:
                self._look_at_some(self._scan)
            elif self._queue:
                self._thin_oldest()
            elif self._stage < 0:
                self._stage = 0
                return False
            else:
                self._scan = iter(list(self._curves()))
        return True

    def forget(self) -> None:
        """Start anew, since curves were removed."""
        self._scan, self._stage, self._queue = None, 0, []

    def _rank(self, curve: Curve) -> float | None:
        """Return the place of a curve in the queue, None when it has nothing to give at this stage."""
        if self._stage < len(KEPT_SAMPLES):
            return curve.oldest_raw(KEPT_SAMPLES[self._stage])
        return -float(len(curve)) if curve.can_be_thinned_again else None

    def _look_at_some(self, scan: Iterator[Curve]) -> None:
        for _ in range(_CURVES_AT_ONCE):
            curve = next(scan, None)
            if curve is None:
                self._scan = None
                if not self._queue:
                    self._stage = self._stage + 1 if self._stage < len(KEPT_SAMPLES) else -1
                return
            self._put(curve)

    def _put(self, curve: Curve) -> None:
        rank = self._rank(curve)
        if rank is not None:
            heapq.heappush(self._queue, (rank, id(curve), curve))

    def _thin_oldest(self) -> None:
        noted, _, curve = heapq.heappop(self._queue)
        rank = self._rank(curve)
        if rank is None:
            pass
        elif rank > noted and self._queue and rank > self._queue[0][0]:
            self._put(curve)  # others are older by now
        elif self._stage < len(KEPT_SAMPLES):
            curve.thin(KEPT_SAMPLES[self._stage])
            self._put(curve)
        else:
            curve.thin_again()  # once in a round: the others follow
        if not self._queue:
            self._stage = 0  # meanwhile there may be raw samples again
