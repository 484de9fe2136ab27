"""One row of build/bench.json."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass


@dataclass
class Entry:
    """A measured figure, and what the same run measured for its reference.

    Args:
        name: of the row; parts of a row are "row/part".
        unit: of both values. better: "lower" or "higher".
        reference: what it is compared with, "" without.
    """

    name: str
    value: float
    unit: str
    better: str
    reference: str = ""
    reference_value: float | None = None

    def row(self) -> dict:
        """Return the JSON object, with the ratio value / reference."""
        return {**asdict(self), "ratio": self.value / self.reference_value if self.reference_value else None}


def alternating(first: Callable[[], float], second: Callable[[], float], *, rounds: int = 7) -> tuple[float, float]:
    """Measure two things in turn, so that a slow moment of the machine meets both.

    Returns:
        The median of each.
    """
    pairs = [(first(), second()) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)
