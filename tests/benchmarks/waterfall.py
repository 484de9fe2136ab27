"""A row that arrives at the waterfall and is painted, and a zoom into what is kept."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import numpy as np
import pyqtgraph
from PySide6.QtCore import QCoreApplication, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest

from dockscope.core.messages import Kind, Spectrum
from dockscope.gui.waterfall_dock import WaterfallDock

from .entry import ROUNDS, Entry, percentile
from .paint_watch import PaintWatch
from .single_dock import SingleDock, single_dock
from .whole_window import application, show_exposed

ROW_CHANNELS, ROW_PX = 1536, (1536, 1200)
LARGE_CHANNELS, LARGE_ROWS, LARGE_PX = 16_384, 4096, (1400, 900)
ADDED = 100  # rows in one turn
PEER_ADDED = 10
START_S = 1_700_000_000.0
ROW_S = 0.1
F0_HZ, BAND_HZ = 1.0e9, 5.0e8
NOTCHES = (120, 120, 120, -120, -120, -120)
QUIET_S = 0.08  # without a paint: the picture is complete
PATIENCE_S = 5.0


class Rows:
    """A dock whose waterfall has a given size in pixels, and rows for it.

    Args:
        shown: the dock. channels: of each row. rows: kept and visible at the start. size_px: of the picture.
    """

    def __init__(self, shown: SingleDock[WaterfallDock], channels: int, rows: int, size_px: tuple[int, int]) -> None:
        self._shown, self._channels, self._count = shown, channels, 0
        # Bursts and tones over noise, some hundred rows that come again.
        self._power = np.random.default_rng(1).exponential(size=(256, 1, channels)).astype("<f4")
        self._power[::17] *= 20.0
        self._power[:, :, :: channels // 16] *= 50.0
        for _ in range(rows):
            self._deliver()
        shown.dock.restore_view_state({"span_s": rows * ROW_S})
        shown.dock.refresh(None)
        self.show_spectrum(False)
        for _ in range(3):  # margins follow the texts beside the picture
            missing = np.subtract(size_px, shown.dock.view.pixel_size())
            shown.dock.resize(shown.dock.width() + int(missing[0]), shown.dock.height() + int(missing[1]))
            shown.settle()
        assert shown.dock.view.pixel_size() == size_px, f"the picture has {shown.dock.view.pixel_size()} pixels"

    def show_spectrum(self, on: bool) -> None:
        """Give the spectrum above the picture a third of the height, or none."""
        self._shown.dock.splitter.setSizes([100, 200] if on else [0, 1])
        self._shown.settle()

    def _deliver(self) -> None:
        power = self._power[self._count % len(self._power)]
        t = START_S + self._count * ROW_S
        self._count += 1
        row = Spectrum(power=power, t=t, f0=F0_HZ, df=BAND_HZ / self._channels, duration=ROW_S)
        self._shown.delivery.put(Kind.SPECTRUM, "bench", row)

    def add_ms(self, *, spectrum: bool = False) -> list[float]:
        """Return the time of each of some rows from its arrival to the end of the paint."""
        dock, times = self._shown.dock, []
        for _ in range(ADDED):
            start = time.perf_counter()
            self._deliver()
            self._shown.refresh()
            dock.view.repaint()
            if spectrum:
                dock.spectrum.repaint()
            times.append((time.perf_counter() - start) * 1e3)
            QCoreApplication.processEvents()
        return times

    def zoom_ms(self, notch: int) -> tuple[float, float]:
        """Turn the wheel over the picture; return the time to the first picture of it, and to the complete one."""
        view = self._shown.dock.view
        middle = view.area().center()
        paints = PaintWatch(view)
        turned = QWheelEvent(
            middle,
            QPointF(view.mapToGlobal(middle.toPoint())),
            QPoint(),
            QPoint(0, notch),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        start = time.monotonic()
        QCoreApplication.sendEvent(view, turned)
        while not paints.ends_s or time.monotonic() - paints.ends_s[-1] < QUIET_S:
            QTest.qWait(1)
            assert time.monotonic() - start < PATIENCE_S, "the picture was never complete"
        paints.stop()
        return (paints.ends_s[0] - start) * 1e3, (paints.ends_s[-1] - start) * 1e3


class PeerImage:
    """The peer's image of the same size, with a colour map."""

    def __init__(self) -> None:
        width, height = ROW_PX
        self._data = np.random.default_rng(1).exponential(size=(2 * height, width)).astype("<f4")
        self._first = 0
        self._widget = pyqtgraph.GraphicsView()
        self._widget.resize(width, height)
        self._image = pyqtgraph.ImageItem(axisOrder="row-major")
        self._image.setColorMap("viridis")
        box = pyqtgraph.ViewBox()
        box.addItem(self._image)
        self._widget.setCentralItem(box)
        self._image.setImage(self._data[:height], levels=(0.0, 5.0))
        show_exposed(self._widget)

    def add_ms(self) -> float:
        """Return the median time of setImage with one row more and the paint; rows move without a copy."""
        times = []
        for _ in range(PEER_ADDED):
            start = time.perf_counter()
            self._first = (self._first + 1) % ROW_PX[1]
            self._image.setImage(self._data[self._first : self._first + ROW_PX[1]], levels=(0.0, 5.0))
            self._widget.viewport().repaint()
            times.append(time.perf_counter() - start)
        return statistics.median(times) * 1e3

    def close(self) -> None:
        """Take it from the screen."""
        self._widget.close()


def rows() -> Iterator[Entry]:
    """Yield waterfall_row and waterfall_large with their parts."""
    application()
    with single_dock(WaterfallDock, 1700, 1300) as shown:
        ours, peer = Rows(shown, ROW_CHANNELS, ROW_PX[1], ROW_PX), PeerImage()
        pairs = [(statistics.median(ours.add_ms()), peer.add_ms()) for _ in range(ROUNDS)]
        peer.close()
        medians = [statistics.median(values) for values in zip(*pairs, strict=True)]
        yield Entry("waterfall_row", medians[0], "pyqtgraph ImageItem.setImage", medians[1])
        yield Entry("waterfall_row/dock", _whole_dock_ms(ours))
    with single_dock(WaterfallDock, 1600, 1000) as shown:
        ours = Rows(shown, LARGE_CHANNELS, LARGE_ROWS, LARGE_PX)
        turns = [ours.add_ms() for _ in range(ROUNDS)]
        yield Entry("waterfall_large", statistics.median(map(statistics.median, turns)))
        yield Entry("waterfall_large/p99", statistics.median(percentile(turn, 99) for turn in turns))
        zooms = [ours.zoom_ms(notch) for notch in NOTCHES]
        yield Entry("waterfall_large/zoom", statistics.median(first for first, _ in zooms))
        yield Entry("waterfall_large/zoom_complete", statistics.median(last for _, last in zooms))
        yield Entry("waterfall_large/dock", _whole_dock_ms(ours))


def _whole_dock_ms(rows: Rows) -> float:
    rows.show_spectrum(True)
    return statistics.median(statistics.median(rows.add_ms(spectrum=True)) for _ in range(ROUNDS))
