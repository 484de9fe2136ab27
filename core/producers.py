"""What the viewer knows of each producer, each of its streams and each command given to it."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .accounting import Numbering, RateMeter
from .messages import ControlState, Hello, Kind, Status
from .run_control import LinkState, Stage

MOST_STREAMS = 10_000
MOST_DROPPED = 10_000
METRIC = str(Kind.METRIC)
_LATENCY_SAMPLES = 64
_LATENCY_EVERY_S = 0.016
_SAMPLE_BYTES = 24

OPEN_STAGES = frozenset({Stage.REQUESTED, Stage.ACCEPTED, Stage.UNCONFIRMED})


class Losses(NamedTuple):
    """Samples and messages that did not arrive whole, by what happened to them.

    Args:
        queue: dropped by the producer before they had a number. wire: numbered, and never arrived.
        thinned: samples of which only minimum and maximum came. refused: arrived, and broke the rules.
    """

    queue: int = 0
    wire: int = 0
    thinned: int = 0
    refused: int = 0


@dataclass
class StreamInfo:
    """One stream of a producer; for kind "metric" the stream is a metric name and messages are samples.

    Args:
        kind, stream: its name. clock: returns unix seconds.
        messages, nbytes: received so far. last_seen: unix seconds. dropped: lost by the producer before sending.
    """

    kind: str
    stream: str
    clock: Callable[[], float] = field(repr=False)
    messages: int = 0
    nbytes: int = 0
    last_seen: float = 0.0
    dropped: int = 0
    numbering: Numbering = field(default_factory=Numbering, repr=False)
    meter: RateMeter = field(default_factory=RateMeter, repr=False)
    run_samples: int = 0  # samples of the present run that are counted in ``messages``
    run_lost: int = 0  # samples of the present run that are lost
    _lost_before: int = 0

    @property
    def rate_hz(self) -> float:
        """Messages per second over about 2 s; samples per second for a metric."""
        return self.meter.per_second(self.clock())

    @property
    def gaps(self) -> int:
        """Messages (samples) whose number never arrived, in all runs."""
        return self._lost_before + self.numbering.lost + self.run_lost

    @property
    def losses(self) -> Losses:
        """What of this stream was lost, and where."""
        return Losses(queue=self.dropped, wire=self.gaps)

    @property
    def lost(self) -> int:
        """Everything lost: gaps in the numbers and what the producer dropped before it numbered."""
        return self.gaps + self.dropped

    @property
    def next_n(self) -> int:
        """The number expected next, 0 before the first."""
        return self.numbering.next_number

    def count(self, number: int, nbytes: int, now: float) -> None:
        """Take note of arrivals."""
        self.messages += number
        self.nbytes += nbytes
        self.last_seen = now
        self.meter.add(number, now)

    def new_run(self) -> None:
        """Start counting anew for another run; what was lost stays lost."""
        self._lost_before = self.gaps
        self.numbering = Numbering()
        self.run_samples = self.run_lost = 0


@dataclass(eq=False)
class Producer:
    """One producer; it outlives its connections and its runs.

    Args:
        key: name in all stores. url: where it was found. color_index: place among the producers.
        tally: brings ``streams`` up to date before they are read.
        custom_name: what the user calls it. former_name: what it called itself in an earlier session.
        catching_up: it is still sending what it retained. hello: what it told last.
        link, link_detail: state of the connection.
        run, run_t: run state on its own word, and when it arrived. run_index: grows with each new run.
        status: latest status.
        offset_s: its clock minus ours. round_trip_s: of the last ping.
        problem, problem_cause, problem_t: latest clear message, "" when there is none, its kind and its time.
        heard: last sign of life.
        messages, nbytes, samples: messages, bytes and metric samples received.
        thinned: samples of which only minimum and maximum came.
        refused: messages left out because they broke the rules.
        tallied, tallied_samples: when, and at how many samples, ``infos`` was up to date.
    """

    key: str
    url: str
    color_index: int
    clock: Callable[[], float] = field(repr=False)
    tally: Callable[[Producer], None] = field(repr=False)
    custom_name: str | None = None
    former_name: str = ""
    catching_up: bool = False
    hello: Hello | None = None
    link: LinkState = LinkState.CONNECTING
    link_detail: str = ""
    run: ControlState | None = None
    run_t: float = 0.0
    run_index: int = 0
    role: str = "observe"
    status: Status | None = None
    offset_s: float = 0.0
    round_trip_s: float | None = None
    problem: str = ""
    problem_cause: str = ""
    problem_t: float = 0.0
    heard: float = 0.0
    messages: int = 0
    nbytes: int = 0
    samples: int = 0
    thinned: int = 0
    refused: int = 0
    tallied: float = 0.0
    tallied_samples: int = 0
    infos: dict[tuple[str, str], StreamInfo] = field(default_factory=dict, repr=False)
    _drops: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict, repr=False)  # earlier runs, this run
    _refused_samples: tuple[int, int] = (0, 0)  # earlier runs, this run
    _delays: deque[float] = field(default_factory=lambda: deque(maxlen=_LATENCY_SAMPLES), repr=False)
    _delay_t: float = 0.0

    @property
    def name(self) -> str:
        """The user's name for it, else its own, as told now or in an earlier session, else its URL."""
        return self.custom_name or (self.hello.name if self.hello else self.former_name) or self.url

    @property
    def streams(self) -> dict[tuple[str, str], StreamInfo]:
        """All streams by (kind, name), metrics by their metric names."""
        self.tally(self)
        return self.infos

    @property
    def lost(self) -> int:
        """Everything lost: gaps of all streams and what the producer dropped before it numbered."""
        losses = self.losses
        return losses.wire + losses.queue

    @property
    def losses(self) -> Losses:
        """What did not arrive whole, and where it was lost."""
        return Losses(
            queue=sum(sum(drop) for drop in self._drops.values()),
            wire=sum(info.gaps for info in self.streams.values()),
            thinned=self.thinned,
            refused=self.refused + sum(self._refused_samples),
        )

    @property
    def metric_losses(self) -> Losses:
        """What of all metrics together did not arrive whole; queued samples are dropped without regard to names."""
        gaps = sum(info.gaps for (kind, _), info in self.streams.items() if kind == METRIC)
        return Losses(self._dropped(METRIC, ""), gaps, self.thinned, sum(self._refused_samples))

    def _dropped(self, kind: str, stream: str) -> int:
        return sum(self._drops.get((kind, stream), (0, 0)))

    @property
    def latency_s(self) -> float | None:
        """Seconds from sending to arrival: median of the last messages, else half a round trip, None if unknown."""
        if self._delays:
            return statistics.median(self._delays)
        return None if self.round_trip_s is None else self.round_trip_s / 2

    def info(self, kind: str, stream: str) -> StreamInfo | None:
        """Return a stream, made when it is new; None when there are too many."""
        info = self.infos.get((kind, stream))
        if info is None and len(self.infos) < MOST_STREAMS:
            info = self.infos[kind, stream] = StreamInfo(kind, stream, self.clock)
            info.dropped = self._dropped(kind, stream)
        return info

    def note_delay(self, sent_ns: int, now: float) -> None:
        """Take one sample of the latency, at most one each 16 ms, once the offset of the clocks is known."""
        if sent_ns and self.round_trip_s is not None and not 0.0 <= now - self._delay_t < _LATENCY_EVERY_S:
            self._delay_t = now
            self._delays.append(max(0.0, now - sent_ns / 1e9 + self.offset_s))

    def note_dropped(self, kind: str, stream: str, count: int) -> None:
        """Take over a cumulative count of what the producer dropped in this run."""
        before, present = self._drops.get((kind, stream), (0, 0))
        if count < present:
            before, present = before + present, 0  # the count started anew without a word
        if (kind, stream) in self._drops or len(self._drops) < MOST_DROPPED:
            self._drops[kind, stream] = before, count
        info = self.infos.get((kind, stream))
        if info is not None:
            info.dropped = before + count

    def note_totals(self, totals: dict[str, tuple[int, int]], refused: int) -> None:
        """Take over samples received and lost in this run by metric name, and how many of all were refused."""
        self._refused_samples = self._refused_samples[0], refused
        self.tallied, self.tallied_samples = self.heard, self.samples
        for name, (received, lost) in totals.items():
            info = self.info(METRIC, name)
            if info is None:
                continue
            number = received - info.run_samples
            info.run_samples, info.run_lost = received, lost
            if number > 0:
                info.count(number, number * _SAMPLE_BYTES, self.heard)

    def new_run(self, hello: Hello) -> None:
        """Start anew for another run of the same producer."""
        for info in self.infos.values():
            info.new_run()
        self._drops = {key: (sum(drop), 0) for key, drop in self._drops.items()}
        self._refused_samples = sum(self._refused_samples), 0
        self._delays.clear()
        self.hello = hello
        self.run = None
        self.status = None
        self.run_index += 1


@dataclass
class CommandState:
    """A command and how far it has come.

    Args:
        id: of the request. producer: key. stage, reason: latest known. requested_t: unix seconds.
        clock: returns unix seconds.
    """

    id: bytes
    producer: str
    command: str
    args: dict[str, Any]
    stage: Stage
    reason: str
    requested_t: float
    clock: Callable[[], float] = field(repr=False)

    @property
    def age_s(self) -> float:
        """Seconds since it was requested."""
        return max(0.0, self.clock() - self.requested_t)

    @property
    def open(self) -> bool:
        """Whether its outcome is still to come."""
        return self.stage in OPEN_STAGES
