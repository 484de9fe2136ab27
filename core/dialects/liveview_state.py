"""The state of a LiveView experiment: a merge patch at a time, and what its status says of the run."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..messages import ControlState, LogRecord, ProtocolError, Status
from ..run_control import Command, RunState, Stage
from .liveview_codec import MAX_NAME_CHARACTERS
from .object_times import time_of
from .readings import NUMBERS, read_log

MOST_FIELDS = 256
MOST_LOGS = 256
# Fields that hold what there are messages of their own for.
METRICS, STREAMS, LOGS = "metrics", "data_streams", "recent_logs"
COUNTERS = frozenset({"current_step", "current_epoch", "current_episode", "total_train_steps", "total_eval_steps"})
MAX_REASON_CHARACTERS = 1000

# The status of a run, in LiveView's words and those of our own experiments.
RUNS = {
    "initializing": RunState.RUNNING,
    "running": RunState.RUNNING,
    "pausing": RunState.PAUSING,
    "paused": RunState.PAUSED,
    "resuming": RunState.RESUMING,
    "aborting": RunState.STOPPING,
    "aborted": RunState.ENDED,
    "completed": RunState.ENDED,
    "error": RunState.ENDED,
}
OUTCOMES = {"aborted": "stopped", "completed": "finished", "error": "error"}
_LEVELS = {"aborted": "warning", "completed": "complete", "error": "error"}

# What a run state says of commands that are open: (command, stage, reason).
SETTLED: dict[RunState, tuple[tuple[Command, Stage, str], ...]] = {
    RunState.PAUSING: ((Command.PAUSE, Stage.ACCEPTED, ""),),
    RunState.PAUSED: ((Command.PAUSE, Stage.EFFECTIVE, ""),),
    RunState.RESUMING: ((Command.RESUME, Stage.ACCEPTED, ""),),
    RunState.RUNNING: ((Command.RESUME, Stage.EFFECTIVE, ""),),
    RunState.STOPPING: ((Command.STOP, Stage.ACCEPTED, ""),),
    RunState.ENDED: (
        (Command.STOP, Stage.EFFECTIVE, ""),
        (Command.PAUSE, Stage.REJECTED, "the run has ended"),
        (Command.RESUME, Stage.REJECTED, "the run has ended"),
    ),
}


class Patch(NamedTuple):
    """What is in a state message beside plain fields: numbers of metrics, values of streams, new lines of the log."""

    metrics: dict[str, Any]
    streams: dict[str, dict[str, Any]]
    logs: list[LogRecord]


class ExperimentState:
    """The fields of one run, as merged so far.

    Attributes:
        fields: by name. run: what the status says, or None as long as nothing said anything.
    """

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.run: RunState | None = None
        self._logs: list[Any] = []

    @property
    def status(self) -> str:
        """Return the status as it was told, "" before."""
        status = self.fields.get("status")
        return status if isinstance(status, str) else ""

    def merge(self, patch: dict[str, Any], t: float) -> Patch:
        """Take changed fields: null removes one, any other value replaces the one before.

        Args:
            patch: the fields. t: when they arrived, unix seconds.

        Raises:
            ProtocolError: there would be more than 256 fields; nothing was taken.
        """
        plain = {name: item for name, item in patch.items() if name not in (METRICS, STREAMS, LOGS)}
        merged = {name: item for name, item in (self.fields | plain).items() if item is not None}
        if len(merged) > MOST_FIELDS:
            raise ProtocolError(f"a state of more than {MOST_FIELDS} fields")
        self.fields = merged
        metrics, streams = _dict(patch.get(METRICS)), _dict(patch.get(STREAMS))
        return Patch(
            {name: item for name, item in metrics.items() if type(item) in NUMBERS},
            {name[:MAX_NAME_CHARACTERS]: item for name, item in streams.items() if isinstance(item, dict)},
            self._new_logs(patch.get(LOGS), t),
        )

    def change(self, patch: dict[str, Any], t: float) -> tuple[Status | None, ControlState | None]:
        """Return what a patch that was merged says of the run, each None when that is nothing new."""
        status = self.status if patch.get("status") is not None else ""
        if not status:
            counts = self.run is None and not COUNTERS.isdisjoint(patch)
            if counts:  # joined late: who counts steps runs
                self.run = RunState.RUNNING
            return None, ControlState(RunState.RUNNING.value) if counts else None
        text = str(self.fields.get("error_message") or "") if status == "error" else ""
        told = Status(_LEVELS.get(status, "info"), f"{status}: {text}" if text else status, t)
        run = RUNS.get(status, self.run)
        if run is None:
            return told, None
        self.run = run
        return told, ControlState(run.value, outcome=OUTCOMES.get(status), reason=text[:MAX_REASON_CHARACTERS])

    def _new_logs(self, logs: Any, t: float) -> list[LogRecord]:
        """Return the lines of a whole list of recent ones that were not in the list before."""
        if not isinstance(logs, list):
            return []
        before, self._logs = self._logs, logs[-MOST_LOGS:]
        found = [read_log(line) for line in self._logs if isinstance(line, dict) and line not in before]
        return [_timed(record, own_time, t) for record, own_time in filter(None, found)]


def _timed(record: LogRecord, own_time: Any, t: float) -> LogRecord:
    moment = time_of(own_time)
    return LogRecord(record.level, record.message, record.fields, t if moment is None else moment)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
