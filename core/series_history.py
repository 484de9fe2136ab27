"""The retained samples of one series: the newest as they are, older ones thinned to minimum and maximum.

Rows are ``t, value, columns…``. Every thinned row keeps its sample number, so that what a viewer has already is never
sent to it twice.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .metric_values import SeriesKey

MAX_RUNS = 4
MAX_SPAN = 2**32 - 1
GROUP = 4
MINIMUM_KEPT = 1000
MINIMUM_ROWS = 16


class Piece(NamedTuple):
    """Consecutive samples: ``rows`` stand for the numbers from ``first`` to before ``first + span``."""

    first: int
    span: int
    rows: np.ndarray


class _Run(NamedTuple):
    """Thinned samples: numbers u8[c] of the rows f8[c, w] that are left of ``span`` samples."""

    first: int
    span: int
    numbers: np.ndarray
    rows: np.ndarray


class SeriesHistory:
    """Keep the newest ``keep`` samples and the shape of all before.

    Args:
        number: definition id. key: what the series is.
        keep: samples that stay as they are; thinning starts half as many later.
    """

    def __init__(self, number: int, key: SeriesKey, keep: int) -> None:
        self.id = number
        self.key = key
        self.width = 2 + len(key.fields)
        self.next = 1
        self._keep = max(keep, MINIMUM_KEPT)
        self._chunk = self._keep // 2
        self._buffer = np.empty((MINIMUM_ROWS, self.width))
        self._start = 0
        self._end = 0
        self._runs: list[_Run] = []

    @property
    def raw(self) -> int:
        """Number of samples that are kept as they are."""
        return self._end - self._start

    @property
    def nbytes(self) -> int:
        """Memory of the retained samples, bytes."""
        return self._buffer.nbytes + sum(run.rows.nbytes + run.numbers.nbytes for run in self._runs)

    @property
    def waiting_bytes(self) -> int:
        """Memory of raw samples beyond what is kept anyway: they wait for slow viewers."""
        return max(0, self.raw - self._keep - self._chunk) * self.width * 8

    def append(self, rows: np.ndarray) -> int:
        """Add samples.

        Args:
            rows: f8[n, 2 + columns].

        Returns:
            The number of the first of them.
        """
        self._make_room(len(rows))
        self._buffer[self._end : self._end + len(rows)] = rows
        self._end += len(rows)
        first = self.next
        self.next += len(rows)
        return first

    def _make_room(self, count: int) -> None:
        if self._end + count <= len(self._buffer):
            return
        needed = self.raw + count
        size = len(self._buffer)
        while size < needed + needed // 4:
            size *= 2
        buffer = np.empty((size, self.width))
        buffer[: self.raw] = self._buffer[self._start : self._end]
        self._start, self._end, self._buffer = 0, self.raw, buffer

    def overdue(self) -> bool:
        """Tell whether samples are due for thinning."""
        return self.raw >= self._keep + self._chunk

    def oldest_due(self) -> int:
        """Number before which the next thinning would thin."""
        return self.next - self.raw + self._chunk

    def settle(self) -> None:
        """Thin the oldest raw samples that are due."""
        self._thin_raw(self._chunk)

    def shrink(self) -> bool:
        """Halve what is retained, for want of memory.

        Returns:
            False when there is nothing left worth thinning.
        """
        if self.raw >= 2 * GROUP:
            self._thin_raw(self.raw // 2)
            self._refit()
            return True
        before = sum(len(run.rows) for run in self._runs)
        self._runs = [_thin(run) for run in self._runs]
        return sum(len(run.rows) for run in self._runs) < before

    def _refit(self) -> None:
        """Give back buffer memory that is not needed."""
        raw = self._buffer[self._start : self._end]
        size = MINIMUM_ROWS
        while size < len(raw):
            size *= 2
        if size < len(self._buffer):
            self._buffer = np.empty((size, self.width))
            self._buffer[: len(raw)] = raw
            self._start, self._end = 0, len(raw)

    def _thin_raw(self, count: int) -> None:
        first = self.next - self.raw
        rows = self._buffer[self._start : self._start + count]
        self._start += count
        numbers = np.arange(first, first + count, dtype="u8")
        self._runs.append(_thin(_Run(first, count, numbers, rows)))
        while len(self._runs) > MAX_RUNS and self._merge():
            continue

    def _merge(self) -> bool:
        """Join and thin the two oldest runs that may be joined."""
        for at in range(len(self._runs) - 1):
            older, newer = self._runs[at : at + 2]
            if older.span + newer.span <= MAX_SPAN:
                numbers = np.concatenate((older.numbers, newer.numbers))
                rows = np.concatenate((older.rows, newer.rows))
                self._runs[at : at + 2] = [_thin(_Run(older.first, older.span + newer.span, numbers, rows))]
                return True
        return False

    def since(self, number: int, limit: int) -> list[Piece]:
        """Give the retained samples from ``number`` on, oldest first, at most ``limit`` rows.

        Returns:
            Pieces without gap from ``number`` (or the oldest retained) on; rows are views or copies, read-only use.
        """
        pieces: list[Piece] = []
        for run in self._runs:
            if limit <= 0:
                return pieces
            if run.first + run.span > number:
                pieces.append(_cut(run, number, limit))
                limit -= len(pieces[-1].rows)
                if pieces[-1].first + pieces[-1].span < run.first + run.span:
                    return pieces
        oldest = self.next - self.raw
        begin = max(number, oldest)
        count = min(limit, self.next - begin)
        if count > 0:
            at = self._start + begin - oldest
            pieces.append(Piece(begin, count, self._buffer[at : at + count]))
        return pieces


def _cut(run: _Run, number: int, limit: int) -> Piece:
    begin = int(np.searchsorted(run.numbers, np.uint64(max(number, 0))))
    end = min(begin + limit, len(run.numbers))
    first = max(number, run.first)
    after = int(run.numbers[end]) if end < len(run.numbers) else run.first + run.span
    return Piece(first, after - first, run.rows[begin:end])


def _thin(run: _Run) -> _Run:
    """Keep of every four rows the one with the least and the one with the greatest value, in order."""
    whole = len(run.rows) // GROUP * GROUP
    value = run.rows[:whole, 1].reshape(-1, GROUP)
    missing = np.isnan(value)
    least = np.where(missing, np.inf, value).argmin(axis=1)
    greatest = np.where(missing, -np.inf, value).argmax(axis=1)
    same = least == greatest
    least[same], greatest[same] = 0, GROUP - 1
    base = np.arange(0, whole, GROUP)
    kept = np.column_stack((base + np.minimum(least, greatest), base + np.maximum(least, greatest))).ravel()
    kept = np.concatenate((kept, np.arange(whole, len(run.rows))))
    return _Run(run.first, run.span, run.numbers[kept], run.rows[kept])
