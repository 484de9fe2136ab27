"""Bring each kind of message to its store and note what changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from .journal import Change, Journal
from .log_sentences import run_sentences
from .messages import (
    ControlState,
    DataRecord,
    Heartbeat,
    Kind,
    LogRecord,
    Message,
    MetricBatch,
    PlacementFrame,
    PlacementScene,
    ProtocolError,
    SeriesDefinitions,
    Spectrum,
    Status,
)
from .placements import PlacementStore
from .producers import METRIC, Producer
from .records import DataStore
from .series import SeriesStore
from .spectra import SpectrumStore

_TALLY_EVERY_S = 0.25
_NAMES_PER_TALLY = 1000
_CACHED_CHANGES = 1024
_UNNUMBERED = frozenset({Kind.SERIES, Kind.METRIC, Kind.HEARTBEAT})  # heartbeats that were skipped are no loss


class Arrived(Protocol):
    """A message as a source hands it over; ``n`` 0 means that the source does not number."""

    @property
    def kind(self) -> Kind:
        """What it carries."""
        ...

    @property
    def stream(self) -> str:
        """Name of the stream, "" for kinds that have only one."""
        ...

    @property
    def n(self) -> int:
        """Number in its stream from 1, or 0."""
        ...

    @property
    def sent_ns(self) -> int:
        """When it was sent, by the producer's clock; 0 when not known."""
        ...

    @property
    def nbytes(self) -> int:
        """Its size as received."""
        ...

    @property
    def message(self) -> Message:
        """What it says."""
        ...


class Router:
    """Route messages of producers.

    Args:
        series, spectra, placements, data: the stores. journal: changes and log.
        on_unknown_scene: called with a producer and stream when a frame names a scene that is not known.
    """

    def __init__(
        self,
        *,
        series: SeriesStore,
        spectra: SpectrumStore,
        placements: PlacementStore,
        data: DataStore,
        journal: Journal,
        on_unknown_scene: Callable[[Producer, str], None],
    ) -> None:
        self.samples = 0
        self._series = series
        self._spectra = spectra
        self._placements = placements
        self._data = data
        self._journal = journal
        self._on_unknown_scene = on_unknown_scene
        self._metric_changes: dict[tuple[str, frozenset[str]], frozenset[Change]] = {}
        self._handlers: dict[Kind, Callable[[Producer, Arrived, Any], None]] = {
            Kind.SERIES: self._take_series,
            Kind.METRIC: self._take_metric,
            Kind.SPECTRUM: self._take_spectrum,
            Kind.SCENE: self._take_scene,
            Kind.FRAME: self._take_frame,
            Kind.DATA: self._take_data,
            Kind.LOG: self._take_log,
            Kind.STATUS: self._take_status,
            Kind.CONTROL: self._take_control,
            Kind.HEARTBEAT: self._take_heartbeat,
        }

    def route(self, producer: Producer, arrived: Arrived) -> None:
        """Take one message; one that was here before is left out.

        Raises:
            ProtocolError: it breaks the rules; nothing of it was taken.
        """
        if arrived.kind in _UNNUMBERED or self._is_new(producer, arrived):
            self._handlers[arrived.kind](producer, arrived, arrived.message)

    def forget(self, key: str) -> None:
        """Drop what is remembered of a producer."""
        self._metric_changes = {which: made for which, made in self._metric_changes.items() if which[0] != key}

    def tally(self, producer: Producer) -> None:
        """Bring the metric streams of a producer up to date."""
        if producer.samples != producer.tallied_samples:
            producer.note_totals(self._series.totals(producer.key), self._series.refused(producer.key))

    def _take_series(self, producer: Producer, arrived: Arrived, message: SeriesDefinitions) -> None:
        self._series.define(producer.key, message)

    def _take_metric(self, producer: Producer, arrived: Arrived, message: MetricBatch) -> None:
        names = self._series.append(producer.key, message)
        number = len(message.t)
        self.samples += number
        producer.samples += number
        if message.span is not None:
            producer.thinned += int(message.span.sum(dtype="i8")) - number
        self._journal.mark_all(self._changes_of(producer.key, names))
        interval_s = _TALLY_EVERY_S * max(1.0, len(producer.infos) / _NAMES_PER_TALLY)
        if not 0.0 <= producer.heard - producer.tallied < interval_s:
            self.tally(producer)

    def _changes_of(self, key: str, names: frozenset[str]) -> frozenset[Change]:
        """Return one change per metric name, the same object each time: a message names hundreds of them."""
        changes = self._metric_changes.get((key, names))
        if changes is None:
            if len(self._metric_changes) >= _CACHED_CHANGES:
                self._metric_changes.clear()
            changes = self._metric_changes[key, names] = frozenset(Change(METRIC, key, name) for name in names)
        return changes

    def _take_spectrum(self, producer: Producer, arrived: Arrived, message: Spectrum) -> None:
        self._spectra.append(producer.key, arrived.stream, message)
        self._journal.mark(str(Kind.SPECTRUM), producer.key, arrived.stream)

    def _take_scene(self, producer: Producer, arrived: Arrived, message: PlacementScene) -> None:
        self._placements.set_scene(producer.key, arrived.stream, message)
        self._journal.mark(str(Kind.SCENE), producer.key, arrived.stream)

    def _take_frame(self, producer: Producer, arrived: Arrived, message: PlacementFrame) -> None:
        if self._placements.append(producer.key, arrived.stream, message):
            self._journal.mark(str(Kind.FRAME), producer.key, arrived.stream)
        else:
            self._on_unknown_scene(producer, arrived.stream)

    def _take_data(self, producer: Producer, arrived: Arrived, message: DataRecord) -> None:
        self._data.put(producer.key, arrived.stream, message, arrived.nbytes, producer.heard)
        self._journal.mark(str(Kind.DATA), producer.key, arrived.stream)

    def _take_log(self, producer: Producer, arrived: Arrived, message: LogRecord) -> None:
        self._journal.write(producer.key, "log", message.level, message.message, message.fields, message.t)

    def _take_status(self, producer: Producer, arrived: Arrived, message: Status) -> None:
        producer.status = message
        level = message.status if message.status in ("warning", "error") else "info"
        self._journal.write(producer.key, "status", level, message.message, {"status": message.status}, message.t)
        self._journal.mark(str(Kind.STATUS), producer.key)
        self._journal.mark("producer", producer.key)

    def _take_control(self, producer: Producer, arrived: Arrived, message: ControlState) -> None:
        if producer.run is not None and message.revision < producer.run.revision:
            return  # an answer to a command has overtaken it
        before, producer.run, producer.run_t = producer.run, message, producer.heard
        for level, sentence in run_sentences(before, message):
            self._journal.write(producer.key, "command", level, sentence, {"by": message.by} if message.by else {})
        self._journal.mark(str(Kind.CONTROL), producer.key)
        self._journal.mark("producer", producer.key)

    def _take_heartbeat(self, producer: Producer, arrived: Arrived, message: Heartbeat) -> None:
        for kind, stream, count in message.dropped:
            producer.note_dropped(kind, stream, count)
        self._journal.mark("producer", producer.key)

    def _is_new(self, producer: Producer, arrived: Arrived) -> bool:
        """Count a message; False when it was here before."""
        info = producer.info(str(arrived.kind), arrived.stream)
        if info is None:
            raise ProtocolError(f"more than {len(producer.infos)} streams: {arrived.kind} {arrived.stream} is left out")
        if arrived.n and not info.numbering.take(arrived.n):
            return False
        info.count(1, arrived.nbytes, producer.heard)
        return True
