"""Plane geometry of boards: y points down, a positive angle turns clockwise on screen. Lengths are in board units."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]

_CHORD_ERROR = 0.01
_MAX_STEP = math.pi / 16
_MAX_CHORDS = 512


def turn(points: ArrayLike, degrees: float) -> Points:
    """Turn points about the origin, clockwise on screen.

    Args:
        points: f8[…, 2].
        degrees: angle; multiples of 90 are exact.

    Returns:
        f8[…, 2].
    """
    points = np.asarray(points, dtype=float)
    cosine, sine = unit(degrees)
    x, y = points[..., 0], points[..., 1]
    return np.stack((x * cosine - y * sine, x * sine + y * cosine), axis=-1)


def unit(degrees: float) -> tuple[float, float]:
    """Return cosine and sine of an angle; exact at multiples of 90 degrees."""
    quarters, rest = divmod(degrees % 360.0, 90.0)
    if rest == 0.0:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(quarters) % 4]
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


def box_of(points: ArrayLike) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom of f8[k, 2] points, k ≥ 1."""
    points = np.asarray(points, dtype=float)
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def corners(width: float, height: float) -> Points:
    """Return the four corners f8[4, 2] of a box centred at the origin."""
    return np.array([(-width, -height), (width, -height), (width, height), (-width, height)]) / 2.0


def arc_about(centre: ArrayLike, start: ArrayLike, degrees: float) -> Points:
    """Return points along an arc, both ends included.

    Args:
        centre: x, y.
        start: x, y of its beginning.
        degrees: how far it turns, clockwise on screen, negative for the other way.

    Returns:
        f8[k, 2]; the chords stay within 0.01 units of the arc.
    """
    origin = np.asarray(centre, dtype=float)
    arm = np.asarray(start, dtype=float) - origin
    angles = np.linspace(0.0, math.radians(degrees), _chords(float(np.hypot(*arm)), math.radians(degrees)) + 1)
    cosine, sine = np.cos(angles), np.sin(angles)
    return origin + np.stack((arm[0] * cosine - arm[1] * sine, arm[0] * sine + arm[1] * cosine), axis=-1)


def arc_through(start: ArrayLike, middle: ArrayLike, end: ArrayLike) -> Points:
    """Return points f8[k, 2] along the arc from start through middle to end; the three when they are in line."""
    a, b, c = (np.asarray(point, dtype=float) for point in (start, middle, end))
    first, second = b - a, c - a
    cross = 2.0 * (first[0] * second[1] - first[1] * second[0])
    span = float(np.hypot(*second)) + float(np.hypot(*first))
    if abs(cross) <= 1e-9 * span * span:
        return np.stack((a, b, c))
    # Circumcentre of the triangle a, b, c, relative to a.
    square_1, square_2 = float(first @ first), float(second @ second)
    offset = np.array([second[1] * square_1 - first[1] * square_2, first[0] * square_2 - second[0] * square_1]) / cross
    centre = a + offset
    begin = math.atan2(a[1] - centre[1], a[0] - centre[0])
    sweep = (math.atan2(c[1] - centre[1], c[0] - centre[0]) - begin) % math.tau
    through = (math.atan2(b[1] - centre[1], b[0] - centre[0]) - begin) % math.tau
    points = arc_about(centre, a, math.degrees(sweep if through <= sweep else sweep - math.tau))
    points[-1] = c
    return points


def circle(centre: ArrayLike, radius: float) -> Points:
    """Return a closed polygon f8[k, 2] for a circle, first point not repeated."""
    origin = np.asarray(centre, dtype=float)
    return arc_about(origin, (origin[0] + radius, origin[1]), 360.0)[:-1]


def bezier(control: ArrayLike, chords: int = 32) -> Points:
    """Return points f8[chords + 1, 2] along the cubic Bézier curve of four control points f8[4, 2]."""
    p = np.asarray(control, dtype=float)
    t = np.linspace(0.0, 1.0, chords + 1)[:, None]
    s = 1.0 - t
    return s**3 * p[0] + 3 * s**2 * t * p[1] + 3 * s * t**2 * p[2] + t**3 * p[3]


def area(polygon: Points) -> float:
    """Return the area enclosed by a polygon f8[k, 2] (shoelace formula)."""
    x, y = polygon[:, 0], polygon[:, 1]
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2.0


def contains(polygon: Points, points: ArrayLike) -> NDArray[np.bool_]:
    """Tell which points lie inside a polygon (even-odd rule).

    Args:
        polygon: f8[k, 2].
        points: f8[…, 2].

    Returns:
        bool[…]. A point on the edge may come out either way.
    """
    points = np.asarray(points, dtype=float)
    x, y = points[..., 0], points[..., 1]
    x1, y1 = polygon.T
    x2, y2 = np.roll(polygon, -1, axis=0).T
    with np.errstate(divide="ignore", invalid="ignore"):  # a level edge is crossed by no level line
        slope = (x2 - x1) / (y2 - y1)
        if x.size < len(polygon):
            crossed = [((y1 > b) != (y2 > b)) & (a < x1 + (b - y1) * slope) for a, b in points.reshape(-1, 2)]
            return np.array([np.count_nonzero(edges) % 2 == 1 for edges in crossed], dtype=bool).reshape(x.shape)
        inside = np.zeros(x.shape, dtype=bool)
        for edge in np.flatnonzero(y1 != y2):
            crosses = (y1[edge] > y) != (y2[edge] > y)
            inside ^= crosses & (x < x1[edge] + (y - y1[edge]) * slope[edge])
    return inside


def fill(polygon: Points, xs: Points, ys: Points) -> NDArray[np.bool_]:
    """Tell which points of a grid lie inside a polygon (even-odd rule), row by row.

    Args:
        polygon: f8[k, 2].
        xs: f8[c], ascending.
        ys: f8[r], ascending.

    Returns:
        bool[r, c].
    """
    # Every edge turns over all points left of where it crosses their row: count the turns at their right end.
    turns = np.zeros((len(ys), len(xs) + 1), dtype=np.int32)
    ends = np.roll(polygon, -1, axis=0)
    low, high = np.minimum(polygon[:, 1], ends[:, 1]), np.maximum(polygon[:, 1], ends[:, 1])
    first, last = np.searchsorted(ys, low, "left"), np.searchsorted(ys, high, "left")
    for edge in np.flatnonzero(last > first):
        (x1, y1), (x2, y2) = polygon[edge], ends[edge]
        rows = np.arange(first[edge], last[edge])
        turns[rows, np.searchsorted(xs, x1 + (ys[rows] - y1) * ((x2 - x1) / (y2 - y1)), "left")] += 1
    after = np.cumsum(turns[:, ::-1], axis=1)[:, ::-1]
    return after[:, 1:] % 2 == 1


def _chords(radius: float, sweep: float) -> int:
    if radius <= _CHORD_ERROR:
        return 4
    step = min(2.0 * math.acos(1.0 - _CHORD_ERROR / radius), _MAX_STEP)
    return min(max(math.ceil(abs(sweep) / step), 2), _MAX_CHORDS)
