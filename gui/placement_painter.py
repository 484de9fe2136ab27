"""Draw a placement: board, parts, nets, overlaps, names, forces, each in few calls of Qt or numpy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF

from .placement_frame import FrameShapes
from .placement_groups import PartGroups
from .placement_marks import draw_forces, draw_overlaps, draw_ratsnest
from .placement_names import draw_names
from .placement_parts import draw_parts
from .placement_picture import Picture


class PlacementPainter:
    """Draws pictures; keeps what is equal from frame to frame.

    Attributes:
        notes: what was left out of the last picture, a few words each.
    """

    def __init__(self) -> None:
        self._groups = PartGroups()
        self.notes: tuple[str, ...] = ()

    def steps(self, painter: QPainter, pixels: np.ndarray, picture: Picture, font: QFont) -> Iterator[None]:
        """Draw board, parts, nets and marks; the background is filled by the caller.

        Args:
            painter: draws on the memory of ``pixels`` u4[height, width].

        Yields:
            wherever the work may be interrupted.
        """
        _draw_board(painter, picture)
        frame = picture.frame
        if frame is None:
            self.notes = ()
            return
        switches = picture.switches
        in_view = frame.in_view(picture.view.window())
        visible = visible_parts(picture, frame, in_view)
        self._groups.update(frame, picture.colors)
        yield from draw_parts(painter, pixels, picture, frame, self._groups, visible)
        yield
        notes = []
        if switches.ratsnest and not draw_ratsnest(painter, picture, frame, in_view):
            notes.append("zoom in for all nets")
        yield
        if switches.overlaps and not draw_overlaps(painter, pixels, picture, frame, in_view):
            notes.append("zoom in for all overlaps")
        yield
        if switches.names:
            draw_names(painter, picture, frame, visible, font)
        yield
        if switches.forces and not draw_forces(painter, picture, frame, visible, calm=True):
            notes.append("strongest forces only")
        self.notes = tuple(notes)


def visible_parts(picture: Picture, frame: FrameShapes, in_view: np.ndarray) -> np.ndarray:
    """Return which of the parts in view are on a side that is switched on, bool[n]."""
    if picture.switches.top and picture.switches.bottom:
        return in_view
    bottom = frame.shapes.bottom
    return in_view & ((bottom & picture.switches.bottom) | (~bottom & picture.switches.top))


def _draw_board(painter: QPainter, picture: Picture) -> None:
    path = QPainterPath()
    for polygon in (*picture.shapes.outlines, *picture.shapes.holes):
        path.addPolygon(QPolygonF([QPointF(x, y) for x, y in picture.view.to_screen(polygon)]))
        path.closeSubpath()
    path.setFillRule(Qt.FillRule.OddEvenFill)  # holes stay open
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(picture.colors.edge), 0))
    painter.setBrush(QColor(picture.colors.board))
    painter.drawPath(path)
    painter.restore()
