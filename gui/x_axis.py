"""The x axis that all plots of a Metrics dock share: what it shows, which stretch, and whether it follows the end."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

TIME = "time"
RELATIVE = "relative"
_FIELD = "field:"
SPANS_S: tuple[float | None, ...] = (None, 60.0, 600.0, 3600.0)
SPAN_TEXTS = ("All", "1 min", "10 min", "1 h")
MARGIN = 0.015  # of the span, free to the right of the newest sample
SMALLEST_RELATIVE_SPAN = 1e-12
LARGEST = 1e300
MOST_PIXELS = 10_000


def field_axis(name: str) -> str:
    """Return the axis choice for a field of the samples."""
    return _FIELD + name


@dataclass
class XAxis:
    """One stretch of one axis.

    Args:
        choice: "time", "relative" (seconds since the run's first sample) or "field:NAME".
        span_s: seconds shown while following a time axis; None shows everything.
        follow: the right border keeps to the newest sample.
        low, high: the stretch; unix seconds, seconds or the field's values.
    """

    choice: str = TIME
    span_s: float | None = None
    follow: bool = True
    low: float = field(default=0.0)
    high: float = field(default=1.0)

    @property
    def is_field(self) -> bool:
        return self.choice.startswith(_FIELD)

    @property
    def column(self) -> str:
        """The column of a curve that this axis shows, "t" or a field."""
        return self.choice.removeprefix(_FIELD) if self.is_field else "t"

    @property
    def splits_runs(self) -> bool:
        """Runs lie over one another on this axis, instead of side by side."""
        return self.choice != TIME

    def follow_end(self, extents: Iterable[tuple[float, float]], pixels: int = MOST_PIXELS) -> bool:
        """Move to the newest samples while following, by a pixel at least: new samples are added to what stands.

        Args:
            extents: (smallest, largest) x of each curve. pixels: of the widest plot.

        Returns:
            Whether the stretch changed.
        """
        known = list(extents)
        if not self.follow or not known:
            return False
        low, high = min(a for a, _ in known), max(b for _, b in known)
        if not self.is_field and self.span_s is not None:
            low = high - self.span_s
        if high - low <= abs(high) * SMALLEST_RELATIVE_SPAN:
            low, high = low - 0.5, high + 0.5
        span = (high - low) * (1 + MARGIN)
        step = span / pixels
        if not self.is_field and self.span_s is not None:
            low = math.ceil(low / step) * step  # samples keep their pixel columns while they move
        if max(abs(low - self.low), abs(low + span - self.high)) < step:
            return False
        return self._take(low, low + span)

    def show(self, low: float, high: float) -> None:
        """Show this stretch and stop following; a stretch that cannot be told apart is refused."""
        if self._is_usable(low, high):
            self.follow = False
            self.low, self.high = low, high

    def pan(self, fraction: float) -> None:
        """Move by a fraction of what is shown; positive shows later samples."""
        shift = fraction * (self.high - self.low)
        self.show(self.low + shift, self.high + shift)

    def zoom(self, factor: float, at: float | None = None) -> None:
        """Show ``factor`` times as much, keeping ``at`` (default: the middle) in its place."""
        fixed = (self.low + self.high) / 2 if at is None else at
        self.show(fixed - (fixed - self.low) * factor, fixed + (self.high - fixed) * factor)

    def _take(self, low: float, high: float) -> bool:
        if (low, high) == (self.low, self.high) or not self._is_usable(low, high):
            return False
        self.low, self.high = low, high
        return True

    def _is_usable(self, low: float, high: float) -> bool:
        return (
            math.isfinite(low)
            and math.isfinite(high)
            and max(abs(low), abs(high)) < LARGEST
            and high - low > max(abs(low), abs(high), 1e-300) * SMALLEST_RELATIVE_SPAN
        )
