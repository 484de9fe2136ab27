"""The picture of a waterfall as a ring of pixel rows. Pure numpy: the widget only blits it.

Pixel row k is the time k × row_s … (k + 1) × row_s, so a picture of the same window is the same whatever way it came
about: rows are merged by magnitude, which does not depend on their order. The reduced f4 rows are kept beside the
pixels, so other levels or colours need no data. Scrolling by one row writes one row.
"""

from __future__ import annotations

import numpy as np

from .channel_columns import strongest, strongest_of_rows
from .color_maps import color_indices

HATCH_PERIOD = 8


class WaterfallImage:
    """A ring of ``height`` pixel rows; ``top`` is the newest one shown.

    Args:
        width, height: device pixels.
        newest_on_top: False turns the picture round.
    """

    def __init__(self, width: int, height: int, *, newest_on_top: bool = True) -> None:
        self.width, self.height = width, height
        self.newest_on_top = newest_on_top
        self.top = 0
        self.values = np.empty((height, width), dtype=np.float32)  # of gaps: anything
        self.covered = np.zeros(height, dtype=bool)
        self.pixels = np.empty((height, width), dtype=np.uint32)
        self.low, self.high, self.decibel = 0.0, 1.0, False
        self._table = np.zeros(257, dtype=np.uint32)
        self._hatch = np.zeros((HATCH_PERIOD, width), dtype=np.uint32)

    # colours

    def set_colors(self, table: np.ndarray, gap: int, hatch: int) -> None:
        """Set the pixel table and the two colours of a gap; ``recolor`` applies them."""
        self._table = table
        slope = np.arange(HATCH_PERIOD)[:, None] + np.arange(self.width)[None, :]
        self._hatch = np.where(slope % HATCH_PERIOD < 1, np.uint32(hatch), np.uint32(gap))

    def set_levels(self, low: float, high: float, *, decibel: bool) -> None:
        """Set the values of the first and last colour, low < high; ``recolor`` applies them."""
        self.low, self.high, self.decibel = low, high, decibel

    def recolor(self, first: int, last: int) -> None:
        """Colour the pixel rows first … last anew, as far as they are shown."""
        for place in self._slices(max(first, self.bottom()), min(last, self.top)):
            self._color(place)

    def recolor_places(self, start: int, count: int) -> int:
        """Colour places of the ring anew, from ``start`` towards older pixel rows but not past the ring's end.

        Returns:
            how many it were, at most ``count``. A row keeps its place while the picture scrolls.
        """
        if self.newest_on_top:
            place = slice(start, min(start + count, self.height))
        else:
            place = slice(max(start + 1 - count, 0), start + 1)
        self._color(place)
        return place.stop - place.start

    # rows

    def bottom(self) -> int:
        """Return the oldest pixel row shown."""
        return self.top - self.height + 1

    def place(self, k: np.ndarray | int) -> np.ndarray:
        """Return where the pixel rows lie in the ring."""
        return np.asarray(-k if self.newest_on_top else k) % self.height

    def clear(self, top: int) -> None:
        """Show nothing but gap, with ``top`` as the newest pixel row."""
        self.top = top
        self.erase(self.bottom(), top)

    def scroll(self, top: int) -> tuple[int, int] | None:
        """Make ``top`` the newest pixel row; what comes into view is gap.

        Returns:
            first and last pixel row that came into view, or None.
        """
        old_top, self.top = self.top, top
        if abs(top - old_top) >= self.height:
            new = (self.bottom(), top)
        elif top > old_top:
            new = (old_top + 1, top)
        elif top < old_top:
            new = (self.bottom(), old_top - self.height)
        else:
            return None
        self.erase(*new)
        return new

    def erase(self, first: int, last: int) -> None:
        """Make a gap of the pixel rows first … last, as far as they are shown."""
        for place in self._slices(max(first, self.bottom()), min(last, self.top)):
            self.covered[place] = False
            self._hatch_places(place)

    def merge(self, first: np.ndarray, last: np.ndarray, columns: np.ndarray) -> None:
        """Merge reduced rows into the pixel rows they cover and colour those.

        Args:
            first, last: i8[r] pixel rows of each row; what is not shown is left out.
            columns: f4[r, width] values.
        """
        first, last = np.maximum(first, self.bottom()), np.minimum(last, self.top)
        count = np.maximum(last - first + 1, 0)
        if not count.any():
            return
        source = np.repeat(np.arange(len(count)), count)
        k = np.arange(len(source)) + (first - np.cumsum(count) + count)[source]
        if (k[1:] <= k[:-1]).any():
            order = np.argsort(k, kind="stable")
            k, source = k[order], source[order]
        starts = np.flatnonzero(np.diff(k, prepend=k[0] - 1))
        self._put(self.place(k[starts]), strongest_of_rows(columns[source], starts))

    def row(self, k: int) -> np.ndarray | None:
        """Return the values of a pixel row, or None where it is a gap or not shown."""
        if not self.bottom() <= k <= self.top or not self.covered[self.place(k)]:
            return None
        return self.values[self.place(k)]

    def pieces(self, first: int, last: int) -> list[tuple[int, int, int]]:
        """Return the one or two pieces of the ring that hold the pixel rows first … last, from top to bottom.

        Returns:
            first ring place, number of places, and the time edge of the piece's upper side in pixel rows.
        """
        result, k = [], last + 1 if self.newest_on_top else first
        for run in self._slices(first, last):
            result.append((run.start, run.stop - run.start, k))
            k += (run.start - run.stop) if self.newest_on_top else (run.stop - run.start)
        return result

    def picture(self) -> np.ndarray:
        """Return the pixels in the order of the screen, a u4[height, width] copy; for tests and export."""
        split = int(self.place(self.top if self.newest_on_top else self.bottom()))
        return np.concatenate([self.pixels[split:], self.pixels[:split]])

    def sample(self, cells: int = 40_000) -> np.ndarray:
        """Return about that many values spread over what is shown, f4, finite ones only."""
        places = np.flatnonzero(self.covered)
        values = self.values[places[:: max(1, len(places) * self.width // cells)]]
        return values[np.isfinite(values)]

    def gaps(self) -> list[tuple[int, int]]:
        """Return first and last pixel row of each gap between rows shown, oldest first."""
        if self.covered.all():
            return []
        split = int(self.place(self.top if self.newest_on_top else self.bottom()))
        covered = np.concatenate([self.covered[split:], self.covered[:split]])
        k = self.bottom() + np.flatnonzero(covered[::-1] if self.newest_on_top else covered)
        before = np.flatnonzero(np.diff(k) > 1)
        return [(int(k[i]) + 1, int(k[i + 1]) - 1) for i in before]

    def _slices(self, first: int, last: int) -> list[slice]:
        """Return the one or two runs of ring places that hold the pixel rows first … last."""
        if first > last:
            return []
        a, b = (last, first) if self.newest_on_top else (first, last)
        start, stop = int(self.place(a)), int(self.place(b)) + 1
        return [slice(start, stop)] if start < stop else [slice(start, self.height), slice(0, stop)]

    def _put(self, place: np.ndarray, rows: np.ndarray) -> None:
        """Merge one row into each of these places of the ring and colour them."""
        covered = self.covered[place]
        if covered.any():
            rows[covered] = strongest(self.values[place[covered]], rows[covered])
        self.values[place] = rows
        self.covered[place] = True
        self.pixels[place] = self._colored(rows)

    def _color(self, place: slice) -> None:
        covered = self.covered[place]
        if covered.all():
            self.pixels[place] = self._colored(self.values[place])
            return
        self._hatch_places(place)
        ring = np.flatnonzero(covered) + place.start
        self.pixels[ring] = self._colored(self.values[ring])

    def _colored(self, rows: np.ndarray) -> np.ndarray:
        return self._table.take(color_indices(rows, self.low, self.high, decibel=self.decibel))

    def _hatch_places(self, place: slice) -> None:
        k = self._k_of(np.arange(place.start, place.stop))
        self._hatch.take(k % HATCH_PERIOD, axis=0, out=self.pixels[place], mode="wrap")

    def _k_of(self, place: np.ndarray) -> np.ndarray:
        """Return the pixel rows that lie at these ring places."""
        if self.newest_on_top:
            return self.top - (place - self.place(self.top)) % self.height
        return self.bottom() + (place - self.place(self.bottom())) % self.height
