"""A frame of a placement that arrives and is painted, and the answer to a mouse over it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pyqtgraph
from PySide6.QtCore import QCoreApplication, QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent

from dockscope.core.messages import Kind, PlacementFrame
from dockscope.gui.placement_dock import PlacementDock

from .boards import COLORS, board, frames
from .entry import Entry, alternating, percentile
from .single_dock import SingleDock, single_dock
from .whole_window import application, show_exposed

SIZES = ("1e3", "1e4", "1e5")
LARGEST = SIZES[-1]
DOCK_PX = (1400, 960)  # the canvas gets about 1400 × 900
ROUNDS = 7
PAINTS = 3  # in one turn
MOVES = 200


class Canvas:
    """A dock that shows a board with so many parts."""

    def __init__(self, shown: SingleDock[PlacementDock], parts: int) -> None:
        self._shown = shown
        scene = board(parts)
        self._frames = frames(scene)
        shown.delivery.put(Kind.SCENE, "bench", scene)
        shown.delivery.put(Kind.FRAME, "bench", next(self._frames))
        shown.dock.refresh(None)
        shown.settle()

    def arrival_ms(self) -> float:
        """Return the median time of a frame from its arrival to the end of the paint."""
        times = []
        for frame in list(islice(self._frames, PAINTS)):
            start = time.perf_counter()
            self._shown.delivery.put(Kind.FRAME, "bench", frame)
            self._shown.refresh()
            self._shown.dock.canvas.repaint()
            times.append(time.perf_counter() - start)
        return statistics.median(times) * 1e3

    def hover_ms(self) -> list[float]:
        """Return the time of each of some mouse moves to the painted answer."""
        canvas, random, times = self._shown.dock.canvas, np.random.default_rng(3), []
        for _ in range(MOVES):
            place = QPointF(*random.uniform((0, 0), (canvas.width(), canvas.height())))
            moved = QMouseEvent(
                QEvent.Type.MouseMove,
                place,
                QPointF(canvas.mapToGlobal(place.toPoint())),
                Qt.MouseButton.NoButton,
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
            )
            start = time.perf_counter()
            QCoreApplication.sendEvent(canvas, moved)
            canvas.repaint()
            times.append((time.perf_counter() - start) * 1e3)
        return times


class PeerScatter:
    """The peer's scatter plot with as many coloured squares; it cannot turn them."""

    def __init__(self, parts: int) -> None:
        scene = board(parts)
        self._frames = frames(scene)
        self._widget = pyqtgraph.PlotWidget()
        self._widget.resize(*DOCK_PX)
        brushes = [pyqtgraph.mkBrush(color) for color in COLORS]
        self._brushes = [brushes[index % len(brushes)] for index in range(parts)]
        self._sizes = np.full(parts, 5.0 if parts > 10_000 else 12.0)
        self._scatter = pyqtgraph.ScatterPlotItem(symbol="s", pen=None)
        self._widget.addItem(self._scatter)
        self._set(next(self._frames))
        show_exposed(self._widget)
        self._widget.disableAutoRange()

    def _set(self, frame: PlacementFrame) -> None:
        x, y, _ = frame.position.T
        self._scatter.setData(x=x, y=y, size=self._sizes, brush=self._brushes)

    def arrival_ms(self) -> float:
        """Return the time of setData with a frame and the paint."""
        frame = next(self._frames)
        start = time.perf_counter()
        self._set(frame)
        self._widget.viewport().repaint()
        return (time.perf_counter() - start) * 1e3

    def close(self) -> None:
        """Take it from the screen."""
        self._widget.close()


def rows() -> Iterator[Entry]:
    """Yield canvas_parts with a part for each size, and /hover_1e5."""
    application()
    for size in SIZES:
        with single_dock(PlacementDock, *DOCK_PX) as shown:
            ours, peer = Canvas(shown, int(float(size))), PeerScatter(int(float(size)))
            value, of_peer = alternating(ours.arrival_ms, peer.arrival_ms, rounds=ROUNDS)
            peer.close()
            if size == LARGEST:
                yield Entry("canvas_parts", value, "pyqtgraph ScatterPlotItem", of_peer)
            yield Entry(f"canvas_parts/{size}", value, "pyqtgraph ScatterPlotItem", of_peer)
            if size == LARGEST:
                yield Entry(f"canvas_parts/hover_{size}", percentile(ours.hover_ms(), 99))
