"""Which loops of the watched program take part in pausing: threads and tasks that called checkpoint lately."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

ACTIVE_S = 5.0
Owner = threading.Thread | asyncio.Task  # pyright: ignore[reportMissingTypeArgument]


class Loop:
    """One thread or task that calls checkpoint."""

    __slots__ = ("blocked", "owner", "seen")

    def __init__(self, owner: Owner, seen: float) -> None:
        self.owner = owner
        self.seen = seen
        self.blocked = False

    def alive(self) -> bool:
        """Tell whether its thread or task still runs."""
        owner = self.owner
        return owner.is_alive() if isinstance(owner, threading.Thread) else not owner.done()


class LoopRegistry:
    """Loops by their thread or task; a loop that has not called for 5 s no longer counts.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._loops: dict[Owner, Loop] = {}

    def find(self, owner: Owner) -> Loop | None:
        """Give the loop of a thread or task, when it has one."""
        return self._loops.get(owner)

    def enter(self, owner: Owner) -> tuple[Loop, bool]:
        """Note that ``owner`` has reached a checkpoint.

        Returns:
            Its loop, and whether it is new or has been away.
        """
        now = self._clock()
        loop = self._loops.get(owner)
        if loop is None:
            loop = self._loops[owner] = Loop(owner, now)
            return loop, True
        away = now - loop.seen > ACTIVE_S
        loop.seen = now
        return loop, away

    def touch(self, loop: Loop) -> None:
        """Note that the loop is alive, without a lock: one store."""
        loop.seen = self._clock()

    def prune(self) -> None:
        """Forget loops that ended or went silent; one that is blocked is not silent."""
        now = self._clock()
        for owner, loop in list(self._loops.items()):
            if not loop.alive() or (not loop.blocked and now - loop.seen > ACTIVE_S):
                self._loops.pop(owner, None)

    def all_blocked(self) -> bool:
        """Tell whether every active loop, and at least one, is blocked in a checkpoint."""
        self.prune()
        return bool(self._loops) and all(loop.blocked for loop in self._loops.values())

    def any_blocked(self) -> bool:
        """Tell whether some loop is blocked in a checkpoint."""
        return any(loop.blocked for loop in self._loops.values())
