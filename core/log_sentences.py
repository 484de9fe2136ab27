"""How links, runs and commands are told in the log: one plain line each."""

from __future__ import annotations

from .messages import ControlState
from .problems import one_line
from .producers import CommandState
from .run_control import LinkState, Stage


def link_sentence(before: LinkState, state: LinkState, detail: str) -> str:
    """Return the row for a change of the connection, or "" when it needs none."""
    words = {
        LinkState.LIVE: "answers again" if before == LinkState.STALE else "connected",
        LinkState.STALE: "connected, but does not answer",
        LinkState.LOST: "connection lost",
        LinkState.CLOSED: "connection closed",
    }
    never_stood = before == LinkState.CONNECTING and state == LinkState.CLOSED
    word = "" if never_stood else words.get(state, "")
    return one_line(f"{word}: {detail}") if word and detail else word


def run_sentences(before: ControlState | None, now: ControlState) -> list[tuple[str, str]]:
    """Return (level, sentence) for each thing that is new in a run state: the state itself and its parameters."""
    rows = []
    asked = (f", asked by {now.by}" if now.by else "") + (f": {now.reason}" if now.reason else "")
    if before is None or (before.run, before.outcome) != (now.run, now.outcome):
        outcome = f", {now.outcome}" if now.outcome else ""
        rows.append(("error" if now.outcome == "error" else "info", one_line(f"run is {now.run}{outcome}{asked}")))
    known = {} if before is None else {parameter.name: parameter for parameter in before.parameters}
    for parameter in now.parameters:
        earlier = known.get(parameter.name)
        if earlier is not None and earlier.revision != parameter.revision:
            value = f"{parameter.value} {parameter.unit}".rstrip()
            rows.append(("info", one_line(f"parameter {parameter.name} is {value}{asked}")))
    return rows


def command_sentence(state: CommandState) -> tuple[str, str]:
    """Return (level, sentence) for the stage that a command has reached."""
    what = f"{state.command} {state.args.get('name')}" if state.command == "set" else state.command
    stage = "not confirmed" if state.stage == Stage.UNCONFIRMED else str(state.stage)
    level = "warning" if state.stage in (Stage.REJECTED, Stage.LOST, Stage.UNCONFIRMED) else "info"
    return level, one_line(f"{what}: {stage}" + (f", {state.reason}" if state.reason else ""))
