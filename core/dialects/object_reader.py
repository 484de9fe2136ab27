"""Decoded objects of a foreign wire: numbers to metrics, log lines to the log, the rest to data."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ..messages import DataRecord, ProtocolError
from .framing import Published
from .metric_rows import MetricRows
from .object_times import time_of
from .readings import NUMBERS, as_array, check_depth, read_log, read_object
from .reception import Reception

MOST_TOPICS = 1024
UNNAMED = "messages"  # the data stream of objects without a topic
VALUE = "value"  # the metric of a bare number without a topic


class ObjectReader:
    """Take objects one after another; what they tell is gathered until ``deliver``.

    Args:
        reception: where it goes. only: names of metrics, data streams or kinds to keep; all when empty.
        newest_only: of each data stream deliver the newest value alone.

    Attributes:
        rows: the numbers gathered so far.
    """

    def __init__(self, reception: Reception, only: tuple[str, ...] = (), *, newest_only: bool) -> None:
        self._reception = reception
        self._only = frozenset(only)
        self._newest_only = newest_only
        self.rows = MetricRows(() if "metric" in only else only)
        self._topics: set[str] = set()
        self._kept: dict[Any, tuple[str, Any, float, int]] = {}

    def take(self, published: Published, t: float, nbytes: int) -> None:
        """Take what was published.

        Args:
            published: topic, value and time, if it told one. t: unix seconds, when neither it nor its value tells a
                time. nbytes: its size as received.

        Raises:
            ProtocolError: nested too deep, too many numbers, or too many topics.
        """
        value = published.value
        kind = type(value)
        if kind is dict:
            self._take_object(published, value, t, nbytes)
        elif kind is list and value and all(type(item) is dict for item in value):
            for item in value:
                self._take_object(published, item, t, nbytes // len(value))
        elif kind in NUMBERS:
            told = published.t
            self.rows.add({published.topic or VALUE: value}, t if told is None else told, told=told is not None)
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
            self.rows.add(
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
        """Remember a value for its data stream."""
        stream = published.topic or UNNAMED
        if self._only.isdisjoint((stream, "data")) and self._only:
            return
        if stream not in self._topics:
            if len(self._topics) >= MOST_TOPICS:
                raise ProtocolError(f"more than {MOST_TOPICS} topics; the further ones are left out")
            self._topics.add(stream)
        key = stream if self._newest_only else len(self._kept)
        self._kept[key] = (stream, value, t if published.t is None else published.t, nbytes)

    def deliver(self) -> None:
        """Deliver what was gathered."""
        for message in self.rows.take():
            self._reception.receive(message)
        if refused := self.rows.take_refused():
            self._reception.bad_message(ProtocolError(refused))
        kept, self._kept = self._kept, {}
        for stream, value, t, size in kept.values():
            self._reception.receive(DataRecord(value, t), stream, nbytes=size)
