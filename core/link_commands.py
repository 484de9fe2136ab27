"""The viewer's side of commands: what was asked, how far it came, and what becomes of it when the link breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .run_control import Stage
from .wire import Reply

UNCONFIRMED_S = 3.0
MAX_OPEN = 1_000
RESTARTED = "the producer was restarted"
OPEN_STAGES = (Stage.REQUESTED, Stage.ACCEPTED, Stage.UNCONFIRMED)

Report = Callable[[bytes, str, dict[str, Any], Stage, str], None]


@dataclass
class OpenCommand:
    """A command without its last word. ``waited_s`` counts until the first answer."""

    id: bytes
    command: str
    args: dict[str, Any]
    stage: Stage = Stage.REQUESTED
    reason: str = ""
    accepted: bool = False
    waited_s: float = 0.0


class LinkCommands:
    """The open commands of one link, in the order of asking.

    A command whose connection broke stays here. When the same run is reached again soon, or had accepted it, it goes
    out again under its own id, which has no second effect there. One that was told to be lost goes out only when the
    user retries it: minutes later nobody expects it any more. When another run answers, all fail.

    Args:
        report: is told of every change: id, command, arguments, stage, reason.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._open: dict[bytes, OpenCommand] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._open

    @property
    def full(self) -> bool:
        """Tell whether more commands are open than anyone can have meant."""
        return len(self._open) > MAX_OPEN

    def request(self, id_: bytes, command: str, args: dict[str, Any]) -> OpenCommand:
        """Note a new command; of too many, the oldest lost one is forgotten."""
        if len(self._open) >= MAX_OPEN:
            lost = next((old for old in self._open.values() if old.stage is Stage.LOST), None)
            if lost is not None:
                del self._open[lost.id]
        asked = OpenCommand(id_, command, args)
        self._open[id_] = asked
        self._tell(asked, Stage.REQUESTED, "")
        return asked

    def refuse(self, id_: bytes, reason: str) -> None:
        """Give up a command that cannot be sent at all."""
        self._tell(self._open.pop(id_), Stage.LOST, reason)

    def retried(self, id_: bytes) -> OpenCommand | None:
        """Return the open command to be sent once more, or None when it has had its last word."""
        asked = self._open.get(id_)
        if asked is not None:
            asked.waited_s = 0.0
            if asked.stage in (Stage.UNCONFIRMED, Stage.LOST):
                self._tell(asked, Stage.REQUESTED, "")
        return asked

    def reply(self, reply: Reply) -> None:
        """Take a stage of an answer; after effective or rejected the command is done."""
        asked = self._open.get(reply.id)
        if asked is None:
            return
        stage = Stage(reply.stage)
        asked.accepted = True
        if stage in (Stage.EFFECTIVE, Stage.REJECTED):
            del self._open[reply.id]
        if (stage, reply.reason) != (asked.stage, asked.reason):
            self._tell(asked, stage, reply.reason)

    def tells_state(self, reply: Reply) -> bool:
        """Tell whether an answer carries the run state: it is to a command of ours other than ``set``."""
        asked = self._open.get(reply.id)
        return asked is not None and asked.command != "set" and isinstance(reply.result, dict)

    def tick(self, passed_s: float) -> None:
        """Let time pass: what nobody accepted within three seconds is unconfirmed."""
        for asked in self._open.values():
            if asked.stage is Stage.REQUESTED:
                asked.waited_s += passed_s
                if asked.waited_s >= UNCONFIRMED_S:
                    self._tell(asked, Stage.UNCONFIRMED, f"not confirmed within {UNCONFIRMED_S:.0f} s")

    def lost(self, reason: str) -> None:
        """Tell that the link is lost; the commands stay, in case the same run is reached again."""
        for asked in self._open.values():
            if asked.stage in OPEN_STAGES:
                self._tell(asked, Stage.LOST, reason)

    def restarted(self) -> None:
        """Fail everything: another run answers now, and nothing meant for the old one may reach it."""
        for asked in self._open.values():
            self._tell(asked, Stage.REJECTED, RESTARTED)
        self._open.clear()

    def to_send(self) -> list[OpenCommand]:
        """Return what goes out again after the same run was reached anew."""
        return [asked for asked in self._open.values() if asked.stage is not Stage.LOST or asked.accepted]

    def _tell(self, asked: OpenCommand, stage: Stage, reason: str) -> None:
        asked.stage, asked.reason = stage, reason
        self._report(asked.id, asked.command, asked.args, stage, reason)
