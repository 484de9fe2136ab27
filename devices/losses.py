"""What was lost of the readings of an instrument since it was last looked at."""

from __future__ import annotations

from typing import NamedTuple

from .instrument import Instrument


class Losses(NamedTuple):
    """Counts since the last look.

    Args:
        dropped: nobody took them in time. missed: it could not keep its rate. failed: acquisition raised.
    """

    dropped: int = 0
    missed: int = 0
    failed: int = 0

    def sentences(self, instrument: Instrument, overrun: int = 0) -> list[str]:
        """Return a sentence for each kind of loss that there was.

        Args:
            instrument: whose. overrun: readings that it delivered and that found no room afterwards.
        """
        id_, spec = instrument.spec.id, instrument.spec
        told = []
        if dropped := self.dropped + overrun:
            told.append(f"{id_}: {dropped} readings were dropped ({spec.policy}): what takes them is too slow")
        if self.missed:
            told.append(f"{id_}: {self.missed} readings are missing: it cannot keep {spec.rate_hz:g} Hz")
        if self.failed:
            told.append(f"{id_}: {self.failed} readings failed")
        return told


class LossWatch:
    """Look at the counts of an instrument again and again; they begin anew with a device made anew."""

    def __init__(self) -> None:
        self._last = Losses()

    def look(self, instrument: Instrument) -> Losses:
        """Return what was lost since the last look."""
        told = instrument.statistics()
        now = Losses(told.dropped, told.missed, told.acquisition_errors)
        before, self._last = self._last, now
        if any(new < old for new, old in zip(now, before, strict=True)):
            before = Losses()
        return Losses(*(new - old for new, old in zip(now, before, strict=True)))
