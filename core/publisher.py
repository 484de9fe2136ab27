"""Number, retain and hand out what was published; only the I/O thread calls it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from .frame_rate import FrameRate
from .history import History, Stored
from .messages import ControlState, Heartbeat, Kind, LogRecord, SeriesDefinitions
from .metric_history import BATCH_BYTES, Part, make_batch
from .publish_queue import PublishQueue, Sample
from .shared_frames import share
from .subscription import Subscription
from .wire import Payload, encode_payload

SAMPLES_AT_ONCE = 16_384
MESSAGES_AT_ONCE = 256


class Publisher:
    """Carry what lies in the queue into the history and to the viewers.

    Args:
        queue: what the program published.
        history: what is retained.
        rate: thins frames; its held frames are sent when they are due.
    """

    def __init__(self, queue: PublishQueue, history: History, rate: FrameRate) -> None:
        self.subscriptions: dict[bytes, Subscription] = {}  # by viewer id
        self.published: dict[str, int] = {}
        self._queue = queue
        self._history = history
        self._rate = rate

    def drain(self) -> bool:
        """Take a bounded share of the queue.

        Returns:
            True when more is waiting.
        """
        samples = self._queue.take_samples(SAMPLES_AT_ONCE)
        if samples:
            self._publish_samples(samples)
        for _ in range(MESSAGES_AT_ONCE):
            queued = self._queue.take_message()
            if queued is None:
                break
            self._publish_at_rate(queued.payload, queued.sent_ns)
        self._history.keep_bounds()
        return self._queue.waiting()

    def _publish_samples(self, samples: Sequence[Sample]) -> None:
        metrics = self._history.metrics
        definitions, parts = metrics.add(samples)
        if definitions:
            self.publish(encode_payload(Kind.SERIES, "", SeriesDefinitions(tuple(definitions))), time.time_ns())
        batch = _Once(parts)
        for subscription in self.subscriptions.values():
            subscription.offer_samples(parts, batch)
        self._count(Kind.METRIC, sum(len(piece.rows) for _, piece in parts))
        metrics.settle(parts, self._oldest_wanted)

    def _oldest_wanted(self, series: int) -> int:
        return min((viewer.oldest_wanted(series) for viewer in self.subscriptions.values()), default=2**62)

    def _publish_at_rate(self, payload: Payload, sent_ns: int) -> None:
        if payload.kind is Kind.SCENE and (held := self._rate.take_held(payload.stream)):
            self.publish(*held)
        if payload.kind is not Kind.FRAME or self._rate.passes(payload, sent_ns):
            self.publish(payload, sent_ns)

    def publish_held_frames(self, everything: bool = False) -> None:
        """Publish the frames whose time has come, or all that are held."""
        for payload, sent_ns in self._rate.take_due(everything):
            self.publish(payload, sent_ns)

    def publish(self, payload: Payload, sent_ns: int) -> Stored | None:
        """Number, retain and offer one message."""
        stored = self._history.append(payload, sent_ns)
        if stored is None:
            self._queue.drop(payload.kind.value, payload.stream)
            return None
        self._count(payload.kind, 1)
        for subscription in self.subscriptions.values():
            subscription.offer(stored)
        return stored

    def publish_control(self, state: ControlState) -> None:
        """Publish the run state."""
        self.publish(encode_payload(Kind.CONTROL, "", state), time.time_ns())

    def publish_log(self, record: LogRecord) -> None:
        """Publish a log record of our own."""
        self.publish(encode_payload(Kind.LOG, "", record), time.time_ns())

    def publish_heartbeat(self) -> None:
        """Publish the sign of life."""
        told = tuple((kind, stream, count) for (kind, stream), count in sorted(self.dropped().items()))
        beat = Heartbeat(told, len(self.subscriptions), self.queue_bytes)
        self.publish(encode_payload(Kind.HEARTBEAT, "", beat), time.time_ns())

    def dropped(self) -> dict[tuple[str, str], int]:
        """Count what was lost before it got a number, by kind and stream."""
        dropped = self._queue.dropped()
        if self._history.metrics.refused:
            key = (Kind.METRIC.value, "")
            dropped[key] = dropped.get(key, 0) + self._history.metrics.refused
        return dropped

    def thinned(self) -> dict[tuple[str, str], int]:
        """Count the frames that ``max_fps`` kept back for good, by kind and stream."""
        return {(Kind.FRAME.value, stream): count for stream, count in dict(self._rate.thinned).items()}

    def sent_bytes(self) -> int:
        """Bytes handed to ZeroMQ for the viewers that are subscribed now."""
        return sum(subscription.sent_bytes for subscription in list(self.subscriptions.values()))

    @property
    def queue_bytes(self) -> int:
        """Bytes that wait: in the publish queue, and in the history only because a viewer is slow."""
        return self._queue.nbytes + self._history.metrics.waiting_bytes

    def _count(self, kind: Kind, amount: int) -> None:
        self.published[kind.value] = self.published.get(kind.value, 0) + amount


class _Once:
    """Encode samples when the first viewer wants them, and only once."""

    def __init__(self, parts: list[Part]) -> None:
        self._parts = parts
        self._payload: Payload | None = None
        self._fits = sum(piece.rows.nbytes for _, piece in parts) <= 2 * BATCH_BYTES

    def __call__(self) -> Payload | None:
        if self._fits and self._parts and self._payload is None:
            self._payload = share(encode_payload(Kind.METRIC, "", make_batch(self._parts), copy=False))
        return self._payload
