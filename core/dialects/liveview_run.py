"""One run of LiveView: what it tells becomes dockscope's messages, under a producer of its own."""

from __future__ import annotations

import base64
import binascii
import math
import os
import time
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from ..messages import DataRecord, Hello, Kind, LogRecord, ProtocolError
from ..run_control import Command, RunState
from .foreign import ForeignSource
from .liveview_codec import IMAGES, DataMessage, LiveViewMessage, LogMessage, MetricMessage, StateMessage
from .liveview_state import SETTLED, ExperimentState
from .metric_rows import MetricRows
from .object_times import time_of
from .readings import MAX_LABEL_CHARACTERS, MOST_ITEMS, MOST_NUMBERS, NUMBERS, as_array

CAPABILITIES = (Command.PAUSE.value, Command.RESUME.value, Command.STOP.value)
EVIDENCE, MESH, STATE = "evidence_chart", "mesh_viewer", "state"
PICTURES = ("camera_image", "depth_image")
MOST_STREAMS = 1024


class LiveViewRun:
    """A run under a source of its own.

    Args:
        source: by which viewers know it. host: where. title: its name until it says one. only: names to keep.

    Attributes:
        name: that the run has told, or "". connections: by which it speaks. has_begun: something was told of it.
        left_s: when a connection of it ended last, monotonic.
    """

    def __init__(self, source: ForeignSource, host: str, title: str, only: tuple[str, ...] = ()) -> None:
        self.source = source
        self.name = ""
        self.connections: set[int] = set()
        self.has_begun = False
        self.left_s = 0.0
        self._host, self._title = host, title
        self._only = frozenset(only)
        self._rows = MetricRows(() if "metric" in only else only)
        self._begin()

    def _begin(self) -> None:
        self._producer = os.urandom(16)
        self.state = ExperimentState()
        self._pictures: dict[str, dict[str, Any]] = {}
        self._streams: set[str] = set()

    @property
    def is_over(self) -> bool:
        """Tell whether the run has said that it ended."""
        return self.state.run is RunState.ENDED

    def begin_anew(self) -> None:
        """Be another run from now on."""
        self._begin()
        self._rows.redefine()

    def greet(self) -> None:
        """Tell that the run is there, and what it is called."""
        hello = Hello(
            self._producer,
            self.name or self._title,
            host=self._host,
            capabilities=CAPABILITIES,
            role="operate",
            is_numbered=False,
        )
        if self.source.is_open:
            self.source.reception.up(hello)

    def leave(self, connection: int) -> None:
        """Take note that it does not speak by this connection any more; without any it is gone."""
        self.connections.discard(connection)
        self.left_s = time.monotonic()
        if not self.connections and self.source.is_open:
            self.source.reception.down()

    def take(self, message: LiveViewMessage, t: float, nbytes: int) -> None:
        """Take a message; samples wait for ``flush``.

        Args:
            message: of this run. t: when it arrived, unix seconds. nbytes: its size.

        Raises:
            ProtocolError: it breaks a rule.
        """
        self.has_begun = True
        self.source.reception.heard()
        self._takers[type(message)](self, message, t, nbytes)

    def flush(self) -> None:
        """Deliver the samples that were taken."""
        reception = self.source.reception
        for message in self._rows.take():
            reception.receive(message)
        if refused := self._rows.take_refused():
            reception.bad_message(ProtocolError(refused))

    def _take_metric(self, message: MetricMessage, t: float, nbytes: int) -> None:
        reading = message.reading
        self._rows.add(reading.numbers, t, "", False, reading.metric, reading.labels)
        if reading.rest:
            self._keep(reading.metric, reading.rest, t, nbytes)

    def _take_log(self, message: LogMessage, t: float, nbytes: int) -> None:
        moment = time_of(message.own_time)
        self._tell_log(replace(message.record, t=t if moment is None else moment))

    def _take_state(self, message: StateMessage, t: float, nbytes: int) -> None:
        patch = self.state.merge(message.fields, t)
        for name, number in patch.metrics.items():
            self._rows.add({"value": number}, t, "", True, name)
        for stream, value in patch.streams.items():
            self._take_data(DataMessage(stream, value), t, nbytes)
        for record in patch.logs:
            self._tell_log(record)
        self._keep(STATE, dict(self.state.fields), t, nbytes)
        status, control = self.state.change(message.fields, t)
        reception = self.source.reception
        if status is not None:
            reception.receive(status)
        if control is not None:
            reception.receive(control)
            self._settle(RunState(control.run))

    def _settle(self, run: RunState) -> None:
        """Tell the commands that are open what a run state says of them."""
        for command, stage, reason in SETTLED.get(run, ()):
            for id_ in self.source.open_commands(command.value):
                self.source.confirm(id_, stage, reason)

    def _take_data(self, message: DataMessage, t: float, nbytes: int) -> None:
        moment = time_of(message.value.get("timestamp"))
        t = t if moment is None else moment
        if message.stream == IMAGES:
            self._take_pictures(message, t, nbytes)
            return
        if message.stream == EVIDENCE:
            self._take_evidence(message.value, t)
        self._keep(message.stream, _shown(message), t, nbytes)

    def _take_evidence(self, value: dict[str, Any], t: float) -> None:
        """Make a curve for each object, with step and episode as columns."""
        evidences = value.get("evidences")
        evidences = evidences if isinstance(evidences, dict) else {}
        if len(evidences) > MOST_NUMBERS:
            raise ProtocolError(f"evidence of more than {MOST_NUMBERS} objects")
        columns = {key: value[key] for key in ("step", "episode") if type(value.get(key)) in NUMBERS}
        for name, number in evidences.items():
            if number is None or type(number) in NUMBERS:
                labels = (("object", name[:MAX_LABEL_CHARACTERS]),)
                row = {"value": math.nan if number is None else number, **columns}
                self._rows.add(row, t, "", True, "evidence", labels)
        count = value.get("hypothesis_count")
        if type(count) in NUMBERS:
            self._rows.add({"value": count, **columns}, t, "", True, "hypothesis_count")

    def _take_pictures(self, message: DataMessage, t: float, nbytes: int) -> None:
        """Show the pictures of one sensor module; null keeps the one before."""
        stream = f"{IMAGES}/{message.sensor}" if message.sensor else IMAGES
        told = {key: item for key, item in message.value.items() if item is not None and key != "run_name"}
        told |= {key: _picture(told[key]) for key in PICTURES if key in told}
        value = {**dict.fromkeys(PICTURES), **self._pictures.get(stream, {}), **told}
        if self._keep(stream, value, t, nbytes):
            self._pictures[stream] = {key: value[key] for key in PICTURES}

    def _keep(self, stream: str, value: Any, t: float, nbytes: int) -> bool:
        if self._only and self._only.isdisjoint((stream, Kind.DATA.value)):
            return False
        if stream not in self._streams:
            if len(self._streams) >= MOST_STREAMS:
                raise ProtocolError(f"more than {MOST_STREAMS} data streams; the further ones are left out")
            self._streams.add(stream)
        self.source.reception.receive(DataRecord(value, t), stream, nbytes=nbytes)
        return True

    def _tell_log(self, record: LogRecord) -> None:
        if not self._only or Kind.LOG.value in self._only:
            self.source.reception.receive(record)

    _takers: dict[type, Callable[[Any, Any, float, int], None]] = {
        MetricMessage: _take_metric,
        DataMessage: _take_data,
        LogMessage: _take_log,
        StateMessage: _take_state,
    }


def _shown(message: DataMessage) -> dict[str, Any]:
    """Return a value as the Data dock shows it best: long lists of numbers as arrays, a mesh under its one name."""
    value = {key: _array(item) for key, item in message.value.items()}
    if message.stream == MESH and "url" in value and "mesh_url" not in value:
        value = {"mesh_url": value.pop("url"), **value}
    return value


def _array(item: Any) -> Any:
    long = isinstance(item, list) and len(item) > MOST_ITEMS
    return as_array(item) if long and NUMBERS.issuperset(map(type, item)) else item


def _picture(text: Any) -> bytes:
    if not isinstance(text, str):
        raise ProtocolError(f"a picture as {type(text).__name__}, expected base64 text")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ProtocolError(f"a picture that is no base64: {str(error)[:60]}") from None
