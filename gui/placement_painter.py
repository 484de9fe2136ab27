"""Draw a placement: one call of Qt per layer and colour, and less detail the more parts are visible."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF

from .batched_shapes import draw_lines, draw_rects, polygons_path
from .placement_geometry import PAD_CORNERS, arrows, meets, outline_lines, shared_boxes
from .placement_names import draw_names
from .placement_picture import Picture
from .placement_shapes import FrameShapes, SceneShapes
from .placement_style import FORCE_KINDS, PlacementColors
from .placement_viewport import Viewport

# Measured for 16 ms per frame: filled polygons up to the first, outlines up to the second, upright boxes above.
MAX_FILLED = 15_000
MAX_OUTLINED = 30_000
MAX_FILLED_AND_OUTLINED = 6_000
MAX_PADS = 8_000
MAX_LINES = 30_000
MAX_PINS = 60_000
MAX_NET_PX = 1_000_000  # of ratsnest lines together, about 5 ms
MAX_CALM_ARROWS = 3_000
MAX_SMOOTH = 300  # antialiasing costs several times as much

SIZE_CLASSES, LARGER = 3, 3.0  # times the usual area

PAD_FROM_PX = 4.0
ARROW_SHARE, ARROW_PX = 0.05, (14.0, 34.0)  # of the smaller side of the view, and within these
LONGEST_ARROW, SHORTEST_ARROW_PX, ARROW_HEAD_PX = 2.5, 3.0, 5.0
CALM_FROM = 0.25  # of a normal arrow: shorter ones are left out where the forces of all parts are drawn
LEAST_MARK_PX = 3.0  # of an overlap's sides
MARK_ALPHA = 60


class PartGroups:
    """Parts sorted by side, rough size and colour, once per scene, and again only when modules change.

    Large parts come before small ones, which they would hide while parts still lie on each other.
    """

    def __init__(self) -> None:
        self._shapes: SceneShapes | None = None
        self._colors: PlacementColors | None = None
        self._module = np.empty(0, np.intp)
        self._order = np.empty(0, np.intp)
        self._key = np.empty(0, np.intp)

    def update(self, frame: FrameShapes, colors: PlacementColors) -> None:
        """Sort anew when the frame's parts fall into other groups than before."""
        same = self._shapes is frame.shapes and self._colors is colors
        if same and np.array_equal(self._module, frame.module):
            return
        self._shapes, self._colors, self._module = frame.shapes, colors, frame.module
        color = np.asarray(colors.module_color)[frame.module]
        layer = np.where(frame.shapes.bottom, 0, SIZE_CLASSES) + size_class(frame.shapes)
        self._key = layer * len(colors.modules) + color
        self._order = np.argsort(self._key, kind="stable")

    def split(self, visible: np.ndarray, colors: PlacementColors) -> Iterable[tuple[bool, str, np.ndarray]]:
        """Yield (on the bottom, colour, indices of visible parts), bottom and large first; empty groups are left out.

        Args:
            visible: bool[n].
        """
        parts = self._order[visible[self._order]]
        count = len(colors.modules)
        edges = np.searchsorted(self._key[parts], np.arange(2 * SIZE_CLASSES * count + 1))
        for group in np.flatnonzero(np.diff(edges)):
            yield (
                bool(group < SIZE_CLASSES * count),
                colors.modules[group % count],
                parts[edges[group] : edges[group + 1]],
            )


def size_class(shapes: SceneShapes) -> np.ndarray:
    """Return 0 for parts much larger than usual, 1 for larger ones, 2 for the others, int[n]."""
    area = shapes.long_side * shapes.short_side
    usual = float(np.median(area)) if len(area) else 0.0
    return 2 - (area > LARGER * usual).astype(np.intp) - (area > LARGER**3 * usual).astype(np.intp)


class PlacementPainter:
    """Draws pictures; keeps what is equal from frame to frame.

    Attributes:
        note: what was left out of the last picture and how to see it, or "".
    """

    def __init__(self) -> None:
        self._groups = PartGroups()
        self.note = ""

    def paint(self, painter: QPainter, picture: Picture, font: QFont) -> None:
        """Draw board, parts, nets and marks; the background is filled by the caller."""
        self.note = ""
        _draw_board(painter, picture)
        frame = picture.frame
        if frame is None:
            return
        visible = visible_parts(picture, frame)
        self._groups.update(frame, picture.colors)
        groups = list(self._groups.split(visible, picture.colors))
        _draw_parts(painter, picture, frame, groups, int(visible.sum()))
        few = is_detailed(frame, visible)
        if not few and (picture.switches.ratsnest or picture.switches.forces):
            self.note = "zoom in for nets, forces"
        if picture.switches.ratsnest and few and not _draw_ratsnest(painter, picture, frame):
            self.note = "zoom in for all nets"
        if picture.switches.overlaps:
            _draw_overlaps(painter, picture, frame)
        if picture.switches.names:
            draw_names(painter, picture, frame, visible, font)
        if picture.switches.forces and few:
            draw_forces(painter, picture, frame, visible, calm=True)


def visible_parts(picture: Picture, frame: FrameShapes) -> np.ndarray:
    """Return which parts are switched on and in view, bool[n]."""
    visible = meets(frame.bounds, picture.view.window())
    if not picture.switches.top:
        visible &= frame.shapes.bottom
    if not picture.switches.bottom:
        visible &= ~frame.shapes.bottom
    return visible


def is_detailed(frame: FrameShapes, visible: np.ndarray) -> bool:
    """Tell whether so few parts are in view that nets and forces are drawn as well."""
    return int(visible.sum()) <= MAX_FILLED and len(frame.shapes.pin_part) <= MAX_PINS


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


def _draw_parts(
    painter: QPainter,
    picture: Picture,
    frame: FrameShapes,
    groups: list[tuple[bool, str, np.ndarray]],
    count: int,
) -> None:
    pads = _visible_pads(picture, frame, groups) if picture.switches.pads and count <= MAX_FILLED else None
    boxes = _part_boxes(picture, frame, [parts for _, _, parts in groups], count)
    for side in (True, False):
        for (below, color, _), shown in zip(groups, boxes, strict=True):
            if below is side:
                _draw_group(painter, picture, (below, color), shown, count)
        if pads is not None:
            _draw_pads(painter, picture, frame, pads[frame.shapes.bottom[frame.shapes.pad_owner[pads]] == side], side)


def _part_boxes(picture: Picture, frame: FrameShapes, groups: list[np.ndarray], count: int) -> list[np.ndarray]:
    """Return the boxes of each group's parts in pixels: corners f8[k, 4, 2], or of too many f8[k, 4] for draw_rects.

    All are worked out at once: numpy's cost per call is more than that of a group's few parts.
    """
    if not groups:
        return []
    parts = np.concatenate(groups)
    if count > MAX_OUTLINED:
        boxes = _upright(picture.view.to_screen(frame.bounds[parts].reshape(-1, 2, 2)))
    else:
        boxes = picture.view.to_screen(frame.corners(parts))
    return np.split(boxes, np.cumsum([len(group) for group in groups])[:-1])


def _draw_group(painter: QPainter, picture: Picture, group: tuple[bool, str], polygons: np.ndarray, count: int) -> None:
    below, color = group
    colors = picture.colors
    line, fill = (colors.below(color),) * 2 if below else (color, colors.fill(color))
    if count > MAX_OUTLINED:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(line))
        draw_rects(painter, polygons)
        return
    if count <= MAX_FILLED:
        hatched = Qt.BrushStyle.BDiagPattern if below else Qt.BrushStyle.SolidPattern
        painter.fillPath(polygons_path(polygons), QBrush(QColor(fill), hatched))
    if count <= MAX_FILLED_AND_OUTLINED or count > MAX_FILLED:
        painter.setPen(QPen(QColor(line), 0))
        draw_lines(painter, outline_lines(polygons))


def _upright(boxes: np.ndarray) -> np.ndarray:
    rects = np.empty((len(boxes), 4))
    rects[:, :2] = boxes[:, 0]
    rects[:, 2:] = np.maximum(boxes[:, 1] - boxes[:, 0], 1.0)
    return rects


def _visible_pads(
    picture: Picture, frame: FrameShapes, groups: list[tuple[bool, str, np.ndarray]]
) -> np.ndarray | None:
    shapes = frame.shapes
    large = shapes.pad_side * picture.view.scale >= PAD_FROM_PX
    if not large.any():
        return None
    drawn = np.zeros(shapes.count, dtype=bool)
    for _, _, parts in groups:
        drawn[parts] = True
    pads = np.flatnonzero(large & drawn[shapes.pad_owner])
    return pads if len(pads) <= MAX_PADS else None


def _draw_pads(painter: QPainter, picture: Picture, frame: FrameShapes, pads: np.ndarray, below: bool) -> None:
    color = QColor(picture.colors.pad_below if below else picture.colors.pad)
    round_ends = frame.shapes.pad_is_round[pads]
    # All vertices of a rectangle lie in its corners, which every quarter of them begins at.
    edges = picture.view.to_screen(frame.pad_polygons(pads[~round_ends], PAD_CORNERS))
    painter.fillPath(polygons_path(edges), color)
    curves = picture.view.to_screen(frame.pad_polygons(pads[round_ends]))
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, len(curves) <= MAX_SMOOTH)
    painter.fillPath(polygons_path(curves), color)
    painter.restore()


def _draw_ratsnest(painter: QPainter, picture: Picture, frame: FrameShapes) -> bool:
    """Draw the nets; of more than can be drawn in a frame an even choice. Return whether all are there."""
    faint = picture.selected is not None
    painter.setPen(QPen(QColor(picture.colors.net_faint if faint else picture.colors.net), 0))
    lines = visible_lines(picture.view, frame.ratsnest[0])
    longest_px = picture.view.width_px + picture.view.height_px
    length_px = np.minimum(np.abs(lines[:, 2] - lines[:, 0]) + np.abs(lines[:, 3] - lines[:, 1]), longest_px)
    every = max(1, math.ceil(float(length_px.sum()) / MAX_NET_PX))
    draw_lines(painter, lines[::every])
    return every == 1


def visible_lines(view: Viewport, lines: np.ndarray) -> np.ndarray:
    """Return those of the scene's lines f8[e, 4] that may cross the view, in pixels."""
    ends = lines.reshape(-1, 2, 2)
    bounds = np.concatenate([np.minimum(ends[:, 0], ends[:, 1]), np.maximum(ends[:, 0], ends[:, 1])], axis=1)
    return view.to_screen(ends[meets(bounds, view.window())]).reshape(-1, 4)


def _draw_overlaps(painter: QPainter, picture: Picture, frame: FrameShapes) -> None:
    """Fill and frame what two parts share; parts themselves stay as they are, or nothing else could be seen."""
    pairs = frame.overlaps[: MAX_LINES // 8]
    pairs = pairs[meets(frame.bounds, picture.view.window())[pairs].any(axis=1)]
    if not len(pairs):
        return
    middle, size = shared_boxes(frame.bounds, pairs)
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


def draw_forces(
    painter: QPainter, picture: Picture, frame: FrameShapes, parts: np.ndarray, *, calm: bool = False
) -> None:
    """Draw the forces on the parts that ``parts`` (bool[n]) has; lengths are relative to the frame's strong ones.

    Args:
        calm: draw only those that are not weak, and of very many the strongest, in colours that leave the parts
            readable.
    """
    owner, vector, kind = frame.forces
    if not frame.typical_force > 0:
        return
    view = picture.view
    normal_px = min(max(min(view.width_px, view.height_px) * ARROW_SHARE, ARROW_PX[0]), ARROW_PX[1])
    length = np.hypot(vector[:, 0], vector[:, 1]) * (normal_px / frame.typical_force)
    shown = np.flatnonzero(parts[owner] & (length >= max(SHORTEST_ARROW_PX, CALM_FROM * normal_px * calm)))
    if calm and len(shown) > MAX_CALM_ARROWS:
        shown = shown[np.argpartition(-length[shown], MAX_CALM_ARROWS)[:MAX_CALM_ARROWS]]
    start = view.to_screen(frame.position[owner[shown], :2])
    shortened = np.minimum(LONGEST_ARROW * normal_px / length[shown], 1.0) * (normal_px / frame.typical_force)
    pixels, kind = vector[shown] * shortened[:, None], kind[shown]
    colors = picture.colors.forces_calm if calm else picture.colors.forces
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, len(pixels) <= 2 * MAX_SMOOTH)
    for number in range(len(FORCE_KINDS)):
        mine = kind == number
        painter.setPen(QPen(QColor(colors[number]), 0))
        draw_lines(painter, arrows(start[mine], pixels[mine], ARROW_HEAD_PX)[:MAX_LINES])
    painter.restore()
