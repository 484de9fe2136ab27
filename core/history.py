"""Numbered messages of every stream, kept for viewers that come late or are slow."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from .messages import Kind
from .metric_history import MetricHistory
from .wire import Payload

Key = tuple[Kind, str]
MAX_STREAMS = 65_536

# how many messages of a stream are retained, and how many of the newest wait for a viewer without credit
RETAINED = {
    Kind.SPECTRUM: 600,
    Kind.SCENE: 1,
    Kind.FRAME: 64,
    Kind.DATA: 1,
    Kind.LOG: 1000,
    Kind.STATUS: 1,
    Kind.CONTROL: 1,
    Kind.HEARTBEAT: 1,
    Kind.SERIES: None,
}
WAITING = {Kind.SPECTRUM: 64, Kind.LOG: 1000, Kind.SERIES: 2**62}


class Stored(NamedTuple):
    """A message with its number."""

    payload: Payload
    n: int
    sent_ns: int


class StreamHistory:
    """The newest messages of one stream.

    Args:
        kind: decides how many.
    """

    def __init__(self, kind: Kind) -> None:
        self.next = 1
        self.nbytes = 0
        self.kept: deque[Stored] = deque()
        self._limit = RETAINED[kind]

    def append(self, payload: Payload, sent_ns: int) -> Stored:
        """Number a message and keep it."""
        stored = Stored(payload, self.next, sent_ns)
        self.next += 1
        self.kept.append(stored)
        self.nbytes += payload.nbytes
        while self._limit is not None and len(self.kept) > self._limit:
            self.drop_oldest()
        return stored

    def drop_oldest(self) -> None:
        """Forget the oldest message."""
        self.nbytes -= self.kept.popleft().payload.nbytes

    def clear(self) -> None:
        """Forget all messages; the numbers go on."""
        self.kept.clear()
        self.nbytes = 0

    def since(self, n: int) -> Stored | None:
        """Give the oldest retained message from number ``n`` on."""
        if n >= self.next or not self.kept:
            return None
        first = self.kept[0].n
        return self.kept[max(0, n - first)]


class History:
    """What is retained of a run, within a bound of memory.

    Args:
        keep: newest samples of each series that stay as they are; 0 retains no metrics for late viewers.
        max_bytes: bound of all; the largest streams are thinned first.
        waiting_bytes: for samples that slow viewers wait for.
    """

    def __init__(self, keep: int, max_bytes: int, waiting_bytes: int) -> None:
        self.streams: dict[Key, StreamHistory] = {}
        self.metrics = MetricHistory(keep, waiting_bytes)
        self.replays_metrics = keep > 0
        self._max_bytes = max_bytes
        self._stream_bytes = 0

    def append(self, payload: Payload, sent_ns: int) -> Stored | None:
        """Number and keep a message.

        Returns:
            None when it opens one stream too many and is refused.
        """
        stream = self._open(payload.kind, payload.stream)
        if stream is None:
            return None
        before = stream.nbytes
        stored = stream.append(payload, sent_ns)
        self._stream_bytes += stream.nbytes - before
        if payload.kind is Kind.SCENE:
            self._forget_frames(payload.stream)
        return stored

    def _open(self, kind: Kind, name: str) -> StreamHistory | None:
        stream = self.streams.get((kind, name))
        if stream is None and len(self.streams) < MAX_STREAMS:
            stream = self.streams[kind, name] = StreamHistory(kind)
        return stream

    def _forget_frames(self, name: str) -> None:
        """Drop the frames of the scene before: a late viewer could not place them."""
        frames = self.streams.get((Kind.FRAME, name))
        if frames is not None:
            self._stream_bytes -= frames.nbytes
            frames.clear()

    @property
    def nbytes(self) -> int:
        """Memory of all that is retained."""
        return self._stream_bytes + self.metrics.nbytes

    def keep_bounds(self) -> None:
        """Thin the largest streams until the bound of memory holds."""
        while self.nbytes > self._max_bytes:
            largest = max(self.streams.values(), key=_droppable_bytes, default=None)
            if largest is not None and _droppable_bytes(largest) >= self.metrics.largest_bytes:
                if len(largest.kept) <= 1:
                    return
                before = largest.nbytes
                for _ in range((len(largest.kept) + 3) // 4):
                    largest.drop_oldest()
                self._stream_bytes -= before - largest.nbytes
            elif not self.metrics.shrink_largest():
                return


def _droppable_bytes(stream: StreamHistory) -> int:
    """Memory that dropping old messages could give back; definitions and single messages cannot go."""
    fixed = len(stream.kept) <= 1 or stream.kept[0].payload.kind is Kind.SERIES
    return 0 if fixed else stream.nbytes
