"""Who reads when: the sources of one event loop share a bounded stretch of each of its rounds.

A source that always has something to read would keep the loop from everything else, and eight of them would do so
eight times per round. So none reads by itself: each asks, and a round serves those that asked in their order, each for
its share of the time that all have together. Whoever needs less leaves the rest to those behind it; whoever was not
served is first in the next round. Between two rounds the loop does what else is due, such as painting.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

ROUND_S = 0.005
LEAST_SLICE_S = 0.0005

Work = Callable[[float], object]


class Turns:
    """Share the time of one event loop among those who read on it.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: deque[tuple[Work, asyncio.Future[None]]] = deque()
        self._armed = False

    async def take(self, work: Work) -> None:
        """Wait for the turn and do some work.

        Args:
            work: is called with the time of ``clock`` by which it has to return; what it raises is raised here.
        """
        from asyncio import get_running_loop  # the hub, which has turns, is made before the first paint

        loop = get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._asked.append((work, done))
        self._arm(loop)
        await done

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._armed:
            self._armed = True
            loop.call_soon(self._serve, loop)

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Serve one round; who asks meanwhile waits for the next."""
        self._armed = False
        until_s = self._clock() + ROUND_S
        for left in range(len(self._asked), 0, -1):
            left_s = until_s - self._clock()
            if left_s <= 0.0:
                break
            work, done = self._asked.popleft()
            if not done.done():  # else it was cancelled
                self._run(work, done, max(LEAST_SLICE_S, left_s / left))
        if self._asked:
            self._arm(loop)

    def _run(self, work: Work, done: asyncio.Future[None], slice_s: float) -> None:
        try:
            work(self._clock() + slice_s)
        except Exception as error:  # noqa: BLE001 - raised again in the one who asked
            done.set_exception(error)
        else:
            done.set_result(None)
