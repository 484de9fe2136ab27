"""Thin frames to a rate that viewers can use; the last frame always gets through."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from .wire import Payload


class FrameRate:
    """Let at most ``max_fps`` frames a second pass in each stream, and hold the newest of the others.

    Args:
        max_fps: frames per second; None lets all pass.
        clock: seconds, monotonic.
    """

    def __init__(self, max_fps: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = 0.0 if max_fps is None else 1.0 / max_fps
        self._clock = clock
        self._due: dict[str, float] = {}
        self._held: dict[str, tuple[Payload, int]] = {}
        self.thinned: Counter[str] = Counter()  # frames by stream that newer ones took the place of

    def passes(self, payload: Payload, sent_ns: int) -> bool:
        """Tell whether a frame may go now; if not, it is held in place of the one held before."""
        if not self._interval_s:
            return True
        now = self._clock()
        if self._held.pop(payload.stream, None) is not None:
            self.thinned[payload.stream] += 1
        if now < self._due.get(payload.stream, 0.0):
            self._held[payload.stream] = (payload, sent_ns)
            return False
        self._due[payload.stream] = now + self._interval_s
        return True

    def take_due(self, everything: bool) -> list[tuple[Payload, int]]:
        """Hand over held frames whose time has come, or all of them."""
        now = self._clock()
        due = [stream for stream in self._held if everything or now >= self._due.get(stream, 0.0)]
        for stream in due:
            self._due[stream] = now + self._interval_s
        return [self._held.pop(stream) for stream in due]

    def take_held(self, stream: str) -> tuple[Payload, int] | None:
        """Hand over the held frame of one stream, due or not: what follows in that stream replaces its scene."""
        return self._held.pop(stream, None)

    def wait_s(self) -> float | None:
        """Tell in how many seconds a held frame is due; None when none is held."""
        if not self._held:
            return None
        return max(0.0, min(self._due.get(stream, 0.0) for stream in self._held) - self._clock())
