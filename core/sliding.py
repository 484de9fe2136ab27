"""Arrays that grow at the end and shrink at the front, with the live part always one contiguous view.

Small arrays grow by half on the heap. Past 32 KiB an array moves once into a large reserved range of addresses whose
pages cost nothing until they are written, so growing to any length copies nothing more and nobody waits for it; pages
that were dropped at the front are given back to the system. Where no range can be had it goes on growing by half.
"""

from __future__ import annotations

import math
import mmap
import sys

import numpy as np
import numpy.typing as npt

RESERVE_FROM_BYTES = 32 * 1024
MAXIMUM_RESERVATIONS = 8192  # the kernel allows a process 65,530 mappings, which others need as well
RESERVE_BYTES = 4 * 1024**3  # of addresses: as much as the whole default budget, so that nothing is copied
_FIRST_CAPACITY = 64
_LIVE_PARTS = 8  # a range holds at least this many times what is live when it is made

# Python names the flag from 3.13 on; the number is Linux's own.
_NO_RESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000 if sys.platform == "linux" else 0)


class Reservations:
    """Hand out ranges of addresses, up to a number of them, and count the memory of all arrays that share it.

    Args:
        limit: ranges that may exist at once; 0 keeps every array on the heap.
    """

    def __init__(self, limit: int = MAXIMUM_RESERVATIONS) -> None:
        self.limit = limit
        self.used = 0
        self.nbytes = 0  # held by the arrays: spare room and pages not given back yet included

    def reserve(self, nbytes: int) -> mmap.mmap | None:
        """Return a range of untouched zero pages, or None when there is none to be had.

        Args:
            nbytes: size of the range.
        """
        if self.used >= self.limit or not hasattr(mmap, "MAP_ANONYMOUS"):
            return None
        try:
            pages = mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE)
            if hasattr(mmap, "MADV_NOHUGEPAGE"):
                # A 2 MiB page for each of some hundred columns would be memory that holds no sample.
                pages.madvise(mmap.MADV_NOHUGEPAGE)
        except (OSError, OverflowError, ValueError):
            return None  # an address-space limit is in force: the heap serves as well, only with copies
        self.used += 1
        return pages

    def release(self) -> None:
        """Take note that a range is no longer used."""
        self.used -= 1


class SlidingArray:
    """A growing array of equal items; each item keeps its serial number when items before it are dropped.

    Args:
        dtype: NumPy type of the elements.
        item_shape: shape of one item; () for numbers.
        reservations: where large ranges come from; None keeps the array on the heap.
        reserve_bytes: smallest size of such a range.
    """

    def __init__(
        self,
        dtype: npt.DTypeLike = np.float64,
        item_shape: tuple[int, ...] = (),
        reservations: Reservations | None = None,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        self._dtype = np.dtype(dtype)
        self._item_shape = item_shape
        self._item_bytes = self._dtype.itemsize * math.prod(item_shape)
        self._reservations = reservations
        self._reserve_bytes = reserve_bytes
        self._pages: mmap.mmap | None = None
        self._touched = 0  # bytes of the range, or of the buffer on the heap, that hold memory or held it
        self._given_back = 0  # bytes at the start of the range that the system already has again
        self._buffer = np.empty((0, *item_shape), self._dtype)
        self._start = 0
        self._stop = 0
        self.first_serial = 0

    def __del__(self) -> None:
        if self._reservations is not None:
            self._reservations.nbytes -= self.held_bytes
            if self._pages is not None:
                self._reservations.release()

    def __len__(self) -> int:
        return self._stop - self._start

    @property
    def nbytes(self) -> int:
        """Bytes of the live items."""
        return (self._stop - self._start) * self._item_bytes

    @property
    def held_bytes(self) -> int:
        """Bytes of memory that the array holds, spare room included."""
        return self._touched - self._given_back

    def view(self) -> np.ndarray:
        """Return the live items, oldest first: a read-only view that is valid until the array is next changed."""
        view = self._buffer[self._start : self._stop]
        view.flags.writeable = False
        return view

    def extend(self, items: np.ndarray) -> None:
        """Append items at the end.

        Args:
            items: [k, *item_shape].
        """
        stop = self._stop + len(items)
        if stop > len(self._buffer):
            self._make_room(len(items))
            stop = self._stop + len(items)
        self._buffer[self._stop : stop] = items
        self._stop = stop
        if stop * self._item_bytes > self._touched:
            self._touch()

    def extend_fill(self, number: int, value: float) -> None:
        """Append ``number`` items that all have the same value."""
        if self._stop + number > len(self._buffer):
            self._make_room(number)
        self._buffer[self._stop : self._stop + number] = value
        self._stop += number
        if self._stop * self._item_bytes > self._touched:
            self._touch()

    def drop_front(self, number: int) -> None:
        """Drop the ``number`` oldest items."""
        number = min(number, len(self))
        self._start += number
        self.first_serial += number
        self._give_back()

    def drop_back(self, number: int) -> None:
        """Drop the ``number`` newest items."""
        self._stop -= min(number, len(self))

    def trim(self) -> None:
        """Give back what memory can be given back at once, though it may be wanted again for further items."""
        if self._pages is not None:
            self._give_back(mmap.PAGESIZE)
        elif self._touched > (len(self) + len(self) // 4 + _FIRST_CAPACITY) * self._item_bytes:
            self._make_room(0, spare=len(self) // 8)

    def replace_front(self, number: int, items: np.ndarray) -> None:
        """Put fewer items in the place of the ``number`` oldest; the serials of all later items stay as they are.

        Args:
            number: items to replace.
            items: [k, *item_shape] with k ≤ number; they must not be a view of this array.
        """
        kept = self._start + number - len(items)
        self._buffer[kept : kept + len(items)] = items
        self.drop_front(number - len(items))

    def insert(self, positions: np.ndarray, items: np.ndarray) -> None:
        """Insert items; serials of what follows grow. Costs a copy of all that follows the first.

        Args:
            positions: i8[k] ascending, each 0 … len(self): the items before which to insert.
            items: [k, *item_shape].
        """
        first = int(positions[0])
        tail = np.insert(self.view()[first:], positions - first, items, axis=0)
        self._stop = self._start + first
        self.extend(tail)

    def _make_room(self, number: int, spare: int | None = None) -> None:
        live = len(self)
        if spare is None:
            spare = min(live // 2, RESERVE_BYTES // max(1, self._item_bytes))
        buffer, pages = self._new_buffer(live + number, live + max(number, spare))
        buffer[:live] = self._buffer[self._start : self._stop]
        if self._reservations is not None:
            self._reservations.nbytes -= self.held_bytes
            if self._pages is not None:
                self._reservations.release()
        self._buffer, self._pages = buffer, pages
        self._start, self._stop, self._given_back, self._touched = 0, live, 0, 0
        self._touch()

    def _touch(self) -> None:
        """Count the memory up to the last item; on the heap it is the whole buffer, whoever wrote to it."""
        pages = -(-self._stop * self._item_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
        touched = pages if self._pages is not None else self._buffer.nbytes
        if self._reservations is not None:
            self._reservations.nbytes += touched - self._touched
        self._touched = touched

    def _new_buffer(self, needed: int, wanted: int) -> tuple[np.ndarray, mmap.mmap | None]:
        if self._reservations is not None and needed * self._item_bytes > RESERVE_FROM_BYTES:
            size = max(self._reserve_bytes, needed * self._item_bytes * _LIVE_PARTS)
            pages = self._reservations.reserve(size)
            if pages is not None:
                capacity = size // self._item_bytes
                flat = np.frombuffer(pages, self._dtype, capacity * math.prod(self._item_shape))
                return flat.reshape((capacity, *self._item_shape)), pages
        first = max(1, _FIRST_CAPACITY // math.prod(self._item_shape)) if self._item_shape else _FIRST_CAPACITY
        return np.empty((max(first, wanted), *self._item_shape), self._dtype), None

    def _give_back(self, step_bytes: int = 64 * 1024) -> None:
        """Return whole pages before the first live item to the system, in steps worth the call."""
        if self._pages is None:
            if self._start > len(self) and self._start * self._item_bytes > RESERVE_FROM_BYTES:
                self._make_room(0)
            return
        if not hasattr(mmap, "MADV_DONTNEED"):
            return
        unused = self._start * self._item_bytes // mmap.PAGESIZE * mmap.PAGESIZE
        if unused - self._given_back >= step_bytes:
            self._pages.madvise(mmap.MADV_DONTNEED, self._given_back, unused - self._given_back)
            if self._reservations is not None:
                self._reservations.nbytes -= unused - self._given_back
            self._given_back = unused
