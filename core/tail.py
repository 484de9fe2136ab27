"""``dockscope tail``: print what a source delivers, history first, a line for each sample or message."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, TextIO

from .asker import Asker
from .dialects.base import Source, open_source
from .dialects.only import is_asked_for, url_names
from .headless import HeadlessSink, ended_by_signals, within
from .messages import Hello, Kind, MetricBatch
from .tail_lines import Fields, TailLines, as_json, as_line
from .wire import DataMessage

PATIENCE_S = 5.0


@dataclass
class Run:
    """What was printed of one run.

    Args:
        producer: its id. lines: make its lines. is_history: what comes was retained for late viewers.
        next, next_sample: number of the next message of each stream, and sample of each series.
    """

    producer: bytes
    lines: TailLines
    is_history: bool = True
    next: dict[tuple[str, str], int] = field(default_factory=dict)
    next_sample: dict[int, int] = field(default_factory=dict)

    def note(self, message: DataMessage) -> None:
        """Take note that a message was printed."""
        batch = message.message
        if isinstance(batch, MetricBatch):
            spans = batch.count if batch.span is None else batch.span
            following = batch.first + spans
            self.next_sample.update(zip(batch.series.tolist(), following.tolist(), strict=True))
        elif message.n and message.kind is not Kind.HEARTBEAT:
            self.next[message.kind.value, message.stream] = message.n + 1


class TailSink(HeadlessSink):
    """Print messages; remember how far, so that a healed link goes on where it was.

    Args:
        output: where lines go; it is flushed after each message.
        form: makes the line. only: names of metrics, streams or kinds to print, all when empty.
    """

    def __init__(self, output: TextIO, form: Callable[[Fields], str], only: Collection[str] = ()) -> None:
        super().__init__()
        self._output, self._form, self._only = output, form, frozenset(only)
        self._runs: dict[str, Run] = {}

    def greet(self, key: str, hello: Hello, role: str) -> None:
        """Take who answers; another run is read from its start."""
        super().greet(key, hello, role)
        run = self._runs.get(key)
        if run is None or hello.producer != run.producer:
            run = self._runs[key] = Run(hello.producer, TailLines(hello.name))
        run.lines.producer = hello.name
        run.is_history = True

    def caught_up(self, key: str) -> None:
        """Take note that the rest is live."""
        self._runs[key].is_history = False

    def receive(self, key: str, message: DataMessage) -> None:
        """Print a message; what was retained says so."""
        run = self._runs[key]
        past: Fields = {"history": True} if run.is_history else {}
        lines = [self._form(fields | past) for fields in run.lines.objects(message) if self._wanted(fields)]
        run.note(message)
        if not lines or self.over.is_set():
            return
        try:
            self._output.write("\n".join(lines) + "\n")
            self._output.flush()
        except BrokenPipeError:  # the reader has seen enough, as in "tail | head"
            self.over.set()

    def remember(self, key: str) -> tuple[list[Any], list[Any]]:
        """Return what was printed already."""
        run = self._runs.get(key)
        if run is None:
            return [], []
        have = [[kind, stream, number] for (kind, stream), number in run.next.items()]
        return have, [[id_, number] for id_, number in run.next_sample.items()]

    def _wanted(self, fields: Fields) -> bool:
        """Tell whether a line was asked for, by kind, stream or metric, or by the first words of a dotted name."""
        name = fields.get("name", "")
        asked = not self._only or not self._only.isdisjoint((fields["kind"], fields["stream"]))
        return asked or is_asked_for(name, self._only)


async def tail(
    url: str,
    output: TextIO,
    *,
    json: bool = False,
    seconds: float | None = None,
    insecure: bool = False,
    asker: Asker | None = None,
) -> int:
    """Print until time is up; without ``seconds`` until the run has ended, or nothing answers.

    Args:
        url: of the source. output: gets the lines. json: objects instead of lines for people.
        seconds: from now; None as above. insecure: addresses may be bound that other machines reach.
        asker: gives the password, where one is needed.

    Returns:
        The exit code: 1 when nothing ever answered.

    Raises:
        ValueError: the URL is wrong, as a sentence.
    """
    sink = TailSink(output, as_json if json else as_line, url_names(url))
    source = open_source(url, sink, insecure=insecure, asker=asker)
    with ended_by_signals(sink.over):
        source.start()
        try:
            if seconds is not None:
                await within(sink.over, seconds)
            else:
                await _until_ended(sink, source)
        finally:
            await source.close()
    return 0 if sink.hello is not None else 1


async def _until_ended(sink: TailSink, source: Source) -> None:
    waited_s = 0.0
    while not await within(sink.over, 0.1):
        waited_s += 0.1
        if sink.is_closed or (sink.hello is None and not source.waits and waited_s >= PATIENCE_S):
            return
