"""Names of parts, inside of those that are large enough on the screen."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from .placement_frame import FrameShapes
from .placement_geometry import room_through_centre
from .placement_picture import Picture
from .placement_shapes import SceneShapes

MAX_NAMES = 500
NAME_FROM_PX = 40.0
NAME_HEIGHT_PX = (8.0, 13.0)
MAX_NAME_CHARACTERS = 64


def draw_names(painter: QPainter, picture: Picture, frame: FrameShapes, visible: np.ndarray, font: QFont) -> None:
    """Write the names of visible parts (bool[n]) that have room for them, the largest parts first."""
    shapes, scale = frame.shapes, picture.view.scale
    named = np.flatnonzero(visible & (shapes.long_side * scale >= NAME_FROM_PX))
    named = named[shapes.short_side[named] * scale >= NAME_HEIGHT_PX[0]]
    size_px = shapes.size[named] * scale
    if len(named) > MAX_NAMES:
        largest = np.argpartition(-size_px.prod(axis=1), MAX_NAMES)[:MAX_NAMES]
        named, size_px = named[largest], size_px[largest]
    middle = picture.view.to_screen(frame.position[named, :2])
    wide_px, high_px = room_through_centre(size_px, frame.position[named, 2])
    painter.save()
    colors = picture.colors
    modules = frame.module.tolist() if len(named) else []
    inks = {color: (colors.fill(color), colors.ink(colors.fill(color))) for color in colors.modules}
    for part, (x, y), wide, high in zip(named, middle, wide_px, high_px, strict=True):
        _select_font(painter, font, float(min(wide, high)))
        plate, ink = (colors.board, colors.text) if shapes.bottom[part] else inks[colors.of_module(modules[part])]
        painter.setPen(QColor(ink))
        # Level, or upright where that gives more room: text at any other angle is hard to read and slow to draw.
        place = (float(x), float(y), float(max(wide, high)), high > wide)
        _draw_name(painter, shown_ref(shapes, int(part)), place, QColor(plate))
    painter.restore()


def _select_font(painter: QPainter, font: QFont, short_px: float) -> None:
    height = round(min(max(short_px * 0.62, NAME_HEIGHT_PX[0]), NAME_HEIGHT_PX[1]))
    if painter.font().pixelSize() != height:
        sized = QFont(font)
        sized.setPixelSize(height)
        painter.setFont(sized)


def _draw_name(painter: QPainter, text: str, place: tuple[float, float, float, bool], plate: QColor) -> None:
    x, y, room_px, upright = place
    metrics = QFontMetricsF(painter.font())
    text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room_px - 6)
    width, height = metrics.horizontalAdvance(text) + 4, metrics.height()
    rect = QRectF(-width / 2, -height / 2, width, height)
    painter.save()
    painter.translate(round(x), round(y))
    if upright:
        painter.rotate(-90.0)
    painter.fillRect(rect.adjusted(0, 1, 0, -1), plate)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine, text)
    painter.restore()


def shown_ref(shapes: SceneShapes, part: int) -> str:
    """Return a part's name as one short line."""
    return " ".join(shapes.scene.refs[part][:MAX_NAME_CHARACTERS].split()) or "?"
