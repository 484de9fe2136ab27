"""A paint of the whole history, of 1e4 to 1e8 samples, and of one hundredth of it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import numpy as np
import pyqtgraph

from dockscope.gui.metrics_dock import MetricsDock

from .catalog import PEER_PLOT, SIZES
from .delivery import SampleFeed
from .entry import ROUNDS, Entry
from .single_dock import SingleDock, single_dock
from .whole_window import application, show_exposed

SIZE_PX = (1040, 680)  # of the dock; its plot is about 1000 × 600
CHUNK = 1_000_000
START_S = 1_700_000_000.0
STEP_S = 1e-3
PEER_SIZE = "1e7"
PAINTS = 5  # in one turn of a size
VISIBLE = 0.01
PAN = 0.05  # of what is visible


class History:
    """One metric of each size in one store; one of them fills the dock at a time."""

    def __init__(self, shown: SingleDock[MetricsDock], kind: str) -> None:
        self._shown = shown
        self._names = [f"{kind}_{size}" for size in SIZES]
        self._lengths = [int(float(size)) for size in SIZES]
        self._feed = SampleFeed(shown.delivery, [(name, ()) for name in self._names])
        self._random = np.random.default_rng(1)
        for number, length in enumerate(self._lengths):
            self._fill(number, length, is_walk=kind == "walk")

    def _fill(self, number: int, length: int, *, is_walk: bool) -> None:
        last = 0.0
        for begin in range(0, length, CHUNK):
            values = self._random.standard_normal(min(CHUNK, length - begin))
            if is_walk:
                values = values.cumsum() + last
                last = float(values[-1])
            t = START_S + STEP_S * np.arange(begin, begin + len(values))
            self._feed.send([number], t[np.newaxis], values[np.newaxis])

    def show(self, size: str) -> None:
        """Fill the dock with the plot of a size, all of its history visible."""
        self._shown.dock.choose_metrics([self._names[SIZES.index(size)]])
        self._shown.dock.set_follow(True)
        self._shown.settle(100)

    def arrival_ms(self, size: str, *, anew: bool = False) -> float:
        """Return the median time of a sample's arrival with the paint of everything.

        Args:
            size: of the history. anew: nothing of the picture before is used.
        """
        number = SIZES.index(size)
        (plot,) = self._shown.dock.grid.visible_plots()
        times = []
        for _ in range(PAINTS):
            t = START_S + STEP_S * self._lengths[number]
            self._lengths[number] += 1
            if anew:
                plot.set_views(plot.views)
            start = time.perf_counter()
            self._feed.send([number], np.array([[t]]), self._random.standard_normal((1, 1)))
            self._shown.refresh()
            plot.repaint()
            times.append(time.perf_counter() - start)
        return statistics.median(times) * 1e3

    def pan_ms(self) -> float:
        """Show a hundredth of what is there, and return the median time of moving it."""
        dock = self._shown.dock
        (plot,) = dock.grid.visible_plots()
        middle = (dock.axis.low + dock.axis.high) / 2
        plot.zoomed.emit(VISIBLE, middle)
        self._shown.settle(50)
        times = []
        for _ in range(PAINTS):
            start = time.perf_counter()
            plot.panned.emit(PAN)
            dock.refresh(None)
            plot.repaint()
            times.append(time.perf_counter() - start)
        return statistics.median(times) * 1e3


class PeerPlot:
    """The peer's plot with what it offers against long histories."""

    def __init__(self, kind: str) -> None:
        values = np.random.default_rng(1).standard_normal(int(float(PEER_SIZE)))
        self._values = values.cumsum() if kind == "walk" else values
        self._t = START_S + STEP_S * np.arange(len(values))
        self._widget = pyqtgraph.PlotWidget()
        self._widget.resize(*SIZE_PX)
        self._widget.setDownsampling(auto=True, mode="peak")
        self._widget.setClipToView(True)
        self._curve = self._widget.plot(self._t, self._values)
        show_exposed(self._widget)

    def arrival_ms(self) -> float:
        """Return the median time of giving it its samples, one more than before, with the paint."""
        times = []
        for count in range(len(self._t) - PAINTS, len(self._t)):
            start = time.perf_counter()
            self._curve.setData(self._t[:count], self._values[:count])
            self._widget.viewport().repaint()
            times.append(time.perf_counter() - start)
        return statistics.median(times) * 1e3

    def close(self) -> None:
        """Take it from the screen."""
        self._widget.close()


def rows() -> Iterator[Entry]:
    """Yield plot_history, /walk_…, /noise_… and /zoom_…."""
    application()
    for kind in ("walk", "noise"):
        peer = PeerPlot(kind)
        with single_dock(MetricsDock, *SIZE_PX) as shown:
            history = History(shown, kind)
            turns = [_turn(history, peer, zooms=kind == "walk") for _ in range(ROUNDS)]
        peer.close()
        medians = {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}
        yield from _entries(kind, medians)


def _turn(history: History, peer: PeerPlot, *, zooms: bool) -> dict[str, float]:
    """Measure every size and the peer once."""
    found = {}
    for size in SIZES:
        history.show(size)
        found[size] = history.arrival_ms(size)
        if size == PEER_SIZE:
            found["peer"] = peer.arrival_ms()
            found["anew"] = history.arrival_ms(size, anew=True)
        if zooms and size in SIZES[2:]:
            found[f"zoom_{size}"] = history.pan_ms()
    return found


def _entries(kind: str, found: dict[str, float]) -> Iterator[Entry]:
    first_zoom = f"zoom_{SIZES[2]}"
    references = {
        PEER_SIZE: (PEER_PLOT, "peer"),
        "anew": (PEER_PLOT, "peer"),
        SIZES[-1]: (f"{kind}_{SIZES[0]}", SIZES[0]),
        f"zoom_{SIZES[-1]}": (first_zoom, first_zoom),
    }
    names = {f"plot_history/{kind}_{size}": size for size in SIZES} | {f"plot_history/{kind}_anew_{PEER_SIZE}": "anew"}
    if kind == "walk":
        names = {"plot_history": PEER_SIZE, **names}
        names |= {f"plot_history/zoom_{size}": f"zoom_{size}" for size in SIZES[2:]}
    for name, measured in names.items():
        reference, of = references.get(measured, ("", ""))
        yield Entry(name, found[measured], reference, found[of] if of else None)
