"""Hold several stores together under one bound of memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import psutil

LARGEST_DEFAULT_BYTES = 4 * 1024**3
_STEPS = 64  # of the budget: how much is freed at once, and grown before another try when nothing could be


class Shrinkable(Protocol):
    """A store that can give memory back."""

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        ...

    def shrink(self, nbytes: int) -> int:
        """Free about so many bytes, least valuable first; return how many it were."""
        ...


def default_budget_bytes() -> int:
    """Return a quarter of this machine's memory, at most 4 GiB."""
    return min(LARGEST_DEFAULT_BYTES, psutil.virtual_memory().total // 4)


class MemoryBudget:
    """Shrink the largest of some stores whenever they are over the bound together.

    Args:
        stores: by name.
        nbytes: the bound.
    """

    def __init__(self, stores: Mapping[str, Shrinkable], nbytes: int) -> None:
        self.nbytes = nbytes
        self._stores = dict(stores)
        self._try_from = nbytes

    def usage(self) -> dict[str, int]:
        """Return the bytes of each store."""
        return {name: store.nbytes for name, store in self._stores.items()}

    def enforce(self) -> list[str]:
        """Free memory when there is too little; cheap when there is enough.

        Returns:
            Names of the stores that gave some.
        """
        stores = self._stores.values()
        if sum(store.nbytes for store in stores) <= self._try_from:
            return []
        shrunk = []
        for name, store in sorted(self._stores.items(), key=lambda item: -item[1].nbytes):
            excess = sum(store.nbytes for store in stores) - self.nbytes
            if excess <= 0:
                break
            if store.shrink(excess + self.nbytes // _STEPS) > 0:
                shrunk.append(name)
        total = sum(store.nbytes for store in stores)
        self._try_from = self.nbytes if total <= self.nbytes else total + self.nbytes // _STEPS
        return shrunk
