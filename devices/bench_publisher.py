"""The readings of a bench go to a Broadcaster: each device's metrics under its id."""

from __future__ import annotations

import logging
import time
from typing import Any

import numpy as np

from ..core.broadcaster import Broadcaster
from ..core.messages import ProtocolError
from ..core.parameters import Parameter
from .bench import Bench
from .instrument import Instrument, InstrumentState
from .losses import LossWatch
from .reading import take_apart
from .reading_context import ReadingContext
from .spec import LEAST_RATE_HZ, MOST_RATE_HZ

logger = logging.getLogger("dockscope.devices")

LIST = "devices"  # the data stream with the state of each
LOSSES_EVERY_S = 5.0


class BenchPublisher:
    """Publish what instruments tell; all but ``look`` may be called from their threads.

    Args:
        broadcaster: gets it.
    """

    def __init__(self, broadcaster: Broadcaster) -> None:
        self._broadcaster = broadcaster
        self._losses: dict[str, LossWatch] = {}
        self._losses_due_s = time.monotonic() + LOSSES_EVERY_S
        self._listed: dict[str, Any] | None = None

    def declare(self, instrument: Instrument) -> None:
        """Offer the rate of a device as a live parameter."""
        spec = instrument.spec
        rate: Parameter = self._broadcaster.control.parameter(
            f"{spec.id} rate", spec.rate_hz, LEAST_RATE_HZ, MOST_RATE_HZ, unit="Hz"
        )
        rate.on_change(instrument.set_rate)

    def on_change(self, instrument: Instrument) -> None:
        """Publish a state as a row of the log; why a device fails is logged by itself."""
        state, id_ = instrument.state, instrument.spec.id
        if state not in (InstrumentState.RETRYING, InstrumentState.FAILED):
            who = f" ({instrument.identity})" if state is InstrumentState.CONNECTED and instrument.identity else ""
            self._broadcaster.publish_log("info", f"{id_}: {state}{who}")

    def on_samples(self, instrument: Instrument, samples: list[tuple[float, Any]]) -> None:
        """Publish readings."""
        spec = instrument.spec
        context = ReadingContext.of(instrument, f"{spec.id}.{spec.name}" if spec.name else spec.id)
        for t, value in samples:
            try:
                self._publish(value, t, context)
            except (ProtocolError, TypeError, ValueError) as error:
                self._broadcaster.publish_log("error", f"{spec.id}: a reading cannot be published: {error}")

    def look(self, bench: Bench) -> None:
        """Publish what the devices do, when that has changed, and log what was lost of their readings."""
        listed = {
            id_: {
                "kind": instrument.spec.kind,
                "state": str(instrument.state),
                "detail": instrument.detail,
                "identity": instrument.identity,
                "rate_hz": instrument.spec.rate_hz,
            }
            for id_, instrument in list(bench.instruments.items())
        }
        if listed != self._listed:
            self._listed = listed
            self._broadcaster.publish_data(LIST, listed)
        if time.monotonic() >= self._losses_due_s:
            self._losses_due_s = time.monotonic() + LOSSES_EVERY_S
            self._log_losses(bench)

    def _log_losses(self, bench: Bench) -> None:
        for id_, instrument in list(bench.instruments.items()):
            watch = self._losses.setdefault(id_, LossWatch())
            for sentence in watch.look(instrument).sentences(instrument):
                logger.warning("%s", sentence)

    def _publish(self, value: Any, t: float, context: ReadingContext) -> None:
        reading = take_apart(value, t, context)
        for labels, numbers in reading.metrics:
            self._broadcaster.publish_metrics(numbers, timestamp=t, **dict(labels))
        if (row := reading.spectrum) is not None:
            frequencies_hz = row.f0 + row.df * np.arange(row.power.shape[1])
            self._broadcaster.publish_spectrum(
                context.name, row.power, frequencies=frequencies_hz, timestamp=t, unit=row.unit
            )
        if reading.rest is not None:
            self._broadcaster.publish_data(context.name, reading.rest, timestamp=t)
