"""Positions to remember in a growing column: where it falls, where a line is broken, where a run starts."""

from __future__ import annotations

import numpy as np

from .sliding import SlidingArray

MOST_FALLS = 4096  # remembered; a column that falls more often is not taken piece by piece anyway


class Folds:
    """Where a column falls or is not a number, found once for each sample."""

    def __init__(self) -> None:
        self.serials = SlidingArray(np.int64)
        self._seen = 0  # serial up to which the column was looked at

    def follow(self, column: np.ndarray, first_serial: int) -> None:
        """Look at the samples that are new since the last call.

        Args:
            column: f8[n] all live samples. first_serial: serial of ``column[0]``.
        """
        stop = first_serial + len(column)
        if stop == self._seen:
            return
        start = max(self._seen - first_serial, 1)
        if start < len(column):
            falls = np.flatnonzero(~(column[start:] >= column[start - 1 : -1])) + start
            self.serials.extend(falls[: max(0, MOST_FALLS - len(self.serials))] + first_serial)
        self._seen = stop

    def cut(self, serial: int) -> None:
        """Look anew at this sample and all later ones."""
        self.serials.drop_back(len(self.serials) - int(np.searchsorted(self.serials.view(), serial)))
        self._seen = min(self._seen, serial)


def thin_marks(marks: SlidingArray, kept: np.ndarray, first: int, half: int) -> None:
    """Move marks of the thinned half to the sample that took the place of theirs."""
    serials = marks.view()
    old = serials[serials < first + half]
    if len(old):
        moved = np.unique(np.searchsorted(kept, old - first)) + first + half - len(kept)
        marks.replace_front(len(old), moved)


def replace_marks(marks: SlidingArray, serials: np.ndarray) -> None:
    """Put other serials in the place of all marks."""
    serials = serials.copy()
    marks.drop_front(len(marks))
    marks.extend(serials)
