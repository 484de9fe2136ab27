"""What a flood of a million samples a second leaves to the mouse, and to a producer that sends ten."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator

from PySide6.QtCore import QEvent, QObject, QPoint
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QWidget

from dockscope.gui.metric_plot import MetricPlot

from .entry import Entry, percentile
from .paint_watch import PaintWatch
from .program import program
from .sample_latency import SampleLatency
from .whole_window import whole_window

FLOOD_PER_S = 1_000_000
SERIES = 100
BLOCK = 200
SAMPLES_PER_S = 10
WARM_S = 2.0
MOVES = 150
EVERY_S = 0.083  # no multiple of a frame
SERVER_TICKS = 2**32  # the X server counts milliseconds of the monotonic clock in 32 bits


class MouseWatch(QObject):
    """Notes how long after the X server saw the mouse move a plot has been painted.

    Args:
        plot: over which the mouse moves.
    """

    def __init__(self, plot: QWidget) -> None:
        super().__init__()
        self.answers_ms: list[float] = []
        self._moved_ms: int | None = None
        self._paints = PaintWatch(plot, on_painted=lambda _plot: self._on_painted())
        self._plot = plot
        plot.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent) and self._moved_ms is None:
            self._moved_ms = event.timestamp()
        return False

    def _on_painted(self) -> None:
        if self._moved_ms is not None:
            self.answers_ms.append((time.monotonic() * 1e3 - self._moved_ms) % SERVER_TICKS)
            self._moved_ms = None

    def stop(self) -> None:
        """Leave the plot alone."""
        self._plot.removeEventFilter(self)
        self._paints.stop()


def rows() -> Iterator[Entry]:
    """Yield ingest_batched/mouse_p99 and /fairness_max."""
    with (
        whole_window() as window,
        program("batches", FLOOD_PER_S, SERIES, BLOCK) as flood,
        program("single", SAMPLES_PER_S) as slow,
    ):
        window.connect(flood.url)
        window.connect(slow.url)
        flood.tell("go")
        (plot, moved_over, *_) = window.show_metrics("single", *(f"channel {index}" for index in range(3)))
        window.wait(WARM_S)
        latency, mouse = SampleLatency(window, plot), MouseWatch(moved_over)
        moving = _move_mouse(moved_over)
        window.until(lambda: moving.poll() is not None, "the end of the mouse's way", 60.0)
        window.wait(1.0)
        latencies, answers = latency.take_ms(), mouse.answers_ms
        latency.stop()
        mouse.stop()
    assert len(answers) > MOVES / 2, "the mouse did not reach the plot"
    yield Entry("ingest_batched/mouse_p99", percentile(answers, 99))
    yield Entry("ingest_batched/fairness_max", max(latencies))


def _move_mouse(plot: MetricPlot) -> subprocess.Popen[bytes]:
    """Have the X server move the mouse to and fro over the plot, from a process of its own."""
    area = plot.area().toRect()
    words: list[str] = []
    for number in range(MOVES):
        place = area.topLeft() + QPoint(10 + number * 7 % (area.width() - 20), area.height() // 2)
        place = plot.mapToGlobal(place)
        words += ["mousemove", str(place.x()), str(place.y()), "sleep", str(EVERY_S)]
    return subprocess.Popen(["xdotool", *words], env=os.environ)
