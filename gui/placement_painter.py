"""Draw a placement: one call of Qt per layer and colour, and less detail the more parts are visible."""

from __future__ import annotations

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
MAX_SMOOTH = 300  # antialiasing costs several times as much

SIZE_CLASSES, LARGER = 3, 3.0  # times the usual area

PAD_FROM_PX = 4.0
ARROW_SHARE, ARROW_PX = 0.05, (14.0, 34.0)  # of the smaller side of the view, and within these
LONGEST_ARROW, SHORTEST_ARROW_PX, ARROW_HEAD_PX = 2.5, 3.0, 5.0
MARK_PX = (2.0, 5.0)  # half the width of a cross: half of what two parts share, within these


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
    """Draws pictures; keeps what is equal from frame to frame."""

    def __init__(self) -> None:
        self._groups = PartGroups()

    def paint(self, painter: QPainter, picture: Picture, font: QFont) -> None:
        """Draw board, parts, nets and marks; the background is filled by the caller."""
        _draw_board(painter, picture)
        frame = picture.frame
        if frame is None:
            return
        visible = visible_parts(picture, frame)
        self._groups.update(frame, picture.colors)
        groups = list(self._groups.split(visible, picture.colors))
        _draw_parts(painter, picture, frame, groups, int(visible.sum()))
        few = is_detailed(frame, visible)
        if picture.switches.ratsnest and few:
            _draw_ratsnest(painter, picture, frame)
        if picture.switches.overlaps:
            _draw_overlaps(painter, picture, frame)
        if picture.switches.names:
            draw_names(painter, picture, frame, visible, font)
        if picture.switches.forces and few:
            draw_forces(painter, picture, frame, visible)


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
    for side in (True, False):
        for below, color, parts in groups:
            if below is side:
                _draw_group(painter, picture, frame, (below, color, parts), count)
        if pads is not None:
            _draw_pads(painter, picture, frame, pads[frame.shapes.bottom[frame.shapes.pad_owner[pads]] == side], side)


def _draw_group(
    painter: QPainter, picture: Picture, frame: FrameShapes, group: tuple[bool, str, np.ndarray], count: int
) -> None:
    below, color, parts = group
    colors = picture.colors
    line, fill = (colors.below(color),) * 2 if below else (color, colors.fill(color))
    if count > MAX_OUTLINED:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(line))
        draw_rects(painter, _upright(picture.view.to_screen(frame.bounds[parts].reshape(-1, 2, 2))))
        return
    polygons = picture.view.to_screen(frame.corners(parts))
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


def _draw_ratsnest(painter: QPainter, picture: Picture, frame: FrameShapes) -> None:
    lines, _ = frame.ratsnest
    faint = picture.selected is not None
    painter.setPen(QPen(QColor(picture.colors.net_faint if faint else picture.colors.net), 0))
    draw_lines(painter, visible_lines(picture.view, lines)[:MAX_LINES])


def visible_lines(view: Viewport, lines: np.ndarray) -> np.ndarray:
    """Return those of the scene's lines f8[e, 4] that may cross the view, in pixels."""
    ends = lines.reshape(-1, 2, 2)
    bounds = np.concatenate([ends.min(axis=1), ends.max(axis=1)], axis=1)
    return view.to_screen(ends[meets(bounds, view.window())]).reshape(-1, 4)


def _draw_overlaps(painter: QPainter, picture: Picture, frame: FrameShapes) -> None:
    pairs = frame.overlaps[: MAX_LINES // 8]
    if not len(pairs):
        return
    view = picture.view
    parts = np.unique(pairs)
    parts = parts[meets(frame.bounds[parts], view.window())]
    painter.save()
    painter.setPen(QPen(QColor(picture.colors.overlap_frame), 0))
    draw_lines(painter, outline_lines(view.to_screen(frame.corners(parts))))
    painter.setPen(QPen(QColor(picture.colors.overlap), 0))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, len(pairs) <= MAX_SMOOTH)
    middle, shared = shared_boxes(frame.bounds, pairs)
    middle, half = view.to_screen(middle), np.clip(shared * view.scale / 2, *MARK_PX)[:, None]
    for direction in ((1.0, 1.0), (1.0, -1.0)):
        arm = half * direction
        draw_lines(painter, np.concatenate([middle - arm, middle + arm], axis=1))
    painter.restore()


def draw_forces(painter: QPainter, picture: Picture, frame: FrameShapes, parts: np.ndarray) -> None:
    """Draw the forces on the parts that ``parts`` (bool[n]) has; lengths are relative to the frame's strong ones."""
    owner, vector, kind = frame.forces
    if not frame.typical_force > 0:
        return
    view = picture.view
    normal_px = min(max(min(view.width_px, view.height_px) * ARROW_SHARE, ARROW_PX[0]), ARROW_PX[1])
    length = np.hypot(vector[:, 0], vector[:, 1]) * (normal_px / frame.typical_force)
    shown = parts[owner] & (length >= SHORTEST_ARROW_PX)
    start = view.to_screen(frame.position[owner[shown], :2])
    shortened = np.minimum(LONGEST_ARROW * normal_px / length[shown], 1.0) * (normal_px / frame.typical_force)
    pixels, kind = vector[shown] * shortened[:, None], kind[shown]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, len(pixels) <= 2 * MAX_SMOOTH)
    for number in range(len(FORCE_KINDS)):
        mine = kind == number
        painter.setPen(QPen(QColor(picture.colors.forces[number]), 0))
        draw_lines(painter, arrows(start[mine], pixels[mine], ARROW_HEAD_PX)[:MAX_LINES])
    painter.restore()
