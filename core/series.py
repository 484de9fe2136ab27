"""All curves: which metric names there are, which curves each has, and how much memory they take."""

from __future__ import annotations

from .curve import OVERHEAD_BYTES, Curve
from .intake import Intake
from .messages import MetricBatch, ProtocolError, SeriesDefinition, SeriesDefinitions
from .oldest_first import OldestFirst
from .order import Order
from .sliding import Reservations

__all__ = ["Curve", "SeriesStore"]

MOST_CURVES = 100_000
MOST_FIELDS = 64
LONGEST_NAME_BYTES = 256
SHRINK_SLICE_S = 0.002  # before the last curve that is thinned; one takes some milliseconds
MOST_LABELS = 64
_RESERVED = {"t": "t (field)", "value": "value (field)"}  # the columns every curve has

CurveKey = tuple[str, str, tuple[tuple[str, str], ...]]


class SeriesStore:
    """Keep the curves of all producers.

    Args:
        max_curves: curves that may exist at once; further ones are refused.
    """

    def __init__(self, *, max_curves: int = MOST_CURVES) -> None:
        self.curves: dict[CurveKey, Curve] = {}
        self.revision = 0
        self.names_revision = 0  # grows when names, curves, fields or runs come or go
        self._max_curves = max_curves
        self._reservations = Reservations()
        self._intakes: dict[str, Intake] = {}
        self._names: tuple[int, list[str]] = (-1, [])
        self._of_name: dict[str, dict[CurveKey, Curve]] = {}  # curves that have samples, in order of their first
        self._colors: dict[str, Order[tuple[str, tuple[tuple[str, str], ...]]]] = {}
        self._oldest_first = OldestFirst(self.curves.values)

    # what is there

    @property
    def nbytes(self) -> int:
        """Bytes of memory that all curves hold, spare room and what was computed from their samples included."""
        waiting = sum(intake.waiting_bytes for intake in self._intakes.values())
        return self._reservations.nbytes + OVERHEAD_BYTES * len(self.curves) + waiting

    def names(self) -> list[str]:
        """Return the metric names that have samples, in order of their first appearance."""
        if self._names[0] != self.names_revision:
            self._names = self.names_revision, [name for name, curves in self._of_name.items() if curves]
        return self._names[1]

    def __contains__(self, name: str) -> bool:
        """Tell whether a metric of this name has samples."""
        return bool(self._of_name.get(name))

    def of_name(self, name: str) -> list[Curve]:
        """Return the curves of a metric name that have samples, in order of their first appearance."""
        return list(self._of_name.get(name, {}).values())

    def fields_of(self, name: str) -> list[str]:
        """Return the fields of all curves of a metric name, each once."""
        return list(dict.fromkeys(field for curve in self.of_name(name) for field in curve.fields))

    def totals(self, producer: str) -> dict[str, tuple[int, int]]:
        """Return (samples received, samples lost) in the present run of a producer by metric name."""
        intake = self._intakes.get(producer)
        return intake.totals() if intake else {}

    def refused(self, producer: str) -> int:
        """Return how many samples of a producer's present run belong to series that were refused."""
        intake = self._intakes.get(producer)
        return intake.refused if intake else 0

    def waiting(self, producer: str) -> int:
        """Return how many samples of a producer have arrived and are not in their curves yet."""
        intake = self._intakes.get(producer)
        return intake.waiting if intake else 0

    def next_numbers(self, producer: str) -> list[list[int]]:
        """Return [definition id, next sample number] of what was received from a producer's present run."""
        intake = self._intakes.get(producer)
        return intake.next_numbers() if intake else []

    def settle(self) -> None:
        """Put samples that wait into their curves; every question about a curve does this by itself."""
        for intake in self._intakes.values():
            intake.settle()

    # what arrives

    def define(self, producer: str, message: SeriesDefinitions) -> None:
        """Take note of series; the same name and labels again go on with the same curve.

        Raises:
            ProtocolError: at least one was refused; the others hold.
        """
        intake = self._intake_of(producer)
        refused = [text for one in message.definitions if (text := self._define(producer, intake, one))]
        self.revision += 1
        self.names_revision += 1
        if refused:
            raise ProtocolError(refused[0] if len(refused) == 1 else f"{refused[0]}, and {len(refused) - 1} more")

    def append(self, producer: str, batch: MetricBatch) -> frozenset[str]:
        """Take samples.

        Returns:
            Metric names that changed.

        Raises:
            ProtocolError: the batch does not fit its definitions; nothing of it was taken.
        """
        names = self._intake_of(producer).append(batch)
        self.revision += 1
        return names

    def new_run(self, producer: str) -> None:
        """Expect new definitions: the curves go on, and the line is broken where the new run starts."""
        intake = self._intakes.pop(producer, None)
        if intake is None:
            return
        intake.settle()
        self.names_revision += 1
        for curve in {id(series.curve): series.curve for series in intake.series}.values():
            if curve is not None:
                curve.start_run()

    def break_lines(self, producer: str, topic: str = "") -> None:
        """Break curves of a producer's present run before their next samples.

        Args:
            producer: its key. topic: only curves of this name, or whose name begins with it and a dot; all for "".
        """
        intake = self._intakes.get(producer)
        if intake is None:
            return
        intake.settle()
        for series in intake.series:
            curve = series.curve
            if curve is not None and (not topic or f"{curve.name}.".startswith(f"{topic}.")):
                curve.break_line()

    # what is removed

    def forget(self, producer: str) -> None:
        """Remove all curves of a producer, their colours as well."""
        self.settle()
        self._intakes.pop(producer, None)
        self._remove([curve for curve in self.curves.values() if curve.producer == producer])
        for order in self._colors.values():
            order.release([key for key in order.places if key[0] == producer])
        self._colors = {name: order for name, order in self._colors.items() if order.places}

    def clear(self, name: str | None = None, producer: str | None = None) -> None:
        """Remove samples; curves that a running producer may go on with keep their colour.

        Args:
            name: only of this metric name. producer: only of this producer.
        """
        self.settle()
        used = {id(series.curve) for intake in self._intakes.values() for series in intake.series}
        chosen = [
            curve
            for curve in self.curves.values()
            if (name is None or curve.name == name) and (producer is None or curve.producer == producer)
        ]
        self._remove([curve for curve in chosen if id(curve) not in used])
        for curve in chosen:
            if id(curve) in used:
                curve.clear()
                self._of_name.get(curve.name, {}).pop(_key_of(curve), None)
        for intake in self._intakes.values():
            intake.expect_first_samples()
        self.names_revision += 1

    def shrink(self, nbytes: int) -> int:
        """Thin the oldest raw samples of all curves for a few milliseconds; the next call goes on from there.

        Args:
            nbytes: bytes to free, if possible.

        Returns:
            Bytes that were freed, at least 1 while it looks for what can be, 0 when nothing can.
        """
        before = self.nbytes
        goes_on = self._oldest_first.thin(lambda: before - self.nbytes >= nbytes, SHRINK_SLICE_S)
        # Samples that wait cannot be thinned before they are in their curves.
        goes_on = goes_on or any(intake.settle_some() for intake in self._intakes.values())
        self.revision += 1
        return max(before - self.nbytes, int(goes_on))

    def _intake_of(self, producer: str) -> Intake:
        intake = self._intakes.get(producer)
        if intake is None:
            intake = self._intakes[producer] = Intake(self._on_samples)
        return intake

    def _define(self, producer: str, intake: Intake, definition: SeriesDefinition) -> str:
        """Note one definition; return why it was refused, or ""."""
        names = tuple(_RESERVED.get(field, field) for field in definition.fields)
        if intake.knows(definition.id):
            intake.define(definition, None, names)
            return ""
        refusal = _refusal(definition)
        key = (producer, definition.name, definition.labels)
        curve = self.curves.get(key)
        if not refusal and curve is None and len(self.curves) >= self._max_curves:
            refusal = f"more than {self._max_curves} curves: the further ones are not shown"
        if not refusal and curve is not None and len({*curve.field_names, *names}) > MOST_FIELDS:
            refusal = f"more than {MOST_FIELDS} fields in one curve: its further samples are not shown"
        if not refusal:
            if curve is None:
                curve = self._make_curve(producer, definition)
            curve.add_fields(names)
        intake.define(definition, None if refusal else curve, names)
        return refusal

    def _make_curve(self, producer: str, definition: SeriesDefinition) -> Curve:
        key = (producer, definition.name, definition.labels)
        color = self._colors.setdefault(definition.name, Order()).place((producer, definition.labels))
        curve = Curve(producer, definition.name, definition.labels, color, self._reservations, self._settle_one)
        self.curves[key] = curve
        return curve

    def _settle_one(self, curve: Curve) -> None:
        intake = self._intakes.get(curve.producer)
        if intake is not None:
            intake.settle_curve(curve)

    def _on_samples(self, curve: Curve) -> None:
        self.names_revision += 1
        curves = self._of_name.get(curve.name)
        if curves is None:
            curves = self._of_name[curve.name] = {}
        curves.setdefault(_key_of(curve), curve)

    def _remove(self, curves: list[Curve]) -> None:
        for curve in curves:
            key = _key_of(curve)
            del self.curves[key]
            self._of_name.get(curve.name, {}).pop(key, None)
        self._of_name = {name: curves for name, curves in self._of_name.items() if curves}
        self._oldest_first.forget()
        self.names_revision += 1
        self.revision += 1


def _key_of(curve: Curve) -> CurveKey:
    return (curve.producer, curve.name, curve.labels)


def _refusal(definition: SeriesDefinition) -> str:
    """Return why a definition cannot be shown, or ""."""
    texts = [definition.name, *definition.fields, *(text for label in definition.labels for text in label)]
    if any(len(text.encode("utf-8", "replace")) > LONGEST_NAME_BYTES for text in texts):
        return f"a metric, label or field name is longer than {LONGEST_NAME_BYTES} bytes"
    if len(definition.fields) > MOST_FIELDS or len(definition.labels) > MOST_LABELS:
        return f"a series has more than {MOST_FIELDS} fields or {MOST_LABELS} labels"
    if len(set(definition.fields)) != len(definition.fields):
        return "a series has two fields of the same name"
    return ""
