"""All series of a run: samples go in as they were published, columns come out for the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from .messages import MetricBatch, SeriesDefinition
from .metric_values import Block, SeriesKey
from .publish_queue import Sample
from .series_history import Piece, SeriesHistory

MAX_SERIES = 65_536
BATCH_BYTES = 2**20
Part = tuple[int, Piece]  # series id and samples of it


class MetricHistory:
    """Give series their ids, samples their numbers, and keep what late and slow viewers need.

    Args:
        keep: newest samples of each series that stay as they are.
        waiting_bytes: memory for samples beyond that, while slow viewers wait for them.
    """

    def __init__(self, keep: int, waiting_bytes: int) -> None:
        self.series: list[SeriesHistory] = []  # series id n is at n - 1
        self.refused = 0  # samples of series beyond the bound
        self.nbytes = 0
        self._keep = keep
        self._ids: dict[SeriesKey, SeriesHistory] = {}
        self._waiting_bytes = waiting_bytes
        self._waiting: dict[int, int] = {}

    def add(self, samples: Sequence[Sample]) -> tuple[list[SeriesDefinition], list[Part]]:
        """Number and keep samples.

        Returns:
            Definitions of series that are new, and the samples by series.
        """
        known = len(self.series)
        parts: list[Part] = []
        for key, rows in _collect(samples):
            history = self._find(key)
            if history is None:
                self.refused += len(rows)
                continue
            before = history.nbytes
            parts.append((history.id, Piece(history.append(rows), len(rows), rows)))
            self.nbytes += history.nbytes - before
        return [_define(history) for history in islice(self.series, known, None)], parts

    def _find(self, key: SeriesKey) -> SeriesHistory | None:
        history = self._ids.get(key)
        if history is None and len(self.series) < MAX_SERIES:
            history = SeriesHistory(len(self.series) + 1, key, self._keep)
            self.series.append(history)
            self._ids[key] = history
            self.nbytes += history.nbytes
        return history

    def settle(self, parts: Iterable[Part], oldest_wanted: Callable[[int], int]) -> None:
        """Thin what is due, but not yet what a slow viewer waits for, as long as the memory for that lasts.

        Args:
            parts: series that have grown.
            oldest_wanted: from a series id to the oldest number that a viewer still waits for.
        """
        for number, _ in parts:
            history = self.series[number - 1]
            if not history.overdue():
                continue
            wanted = oldest_wanted(number)
            before = history.nbytes
            while history.overdue():
                waiting = sum(self._waiting.values()) - self._waiting.get(number, 0) + history.waiting_bytes
                if history.oldest_due() > wanted and waiting <= self._waiting_bytes:
                    break
                history.settle()
            self.nbytes += history.nbytes - before
            self._waiting[number] = history.waiting_bytes

    def shrink_largest(self) -> int:
        """Thin the series that holds most.

        Returns:
            Bytes gained; 0 when nothing can be thinned.
        """
        largest = max(self.series, key=lambda history: history.nbytes, default=None)
        if largest is None:
            return 0
        before = largest.nbytes
        thinner = largest.shrink()
        gained = before - largest.nbytes
        self.nbytes -= gained
        return gained if thinner else 0

    @property
    def largest_bytes(self) -> int:
        """Memory of the series that holds most."""
        return max((history.nbytes for history in self.series), default=0)

    @property
    def waiting_bytes(self) -> int:
        """Memory of samples that are kept only for slow viewers."""
        return sum(self._waiting.values())

    def ends(self) -> dict[int, int]:
        """Give the number of the next sample of each series."""
        return {history.id: history.next for history in self.series}

    def next_parts(self, cursors: Mapping[int, int]) -> list[Part]:
        """Collect one message's worth of what a viewer has not had.

        Args:
            cursors: series id to the number of the next sample to send.
        """
        parts: list[Part] = []
        room = BATCH_BYTES
        for number, cursor in cursors.items():
            history = self.series[number - 1]
            for piece in history.since(cursor, max(1, room // (8 * history.width))):
                parts.append((number, piece))
                room -= piece.rows.size * 8
            if room <= 0:
                break
        return parts


def make_batch(parts: list[Part]) -> MetricBatch:
    """Write samples as the wire's columns."""
    pieces = [piece for _, piece in parts]
    count = np.array([len(piece.rows) for piece in pieces], "u4")
    span = np.array([piece.span for piece in pieces], "u4")
    return MetricBatch(
        series=np.array([number for number, _ in parts], "u4"),
        first=np.array([piece.first for piece in pieces], "u8"),
        count=count,
        t=np.concatenate([piece.rows[:, 0] for piece in pieces]),
        value=np.concatenate([piece.rows[:, 1] for piece in pieces]),
        fields=np.concatenate([piece.rows[:, 2:].T.ravel() for piece in pieces]),
        span=None if (span == count).all() else span,
    )


def _define(history: SeriesHistory) -> SeriesDefinition:
    return SeriesDefinition(history.id, history.key.name, history.key.labels, history.key.fields)


class _Collector:
    """Rows of each series in the order they were published, gathered as flat lists of numbers."""

    def __init__(self) -> None:
        self.plain: dict[str, list[float]] = {}
        self.stepped: dict[str, list[float]] = {}
        self.general: dict[SeriesKey, list[float]] = {}
        self.blocks: dict[SeriesKey, list[np.ndarray]] = {}

    def add_block(self, block: Block) -> None:
        """Put a block after the samples of its series that came before it."""
        parts = self.blocks.setdefault(block.key, [])
        flat = self._flat_of(block.key)
        if flat:
            parts.append(_rows(flat, block.key))
            flat.clear()
        parts.append(np.column_stack((block.t, block.value, *block.columns)).astype("f8", copy=False))

    def _flat_of(self, key: SeriesKey) -> list[float] | None:
        if not key.labels and not key.fields:
            return self.plain.get(key.name)
        if not key.labels and key.fields == ("step",):
            return self.stepped.get(key.name)
        return self.general.get(key)

    def by_series(self) -> list[tuple[SeriesKey, np.ndarray]]:
        """Give the rows f8[n, 2 + columns] of each series."""
        flats = {SeriesKey(name): flat for name, flat in self.plain.items()}
        flats |= {SeriesKey(name, (), ("step",)): flat for name, flat in self.stepped.items()}
        flats |= self.general
        rows = {key: [*parts] for key, parts in self.blocks.items()}
        for key, flat in flats.items():
            if flat:
                rows.setdefault(key, []).append(_rows(flat, key))
        return [(key, parts[0] if len(parts) == 1 else np.concatenate(parts)) for key, parts in rows.items()]


def _rows(flat: list[float], key: SeriesKey) -> np.ndarray:
    return np.fromiter(flat, "f8", len(flat)).reshape(-1, 2 + len(key.fields))


def _collect(samples: Sequence[Sample]) -> list[tuple[SeriesKey, np.ndarray]]:
    """Sort samples into series; this is what one sample costs the I/O thread, so it does little."""
    return _collect_alike(samples) or _collect_each(samples)


def _collect_alike(samples: Sequence[Sample]) -> list[tuple[SeriesKey, np.ndarray]]:
    """Do it for all at once when they are of one series and have a step; [] when not."""
    if not samples or samples[0][0] != samples[-1][0]:
        return []
    flat: list[Any] = list(chain.from_iterable(samples))
    names, steps = flat[0::4], flat[3::4]
    if names.count(names[0]) < len(names) or not {int, float}.issuperset(map(type, steps)):
        return []
    del flat[0::4]
    key = SeriesKey(names[0], (), ("step",))
    return [(key, _rows(flat, key))]


def _collect_each(samples: Sequence[Sample]) -> list[tuple[SeriesKey, np.ndarray]]:
    collector = _Collector()
    plain, stepped, general = collector.plain, collector.stepped, collector.general
    for name, t, value, extra in samples:
        if extra is None:
            flat = plain.get(name)
            if flat is None:
                flat = plain[name] = []
            flat += (t, value)
        elif type(extra) is not tuple and type(extra) is not Block:
            flat = stepped.get(name)
            if flat is None:
                flat = stepped[name] = []
            flat += (t, value, extra)
        elif type(extra) is Block:
            collector.add_block(extra)
        else:
            general.setdefault(extra[0], []).extend((t, value, *extra[1]))
    return collector.by_series()
