"""Find out what answers at a URL before a source is added for it."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from ..messages import DataRecord, Hello, Kind, SeriesDefinitions
from ..wire import DataMessage
from .base import ProbeResult, SourceOptions, open_source
from .quiet_sink import QuietSink

FIRST_MESSAGE_S = 1.0
MOST_NAMES = 12


class ProbeSink(QuietSink):
    """Wait for the first thing a source tells of its producer: who it is, or why there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.answered: asyncio.Future[Hello | str] = asyncio.get_running_loop().create_future()
        self.first = asyncio.Event()
        self.streams: dict[tuple[str, str], None] = {}

    def greet(self, key: str, hello: Hello, role: str) -> None:
        """Take the answer."""
        self._settle(hello)

    def problem(self, key: str, cause: str, sentence: str, refused: int = 0) -> None:
        """Take the reason why nothing answers."""
        self._settle(sentence)

    def receive(self, key: str, message: DataMessage) -> None:
        """Take note of what there is to see."""
        body = message.message
        if isinstance(body, SeriesDefinitions):
            names = [(Kind.METRIC.value, definition.name) for definition in body.definitions]
        else:
            names = [(message.kind.value, message.stream)] if message.kind is not Kind.METRIC else []
        self.streams |= dict.fromkeys(names[: MOST_NAMES - len(self.streams)])
        if names or isinstance(body, DataRecord):
            self.first.set()

    def _settle(self, answer: Hello | str) -> None:
        if not self.answered.done():
            self.answered.set_result(answer)


async def probe_greeting(url: str, options: SourceOptions, timeout_s: float) -> ProbeResult:
    """Ask a producer that tells who it is: connect, greet, leave (see ``base.Dialect``)."""
    return await _probe(url, options, timeout_s, None)


async def probe_publisher(url: str, options: SourceOptions, timeout_s: float, words: str) -> ProbeResult:
    """Ask one that only sends: connect, wait a second for something to come, leave.

    Args:
        url, options, timeout_s: see ``base.Dialect``. words: what it does, such as "publishes JSON over ZeroMQ".
    """
    return await _probe(url, options, timeout_s, words)


async def _probe(url: str, options: SourceOptions, timeout_s: float, words: str | None) -> ProbeResult:
    sink = ProbeSink()
    source = open_source(url, sink, topics=[], insecure=options.insecure)
    source.start()
    try:
        async with asyncio.timeout(timeout_s):
            answer = await sink.answered
        if isinstance(answer, str):
            return ProbeResult(False, answer, url)
        if words is None:
            return told(url, answer, f"{answer.name} on {answer.host}, process {answer.pid}")
        return await _first_seen(url, sink, answer, words)
    except TimeoutError:
        return ProbeResult(False, f"Nothing answered at {url[:60]} within {timeout_s:g} s: check host and port", url)
    finally:
        await source.close()


async def _first_seen(url: str, sink: ProbeSink, hello: Hello, words: str) -> ProbeResult:
    try:
        async with asyncio.timeout(FIRST_MESSAGE_S):
            await sink.first.wait()
    except TimeoutError:
        return told(url, hello, f"{hello.name} is a ZeroMQ publisher that has sent nothing yet")
    return told(url, replace(hello, streams=tuple(sink.streams)), f"{hello.name} {words}")


def told(url: str, hello: Hello, sentence: str) -> ProbeResult:
    """Return that somebody answered, in these words."""
    return ProbeResult(True, sentence, url, hello.name, hello.host, hello.pid, tuple(hello.streams), hello.role)
