"""From a click on Pause to a loop that stands still, and to the toolbar that says so."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from .entry import Entry, percentile
from .ingest_answers import BLOCK, FLOOD_PER_S, SERIES
from .paint_watch import PaintWatch
from .program import Program, program
from .whole_window import MeasuredWindow, whole_window

CLICKS = 120
WARM_S = 2.0
ANSWER_S = 10.0


def rows() -> Iterator[Entry]:
    """Yield control_round_trip, /p50 and /shown."""
    with (
        whole_window() as window,
        program("batches", FLOOD_PER_S, SERIES, BLOCK) as flood,
        program("steered") as steered,
    ):
        window.connect(flood.url)
        key = window.connect(steered.url).key
        flood.tell("go")
        window.show_metrics("steered", *(f"channel {index}" for index in range(3)))
        window.window.toolbar.choose_target(key)
        window.wait(WARM_S)
        draw = random.Random(1)
        clicks = [_pause(window, steered, draw) for _ in range(CLICKS)]
    blocked, shown = [list(values) for values in zip(*clicks, strict=True)]
    yield Entry("control_round_trip", percentile(blocked, 99))
    yield Entry("control_round_trip/p50", percentile(blocked, 50))
    yield Entry("control_round_trip/shown", percentile(shown, 99))


def _pause(window: MeasuredWindow, steered: Program, draw: random.Random) -> tuple[float, float]:
    """Click Pause, wait for both answers, and click Resume; return both times in ms."""
    toolbar = window.window.toolbar
    shown_s: list[float] = []

    def on_painted(_widget: object) -> None:
        if toolbar.state.text == "Paused" and not shown_s:
            shown_s.append(time.monotonic())

    paints = PaintWatch(toolbar.state, on_painted=on_painted)
    clicked_s = time.monotonic()
    QTest.mouseClick(toolbar.button("pause"), Qt.MouseButton.LeftButton)
    window.until(lambda: shown_s, "the toolbar to show the pause", ANSWER_S)
    paints.stop()
    blocked_s = float(steered.line())
    window.until(toolbar.button("resume").isEnabled, "Resume to be offered", ANSWER_S)
    QTest.mouseClick(toolbar.button("resume"), Qt.MouseButton.LeftButton)
    window.until(lambda: toolbar.state.text == "Running", "the run to go on", ANSWER_S)
    window.wait(draw.uniform(0.01, 0.05))
    return (blocked_s - clicked_s) * 1e3, (shown_s[0] - clicked_s) * 1e3
