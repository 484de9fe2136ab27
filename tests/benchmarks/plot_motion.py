"""Plots in motion: a scripted pan, many long curves that grow, and many metrics of which few are shown."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator

import numpy as np

from dockscope.core.hub import Hub
from dockscope.gui.metrics_dock import MetricsDock

from .delivery import Delivery, SampleFeed
from .entry import ROUNDS, Entry, alternating, percentile
from .paint_watch import FrameWatch
from .scripted import scripted
from .single_dock import LARGE_BUDGET_BYTES, SingleDock, single_dock
from .whole_window import whole_window

LENGTH = 1_000_000
CHUNK = 100_000
START_S = 1_700_000_000.0
STEP_S = 1e-3
PAN_S = 10.0
PANNED_PLOTS = 4
CURVES = 64
GROW_S = 2.0
GROWN = 10  # samples of each curve every step
DOCK_PX = (1040, 680)
KNOWN, SHOWN = 1000, 20
UPDATES = 20


def rows() -> Iterator[Entry]:
    """Yield plot_history/pan_frame_p99, /curves_64 and /known_1000."""
    yield Entry("plot_history/pan_frame_p99", _pan_frame_p99_ms())
    yield Entry("plot_history/curves_64", _frames_per_s())
    many, few = _known_ms()
    yield Entry("plot_history/known_1000", many, f"{SHOWN} metrics known", few)


def walks(feed: SampleFeed, curves: int, length: int) -> None:
    """Give the first series of a feed a random walk each."""
    random, last = np.random.default_rng(1), np.zeros((curves, 1))
    for begin in range(0, length, CHUNK):
        values = random.standard_normal((curves, min(CHUNK, length - begin))).cumsum(axis=1) + last
        last = values[:, -1:]
        feed.send(range(curves), np.broadcast_to(_times(begin, values.shape[1]), values.shape), values)


def _times(begin: int, count: int) -> np.ndarray:
    return START_S + STEP_S * np.arange(begin, begin + count)


def _pan_frame_p99_ms() -> float:
    hub = Hub(budget_bytes=LARGE_BUDGET_BYTES)
    names = [f"walk {index}" for index in range(PANNED_PLOTS)]
    walks(SampleFeed(Delivery(hub), [(name, ()) for name in names]), PANNED_PLOTS, LENGTH)
    with whole_window(hub=hub) as window:
        plots = window.show_metrics(*names)
        plots[0].zoomed.emit(0.2, (window.metrics.axis.low + window.metrics.axis.high) / 2)
        window.wait(1.0)
        frames = FrameWatch(window.window, *plots)
        scripted(lambda share: plots[0].panned.emit(0.02 * math.cos(4 * math.pi * share)), PAN_S)
        intervals = frames.take_intervals_ms()
        frames.stop()
    return percentile(intervals, 99)


def _frames_per_s() -> float:
    with single_dock(MetricsDock, *DOCK_PX) as shown:
        feed = SampleFeed(shown.delivery, [("many", (("curve", f"{index:02}"),)) for index in range(CURVES)])
        walks(feed, CURVES, LENGTH)
        shown.hub.on_change = shown.clock.arm
        shown.clock.request_all()
        shown.settle()
        (plot,) = shown.dock.grid.visible_plots()
        frames, random, length = FrameWatch(shown.dock, plot), np.random.default_rng(2), LENGTH

        def grow(_share: float) -> None:
            nonlocal length
            values = random.standard_normal((CURVES, GROWN))
            feed.send(range(CURVES), np.broadcast_to(_times(length, GROWN), values.shape), values)
            length += GROWN

        rates = []
        for _ in range(ROUNDS):
            frames.take_intervals_ms()
            scripted(grow, GROW_S)
            rates.append(len(frames.take_intervals_ms()) / GROW_S)
        frames.stop()
    return statistics.median(rates)


class Known:
    """A dock that shows some of the metrics its hub knows.

    Args:
        shown: the dock. known: how many metrics there are.
    """

    def __init__(self, shown: SingleDock[MetricsDock], known: int) -> None:
        self._shown, self._count = shown, 1000
        self._feed = SampleFeed(shown.delivery, [(f"metric {index}", ()) for index in range(known)])
        walks(self._feed, known, self._count)
        shown.dock.choose_metrics([f"metric {index}" for index in range(SHOWN)])
        shown.settle()
        self._random = np.random.default_rng(3)

    def update_ms(self) -> float:
        """Return the median thread time in which samples of what is shown arrive and are painted."""
        plots, times = self._shown.dock.grid.visible_plots(), []
        for _ in range(UPDATES):
            values = self._random.standard_normal((SHOWN, 1))
            t = np.full((SHOWN, 1), START_S + STEP_S * self._count)
            self._count += 1
            start = time.thread_time()
            self._feed.send(range(SHOWN), t, values)
            self._shown.refresh()
            for plot in plots:
                plot.repaint()
            times.append(time.thread_time() - start)
        return statistics.median(times) * 1e3


def _known_ms() -> tuple[float, float]:
    with single_dock(MetricsDock, *DOCK_PX) as one, single_dock(MetricsDock, *DOCK_PX) as other:
        many, few = Known(one, KNOWN), Known(other, SHOWN)
        return alternating(many.update_ms, few.update_ms)
