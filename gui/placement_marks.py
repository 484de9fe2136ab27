"""What lies over the parts of a placement: nets, overlaps, forces; of more than there is time for an honest choice."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtGui import QColor, QPainter, QPen

from .batched_shapes import draw_lines, draw_rects
from .placement_frame import FrameShapes
from .placement_geometry import arrows, meets, shared_boxes
from .placement_picture import Picture
from .placement_style import FORCE_KINDS
from .placement_viewport import Viewport
from .raster_fill import stamp_boxes
from .raster_picture import rgb32

# Of ratsnest lines together, about 3 ms.
MAX_NET_LINES = 12_000
MAX_NET_PX = 700_000
MAX_SMOOTH = 300  # antialiasing costs several times as much
MAX_FRAMED, MAX_DOTS = 2_000, 20_000  # overlap marks; beyond the first they are dots
MAX_CALM_ARROWS = 1_500

ARROW_SHARE, ARROW_PX = 0.05, (14.0, 34.0)  # of the smaller side of the view, and within these
LONGEST_ARROW, SHORTEST_ARROW_PX, ARROW_HEAD_PX = 2.5, 3.0, 5.0
CALM_FROM = 0.25  # of a normal arrow: shorter ones are left out where the forces of all parts are drawn
LEAST_MARK_PX = 3.0  # of an overlap's sides
MARK_ALPHA = 60


def draw_ratsnest(painter: QPainter, picture: Picture, frame: FrameShapes, in_view: np.ndarray) -> bool:
    """Draw the nets; of more than can be drawn in a frame an even choice. Return whether all are there.

    Args:
        in_view: bool[n], parts that can be seen.
    """
    faint = picture.selected is not None
    painter.setPen(QPen(QColor(picture.colors.net_faint if faint else picture.colors.net), 0))
    lines, is_all = frame.ratsnest_in(in_view)
    lines = visible_lines(picture.view, lines)
    longest_px = picture.view.width_px + picture.view.height_px
    length_px = np.minimum(np.abs(lines[:, 2] - lines[:, 0]) + np.abs(lines[:, 3] - lines[:, 1]), longest_px)
    every = max(1, math.ceil(float(length_px.sum()) / MAX_NET_PX), math.ceil(len(lines) / MAX_NET_LINES))
    draw_lines(painter, lines[::every])
    return is_all and every == 1


def visible_lines(view: Viewport, lines: np.ndarray) -> np.ndarray:
    """Return those of the scene's lines f8[e, 4] that may cross the view, in pixels."""
    ends = lines.reshape(-1, 2, 2)
    bounds = np.concatenate([np.minimum(ends[:, 0], ends[:, 1]), np.maximum(ends[:, 0], ends[:, 1])], axis=1)
    return view.to_screen(ends[meets(bounds, view.window())]).reshape(-1, 4)


def draw_overlaps(
    painter: QPainter, pixels: np.ndarray, picture: Picture, frame: FrameShapes, in_view: np.ndarray
) -> bool:
    """Fill and frame what two parts share; parts themselves stay as they are, or nothing else could be seen.

    Very many are dots, and of too many an even choice. Return whether all are there.

    Args:
        pixels: the memory that the painter draws on. in_view: bool[n], parts that can be seen.
    """
    pairs = frame.overlaps
    pairs = pairs[in_view[pairs[:, 0]] | in_view[pairs[:, 1]]]
    if not len(pairs):
        return True
    middle, size = shared_boxes(frame.bounds, pairs[:: math.ceil(len(pairs) / MAX_DOTS)])
    if len(pairs) > MAX_FRAMED:
        ratio = painter.device().devicePixelRatioF()
        middle_px = picture.view.to_screen(middle) * ratio
        half_px = np.full(middle.shape, LEAST_MARK_PX / 2, np.float32)
        stamp_boxes(pixels, middle_px, half_px, np.array([rgb32(picture.colors.overlap_frame)], np.uint32))
        return len(pairs) <= MAX_DOTS
    size = np.maximum(np.round(size * picture.view.scale), LEAST_MARK_PX)
    corner = np.round(picture.view.to_screen(middle) - size / 2)
    color = QColor(picture.colors.overlap)
    painter.save()
    painter.setPen(QPen(QColor(picture.colors.overlap_frame), 0))
    if len(pairs) <= MAX_SMOOTH:
        color.setAlpha(MARK_ALPHA)
        painter.setBrush(color)
    draw_rects(painter, np.concatenate([corner, size], axis=1))
    painter.restore()
    return True


def draw_forces(
    painter: QPainter, picture: Picture, frame: FrameShapes, parts: np.ndarray, *, calm: bool = False
) -> bool:
    """Draw the forces on the parts that ``parts`` (bool[n]) has; lengths are relative to the frame's strong ones.

    Args:
        calm: draw only those that are not weak, and of very many the strongest, in colours that leave the parts
            readable.

    Returns:
        Whether all that are not weak are there.
    """
    owner, vector, kind = frame.forces
    if not frame.typical_force > 0:
        return True
    view = picture.view
    normal_px = min(max(min(view.width_px, view.height_px) * ARROW_SHARE, ARROW_PX[0]), ARROW_PX[1])
    length = np.hypot(vector[:, 0], vector[:, 1]) * np.float32(normal_px / frame.typical_force)
    shown = np.flatnonzero(length >= max(SHORTEST_ARROW_PX, CALM_FROM * normal_px * calm))
    shown = shown[parts[owner[shown]]]
    is_all = not calm or len(shown) <= MAX_CALM_ARROWS
    if not is_all:
        shown = shown[np.argpartition(-length[shown], MAX_CALM_ARROWS)[:MAX_CALM_ARROWS]]
    start = view.to_screen(frame.position[owner[shown], :2])
    shortened = np.minimum(LONGEST_ARROW * normal_px / length[shown], 1.0) * (normal_px / frame.typical_force)
    arrow_px, kind = vector[shown] * shortened[:, None], kind[shown]
    colors = picture.colors.forces_calm if calm else picture.colors.forces
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, len(arrow_px) <= 2 * MAX_SMOOTH)
    for number in range(len(FORCE_KINDS)):
        mine = kind == number
        painter.setPen(QPen(QColor(colors[number]), 0))
        draw_lines(painter, arrows(start[mine], arrow_px[mine], ARROW_HEAD_PX))
    painter.restore()
    return is_all
