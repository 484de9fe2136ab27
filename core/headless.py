"""What the commands without a window share: one source, watched until something happens or time is up."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .dialects.quiet_sink import QuietSink
from .messages import Hello
from .run_control import LinkState

REPEAT_S = 5.0


def say(sentence: str) -> None:
    """Tell the person at the terminal something that is not data."""
    print(f"dockscope: {sentence}", file=sys.stderr, flush=True)  # noqa: T201 - stderr is where a person is told


class HeadlessSink(QuietSink):
    """A sink that tells troubles on stderr, each cause once in five seconds, and knows whether anything answered.

    Set the event ``over`` to end ``watch``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hello: Hello | None = None
        self.trouble = ""
        self._states: dict[str, LinkState] = {}
        self.over = asyncio.Event()
        self._told_s: dict[str, float] = {}

    def greet(self, key: str, hello: Hello, role: str) -> None:
        """Note that somebody answered."""
        self.hello = hello

    @property
    def is_closed(self) -> bool:
        """Tell whether every run has ended that the source told of."""
        return bool(self._states) and set(self._states.values()) == {LinkState.CLOSED}

    def link(self, key: str, state: LinkState, detail: str = "") -> None:
        """Note the link state, and tell when a connection is lost or found again."""
        before, self._states[key] = self._states.get(key), state
        if state is LinkState.LOST:
            say("the connection is lost; connecting again by itself")
        elif before is LinkState.LOST and state is LinkState.LIVE:
            say("connected again")

    def problem(self, key: str, cause: str, sentence: str, refused: int = 0) -> None:
        """Tell a trouble."""
        self.trouble = sentence
        now_s = time.monotonic()
        if now_s - self._told_s.get(cause, -REPEAT_S) >= REPEAT_S:
            self._told_s[cause] = now_s
            say(sentence)


async def within(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event; returns False when ``seconds`` were not enough."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


@contextmanager
def ended_by_signals(over: asyncio.Event) -> Iterator[None]:
    """Let Ctrl-C and a polite kill end a command quietly, with its farewell said."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
