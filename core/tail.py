"""``dockscope tail``: print what a source delivers, history first, a line for each sample or message."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TextIO

from .asker import Asker
from .dialects.base import Source, open_source
from .dialects.only import url_names
from .headless import HeadlessSink, ended_by_signals, within
from .messages import Hello, Kind, MetricBatch
from .run_control import LinkState
from .tail_lines import Fields, TailLines, as_json, as_line
from .wire import DataMessage

PATIENCE_S = 5.0


class TailSink(HeadlessSink):
    """Print messages; remember how far, so that a healed link goes on where it was.

    Args:
        output: where lines go; it is flushed after each message.
        form: makes the line. only: names of metrics, streams or kinds to print, all when empty.
    """

    def __init__(self, output: TextIO, form: Callable[[Fields], str], only: Collection[str] = ()) -> None:
        super().__init__()
        self._output, self._form, self._only = output, form, frozenset(only)
        self._producer: bytes | None = None
        self._is_history = True
        self._lines = TailLines("")
        self._next: dict[tuple[str, str], int] = {}
        self._next_sample: dict[int, int] = {}

    def greet(self, key: str, hello: Hello, role: str) -> None:
        """Take who answers; another run is read from its start."""
        super().greet(key, hello, role)
        self._is_history = True
        if hello.producer != self._producer:
            self._producer = hello.producer
            self._lines = TailLines(hello.name)
            self._next.clear()
            self._next_sample.clear()

    def caught_up(self, key: str) -> None:
        """Take note that the rest is live."""
        self._is_history = False

    def receive(self, key: str, message: DataMessage) -> None:
        """Print a message; what was retained says so."""
        past: Fields = {"history": True} if self._is_history else {}
        lines = [self._form(fields | past) for fields in self._lines.objects(message) if self._wanted(fields)]
        self._note(message)
        if not lines or self.over.is_set():
            return
        try:
            self._output.write("\n".join(lines) + "\n")
            self._output.flush()
        except BrokenPipeError:  # the reader has seen enough, as in "tail | head"
            self.over.set()

    def remember(self, key: str) -> tuple[list[Any], list[Any]]:
        """Return what was printed already."""
        have = [[kind, stream, number] for (kind, stream), number in self._next.items()]
        return have, [[id_, number] for id_, number in self._next_sample.items()]

    def _wanted(self, fields: Fields) -> bool:
        """Tell whether a line was asked for, by kind, stream or metric, or by the first words of a dotted name."""
        name = fields.get("name", "")
        beginnings = [name[:at] for at, character in enumerate(name) if character == "."]
        return not self._only or not self._only.isdisjoint((fields["kind"], fields["stream"], name, *beginnings))

    def _note(self, message: DataMessage) -> None:
        batch = message.message
        if isinstance(batch, MetricBatch):
            spans = batch.count if batch.span is None else batch.span
            following = batch.first + spans
            self._next_sample.update(zip(batch.series.tolist(), following.tolist(), strict=True))
        elif message.n and message.kind is not Kind.HEARTBEAT:
            self._next[message.kind.value, message.stream] = message.n + 1


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
        if sink.state is LinkState.CLOSED or (sink.hello is None and not source.waits and waited_s >= PATIENCE_S):
            return
