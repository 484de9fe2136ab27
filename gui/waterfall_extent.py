"""What there is of a waterfall: its frequencies, its times, and where its blocks begin."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from ..core.spectra import Block, Waterfall
from .axis_ticks import frequency_text
from .channel_columns import channel_edges
from .row_times import CONTEXT_ROWS, coverage
from .waterfall_blocks import live_row
from .waterfall_window import Extent


class ExtentReader:
    """Measures waterfalls; the frequency range of a block is computed once."""

    def __init__(self) -> None:
        self._ranges: WeakKeyDictionary[Block, tuple[float, float]] = WeakKeyDictionary()

    def extent(self, waterfall: Waterfall) -> Extent:
        """Return the frequencies of the newest block and the times of all; there must be a row."""
        blocks = [block for block in waterfall.blocks if len(block)]
        low, high = self.range(blocks[-1])
        newest_s = _newest_s(waterfall)
        channel_hz = (high - low) / max(1, len(blocks[-1].axis))
        return Extent(low, high, channel_hz, min(_oldest_s(blocks[0]), newest_s), newest_s)

    def marks(self, waterfall: Waterfall) -> list[tuple[float, str]]:
        """Return for each block but the first its time, unix seconds, and what is new in it."""
        blocks = [block for block in waterfall.blocks if len(block)]
        return [(float(block.t[0]), self._text(block)) for block in blocks[1:]]

    def range(self, block: Block) -> tuple[float, float]:
        """Return the outer edges of a block's channels in Hz, low < high."""
        if block not in self._ranges:
            self._ranges[block] = frequency_range(block.axis)
        return self._ranges[block]

    def _text(self, block: Block) -> str:
        low, high = self.range(block)
        width = (high - low) / max(1, len(block.axis))
        return f"from here: {len(block.axis)} channels, {frequency_text(low, width)} – {frequency_text(high, width)}"


def newest_block(waterfall: Waterfall | None) -> Block | None:
    """Return the newest block that has rows, or None."""
    blocks = waterfall.blocks if waterfall else []
    return next((block for block in reversed(blocks) if len(block)), None)


def frequency_range(frequencies: np.ndarray) -> tuple[float, float]:
    """Return the outer edges of channels in Hz, low < high, whatever their frequencies are."""
    finite = np.sort(frequencies[np.isfinite(frequencies)])
    if not len(finite):
        return 0.0, 1.0
    edges = channel_edges(finite)
    low, high = float(edges[0]), float(edges[-1])
    return (low, high) if low < high else (low - 0.5, low + 0.5 + abs(low) * 1e-9)


def _oldest_s(block: Block) -> float:
    start, _ = coverage(block.t[: CONTEXT_ROWS + 1], block.duration[: CONTEXT_ROWS + 1])
    return float(start[0]) if np.isfinite(start[0]) else 0.0


def _newest_s(waterfall: Waterfall) -> float:
    found = live_row(waterfall)
    assert found is not None
    block, index = found
    rows = slice(max(0, index - CONTEXT_ROWS), index + 1)
    _, end = coverage(block.t[rows], block.duration[rows])
    return float(end[-1]) if np.isfinite(end[-1]) else 0.0
