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
from .row_times import CONTEXT_ROWS, PixelRows, pixel_rows, possible_times
from .waterfall_blocks import KnownBlock, live_row, polarization_names
from .waterfall_image import WaterfallImage

CELLS_PER_SLICE = 300_000  # about 1 ms of reducing or colouring
ROWS_PER_SCAN = 4096  # about 1 ms of finding out when rows were
MOST_BEHIND = 20  # slices of new rows; with more of them a new picture is begun
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
        self._seen: list[KnownBlock] = []
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
        self._seen = [KnownBlock(block, block.first_serial + len(block)) for block in blocks]
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
        if min(new, default=0) < 0 or max(new, default=0) > ROWS_PER_SCAN:
            return False
        slices = sum(rows / self._rows_per_slice(seen) for rows, seen in zip(new, known, strict=True))
        return slices <= MOST_BEHIND

    def live_edge(self, row_s: float) -> int | None:
        """Return the newest pixel row of what is kept, with ``row_s`` seconds each, or None when nothing is."""
        if self._waterfall is None or (found := live_row(self._waterfall)) is None:
            return None
        block, index = found
        row = self._rows_of_block(block, index, index + 1, row_s)
        return int(row.last[0]) if row.usable[0] else None

    def take_new(self) -> int:
        """Leave the rows that arrived since the last call to ``step`` and return how many there are."""
        blocks = self._waterfall.blocks if self._waterfall else []
        self._seen = [seen for seen in self._seen if any(seen.block is block for block in blocks)]
        known = {id(seen.block) for seen in self._seen}
        self._seen += [KnownBlock(block, block.first_serial) for block in blocks if id(block) not in known]
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

    def _take_new_of(self, seen: KnownBlock) -> int:
        block = seen.block
        start, stop = max(0, seen.next_serial - block.first_serial), len(block)
        if start >= stop:
            return 0
        if block.reordered != seen.reordered:
            self._redo(seen, max(0, start - SORTED_ROWS - 1))
        else:
            first = 0 if start == 1 else start  # the first row's duration may follow from the second
            serials = block.first_serial + first, block.first_serial + stop
            self._work.appendleft(self._merge_rows(seen, *serials, NEVER, -NEVER))
        seen.know(block.first_serial + stop)
        return stop - start

    def _redo(self, seen: KnownBlock, start: int) -> None:
        """Draw anew what rows from ``start`` on covered before or cover now: late ones lie between them."""
        before = pixel_rows(*seen.tail, self.geometry.row_s)
        before = before.part(max(0, len(before.first) - SORTED_ROWS - 1), len(before.first))
        after = self._rows_of_block(seen.block, start, len(seen.block))
        oldest = min(int(rows.first[rows.usable].min(initial=self.image.top + 1)) for rows in (before, after))
        self.image.erase(oldest, self.image.top)
        self._work.appendleft(self._fill(oldest, self.image.top))

    def _fill(self, first: int, last: int) -> Iterator[int]:
        """Merge all kept rows that lie in the pixel rows first … last, newest first.

        Yields:
            after each slice down to which pixel row it came.
        """
        for seen in reversed(self._seen):
            stop = seen.next_serial
            while stop > seen.block.first_serial:
                start = max(seen.block.first_serial, stop - ROWS_PER_SCAN)
                if self._may_lie_in(seen.block, start, stop, first, last):
                    yield from self._merge_rows(seen, start, stop, first, last)
                yield self.filled_to
                stop = start

    def _may_lie_in(self, block: Block, start: int, stop: int, first: int, last: int) -> bool:
        """Tell quickly whether rows of these serials can lie in the pixel rows first … last."""
        row_s, origin = self.geometry.row_s, block.first_serial
        rows = slice(max(0, start - origin - CONTEXT_ROWS), max(stop - origin, 2))
        oldest_s, newest_s = possible_times(block.t[rows], block.duration[rows])
        if oldest_s / row_s <= last + 1 and newest_s / row_s >= first - 1:
            return True
        self._latest = max(self._latest, math.ceil(newest_s / row_s))
        return False

    def _merge_rows(self, seen: KnownBlock, start: int, stop: int, first: int, last: int) -> Iterator[int]:
        """Merge those rows of the serials start … stop that lie in the pixel rows first … last, newest first.

        Yields:
            as ``_fill``.
        """
        block, size = seen.block, self._rows_per_slice(seen)
        while (origin := max(start, block.first_serial)) < stop:  # rows may have been dropped since
            reordered = block.reordered
            rows = self._rows_of_block(block, origin - block.first_serial, stop - block.first_serial)
            self._latest = max(self._latest, int(rows.last[rows.usable].max(initial=NEVER)))
            wanted = np.flatnonzero(rows.usable & (rows.last >= first) & (rows.first <= last))
            if not len(wanted):
                return
            start, stop = origin + int(wanted[0]), origin + int(wanted[-1]) + 1
            while start < stop and block.reordered == reordered:  # else a late row moved some: look again
                begin = max(start, block.first_serial, stop - size)
                if begin >= stop:
                    return
                yield self._merge(seen, slice(begin, stop), rows.part(begin - origin, stop - origin))
                stop = begin

    def _merge(self, seen: KnownBlock, serials: slice, rows: PixelRows) -> int:
        """Reduce rows of a block, merge them into the image and return their oldest pixel row."""
        keep = np.flatnonzero(rows.usable & (rows.first <= self.image.top) & (rows.last >= self.image.bottom()))
        index = self._index(seen.block)
        if index is None or not len(keep):
            return self.filled_to
        first, last = rows.first[keep], rows.last[keep]
        origin = seen.block.first_serial
        power = seen.block.power[serials.start - origin : serials.stop - origin, index]
        columns = self._columns(seen)
        selected = columns.select(power if len(keep) == len(power) else power[keep])
        # Rows that share one pixel row are merged before their channels are: a quarter of the work.
        alone = (first[1:] != first[:-1]) | (last[1:] != last[:-1])
        starts = np.concatenate([[0], np.flatnonzero(alone) + 1])
        self.image.merge(first[starts], last[starts], columns.reduce(strongest_of_rows(selected, starts)))
        return int(last[0]) + 1

    def _rows_per_slice(self, seen: KnownBlock) -> int:
        first, last = self._columns(seen).channel_range
        return max(1, CELLS_PER_SLICE // max(1, last - first, self.geometry.width))

    def _rows_of_block(self, block: Block, start: int, stop: int, row_s: float | None = None) -> PixelRows:
        """Return where the block's rows start … stop lie."""
        context = max(0, start - CONTEXT_ROWS)
        ahead = max(stop, 2)  # the first row's duration may follow from the second
        t, duration = block.t[context:ahead], block.duration[context:ahead]
        rows = pixel_rows(t, duration, self.geometry.row_s if row_s is None else row_s)
        return rows.part(start - context, stop - context)

    def _columns(self, seen: KnownBlock) -> ChannelColumns:
        if seen.columns is None:
            view = self.geometry
            seen.columns = ChannelColumns(seen.block.axis, view.low_hz, view.high_hz, view.width)
        return seen.columns

    def _index(self, block: Block) -> int | None:
        names = polarization_names(block)
        if self._polarization is None:
            return 0 if names else None
        return names.index(self._polarization) if self._polarization in names else None
