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
HATCH_PX = 8.0


def usable_positions(position: np.ndarray) -> np.ndarray:
    """Tell which parts can be drawn.

    Args:
        position: f4[n, 3] x, y, degrees.

    Returns:
        bool[n]; False where a value is not finite or out of any range.
    """
    if position.size and max(float(position.max()), -float(position.min())) < MAX_COORDINATE:
        return np.ones(len(position), dtype=bool)  # NaN would be the maximum, and is not below anything
    sound = np.abs(position) < MAX_COORDINATE
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
    half = half_extents(position[:, 2], size)
    return np.concatenate([position[:, :2] - half, position[:, :2] + half], axis=1)


def half_extents(degrees: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return half of width and height f4[n, 2] of the boxes around rotated boxes.

    Args:
        degrees: f4[n]. size: f4[n, 2] width, height of the unrotated boxes.
    """
    angle = degrees * np.float32(np.pi / 180)
    sine, cosine = np.abs(np.sin(angle)), np.abs(np.cos(angle))
    half = np.empty((len(degrees), 2), dtype=np.float32)
    half[:, 0] = (size[:, 0] * cosine + size[:, 1] * sine) / 2
    half[:, 1] = (size[:, 0] * sine + size[:, 1] * cosine) / 2
    return half


def meets(bounds: np.ndarray, window: tuple[float, float, float, float]) -> np.ndarray:
    """Tell which boxes (left, top, right, bottom) touch the window, bool[n]; NaN never does."""
    left, top, right, bottom = window
    return (bounds[:, 2] >= left) & (bounds[:, 0] <= right) & (bounds[:, 3] >= top) & (bounds[:, 1] <= bottom)


def near(position: np.ndarray, reach: np.ndarray, window: tuple[float, float, float, float]) -> np.ndarray:
    """Tell which parts may touch the window (left, top, right, bottom), bool[n]; NaN never does.

    Args:
        position: f4[n, 3]. reach: f4[n], half of each part's diagonal.
    """
    left, top, right, bottom = window
    x, y = position[:, 0], position[:, 1]
    return (x + reach >= left) & (x - reach <= right) & (y + reach >= top) & (y - reach <= bottom)


def hit(position: np.ndarray, size: np.ndarray, reach: np.ndarray, x: float, y: float, margin: float) -> np.ndarray:
    """Return the indices of the boxes that contain a point.

    Args:
        position: f4[n, 3]. size: f8[n, 2]. reach: f4[n], half of each box's diagonal. x, y: the point.
        margin: every box is taken at least this far around its centre, so that a speck can be hit.
    """
    close = np.flatnonzero(near(position, reach, (x - margin, y - margin, x + margin, y + margin)))
    dx, dy = x - position[close, 0], y - position[close, 1]
    angle = np.deg2rad(position[close, 2])
    sine, cosine = np.sin(angle), np.cos(angle)
    along, across = np.abs(dx * cosine + dy * sine), np.abs(dy * cosine - dx * sine)
    half = np.maximum(size[close] / 2, margin)
    return close[(along <= half[:, 0]) & (across <= half[:, 1])]


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


def hatch_lines(position: np.ndarray, size: np.ndarray, window: tuple[float, float, float, float]) -> np.ndarray:
    """Return the lines f8[k, 4] of a diagonal hatch that is the same for the whole picture, clipped to rotated boxes.

    QPainter's own hatched brush takes three to five times as long as filling.

    Args:
        position: f8[n, 3] x, y in pixels, degrees. size: f8[n, 2] in pixels. window: what can be seen, in pixels.
    """
    angle = np.deg2rad(position[:, 2])
    axes = np.stack([np.cos(angle), np.sin(angle)], axis=1), np.stack([-np.sin(angle), np.cos(angle)], axis=1)
    # The lines x + y = HATCH_PX · i meet a box between its least and its largest x + y.
    reach = sum(np.abs(axis.sum(axis=1)) * size[:, side] / 2 for side, axis in enumerate(axes))
    middle = position[:, 0] + position[:, 1]
    first = np.ceil(np.maximum(middle - reach, window[0] + window[1]) / HATCH_PX)
    last = np.floor(np.minimum(middle + reach, window[2] + window[3]) / HATCH_PX)
    number = np.maximum(last - first + 1, 0).astype(np.intp)
    box = np.repeat(np.arange(len(position)), number)
    line = np.arange(len(box)) - np.repeat(np.cumsum(number) - number, number) + np.repeat(first, number)
    foot = (line * HATCH_PX / 2)[:, None] - position[box, :2]  # its nearest point to the origin, from the box's middle
    begin, end = np.full(len(box), -np.inf), np.full(len(box), np.inf)
    for side, axis in enumerate(axes):
        slope = axis[:, 0] - axis[:, 1]  # of a step of (1, -1) along the line
        slope = np.where(np.abs(slope) < 1e-9, 1e-9, slope)[box]
        at, half = (foot * axis[box]).sum(axis=1), size[box, side] / 2
        begin = np.maximum(begin, -at / slope - half / np.abs(slope))
        end = np.minimum(end, -at / slope + half / np.abs(slope))
    inside = begin < end
    start = foot + position[box, :2]
    step = np.array([1.0, -1.0])
    lines = np.concatenate([start + begin[:, None] * step, start + end[:, None] * step], axis=1)
    return lines[inside]


def outline_lines(polygons: np.ndarray) -> np.ndarray:
    """Return the edges of closed polygons f8[n, k, 2] as lines f8[n k, 4]."""
    return np.concatenate([polygons, np.roll(polygons, -1, axis=1)], axis=2).reshape(-1, 4)


def shared_boxes(bounds: np.ndarray, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return middle and size, f4[j, 2] each, of what two bounding boxes share; the size is 0 where that is nothing.

    Args:
        bounds: f4[n, 4] boxes. pairs: int[j, 2] indices into them.
    """
    a, b = bounds.take(pairs[:, 0], 0), bounds.take(pairs[:, 1], 0)
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    return (low + high) / 2, np.maximum(high - low, 0.0)
