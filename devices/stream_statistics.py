"""What a device counts of its streams."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class StreamStatistics:
    """Counts of all streams of a device so far; samples = delivered + callback_errors + dropped + those that wait.

    Attributes:
        samples: acquired. delivered: callbacks that returned. dropped: given up by the queue, or waiting at the stop.
        missed: ticks that passed while acquisition was busy. callback_errors, acquisition_errors: what raised.
        reason: why the last stream ended by itself, a sentence; empty when it runs or was stopped.
    """

    samples: int = 0
    delivered: int = 0
    dropped: int = 0
    missed: int = 0
    callback_errors: int = 0
    acquisition_errors: int = 0
    reason: str = ""

    def __add__(self, later: StreamStatistics) -> StreamStatistics:
        return StreamStatistics(
            samples=self.samples + later.samples,
            delivered=self.delivered + later.delivered,
            dropped=self.dropped + later.dropped,
            missed=self.missed + later.missed,
            callback_errors=self.callback_errors + later.callback_errors,
            acquisition_errors=self.acquisition_errors + later.acquisition_errors,
            reason=later.reason,
        )
