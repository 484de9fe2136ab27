"""Which time each row of a waterfall covers, and which pixel rows that is. Pure numpy.

A row covers t ± duration/2. Where the producer told no duration, it is the median of the last 16 spacings. A slit
between a row and the one before it of up to a quarter of its duration is jitter of the time stamps, not missing data:
the row reaches back over it. Everything else that no row covers is a gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SPACINGS = 16
CONTEXT_ROWS = SPACINGS + 2  # rows before the first wanted one that decide its coverage
SLIT = 0.25
LIMIT_S = 1e11  # times beyond the year 5138 are a broken clock and are not shown


def coverage(t: np.ndarray, duration: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return start and end of each row, unix seconds.

    Args:
        t: f8[r] middles of the rows in order of arrival, unix seconds.
        duration: f8[r] seconds; NaN or not positive means unknown.

    Returns:
        f8[r] starts and f8[r] ends; NaN where t is not a usable time.
    """
    usable = np.abs(t) < LIMIT_S  # False for NaN
    t = np.where(usable, t, np.nan)
    known = (duration > 0) & (duration < LIMIT_S)
    length = np.where(known, duration, 0.0)
    if not known.all():
        length = np.where(known, length, typical_spacing(t))
    start, end = t - length / 2, t + length / 2
    slit = start[1:] - end[:-1]
    start[1:] -= np.where((slit > 0) & (slit <= SLIT * length[1:]), slit, 0.0)
    return start, end


def possible_times(t: np.ndarray, duration: np.ndarray) -> tuple[float, float]:
    """Return a start and an end, unix seconds, between which all rows lie; quick, and wider than ``coverage`` tells.

    Args:
        t, duration: as for ``coverage``, at least one row.
    """
    usable = t[np.abs(t) < LIMIT_S]
    if not len(usable):
        return 0.0, 0.0
    known = duration[(duration > 0) & (duration < LIMIT_S)]
    steps = np.diff(usable)
    longest = max(float(known.max(initial=0.0)), float(steps.max(initial=0.0)))
    return float(usable.min()) - longest, float(usable.max()) + longest


def typical_spacing(t: np.ndarray) -> np.ndarray:
    """Return for each row the median of the last 16 positive spacings up to it, f8[r] seconds; 0 when there is none.

    The very first row has none before it and takes the one after it.
    """
    spacing = np.full(len(t) + SPACINGS - 1, np.nan)
    steps = np.diff(t)
    spacing[SPACINGS:] = np.where(steps > 0, steps, np.nan)
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(spacing, SPACINGS), axis=1)  # NaN last
    count = np.count_nonzero(~np.isnan(windows), axis=1)
    rows = np.arange(len(t))
    median = (windows[rows, np.maximum(count - 1, 0) // 2] + windows[rows, np.minimum(count // 2, SPACINGS - 1)]) / 2
    median = np.where(count > 0, median, 0.0)
    if len(median) > 1 and not count[0]:
        median[0] = median[1]
    return median


@dataclass(frozen=True)
class PixelRows:
    """Where rows lie: i8[r] first and last pixel row, and bool[r] whether the row has a usable time."""

    first: np.ndarray
    last: np.ndarray
    usable: np.ndarray

    def part(self, start: int, stop: int) -> PixelRows:
        """Return the rows start … stop."""
        return PixelRows(self.first[start:stop], self.last[start:stop], self.usable[start:stop])


def pixel_rows(t: np.ndarray, duration: np.ndarray, row_s: float) -> PixelRows:
    """Return the pixel rows of each row; pixel row k is the time k × row_s … (k + 1) × row_s.

    A row fills the pixel rows whose middle it covers, and always the one that holds its t.

    Args:
        t, duration: as for ``coverage``.
        row_s: seconds per pixel row.
    """
    start, end = coverage(t, duration)
    usable = ~np.isnan(start) & ~np.isnan(end)
    if not usable.all():
        t, start, end = (np.where(usable, each, 0.0) for each in (t, start, end))
    own = np.floor(t / row_s)
    first = np.minimum(own, np.ceil(start / row_s - 0.5))
    last = np.maximum(own, np.ceil(end / row_s - 0.5) - 1)
    return PixelRows(first.astype(np.int64), last.astype(np.int64), usable)
