"""Boards with many coloured parts, and frames in which all of them have moved and turned."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import numpy as np

from dockscope.core.messages import PlacementFrame, PlacementScene

COLORS = ("#4e79a7", "#f28e2b", "#59a14f", "#76b7b2", "#edc948", "#b07aa1", "#9c755f", "#bab0ac")
PITCH_MM = 3.0


def board(parts: int) -> PlacementScene:
    """Return a square board for so many parts of 1 to 3 mm in eight colours."""
    side = PITCH_MM * parts**0.5
    size = np.random.default_rng(1).uniform(1.0, 3.0, (parts, 2)).astype("<f4")
    outline = np.array([(0, 0), (side, 0), (side, side), (0, side)], "<f8")
    modules = tuple((f"module {index}", color) for index, color in enumerate(COLORS))
    return PlacementScene(
        refs=tuple(f"U{index}" for index in range(parts)), size=size, scene=1, outlines=(outline,), modules=modules
    )


def frames(scene: PlacementScene) -> Iterator[PlacementFrame]:
    """Yield frames without end; every part moves and turns in each."""
    random, parts = np.random.default_rng(2), len(scene.refs)
    module = np.arange(parts).astype("<u2") % len(COLORS)
    side = PITCH_MM * parts**0.5
    position = random.uniform(0, side, (parts, 3)).astype("<f4")
    for index in count():
        position = position + random.normal(0.0, 0.2, position.shape).astype("<f4")
        position[:, 2] += 3.0
        yield PlacementFrame(position=position, scene=1, index=index, module=module)
