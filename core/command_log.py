"""The commands given from this viewer, and how far each has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .journal import Journal
from .log_sentences import command_sentence
from .producers import CommandState
from .run_control import Stage

MOST_COMMANDS = 1000


class CommandLog:
    """Keep the newest commands; each stage is a row of the log.

    Args:
        journal: gets rows and changes. clock: returns unix seconds.
    """

    def __init__(self, journal: Journal, clock: Callable[[], float]) -> None:
        self.states: dict[bytes, CommandState] = {}
        self._journal = journal
        self._clock = clock

    def note(self, key: str, id_: bytes, command: str, args: dict[str, Any], stage: Stage, reason: str) -> None:
        """Take note of how far a command of the producer ``key`` has come."""
        state = self.states.get(id_)
        if state is None:
            state = CommandState(id_, key, command, args, stage, reason, self._clock(), self._clock)
            self.states[id_] = state
            while len(self.states) > MOST_COMMANDS:
                del self.states[next(iter(self.states))]
        elif (state.stage, state.reason) == (stage, reason):
            return
        state.stage, state.reason = stage, reason
        level, sentence = command_sentence(state)
        self._journal.write(key, "command", level, sentence, {"stage": str(stage)})
        self._journal.mark("command", key, command)

    def reject_open(self, key: str, reason: str) -> None:
        """Fail whatever a producer has not answered for good."""
        for state in list(self.states.values()):
            if state.producer == key and state.open:
                self.note(key, state.id, state.command, state.args, Stage.REJECTED, reason)

    def forget(self, key: str) -> None:
        """Drop the commands of a producer."""
        self.states = {id_: state for id_, state in self.states.items() if state.producer != key}
