"""How many samples a second from another process the painting window takes, with which frames, and what is lost."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from .entry import ROUNDS, Entry, percentile
from .paint_watch import FrameWatch
from .program import program
from .whole_window import MeasuredWindow, whole_window

OFFERED_PER_S = 2_400_000
SERIES = 100
BLOCK = 200  # samples of a series in one call: a batch of all series every 8 ms
WARM_S = 2.0
ROUND_S = 3.0
QUIET_S = 5.0  # nothing more comes


def rows() -> Iterator[Entry]:
    """Yield ingest_batched, /frame_p99 and /lost."""
    with whole_window() as window, program("batches", OFFERED_PER_S, SERIES, BLOCK) as sender:
        window.connect(sender.url)
        sender.tell("go")
        plots = window.show_metrics(*(f"channel {index}" for index in range(4)))
        window.wait(WARM_S)
        frames = FrameWatch(window.window, *plots)
        rates, p99s = [], []
        for _ in range(ROUNDS):
            frames.take_intervals_ms()
            before, start = window.hub.samples, time.perf_counter()
            window.wait(ROUND_S)
            rates.append((window.hub.samples - before) / (time.perf_counter() - start))
            # A round without two frames: at least so long.
            p99s.append(percentile(frames.take_intervals_ms() or [ROUND_S * 1e3], 99))
        frames.stop()
        sender.tell("stop")
        sent = int(window.run(window.loop.run_in_executor(None, sender.line)))
        lost = _lost(window, sent)
    yield Entry("ingest_batched", statistics.median(rates))
    yield Entry("ingest_batched/frame_p99", statistics.median(p99s))
    yield Entry("ingest_batched/lost", lost)


def _lost(window: MeasuredWindow, sent: int) -> int:
    """Return how many samples are missing once nothing has come for a while."""
    seen, since = window.hub.samples, time.monotonic()
    while window.hub.samples < sent and time.monotonic() < since + QUIET_S:
        window.wait(0.1)
        if window.hub.samples != seen:
            seen, since = window.hub.samples, time.monotonic()
    return sent - window.hub.samples
