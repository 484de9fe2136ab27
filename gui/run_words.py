"""What the window says about a run: always the producer's word, and how far an open request has come."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.run_control import LinkState, RunState, Stage

if TYPE_CHECKING:
    from ..core.hub import CommandState, Producer

# An open request gets its age written beside it after this time; before, it would only flicker.
PATIENCE_S = 2.0

DOING = {"pause": "Pausing…", "resume": "Resuming…", "stop": "Stopping…", "set": "Setting…"}
RUN_WORDS = {
    RunState.RUNNING: ("Running", "ok"),
    RunState.PAUSING: ("Pausing…", "warning"),
    RunState.PAUSED: ("Paused", "accent"),
    RunState.RESUMING: ("Resuming…", "warning"),
    RunState.STOPPING: ("Stopping…", "warning"),
    RunState.STOPPED: ("Stopped", "muted"),
}
OUTCOME_TONES = {"finished": "ok", "stopped": "muted", "error": "error"}


@dataclass(frozen=True)
class RunWords:
    """A short text, its tone (a colour name of Theme) and what there is to add."""

    text: str
    tone: str
    detail: str = ""

    @property
    def line(self) -> str:
        return f"{self.text} – {self.detail}" if self.detail else self.text


def run_words(producer: Producer, commands: Iterable[CommandState], now: float | None = None) -> RunWords:
    """Say what a producer's run does.

    Args:
        producer: as the hub knows it.
        commands: all commands the hub remembers; those of this producer that are still open count.
        now: unix seconds, for the age of an open request.
    """
    now = time.time() if now is None else now
    said, tone = state_words(producer)
    if producer.link is LinkState.CONNECTING:
        return RunWords("Connecting…", "muted", producer.link_detail)
    if producer.link is LinkState.LOST:
        return RunWords("Lost", "error", f"was {said.lower()}" if producer.run else producer.link_detail)
    if producer.link is LinkState.CLOSED:
        ended = producer.run is not None and producer.run.run == RunState.ENDED.value
        return RunWords(said, tone) if ended else RunWords("Offline", "muted", producer.link_detail)
    if producer.link is LinkState.STALE:
        return RunWords(said, "warning", "no answer")
    command = newest_open(producer.key, commands)
    if command is not None:
        return command_words(command, now)
    return RunWords(said, tone, waiting_words(producer, now))


def state_words(producer: Producer) -> tuple[str, str]:
    """Return text and tone of the last run state that the producer told."""
    if producer.run is None:
        return "Connected", "ok"
    if producer.run.run == RunState.ENDED.value:
        outcome = producer.run.outcome or "finished"
        return f"Ended, {outcome}", OUTCOME_TONES.get(outcome, "muted")
    try:
        return RUN_WORDS[RunState(producer.run.run)]
    except (KeyError, ValueError):
        return "Unknown state", "muted"


def newest_open(key: str, commands: Iterable[CommandState]) -> CommandState | None:
    """Return the newest command of this producer that is neither effective nor refused."""
    mine = [c for c in commands if c.producer == key and c.open and c.command in DOING]
    return max(mine, key=lambda c: c.requested_t, default=None)


def command_words(command: CommandState, now: float) -> RunWords:
    """Say how far an open request has come."""
    age_s = max(0.0, now - command.requested_t)
    doing = DOING[command.command]
    if command.stage is Stage.UNCONFIRMED:
        return RunWords(f"{command.command.capitalize()} not confirmed", "warning", f"no answer for {age_s:.0f} s")
    if age_s < PATIENCE_S:
        return RunWords(doing, "warning")
    if command.stage is Stage.ACCEPTED:
        return RunWords(doing, "warning", f"accepted, not yet effective ({age_s:.0f} s)")
    return RunWords(doing, "warning", f"no answer yet ({age_s:.0f} s)")


def waiting_words(producer: Producer, now: float) -> str:
    """Say how long somebody's request has been waiting for the loop, or nothing."""
    if producer.run is None or producer.run.waiting_s is None:
        return ""
    waited_s = producer.run.waiting_s + max(0.0, now - producer.run_t)
    return f"accepted, not yet effective ({waited_s:.0f} s)" if waited_s >= PATIENCE_S else ""
