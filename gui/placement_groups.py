"""The order and the colours in which parts are drawn."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .placement_frame import FrameShapes
from .placement_shapes import SceneShapes
from .placement_style import PlacementColors
from .raster_picture import rgb32

SIZE_CLASSES, LARGER = 3, 3.0  # times the usual area


class PartGroups:
    """Parts sorted by side, rough size and colour, once per scene, and again only when modules change.

    Large parts come before small ones, which they would hide while parts still lie on each other.

    Attributes:
        order: int[n], the parts in the order of drawing.
        kind: u1[n], index of each part's colour and side into ``lines`` and ``fills``, u4[k] as 0xffRRGGBB.
    """

    def __init__(self) -> None:
        self._shapes: SceneShapes | None = None
        self._colors: PlacementColors | None = None
        self._module = np.empty(0, np.intp)
        self._key = np.empty(0, np.intp)
        self.order = np.empty(0, np.intp)
        self.kind = np.empty(0, np.uint8)
        self.lines = self.fills = np.empty(0, np.uint32)

    def update(self, frame: FrameShapes, colors: PlacementColors) -> None:
        """Sort anew when the frame's parts fall into other groups than before."""
        same = self._shapes is frame.shapes and self._colors is colors
        if same and (self._module is frame.module or np.array_equal(self._module, frame.module)):
            return
        self._shapes, self._colors, self._module = frame.shapes, colors, frame.module
        color = np.asarray(colors.module_color)[frame.module]
        count, bottom = len(colors.modules), frame.shapes.bottom
        self._key = (np.where(bottom, 0, SIZE_CLASSES) + size_class(frame.shapes)) * count + color
        self.order = np.argsort(self._key, kind="stable")
        self.kind = (color + np.where(bottom, count, 0)).astype(np.uint8)
        below = [rgb32(colors.below(module)) for module in colors.modules]
        self.lines = np.array([rgb32(module) for module in colors.modules] + below, dtype=np.uint32)
        self.fills = np.array([rgb32(colors.fill(module)) for module in colors.modules] + below, dtype=np.uint32)

    def split(self, visible: np.ndarray, colors: PlacementColors) -> Iterable[tuple[bool, str, np.ndarray]]:
        """Yield (on the bottom, colour, indices of visible parts), bottom and large first; empty groups are left out.

        Args:
            visible: bool[n].
        """
        parts = self.order[visible[self.order]]
        count = len(colors.modules)
        edges = np.searchsorted(self._key[parts], np.arange(2 * SIZE_CLASSES * count + 1))
        for group in np.flatnonzero(np.diff(edges)):
            yield (
                bool(group < SIZE_CLASSES * count),
                colors.modules[group % count],
                parts[edges[group] : edges[group + 1]],
            )


def size_class(shapes: SceneShapes) -> np.ndarray:
    """Return 0 for parts much larger than usual, 1 for larger ones, 2 for the others, int[n]."""
    area = shapes.long_side * shapes.short_side
    usual = float(np.median(area)) if len(area) else 0.0
    return 2 - (area > LARGER * usual).astype(np.intp) - (area > LARGER**3 * usual).astype(np.intp)
