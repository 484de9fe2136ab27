"""Geometry of placed parts, vectorised: corners, boxes, culling, hit test, arrows. Pure numpy.

Coordinates are the scene's: y points down, positive degrees turn clockwise on screen.
"""

from __future__ import annotations

import numpy as np

# What lies further out is no place on a board; it is left out instead of reaching Qt's integer rasteriser.
MAX_COORDINATE = 1e7
ROUND_VERTICES = 24
PAD_CORNERS = slice(None, None, ROUND_VERTICES // 4)  # of a rectangle
ARROW_HEAD_RADIANS = 0.45


def usable_positions(position: np.ndarray) -> np.ndarray:
    """Tell which parts can be drawn.

    Args:
        position: f4[n, 3] x, y, degrees.

    Returns:
        bool[n]; False where a value is not finite or out of any range.
    """
    sound = np.abs(position) < MAX_COORDINATE  # NaN is not below anything
    return sound[:, 0] & sound[:, 1] & sound[:, 2]


def rotate(points: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Turn points about the origin.

    Args:
        points: f8[n, k, 2]. degrees: f8[n], positive clockwise on screen.
    """
    angle = np.deg2rad(degrees)[:, None]
    sine, cosine = np.sin(angle), np.cos(angle)
    x, y = points[..., 0], points[..., 1]
    turned = np.empty(points.shape)
    turned[..., 0] = x * cosine - y * sine
    turned[..., 1] = x * sine + y * cosine
    return turned


def corners(position: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return the corners of rotated boxes, f8[n, 4, 2], in the order of drawing.

    Args:
        position: f8[n, 3] x, y, degrees of the centres. size: f8[n, 2] width, height of the unrotated boxes.
    """
    signs = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    return rotate(size[:, None, :] * signs, position[:, 2]) + position[:, None, :2]


def boxes(polygons: np.ndarray) -> np.ndarray:
    """Return the upright bounding boxes f8[n, 4] (left, top, right, bottom) of polygons f8[n, k, 2]."""
    return np.concatenate([polygons.min(axis=1), polygons.max(axis=1)], axis=1)


def upright_boxes(position: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return the bounding boxes f4[n, 4] (left, top, right, bottom) of rotated boxes; quick, for all parts of a frame.

    Args:
        position: f4[n, 3] x, y, degrees of the centres. size: f4[n, 2] width, height of the unrotated boxes.
    """
    angle = position[:, 2] * np.float32(np.pi / 180)
    sine, cosine = np.abs(np.sin(angle)), np.abs(np.cos(angle))
    half = np.empty((len(position), 2), dtype=np.float32)
    half[:, 0] = (size[:, 0] * cosine + size[:, 1] * sine) / 2
    half[:, 1] = (size[:, 0] * sine + size[:, 1] * cosine) / 2
    return np.concatenate([position[:, :2] - half, position[:, :2] + half], axis=1)


def meets(bounds: np.ndarray, window: tuple[float, float, float, float]) -> np.ndarray:
    """Tell which boxes (left, top, right, bottom) touch the window, bool[n]; NaN never does."""
    left, top, right, bottom = window
    return (bounds[:, 2] >= left) & (bounds[:, 0] <= right) & (bounds[:, 3] >= top) & (bounds[:, 1] <= bottom)


def hit(position: np.ndarray, size: np.ndarray, x: float, y: float, margin: float) -> np.ndarray:
    """Return the indices of the boxes that contain a point.

    Args:
        position: f8[n, 3]. size: f8[n, 2]. x, y: the point.
        margin: every box is taken at least this far around its centre, so that a speck can be hit.
    """
    reach = np.hypot(size[:, 0], size[:, 1]) / 2 + margin
    dx, dy = x - position[:, 0], y - position[:, 1]
    near = np.flatnonzero((np.abs(dx) <= reach) & (np.abs(dy) <= reach))
    angle = np.deg2rad(position[near, 2])
    sine, cosine = np.sin(angle), np.cos(angle)
    along = np.abs(dx[near] * cosine + dy[near] * sine)
    across = np.abs(dy[near] * cosine - dx[near] * sine)
    half = np.maximum(size[near] / 2, margin)
    return near[(along <= half[:, 0]) & (across <= half[:, 1])]


def pad_polygons(pads: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Return the outlines of pads relative to their unrotated part, f8[m, ROUND_VERTICES, 2].

    Round and oval pads are stadiums, which a round one is with equal sides; of a rectangle's vertices most coincide.

    Args:
        pads: f8[m, 5] x, y, width, height, degrees. shape: u1[m], 0 rectangle, 1 round, 2 oval.
    """
    turn = (np.arange(ROUND_VERTICES) + 0.5) * (2 * np.pi / ROUND_VERTICES)
    ray = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    half = pads[:, 2:4] / 2
    radius = np.where(shape == 0, 0.0, half.min(axis=1))[:, None]
    core = half - radius
    outline = np.sign(ray)[None] * core[:, None, :] + ray[None] * radius[:, None, :]
    return rotate(outline, pads[:, 4]) + pads[:, None, :2]


def room_through_centre(size: np.ndarray, degrees: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how long a level and an upright line through the middle of rotated boxes can be, f8[n] each.

    Args:
        size: f8[n, 2] width, height. degrees: f8[n].
    """
    angle = np.deg2rad(degrees)
    sine, cosine = np.maximum(np.abs(np.sin(angle)), 1e-9), np.maximum(np.abs(np.cos(angle)), 1e-9)
    level = np.minimum(size[:, 0] / cosine, size[:, 1] / sine)
    upright = np.minimum(size[:, 0] / sine, size[:, 1] / cosine)
    return level, upright


def arrows(start: np.ndarray, vector: np.ndarray, head: float) -> np.ndarray:
    """Return shaft and head of arrows as lines f8[3 k, 4] (x1, y1, x2, y2).

    Args:
        start, vector: f8[k, 2]. head: longest side of a head, never over 40 % of its arrow.
    """
    end = start + vector
    length = np.hypot(vector[:, 0], vector[:, 1])
    side = np.minimum(head, 0.4 * length)
    back = np.arctan2(-vector[:, 1], -vector[:, 0])
    lines = [np.concatenate([start, end], axis=1)]
    for turn in (-ARROW_HEAD_RADIANS, ARROW_HEAD_RADIANS):
        barb = np.stack([np.cos(back + turn), np.sin(back + turn)], axis=1) * side[:, None]
        lines.append(np.concatenate([end, end + barb], axis=1))
    return np.concatenate(lines)


def outline_lines(polygons: np.ndarray) -> np.ndarray:
    """Return the edges of closed polygons f8[n, k, 2] as lines f8[n k, 4]."""
    return np.concatenate([polygons, np.roll(polygons, -1, axis=1)], axis=2).reshape(-1, 4)


def shared_boxes(bounds: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return middle and size, f8[j, 2] each, of what two bounding boxes share; the size is 0 where that is nothing.

    Args:
        bounds: f8[n, 4] boxes. pairs: int[j, 2] indices into them.
    """
    a, b = bounds[pairs[:, 0]], bounds[pairs[:, 1]]
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    return (low + high) / 2, np.maximum(high - low, 0.0)
