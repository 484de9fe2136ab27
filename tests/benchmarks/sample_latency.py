"""How long after publish_metric a sample has been painted."""

from __future__ import annotations

import time

import numpy as np

from dockscope.gui.metric_plot import MetricPlot

from .paint_watch import PaintWatch
from .whole_window import MeasuredWindow


class SampleLatency:
    """Watches the plot of a metric whose timestamps are the time of the call, with the one clock of this machine.

    A paint shows what its dock was refreshed with, so samples count from the tick of the clock before the paint.

    Args:
        window: the whole window. plot: shows one curve.
    """

    def __init__(self, window: MeasuredWindow, plot: MetricPlot) -> None:
        (self._curve,) = window.hub.series.of_name(plot.name)
        self._clock = window.clock
        self._refreshed = self._painted = len(self._curve)
        self._latencies_ms: list[float] = []
        self._clock.ticked.connect(self._on_ticked)
        self._watch = PaintWatch(plot, on_painted=lambda _plot: self._on_painted())

    def _on_ticked(self) -> None:
        self._refreshed = len(self._curve)

    def _on_painted(self) -> None:
        sent_s = self._curve.column("t")[self._painted : self._refreshed]
        self._latencies_ms += (1e3 * (time.time() - np.asarray(sent_s))).tolist()
        self._painted = self._refreshed

    def take_ms(self) -> list[float]:
        """Return the latencies since the last call."""
        latencies, self._latencies_ms = self._latencies_ms, []
        return latencies

    def stop(self) -> None:
        """Leave the plot alone."""
        self._clock.ticked.disconnect(self._on_ticked)
        self._watch.stop()
