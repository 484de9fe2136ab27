"""What the threads of a device tell, waiting for the loop, which is woken once for all that waits."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import Any, NamedTuple

from .instrument import Instrument, InstrumentState

MOST_WAITING = 100_000  # readings, for a loop that is busy
MOST_FAULTS = 1_000
GAP = None  # stands between readings where some are missing

Item = tuple[float, Any] | None


class StateNews(NamedTuple):
    """A device does something else now; ``detail`` is a sentence, or ""."""

    state: InstrumentState
    detail: str


class DeviceInbox:
    """Take what one instrument tells, from any thread, until it is shut.

    Attributes:
        news, faults, readings: what waits, oldest first. overrun: readings that found no room.
        is_shut: nothing more is taken.
    """

    def __init__(self) -> None:
        self.news: deque[StateNews] = deque()
        self.faults: deque[str] = deque(maxlen=MOST_FAULTS)
        self.readings: deque[Item] = deque()
        self.overrun = 0
        self.is_shut = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._filled = asyncio.Event()
        self._is_woken = self._is_full = False
        self._lock = threading.Lock()

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have it read on a loop."""
        self._loop = loop

    @property
    def is_filled(self) -> bool:
        """Whether the loop was woken and has not looked yet."""
        return self._filled.is_set()

    async def filled(self) -> None:
        """Wait until there is something new."""
        await self._filled.wait()
        self._filled.clear()

    def shut(self) -> None:
        """Take nothing more: the loop may end."""
        with self._lock:
            self.is_shut = True

    def on_change(self, instrument: Instrument) -> None:
        """Take a state; where a stream ends, readings are missing."""
        news = StateNews(instrument.state, instrument.detail)
        if news.state is not InstrumentState.STREAMING:
            self.mark_gap()
        self.news.append(news)
        self.wake()

    def on_samples(self, _: Instrument, samples: list[tuple[float, Any]]) -> None:
        """Take readings; those that find no room are counted."""
        if len(self.readings) >= MOST_WAITING:
            self.overrun += len(samples)
            self._is_full = True
            return
        if self._is_full:
            self._is_full = False
            self.mark_gap()
        self.readings.extend(samples)
        self.wake()

    def on_fault(self, _: Instrument, sentence: str) -> None:
        """Take a fault."""
        self.faults.append(sentence)
        self.wake()

    def mark_gap(self) -> None:
        """Say that readings are missing here, once until the next one."""
        try:
            is_marked = self.readings[-1] is GAP
        except IndexError:
            is_marked = False
        if not is_marked:
            self.readings.append(GAP)

    def wake(self) -> None:
        """Have the loop look."""
        with self._lock:
            if self._is_woken or self.is_shut or self._loop is None:
                return
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._on_woken)

    def _on_woken(self) -> None:
        with self._lock:
            self._is_woken = False
        self._filled.set()
