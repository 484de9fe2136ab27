"""A sink that keeps nothing: the base of those that want to know a few things only."""

from __future__ import annotations

from typing import Any

from ..messages import Hello
from ..run_control import LinkState, Stage
from ..turns import Turns
from ..wire import DataMessage


class QuietSink:
    """Accept everything a source tells and keep none of it; see ``base.Sink`` for the meaning of each call."""

    def __init__(self) -> None:
        self.turns = Turns()

    def add(self, key: str, url: str, name: str | None = None) -> None:
        """Make a source known."""

    def greet(self, key: str, hello: Hello, role: str) -> None:
        """Take what the producer told of itself."""

    def receive(self, key: str, message: DataMessage) -> None:
        """Take a message."""

    def caught_up(self, key: str) -> None:
        """Take note that the rest is live."""

    def link(self, key: str, state: LinkState, detail: str = "") -> None:
        """Take the link state."""

    def gap(self, key: str, topic: str = "") -> None:
        """Take note that something may be missing here."""

    def latency(self, key: str, round_trip_s: float, offset_s: float) -> None:
        """Take a round trip."""

    def problem(self, key: str, cause: str, sentence: str, refused: int = 0) -> None:
        """Take a trouble."""

    def command(
        self, key: str, command_id: bytes, command: str, args: dict[str, Any], stage: Stage, reason: str = ""
    ) -> None:
        """Take how far a command has come."""

    def remember(self, key: str) -> tuple[list[Any], list[Any]]:
        """Return that nothing is there yet."""
        return [], []
