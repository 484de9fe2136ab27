"""From publish_metric in another process to the end of the paint that shows the sample."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from dockscope.core.demos.launch import DemoProducers

from .entry import ROUNDS, Entry, percentile
from .program import program
from .sample_latency import SampleLatency
from .whole_window import MeasuredWindow, whole_window

SAMPLES_PER_S = 100
WARM_S = 2.0
ROUND_S = 4.0


def rows() -> Iterator[Entry]:
    """Yield latency, /p99, /full_p50 and /full_p99."""
    with whole_window() as window:
        p50, p99 = _percentiles_ms(window)
    yield Entry("latency", p50)
    yield Entry("latency/p99", p99)
    with whole_window() as window, DemoProducers() as demo:
        for url in demo.urls():
            window.connect(url)
        p50, p99 = _percentiles_ms(window)
    yield Entry("latency/full_p50", p50)
    yield Entry("latency/full_p99", p99)


def _percentiles_ms(window: MeasuredWindow) -> tuple[float, float]:
    """Return the medians, over the rounds, of their p50 and p99."""
    with program("single", SAMPLES_PER_S) as sender:
        window.connect(sender.url)
        others = [name for name in window.hub.series.names() if name != "single"]
        (plot, *_) = window.show_metrics("single", *others[:3])
        window.wait(WARM_S)
        latency = SampleLatency(window, plot)
        p50s, p99s = [], []
        for _ in range(ROUNDS):
            latency.take_ms()
            window.wait(ROUND_S)
            found = latency.take_ms() or [ROUND_S * 1e3]  # nothing painted in a round: at least so late
            p50s.append(percentile(found, 50))
            p99s.append(percentile(found, 99))
        latency.stop()
    return statistics.median(p50s), statistics.median(p99s)
