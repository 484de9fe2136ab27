"""Frames of a placement that a hand pans and zooms."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dockscope.core.messages import Kind
from dockscope.gui.placement_dock import PlacementDock

from .boards import board, frames
from .canvas import DOCK_PX
from .entry import Entry, percentile
from .paint_watch import FrameWatch
from .scripted import scripted
from .single_dock import single_dock

SIZES = ("1e5", "1e6")
SECONDS = 10.0
ZOOMS = 2  # in and out again
STEP_FACTOR = 1.02
PAN_PX = 6.0


def rows() -> Iterator[Entry]:
    """Yield canvas_parts/pan_zoom_…_p99."""
    for size in SIZES:
        yield Entry(f"canvas_parts/pan_zoom_{size}_p99", _p99_ms(int(float(size))))


def _p99_ms(parts: int) -> float:
    with single_dock(PlacementDock, *DOCK_PX) as shown:
        scene = board(parts)
        shown.delivery.put(Kind.SCENE, "bench", scene)
        shown.delivery.put(Kind.FRAME, "bench", next(frames(scene)))
        shown.dock.refresh(None)
        shown.settle(1000)
        canvas = shown.dock.canvas
        watch = FrameWatch(shown.dock, canvas)

        def move(share: float) -> None:
            turn = 2 * math.pi * share
            canvas.pan(PAN_PX * math.cos(3 * turn), PAN_PX * math.sin(3 * turn))
            canvas.zoom(STEP_FACTOR ** math.copysign(1, math.sin(ZOOMS * turn)))

        scripted(move, SECONDS)
        intervals = watch.take_intervals_ms()
        watch.stop()
    return percentile(intervals, 99)
