"""What the captured frames of a board have in common, and what is worked out from where its parts stand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ..board import TOP, Board
from ..box_overlaps import half_extents, overlapping_boxes
from ..geometry import Points, box_of

OUTLINE_MARGIN_MM = 5.0  # readers of the page take it off again to get the board
PARTS_MARGIN_MM = 10.0

Connection = tuple[str, str, str]


class BoardFigures:
    """The fixed part of a placement.

    Args:
        board: whose parts are placed.

    Attributes:
        refs: names of the n parts. start: f8[n, 3] x, y, degrees in the board.
        modules: group by part. connections: (part, part, net) along each net, its parts in order of their names.
    """

    def __init__(self, board: Board) -> None:
        parts = board.parts
        self._board = board
        self.refs = tuple(part.ref for part in parts)
        self.start = np.array([(part.x, part.y, part.degrees) for part in parts], dtype=float).reshape(-1, 3)
        self.modules = dict(zip(self.refs, board.part_modules(), strict=True))
        self._index = {ref: index for index, ref in enumerate(self.refs)}
        self._size = np.array([(part.width, part.height) for part in parts], dtype=float).reshape(-1, 2)
        through = np.array([part.through for part in parts], dtype=bool)
        top = np.array([part.layer == TOP for part in parts], dtype=bool)
        self._top, self._bottom = top | through, ~top | through
        self.connections = _connections(board)
        ends = [(self._index[a], self._index[b]) for a, b, _ in self.connections]
        self._ends = np.array(ends, dtype=np.intp).reshape(-1, 2)

    def position(self, components: Any, before: np.ndarray) -> np.ndarray:
        """Return f8[n, 3] where parts are.

        Args:
            components: (x, y, degrees) by part, of those that moved at least; None when all are where they were.
            before: f8[n, 3] where they were.

        Raises:
            ValueError: a part is not on the board, or its place is not three numbers.
        """
        position = before.copy()
        for ref, place in (components or {}).items():
            if ref not in self._index:
                raise ValueError(f"components: {ref!r} is no part of the board")
            if len(place) < 3:
                raise ValueError(f"components: {ref!r} needs x, y and degrees, not {place!r}")
            position[self._index[ref]] = place[:3]
        return position

    def overlaps(self, position: np.ndarray) -> list[tuple[str, str]]:
        """Return the pairs of parts on the same side that overlap."""
        half = half_extents(self._size, position[:, 2])
        i, j, _ = overlapping_boxes(position[:, :2], half)
        same_side = (self._top[i] & self._top[j]) | (self._bottom[i] & self._bottom[j])
        pairs = np.sort(np.stack((i[same_side], j[same_side]), axis=1), axis=1)
        return [(self.refs[a], self.refs[b]) for a, b in sorted(map(tuple, pairs.tolist()))]

    def wire_length(self, position: np.ndarray) -> float:
        """Return the sum of the lengths of all connections, centre to centre, mm."""
        way = position[self._ends[:, 0], :2] - position[self._ends[:, 1], :2]
        return float(np.hypot(way[:, 0], way[:, 1]).sum())

    def static_props(self) -> dict[str, dict[str, Any]]:
        """Return width, height and pads ``[x, y, width, height, degrees, net]`` of each part, relative to it."""
        return {
            part.ref: {
                "width": part.width,
                "height": part.height,
                "pads": [[pad.x, pad.y, pad.width, pad.height, pad.degrees, pad.net] for pad in part.pads],
            }
            for part in self._board.parts
        }

    def page_data(self) -> dict[str, Any]:
        """Return what viewers know of the board besides the frames, by the names that it has in their pages."""
        board = self._board
        outline = None
        if board.outlines:
            polygon, *others = board.outlines
            # The form has one polygon only; further boards of a panel are drawn like holes.
            outline = {"polygon": polygon.tolist(), "holes": [hole.tolist() for hole in (*others, *board.holes)]}
        return {
            "boardBounds": self.bounds(),
            "boardOutline": outline,
            "moduleColors": {},
            "staticProps": self.static_props(),
            "componentLayers": {part.ref: "top" if part.layer == TOP else "bottom" for part in board.parts},
        }

    def bounds(self) -> dict[str, float]:
        """Return minX, minY, maxX, maxY of the board with a margin, or of its parts when it has no outline."""
        points: Points = np.zeros((1, 2))
        margin = PARTS_MARGIN_MM
        if self._board.outlines:
            points, margin = np.concatenate(self._board.outlines), OUTLINE_MARGIN_MM
        elif self.refs:
            half = half_extents(self._size, self.start[:, 2])
            points = np.concatenate((self.start[:, :2] - half, self.start[:, :2] + half))
        left, top, right, bottom = box_of(points)
        return {"minX": left - margin, "minY": top - margin, "maxX": right + margin, "maxY": bottom + margin}


def _connections(board: Board) -> list[Connection]:
    found = []
    for name, pins in board.nets:
        refs = sorted({board.parts[part].ref for part, _ in pins})
        found += [(a, b, name) for a, b in pairwise(refs)]
    return found
