"""The place where everything arrives: routes messages to the stores and keeps account of every producer.

A hub belongs to one event loop and is touched on its thread only. It does no I/O and has no timers; sources tell it
what happened, views take the set of changes and read the stores.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from .accounting import RateMeter
from .command_log import CommandLog
from .journal import Change, Journal
from .link_trouble import CONNECTING_CAUSES
from .log_sentences import link_sentence
from .memory import MemoryBudget, default_budget_bytes
from .messages import Hello, Kind, ProtocolError
from .order import Order
from .placements import PlacementStore
from .problems import Problems, one_line
from .producers import CommandState, Losses, Producer, StreamInfo
from .records import DataStore, LogStore
from .router import Arrived, Router
from .run_control import LinkState, Stage
from .series import SeriesStore
from .spectra import SpectrumStore
from .turns import Turns

__all__ = ["Arrived", "Change", "CommandState", "Hub", "Producer", "StreamInfo"]

logger = logging.getLogger("dockscope.hub")

# Of other kinds a retained message arrives late because the viewer did, and some carry the program's own time.
_SENT_WHEN_MADE = frozenset({Kind.METRIC, Kind.HEARTBEAT})


class Hub:
    """Know all producers and route what they send.

    Args:
        series, spectra, placements, log, data: the stores; made when not given.
        clock: returns unix seconds.
        budget_bytes: bound of all stores together; None takes a quarter of the memory, at most 4 GiB.
    """

    def __init__(
        self,
        *,
        series: SeriesStore | None = None,
        spectra: SpectrumStore | None = None,
        placements: PlacementStore | None = None,
        log: LogStore | None = None,
        data: DataStore | None = None,
        clock: Callable[[], float] = time.time,
        budget_bytes: int | None = None,
    ) -> None:
        self.series = series if series is not None else SeriesStore()
        self.spectra = spectra if spectra is not None else SpectrumStore()
        self.placements = placements if placements is not None else PlacementStore()
        self.log = log if log is not None else LogStore()
        self.data = data if data is not None else DataStore()
        self.producers: dict[str, Producer] = {}
        self.messages = 0
        self.clock = clock
        self.turns = Turns()
        self._journal = Journal(self.log, clock)
        self._command_log = CommandLog(self._journal, clock)
        self._router = Router(
            series=self.series,
            spectra=self.spectra,
            placements=self.placements,
            data=self.data,
            journal=self._journal,
            on_unknown_scene=self._miss_scene,
        )
        self._colors: Order[str] = Order()
        self._problems = Problems(clock)
        self._meter = RateMeter()
        self._memory = MemoryBudget(
            {
                "series": self.series,
                "spectra": self.spectra,
                "placements": self.placements,
                "log": self.log,
                "data": self.data,
            },
            default_budget_bytes() if budget_bytes is None else budget_bytes,
        )

    @property
    def on_change(self) -> Callable[[], None] | None:
        """Called when the first change after ``take_changes`` is noted."""
        return self._journal.on_change

    @on_change.setter
    def on_change(self, called: Callable[[], None] | None) -> None:
        self._journal.on_change = called

    @property
    def commands(self) -> dict[bytes, CommandState]:
        """The newest commands given to producers, by their ids."""
        return self._command_log.states

    # totals

    @property
    def samples(self) -> int:
        """Metric samples received from all producers."""
        return self._router.samples

    @property
    def lost(self) -> int:
        """Messages and samples lost by all producers together."""
        return sum(producer.lost for producer in self.producers.values())

    @property
    def losses(self) -> Losses:
        """What did not arrive whole from all producers, and where it was lost."""
        every = [producer.losses for producer in self.producers.values()]
        return Losses(*map(sum, zip(*every, strict=True))) if every else Losses()

    @property
    def budget_bytes(self) -> int:
        """Bound of all stores together; a change holds from the next message or ``enforce_budget`` on."""
        return self._memory.nbytes

    @budget_bytes.setter
    def budget_bytes(self, nbytes: int | None) -> None:
        self._memory.nbytes = default_budget_bytes() if nbytes is None else nbytes

    @property
    def waiting_changes(self) -> int:
        """Changes noted and not taken yet."""
        return len(self._journal)

    def messages_per_s(self) -> float:
        """Return messages per second from all producers, over about 2 s."""
        return self._meter.per_second(self.clock())

    def memory(self) -> dict[str, int]:
        """Return the bytes of each store by name."""
        return self._memory.usage()

    def enforce_budget(self) -> bool:
        """Free some memory when the stores hold too much of it, within some milliseconds.

        Returns:
            Whether anything was freed, so that the next call may free more.
        """
        shrunk = self._memory.enforce()
        if shrunk:
            logger.debug("memory is short: %s gave some", ", ".join(shrunk))
        if "series" in shrunk:
            self._journal.mark(str(Kind.METRIC), "")
        return bool(shrunk)

    def take_changes(self) -> set[Change]:
        """Return what changed since the last call."""
        return self._journal.take()

    # what sources tell

    def add(self, key: str, url: str, name: str | None = None) -> Producer:
        """Return the producer of a source, made when it is new.

        Args:
            key: its name in all stores. url: where it is. name: what the user calls it.
        """
        producer = self.producers.get(key)
        if producer is None:
            producer = Producer(key, url, self._colors.place(key), clock=self.clock, tally=self._router.tally)
            self.producers[key] = producer
        producer.url = url
        if name:
            producer.custom_name = name
        self._journal.mark("producer", key)
        return producer

    def greet(self, key: str, hello: Hello, role: str) -> None:
        """Take note of who answered; another producer id is a new run of the same producer."""
        producer = self.producers.get(key)
        if producer is None:
            return
        if producer.hello is not None and producer.hello.producer != hello.producer:
            self._restart(producer, hello)
        producer.hello = hello
        producer.role = role
        producer.catching_up = True
        producer.heard = self.clock()
        self._journal.mark("producer", key)

    def receive(self, key: str, message: Arrived) -> None:
        """Take one message; what breaks the rules is told once and left out, the rest goes on."""
        producer = self.producers.get(key)
        if producer is None:
            return  # forgotten while it was on its way
        now = self.clock()
        producer.heard = now
        if message.kind in _SENT_WHEN_MADE:
            producer.note_delay(message.sent_ns, now)
        self.messages += 1
        producer.messages += 1
        producer.nbytes += message.nbytes
        self._meter.add(1, now)
        try:
            self._router.route(producer, message)
        except ProtocolError as error:
            self.problem(key, str(message.kind), f"{producer.name}: {error}", refused=1)
        self.enforce_budget()

    def link(self, key: str, state: LinkState, detail: str = "") -> None:
        """Take note of the state of a connection; links lost and found again are rows of the log."""
        producer = self.producers.get(key)
        if producer is None or (producer.link, producer.link_detail) == (state, detail):
            return
        before, producer.link, producer.link_detail = producer.link, state, detail
        if state is LinkState.LIVE and producer.problem_cause in CONNECTING_CAUSES:
            producer.problem = ""
        if before != state and (sentence := link_sentence(before, state, detail)):
            level = "warning" if state in (LinkState.LOST, LinkState.STALE) else "info"
            self._journal.write(key, "viewer", level, sentence)
        self._journal.mark("producer", key)

    def caught_up(self, key: str) -> None:
        """Take note that a producer has sent what it retained: the rest is live."""
        if producer := self.producers.get(key):
            producer.catching_up = False
            self._journal.mark("producer", key)

    def gap(self, key: str, topic: str = "") -> None:
        """Take note that something may be missing here: the curves of this producer, or of one topic, are broken."""
        if key in self.producers:
            self.series.break_lines(key, topic)

    def latency(self, key: str, round_trip_s: float, offset_s: float) -> None:
        """Take note of a ping: its round trip, and the producer's clock minus ours, in seconds."""
        producer = self.producers.get(key)
        if producer is not None:
            producer.round_trip_s, producer.offset_s = round_trip_s, offset_s

    def problem(self, key: str, cause: str, sentence: str, refused: int = 0) -> None:
        """Tell a problem once: a row of the log at most every 5 s and cause, and a badge on the producer.

        Args:
            key: producer, "" for the viewer itself. cause: what kind of problem. sentence: what, where, what to do.
            refused: messages that are left out because of it.
        """
        producer = self.producers.get(key)
        if producer is not None:
            producer.problem, producer.problem_cause, producer.problem_t = one_line(sentence), cause, self.clock()
            producer.refused += refused
            self._journal.mark("producer", key)
        shown = self._problems.sentence(key, cause, sentence)
        if shown is not None:
            self._journal.write(key, "viewer", "warning", shown, {"cause": cause})
        self._journal.mark("problem", key, cause)

    def command(
        self, key: str, command_id: bytes, command: str, args: dict[str, Any], stage: Stage, reason: str = ""
    ) -> None:
        """Take note of how far a command has come; each stage is a row of the log."""
        self._command_log.note(key, command_id, command, args, stage, reason)

    def remember(self, key: str) -> tuple[list[list[Any]], list[list[int]]]:
        """Return what to tell a producer after a reconnect, so that it sends only the rest.

        Returns:
            [kind, stream, next number] of each stream, [id, next sample number] of each series.
        """
        producer = self.producers.get(key)
        if producer is None:
            return [], []
        have = [[info.kind, info.stream, info.next_n] for info in producer.infos.values() if info.next_n]
        return have, self.series.next_numbers(key)

    # what the window tells

    def rename(self, key: str, name: str) -> None:
        """Give a producer another name; an empty one gives it back its own."""
        self.producers[key].custom_name = name.strip() or None
        self._journal.mark("producer", key)

    def forget(self, key: str) -> None:
        """Remove a producer with all its data."""
        producer = self.producers.pop(key, None)
        if producer is None:
            return
        for kind, stream in producer.streams:
            self._journal.mark(kind, key, stream)
        for store in (self.series, self.spectra, self.placements, self.log, self.data):
            store.forget(key)
        self._command_log.forget(key)
        self._router.forget(key)
        self._problems.forget(key)
        self._colors.release([key])
        self._journal.mark(str(Kind.LOG), key)
        self._journal.mark("producer", key)

    def clear(self, kind: str, producer: str | None = None, stream: str | None = None) -> None:
        """Remove data of one kind.

        Args:
            kind: metric, spectrum, scene, frame, data or log. producer, stream: only of these; a metric's name.

        Raises:
            ValueError: there is nothing to clear of that kind.
        """
        if kind == Kind.METRIC:
            self.series.clear(stream, producer)
        elif kind == Kind.SPECTRUM:
            self.spectra.clear(producer, stream)
        elif kind in (Kind.SCENE, Kind.FRAME):
            self.placements.clear(producer, stream)
        elif kind == Kind.DATA:
            self.data.clear(producer, stream)
        elif kind == Kind.LOG:
            self.log.clear(producer)
        else:
            raise ValueError(f"kind: there is nothing to clear of {kind!r}")
        for key, known in self.producers.items():
            if producer in (None, key):
                for known_kind, name in known.streams:
                    if known_kind == kind and stream in (None, name):
                        self._journal.mark(kind, key, name)
        self._journal.mark(kind, producer or "", stream or "")

    def _restart(self, producer: Producer, hello: Hello) -> None:
        self._router.tally(producer)
        self.series.new_run(producer.key)
        producer.new_run(hello)
        self._command_log.reject_open(producer.key, "the producer was restarted")
        self._journal.write(producer.key, "viewer", "info", f"{producer.name} was restarted")

    def _miss_scene(self, producer: Producer, stream: str) -> None:
        # Its link asks for the board by itself.
        sentence = f"{one_line(producer.name, 40)}: frames of {one_line(stream, 40)} name a board that never came"
        self.problem(producer.key, "unknown scene", f"{sentence}; asked for it once more")
