"""Icons: SVG files of resources/icons, drawn in the text colour of the theme in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.resources import files

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from .theme import Theme

SIZES_PX = (16, 20, 24, 32, 48)


def icon(name: str, theme: Theme) -> QIcon:
    """Return the icon of this name in the theme's colours, with a paler picture for the disabled state."""
    svg = _svg(name)
    result = QIcon()
    for mode, color, opacity in ((QIcon.Mode.Normal, theme.text, 1.0), (QIcon.Mode.Disabled, theme.muted, 0.45)):
        for pixmap in _pixmaps(svg.replace("currentColor", color), opacity, SIZES_PX):
            result.addPixmap(pixmap, mode)
    return result


def toned_icon(name: str, color: str) -> QIcon:
    """Return the icon of this name in one colour, "#rrggbb"."""
    result = QIcon()
    for pixmap in _pixmaps(_svg(name).replace("currentColor", color), 1.0, SIZES_PX):
        result.addPixmap(pixmap)
    return result


def application_icon() -> QIcon:
    """Return the icon of the program itself; its colours do not follow the theme."""
    result = QIcon()
    for pixmap in _pixmaps(_svg("dockscope"), 1.0, (*SIZES_PX, 64, 128)):
        result.addPixmap(pixmap)
    return result


def _svg(name: str) -> str:
    return files("dockscope.resources").joinpath(f"icons/{name}.svg").read_text(encoding="utf-8")


def _pixmaps(svg: str, opacity: float, sizes_px: Iterable[int]) -> Iterator[QPixmap]:
    renderer = QSvgRenderer(QByteArray(svg.encode()))
    for size_px in sizes_px:
        pixmap = QPixmap(size_px, size_px)
        pixmap.fill(Qt.GlobalColor.transparent)
        with QPainter(pixmap) as painter:
            painter.setOpacity(opacity)
            renderer.render(painter, QRectF(0, 0, size_px, size_px))
        yield pixmap
