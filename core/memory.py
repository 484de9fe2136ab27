"""Hold several stores together under one bound of memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

import psutil

LARGEST_DEFAULT_BYTES = 4 * 1024**3
SLICE_S = 0.002  # of one call, after which the next one goes on; one step of a store comes on top
LONG_SLICE_S = 0.006  # the same when much more is held than may be
_STEPS = 64  # of the budget: so much is free when freeing ends, and grown before another try when nothing could be
_SMALLEST_STEP_BYTES = 1024**2


class Shrinkable(Protocol):
    """A store that can give memory back."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory held, spare room included."""
        ...

    def shrink(self, nbytes: int) -> int:
        """Free about so many bytes, least valuable first, within a few milliseconds.

        Returns:
            How many it were; at least 1 while it looks for what can be freed, 0 when nothing can.
        """
        ...


def default_budget_bytes() -> int:
    """Return a quarter of this machine's memory, at most 4 GiB."""
    return min(LARGEST_DEFAULT_BYTES, psutil.virtual_memory().total // 4)


class MemoryBudget:
    """Shrink the largest of some stores whenever they are over the bound together.

    So each store has the same share as soon as it wants it, and what one does not need is for the others.

    Args:
        stores: by name.
        nbytes: the bound; it can be changed at any time.
    """

    def __init__(self, stores: Mapping[str, Shrinkable], nbytes: int) -> None:
        self._stores = dict(stores)
        self._nbytes = nbytes
        self._try_from = nbytes

    @property
    def nbytes(self) -> int:
        """The bound."""
        return self._nbytes

    @nbytes.setter
    def nbytes(self, nbytes: int) -> None:
        self._nbytes = self._try_from = nbytes

    def usage(self) -> dict[str, int]:
        """Return the bytes of each store."""
        return {name: store.nbytes for name, store in self._stores.items()}

    def enforce(self) -> list[str]:
        """Free memory when there is too little; cheap when there is enough.

        It ends after some milliseconds, however much is over the bound; the next call goes on.

        Returns:
            Names of the stores that gave some.
        """
        usage = self.usage()
        if sum(usage.values()) <= self._try_from:
            return []
        much = self._nbytes + 2 * self._nbytes // _STEPS
        until = time.thread_time() + (SLICE_S if sum(usage.values()) < much else LONG_SLICE_S)
        wanted = self._nbytes - self._nbytes // _STEPS
        shrunk: dict[str, None] = {}
        stuck: set[str] = set()
        while (excess := sum(usage.values()) - wanted) > 0 and time.thread_time() < until:
            name = max(usage.keys() - stuck, key=lambda one: (usage[one], one), default=None)
            if name is None:
                # Nothing can be freed: not worth a try with every further message.
                self._try_from = sum(usage.values()) + self._nbytes // _STEPS
                return list(shrunk)
            store = self._stores[name]
            if store.shrink(min(excess, max(_SMALLEST_STEP_BYTES, self._nbytes // _STEPS))) > 0:
                shrunk[name] = None
            else:
                stuck.add(name)
            usage[name] = store.nbytes
        self._try_from = wanted if excess > 0 else self._nbytes
        return list(shrunk)
