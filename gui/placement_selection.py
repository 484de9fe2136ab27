"""What marks the part that is selected or under the mouse; drawn over the picture, in few calls."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from .batched_shapes import draw_lines
from .placement_frame import FrameShapes
from .placement_geometry import outline_lines
from .placement_marks import draw_forces, visible_lines
from .placement_picture import Picture

MOST_PARTS_FRAMED = 24  # a net over more parts is a supply, whose parts say nothing


def draw_outlines(painter: QPainter, picture: Picture, frame: FrameShapes, parts: np.ndarray) -> None:
    """Draw a bright outline around these parts."""
    painter.setPen(QPen(QColor(picture.colors.text), 0))
    draw_lines(painter, outline_lines(picture.view.to_screen(frame.corners(parts))))


def draw_selection(painter: QPainter, picture: Picture, frame: FrameShapes, part: int) -> None:
    """Draw the nets of a part, frames around the parts on them, its forces, its way and a thick frame around it."""
    painter.setPen(QPen(QColor(picture.colors.accent), 0))
    draw_lines(painter, visible_lines(picture.view, frame.ratsnest_of(frame.shapes.nets_of(part))))
    related = frame.shapes.neighbours(part, MOST_PARTS_FRAMED)
    draw_outlines(painter, picture, frame, related[frame.usable[related]])
    if not frame.usable[part]:
        return
    _draw_trail(painter, picture, frame, part)
    draw_forces(painter, picture, frame, np.arange(frame.shapes.count) == part)
    _draw_frame(painter, picture, frame, part)


def _draw_frame(painter: QPainter, picture: Picture, frame: FrameShapes, part: int) -> None:
    """Draw lines side by side instead of one thick line, which is many times slower."""
    around = picture.view.to_screen(frame.corners(np.array([part])))[0]
    outwards = np.sign(np.round(around - around.mean(axis=0), 6))
    painter.setPen(QPen(QColor(picture.colors.text), 0))
    draw_lines(painter, outline_lines(np.stack([around + outwards * grow_px for grow_px in (0.0, 1.0, 2.0)])))


def _draw_trail(painter: QPainter, picture: Picture, frame: FrameShapes, part: int) -> None:
    """Draw a dotted line from where the part was in the first frame."""
    movement = frame.frame.movement
    if movement is None or len(movement) != frame.shapes.count or not np.isfinite(movement[part]).all():
        return
    here = frame.position[part, :2].astype(np.float64)
    (x1, y1), (x2, y2) = picture.view.to_screen(np.array([here - movement[part, :2], here]))
    painter.setPen(QPen(QColor(picture.colors.muted), 0, Qt.PenStyle.DotLine))
    painter.drawLine(QPointF(x1, y1), QPointF(x2, y2))
