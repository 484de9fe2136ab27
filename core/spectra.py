"""Waterfalls: the spectra of each stream in blocks of equal frequency axis, with the true time of every row."""

from __future__ import annotations

import heapq
import math

import numpy as np

from .messages import ProtocolError, Spectrum
from .sliding import Reservations, SlidingArray

RESERVE_BYTES = 16 * 1024**3  # of addresses, for one block
MOST_BLOCKS = 64
MOST_WATERFALLS = 1000
SORTED_ROWS = 64  # a row that comes later than this many others starts a block of its own
INTERVAL_ROWS = 16
OVERHEAD_BYTES = 4096
SHRINK_STEPS = 64  # parts of the store's own bound: one is freed at once, so that not each row pays for the search


class Block:
    """Rows that share nchan, f0, df, frequencies, polarizations and unit.

    Args:
        spectrum: the first row, which gives the axis; it is not added.
        reservations: where large arrays come from.
    """

    def __init__(self, spectrum: Spectrum, reservations: Reservations | None = None) -> None:
        npol, nchan = spectrum.power.shape
        self.f0 = spectrum.f0
        self.df = spectrum.df
        self.unit = spectrum.unit
        self.polarizations = spectrum.polarizations or tuple(str(index) for index in range(npol))
        self.nchan = nchan
        self._irregular = None if spectrum.frequencies is None else np.array(spectrum.frequencies, dtype=np.float64)
        self._told = spectrum.polarizations
        self.axis = self._irregular if self._irregular is not None else self.f0 + self.df * np.arange(nchan)
        self.axis.flags.writeable = False
        self.reordered = 0
        self._t = SlidingArray(reservations=reservations)
        self._duration = SlidingArray(reservations=reservations)
        self._power = SlidingArray(np.float32, (npol, nchan), reservations, RESERVE_BYTES)

    def __len__(self) -> int:
        return len(self._t)

    @property
    def frequencies(self) -> np.ndarray:
        """f8[nchan] Hz, the centre of every channel."""
        return self.axis

    @property
    def t(self) -> np.ndarray:
        """f8[r] unix seconds, the middle of each integration, ascending."""
        return self._t.view()

    @property
    def duration(self) -> np.ndarray:
        """f8[r] seconds, NaN where it was not told."""
        return self._duration.view()

    @property
    def power(self) -> np.ndarray:
        """f4[r, npol, nchan], linear, in ``unit``: a view that is valid until the block is next changed."""
        return self._power.view()

    @property
    def first_serial(self) -> int:
        """Serial of row 0; it grows as old rows are dropped, the serials of later rows stay.

        A row that arrived late moves later ones up by one; ``reordered`` counts these.
        """
        return self._t.first_serial

    @property
    def nbytes(self) -> int:
        """Bytes of all rows and the axis."""
        return OVERHEAD_BYTES + self.axis.nbytes + len(self) * self.row_bytes

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return 16 + 4 * self.nchan * len(self.polarizations)

    def accepts(self, spectrum: Spectrum) -> bool:
        """Tell whether a spectrum has this block's axis and does not come much too late."""
        same = (
            spectrum.power.shape == (len(self.polarizations), self.nchan)
            and spectrum.f0 == self.f0
            and spectrum.df == self.df
            and spectrum.polarizations == self._told
            and spectrum.unit == self.unit
            and _equal(spectrum.frequencies, self._irregular)
        )
        return same and (len(self) <= SORTED_ROWS or spectrum.t >= self._t.view()[-SORTED_ROWS])

    def append(self, spectrum: Spectrum) -> None:
        """Add a row, in its place by time."""
        times = self._t.view()
        columns = (
            (self._t, np.array([spectrum.t])),
            (self._duration, np.array([math.nan if spectrum.duration is None else spectrum.duration])),
            (self._power, spectrum.power[np.newaxis]),
        )
        if not len(times) or spectrum.t >= times[-1]:
            for column, row in columns:
                column.extend(row)
            return
        position = np.searchsorted(times, [spectrum.t], side="right")
        for column, row in columns:
            column.insert(position, row)
        self.reordered += 1

    def drop(self, rows: int) -> None:
        """Drop the oldest rows."""
        for column in (self._t, self._duration, self._power):
            column.drop_front(rows)


class Waterfall:
    """All blocks of one stream, oldest first.

    Args:
        producer, stream: whose it is.
    """

    def __init__(self, producer: str, stream: str) -> None:
        self.producer = producer
        self.stream = stream
        self.blocks: list[Block] = []
        self.revision = 0
        self.last: Spectrum | None = None

    @property
    def rows(self) -> int:
        """Number of rows of all blocks."""
        return sum(map(len, self.blocks))

    @property
    def oldest_t(self) -> float:
        """Time of the oldest row of the oldest block, unix seconds; there must be one."""
        return float(self.blocks[0].t[0])

    @property
    def nbytes(self) -> int:
        """Bytes of all blocks."""
        return sum(block.nbytes for block in self.blocks)

    @property
    def row_interval_s(self) -> float:
        """Seconds a row stands for when it does not say: median spacing of the last 16, else its duration, else 1."""
        if not self.blocks:
            return 1.0
        spacing = np.diff(self.blocks[-1].t[-INTERVAL_ROWS:])
        spacing = spacing[spacing > 0]
        if len(spacing):
            return float(np.median(spacing))
        duration = self.last.duration if self.last is not None else None
        return duration if duration and duration > 0 else 1.0


class SpectrumStore:
    """Keep the waterfalls of all producers; the oldest rows go when memory is short.

    Args:
        max_bytes: bound of this store alone; None leaves it to the owner, who calls ``shrink``.
    """

    def __init__(self, *, max_bytes: int | None = None) -> None:
        self.max_bytes = max_bytes
        self.waterfalls: dict[tuple[str, str], Waterfall] = {}
        self._reservations = Reservations()
        self._nbytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes of all rows."""
        return self._nbytes

    def append(self, producer: str, stream: str, spectrum: Spectrum) -> None:
        """Add a row; another axis starts a new block.

        Raises:
            ProtocolError: the row cannot be shown; nothing was taken.
        """
        _check(spectrum)
        waterfall = self.waterfalls.get((producer, stream))
        if waterfall is None:
            if len(self.waterfalls) >= MOST_WATERFALLS:
                raise ProtocolError(f"spectrum: more than {MOST_WATERFALLS} streams")
            waterfall = self.waterfalls[producer, stream] = Waterfall(producer, stream)
        block = waterfall.blocks[-1] if waterfall.blocks else None
        if block is None or not block.accepts(spectrum):
            block = Block(spectrum, self._reservations)
            waterfall.blocks.append(block)
            self._nbytes += block.nbytes
            if len(waterfall.blocks) > MOST_BLOCKS:
                self._nbytes -= waterfall.blocks.pop(0).nbytes
        block.append(spectrum)
        self._nbytes += block.row_bytes
        waterfall.last = spectrum
        waterfall.revision += 1
        if self.max_bytes is not None and self._nbytes > self.max_bytes:
            self.shrink(self._nbytes - self.max_bytes + self.max_bytes // SHRINK_STEPS)

    def shrink(self, nbytes: int) -> int:
        """Drop the oldest rows of all waterfalls; the newest row of each stays.

        Args:
            nbytes: bytes to free, if possible.

        Returns:
            Bytes that were freed.
        """
        before = self._nbytes
        # The stream with the oldest row first; the number is of no meaning but that it orders streams of equal time.
        oldest = [
            (waterfall.oldest_t, number, waterfall)
            for number, waterfall in enumerate(self.waterfalls.values())
            if waterfall.rows > 1
        ]
        heapq.heapify(oldest)
        while oldest and before - self._nbytes < nbytes:
            _, number, waterfall = oldest[0]
            self._drop_oldest(waterfall, nbytes - (before - self._nbytes))
            if waterfall.rows > 1:
                heapq.heapreplace(oldest, (waterfall.oldest_t, number, waterfall))
            else:
                heapq.heappop(oldest)
        return before - self._nbytes

    def forget(self, producer: str) -> None:
        """Remove all waterfalls of a producer."""
        self.clear(producer=producer)

    def clear(self, producer: str | None = None, stream: str | None = None) -> None:
        """Remove waterfalls.

        Args:
            producer: only of this producer. stream: only of this name.
        """
        for key in list(self.waterfalls):
            if producer in (None, key[0]) and stream in (None, key[1]):
                del self.waterfalls[key]
        self._nbytes = sum(waterfall.nbytes for waterfall in self.waterfalls.values())

    def _drop_oldest(self, waterfall: Waterfall, nbytes: int) -> None:
        """Drop rows of the oldest block: what is asked, but at most a quarter of it at once."""
        block = waterfall.blocks[0]
        before = waterfall.nbytes
        rows = min(-(-nbytes // block.row_bytes), max(1, len(block) // 4))
        block.drop(rows)
        if not len(block):
            del waterfall.blocks[0]
        self._nbytes -= before - waterfall.nbytes
        waterfall.revision += 1


def _equal(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)


def _check(spectrum: Spectrum) -> None:
    power = spectrum.power
    if power.ndim != 2 or 0 in power.shape:
        raise ProtocolError(f"spectrum: power of shape {power.shape}, not (polarizations, channels)")
    if not math.isfinite(spectrum.t):
        raise ProtocolError("spectrum: its time is not a number")
    if not (math.isfinite(spectrum.f0) and math.isfinite(spectrum.df)):
        raise ProtocolError("spectrum: its frequencies are not numbers")
    if spectrum.polarizations and len(spectrum.polarizations) != power.shape[0]:
        raise ProtocolError(f"spectrum: {len(spectrum.polarizations)} polarizations named, {power.shape[0]} sent")
    if spectrum.frequencies is not None and len(spectrum.frequencies) != power.shape[1]:
        raise ProtocolError(f"spectrum: {len(spectrum.frequencies)} frequencies for {power.shape[1]} channels")
