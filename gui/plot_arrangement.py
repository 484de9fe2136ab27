"""How many plots there is room for, and in how many columns."""

from __future__ import annotations

import math
from dataclasses import dataclass

NARROWEST_PX = 162
LOWEST_PX = 116
BEST_ASPECT = 2.1


@dataclass(frozen=True)
class Arrangement:
    """``shown`` plots in ``rows`` rows of at most ``columns``; ``fits`` is False when the rows must scroll."""

    shown: int
    columns: int
    rows: int
    fits: bool

    def row_lengths(self) -> list[int]:
        """Return how many plots stand in each row: as equal as possible, the shorter rows with larger plots first."""
        if not self.rows:
            return []
        least, longer = divmod(self.shown, self.rows)
        return [least] * (self.rows - longer) + [least + 1] * longer


def arrange(number: int, width: int, height: int, *, may_scroll: bool) -> Arrangement:
    """Choose the columns for plots that fill an area.

    Args:
        number: of plots. width, height: of the area, pixels.
        may_scroll: show all of them; else as many as fit at their smallest size.
    """
    most_columns = max(1, width // NARROWEST_PX)
    most_rows = max(1, height // LOWEST_PX)
    if number > most_columns * most_rows:
        if may_scroll:
            return Arrangement(number, most_columns, math.ceil(number / most_columns), fits=False)
        number = most_columns * most_rows
    if number < 1:
        return Arrangement(0, 1, 0, fits=True)
    possible = [c for c in range(1, min(most_columns, number) + 1) if math.ceil(number / c) <= most_rows]
    columns = min(possible, key=lambda c: _badness(number, c, width, height))
    return Arrangement(number, columns, math.ceil(number / columns), fits=True)


def _badness(number: int, columns: int, width: int, height: int) -> float:
    """Return how far the plots are from a good shape, and how unequal their widths are."""
    rows = math.ceil(number / columns)
    aspect = (width / (number / rows)) / max(1.0, height / rows)
    return abs(math.log(aspect / BEST_ASPECT)) + 0.6 * (1 - number / (columns * rows))


def first_names(names_by_producer: list[list[str]], number: int) -> list[str]:
    """Return the metric names that are shown when there is no room for all.

    The first of every producer come before the second of any, so each producer is seen; those chosen then stand in
    the order in which they appeared.
    """
    order = list(dict.fromkeys(name for names in names_by_producer for name in names))
    longest = max((len(names) for names in names_by_producer), default=0)
    by_turns = dict.fromkeys(names[i] for i in range(longest) for names in names_by_producer if i < len(names))
    chosen = set(list(by_turns)[:number])
    return [name for name in order if name in chosen]
