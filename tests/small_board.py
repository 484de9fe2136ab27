"""A board of three parts for tests: two on top, one below, one net, one hole."""

from __future__ import annotations

import numpy as np

from dockscope.core.board import Board, Pad, Part

PAD = Pad("1", "GND", -1.0, 0.0, 0.5, 0.5)


def part(ref: str, x: float, y: float, layer: int = 0) -> Part:
    return Part(ref, "", "", x, y, 0.0, layer, 4.0, 2.0, (PAD,))


SQUARE = np.array([(0.0, 0.0), (40.0, 0.0), (40.0, 30.0), (0.0, 30.0)])
BOARD = Board(
    "three",
    (part("U1", 10, 10), part("R1", 20, 10), part("R2", 20, 10, layer=1)),
    (SQUARE,),
    (SQUARE / 10 + 1,),
    (("GND", ((2, 0), (0, 0), (1, 0))),),
)
