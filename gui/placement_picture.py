"""What a placement picture is made from."""

from __future__ import annotations

from dataclasses import dataclass

from .placement_frame import FrameShapes
from .placement_shapes import SceneShapes
from .placement_style import PlacementColors, Switches
from .placement_viewport import Viewport


@dataclass(frozen=True, eq=False)
class Picture:
    """What is to be drawn. ``frame`` is None before the first; ``selected`` is an index of a part."""

    shapes: SceneShapes
    frame: FrameShapes | None
    view: Viewport
    colors: PlacementColors
    switches: Switches
    selected: int | None = None
