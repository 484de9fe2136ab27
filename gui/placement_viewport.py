"""Which part of the scene a placement canvas shows, and how large. Pure numpy."""

from __future__ import annotations

import numpy as np

MAX_ZOOM = 400.0
MIN_ZOOM = 0.05
MARGIN_PX = 14.0
LEAST_BESIDE_LEGEND = 0.9
MIN_EXTENT = 1e-3
# Further out Qt's rasteriser loses its precision; what is clipped lies far outside of any screen.
MAX_SCREEN_PX = 1e6

Box = tuple[float, float, float, float]  # left, top, right, bottom


class Viewport:
    """Scale and centre, and what turns scene coordinates into pixels.

    Until the user zooms or pans (``touched``), it keeps what was fitted in view, whatever its size becomes.
    """

    def __init__(self) -> None:
        self.width_px, self.height_px = 1.0, 1.0
        self.scale = 1.0  # px per scene unit
        self.x, self.y = 0.0, 0.0  # the scene point in the middle
        self.touched = False
        self._fitted: Box | None = None
        self._left_px = 0.0
        self._is_beside = True

    def resize(self, width_px: float, height_px: float) -> None:
        """Take over the canvas' size; the middle stays, or the fit when the user has not zoomed."""
        self.width_px, self.height_px = max(1.0, width_px), max(1.0, height_px)
        if not self.touched and self._fitted is not None:
            self.fit(self._fitted, self._left_px)

    def fit(self, box: Box, left_px: float = 0.0) -> None:
        """Show all of a box.

        Args:
            box: in scene coordinates.
            left_px: keep so much of the left free for a legend, where that costs little of the size.
        """
        self._fitted, self._left_px, self.touched = box, left_px, False
        beside = self._fit_scale(left_px)
        self._is_beside = beside >= self._fit_scale() * LEAST_BESIDE_LEGEND
        self.scale = beside if self._is_beside else self._fit_scale()
        left, top, right, bottom = box
        self.x, self.y = (left + right) / 2, (top + bottom) / 2
        # The board moves out of the legend's way only as far as it must.
        spare_px = max(0.0, self.width_px - (right - left) * self.scale) / 2
        self.x -= max(0.0, min(left_px - spare_px, spare_px - MARGIN_PX)) / self.scale

    @property
    def leaves_left_free(self) -> bool:
        """Nothing of the box that was fitted lies where the legend is."""
        return self._is_beside and not self.touched

    def _fit_scale(self, left_px: float = 0.0) -> float:
        left, top, right, bottom = self._fitted or (0.0, 0.0, 1.0, 1.0)
        return min(
            max(1.0, self.width_px - MARGIN_PX - max(left_px, MARGIN_PX)) / max(right - left, MIN_EXTENT),
            max(1.0, self.height_px - 2 * MARGIN_PX) / max(bottom - top, MIN_EXTENT),
        )

    def zoom(self, factor: float, at_px: tuple[float, float] | None = None) -> None:
        """Enlarge by a factor; the scene point at this pixel stays there."""
        px, py = at_px or (self.width_px / 2, self.height_px / 2)
        x, y = self.to_scene(px, py)
        base = self._fit_scale()
        self.scale = min(max(self.scale * factor, base * MIN_ZOOM), base * MAX_ZOOM)
        self.x = x - (px - self.width_px / 2) / self.scale
        self.y = y - (py - self.height_px / 2) / self.scale
        self.touched = True

    def pan(self, dx_px: float, dy_px: float) -> None:
        """Move the picture by so many pixels; its middle stays near what there is to see."""
        self.x -= dx_px / self.scale
        self.y -= dy_px / self.scale
        self.touched = True
        if self._fitted is not None:
            left, top, right, bottom = self._fitted
            self.x = min(max(self.x, left - (right - left)), right + (right - left))
            self.y = min(max(self.y, top - (bottom - top)), bottom + (bottom - top))

    def show(self, box: Box) -> None:
        """Bring a box into view: move there when it is outside, enlarge when it is a speck."""
        left, top, right, bottom = box
        x0, y0, x1, y1 = self.window()
        if left < x0 or right > x1 or top < y0 or bottom > y1:
            self.x, self.y, self.touched = (left + right) / 2, (top + bottom) / 2, True
        longest_px = max(right - left, bottom - top, MIN_EXTENT) * self.scale
        if longest_px < 24.0:
            self.x, self.y = (left + right) / 2, (top + bottom) / 2
            self.zoom(60.0 / longest_px)

    def to_screen(self, points: np.ndarray) -> np.ndarray:
        """Return pixels f8[…, 2] of scene points f8[…, 2]."""
        middle = np.array([self.width_px / 2 - self.x * self.scale, self.height_px / 2 - self.y * self.scale])
        return np.clip(points * self.scale + middle, -MAX_SCREEN_PX, MAX_SCREEN_PX)

    def placed(self, position: np.ndarray, ratio: float = 1.0) -> np.ndarray:
        """Return x, y in pixels and degrees, f4[n, 3], of positions f4[n, 3]; quick, for very many parts.

        Args:
            ratio: device pixels per pixel.
        """
        scale = self.scale * ratio
        placed = position * np.array([scale, scale, 1.0], dtype=np.float32)
        placed += np.array(
            [ratio * self.width_px / 2 - self.x * scale, ratio * self.height_px / 2 - self.y * scale, 0.0], np.float32
        )
        return placed

    def to_scene(self, x_px: float, y_px: float) -> tuple[float, float]:
        """Return the scene point at a pixel."""
        return self.x + (x_px - self.width_px / 2) / self.scale, self.y + (y_px - self.height_px / 2) / self.scale

    def window(self) -> Box:
        """Return what is visible, in scene coordinates."""
        return *self.to_scene(0.0, 0.0), *self.to_scene(self.width_px, self.height_px)
