"""What one viewer gets: a place in each stream, and credit that says how much may be on its way.

There is no queue of its own. What a viewer without credit waits for lies in the history, where its cursors point; so a
stopped viewer costs no memory beyond what is retained anyway, and nothing is sent twice or skipped unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .history import WAITING, History, Key, Stored
from .messages import Kind
from .metric_history import Part, make_batch
from .shared_frames import share
from .wire import Frame, Payload, SubscribeArgs, data_header, encode_payload

METRIC: Key = (Kind.METRIC, "")
SERIES: Key = (Kind.SERIES, "")
NOT_REPLAYED = frozenset({Kind.HEARTBEAT})
ALWAYS_REPLAYED = frozenset({Kind.CONTROL, Kind.SCENE})  # without these nothing else can be understood

Send = Callable[[list[Frame]], bool]


class Subscription:
    """Send retained and live messages to one viewer, as far as its credit goes.

    Args:
        id_: of the subscribe request. args: of the subscribe request.
        history: what was published. send: hands frames to the socket; False when the link is gone.
        now_ns: clock for merged metric batches.
    """

    def __init__(
        self, id_: bytes, args: SubscribeArgs, history: History, send: Send, now_ns: Callable[[], int]
    ) -> None:
        self.id = id_
        self.credit = args.credit
        self.gone = False
        self.replaying = True
        self.sent_bytes = 0
        self._history = history
        self._send = send
        self._now_ns = now_ns
        self._kinds = frozenset(kind for kind, stream in args.topics if stream == "*" or kind == "metric")
        self._streams = frozenset(args.topics)
        self._cursors: dict[Key, int] = {}
        self._lagging: dict[Key, None] = {}  # streams with something to send, in the order of their turns
        self._behind: dict[int, int] = {}  # series with something to send: number of the next sample
        self._seams: dict[Key, int] = {key: stream.next for key, stream in history.streams.items()}
        self._series_seams = history.metrics.ends()
        self._start(args)

    def _start(self, args: SubscribeArgs) -> None:
        have = {(kind, stream): n for kind, stream, n in args.have}
        for key, end in self._seams.items():
            if not self._wants(key):
                continue
            replayed = (args.history and key[0] not in NOT_REPLAYED) or key[0] in ALWAYS_REPLAYED or key == SERIES
            self._cursors[key] = min(have.get((key[0].value, key[1]), 1), end) if replayed else end
            if self._cursors[key] < end:
                self._lagging[key] = None
        if self._wants(METRIC) and args.history and self._history.replays_metrics:
            have_series = dict(args.have_series)
            begins = {number: have_series.get(number, 1) for number in self._series_seams}
            self._behind = {number: begin for number, begin in begins.items() if begin < self._series_seams[number]}
        if self._behind:
            self._lagging[METRIC] = None

    def _wants(self, key: Key) -> bool:
        kind, stream = key
        if kind is Kind.SERIES:
            kind = Kind.METRIC
        return kind.value in self._kinds or (kind.value, stream) in self._streams

    # -- live --------------------------------------------------------------------------------------------------

    def offer(self, stored: Stored) -> None:
        """Take a message that was just published."""
        key = (stored.payload.kind, stored.payload.stream)
        if not self._wants(key):
            return
        if self._lagging or self.replaying or self.credit <= 0:
            self._lagging.setdefault(key)
            return
        self._transmit(stored.payload, stored.n, stored.sent_ns)
        self._cursors[key] = stored.n + 1

    def offer_samples(self, parts: Iterable[Part], batch: Callable[[], Payload | None]) -> None:
        """Take samples that were just published.

        Args:
            parts: the samples by series.
            batch: gives them encoded, once for all viewers; None when they are too many for one message.
        """
        if not self._wants(METRIC):
            return
        payload = None if self._lagging or self.replaying or self.credit <= 0 else batch()
        if payload is not None:
            self._transmit(payload, 0, self._now_ns())
            return
        for number, piece in parts:
            self._behind.setdefault(number, piece.first)
        self._lagging.setdefault(METRIC)

    def oldest_wanted(self, series: int) -> int:
        """Tell the number of the oldest sample of a series that is still to be sent."""
        return self._behind.get(series, 2**62)

    # -- catching up -------------------------------------------------------------------------------------------

    def pump(self) -> bool:
        """Send what waits, stream by stream in turns, until credit or the waiting ends.

        Returns:
            True once: when the last retained message has gone out and live ones follow.
        """
        finished = False
        while not self.gone:
            key = self._turn()
            if key is None:
                if not self.replaying:
                    break
                self.replaying = False
                self._seams.clear()
                self._series_seams.clear()
                finished = True
                continue
            if self.credit <= 0:
                break
            del self._lagging[key]
            if self._advance(key):
                self._lagging[key] = None
        return finished

    def idle(self) -> bool:
        """Tell whether nothing waits to be sent."""
        return self.gone or not (self._lagging or self.replaying)

    def _turn(self) -> Key | None:
        """Choose the stream whose turn it is.

        While replaying, only what was there at the subscription counts, and samples come last: unlike messages they
        are not pushed out of the history meanwhile.
        """
        if not self.replaying:
            return next(iter(self._lagging), None)
        first = next((key for key in self._lagging if key != METRIC and self._is_replay(key)), None)
        return METRIC if first is None and METRIC in self._lagging and self._is_replay(METRIC) else first

    def _is_replay(self, key: Key) -> bool:
        if key == METRIC:
            seams = self._series_seams
            return any(cursor < seams.get(number, 0) for number, cursor in self._behind.items())
        return self._cursors.get(key, 1) < self._seams.get(key, 1)

    def _advance(self, key: Key) -> bool:
        """Send the next message of a stream; tell whether more of it waits."""
        if key == METRIC:
            return self._advance_metric()
        if key[0] is Kind.FRAME and (Kind.SCENE, key[1]) in self._lagging:
            return self._advance_first((Kind.SCENE, key[1]))
        return self._send_next(key)

    def _advance_first(self, other: Key) -> bool:
        """Send what must come first; the stream that waited for it keeps its turn."""
        if not self._send_next(other):
            self._lagging.pop(other, None)
        return True

    def _send_next(self, key: Key) -> bool:
        stream = self._history.streams[key]
        cursor = self._cursors.get(key, 1)
        if cursor >= self._seams.get(key, 0):
            cursor = max(cursor, stream.next - WAITING.get(key[0], 1))
        stored = stream.since(cursor)
        if stored is None:
            self._cursors[key] = stream.next
            return False
        self._cursors[key] = stored.n + 1
        self._transmit(stored.payload, stored.n, stored.sent_ns)
        return stored.n + 1 < stream.next

    def _advance_metric(self) -> bool:
        if SERIES in self._lagging:
            return self._advance_first(SERIES)
        parts = self._history.metrics.next_parts(self._behind)
        for number, piece in parts:
            self._move_on(number, piece.first + piece.span)
        if parts:
            payload = share(encode_payload(Kind.METRIC, "", make_batch(parts), copy=False))
            self._transmit(payload, 0, self._now_ns())
        return bool(self._behind)

    def _move_on(self, number: int, cursor: int) -> None:
        """Note that a series was sent up to ``cursor``; one with more to come goes to the end."""
        self._behind.pop(number, None)
        if cursor < self._history.metrics.series[number - 1].next:
            self._behind[number] = cursor

    def tell_end(self) -> None:
        """Send the run state at once, credit or not: the producer says farewell."""
        key = (Kind.CONTROL, "")
        if not self.gone and self._wants(key):
            self._send_next(key)

    def _transmit(self, payload: Payload, n: int, sent_ns: int) -> None:
        frames = [data_header(payload, n, sent_ns, self.id), *payload.frames]
        size = sum(map(len, frames))
        self.credit -= size
        self.sent_bytes += size
        if not self._send(frames):
            self.gone = True
