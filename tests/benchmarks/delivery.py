"""Messages of one live producer, delivered straight into a hub as a link does; no process, no socket."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from dockscope.core.hub import Hub
from dockscope.core.messages import Hello, Kind, Message, MetricBatch, SeriesDefinition, SeriesDefinitions
from dockscope.core.run_control import LinkState
from dockscope.core.wire import DataMessage

KEY = "dockscope://127.0.0.1:1"
Labels = tuple[tuple[str, str], ...]
UNNUMBERED = (Kind.SERIES, Kind.METRIC)


class Delivery:
    """A producer that a hub takes for live.

    Args:
        hub: gets its messages.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._numbers: dict[tuple[Kind, str], int] = {}
        hub.add(KEY, KEY)
        hub.greet(KEY, Hello(producer=b"p" * 16, name="bench", role="operate"), "operate")
        hub.link(KEY, LinkState.LIVE)
        hub.caught_up(KEY)

    def put(self, kind: Kind, stream: str, message: Message) -> None:
        """Hand over one message."""
        number = self._numbers[kind, stream] = self._numbers.get((kind, stream), 0) + 1
        arrived = DataMessage(
            kind=kind,
            stream=stream,
            n=0 if kind in UNNUMBERED else number,
            sent_ns=time.time_ns(),
            subscription=b"s" * 16,
            nbytes=100,
            message=message,
        )
        self._hub.receive(KEY, arrived)


class SampleFeed:
    """Define series at once, then deliver samples of all or of some of them.

    Args:
        delivery: the producer. names: metric name and labels of each series.
    """

    def __init__(self, delivery: Delivery, names: Sequence[tuple[str, Labels]]) -> None:
        self._delivery = delivery
        self._next = np.ones(len(names), np.uint64)
        definitions = tuple(SeriesDefinition(id=i + 1, name=n, labels=labels) for i, (n, labels) in enumerate(names))
        delivery.put(Kind.SERIES, "", SeriesDefinitions(definitions))

    def send(self, which: Sequence[int], t: np.ndarray, value: np.ndarray) -> None:
        """Deliver one batch with equally many samples of some series.

        Args:
            which: k indices of series. t, value: f8[k, n].
        """
        chosen, (k, n) = np.asarray(which), value.shape
        batch = MetricBatch(
            series=(chosen + 1).astype("<u4"),
            first=self._next[chosen],
            count=np.full(k, n, "<u4"),
            t=np.ascontiguousarray(t).reshape(-1),
            value=np.ascontiguousarray(value).reshape(-1),
            fields=np.empty(0),
        )
        self._next[chosen] += np.uint64(n)
        self._delivery.put(Kind.METRIC, "", batch)
