"""Rows of numbers from objects, gathered by their shape and turned into one metric batch now and then.

Objects of one sender have few shapes: the same names in the same order. What a name means is worked out once for each
shape; after that a row costs a few list operations, and the arrays are made once for all rows that came together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..messages import MetricBatch, SeriesDefinition, SeriesDefinitions
from ..metric_values import Labels, SeriesKey
from ..series import LONGEST_NAME_BYTES
from .object_times import TIME_KEYS, plausible_seconds, time_key

# Numbers that count something: columns of the other metrics beside them, so that they can be the x axis.
STEP_KEYS = frozenset({"step", "global_step", "epoch", "iteration", "iter", "episode"})
MOST_SHAPES = 1024
MOST_SERIES = 10_000
MOST_FIELDS = 32

# topic, whether the message told its time in a frame of its own, metric and labels of an object with name and value,
# and the names of the numbers
Shape = tuple[Any, ...]


class Plan(NamedTuple):
    """What the columns of a shape are: the position of the time or None, and positions and names of the others."""

    time: int | None
    time_name: str
    metrics: tuple[tuple[int, str], ...]
    fields: tuple[tuple[int, str], ...]
    labels: Labels


class Rows(NamedTuple):
    """Rows of one shape: their numbers one after another, and the time of arrival (or as told) of each."""

    numbers: list[Any]
    times: list[float]


class Entry(NamedTuple):
    """Samples of one series, as they go into a batch: t f8[n], value f8[n], fields f8[m·n]."""

    series: int
    t: np.ndarray
    value: np.ndarray
    fields: np.ndarray


class MetricRows:
    """Gather rows; ``take`` them as messages.

    Args:
        only: names of metrics to keep; all when empty.

    Attributes:
        refused: what had to be left out since the last ``take``, as a sentence, or "".
    """

    def __init__(self, only: tuple[str, ...] = ()) -> None:
        self.refused = ""
        self._only = frozenset(only)
        self._plans: dict[Shape, Plan] = {}
        self._groups: dict[Shape, Rows] = {}
        self._active: dict[str, Shape] = {}
        self._ids: dict[SeriesKey, int] = {}
        self._definitions: list[SeriesDefinition] = []
        self._entries: list[Entry] = []

    def add(
        self, numbers: dict[str, Any], t: float, topic: str = "", told: bool = False, metric: str = "", labels: Any = ()
    ) -> None:
        """Take one row.

        Args:
            numbers: by name. t: unix seconds of its arrival, or as the message told them.
            topic: it came under. told: ``t`` is the message's own, so an entry of ``numbers`` is not asked.
            metric, labels: of an object that names its metric; its number is called ``value``.
        """
        shape = (topic, told, metric, labels, *numbers)
        rows = self._groups.get(shape)
        if rows is None:
            rows = self._begin(shape)
        rows.numbers.extend(numbers.values())
        rows.times.append(t)

    def add_alike(self, names: tuple[str, ...], columns: np.ndarray, t: np.ndarray) -> None:
        """Take many rows of the same names at once.

        Args:
            names: of the numbers. columns: f8[names, rows]. t: f8[rows] unix seconds of their arrival.
        """
        self._settle()
        self._entries += self._entries_of(self._plan(("", False, "", (), *names)), columns, t)

    def take(self) -> list[SeriesDefinitions | MetricBatch]:
        """Return what was gathered since the last call: new definitions, then one batch."""
        self._settle()
        entries, self._entries = self._entries, []
        definitions, self._definitions = self._definitions, []
        messages: list[SeriesDefinitions | MetricBatch] = []
        if definitions:
            messages.append(SeriesDefinitions(tuple(definitions)))
        if entries:
            messages.append(_batch(entries))
        return messages

    def take_refused(self) -> str:
        """Return what had to be left out since the last call, as a sentence, or ""."""
        refused, self.refused = self.refused, ""
        return refused

    def redefine(self) -> None:
        """Describe every series anew: a new run begins."""
        self._settle()
        self._entries.clear()
        self._ids.clear()
        self._definitions.clear()

    def _begin(self, shape: Shape) -> Rows:
        plan = self._plan(shape)
        names = [name for _, name in plan.metrics]
        if any(self._active.get(name, shape) != shape for name in names):
            self._settle()  # two shapes with a metric in common: its samples stay in the order of their arrival
        self._active.update(dict.fromkeys(names, shape))
        rows = self._groups[shape] = Rows([], [])
        return rows

    def _plan(self, shape: Shape) -> Plan:
        plan = self._plans.get(shape)
        if plan is None:
            if len(self._plans) >= MOST_SHAPES:
                self._plans.clear()
            plan = self._plans[shape] = self._make_plan(shape)
        return plan

    def _make_plan(self, shape: Shape) -> Plan:
        topic, told, metric, labels, *keys = shape
        time = None if told else time_key(keys)
        columns = [
            (position, key) for position, key in enumerate(keys) if key != time and not (told and key in TIME_KEYS)
        ]
        prefix = f"{topic}." if topic else ""
        if metric:
            metrics = [(keys.index("value"), prefix + metric)]
            fields = [(position, key) for position, key in columns if key != "value"]
        else:
            fields = [(position, key) for position, key in columns if key in STEP_KEYS]
            metrics = [(position, f"{prefix}{key}") for position, key in columns if key not in STEP_KEYS]
        if not metrics:
            metrics, fields = [(position, f"{prefix}{key}") for position, key in fields], []
        return Plan(
            None if time is None else keys.index(time),
            time or "",
            tuple(self._wanted(metrics)),
            tuple(fields[:MOST_FIELDS]),
            labels,
        )

    def _wanted(self, metrics: list[tuple[int, str]]) -> list[tuple[int, str]]:
        chosen = [one for one in metrics if not self._only or one[1] in self._only]
        short = [one for one in chosen if len(one[1].encode("utf-8", "replace")) <= LONGEST_NAME_BYTES]
        if len(short) < len(chosen):
            self.refused = f"a name is longer than {LONGEST_NAME_BYTES} bytes; its numbers are left out"
        return short

    def _settle(self) -> None:
        groups, self._groups = self._groups, {}
        self._active.clear()
        for shape, rows in groups.items():
            numbers, t = _as_floats(rows.numbers), np.array(rows.times)
            self._entries += self._entries_of(self._plan(shape), numbers.reshape(len(t), -1).T, t)

    def _entries_of(self, plan: Plan, columns: np.ndarray, t: np.ndarray) -> list[Entry]:
        if not plan.metrics:
            return []
        fields = list(plan.fields)
        if plan.time is not None:
            seconds = plausible_seconds(columns[plan.time])
            known = ~np.isnan(seconds)
            t = np.where(known, seconds, t)
            if not known.any():  # such as seconds since a start: no time of day, but a good x axis
                fields.append((plan.time, plan.time_name))
        names = tuple(name for _, name in fields)
        extra = np.concatenate([columns[position] for position, _ in fields]) if fields else np.empty(0)
        return [
            Entry(id_, t, columns[position], extra)
            for position, name in plan.metrics
            if (id_ := self._id(SeriesKey(name, plan.labels, names)))
        ]

    def _id(self, key: SeriesKey) -> int:
        """Return the number of a series, described when it is new; 0 when there are too many."""
        id_ = self._ids.get(key)
        if id_ is None:
            if len(self._ids) >= MOST_SERIES:
                self.refused = f"more than {MOST_SERIES} different names; the further ones are left out"
                return 0
            id_ = self._ids[key] = len(self._ids) + 1
            self._definitions.append(SeriesDefinition(id_, key.name, key.labels, key.fields))
        return id_


def _as_floats(numbers: list[Any]) -> np.ndarray:
    try:
        return np.fromiter(numbers, "f8", len(numbers))
    except OverflowError:
        return np.array([_as_float(number) for number in numbers])


def _as_float(number: Any) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def _batch(entries: list[Entry]) -> MetricBatch:
    return MetricBatch(
        series=np.array([entry.series for entry in entries], "u4"),
        first=np.zeros(len(entries), "u8"),  # nobody numbered them
        count=np.array([len(entry.t) for entry in entries], "u4"),
        t=np.concatenate([entry.t for entry in entries]),
        value=np.concatenate([entry.value for entry in entries]),
        fields=np.concatenate([entry.fields for entry in entries]),
    )
