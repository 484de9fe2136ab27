"""The run state of a watched program and what is told of it: ``run_control.TRANSITIONS`` decides, this carries out.

No lock, no waiting and no I/O: ``checkpoint.RunControl`` calls it under its lock. What viewers shall be told leaves
through ``emit``, in order; callbacks of the program gather in ``take_due`` for the thread that is in checkpoint.
"""

from __future__ import annotations

import enum
import inspect
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from .loops import Loop, LoopRegistry, Owner
from .messages import ControlState, LogRecord
from .parameters import MAX_PARAMETERS, Parameter
from .run_control import OVER, TRANSITIONS, Answer, Command, Rule, RunState, Stage
from .wire import Reply
from .wire_encode import control_body, parameter_row

logger = logging.getLogger("dockscope.control")

MAX_OPEN_REQUESTS = 256
MAX_REASON = 1000
Callback = Callable[[], object]
Emit = Callable[[Reply | ControlState | LogRecord], None]


class Ask(NamedTuple):
    """One command of a viewer: its id, what, with which arguments, and who asked ("name@host")."""

    id: bytes
    command: Command
    args: dict[str, Any]
    by: str


class Verdict(enum.Enum):
    """How a visit to a checkpoint ends."""

    GO = "go"
    STOP = "stop"
    TIMED_OUT = "timed out"


class RunMachine:
    """Run state, open requests, parameters and loops of one run.

    Args:
        emit: takes Reply, ControlState and LogRecord objects in order; must not block or call back.
        clock: seconds, monotonic.
    """

    def __init__(self, emit: Emit, clock: Callable[[], float]) -> None:
        self._emit = emit
        self._clock = clock
        self.loops = LoopRegistry(clock)
        self.run = RunState.RUNNING
        self.calm = True
        self.stopping = False
        self._outcome: str | None = None
        self._revision = 0
        self._by = ""
        self._reason = ""
        self._waiting_since: float | None = None
        self._open: dict[Command, list[Ask]] = {command: [] for command in Command}
        self._settings: deque[tuple[Ask, Parameter, Any]] = deque()
        self._parameters: dict[str, Parameter] = {}
        self._callbacks: dict[str, list[Callback]] = {"pause": [], "resume": [], "stop": []}
        self._due: list[Callable[[], None]] = []
        self._pause_told = False
        self._stop_told = False

    def declare(self, made: Parameter) -> Parameter:
        """Take a parameter in, or give the one of that name that was declared with equal arguments.

        Raises:
            ValueError: declared before with other arguments, or too many.
        """
        known = self._parameters.get(made.name)
        if known is not None:
            if not known.declared_like(made):
                raise ValueError(f"name: parameter {made.name!r} was declared before with other arguments")
            return known
        if len(self._parameters) >= MAX_PARAMETERS:
            raise ValueError(f"name: more than {MAX_PARAMETERS} parameters")
        self._parameters[made.name] = made
        self._announce()
        return made

    # -- the loops ---------------------------------------------------------------------------------------------

    def enter(self, owner: Owner) -> Loop:
        """Note that a thread or task has reached a checkpoint."""
        loop, arrived = self.loops.enter(owner)
        if arrived and self.run is RunState.PAUSED:
            self._pausing_again()
        return loop

    def step(self, loop: Loop, over: bool) -> Verdict | None:
        """Do what is due for a loop in its checkpoint.

        Args:
            loop: who is there.
            over: whether its time-out has passed.

        Returns:
            None when it must wait, unless something became due.
        """
        self._apply_settings()
        if self.stopping:
            self.leave(loop)
            self.mark_stopped()
            self._tell_stop()
            return Verdict.STOP
        if self.run not in (RunState.PAUSING, RunState.PAUSED):
            self.leave(loop)
            self._tell_resume()
            return Verdict.GO
        if over:
            self.leave(loop)
            return Verdict.TIMED_OUT
        self._block(loop)
        return None

    def _block(self, loop: Loop) -> None:
        loop.blocked = True
        if not self._pause_told:
            self._pause_told = True
            self._due += self._callbacks_of("pause")
        self._settle_pause()

    def _settle_pause(self) -> None:
        """Become PAUSED when every active loop is blocked."""
        if self.run is RunState.PAUSING and self.loops.all_blocked():
            self._move(RunState.PAUSED)
            self._resolve(Command.PAUSE)

    def leave(self, loop: Loop) -> None:
        """Unblock a loop; a pause it walks out of is not complete any more."""
        was_blocked, loop.blocked = loop.blocked, False
        loop.seen = self._clock()
        if was_blocked and self.run is RunState.PAUSED:
            self._pausing_again()
        self._settle_resume()

    def _settle_resume(self) -> None:
        """Become RUNNING when the last blocked loop has gone on."""
        if self.run is RunState.RESUMING and not self.loops.any_blocked():
            self._move(RunState.RUNNING)
            self._resolve(Command.RESUME)

    def _pausing_again(self) -> None:
        self._waiting_since = self._clock()
        self._move(RunState.PAUSING)

    def mark_stopped(self) -> None:
        """Note that the program has seen the stop."""
        if self.run is RunState.STOPPING:
            self._move(RunState.STOPPED)
            self._resolve(Command.STOP)

    def register(self, event: str, callback: Callback) -> Callback:
        """Keep a callback for "pause", "resume" or "stop".

        Raises:
            TypeError: not a plain function.
        """
        if not callable(callback) or inspect.iscoroutinefunction(callback):
            raise TypeError("callback: must be a plain function")
        self._callbacks[event].append(callback)
        return callback

    def _callbacks_of(self, event: str) -> list[Callable[[], None]]:
        return [_guarded(event, callback) for callback in self._callbacks[event]]

    def _tell_resume(self) -> None:
        if self._pause_told:
            self._pause_told = False
            self._due += self._callbacks_of("resume")
            self._refresh_calm()

    def _tell_stop(self) -> None:
        if not self._stop_told:
            self._stop_told = True
            self._due += self._callbacks_of("stop")

    def take_due(self) -> list[Callable[[], None]]:
        """Hand over the callbacks that the thread in checkpoint must run, outside the lock."""
        due, self._due = self._due, []
        return due

    # -- the viewers' commands ---------------------------------------------------------------------------------

    def request(self, ask: Ask) -> None:
        """Carry out a viewer's command as the table says; the answers leave through ``emit``."""
        rule = TRANSITIONS[ask.command, self.run]
        if rule.answer is Answer.REJECT:
            self._reject(ask, OVER[self.run])
        elif len(self._open[ask.command]) >= MAX_OPEN_REQUESTS:
            self._reject(ask, f"more than {MAX_OPEN_REQUESTS} open requests")
        elif ask.command is Command.SET:
            self._accept_setting(ask)
        else:
            self._carry_out(ask, rule)

    def _carry_out(self, ask: Ask, rule: Rule) -> None:
        self._by, self._reason = ask.by, _reason_of(ask)
        if rule.withdraws is not None:
            self._withdraw(rule.withdraws, f"withdrawn by {ask.command.value} of {ask.by}")
        if rule.next is not None:
            self.stopping = self.stopping or rule.next is RunState.STOPPING
            self._waiting_since = self._clock()
            self._move(rule.next)
        if rule.answer is Answer.AT_ONCE:
            self._answer(ask, Stage.EFFECTIVE)
            return
        self._open[ask.command].append(ask)
        self._answer(ask, Stage.ACCEPTED)
        self._settle_pause()
        self._settle_resume()

    def _accept_setting(self, ask: Ask) -> None:
        name = ask.args.get("name")
        parameter = self._parameters.get(name) if isinstance(name, str) else None
        if parameter is None:
            self._reject(ask, f"no parameter {str(name)[:40]!r}")
            return
        try:
            value = parameter.check(ask.args.get("value"))
        except ValueError as error:
            self._reject(ask, str(error))
            return
        self._open[Command.SET].append(ask)
        self._settings.append((ask, parameter, value))
        self.calm = False
        self._answer(ask, Stage.ACCEPTED, parameter_row(parameter.state()))

    def _apply_settings(self) -> None:
        """Take over checked values; called in the thread that is in checkpoint."""
        while self._settings:
            ask, parameter, value = self._settings.popleft()
            parameter.take(value)
            self._by, self._reason = ask.by, _reason_of(ask)
            self._open[Command.SET].remove(ask)
            self._announce()
            self._answer(ask, Stage.EFFECTIVE, parameter_row(parameter.state()))
            self._due.append(parameter.tell)
        self._refresh_calm()

    def _refresh_calm(self) -> None:
        """Tell checkpoints whether they may pass without the lock: nothing to obey, to take over or to call."""
        self.calm = self.run is RunState.RUNNING and not self._settings and not self._pause_told

    def tick(self) -> None:
        """Notice loops that ended or fell silent."""
        self.loops.prune()
        self._settle_pause()
        self._settle_resume()

    def end(self, outcome: str | None) -> None:
        """Become ENDED; see ``RunControl.end``."""
        if self.run is RunState.ENDED:
            return
        self._outcome = outcome or ("stopped" if self.run is RunState.STOPPED else "finished")
        self._move(RunState.ENDED)
        self._resolve(Command.STOP)
        for command in (Command.PAUSE, Command.RESUME, Command.SET):
            self._withdraw(command, OVER[RunState.ENDED])
        self._settings.clear()

    # -- telling -----------------------------------------------------------------------------------------------

    def _move(self, run: RunState) -> None:
        self.run = run
        self._refresh_calm()
        if run in (RunState.RUNNING, RunState.PAUSED, RunState.STOPPED, RunState.ENDED):
            self._waiting_since = None
        self._announce()

    def _announce(self) -> None:
        self._revision += 1
        self._emit(self.snapshot())

    def snapshot(self) -> ControlState:
        """Describe the run as viewers see it, now."""
        since = self._waiting_since
        return ControlState(
            run=self.run.value,
            outcome=self._outcome,
            revision=self._revision,
            by=self._by,
            reason=self._reason,
            waiting_s=None if since is None else self._clock() - since,
            parameters=tuple(parameter.state() for parameter in self._parameters.values()),
        )

    def _resolve(self, command: Command) -> None:
        asks, self._open[command] = self._open[command], []
        for ask in asks:
            self._answer(ask, Stage.EFFECTIVE)

    def _withdraw(self, command: Command, reason: str) -> None:
        asks, self._open[command] = self._open[command], []
        for ask in asks:
            self._reject(ask, reason)

    def _reject(self, ask: Ask, reason: str) -> None:
        self._emit(Reply(ask.id, Stage.REJECTED.value, reason))
        self._emit(_record(ask, Stage.REJECTED, reason))

    def _answer(self, ask: Ask, stage: Stage, result: Any = None) -> None:
        self._emit(Reply(ask.id, stage.value, "", control_body(self.snapshot()) if result is None else result))
        self._emit(_record(ask, stage, ""))


def _record(ask: Ask, stage: Stage, reason: str) -> LogRecord:
    """Write down who asked what, and what became of it."""
    told = ask.command.value
    if ask.command is Command.SET:
        told = f"set {str(ask.args.get('name'))[:60]} = {str(ask.args.get('value'))[:60]}"
    message = f"{told} by {ask.by}: {stage.value}" + (f" ({reason})" if reason else "")
    fields = {"command": ask.command.value, "by": ask.by, "stage": stage.value, "reason": reason[:MAX_REASON]}
    return LogRecord("warning" if stage is Stage.REJECTED else "info", message, fields, time.time())


def _guarded(event: str, callback: Callback) -> Callable[[], None]:
    def call() -> None:
        try:
            callback()
        except Exception:
            logger.exception("an on_%s callback failed", event)

    return call


def _reason_of(ask: Ask) -> str:
    return str(ask.args.get("reason") or "")[:MAX_REASON]
