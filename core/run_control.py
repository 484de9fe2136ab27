"""Run state and link state: two enums, and the one table that says what a command does in each run state.

The producer answers commands by this table (``checkpoint.RunControl``); the viewer asks it which commands make sense.
"""

from __future__ import annotations

import enum
from collections.abc import Collection
from typing import NamedTuple


class RunState(enum.Enum):
    """What the watched run does, on the producer's word."""

    RUNNING = "RUNNING"
    PAUSING = "PAUSING"
    PAUSED = "PAUSED"
    RESUMING = "RESUMING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    ENDED = "ENDED"


class LinkState(enum.Enum):
    """What the viewer knows of its connection to a producer."""

    CONNECTING = "CONNECTING"
    LIVE = "LIVE"
    STALE = "STALE"
    LOST = "LOST"
    CLOSED = "CLOSED"


class Command(enum.StrEnum):
    """What a viewer may ask of a run."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    SET = "set"


class Stage(enum.StrEnum):
    """How far a command has come, as its viewer knows it."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    EFFECTIVE = "effective"
    REJECTED = "rejected"
    UNCONFIRMED = "unconfirmed"
    LOST = "lost"


class Answer(enum.Enum):
    """How a producer answers: when the loop has done it, at once, with the request that is open already, or no."""

    WAIT = "wait"
    AT_ONCE = "at once"
    JOIN = "join"
    REJECT = "reject"


class Rule(NamedTuple):
    """One cell of the table: the answer, the next run state (None: no change), the open command it withdraws."""

    answer: Answer
    next: RunState | None = None
    withdraws: Command | None = None


_STOP = Rule(Answer.WAIT, RunState.STOPPING)
_REJECT = Rule(Answer.REJECT)
_FINAL = (RunState.STOPPING, RunState.STOPPED, RunState.ENDED)

TRANSITIONS: dict[tuple[Command, RunState], Rule] = {
    (Command.PAUSE, RunState.RUNNING): Rule(Answer.WAIT, RunState.PAUSING),
    (Command.PAUSE, RunState.PAUSING): Rule(Answer.JOIN),
    (Command.PAUSE, RunState.PAUSED): Rule(Answer.AT_ONCE),
    (Command.PAUSE, RunState.RESUMING): Rule(Answer.WAIT, RunState.PAUSING, Command.RESUME),
    (Command.RESUME, RunState.RUNNING): Rule(Answer.AT_ONCE),
    (Command.RESUME, RunState.PAUSING): Rule(Answer.AT_ONCE, RunState.RUNNING, Command.PAUSE),
    (Command.RESUME, RunState.PAUSED): Rule(Answer.WAIT, RunState.RESUMING),
    (Command.RESUME, RunState.RESUMING): Rule(Answer.JOIN),
    (Command.STOP, RunState.RUNNING): _STOP,
    (Command.STOP, RunState.PAUSING): _STOP._replace(withdraws=Command.PAUSE),
    (Command.STOP, RunState.PAUSED): _STOP,
    (Command.STOP, RunState.RESUMING): _STOP._replace(withdraws=Command.RESUME),
    **{(Command.SET, state): Rule(Answer.WAIT) for state in RunState if state not in _FINAL},
    **{(command, state): _REJECT for command in (Command.PAUSE, Command.RESUME, Command.SET) for state in _FINAL},
    **{(Command.STOP, state): Rule(Answer.AT_ONCE) for state in _FINAL},
}

OVER = {
    RunState.STOPPING: "the run is stopping",
    RunState.STOPPED: "the run has stopped",
    RunState.ENDED: "the run has ended",
}

_POINTLESS = {
    (Command.PAUSE, RunState.PAUSING): "already pausing",
    (Command.PAUSE, RunState.PAUSED): "already paused",
    (Command.RESUME, RunState.RUNNING): "the run is not paused",
    (Command.RESUME, RunState.RESUMING): "already resuming",
}

_DISCONNECTED = {
    LinkState.CONNECTING: "not connected yet",
    LinkState.LOST: "not connected: the producer is lost",
    LinkState.CLOSED: "not connected: the link is closed",
}

_INCAPABLE = {
    Command.PAUSE: "this producer cannot be paused",
    Command.RESUME: "this producer cannot be resumed",
    Command.STOP: "this producer cannot be stopped",
    Command.SET: "this producer has no live parameters",
}


def allowed(command: Command, run: RunState, link: LinkState, capabilities: Collection[str], role: str) -> str | None:
    """Tell whether a person may give a command now.

    Args:
        command: what would be given.
        run: what the producer last reported.
        link: how well it is connected; a STALE producer may still be asked.
        capabilities: commands that its hello offered.
        role: "observe" or "operate", from its hello.

    Returns:
        None when it may be given, else the sentence for a tooltip.
    """
    if run in OVER:
        return OVER[run]
    if link in _DISCONNECTED:
        return _DISCONNECTED[link]
    if command.value not in capabilities:
        return _INCAPABLE[command]
    if role != "operate":
        return "observe only: this producer gave no right to operate"
    return _POINTLESS.get((command, run))
