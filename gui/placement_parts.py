"""Draw the parts: shapes with outlines and pads, then less detail the more there are and the smaller they get."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPen

from .batched_shapes import draw_lines, draw_rects, polygons_path
from .placement_frame import FrameShapes
from .placement_geometry import PAD_CORNERS, corners, half_extents, hatch_lines, outline_lines
from .placement_groups import PartGroups
from .placement_picture import Picture
from .raster_fill import MAX_STAMP_PX, fill_boxes, fill_density, stamp_boxes
from .raster_picture import rgb32

# Measured for 10 ms a frame.
MAX_SHAPES = 3_000
MAX_BOXES = 20_000
MAX_PADS = 8_000
BOXES_AT_ONCE, STAMPS_AT_ONCE = 5_000, 30_000  # a few milliseconds each
MAX_SMOOTH = 300  # antialiasing costs several times as much
PAD_FROM_PX = 4.0
DENSITY_BELOW_PX = 1.0  # the longer side of a usual part
EDGE_FROM_PX = 5.0
_RIGHT_ANGLE = 1e-3  # degrees


class Detail(Enum):
    """How parts are drawn."""

    SHAPES = auto()  # filled or hatched, with outlines, pads and names
    BOXES = auto()  # filled and turned
    STAMPS = auto()  # upright, a few pixels each
    DENSITY = auto()  # how many there are in each pixel


def detail_of(count: int, usual_px: float) -> Detail:
    """Choose by the number of visible parts and the longer side of a usual one in pixels."""
    if count <= MAX_SHAPES:
        return Detail.SHAPES
    if usual_px < DENSITY_BELOW_PX:
        return Detail.DENSITY
    return Detail.BOXES if count <= MAX_BOXES else Detail.STAMPS


def draw_parts(
    painter: QPainter,
    pixels: np.ndarray,
    picture: Picture,
    frame: FrameShapes,
    groups: PartGroups,
    visible: np.ndarray,
) -> Iterator[None]:
    """Draw the visible parts (bool[n]), the bottom first.

    Args:
        painter: draws on the memory of ``pixels`` u4[height, width].

    Yields:
        after some milliseconds of work.
    """
    ratio = painter.device().devicePixelRatioF()
    count = int(np.count_nonzero(visible))
    detail = detail_of(count, frame.shapes.usual_side * picture.view.scale * ratio)
    if detail is Detail.SHAPES:
        _draw_shapes(painter, picture, frame, list(groups.split(visible, picture.colors)))
        return
    parts = np.flatnonzero(visible) if detail is Detail.DENSITY else groups.order[visible[groups.order]]
    yield from _RasterParts(pixels, picture, frame, groups, ratio).draw(parts, detail)


class _RasterParts:
    """Parts that are too many for QPainter, written as pixels."""

    def __init__(
        self, pixels: np.ndarray, picture: Picture, frame: FrameShapes, groups: PartGroups, ratio: float
    ) -> None:
        self._pixels, self._picture, self._frame, self._groups = pixels, picture, frame, groups
        self._ratio, self._scale = ratio, picture.view.scale * ratio

    def draw(self, parts: np.ndarray, detail: Detail) -> Iterator[None]:
        """Draw these parts in their order; yields after some milliseconds of work."""
        if detail is Detail.BOXES:
            yield from self._boxes(parts)
        elif detail is Detail.STAMPS:
            bottom = self._frame.shapes.bottom[parts]
            for side in (parts[bottom], parts[~bottom]):
                large, small = self._by_size(side, MAX_STAMP_PX + 0.5)
                yield from self._boxes(large)
                for some in _cut(small, STAMPS_AT_ONCE):
                    self._stamps(some)
                    yield
        else:
            large, small = self._by_size(parts, 2 * DENSITY_BELOW_PX)
            yield from self._boxes(large)
            self._density(small)

    def _by_size(self, parts: np.ndarray, limit_px: float) -> tuple[np.ndarray, np.ndarray]:
        """Return those that are larger than the others, of too many the largest, and the rest."""
        side_px = self._frame.shapes.long_side[parts] * self._scale
        large = np.flatnonzero(side_px > limit_px)
        if len(large) > MAX_BOXES:
            large = np.sort(large[np.argpartition(-side_px[large], MAX_BOXES)[:MAX_BOXES]])
        if not len(large):
            return parts[:0], parts
        small = np.ones(len(parts), dtype=bool)
        small[large] = False
        return parts[large], parts[small]

    def _boxes(self, parts: np.ndarray) -> Iterator[None]:
        groups, shapes = self._groups, self._frame.shapes
        has_edges = shapes.usual_side * self._scale >= EDGE_FROM_PX
        for some in _cut(parts, BOXES_AT_ONCE):
            kind, size_px = groups.kind[some], shapes.size_f4[some] * np.float32(self._scale)
            fills = (groups.fills[kind], groups.lines[kind]) if has_edges else (groups.lines[kind],)
            fill_boxes(self._pixels, self._position(some), size_px, *fills)
            yield

    def _position(self, parts: np.ndarray) -> np.ndarray:
        return self._picture.view.placed(self._frame.position.take(parts, 0), self._ratio)

    def _stamps(self, parts: np.ndarray) -> None:
        position = self._position(parts)
        half = half_extents(position[:, 2], self._frame.shapes.size_f4.take(parts, 0) * np.float32(self._scale))
        stamp_boxes(self._pixels, position[:, :2], half, self._groups.lines[self._groups.kind[parts]])

    def _density(self, parts: np.ndarray) -> None:
        is_all = len(parts) == self._frame.shapes.count
        position = self._frame.position if is_all else self._frame.position.take(parts, 0)
        kind = self._groups.kind if is_all else self._groups.kind[parts]
        shapes, colors = self._frame.shapes, self._picture.colors
        cover = shapes.usual_area * self._scale**2
        middle = self._picture.view.placed(position, self._ratio)[:, :2]
        fill_density(self._pixels, middle, kind, self._groups.lines, rgb32(colors.board), cover)


def _cut(parts: np.ndarray, at_once: int) -> Iterator[np.ndarray]:
    for begin in range(0, len(parts), at_once):
        yield parts[begin : begin + at_once]


def _draw_shapes(
    painter: QPainter, picture: Picture, frame: FrameShapes, groups: list[tuple[bool, str, np.ndarray]]
) -> None:
    pads = _visible_pads(picture, frame, groups) if picture.switches.pads else None
    boxes = _turned_boxes(picture, frame, [parts for _, _, parts in groups])
    for side in (True, False):
        for (below, color, _), (position, size) in zip(groups, boxes, strict=True):
            if below is side:
                _draw_group(painter, picture, color, position, size, below=below)
        if pads is not None:
            _draw_pads(painter, picture, frame, pads[frame.shapes.bottom[frame.shapes.pad_owner[pads]] == side], side)


def _turned_boxes(
    picture: Picture, frame: FrameShapes, groups: list[np.ndarray]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return position f8[k, 3] and size f8[k, 2] in pixels of each group's parts, worked out for all at once."""
    if not groups:
        return []
    parts = np.concatenate(groups)
    position = frame.position[parts].astype(np.float64)
    position[:, :2] = picture.view.to_screen(position[:, :2])
    cuts = np.cumsum([len(group) for group in groups])[:-1]
    size = frame.shapes.size[parts] * picture.view.scale
    return list(zip(np.split(position, cuts), np.split(size, cuts), strict=True))


def _draw_group(
    painter: QPainter, picture: Picture, color: str, position: np.ndarray, size: np.ndarray, *, below: bool
) -> None:
    polygons = corners(position, size)
    line = picture.colors.below(color) if below else color
    painter.setPen(QPen(QColor(line), 0))
    if below:
        view = picture.view
        draw_lines(painter, hatch_lines(position, size, (0.0, 0.0, view.width_px, view.height_px)))
    else:
        _fill(painter, QColor(picture.colors.fill(color)), position, polygons)
    draw_lines(painter, outline_lines(polygons))


def _fill(painter: QPainter, color: QColor, position: np.ndarray, polygons: np.ndarray) -> None:
    """Fill boxes; upright ones as rectangles, which takes a fifth of the time."""
    upright = np.abs((position[:, 2] + 45.0) % 90.0 - 45.0) < _RIGHT_ANGLE
    low, high = polygons[upright].min(axis=1), polygons[upright].max(axis=1)
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    draw_rects(painter, np.concatenate([low, high - low], axis=1))
    painter.restore()
    if not upright.all():
        painter.fillPath(polygons_path(polygons[~upright]), color)


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
