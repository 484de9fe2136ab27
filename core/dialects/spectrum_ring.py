"""The newest spectra of one kind with their times, for one writer and any number of reading threads."""

from __future__ import annotations

import math
import threading
from typing import NamedTuple

import numpy as np


class Latest(NamedTuple):
    """Copies of the newest rows, oldest first: f4[n, channels], and their times f8[n] in unix seconds."""

    rows: np.ndarray
    t: np.ndarray


class SpectrumRing:
    """Hold the newest ``length`` spectra.

    Args:
        length: rows. channels: numbers in a row.

    Attributes:
        rows: f4[length, channels], the ring itself. index: of the row that is written next.
    """

    def __init__(self, length: int, channels: int) -> None:
        self._lock = threading.Lock()
        self._allocate(length, channels)

    def __len__(self) -> int:
        return self._filled

    @property
    def nbytes(self) -> int:
        """Bytes of all rows and times."""
        return self.rows.nbytes + self._t.nbytes

    @property
    def index(self) -> int:
        """Which row is written next."""
        return self._index

    @index.setter
    def index(self, index: int) -> None:
        """Say that the rows up to this one were written into ``rows``, at times that are not known."""
        with self._lock:
            length = len(self.rows)
            for row in range((index - self._index) % length):
                self._t[(self._index + row) % length] = math.nan
            self._filled = min(length, self._filled + (index - self._index) % length)
            self._index = index % length

    def append(self, spectrum: np.ndarray, t: float) -> None:
        """Write a row; another number of channels than before begins an empty ring."""
        with self._lock:
            if len(spectrum) != self.rows.shape[1]:
                self._allocate(len(self.rows), len(spectrum))
            self.rows[self._index] = spectrum
            self._t[self._index] = t
            self._index = (self._index + 1) % len(self.rows)
            self._filled = min(len(self.rows), self._filled + 1)

    def latest(self, count: int) -> Latest:
        """Return the newest ``count`` rows, fewer when there are not so many; never one that was not received."""
        with self._lock:
            return self._latest(count)

    def resize(self, length: int, keep: int | None = None) -> int:
        """Begin a ring of another length with the newest rows; memory that is not needed is given back.

        Args:
            length: rows. keep: how many of the newest to keep, all that fit when None.

        Returns:
            How many rows were dropped.
        """
        with self._lock:
            before = self._filled
            kept = self._latest(length if keep is None else min(length, keep))
            self._allocate(length, self.rows.shape[1])
            self._filled = len(kept.rows)
            self.rows[: self._filled], self._t[: self._filled] = kept
            self._index = self._filled % length
            return before - self._filled

    def clear(self) -> None:
        """Forget all rows."""
        with self._lock:
            self._index = self._filled = 0

    def _latest(self, count: int) -> Latest:
        count = max(0, min(count, self._filled))
        rows = np.arange(self._index - count, self._index) % len(self.rows)
        return Latest(self.rows[rows], self._t[rows])

    def _allocate(self, length: int, channels: int) -> None:
        self.rows = np.zeros((length, channels), dtype=np.float32)  # the system gives pages as rows are written
        self._t = np.full(length, math.nan)
        self._index = self._filled = 0
