"""What becomes of a device server's news: run state and parameters, a list of devices, rows of the log."""

from __future__ import annotations

import time
from typing import Any

from msgspec.structs import replace

from ..messages import ControlState, DataRecord, LogRecord, ParameterState
from .device_listing import ServerError, Task
from .device_state import DeviceState
from .reception import Reception

LIST = "devices"  # the data stream with the list


class DeviceNews:
    """Tell what is otherwise than it was told last.

    Args:
        reception: where it goes. lists: False to tell the run state only.
    """

    def __init__(self, reception: Reception, *, lists: bool) -> None:
        self._reception, self._lists = reception, lists
        self._revision = 0
        self._told: ControlState | None = None
        self._values: dict[str, tuple[Any, int]] = {}
        self._listed: dict[str, Any] | None = None
        self._errors: dict[str, ServerError] = {}

    def forget(self) -> None:
        """Tell run state and list again, whether or not they have changed."""
        self._told = self._listed = None

    def tell(self, state: DeviceState) -> None:
        """Tell the news of this state."""
        control = state.control()
        if control != self._told:
            self._told = control
            self._revision += 1
            parameters = tuple(map(self._numbered, control.parameters))
            self._reception.receive(replace(control, revision=self._revision, parameters=parameters))
        if self._lists:
            self._tell_list(state.listing())
            self._tell_errors(state)

    def tell_ending(self, task: Task, outcome: dict[str, Any]) -> None:
        """Tell how a task has ended, as a row of the log.

        Args:
            task: as it was listed. outcome: what the server tells of it.
        """
        exception, result = outcome.get("exception"), outcome.get("result")
        fields = {"task": task.id, "type": task.type}
        if exception is not None:
            row = LogRecord("error", f"task {task.id} failed: {str(exception)[:500]}", fields, time.time())
        else:
            words = "" if result is None else f": {str(result)[:500]}"
            row = LogRecord("info", f"task {task.id} has ended{words}", fields, time.time())
        self._reception.receive(row)

    def _numbered(self, parameter: ParameterState) -> ParameterState:
        """Give a parameter its revision, which grows with each change of its value."""
        value, revision = self._values.get(parameter.name, (parameter.value, 0))
        revision += value != parameter.value
        self._values[parameter.name] = parameter.value, revision
        return replace(parameter, revision=revision)

    def _tell_list(self, listing: dict[str, Any]) -> None:
        if listing != self._listed:
            self._listed = listing
            self._reception.receive(DataRecord(listing, time.time()), LIST)

    def _tell_errors(self, state: DeviceState) -> None:
        errors = {id_: device.error for id_, device in state.devices.items() if device.error is not None}
        for id_, error in errors.items():
            if error != self._errors.get(id_):
                t = time.time() if error.t is None else error.t
                fields = {"device": id_, "type": state.devices[id_].type}
                self._reception.receive(LogRecord("error", f"{id_}: {error.sentence}", fields, t))
        self._errors = errors
