"""What lies over a placement picture in pixels of its own: scale bar, a line of text."""

from __future__ import annotations

import math

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from .placement_facts import unit
from .placement_picture import Picture

EDGE_PX = 8.0
SCALE_BAR_PX = 90.0


def draw_scale_bar(painter: QPainter, picture: Picture, width_px: float, height_px: float) -> None:
    """Draw a bar of a round length into the bottom right corner."""
    reach = SCALE_BAR_PX / picture.view.scale
    power = 10.0 ** math.floor(math.log10(reach))
    round_length = max(step * power for step in (1, 2, 5) if step * power <= reach * (1 + 1e-9))
    text = f"{round_length:g} {unit(picture.shapes)}"
    bar_px = round_length * picture.view.scale
    text_px = QFontMetricsF(painter.font()).horizontalAdvance(text)
    right, base = width_px - EDGE_PX, height_px - EDGE_PX
    draw_plate(painter, picture, QRectF(right - bar_px - text_px - 14, base - 13, bar_px + text_px + 18, 18))
    painter.setPen(QPen(QColor(picture.colors.muted), 0))
    y = round(base - 4) + 0.5
    left = right - bar_px
    painter.drawLines([QLineF(left, y, right, y), QLineF(left, y - 4, left, y), QLineF(right, y - 4, right, y)])
    painter.drawText(QPointF(left - text_px - 6, base), text)


def draw_readout(painter: QPainter, picture: Picture, text: str, width_px: float, height_px: float) -> None:
    """Draw one line of text into the bottom left corner, elided to fit."""
    metrics = QFontMetricsF(painter.font())
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, width_px - 2 * EDGE_PX - 4)
    rect = QRectF(EDGE_PX - 4, height_px - EDGE_PX - 15, metrics.horizontalAdvance(shown) + 10, 20)
    draw_plate(painter, picture, rect, 0.94)
    painter.setPen(QColor(picture.colors.text))
    painter.drawText(rect.adjusted(4, 0, 4, 0), Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, shown)


def draw_plate(painter: QPainter, picture: Picture, rect: QRectF, opacity: float = 0.78) -> None:
    """Fill a rectangle that texts on the picture stand on."""
    plate = QColor(picture.colors.plate)
    plate.setAlphaF(opacity)
    painter.fillRect(rect, plate)
