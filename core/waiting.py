"""Metric batches of one layout that wait to be sorted into their curves, all together or one curve at a time."""

from __future__ import annotations

import time

import numpy as np

from .batches import Part, sort
from .messages import MetricBatch

WAITING_SAMPLES = 65_536
_SERIES_AT_ONCE = 32  # between two looks at the clock
_WAITING_SAMPLE_BYTES = 32  # time, value and a field or two


class Waiting:
    """Batches of the same series, each with the number of samples that it has of each series.

    Args:
        series: how many series there are. width: number of fields that each of them has.
    """

    def __init__(self, series: int, width: int) -> None:
        self.samples = 0
        self._series = series
        self._width = width
        self._batches: list[tuple[MetricBatch, np.ndarray]] = []
        self._starts: list[np.ndarray] = []  # of each series in each batch
        self._seen = [0] * series  # batches of which the samples of a series were taken before all were sorted
        self._taken = [0] * series  # and how many samples that were
        self._sorted: Part | None = None
        self._stops = np.empty(0, np.int64)
        self._next = 0

    @property
    def nbytes(self) -> int:
        """Bytes of the batches, roughly."""
        return self.samples * _WAITING_SAMPLE_BYTES

    @property
    def is_due(self) -> bool:
        """Tell whether enough wait to be sorted together."""
        return self.samples >= max(WAITING_SAMPLES, 16 * self._series)

    def add(self, batch: MetricBatch, count: np.ndarray) -> None:
        """Let a batch wait; ``count`` is i8[series]."""
        self._batches.append((batch, count))
        self._starts.append(np.cumsum(count) - count)
        self.samples += len(batch.t)

    def take(self, place: int) -> Part | None:
        """Return all samples of one series that were not taken yet, None when there are none."""
        if self._sorted is None:
            part = self._collected(place) if self._seen[place] < len(self._batches) else None
        else:
            part = self._piece(self._sorted, place) if self._taken[place] < self._total(place) else None
        if part is not None:
            self._taken[place] += len(part.t)
        return part

    def take_next(self, slice_s: float) -> list[tuple[int, Part]]:
        """Return the samples of the next series, as many as a slice of time allows; see ``is_empty``."""
        if self._sorted is None:
            self._sort()
        until = time.perf_counter() + slice_s
        taken: list[tuple[int, Part]] = []
        while not self.is_empty:
            stop = min(self._next + _SERIES_AT_ONCE, self._series)
            taken += [(place, part) for place in range(self._next, stop) if (part := self.take(place)) is not None]
            self._next = stop
            if time.perf_counter() >= until:
                break
        return taken

    @property
    def is_empty(self) -> bool:
        """Tell whether ``take_next`` came to its end."""
        return self._next >= self._series

    def _sort(self) -> None:
        counts = np.stack([count for _, count in self._batches])  # [batch, series]
        t, value, fields = sort(self._batches, counts, self._width)
        self._sorted = Part(t, value, np.stack(fields) if fields else np.empty((0, len(t))))
        self._stops = np.cumsum(counts.sum(axis=0))
        self._batches, self._starts = [], []

    def _total(self, place: int) -> int:
        return int(self._stops[place]) - (int(self._stops[place - 1]) if place else 0)

    def _piece(self, ordered: Part, place: int) -> Part:
        start = int(self._stops[place]) - self._total(place) + self._taken[place]
        return ordered.pick(slice(start, int(self._stops[place])))

    def _collected(self, place: int) -> Part:
        first, self._seen[place] = self._seen[place], len(self._batches)
        parts = [
            self._of_batch(batch, int(count[place]), int(starts[place]))
            for (batch, count), starts in zip(self._batches[first:], self._starts[first:], strict=True)
        ]
        if len(parts) == 1:
            return parts[0]
        return Part(
            np.concatenate([part.t for part in parts]),
            np.concatenate([part.value for part in parts]),
            np.concatenate([part.fields for part in parts], axis=1),
        )

    def _of_batch(self, batch: MetricBatch, number: int, start: int) -> Part:
        fields = batch.fields[start * self._width : (start + number) * self._width]
        samples = slice(start, start + number)
        return Part(batch.t[samples], batch.value[samples], fields.reshape(self._width, number))
