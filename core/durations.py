"""How long something took, over and over: the last lengths, and percentiles of them."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass

KEPT = 1024


@dataclass(frozen=True)
class Spread:
    """Percentiles of durations by the nearest rank, all in seconds."""

    last_s: float
    p50_s: float
    p99_s: float
    max_s: float


class Durations:
    """The last durations of one kind, and the sum of all there were.

    Args:
        kept: of how many the percentiles are.
    """

    __slots__ = ("_kept", "_lengths", "count", "total_s")

    def __init__(self, kept: int = KEPT) -> None:
        self.count = 0
        self.total_s = 0.0
        self._kept = kept
        self._lengths = array("d")

    def add(self, length_s: float) -> None:
        """Take one duration, seconds."""
        if len(self._lengths) < self._kept:
            self._lengths.append(length_s)
        else:
            self._lengths[self.count % self._kept] = length_s
        self.count += 1
        self.total_s += length_s

    def spread(self) -> Spread | None:
        """Return percentiles of the kept durations, None before the first."""
        if not self.count:
            return None
        ascending = sorted(self._lengths)
        return Spread(
            self._lengths[(self.count - 1) % self._kept],
            _rank(ascending, 0.50),
            _rank(ascending, 0.99),
            ascending[-1],
        )


def _rank(ascending: list[float], share: float) -> float:
    return ascending[max(0, math.ceil(share * len(ascending)) - 1)]
