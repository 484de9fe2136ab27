"""From the kept spectra to the picture: new rows as they come, everything else in slices, newest first."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..core.spectra import SORTED_ROWS, Block, Waterfall
from .channel_columns import ChannelColumns, strongest_of_rows
from .row_times import CONTEXT_ROWS, coverage, pixel_rows, possible_times
from .waterfall_image import WaterfallImage

CELLS_PER_SLICE = 400_000  # about 1 ms of reducing or colouring
ROWS_PER_SCAN = 4096  # about 1 ms of finding out when rows were
MOST_BEHIND = 16  # slices of new rows; with more of them a new picture is begun
TAIL_ROWS = SORTED_ROWS + CONTEXT_ROWS + 1  # rows that a late one can move or that decide the coverage of such
NEVER = -(2**62)


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """What the picture shows.

    Args:
        width, height: device pixels, at least 1.
        low_hz, high_hz: frequency window, low < high.
        row_s: seconds per pixel row, positive.
        newest_on_top: False turns the picture round.
    """

    width: int
    height: int
    low_hz: float
    high_hz: float
    row_s: float
    newest_on_top: bool = True


class _Seen:
    """How far the picture knows a block.

    Args:
        block: whose rows.
        next_serial: of the first row that it does not know.
    """

    def __init__(self, block: Block, next_serial: int) -> None:
        self.block = block
        self.columns: ChannelColumns | None = None
        self.know(next_serial)

    def know(self, next_serial: int) -> None:
        """Take note of the rows up to a serial, and of the last times among them as they are now."""
        self.next_serial, self.reordered = next_serial, self.block.reordered
        stop = next_serial - self.block.first_serial
        tail = slice(max(0, stop - TAIL_ROWS), max(0, stop))
        self.tail = self.block.t[tail].copy(), self.block.duration[tail].copy()


class WaterfallFeed:
    """Keeps one ``WaterfallImage`` true to the spectra of one waterfall and polarization.

    ``restart`` and ``scroll`` leave work behind; ``step`` does it within a time budget, newest rows first. New rows
    are always taken at once.
    """

    def __init__(self) -> None:
        self.image = WaterfallImage(1, 1)
        self.geometry = Geometry(width=1, height=1, low_hz=0.0, high_hz=1.0, row_s=1.0)
        self._waterfall: Waterfall | None = None
        self._polarization: str | None = None
        self._seen: list[_Seen] = []
        self._work: deque[Iterator[object]] = deque()
        self._latest = NEVER  # newest pixel row of any row known
        self._stale = 0  # places of the image's ring that still have old colours, from _recolor_at on
        self._recolor_at = 0
        self.filled_to = 0  # after a restart: the picture is complete from its top down to this pixel row

    @property
    def busy(self) -> bool:
        """Whether ``step`` has work to do."""
        return bool(self._work) or self._stale > 0

    def show(self, waterfall: Waterfall | None, polarization: str | None) -> None:
        """Choose what to show; ``restart`` must follow."""
        self._waterfall, self._polarization = waterfall, polarization
        self._seen = []

    def restart(self, geometry: Geometry, image: WaterfallImage, top: int) -> None:
        """Begin a new picture of what is kept.

        Args:
            geometry: what it shows.
            image: of the geometry's size, with its colours and levels set.
            top: its newest pixel row.
        """
        self.geometry, self.image = geometry, image
        image.clear(top)
        self._work.clear()
        blocks = self._waterfall.blocks if self._waterfall else []
        self._seen = [_Seen(block, block.first_serial + len(block)) for block in blocks]
        self._latest = NEVER
        self.filled_to = top + 1
        self._stale = 0
        self._work.append(self._fill_all())

    def scroll(self, top: int) -> None:
        """Move the picture to another newest pixel row; kept rows that come into view are filled by ``step``."""
        new = self.image.scroll(top)
        # Mostly no kept row lies there: the live end moves on.
        if new and (new[0] <= self._latest or self.filled_to != NEVER):
            self._work.appendleft(self._fill(*new))

    def is_current(self) -> bool:
        """Tell whether new rows can just be added: all that is known is still kept, and not too many are new."""
        blocks = self._waterfall.blocks if self._waterfall else []
        known = [seen for seen in self._seen if any(seen.block is block for block in blocks)]
        if len(known) < len(self._seen) and not known:
            return not self._seen
        new = [seen.block.first_serial + len(seen.block) - seen.next_serial for seen in known]
        slices = sum(max(0, rows) / self._rows_per_slice(seen) for rows, seen in zip(new, known, strict=True))
        return min(new, default=0) >= 0 and slices <= MOST_BEHIND

    def live_edge(self, row_s: float) -> int | None:
        """Return the newest pixel row of what is kept, with ``row_s`` seconds each, or None when nothing is."""
        if self._waterfall is None or (found := live_row(self._waterfall)) is None:
            return None
        block, index = found
        _, last, usable = self._rows_of_block(block, index, index + 1, row_s)
        return int(last[0]) if usable[0] else None

    def take_new(self) -> int:
        """Leave the rows that arrived since the last call to ``step`` and return how many there are."""
        blocks = self._waterfall.blocks if self._waterfall else []
        self._seen = [seen for seen in self._seen if any(seen.block is block for block in blocks)]
        known = {id(seen.block) for seen in self._seen}
        self._seen += [_Seen(block, block.first_serial) for block in blocks if id(block) not in known]
        return sum(self._take_new_of(seen) for seen in self._seen)

    def recolor(self) -> None:
        """Colour the whole picture anew, after a change of its levels or colours.

        Asked again before it is done it goes on where it is and round, so that levels that are being dragged reach
        the old end of the picture as well.
        """
        if not self._stale:
            self._recolor_at = int(self.image.place(self.image.top))
        self._stale = self.image.height

    def step(self, budget_s: float) -> bool:
        """Work for about ``budget_s`` seconds and tell whether anything is left to do."""
        deadline = time.perf_counter() + budget_s
        while self.busy and time.perf_counter() < deadline:
            if self._work:
                # Work may put other work before itself: a new row while an old one is being filled in.
                now = self._work[0]
                if next(now, False) is False:
                    self._work.remove(now)
            else:
                self._recolor_slice()
        return self.busy

    def _recolor_slice(self) -> None:
        size = min(self._stale, max(1, CELLS_PER_SLICE // self.image.width))
        done = self.image.recolor_places(self._recolor_at, size)
        self._recolor_at = (self._recolor_at + (done if self.image.newest_on_top else -done)) % self.image.height
        self._stale -= done

    def _fill_all(self) -> Iterator[None]:
        for done in self._fill(self.image.bottom(), self.image.top):
            self.filled_to = min(self.filled_to, done)
            yield
        self.filled_to = NEVER

    def _take_new_of(self, seen: _Seen) -> int:
        block = seen.block
        start, stop = max(0, seen.next_serial - block.first_serial), len(block)
        if start >= stop:
            return 0
        if block.reordered != seen.reordered:
            self._redo(seen, max(0, start - SORTED_ROWS - 1))
        else:
            first = 0 if start == 1 else start  # the first row's duration may follow from the second
            self._work.appendleft(self._merge_rows(seen, block.first_serial + first, block.first_serial + stop))
        seen.know(block.first_serial + stop)
        return stop - start

    def _redo(self, seen: _Seen, start: int) -> None:
        """Draw anew what rows from ``start`` on covered before or cover now: late ones lie between them."""
        t, duration = seen.tail
        first, _, usable = _pixel_rows(t, duration, self.geometry.row_s)
        before = slice(max(0, len(t) - SORTED_ROWS - 1), None)
        old = int(first[before][usable[before]].min(initial=self.image.top + 1))
        first, _, usable = self._rows_of_block(seen.block, start, len(seen.block))
        oldest = min(old, int(first[usable].min(initial=old)))
        self.image.erase(oldest, self.image.top)
        self._work.appendleft(self._fill(oldest, self.image.top))

    def _fill(self, first: int, last: int) -> Iterator[int]:
        """Merge all kept rows that lie in the pixel rows first … last, newest first.

        Yields:
            after each slice down to which pixel row it came.
        """
        for seen in reversed(self._seen):
            block, stop = seen.block, seen.next_serial
            while stop > block.first_serial:
                start = max(block.first_serial, stop - ROWS_PER_SCAN)
                wanted = self._scan(block, start, stop, first, last)
                if wanted is not None:
                    yield from self._merge_rows(seen, *wanted)
                else:
                    yield self.filled_to
                stop = start

    def _scan(self, block: Block, start: int, stop: int, first: int, last: int) -> tuple[int, int] | None:
        """Return the serials between which rows of start … stop lie in the pixel rows first … last, or None."""
        row_s, origin = self.geometry.row_s, block.first_serial
        rows = slice(max(0, start - origin - CONTEXT_ROWS), max(stop - origin, 2))
        oldest_s, newest_s = possible_times(block.t[rows], block.duration[rows])
        if oldest_s / row_s > last + 1 or newest_s / row_s < first - 1:
            self._latest = max(self._latest, math.ceil(newest_s / row_s))
            return None
        k0, k1, usable = self._rows_of_block(block, start - origin, stop - origin)
        self._latest = max(self._latest, int(k1[usable].max(initial=NEVER)))
        found = np.flatnonzero(usable & (k1 >= first) & (k0 <= last))
        return (start + int(found[0]), start + int(found[-1]) + 1) if len(found) else None

    def _merge_rows(self, seen: _Seen, start: int, stop: int) -> Iterator[int]:
        """Merge the rows of these serials, newest first; yields as ``_fill``."""
        size = self._rows_per_slice(seen)
        for end in range(stop, start, -size):
            first = seen.block.first_serial  # rows may have been dropped since
            begin = max(0, max(start, end - size) - first)
            if begin >= end - first:
                return
            yield self._merge(seen, begin, end - first)

    def _rows_per_slice(self, seen: _Seen) -> int:
        first, last = self._columns(seen).channel_range
        return max(1, CELLS_PER_SLICE // max(1, last - first, self.geometry.width))

    def _merge(self, seen: _Seen, start: int, stop: int) -> int:
        """Reduce the rows start … stop of a block, merge them into the image and return their oldest pixel row."""
        first, last, usable = self._rows_of_block(seen.block, start, stop)
        self._latest = max(self._latest, int(last[usable].max(initial=NEVER)))
        keep = np.flatnonzero(usable & (first <= self.image.top) & (last >= self.image.bottom()))
        index = self._index(seen.block)
        if index is None or not len(keep):
            return self.filled_to
        first, last = first[keep], last[keep]
        power = seen.block.power[start:stop, index]
        columns = self._columns(seen)
        selected = columns.select(power if len(keep) == len(power) else power[keep])
        # Rows that share one pixel row are merged before their channels are: a quarter of the work.
        alone = (first[1:] != first[:-1]) | (last[1:] != last[:-1])
        starts = np.concatenate([[0], np.flatnonzero(alone) + 1])
        self.image.merge(first[starts], last[starts], columns.reduce(strongest_of_rows(selected, starts)))
        return int(last[0]) + 1

    def _rows_of_block(
        self, block: Block, start: int, stop: int, row_s: float | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return first and last pixel row of the block's rows start … stop, and which of them have a usable time."""
        context = max(0, start - CONTEXT_ROWS)
        ahead = max(stop, 2)  # the first row's duration may follow from the second
        wanted = slice(start - context, stop - context)
        found = _pixel_rows(
            block.t[context:ahead], block.duration[context:ahead], self.geometry.row_s if row_s is None else row_s
        )
        return found[0][wanted], found[1][wanted], found[2][wanted]

    def _columns(self, seen: _Seen) -> ChannelColumns:
        if seen.columns is None:
            view = self.geometry
            seen.columns = ChannelColumns(seen.block.axis, view.low_hz, view.high_hz, view.width)
        return seen.columns

    def _index(self, block: Block) -> int | None:
        names = polarization_names(block)
        if self._polarization is None:
            return 0 if names else None
        return names.index(self._polarization) if self._polarization in names else None


def _pixel_rows(t: np.ndarray, duration: np.ndarray, row_s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return first and last pixel row of rows, and which of them have a usable time."""
    begin, end = coverage(t, duration)
    usable = ~np.isnan(begin) & ~np.isnan(end)
    if not usable.all():
        t, begin, end = (np.where(usable, each, 0.0) for each in (t, begin, end))
    return *pixel_rows(t, begin, end, row_s), usable


def live_row(waterfall: Waterfall) -> tuple[Block, int] | None:
    """Return the block and index of the row at the live end.

    It is the latest of those near the row that arrived last, so one row from a clock in the future, which stays the
    last in order of time, does not hold the picture there.
    """
    block = next((block for block in reversed(waterfall.blocks) if len(block)), None)
    if block is None or waterfall.last is None:
        return None
    if block.t[-1] <= waterfall.last.t:
        return block, len(block) - 1
    limit = waterfall.last.t + SORTED_ROWS * waterfall.row_interval_s
    return block, max(0, int(np.searchsorted(block.t, limit, side="right")) - 1)


def polarization_names(block: Block) -> list[str]:
    """Return the names of a block's polarizations; those without a name are numbered."""
    count = block.power.shape[1]
    names = list(block.polarizations)
    return [names[i] if i < len(names) and names[i] else f"Polarization {i + 1}" for i in range(count)]
