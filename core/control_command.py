"""``dockscope control``: give a command to a producer and wait until it is effective."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, TextIO

from .asker import Asker
from .dialects.base import open_source
from .headless import HeadlessSink, ended_by_signals, say, within
from .messages import ControlState, Hello
from .run_control import Command, RunState, Stage
from .tail_lines import as_json, printable, summary
from .wire import DataMessage

STATUS = "status"
VERBS = (Command.PAUSE.value, Command.RESUME.value, Command.STOP.value, STATUS)
SHOWN_S = 1.0
LAST_STAGES = (Stage.EFFECTIVE, Stage.REJECTED, Stage.LOST)
EXPECTED = {
    Command.PAUSE: (RunState.PAUSED,),
    Command.RESUME: (RunState.RUNNING,),
    Command.STOP: (RunState.STOPPED, RunState.ENDED),
}


class ControlSink(HeadlessSink):
    """Know the run state, and how far one command has come."""

    def __init__(self) -> None:
        super().__init__()
        self.greeted = asyncio.Event()
        self.told = asyncio.Event()
        self.answered = asyncio.Event()
        self.run: ControlState | None = None
        self._stages: dict[bytes, tuple[Stage, str]] = {}

    @property
    def stage(self) -> Stage | None:
        """Return how far the command has come; of several runs that it was given to, with the least success."""
        return self._least[0]

    @property
    def reason(self) -> str:
        """Return what was said with that."""
        return self._least[1]

    @property
    def _least(self) -> tuple[Stage | None, str]:
        failed = [told for told in self._stages.values() if told[0] is not Stage.EFFECTIVE]
        return next(iter(failed or self._stages.values()), (None, ""))

    def greet(self, key: str, hello: Hello, role: str) -> None:
        """Take who answers."""
        super().greet(key, hello, role)
        self.greeted.set()

    def receive(self, key: str, message: DataMessage) -> None:
        """Take the run state."""
        if isinstance(message.message, ControlState):
            self.run = message.message
            self.told.set()

    def command(
        self, key: str, command_id: bytes, command: str, args: dict[str, Any], stage: Stage, reason: str = ""
    ) -> None:
        """Take how far the command has come."""
        self._stages[command_id] = stage, reason
        if all(told in LAST_STAGES for told, _ in self._stages.values()):
            self.answered.set()


@dataclass(frozen=True)
class Outcome:
    """What became of it: whether it worked, the sentence for a person, and the last stage that was told in time."""

    done: bool
    sentence: str
    stage: Stage | None = None
    reason: str = ""


async def control(
    url: str,
    verb: str,
    output: TextIO,
    *,
    timeout_s: float = 10.0,
    json: bool = False,
    insecure: bool = False,
    asker: Asker | None = None,
) -> int:
    """Give a command, or ask for the run state, and say what became of it.

    Args:
        url: of the producer. verb: one of VERBS. output: gets the answer.
        timeout_s: how long to wait for all of it. json: an object instead of a sentence.
        insecure: addresses may be bound that other machines reach. asker: gives the password, where one is needed.

    Returns:
        The exit code: 0 only when the command is effective, or the state was told.

    Raises:
        ValueError: the URL is wrong, as a sentence.
    """
    sink = ControlSink()
    source = open_source(url, sink, topics=[("control", "*")], insecure=insecure, asker=asker)
    with ended_by_signals(sink.over):
        source.start()
        steps = asyncio.ensure_future(_steps(sink, source.send, verb, timeout_s))
        interrupted = asyncio.ensure_future(sink.over.wait())
        try:
            await asyncio.wait([steps, interrupted], return_when=asyncio.FIRST_COMPLETED)
            outcome = steps.result() if steps.done() else Outcome(False, f"{verb}: interrupted before it was effective")
        finally:
            for task in (steps, interrupted):
                task.cancel()
            await asyncio.gather(steps, interrupted, return_exceptions=True)
            await source.close()
    _tell(sink, source.url, verb, outcome, output, json)
    return 0 if outcome.done else 1


async def _steps(sink: ControlSink, send: Any, verb: str, timeout_s: float) -> Outcome:
    loop = asyncio.get_running_loop()
    until_s = loop.time() + timeout_s
    if not await within(sink.greeted, timeout_s) or sink.hello is None:
        return Outcome(False, sink.trouble or f"nothing answered within {timeout_s:g} s")
    if not sink.hello.capabilities:
        return Outcome(False, f"{sink.hello.name} only publishes: it takes no commands and tells no run state")
    if verb == STATUS:
        if not await within(sink.told, until_s - loop.time()):
            return Outcome(False, f"{sink.hello.name} told no run state within {timeout_s:g} s")
        return Outcome(True, f"{sink.hello.name}: {_state(sink.run)}")
    send(verb)
    await within(sink.answered, until_s - loop.time())
    if sink.stage is not Stage.EFFECTIVE:
        return Outcome(False, f"{verb}: {_refusal(sink, timeout_s)}", sink.stage, sink.reason)
    await _shown(sink, Command(verb))
    return Outcome(True, f"{sink.hello.name}: {_state(sink.run)}", sink.stage)


async def _shown(sink: ControlSink, command: Command) -> None:
    """Wait a moment for the run state that follows; it comes on another connection than the answer."""
    expected = {state.value for state in EXPECTED[command]}
    loop = asyncio.get_running_loop()
    until_s = loop.time() + SHOWN_S
    while (sink.run is None or sink.run.run not in expected) and loop.time() < until_s:
        sink.told.clear()
        await within(sink.told, until_s - loop.time())


def _refusal(sink: ControlSink, timeout_s: float) -> str:
    if sink.stage in (Stage.REJECTED, Stage.LOST):
        return sink.reason or f"{sink.stage}"
    if sink.stage is Stage.ACCEPTED:
        return f"accepted, but not effective within {timeout_s:g} s"
    return f"not confirmed within {timeout_s:g} s"


def _state(run: ControlState | None) -> str:
    if run is None:
        return "told no run state"
    asked = f" (asked by {run.by})" if run.by else ""
    why = f": {run.reason}" if run.reason else ""
    return f"{run.run}{f', {run.outcome}' if run.outcome else ''}{asked}{why}"


def _tell(sink: ControlSink, url: str, verb: str, outcome: Outcome, output: TextIO, json: bool) -> None:
    sentence = printable(outcome.sentence)
    if json:
        run = sink.run
        fields = {
            "producer": sink.hello.name if sink.hello else None,
            "url": url,
            "command": verb,
            "effective": outcome.done,
            "stage": outcome.stage.value if outcome.stage else None,
            "reason": outcome.reason or ("" if outcome.done else sentence),
            "run": run.run if run else None,
            "outcome": run.outcome if run else None,
            "by": run.by if run else None,
            "parameters": [summary({"name": p.name, "type": p.type, "value": p.value}) for p in run.parameters]
            if run
            else [],
        }
        output.write(as_json(fields) + "\n")
    elif outcome.done:
        output.write(sentence + "\n")
    if not outcome.done and outcome.sentence != sink.trouble:
        say(sentence)
    output.flush()
