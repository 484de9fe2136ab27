"""One figure that was measured, and measuring two things in turn."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 5


@dataclass(frozen=True)
class Entry:
    """A measured figure, and what the same run measured for its reference.

    Args:
        name: of the row; parts of a row are "row/part". The catalogue knows its unit.
        value: in the catalogue's unit.
        reference: what it is compared with, "" without. reference_value: in the same unit.
    """

    name: str
    value: float
    reference: str = ""
    reference_value: float | None = None


def alternating(
    first: Callable[[], float], second: Callable[[], float], *, rounds: int = ROUNDS
) -> tuple[float, float]:
    """Measure two things in turn, so that a slow moment of the machine meets both.

    Returns:
        The median of each.
    """
    pairs = [(first(), second()) for _ in range(rounds)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def percentile(values: list[float], percent: float) -> float:
    """Return the smallest value that ``percent`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
