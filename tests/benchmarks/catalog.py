"""All figures of the benchmarks: what each is, its unit, and what the design says it must reach."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

SIZES = ("1e4", "1e5", "1e6", "1e7", "1e8")
PEER_PLOT = "pyqtgraph, automatic peak downsampling"


@dataclass(frozen=True)
class Figure:
    """One entry of build/bench.json.

    Args:
        name: "row" or "row/part". unit: of the value. what: one line of explanation.
        limit: what the value must reach, None where only the ratio or nothing is asked.
        ratio_limit: the same for value / reference.
        better: whether smaller or larger values are.
    """

    name: str
    unit: str
    what: str
    limit: float | None = None
    ratio_limit: float | None = None
    better: Literal["lower", "higher"] = "lower"

    @property
    def row(self) -> str:
        """The row that this is a part of."""
        return self.name.partition("/")[0]

    def budget(self) -> str:
        """Return what must be reached as text, "" where nothing is asked."""
        sign = "≤" if self.better == "lower" else "≥"
        limits = (
            [f"{sign} {self.limit:{',.0f' if self.limit >= 1000 else 'g'}} {self.unit}"]
            if self.limit is not None
            else []
        )
        limits += [f"{sign} {self.ratio_limit:g} ×"] if self.ratio_limit is not None else []
        return ", ".join(limits)

    def is_met(self, value: float, ratio: float | None) -> bool | None:
        """Tell whether the budget is met; None where nothing is asked.

        Args:
            value: as measured. ratio: value / reference; missing although one is asked, it counts as missed.
        """
        pairs = [pair for pair in ((value, self.limit), (ratio, self.ratio_limit)) if pair[1] is not None]
        return all(self._reaches(found, limit) for found, limit in pairs) if pairs else None

    def _reaches(self, found: float | None, limit: float | None) -> bool:
        if found is None or limit is None:
            return False
        return found <= limit if self.better == "lower" else found >= limit


def _plots() -> list[Figure]:
    found = [
        Figure(
            "plot_history",
            "ms",
            "a sample arrives and the whole history of 1e7 (random walk) is painted, against setData and a paint of the"
            " peer",
            ratio_limit=0.1,
        )
    ]
    for kind, text in (("walk", "random walk"), ("noise", "white noise")):
        for size in SIZES:
            figure = Figure(f"plot_history/{kind}_{size}", "ms", f"the same for {size} points of a {text}")
            if size == "1e7":
                figure = replace(figure, what=f"{figure.what}, against the peer", ratio_limit=0.1)
            if size == "1e8":
                figure = replace(figure, what=f"{figure.what}, against our own 1e4", ratio_limit=2.0)
            found.append(figure)
        what = f"the same for 1e7 points of a {text}, with nothing used of the picture before, against the peer"
        found.append(Figure(f"plot_history/{kind}_anew_1e7", "ms", what, ratio_limit=0.1))
    for size in SIZES[2:]:
        figure = Figure(f"plot_history/zoom_{size}", "ms", f"pan within the {size} points of a walk, 1 % visible")
        if size == "1e8":
            figure = replace(figure, what=f"{figure.what}, against our own 1e6", ratio_limit=2.0)
        found.append(figure)
    return found


FIGURES: tuple[Figure, ...] = (
    Figure(
        "publish_metric_call",
        "µs",
        'publish_metric("loss", .5, step=i) at 100 k calls/s, against rerun.log(Scalars) into a file',
        ratio_limit=0.1,
    ),
    Figure(
        "publish_metric_floor",
        "µs",
        "the same against append of a 4-tuple with time.time() to a full deque",
        ratio_limit=3.0,
    ),
    Figure(
        "publish_metric_flush",
        "µs",
        "CPU time of the I/O thread per sample at 100 k calls/s, all of it taken for time with the GIL",
        limit=0.5,
    ),
    Figure(
        "ingest_batched",
        "samples/s",
        "another process sends 100 series over a socket, the window stores them and paints 4 plots",
        limit=2e6,
        better="higher",
    ),
    Figure("ingest_batched/frame_p99", "ms", "interval between painted frames meanwhile, 99 of 100", limit=33),
    Figure("ingest_batched/lost", "samples", "sent and not stored, of all that were sent", limit=0),
    Figure(
        "ingest_batched/mouse_p99",
        "ms",
        "the X server's mouse event to the end of the paint that follows it, while 1 M samples/s arrive",
        limit=50,
    ),
    Figure(
        "ingest_batched/fairness_max",
        "ms",
        "publish to paint of a producer that sends 10 samples/s beside another with 1 M/s, the slowest of all",
        limit=200,
    ),
    Figure(
        "ingest_json",
        "messages/s",
        "JSON objects of one metric from a PUB socket into the painting window, against a bare recv and decode loop",
        ratio_limit=0.6,
        better="higher",
    ),
    Figure("latency", "ms", "publish in another process, 100 a second, to the end of paintEvent; median", limit=17),
    Figure("latency/p99", "ms", "the same, 99 of 100", limit=27),
    Figure("latency/full_p50", "ms", "the same while the three demos fill all docks; median"),
    Figure("latency/full_p99", "ms", "the same, 99 of 100", limit=43),
    *_plots(),
    Figure(
        "plot_history/pan_frame_p99",
        "ms",
        "interval between frames in a scripted pan of 10 s over 4 plots of 1e6 points, 99 of 100",
        limit=33,
    ),
    Figure(
        "plot_history/curves_64",
        "frames/s",
        "64 curves of 1e6 points in one plot, all growing",
        limit=30,
        better="higher",
    ),
    Figure(
        "plot_history/known_1000",
        "ms",
        "samples of 20 metrics arrive and are painted, 1,000 being known, against only those 20 being known",
        ratio_limit=1.1,
    ),
    Figure(
        "waterfall_row",
        "ms",
        "a row arrives and is painted, picture 1536 × 1200, against pyqtgraph's ImageItem.setImage",
        ratio_limit=0.2,
    ),
    Figure("waterfall_row/dock", "ms", "the same for the whole dock with its spectrum above"),
    Figure(
        "waterfall_large", "ms", "a row of 16,384 channels arrives and is painted, 4,096 rows kept; median", limit=1
    ),
    Figure("waterfall_large/p99", "ms", "the same, 99 of 100", limit=2),
    Figure("waterfall_large/dock", "ms", "the same for the whole dock with its spectrum above; median"),
    Figure("waterfall_large/zoom", "ms", "a notch of the wheel to the first picture of it", limit=16),
    Figure("waterfall_large/zoom_complete", "ms", "the same to the picture that is complete", limit=100),
    Figure(
        "canvas_parts",
        "ms",
        "a frame of 1e5 turned, coloured parts, all moved, is stored and painted, against ScatterPlotItem",
        ratio_limit=0.2,
    ),
    Figure("canvas_parts/1e3", "ms", "the same with 1e3 parts"),
    Figure("canvas_parts/1e4", "ms", "the same with 1e4 parts"),
    Figure("canvas_parts/1e5", "ms", "the same with 1e5 parts", limit=25),
    Figure("canvas_parts/hover_1e5", "ms", "a mouse move over 1e5 parts to the painted answer, 99 of 100", limit=16.7),
    Figure("canvas_parts/pan_zoom_1e5_p99", "ms", "interval between frames, 10 s of pan and zoom over 1e5", limit=33),
    Figure("canvas_parts/pan_zoom_1e6_p99", "ms", "the same over 1e6 parts", limit=100),
    Figure(
        "control_round_trip",
        "ms",
        "click on Pause to the producer's loop being blocked (checkpoint every 5 ms), 1 M samples/s flow, 99 of 100",
        limit=50,
    ),
    Figure("control_round_trip/p50", "ms", "the same, median"),
    Figure("control_round_trip/shown", "ms", "click to the toolbar showing it, 99 of 100", limit=50),
    Figure(
        "startup",
        "ms",
        "start of the process to the end of the first paint, against a PySide6 window with one pyqtgraph plot",
        ratio_limit=1.35,
    ),
    Figure("memory", "MiB", "resident memory above the start after 10 M samples, budget 256 MiB", limit=320),
    Figure("memory/settled", "MiB", "the same after 20 M, when the budget is full", limit=320),
    Figure("memory/growth", "MiB", "what 10 M more add to that: it must be flat", limit=16),
)

BY_NAME = {figure.name: figure for figure in FIGURES}
ROWS = tuple(dict.fromkeys(figure.row for figure in FIGURES))
