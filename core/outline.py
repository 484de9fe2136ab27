"""Turn the drawings of a board's edge into closed outlines and holes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from .geometry import Points, arc_about, arc_through, area, bezier, box_of, circle, contains
from .sexpr import Node

JOIN_MM = 0.02
MAX_PIECES = 100_000
MAX_POINTS = 200_000
MAX_LOOPS = 3_000


class Piece(NamedTuple):
    """A drawn piece of the edge: points f8[k, 2] in drawing order, and the line of the file it stands on."""

    points: Points
    line: int


def shape_points(node: Node) -> Points:
    """Return the points f8[k, 2] of a KiCad drawing (gr_… or fp_…); closed shapes repeat their first point.

    Raises:
        ValueError: the drawing lacks a value, with its line.
    """
    kind = node.name.partition("_")[2]
    if kind == "line":
        return np.array([node.required("start").point(), node.required("end").point()])
    if kind == "arc":
        return _arc(node)
    if kind == "circle":
        return _circle(node)
    if kind == "rect":
        (x1, y1), (x2, y2) = node.required("start").point(), node.required("end").point()
        return np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)])
    points = polyline(node.required("pts"))
    if kind == "curve":
        if len(points) != 4:
            raise node.error(f"needs 4 control points, not {len(points)}")
        return bezier(points)
    return np.concatenate((points, points[:1]))


def polyline(pts: Node) -> Points:
    """Return the points of ``(pts (xy …) (arc …) …)``."""
    runs = [_arc(item) if item.name == "arc" else np.array([item.point()]) for item in pts.children("xy", "arc")]
    if not runs:
        raise pts.error("is empty")
    return np.concatenate(runs)


def _arc(node: Node) -> Points:
    start, end = node.required("start").point(), node.required("end").point()
    middle = node.child("mid")
    if middle is not None:
        return arc_through(start, middle.point(), end)
    # Until KiCad 5: "start" is the centre, "end" the first point, the angle turns clockwise on screen.
    return arc_about(start, end, max(-360.0, min(360.0, node.required("angle").number())))


def _circle(node: Node) -> Points:
    centre = np.array(node.required("center").point())
    radius = float(np.hypot(*(np.array(node.required("end").point()) - centre)))
    ring = circle(centre, radius)
    return np.concatenate((ring, ring[:1]))


def close_loops(pieces: Sequence[Piece]) -> list[Points]:
    """Join pieces end to end into closed polygons f8[k, 2], first point not repeated.

    Raises:
        ValueError: an end meets no other end, with its place and line; or there are more pieces than a board has.
    """
    if len(pieces) > MAX_PIECES or sum(len(piece.points) for piece in pieces) > MAX_POINTS:
        raise ValueError(
            f"line {pieces[0].line}: the board edge has more than {MAX_PIECES} pieces or {MAX_POINTS} points"
        )
    loops: list[Points] = []
    open_pieces: list[Piece] = []
    for piece in pieces:
        if _length(piece.points) <= JOIN_MM:
            continue
        if _near(piece.points[0], piece.points[-1]):
            loops.append(piece.points[:-1])
        else:
            open_pieces.append(piece)
    loops += _chain(open_pieces)
    if len(loops) > MAX_LOOPS:
        raise ValueError(f"the board edge has {len(loops)} closed contours, at most {MAX_LOOPS} are read")
    return [loop for loop in loops if len(loop) > 2 and area(loop) > 0.0]


def split_holes(loops: Iterable[Points]) -> tuple[list[Points], list[Points]]:
    """Sort closed polygons into outlines and holes.

    A polygon inside an odd number of others is a hole, inside an even number an outline of its own.

    Returns:
        (outlines, holes), each the largest first.
    """
    ordered = sorted(loops, key=area, reverse=True)
    boxes = [box_of(loop) for loop in ordered]
    outlines: list[Points] = []
    holes: list[Points] = []
    for index, loop in enumerate(ordered):
        left, top, right, bottom = boxes[index]
        around = (
            other
            for other, box in zip(ordered[:index], boxes[:index], strict=True)
            if box[0] <= left and box[1] <= top and box[2] >= right and box[3] >= bottom
        )
        depth = sum(bool(contains(other, loop[0])) for other in around)
        (holes if depth % 2 else outlines).append(loop)
    return outlines, holes


def _length(points: Points) -> float:
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def _near(a: Points, b: Points) -> bool:
    return bool(np.hypot(*(a - b)) <= JOIN_MM)


class _Ends:
    """The free ends of open pieces, found by place: cells twice as wide as the joining distance."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._cells: defaultdict[tuple[int, int], list[tuple[int, bool]]] = defaultdict(list)
        for index, piece in enumerate(pieces):
            self._cells[self._cell(piece.points[0])].append((index, False))
            self._cells[self._cell(piece.points[-1])].append((index, True))

    @staticmethod
    def _cell(point: Points) -> tuple[int, int]:
        return int(point[0] // (2 * JOIN_MM)), int(point[1] // (2 * JOIN_MM))

    def take_nearest(self, point: Points, used: set[int]) -> Points | None:
        """Return the unused piece that starts or ends at ``point``, turned to start there, and mark it used."""
        column, row = self._cell(point)
        best: tuple[float, int, bool] | None = None
        for cell in ((column + i, row + j) for i in (-1, 0, 1) for j in (-1, 0, 1)):
            for index, last in self._cells.get(cell, ()):
                if index not in used:
                    end = self._pieces[index].points[-1 if last else 0]
                    distance = float(np.hypot(*(end - point)))
                    if distance <= JOIN_MM and (best is None or distance < best[0]):
                        best = (distance, index, last)
        if best is None:
            return None
        used.add(best[1])
        points = self._pieces[best[1]].points
        return points[::-1] if best[2] else points


def _chain(pieces: Sequence[Piece]) -> list[Points]:
    ends = _Ends(pieces)
    used: set[int] = set()
    loops: list[Points] = []
    for index, piece in enumerate(pieces):
        if index in used:
            continue
        used.add(index)
        runs = [piece.points]
        while not _near(runs[-1][-1], runs[0][0]):
            following = ends.take_nearest(runs[-1][-1], used)
            if following is None:
                x, y = runs[-1][-1]
                raise ValueError(f"line {piece.line}: the board edge is open at x {x:.3f}, y {y:.3f}")
            runs.append(following[1:])
        loops.append(np.concatenate(runs)[:-1])
    return loops
