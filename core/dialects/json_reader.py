"""JSON, MessagePack and CBOR objects from a publisher: numbers to metrics, log lines to the log, the rest to data."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec.structs import replace

from ..messages import DataRecord, ProtocolError
from .framing import Published, read_frames
from .metric_rows import MetricRows
from .object_times import time_of
from .payload import decode_numbers
from .readings import NUMBERS, as_array, check_depth, read_log, read_object
from .reception import Reception
from .subscriber import Batch, Frames

MOST_TOPICS = 1024
UNNAMED = "messages"  # the data stream of objects without a topic
VALUE = "value"  # the metric of a bare number without a topic

_BRACE = ord("{")


class JsonReader:
    """Read batches; what they tell is delivered once at the end of each.

    Args:
        reception: where it goes. only: names of metrics, data streams or kinds to keep; all when empty.
    """

    def __init__(self, reception: Reception, only: tuple[str, ...] = ()) -> None:
        self._reception = reception
        self._only = frozenset(only)
        self._rows = MetricRows(() if "metric" in only else only)
        self._topics: set[str] = set()
        self._latest: dict[str, tuple[Any, float, int]] = {}

    def take(self, batch: Batch) -> None:
        """Read a batch of messages."""
        messages = batch.messages
        t = np.linspace(batch.first_t, batch.last_t, len(messages))
        if not self._take_alike(messages, t):
            for frames, arrived in zip(messages, t.tolist(), strict=True):
                self._take_one([frames] if isinstance(frames, bytes) else frames, arrived)
        self._deliver()

    def _take_alike(self, messages: list[Frames], t: np.ndarray) -> bool:
        """Take the usual case in one go: JSON objects of the same numbers, one after another."""
        payloads = [frames for frames in messages if isinstance(frames, bytes) and frames[0] == _BRACE]
        if len(payloads) < len(messages):
            return False
        objects = decode_numbers(payloads)
        return objects is not None and self._rows.add_alike(objects, t)

    def _take_one(self, frames: list[bytes], t: float) -> None:
        try:
            published = read_frames(frames)
            value = published.value
            self._take_value(published, value, t, sum(map(len, frames)))
        except ProtocolError as error:
            self._reception.bad_message(error)

    def _take_value(self, published: Published, value: Any, t: float, nbytes: int) -> None:
        kind = type(value)
        if kind is dict:
            self._take_object(published, value, t, nbytes)
        elif kind is list and value and all(type(item) is dict for item in value):
            for item in value:
                self._take_object(published, item, t, nbytes // len(value))
        elif kind in NUMBERS:
            told = published.t
            self._rows.add({published.topic or VALUE: value}, t if told is None else told, told=told is not None)
        elif kind is list:
            check_depth(value)
            self._keep(published, as_array(value) if NUMBERS.issuperset(map(type, value)) else value, t, nbytes)
        else:
            self._keep(published, value, t, nbytes)

    def _take_object(self, published: Published, value: dict[str, Any], t: float, nbytes: int) -> None:
        told = published.t
        log = read_log(value)
        if log is not None:
            self._take_log(*log, t if told is None else told)
            return
        reading = read_object(value)
        if reading.numbers:
            self._rows.add(
                reading.numbers,
                t if told is None else told,
                published.topic,
                told is not None,
                reading.metric,
                reading.labels,
            )
        if reading.rest or not value:
            self._keep(published, reading.rest, t, nbytes)

    def _take_log(self, record: Any, own: Any, t: float) -> None:
        if self._only and "log" not in self._only:
            return
        moment = time_of(own)
        self._reception.receive(replace(record, t=t if moment is None else moment))

    def _keep(self, published: Published, value: Any, t: float, nbytes: int) -> None:
        """Remember the newest value of a data stream: one for each batch is as much as anybody sees."""
        stream = published.topic or UNNAMED
        if self._only.isdisjoint((stream, "data")) and self._only:
            return
        if stream not in self._topics:
            if len(self._topics) >= MOST_TOPICS:
                raise ProtocolError(f"more than {MOST_TOPICS} topics; the further ones are left out")
            self._topics.add(stream)
        self._latest[stream] = (value, t if published.t is None else published.t, nbytes)

    def _deliver(self) -> None:
        for message in self._rows.take():
            self._reception.receive(message)
        if refused := self._rows.take_refused():
            self._reception.bad_message(ProtocolError(refused))
        latest, self._latest = self._latest, {}
        for stream, (value, t, size) in latest.items():
            self._reception.receive(DataRecord(value, t), stream, nbytes=size)
