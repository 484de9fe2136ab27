"""What a window with a budget of 256 MiB takes from the machine while far more arrives."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from dockscope.core.hub import Hub

from .entry import Entry
from .program import program
from .whole_window import whole_window

BUDGET_BYTES = 256 * 2**20
PER_S = 1_500_000
SERIES = 100
BLOCK = 200
SAMPLES = 10_000_000
ROUNDS = 3  # the first fills the budget not quite
PATIENCE_S = 250.0  # for all of it


def rows() -> Iterator[Entry]:
    """Yield memory, /settled and /growth."""
    resident = psutil.Process().memory_info
    with whole_window(hub=Hub(budget_bytes=BUDGET_BYTES)) as window:
        start = resident().rss
        after = []
        with program("batches", PER_S, SERIES, BLOCK) as sender:
            window.connect(sender.url)
            sender.tell("go")
            window.show_metrics(*(f"channel {index}" for index in range(4)))
            for number in range(1, ROUNDS + 1):
                window.until(
                    lambda number=number: window.hub.samples >= number * SAMPLES, f"{number} × 1e7 samples", PATIENCE_S
                )
                window.wait(0.5)
                after.append(resident().rss)
    yield Entry("memory", (after[0] - start) / 2**20)
    yield Entry("memory/settled", (after[1] - start) / 2**20)
    yield Entry("memory/growth", (after[2] - after[1]) / 2**20)
