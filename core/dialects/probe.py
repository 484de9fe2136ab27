"""Find out what answers at a URL before a source is added for it."""

from __future__ import annotations

import asyncio

from ..messages import Hello
from .base import ProbeResult, normalize_url, open_source
from .quiet_sink import QuietSink


class ProbeSink(QuietSink):
    """Wait for the first thing a source tells of its producer: who it is, or why there is none."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.result: asyncio.Future[ProbeResult] = asyncio.get_running_loop().create_future()

    def greet(self, key: str, hello: Hello, role: str) -> None:
        """Take the answer."""
        sentence = f"{hello.name} on {hello.host}, process {hello.pid}"
        self._settle(
            ProbeResult(True, sentence, self._url, hello.name, hello.host, hello.pid, tuple(hello.streams), role)
        )

    def problem(self, key: str, cause: str, sentence: str, refused: int = 0) -> None:
        """Take the reason why nothing answers."""
        self._settle(ProbeResult(False, sentence, self._url))

    def _settle(self, result: ProbeResult) -> None:
        if not self.result.done():
            self.result.set_result(result)


async def probe_url(url: str, timeout_s: float) -> ProbeResult:
    """Connect, greet, leave (see ``base.probe``)."""
    try:
        normalized = normalize_url(url)
        sink = ProbeSink(normalized)
        source = open_source(normalized, sink, topics=[])
    except ValueError as error:
        return ProbeResult(False, str(error), url)
    source.start()
    try:
        return await asyncio.wait_for(sink.result, timeout_s)
    except TimeoutError:
        sentence = f"Nothing answered at {normalized[:60]} within {timeout_s:g} s: check host and port"
        return ProbeResult(False, sentence, normalized)
    finally:
        await source.close()
