"""A board as a placement problem: boxes, sides, wires, the area to stand in, and what must stay."""

from __future__ import annotations

import dataclasses
import math
import re

import numpy as np
from numpy.typing import NDArray

from ..board import TOP, Board, Part
from ..box_overlaps import overlapping_boxes
from .region import Region
from .wirelength import Wires

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]

_CONNECTOR = re.compile(r"(J|P|CN|CON|USB|X)\d+", re.IGNORECASE)
_EDGE_MM = 1.5
_ROOMY = 2.5


@dataclasses.dataclass(frozen=True, eq=False)
class Problem:
    """What a placer needs to know.

    Args:
        size: f8[n, 2] width, height of the unrotated parts.
        top, bottom: bool[n], the sides a part takes room on; a part with through pads takes both.
        movable: bool[n].
        given: f8[n, 3] x, y, degrees in the file, in which fixed parts stay.
        wires, region: see there.
    """

    size: Floats
    top: Flags
    bottom: Flags
    movable: Flags
    given: Floats
    wires: Wires
    region: Region

    @classmethod
    def of(cls, board: Board) -> Problem:
        """Return the problem that a board poses.

        Raises:
            ValueError: the board has no parts.
        """
        parts = board.parts
        if not parts:
            raise ValueError(f"{board.name}: the board has no parts to place")
        region = Region(board.outlines, board.holes) if board.outlines else _ample_region(parts)
        through = np.array([part.through for part in parts])
        on_top = np.array([part.layer == TOP for part in parts])
        nets = [
            [(part, parts[part].pads[pad].x, parts[part].pads[pad].y) for part, pad in pins] for _, pins in board.nets
        ]
        return cls(
            size=np.array([(part.width, part.height) for part in parts], dtype=float),
            top=on_top | through,
            bottom=~on_top | through,
            movable=np.array([not _stays(part, region) for part in parts]),
            given=np.array([(part.x, part.y, part.degrees) for part in parts], dtype=float),
            wires=Wires(nets),
            region=region,
        )

    @property
    def count(self) -> int:
        """Return the number of parts."""
        return len(self.size)

    def half(self, cosine: Floats, sine: Floats) -> Floats:
        """Return f8[n, 2], half width and height of the upright boxes around the turned parts."""
        c, s = np.abs(cosine), np.abs(sine)
        w, h = self.size[:, 0], self.size[:, 1]
        return np.stack((w * c + h * s, w * s + h * c), axis=1) / 2.0

    def share_side(self, i: Ints, j: Ints) -> Flags:
        """Tell which pairs of parts stand on the same side of the board."""
        return (self.top[i] & self.top[j]) | (self.bottom[i] & self.bottom[j])


def overlaps(problem: Problem, centre: Floats, half: Floats) -> tuple[Ints, Ints, Floats]:
    """Find the pairs of boxes on the same side that overlap.

    Args:
        problem: tells the sides.
        centre, half: f8[n, 2].

    Returns:
        (i, j, depth f8[k, 2] along x and y, both positive).
    """
    i, j, depth = overlapping_boxes(centre, half)
    hit = problem.share_side(i, j)
    return i[hit], j[hit], depth[hit]


def _stays(part: Part, region: Region) -> bool:
    """Tell whether a part keeps its place: locked, without any net, or a connector at the edge of the board."""
    if part.locked or not any(pad.net for pad in part.pads):
        return True
    if not _CONNECTOR.fullmatch(part.ref):
        return False
    reach = math.hypot(part.width, part.height) / 2 if part.degrees % 90 else 0.0
    upright = (part.width, part.height) if part.degrees % 180 < 45 else (part.height, part.width)
    half = np.maximum(np.array(upright) / 2, reach) + _EDGE_MM
    return not bool(region.holds(np.array([[part.x, part.y]]), half[None, :])[0])


def _ample_region(parts: tuple[Part, ...]) -> Region:
    """Return a square with room enough, for a board that has no outline."""
    side = math.sqrt(_ROOMY * sum(part.width * part.height for part in parts))
    side = max(side, 1.5 * max(max(part.width, part.height) for part in parts))
    x, y = (float(np.mean([getattr(part, axis) for part in parts])) for axis in ("x", "y"))
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * side / 2
    return Region([square + (x, y)])
