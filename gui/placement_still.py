"""The last picture of a placement, moved and scaled while there is no time for a new one."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter

from .placement_viewport import Viewport
from .raster_picture import RasterPicture

# A picture that took longer stands in for the next ones, for as long as it took: half of the time is left for all else.
LIGHT_S = 0.012


class StillPicture:
    """Holds a picture and the view it was made for.

    Attributes:
        cost_s: what the last picture took.
    """

    def __init__(self) -> None:
        self.cost_s = 0.0
        self._raster: RasterPicture | None = None
        self._view = (0.0, 0.0, 1.0)  # x, y, scale
        self._due_s = 0.0

    def fits(self, size: QSize, ratio: float) -> bool:
        """Tell whether there is a picture of this size."""
        return self._raster is not None and self._raster.fits(size, ratio)

    def make(self, size: QSize, ratio: float, view: Viewport, ground: str, draw: Callable[..., None]) -> None:
        """Draw the picture anew.

        Args:
            draw: called with a painter and the array u4[height, width] that it draws on.
        """
        begin_s = time.perf_counter()
        if self._raster is None or not self._raster.fits(size, ratio):
            self._raster = RasterPicture(size, ratio)
        self._raster.fill(ground)
        with QPainter(self._raster.image) as painter:
            draw(painter, self._raster.pixels)
        self._view = view.x, view.y, view.scale
        end_s = time.perf_counter()
        self.cost_s = end_s - begin_s
        self._due_s = end_s + self.cost_s

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
