"""The extremes of many short ranges of channels, for many rows at once. Pure numpy.

numpy's ``reduceat`` spends about 30 ns on each range, however short. Here the extremes of 2, 4, 8, … neighbouring
channels are computed for whole rows, which the processor does many at a time; a range then is two of those that
overlap, which is allowed because an extreme may count a value twice.
"""

from __future__ import annotations

import numpy as np

LONGEST = 64  # channels in a range; beyond, reduceat is the faster one
PIECE_CELLS = 131_072  # per pass, so that it stays in the processor's cache


class ChannelRanges:
    """Ranges of channels that follow each other without a gap.

    Args:
        starts: intp[k] ascending first channel of each range.
        stop: end of the last range.
    """

    def __init__(self, starts: np.ndarray, stop: int) -> None:
        self._starts, self._stop = starts, stop
        lengths = np.diff(starts, append=stop)
        self._is_long = bool(len(starts)) and int(lengths.max()) > LONGEST
        exponents = np.frexp(lengths)[1] - 1
        self._ranges = []  # for each power of two: which ranges, and where its two halves begin
        for exponent in range(int(exponents.max(initial=-1)) + 1):
            of = np.flatnonzero(exponents == exponent)
            self._ranges.append((of, starts[of], starts[of] + lengths[of] - (1 << exponent)))
        self._scratch = np.empty((2, 0), dtype=np.float32)

    def __len__(self) -> int:
        return len(self._starts)

    def reduce(self, merge: np.ufunc, rows: np.ndarray) -> np.ndarray:
        """Merge the channels of each range.

        Args:
            merge: np.fmax or np.fmin.
            rows: f4[r, n].

        Returns:
            f4[r, k].
        """
        part = rows[:, : self._stop]
        if self._is_long:
            return merge.reduceat(part, self._starts, axis=1)
        result = np.empty((len(part), len(self)), dtype=np.float32)
        size = max(1, PIECE_CELLS // max(1, self._stop))
        for begin in range(0, len(part), size):
            self._reduce_piece(merge, part[begin : begin + size], result[begin : begin + size])
        return result

    def _reduce_piece(self, merge: np.ufunc, level: np.ndarray, result: np.ndarray) -> None:
        buffers = self._buffers(level.size)
        for exponent, (of, left, right) in enumerate(self._ranges):
            if exponent:
                reach = 1 << (exponent - 1)
                shape = (len(level), level.shape[1] - reach)
                wider = buffers[exponent % 2, : shape[0] * shape[1]].reshape(shape)
                level = merge(level[:, :-reach], level[:, reach:], out=wider)
            if len(of) == len(self):
                merge(level.take(left, axis=1), level.take(right, axis=1), out=result)
            elif len(of):
                result[:, of] = merge(level.take(left, axis=1), level.take(right, axis=1))

    def _buffers(self, cells: int) -> np.ndarray:
        if self._scratch.shape[1] < cells:
            self._scratch = np.empty((2, cells), dtype=np.float32)
        return self._scratch
