"""One curve: the samples of a metric name with one set of labels from one producer."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

import numpy as np

from .levels import Levels
from .lookup import MOST_PIECES, extent_of, nearest_of, window_of
from .marks import Folds, replace_marks, thin_marks
from .reduce import Reduced, Samples, empty_reduction, reduce_pieces, reduce_unordered
from .sliding import Reservations, SlidingArray
from .thinning import GROUP, Generations, extreme_positions

SETTLE_SAMPLES = 4096  # samples that may wait for their levels while nobody looks at the curve
SHORTEST_THINNED = 256
WORTHWHILE_SAMPLES = 2048  # thinning fewer at once costs as much
THINNED_SAMPLES = 32_768  # most raw samples that are thinned at once: a few milliseconds
MOST_BREAKS = 65_536  # remembered at once; thinning merges those of old samples
OVERHEAD_BYTES = 4096  # of a curve without samples


class Follower(Protocol):
    """Something computed from each sample of a curve, as its moving average."""

    def thin(self, kept: np.ndarray, half: int) -> None:
        """Keep only what belongs to the samples at ``kept``, i8[m], of those before position ``half``."""
        ...


class Curve:
    """Samples as columns ``t`` (unix seconds), ``value`` and any fields, with what is needed to draw them fast.

    Args:
        producer: key of the producer.
        name: metric name.
        labels: (label, text) pairs sorted by label.
        color_index: place of the curve among those of its name, for its colour.
        reservations: where long columns come from.
        settle: puts samples that wait to be sorted into the curve that it is given.
    """

    def __init__(
        self,
        producer: str,
        name: str,
        labels: tuple[tuple[str, str], ...],
        color_index: int = 0,
        reservations: Reservations | None = None,
        settle: Callable[[Curve], None] = lambda curve: None,
    ) -> None:
        self.producer = producer
        self.name = name
        self.labels = labels
        self.color_index = color_index
        self.lost = 0
        self.field_names: tuple[str, ...] = ()
        self.followers: weakref.WeakSet[Follower] = weakref.WeakSet()
        self.reservations = reservations
        self._settle = settle
        self._revision = self._rewrites = 0
        self._next_is_broken = False
        self._next_is_run = False
        self._clear_columns()

    def _clear_columns(self) -> None:
        self._t = SlidingArray(reservations=self.reservations)
        self._value = SlidingArray(reservations=self.reservations)
        self._fields = [SlidingArray(reservations=self.reservations) for _ in self.field_names]
        self._levels = Levels(self.reservations)
        self._breaks = SlidingArray(np.int64, reservations=self.reservations)
        self._runs = SlidingArray(np.int64, reservations=self.reservations)
        self._folds: dict[str, Folds] = {}
        self._generations = Generations()

    # what is there

    def __len__(self) -> int:
        self._settle(self)
        return len(self._t)

    @property
    def revision(self) -> int:
        """A number that grows with every change of the samples."""
        self._settle(self)
        return self._revision

    @property
    def rewrites(self) -> int:
        """A number that grows whenever samples change that were there before; not when samples are appended."""
        self._settle(self)
        return self._rewrites

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the extra columns, those of all definitions of this curve together."""
        return self.field_names

    @property
    def first_serial(self) -> int:
        """Serial of sample 0; it grows when old samples are thinned, the serials of later samples stay."""
        self._settle(self)
        return self._t.first_serial

    @property
    def nbytes(self) -> int:
        """Bytes of memory that columns, marks, levels and the curve itself hold, spare room included."""
        return OVERHEAD_BYTES + self._levels.nbytes + sum(array.held_bytes for array in self._arrays())

    @property
    def breaks(self) -> np.ndarray:
        """i8[b] ascending positions before which the line is broken: a run starts there or samples are missing."""
        self._settle(self)
        return self._breaks.view() - self._t.first_serial

    @property
    def run_of(self) -> np.ndarray:
        """i8[r] ascending positions at which a later run of the producer starts; none for a single run."""
        self._settle(self)
        return self._runs.view() - self._t.first_serial

    @property
    def runs(self) -> list[tuple[int, int]]:
        """(start, stop) positions of each run, oldest first."""
        borders = [0, *(int(start) for start in self.run_of), len(self)]
        return [(start, stop) for start, stop in pairwise(borders) if stop > start]

    def has(self, x: str) -> bool:
        """Tell whether ``x`` is "t" or one of the fields."""
        return x == "t" or x in self.field_names

    def column(self, name: str) -> np.ndarray:
        """Return a whole column, f8[n], NaN where a sample has no such field.

        The array is a read-only view, valid until the curve is next appended to.

        Args:
            name: "t", "value" or a field.

        Raises:
            KeyError: the curve has no such column.
        """
        self._settle(self)
        return self._column(name).view()

    def latest(self) -> tuple[float, float] | None:
        """Return time and value of the newest sample."""
        self._settle(self)
        if not len(self._t):
            return None
        return float(self._t.view()[-1]), float(self._value.view()[-1])

    # what a plot asks

    def window(self, x: str, lo: float, hi: float) -> slice | np.ndarray:
        """Return which samples have lo ≤ x ≤ hi: a slice when x never falls, else i8[k] positions."""
        self._settle(self)
        return window_of(self._column(x).view(), self._pieces(x), lo, hi)

    def pieces(self, x: str) -> list[tuple[int, int]]:
        """Return (start, stop) stretches in which x never falls; more than ``MOST_PIECES`` when it falls too often."""
        self._settle(self)
        return self._pieces(x)

    def extent(self, x: str) -> tuple[float, float] | None:
        """Return the smallest and largest finite x, or None when there is none."""
        self._settle(self)
        return extent_of(self._column(x).view(), self._pieces(x))

    def nearest(self, x: str, target: float) -> int | None:
        """Return the position of the sample whose x is nearest to ``target``; of equals the newest."""
        self._settle(self)
        return nearest_of(self._column(x).view(), self._pieces(x), target)

    def reduce(self, x: str, lo: float, hi: float, pixels: int, *, run: tuple[int, int] | None = None) -> Reduced:
        """Return what a row of pixels can show of this curve.

        Takes time in proportion to ``pixels``, not to the samples, while x never falls or falls at most 63 times.

        Args:
            x: "t" or a field.
            lo, hi: borders of the window on the x axis.
            pixels: columns of the window.
            run: only the samples of this entry of ``runs``.

        Raises:
            KeyError: the curve has no such column.
        """
        self._settle(self)
        column = self._column(x).view()
        if not (hi > lo) or pixels < 1 or not len(column):
            return empty_reduction()
        self._levels.extend(self._value.view(), self._t.first_serial)
        samples = Samples(column, self._value.view(), self._levels, self._t.first_serial, self.breaks)
        pieces = self._pieces(x)
        start, stop = run if run is not None else (0, len(column))
        if len(pieces) <= MOST_PIECES:
            cut = [(max(a, start), min(b, stop)) for a, b in pieces]
            return reduce_pieces(samples, [(a, b) for a, b in cut if b > a], lo, hi, pixels)
        positions = start + np.flatnonzero((column[start:stop] >= lo) & (column[start:stop] <= hi))
        return reduce_unordered(samples, positions, lo, hi, pixels)

    # what the store does

    def append(self, t: np.ndarray, value: np.ndarray, names: tuple[str, ...], fields: Sequence[np.ndarray]) -> None:
        """Add samples.

        Args:
            t, value: f8[k]. names: the fields that these samples have. fields: f8[k] for each of them.
        """
        if self._next_is_broken or self._next_is_run:
            self._mark()
        self._t.extend(t)
        self._value.extend(value)
        if names == self.field_names:
            for column, items in zip(self._fields, fields, strict=True):
                column.extend(items)
        else:
            given = dict(zip(names, fields, strict=True))
            for name, column in zip(self.field_names, self._fields, strict=True):
                if name in given:
                    column.extend(given[name])
                else:
                    column.extend_fill(len(t), np.nan)
        self._revision += 1
        if self._t.first_serial + len(self._t) - self._levels.covered >= SETTLE_SAMPLES:
            self._levels.extend(self._value.view(), self._t.first_serial)
            for x in ("t", *self.field_names):
                self._pieces(x)  # whoever looks at the curve later finds it done

    def insert(self, t: np.ndarray, value: np.ndarray, names: tuple[str, ...], fields: Sequence[np.ndarray]) -> range:
        """Put samples that arrived late in their place, by their time; arguments as of ``append``.

        Returns:
            The positions they cover from the first to the last of them. Where times go back, that is the end.
        """
        self._settle(self)
        old = self._t.view()
        if len(self._pieces("t")) > 1:
            positions = np.full(len(t), len(old))
        else:
            order = np.argsort(t, kind="stable")
            t, value = t[order], value[order]
            positions = np.searchsorted(old, t, side="right")
            fields = [column[order] for column in fields]
        given = dict(zip(names, fields, strict=True))
        serials = positions + self._t.first_serial
        self._t.insert(positions, t)
        self._value.insert(positions, value)
        for name, column in zip(self.field_names, self._fields, strict=True):
            column.insert(positions, given.get(name, np.full(len(t), np.nan)))
        for marks in (self._breaks, self._runs):
            replace_marks(marks, marks.view() + np.searchsorted(serials, marks.view(), side="right"))
        self._generations.insert(serials)
        self._levels.cut(int(serials[0]))
        for folds in self._folds.values():
            folds.cut(int(serials[0]))
        self._rewrite()
        return range(int(positions[0]), int(positions[-1]) + len(t))

    def set_breaks(self, positions: range, before: bool, after: bool) -> None:
        """Say where samples are still missing around some that arrived late; where a run starts stays broken.

        Args:
            positions: those samples.
            before, after: whether something is missing before the first and after the last of them.
        """
        first = self._t.first_serial
        marks, runs = self._breaks.view(), self._runs.view()
        kept = marks[(marks < positions.start + first) | (marks > positions.stop + first) | np.isin(marks, runs)]
        wanted = [(positions.start, before), (positions.stop, after)]
        added = [place + first for place, broken in wanted if broken and 0 < place < len(self._t)]
        replace_marks(self._breaks, np.union1d(kept, np.array(added, dtype=np.int64)))
        self._next_is_broken |= after and positions.stop == len(self._t)
        self._rewrite()

    def add_fields(self, names: Sequence[str]) -> None:
        """Make room for more fields; earlier samples have NaN there."""
        for name in names:
            if name not in self.field_names:
                column = SlidingArray(reservations=self.reservations)
                column.extend_fill(len(self._t), np.nan)
                column.first_serial = self._t.first_serial
                self._fields.append(column)
                self.field_names = (*self.field_names, name)
                self._rewrite()

    def break_line(self) -> None:
        """Break the line before the next sample: samples are missing there."""
        self._next_is_broken = True

    def start_run(self) -> None:
        """Let the next sample be the first of a new run."""
        self._next_is_run = True

    def clear(self) -> None:
        """Remove all samples; the fields and the colour stay."""
        self._settle(self)
        self._clear_columns()
        self._next_is_broken = self._next_is_run = False
        self.lost = 0
        self._rewrite()

    def oldest_raw(self, keep: int) -> float | None:
        """Return the time of the oldest sample that was never thinned.

        Args:
            keep: newest samples that are to stay.

        Returns:
            None when there are hardly any besides them.
        """
        raw = self._raw_start()
        if len(self._t) - keep - raw < max(keep // 2, GROUP):
            return None
        t = float(self._t.view()[raw])
        return t if math.isfinite(t) else -math.inf

    def thin(self, keep: int) -> bool:
        """Replace the oldest raw samples, some of them or all, by the minimum and maximum of every eight.

        Args:
            keep: newest samples that stay as they are.

        Returns:
            False when there are hardly any besides them.
        """
        if self.oldest_raw(keep) is None:
            return False
        raw = self._raw_start()
        possible = len(self._t) - keep - raw
        self._thin_before(raw + min(possible, max(possible // 4, WORTHWHILE_SAMPLES), THINNED_SAMPLES))
        return True

    @property
    def can_be_thinned_again(self) -> bool:
        """Tell whether the curve is long enough for ``thin_again``."""
        return len(self._t) >= SHORTEST_THINNED

    def thin_again(self) -> bool:
        """Replace samples that were thinned least often, or raw ones, in the older half by fewer.

        Returns:
            False when the curve is too short for that.
        """
        if not self.can_be_thinned_again:
            return False
        self._thin_before(min(len(self._t) // 2, self._raw_start() + THINNED_SAMPLES))
        return True

    def _raw_start(self) -> int:
        return max(0, self._generations.stop - self._t.first_serial)

    def _thin_before(self, half: int) -> None:
        """Replace what is finest of the samples before position ``half`` by minimum and maximum of every eight."""
        for x in self._folds:
            self._pieces(x)  # falls are found before their samples move
        first = self._t.first_serial
        self._levels.extend(self._value.view(), first)
        start = self._generations.start(first, half)
        chosen = extreme_positions(self._value.view()[start:half], self._breaks.view() - first - start) + start
        ahead = max(start, 1 if chosen[0] else 0)  # the very first sample stays for good
        kept = np.concatenate([np.arange(ahead), chosen])
        self._generations.note(first, start, kept, half)
        for column in (self._t, self._value, *self._fields):
            column.replace_front(half, column.view()[kept])
        for marks in (self._breaks, self._runs, *(folds.serials for folds in self._folds.values())):
            thin_marks(marks, kept, first, half)
        self._levels.rebuild_front(self._value.view(), self._t.first_serial, first + half)
        for array in self._arrays():
            array.trim()
        self._levels.trim()
        for follower in self.followers:
            follower.thin(kept, half)
        self._rewrite()

    def _rewrite(self) -> None:
        self._revision += 1
        self._rewrites += 1

    def _arrays(self) -> list[SlidingArray]:
        return [self._t, self._value, *self._fields, self._breaks, self._runs]

    def _column(self, name: str) -> SlidingArray:
        if name == "t":
            return self._t
        if name == "value":
            return self._value
        try:
            return self._fields[self.field_names.index(name)]
        except ValueError:
            raise KeyError(name) from None

    def _mark(self) -> None:
        serial = np.array([self._t.first_serial + len(self._t)])
        if len(self._t) and len(self._breaks) < MOST_BREAKS:
            self._breaks.extend(serial)
            if self._next_is_run:
                self._runs.extend(serial)
        self._next_is_broken = self._next_is_run = False

    def _pieces(self, x: str) -> list[tuple[int, int]]:
        """Return the stretches in which x never falls; more than ``MOST_PIECES`` when it falls too often."""
        column = self._column(x).view()
        first = self._t.first_serial
        folds = self._folds.get(x)
        if folds is None:
            folds = self._folds[x] = Folds()
        folds.follow(column, first)
        if not len(folds.serials):
            return [(0, len(column))] if len(column) else []
        borders = [0, *(folds.serials.view()[: MOST_PIECES + 1] - first).tolist(), len(column)]
        return list(pairwise(borders))
