"""Sort the samples of one producer into its curves: numbers checked, the cost per message and not per sample.

Batches that describe the same series and miss nothing are set aside and sorted together when enough of them wait, in
slices of time; a curve at which somebody looks gets its own samples at once. Everything else, late or incomplete,
takes the careful way at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .accounting import Numbering
from .batches import Part, check
from .curve import Curve
from .messages import MetricBatch, ProtocolError, SeriesDefinition
from .waiting import Waiting

MOST_LAYOUTS = 256
MOST_DEFINITIONS = 400_000
SORT_SLICE_S = 0.001
_MOST_BEHIND = 4  # times as many as are due may wait before they hold up the next batch


@dataclass
class Series:
    """One definition of a producer's run: its curve (None when refused), field names and sample numbers seen."""

    definition: SeriesDefinition
    curve: Curve | None
    names: tuple[str, ...]
    numbering: Numbering = field(default_factory=Numbering)


@dataclass(frozen=True)
class Layout:
    """What batches with the same list of series have in common.

    Args:
        index: i8[k] places of the series in the intake. series: the same as objects.
        widths: i8[k] number of fields of each.
        regular: every series has a curve of its own and all have the same number of fields.
        names: metric names in it. places: place in ``series`` by id of the curve.
    """

    index: np.ndarray
    series: tuple[Series, ...]
    widths: np.ndarray
    regular: bool
    names: frozenset[str]
    places: dict[int, int]


class Intake:
    """Take the metric batches of one run of a producer.

    Args:
        on_samples: called with a curve that got its first samples.
    """

    def __init__(self, on_samples: Callable[[Curve], None]) -> None:
        self._on_samples = on_samples
        self._places: dict[int, int] = {}
        self._series: list[Series] = []
        self._names: dict[str, int] = {}
        self._next = np.zeros(64, np.int64)
        self._received = np.zeros(64, np.int64)
        self._lost = np.zeros(64, np.int64)
        self._name_of = np.zeros(64, np.int64)
        self._layouts: dict[bytes, Layout] = {}
        self._layout: Layout | None = None
        self._has_samples = np.zeros(64, bool)
        self._waiting: list[Waiting] = []  # all of the present layout: one being sorted and one being filled
        self.refused = 0  # samples of series that have no curve

    @property
    def series(self) -> Sequence[Series]:
        """All definitions of this run."""
        return self._series

    @property
    def waiting(self) -> int:
        """Samples that are not in their curves yet."""
        return sum(waiting.samples for waiting in self._waiting)

    @property
    def waiting_bytes(self) -> int:
        """Bytes of the samples that are not in their curves yet."""
        return sum(waiting.nbytes for waiting in self._waiting)

    def totals(self) -> dict[str, tuple[int, int]]:
        """Return for each metric name how many samples this run brought and how many of them were lost."""
        number, names = len(self._series), len(self._names)
        received = np.bincount(self._name_of[:number], self._received[:number], names).astype(np.int64)
        lost = np.bincount(self._name_of[:number], self._lost[:number], names).astype(np.int64)
        return dict(zip(self._names, zip(received.tolist(), lost.tolist(), strict=True), strict=True))

    def define(self, definition: SeriesDefinition, curve: Curve | None, names: tuple[str, ...]) -> None:
        """Take note of a series; one that is known already stays as it is.

        Args:
            definition: as received.
            curve: where its samples go; None to count and drop them.
            names: its fields as the curve calls them.

        Raises:
            ProtocolError: the number is taken by another series, or there are too many of them.
        """
        place = self._places.get(definition.id)
        if place is not None:
            if self._series[place].definition != definition:
                raise ProtocolError(f"series {definition.id} was described twice, differently")
            return
        if len(self._series) >= MOST_DEFINITIONS:
            raise ProtocolError(f"more than {MOST_DEFINITIONS} series described by one producer")
        if len(self._series) == len(self._next):
            for name in ("_next", "_received", "_lost", "_name_of", "_has_samples"):
                column = getattr(self, name)
                setattr(self, name, np.concatenate([column, np.zeros_like(column)]))
        self._name_of[len(self._series)] = self._names.setdefault(definition.name, len(self._names))
        self._places[definition.id] = len(self._series)
        self._series.append(Series(definition, curve, names))

    def knows(self, definition_id: int) -> bool:
        """Tell whether a series with this number was described."""
        return definition_id in self._places

    def next_numbers(self) -> list[list[int]]:
        """Return [id, next number] of every series of which a sample was seen."""
        return [[s.definition.id, int(n)] for s, n in zip(self._series, self._next, strict=False) if n]

    def append(self, batch: MetricBatch) -> frozenset[str]:
        """Take samples.

        Returns:
            Metric names that are in the batch.

        Raises:
            ProtocolError: the columns do not fit together, or a series was never described.
        """
        layout = self._layout_of(batch)
        count = batch.count.astype(np.int64)
        check(batch, layout.widths, count)
        if layout.regular and self._continues(batch, layout, count):
            self._set_aside(batch, layout, count)
        else:
            self.settle()
            self._append_each(batch, layout, count)
        return layout.names

    def settle(self) -> None:
        """Put all that waits into the curves."""
        while self._waiting:
            self._settle_some(math.inf)

    def settle_some(self) -> bool:
        """Put some of what waits into the curves, for a slice of time; return whether anything waited."""
        if not self._waiting:
            return False
        self._settle_some(SORT_SLICE_S)
        return True

    def settle_curve(self, curve: Curve) -> None:
        """Put what waits for one curve into it."""
        if not self._waiting or self._layout is None:
            return
        place = self._layout.places.get(id(curve))
        if place is not None:
            for waiting in self._waiting:
                if (part := waiting.take(place)) is not None:
                    self._put(place, part)

    def expect_first_samples(self) -> None:
        """Call ``on_samples`` once more for each curve when it gets samples: it was cleared."""
        self._has_samples[:] = False

    def _settle_some(self, slice_s: float) -> None:
        taken = self._waiting[0].take_next(slice_s)
        for place, part in taken:
            self._put(place, part)
        if self._waiting[0].is_empty:
            del self._waiting[0]

    def _put(self, place: int, part: Part) -> None:
        if len(part.t):
            assert self._layout is not None
            series = self._layout.series[place]
            assert series.curve is not None
            series.curve.append(part.t, part.value, series.names, list(part.fields))

    def _layout_of(self, batch: MetricBatch) -> Layout:
        key = batch.series.tobytes()
        layout = self._layouts.get(key)
        if layout is None:
            try:
                places = [self._places[number] for number in batch.series.tolist()]
            except KeyError as error:
                raise ProtocolError(f"metric: series {error.args[0]} was never described") from None
            if len(self._layouts) >= MOST_LAYOUTS:
                self._layouts.clear()
            layout = self._layouts[key] = _make_layout(places, [self._series[place] for place in places])
        return layout

    def _continues(self, batch: MetricBatch, layout: Layout, count: np.ndarray) -> bool:
        """Tell whether nothing is missing or repeated, and if so note the numbers."""
        if batch.span is not None and not np.array_equal(batch.span, batch.count):
            return False
        if not batch.first.any():
            return True  # a source that does not number its samples
        expected = self._next[layout.index]
        if not np.array_equal(batch.first, expected):
            return False
        self._next[layout.index] = expected + count
        return True

    def _set_aside(self, batch: MetricBatch, layout: Layout, count: np.ndarray) -> None:
        if layout is not self._layout:
            self.settle()
            self._layout = layout
        self._received[layout.index] += count
        fresh = np.flatnonzero((count > 0) & ~self._has_samples[layout.index])
        for place in fresh.tolist():
            self._note_samples(layout.series[place], int(layout.index[place]))
        if not self._waiting or (self._waiting[-1].is_due and len(self._waiting) < _MOST_BEHIND):
            self._waiting.append(Waiting(len(layout.series), int(layout.widths[0])))
        self._waiting[-1].add(batch, count)
        if len(self._waiting) > 1 or self._waiting[0].is_due:
            self._settle_some(
                math.inf if self._waiting[-1].is_due and len(self._waiting) == _MOST_BEHIND else SORT_SLICE_S
            )

    def _note_samples(self, series: Series, place: int) -> None:
        if series.curve is not None and not self._has_samples[place]:
            self._has_samples[place] = True
            self._on_samples(series.curve)

    def _append_each(self, batch: MetricBatch, layout: Layout, count: np.ndarray) -> None:
        span = count if batch.span is None else batch.span.astype(np.int64)
        firsts = batch.first.astype(np.int64).tolist()
        stops, field_stops = np.cumsum(count).tolist(), np.cumsum(count * layout.widths).tolist()
        for k, (series, number) in enumerate(zip(layout.series, count.tolist(), strict=True)):
            samples = slice(stops[k] - number, stops[k])
            columns = batch.fields[field_stops[k] - number * int(layout.widths[k]) : field_stops[k]]
            part = Part(batch.t[samples], batch.value[samples], columns.reshape(int(layout.widths[k]), number))
            place = layout.index[k]
            series.numbering.next_number = int(self._next[place])
            if number:
                self._received[place] += self._append_one(series, firsts[k], int(span[k]), part)
                if series.curve is not None and len(series.curve):
                    self._note_samples(series, int(place))
            self._next[place] = series.numbering.next_number
            self._lost[place] = series.numbering.lost

    def _append_one(self, series: Series, first: int, span: int, part: Part) -> int:
        """Take one stretch of one series; return how many samples of it were new."""
        numbering, curve = series.numbering, series.curve
        expected, lost = numbering.next_number, numbering.lost
        fresh = numbering.take(first, span) if first else [(0, span)]
        if curve is None:
            self.refused += len(part.t) if fresh else 0
            return 0
        curve.lost += numbering.lost - lost
        late = [stretch for stretch in fresh if first and stretch[1] <= expected]
        accepted = sum(self._fill_in(series, a, b, part.late(first, a, b, span, curve)) for a, b in late)
        if len(fresh) > len(late):
            if expected and first > expected:
                curve.break_line()
            accepted += self._add(series, part.new(first, max(first, expected) if first else 0, span, curve))
        return accepted

    def _add(self, series: Series, part: Part) -> int:
        assert series.curve is not None
        if len(part.t):
            series.curve.append(part.t, part.value, series.names, list(part.fields))
        return len(part.t)

    def _fill_in(self, series: Series, start: int, stop: int, part: Part) -> int:
        assert series.curve is not None
        if not len(part.t):
            return 0
        positions = series.curve.insert(part.t, part.value, series.names, list(part.fields))
        missing = series.numbering.missing()
        series.curve.set_breaks(
            positions,
            before=any(hole[1] == start for hole in missing),
            after=any(hole[0] == stop for hole in missing),
        )
        return len(part.t)


def _make_layout(places: list[int], series: list[Series]) -> Layout:
    widths = np.array([len(one.names) for one in series], dtype=np.int64)
    curves = {id(one.curve) for one in series}
    return Layout(
        index=np.array(places, dtype=np.int64),
        series=tuple(series),
        widths=widths,
        regular=bool(series)
        and len(curves) == len(series)
        and all(one.curve is not None for one in series)
        and bool((widths == widths[0]).all()),
        names=frozenset(one.definition.name for one in series if one.curve is not None),
        places={id(one.curve): place for place, one in enumerate(series)},
    )
