"""Which frequencies and which times a waterfall shows: zoom, pan and follow, as plain numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

MINIMUM_SPAN_S = 0.05
MAXIMUM_SPAN_S = 366 * 86400.0
GROWTH = 1.25  # "all kept" grows in steps, so that it is not drawn anew with every row


@dataclass
class Extent:
    """What there is to show: frequencies of the newest block, and the times of all that is kept."""

    low_hz: float
    high_hz: float
    channel_hz: float
    oldest_s: float
    newest_s: float


class WaterfallWindow:
    """The window on the waterfall.

    Attributes:
        span_s: time shown, or None for all that is kept.
        newest_s: newest time shown, or None while following the live end.
        zoom: (low, high) Hz, or None for all channels.
    """

    def __init__(self) -> None:
        self.span_s: float | None = 60.0
        self.newest_s: float | None = None
        self.zoom: tuple[float, float] | None = None
        self._all_s = MINIMUM_SPAN_S

    @property
    def following(self) -> bool:
        """Whether the newest row stays in view."""
        return self.newest_s is None

    def frequencies(self, extent: Extent) -> tuple[float, float]:
        """Return the frequency window in Hz, low < high."""
        if self.zoom and self.zoom[0] < extent.high_hz and self.zoom[1] > extent.low_hz:
            return self.zoom
        return extent.low_hz, extent.high_hz

    def seconds(self, extent: Extent) -> float:
        """Return the time shown from edge to edge, seconds."""
        if self.span_s is not None:
            return self.span_s
        kept_s = min(MAXIMUM_SPAN_S, max(MINIMUM_SPAN_S, extent.newest_s - extent.oldest_s))
        if not self._all_s / GROWTH**2 <= kept_s <= self._all_s:
            self._all_s = kept_s * GROWTH if kept_s > self._all_s > MINIMUM_SPAN_S else kept_s
        return self._all_s

    def zoom_frequencies(self, extent: Extent, factor: float, about_hz: float) -> None:
        """Show ``factor`` times as much frequency, keeping ``about_hz`` where it is."""
        low, high = self.frequencies(extent)
        narrowest = min(extent.high_hz - extent.low_hz, 4 * extent.channel_hz)
        width = max(narrowest, (high - low) * factor, abs(about_hz) * 1e-13)
        share = (about_hz - low) / (high - low)
        self._set_zoom(extent, about_hz - share * width, width)

    def pan_frequencies(self, extent: Extent, by_hz: float) -> None:
        """Move the frequency window up by ``by_hz``, as far as there are channels."""
        low, high = self.frequencies(extent)
        self._set_zoom(extent, low + by_hz, high - low)

    def set_frequencies(self, extent: Extent, low_hz: float, high_hz: float) -> None:
        """Show these frequencies, as far as there are channels and no narrower than four of them."""
        self._set_zoom(
            extent, low_hz, max(high_hz - low_hz, min(extent.high_hz - extent.low_hz, 4 * extent.channel_hz))
        )

    def zoom_time(self, extent: Extent, factor: float, about_s: float | None = None) -> None:
        """Show ``factor`` times as much time; while following, the live end stays where it is."""
        old_s = self.seconds(extent)
        longest = max(900.0, 4 * (extent.newest_s - extent.oldest_s))
        self.span_s = min(max(old_s * factor, MINIMUM_SPAN_S), longest, MAXIMUM_SPAN_S)
        if self.newest_s is not None and about_s is not None:
            self.newest_s = about_s + (self.newest_s - about_s) * self.span_s / old_s

    def pan_time(self, extent: Extent, by_s: float) -> None:
        """Move towards newer (positive) or older times; past the live end it follows again."""
        newest_s = (extent.newest_s if self.newest_s is None else self.newest_s) + by_s
        if newest_s >= extent.newest_s:
            self.newest_s = None
            return
        self.newest_s = max(newest_s, min(extent.newest_s, extent.oldest_s + 0.1 * self.seconds(extent)))

    def hold(self, extent: Extent) -> None:
        """Stop following: what is shown stays."""
        if self.newest_s is None:
            self.newest_s = extent.newest_s

    def follow(self) -> None:
        """Keep the newest row in view again."""
        self.newest_s = None

    def reset(self) -> None:
        """Follow, and show all channels."""
        self.newest_s = None
        self.zoom = None

    def _set_zoom(self, extent: Extent, low_hz: float, width_hz: float) -> None:
        whole = extent.high_hz - extent.low_hz
        if not math.isfinite(low_hz) or width_hz >= whole * (1 - 1e-9):
            self.zoom = None
            return
        low_hz = min(max(low_hz, extent.low_hz), extent.high_hz - width_hz)
        if low_hz + width_hz > low_hz:
            self.zoom = (low_hz, low_hz + width_hz)
