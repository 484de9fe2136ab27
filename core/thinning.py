"""Choose which old samples stay when memory is short, so that a curve keeps its shape from its first sample on.

Of every eight samples the minimum and the maximum stay. Raw samples go first, the oldest before later ones; they are
followed by what was thinned least often, as soon as that is most of what was thinned: so the thinned part of a curve
stays short and has about the same resolution everywhere, however long it goes on, instead of fading away.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

GROUP = 8  # samples of which two stay
_WORTH_IT = 0.25  # of what may be thinned; shorter finest stretches are thinned together
_MOST_PIECES = 1000


class Generations:
    """How often each stretch of a curve was thinned; older stretches at least as often as newer ones."""

    def __init__(self) -> None:
        self._stretches: list[tuple[int, int]] = []  # (serial where it ends, times thinned), oldest first

    @property
    def stop(self) -> int:
        """Serial of the oldest sample that was never thinned, 0 when none was."""
        return self._stretches[-1][0] if self._stretches else 0

    def insert(self, serials: np.ndarray) -> None:
        """Follow samples that were put before the samples with these serials, i8[k] ascending."""
        self._stretches = [(stop + int(np.searchsorted(serials, stop)), times) for stop, times in self._stretches]

    def start(self, first_serial: int, half: int) -> int:
        """Return the position from which to thin so that ``half`` is where thinning ends.

        Args:
            first_serial: serial of position 0.
            half: positions that may be thinned at all.
        """
        starts = [stop - first_serial for stop, _ in reversed(self._stretches)]
        return next((start for start in starts if half - start >= half * _WORTH_IT), 0)

    def note(self, first_serial: int, start: int, kept: np.ndarray, half: int) -> None:
        """Take note that ``start`` … ``half`` were thinned.

        Args:
            first_serial: serial of position 0 before it.
            start, half: positions before it.
            kept: i8[m] positions below ``half`` that stay.
        """
        shift = first_serial + half - len(kept)
        stretches: list[tuple[int, int]] = []
        begin = 0
        for stop, times in [*self._stretches, (first_serial + len(kept) + half, 0)]:
            end = min(stop - first_serial, half)
            for part_end, part_times in ((min(end, start), times), (end, times + 1)):
                if part_end > begin:
                    if stretches and stretches[-1][1] == part_times:
                        stretches.pop()
                    stretches.append((int(np.searchsorted(kept, part_end)) + shift, part_times))
                    begin = part_end
        self._stretches = stretches


def extreme_positions(values: np.ndarray, breaks: np.ndarray) -> np.ndarray:
    """Return the positions of minimum and maximum of every eight samples.

    Groups do not reach across breaks. Of a group without any value, its first sample stays, so a gap stays a gap.

    Args:
        values: f8[n].
        breaks: i8[b] ascending positions where a group must start; when there are very many, not all are kept to.

    Returns:
        i8[m] ascending positions.
    """
    if len(breaks) > _MOST_PIECES:
        breaks = breaks[:: -(-len(breaks) // _MOST_PIECES)]
    inner = breaks[(breaks > 0) & (breaks < len(values))]
    borders = np.concatenate(([0], inner, [len(values)]))
    return np.concatenate([_of_piece(values, int(a), int(b)) for a, b in pairwise(borders)])


def _of_piece(values: np.ndarray, start: int, stop: int) -> np.ndarray:
    whole = (stop - start) // GROUP * GROUP
    groups = values[start : start + whole].reshape(-1, GROUP)
    blank = np.isnan(groups)
    if blank.any():
        low, high = np.where(blank, np.inf, groups).argmin(axis=1), np.where(blank, -np.inf, groups).argmax(axis=1)
    else:
        low, high = groups.argmin(axis=1), groups.argmax(axis=1)
    heads = np.arange(start, start + whole, GROUP)
    pairs = np.stack([heads + np.minimum(low, high), heads + np.maximum(low, high)], axis=1).ravel()
    pairs = pairs[np.flatnonzero(np.diff(pairs, append=stop))]  # one sample may be both
    return np.concatenate([pairs, np.arange(start + whole, stop)])
