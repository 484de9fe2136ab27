"""Readings of one device become messages: many rows at once, spectra and data as they come."""

from __future__ import annotations

from typing import Any

from ..core.dialects.metric_rows import MetricRows
from ..core.dialects.reception import Reception
from ..core.messages import DataRecord, ProtocolError
from .instrument import Instrument
from .reading import take_apart
from .reading_context import ReadingContext


class ReadingDelivery:
    """Take readings, and deliver what they say.

    Args:
        reception: where it goes.
    """

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._rows = MetricRows()

    def take(self, instrument: Instrument, t: float, value: Any) -> None:
        """Take one reading.

        Args:
            instrument: whose. t: unix seconds. value: as the device gave it.
        """
        name = instrument.spec.metric
        try:
            reading = take_apart(value, t, ReadingContext.of(instrument, name))
        except ProtocolError as error:
            self._reception.bad_message(error)
            return
        for labels, numbers in reading.metrics:
            for metric, number in numbers.items():
                self._rows.add({"value": number}, t, told=True, metric=metric, labels=labels)
        if reading.spectrum is not None:
            self._reception.receive(reading.spectrum, name, nbytes=reading.spectrum.power.nbytes)
        if reading.rest is not None:
            self._reception.receive(DataRecord(reading.rest, t), name)

    def deliver(self) -> None:
        """Deliver the numbers that were gathered."""
        for message in self._rows.take():
            self._reception.receive(message)
        if refused := self._rows.take_refused():
            self._reception.bad_message(ProtocolError(refused))
