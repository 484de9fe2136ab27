"""The last picture of a placement, moved and scaled while there is no time for a new one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter

from .placement_viewport import Viewport
from .raster_picture import RasterPicture

# A picture that took longer stands in for the next ones, for as long as it took: half of the time is left for all else.
LIGHT_S = 0.012
# Steps that take longer together are continued in the next frame.
SLICE_S = 0.007

# Draws on a painter and on the array u4[height, width] beneath it; yields wherever it may be interrupted.
Draw = Callable[[QPainter, np.ndarray], Iterator[None]]


class StillPicture:
    """Holds a finished picture with the view it was made for, and makes the next one beside it.

    Attributes:
        cost_s: what the last picture took.
    """

    def __init__(self) -> None:
        self.cost_s = 0.0
        self._raster: RasterPicture | None = None
        self._next: RasterPicture | None = None
        self._view = self._next_view = (0.0, 0.0, 1.0)  # x, y, scale
        self._steps: Iterator[None] | None = None
        self._spent_s = 0.0
        self._due_s = 0.0

    def fits(self, size: QSize, ratio: float) -> bool:
        """Tell whether there is a picture of this size."""
        return self._raster is not None and self._raster.fits(size, ratio)

    def is_of(self, view: Viewport) -> bool:
        """Tell whether the finished picture was made for this view."""
        return self._view == (view.x, view.y, view.scale)

    @property
    def is_begun(self) -> bool:
        """Whether the next picture is being made."""
        return self._steps is not None

    def begin(self, size: QSize, ratio: float, view: Viewport, ground: str, draw: Draw) -> None:
        """Begin the next picture; one that was begun already is dropped."""
        self._steps = None  # which ends its painter
        if self._next is None or not self._next.fits(size, ratio):
            self._next = RasterPicture(size, ratio)
        self._next.fill(ground)
        self._next_view = view.x, view.y, view.scale
        self._steps, self._spent_s = _on(self._next, draw), 0.0

    def go_on(self, slice_s: float = math.inf) -> bool:
        """Work on the picture that was begun, for about so long; returns True when it is finished."""
        begin_s = time.perf_counter()
        while self._steps is not None:
            if next(self._steps, False) is False:
                self._steps = None
            elif time.perf_counter() - begin_s > slice_s:
                break
        end_s = time.perf_counter()
        self._spent_s += end_s - begin_s
        if self._steps is not None:
            return False
        self._raster, self._next = self._next, self._raster
        self._view, self.cost_s = self._next_view, self._spent_s
        self._due_s = end_s + self.cost_s
        return True

    def wait_s(self) -> float:
        """Return how long this picture is to stand in for the next one, 0 when that is due."""
        return 0.0 if self.cost_s <= LIGHT_S else max(0.0, self._due_s - time.perf_counter())

    def show(self, painter: QPainter, view: Viewport, ground: str) -> None:
        """Draw the picture; when the view has changed since, moved and scaled to where its parts are now."""
        if self._raster is None:
            return
        x, y, scale = self._view
        if (x, y, scale) == (view.x, view.y, view.scale):
            painter.drawImage(0, 0, self._raster.image)
            return
        larger = view.scale / scale
        width_px, height_px = view.width_px * larger, view.height_px * larger
        left_px = view.width_px / 2 + (x - view.x) * view.scale - width_px / 2
        top_px = view.height_px / 2 + (y - view.y) * view.scale - height_px / 2
        painter.fillRect(QRectF(0, 0, view.width_px, view.height_px), QColor(ground))
        painter.drawImage(QRectF(left_px, top_px, width_px, height_px), self._raster.image)


def _on(raster: RasterPicture, draw: Draw) -> Iterator[None]:
    with QPainter(raster.image) as painter:
        yield from draw(painter, raster.pixels)
