"""Icons: SVG files of resources/icons, drawn in the text colour of the theme in force."""

from __future__ import annotations

from importlib.resources import files

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from .theme import Theme

SIZES_PX = (16, 20, 24, 32, 48)


def icon(name: str, theme: Theme) -> QIcon:
    """Return the icon of this name in the theme's colours, with a paler picture for the disabled state."""
    result = QIcon()
    for size_px in SIZES_PX:
        result.addPixmap(_pixmap(name, theme.text, 1.0, size_px), QIcon.Mode.Normal)
        result.addPixmap(_pixmap(name, theme.muted, 0.45, size_px), QIcon.Mode.Disabled)
    return result


def application_icon() -> QIcon:
    """Return the icon of the program itself; its colours do not follow the theme."""
    result = QIcon()
    for size_px in (*SIZES_PX, 64, 128):
        result.addPixmap(_pixmap("dockscope", "", 1.0, size_px))
    return result


def _pixmap(name: str, color: str, opacity: float, size_px: int) -> QPixmap:
    svg = files("dockscope.resources").joinpath(f"icons/{name}.svg").read_text(encoding="utf-8")
    renderer = QSvgRenderer(QByteArray(svg.replace("currentColor", color).encode()))
    pixmap = QPixmap(size_px, size_px)
    pixmap.fill(Qt.GlobalColor.transparent)
    with QPainter(pixmap) as painter:
        painter.setOpacity(opacity)
        renderer.render(painter, QRectF(0, 0, size_px, size_px))
    return pixmap
