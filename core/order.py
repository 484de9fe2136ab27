"""Places in order of first appearance: what gives a curve or a producer a colour that stays."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Order(Generic[K]):
    """Give each key the smallest place that is free when it first appears, and keep it."""

    def __init__(self) -> None:
        self.places: dict[K, int] = {}
        self._free: list[int] = []

    def place(self, key: K) -> int:
        """Return the place of a key, 0 for the first."""
        known = self.places.get(key)
        if known is None:
            known = self.places[key] = heapq.heappop(self._free) if self._free else len(self.places)
        return known

    def release(self, keys: Iterable[K]) -> None:
        """Make the places of these keys free for others."""
        for key in keys:
            heapq.heappush(self._free, self.places.pop(key))
