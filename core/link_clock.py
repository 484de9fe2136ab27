"""Round trips to a producer, and how far its clock is from ours."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, NamedTuple

KEPT_PINGS = 8
MAX_OPEN_PINGS = 16


class RoundTrip(NamedTuple):
    """Seconds there and back, and producer's clock minus ours in seconds."""

    round_trip_s: float
    offset_s: float


class LinkClock:
    """Measure with pings; the offset is that of the fastest of the last few, which waited least on its way."""

    def __init__(self) -> None:
        self._open: dict[bytes, tuple[int, int]] = {}
        self._trips: deque[RoundTrip] = deque(maxlen=KEPT_PINGS)

    def sent(self, id_: bytes) -> dict[str, int]:
        """Note that ping ``id_`` leaves now, and return its arguments."""
        while len(self._open) >= MAX_OPEN_PINGS:
            del self._open[next(iter(self._open))]
        sent_ns = time.time_ns()
        self._open[id_] = (sent_ns, time.monotonic_ns())
        return {"sent_ns": sent_ns}

    def answered(self, id_: bytes, result: Any) -> RoundTrip | None:
        """Take the answer to a ping.

        Args:
            id_: of the request. result: what the producer told, with its ``clock_ns``.

        Returns:
            The time of this round trip and the best offset so far; None when it was no ping of ours or told nothing.
        """
        sent = self._open.pop(id_, None)
        clock_ns = result.get("clock_ns") if isinstance(result, dict) else None
        if sent is None or type(clock_ns) is not int:
            return None
        round_trip_ns = time.monotonic_ns() - sent[1]
        # Cristian's rule: the producer looked at its clock half-way.
        offset_ns = clock_ns - (sent[0] + round_trip_ns // 2)
        self._trips.append(RoundTrip(round_trip_ns / 1e9, offset_ns / 1e9))
        best = min(self._trips)
        return RoundTrip(round_trip_ns / 1e9, best.offset_s)

    def is_open(self, id_: bytes) -> bool:
        """Tell whether ``id_`` is a ping that waits for its answer."""
        return id_ in self._open

    def forget(self) -> None:
        """Start again, as the producer is another one now."""
        self._open.clear()
        self._trips.clear()
