"""The curves above a waterfall, at full channel resolution: current row, running mean, maximum hold. Pure numpy."""

from __future__ import annotations

import time

import numpy as np

from ..core.spectra import SORTED_ROWS, Block, Waterfall
from .channel_columns import strongest, strongest_of_rows

CELLS_PER_STEP = 150_000


class RunningMean:
    """Mean of consecutive rows, moved along by adding and taking away; values that are not finite do not count.

    Args:
        nchan: channels.
    """

    def __init__(self, nchan: int) -> None:
        self._sum = np.zeros(nchan)
        self._count = np.zeros(nchan, dtype=np.int64)
        self._moved = 0
        self.start = self.stop = 0  # serials of the rows in the sum: start … stop

    def move(self, power: np.ndarray, first_serial: int, start: int, stop: int, deadline: float) -> bool:
        """Bring the mean to the rows start … stop, as far as the deadline allows.

        Args:
            power: f4[r, nchan] rows kept. first_serial: serial of power[0].
            start, stop: serials, start inclusive, stop exclusive.
            deadline: of ``time.perf_counter``.

        Returns:
            whether the mean is complete.
        """
        start = max(start, first_serial)
        # Rows that were dropped cannot be taken away any more; sums of many differences lose digits.
        if (
            not self.start <= self.stop <= stop
            or self.start < first_serial
            or start >= self.stop
            or self._moved > 20_000
        ):
            self.clear(start)
        if start < self.start:
            self.clear(start)
        size = max(1, CELLS_PER_STEP // max(1, power.shape[1]))
        while (self.start, self.stop) != (start, stop):
            if self.start < start:
                end = min(start, self.start + size)
                self._add(power[self.start - first_serial : end - first_serial], -1)
                self.start = end
            else:
                end = min(stop, self.stop + size)
                self._add(power[self.stop - first_serial : end - first_serial], 1)
                self.stop = end
            if time.perf_counter() > deadline:
                break
        return (self.start, self.stop) == (start, stop)

    def mean(self) -> np.ndarray:
        """Return the mean, f4[nchan]; NaN where no value counted."""
        count = self._count
        result = np.full(len(count), np.nan, dtype=np.float32)
        np.divide(self._sum, count, out=result, where=count > 0, casting="unsafe")
        return result

    def clear(self, start: int = 0) -> None:
        """Begin anew at a serial."""
        self._sum[:] = 0
        self._count[:] = 0
        self._moved = 0
        self.start = self.stop = start

    def _add(self, rows: np.ndarray, sign: int) -> None:
        self._moved += len(rows)
        finite = np.isfinite(rows)
        if finite.all():
            self._sum += sign * rows.sum(axis=0, dtype=float)
            self._count += sign * len(rows)
        else:
            self._sum += sign * np.where(finite, rows, 0).sum(axis=0, dtype=float)
            self._count += sign * finite.sum(axis=0)


class SpectrumCurves:
    """The curves of one block and polarization.

    The maximum hold begins with the oldest row kept, or with the row after ``reset_hold``.

    Args:
        waterfall: its newest row is the current one.
        block: the block of that row.
        index: polarization.
    """

    def __init__(self, waterfall: Waterfall, block: Block, index: int) -> None:
        self._waterfall = waterfall
        self.block, self.index = block, index
        self._reordered = block.reordered
        self._mean = RunningMean(block.power.shape[2])
        self._hold: np.ndarray | None = None
        self._held = block.first_serial  # serial of the next row for the hold

    def update(self, average: tuple[int, int] | None, *, hold: bool, budget_s: float) -> bool:
        """Take in what arrived.

        Args:
            average: serials of the rows to average, start inclusive, stop exclusive; None leaves the mean alone.
            hold: keep the maximum.
            budget_s: seconds to spend.

        Returns:
            whether everything is up to date; else call again.
        """
        deadline = time.perf_counter() + budget_s
        if self.block.reordered != self._reordered:  # late rows moved others up
            self._reordered = self.block.reordered
            self._mean.clear()
            self._held -= SORTED_ROWS + 1
        power, first = self.block.power[:, self.index], self.block.first_serial
        done = True
        if hold:
            done = self._update_hold(power, first, deadline)
        if average is not None:
            start, stop = (min(max(serial, first), first + len(power)) for serial in average)
            done &= self._mean.move(power, first, start, max(start, stop), deadline)
        return done

    def current(self) -> np.ndarray | None:
        """Return the newest row, f4[nchan], or None."""
        last = self._waterfall.last
        if last is not None and last.power.shape == self.block.power.shape[1:]:
            return last.power[self.index]  # not the last in the block when it came late
        return self.block.power[-1, self.index] if len(self.block) else None

    def average(self) -> np.ndarray | None:
        """Return the running mean, f4[nchan], or None before the first row."""
        return self._mean.mean() if self._mean.stop > self._mean.start else None

    def hold(self) -> np.ndarray | None:
        """Return the maximum hold, f4[nchan], or None before the first row."""
        return self._hold

    def reset_hold(self) -> None:
        """Begin the maximum hold anew with the next row."""
        self._hold = None
        self._held = self.block.first_serial + len(self.block)

    def _update_hold(self, power: np.ndarray, first: int, deadline: float) -> bool:
        size = max(1, CELLS_PER_STEP // max(1, power.shape[1]))
        while (begin := max(0, self._held - first)) < len(power):
            rows = power[begin : begin + size]
            best = strongest_of_rows(rows, np.array([0]))[0]
            self._hold = best.copy() if self._hold is None else strongest(self._hold, best)
            self._held = first + begin + len(rows)
            if time.perf_counter() > deadline:
                return begin + len(rows) >= len(power)
        return True
