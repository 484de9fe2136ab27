"""The toolbar and a local device: commands to it, and its run state as it really is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from ..core.dialects.reception import Reception
from ..core.messages import ControlState, ParameterState
from ..core.run_control import Command, RunState, Stage
from .instrument import Instrument, InstrumentState
from .spec import LEAST_RATE_HZ, MOST_RATE_HZ

RATE = "rate_hz"
ELSEWHERE = "a device of this computer is steered where it is streamed"

Confirm = Callable[[str, dict[str, Any], Stage, str], None]


class SourceControl:
    """Steer an instrument, and tell what came of it.

    Args:
        instrument: the device. confirm: takes how far a command has come. is_ours: its stream is the one to steer.
    """

    def __init__(self, instrument: Instrument, confirm: Confirm, *, is_ours: bool) -> None:
        self._instrument, self._confirm, self._is_ours = instrument, confirm, is_ours
        self._told: tuple[RunState, float] | None = None
        self._revision = self._rate_revision = 0

    def forget(self) -> None:
        """Tell the run state again, whether or not it has changed."""
        self._told = None

    def tell(self, reception: Reception) -> None:
        """Tell the run state, if it is otherwise than it was told last."""
        run, rate_hz = self._run_state(), self._instrument.spec.rate_hz
        if run is None or (run, rate_hz) == self._told:
            return
        self._revision += 1
        self._rate_revision += self._told is None or self._told[1] != rate_hz
        self._told = (run, rate_hz)
        rate = ParameterState(
            RATE, "float", rate_hz, LEAST_RATE_HZ, MOST_RATE_HZ, unit="Hz", revision=self._rate_revision
        )
        reception.receive(ControlState(run.value, revision=self._revision, parameters=(rate,)))

    def steer(self, command: str, args: dict[str, Any]) -> str | None:
        """Begin a command (see ``ForeignSource``)."""
        if not self._is_ours:
            return ELSEWHERE
        try:
            done = self._begin(command, args)
        except ValueError as error:
            return str(error)
        loop = asyncio.get_running_loop()
        self._confirm(command, args, Stage.ACCEPTED, "")
        done.add_done_callback(lambda done: self._report(loop, command, args, done))
        return None

    def _begin(self, command: str, args: dict[str, Any]) -> Future[None]:
        if command == Command.PAUSE:
            return self._instrument.pause()
        if command == Command.RESUME:
            return self._instrument.resume()
        if command == Command.STOP:
            return self._instrument.stop()
        value: Any = args.get("value")
        if command != Command.SET or args.get("name") != RATE or type(value) not in (int, float):
            raise ValueError("there is no such setting")
        return self._instrument.set_rate(value)

    def _report(self, loop: asyncio.AbstractEventLoop, command: str, args: dict[str, Any], done: Future[None]) -> None:
        """Tell the outcome, on the loop; called from a thread of the device."""
        error = done.exception()
        told = (Stage.EFFECTIVE, "") if error is None else (Stage.REJECTED, str(error))
        try:
            loop.call_soon_threadsafe(self._confirm, command, args, *told)
        except RuntimeError:  # the loop has ended, and with it whoever asked
            pass

    def _run_state(self) -> RunState | None:
        """Return what the stream really does; None while it is about to begin."""
        state = self._instrument.state
        if state is InstrumentState.STREAMING:
            return RunState.RUNNING
        if state is InstrumentState.PAUSED:
            return RunState.PAUSED
        if state is InstrumentState.CONNECTED and not self._instrument.is_wanted:
            return RunState.STOPPED
        return None
