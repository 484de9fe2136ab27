"""From the kept spectra to the picture: new rows as they come, everything else in slices, newest first."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..core.spectra import SORTED_ROWS, Block, Waterfall
from .channel_columns import ChannelColumns, strongest_of_rows
from .row_times import CONTEXT_ROWS, coverage, pixel_rows
from .waterfall_image import WaterfallImage

CELLS_PER_SLICE = 500_000  # about 1 ms of reducing
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


@dataclass
class _Seen:
    block: Block
    next_serial: int
    reordered: int
    columns: ChannelColumns | None = None


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
        self._work: deque[Iterator[None]] = deque()
        self._latest = NEVER  # newest pixel row of any row known
        self._recoloring: Iterator[None] | None = None
        self.filled_to = 0  # after a restart: the picture is complete from its top down to this pixel row

    @property
    def busy(self) -> bool:
        """Whether ``step`` has work to do."""
        return bool(self._work) or self._recoloring is not None

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
        self._seen = [_Seen(block, block.first_serial + len(block), block.reordered) for block in blocks]
        self._latest = NEVER
        for seen in self._seen:
            _, last, usable = self._pixel_rows(seen.block, 0, len(seen.block))
            self._latest = max(self._latest, int(last[usable].max(initial=NEVER)))
        self.filled_to = top + 1
        self._recoloring = None
        self._work.append(self._fill_all())

    def scroll(self, top: int) -> None:
        """Move the picture to another newest pixel row; kept rows that come into view are filled by ``step``."""
        new = self.image.scroll(top)
        if new and new[0] <= self._latest:  # otherwise no kept row lies there: the usual case of the live end
            self._work.appendleft(self._fill(*new))

    def is_current(self) -> bool:
        """Tell whether the blocks known so far are still a prefix of what is kept, so new rows can just be added."""
        blocks = self._waterfall.blocks if self._waterfall else []
        known = [seen for seen in self._seen if any(seen.block is block for block in blocks)]
        if len(known) < len(self._seen) and not known:
            return not self._seen
        return all(seen.next_serial <= seen.block.first_serial + len(seen.block) for seen in known)

    def live_edge(self, row_s: float) -> int | None:
        """Return the newest pixel row of what is kept, with ``row_s`` seconds each, or None when nothing is."""
        if self._waterfall is None or (found := live_row(self._waterfall)) is None:
            return None
        block, index = found
        _, last, usable = self._pixel_rows(block, index, index + 1, row_s)
        return int(last[0]) if usable[0] else None

    def take_new(self) -> int:
        """Add the rows that arrived since the last call to the picture and return how many there were."""
        blocks = self._waterfall.blocks if self._waterfall else []
        self._seen = [seen for seen in self._seen if any(seen.block is block for block in blocks)]
        known = {id(seen.block) for seen in self._seen}
        self._seen += [_Seen(block, block.first_serial, block.reordered) for block in blocks if id(block) not in known]
        return sum(self._take_new_of(seen) for seen in self._seen)

    def recolor(self) -> None:
        """Colour the whole picture anew, after a change of its levels or colours."""
        self._recoloring = self._recolor()

    def step(self, budget_s: float) -> bool:
        """Work for about ``budget_s`` seconds and tell whether anything is left to do."""
        deadline = time.perf_counter() + budget_s
        while self.busy and time.perf_counter() < deadline:
            if self._work:
                if next(self._work[0], False) is False:
                    self._work.popleft()
            elif self._recoloring is not None and next(self._recoloring, False) is False:
                self._recoloring = None
        return self.busy

    def _recolor(self) -> Iterator[None]:
        image = self.image
        size = max(1, CELLS_PER_SLICE // image.width)
        for last in range(image.top, image.bottom() - 1, -size):
            image.recolor(last - size + 1, last)
            yield

    def _fill_all(self) -> Iterator[None]:
        yield from self._fill(self.image.bottom(), self.image.top)
        self.filled_to = NEVER

    def _take_new_of(self, seen: _Seen) -> int:
        block = seen.block
        start, stop = max(0, seen.next_serial - block.first_serial), len(block)
        if start >= stop:
            return 0
        new = stop - start
        seen.next_serial = block.first_serial + stop
        if block.reordered != seen.reordered:  # a late row lies before some that are known already
            seen.reordered = block.reordered
            start = max(0, start - SORTED_ROWS - 1)
        if start == 1:
            start = 0  # the first row's duration may follow from the second
        # Newest first, so that after a long freeze the slice that is shown anyway is not overtaken by older work.
        for chunk in self._chunks(seen, start, stop):
            self._merge(seen, chunk)
        return new

    def _fill(self, first: int, last: int) -> Iterator[None]:
        """Merge all kept rows that lie in the pixel rows first … last, a slice per step."""
        for seen in reversed(self._seen):
            block = seen.block
            k0, k1, usable = self._pixel_rows(block, 0, seen.next_serial - block.first_serial)
            rows = np.flatnonzero(usable & (k1 >= first) & (k0 <= last)) + block.first_serial
            yield
            size = self._rows_per_slice(seen)
            for stop in range(len(rows), 0, -size):
                wanted = rows[max(0, stop - size) : stop] - block.first_serial  # rows may have been dropped since
                wanted = wanted[wanted >= 0]
                if len(wanted):
                    self._merge(seen, wanted)
                yield

    def _chunks(self, seen: _Seen, start: int, stop: int) -> Iterator[np.ndarray]:
        size = self._rows_per_slice(seen)
        for end in range(stop, start, -size):
            yield np.arange(max(start, end - size), end)

    def _rows_per_slice(self, seen: _Seen) -> int:
        first, last = self._columns(seen).channel_range
        return max(1, CELLS_PER_SLICE // max(1, last - first))

    def _merge(self, seen: _Seen, rows: np.ndarray) -> None:
        """Reduce rows of a block (ascending indices) and merge them into the image."""
        index = self._index(seen.block)
        columns = self._columns(seen)
        if index is None:
            return
        start, stop = int(rows[0]), int(rows[-1]) + 1
        first, last, usable = self._pixel_rows(seen.block, start, stop)
        self._latest = max(self._latest, int(last[usable].max(initial=NEVER)))
        wanted = usable & (first <= self.image.top) & (last >= self.image.bottom())
        wanted &= np.isin(np.arange(start, stop), rows, assume_unique=True)
        keep = np.flatnonzero(wanted)
        if not len(keep):
            return
        first, last = first[keep], last[keep]
        self.filled_to = min(self.filled_to, int(last[0]) + 1)
        power = seen.block.power[start:stop, index]
        selected = columns.select(power if len(keep) == len(power) else power[keep])
        # Rows that share one pixel row are merged before their channels are: a quarter of the work.
        alone = (first[1:] != first[:-1]) | (last[1:] != last[:-1])
        starts = np.concatenate([[0], np.flatnonzero(alone) + 1])
        self.image.merge(first[starts], last[starts], columns.reduce(strongest_of_rows(selected, starts)))

    def _pixel_rows(
        self, block: Block, start: int, stop: int, row_s: float | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return first and last pixel row of the block's rows start … stop, and which of them have a usable time."""
        context = max(0, start - CONTEXT_ROWS)
        ahead = max(stop, 2)  # the first row's duration may follow from the second
        begin, end = coverage(block.t[context:ahead], block.duration[context:ahead])
        wanted = slice(start - context, stop - context)
        begin, end, t = begin[wanted], end[wanted], block.t[start:stop]
        usable = ~np.isnan(begin) & ~np.isnan(end)
        safe = np.where(usable, t, 0.0)
        begin, end = np.where(usable, begin, 0.0), np.where(usable, end, 0.0)
        first, last = pixel_rows(safe, begin, end, self.geometry.row_s if row_s is None else row_s)
        return first, last, usable

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
