"""The blocks of a waterfall as its picture knows them: what is new, where the live end is, and names."""

from __future__ import annotations

import numpy as np

from ..core.spectra import SORTED_ROWS, Block, Waterfall
from .channel_columns import ChannelColumns
from .row_times import CONTEXT_ROWS

TAIL_ROWS = SORTED_ROWS + CONTEXT_ROWS + 1  # rows that a late one can move, and those that decide what they cover


class KnownBlock:
    """How far a picture knows a block.

    Args:
        block: whose rows.
        next_serial: of the first row that it does not know.
    """

    def __init__(self, block: Block, next_serial: int) -> None:
        self.block = block
        self.columns: ChannelColumns | None = None
        self.know(next_serial)

    def know(self, next_serial: int) -> None:
        """Take note of the rows up to a serial, and of the last times among them as they are now."""
        self.next_serial, self.reordered = next_serial, self.block.reordered
        stop = next_serial - self.block.first_serial
        tail = slice(max(0, stop - TAIL_ROWS), max(0, stop))
        self.tail = self.block.t[tail].copy(), self.block.duration[tail].copy()


def live_row(waterfall: Waterfall) -> tuple[Block, int] | None:
    """Return the block and index of the row at the live end.

    It is the latest of those near the row that arrived last, so one row from a clock in the future, which stays the
    last in order of time, does not hold the picture there.
    """
    block = next((block for block in reversed(waterfall.blocks) if len(block)), None)
    if block is None or waterfall.last is None:
        return None
    if block.t[-1] <= waterfall.last.t:
        return block, len(block) - 1
    limit = waterfall.last.t + SORTED_ROWS * waterfall.row_interval_s
    return block, max(0, int(np.searchsorted(block.t, limit, side="right")) - 1)


def polarization_names(block: Block) -> list[str]:
    """Return the names of a block's polarizations; those without a name are numbered."""
    count = block.power.shape[1]
    names = list(block.polarizations)
    return [names[i] if i < len(names) and names[i] else f"Polarization {i + 1}" for i in range(count)]
