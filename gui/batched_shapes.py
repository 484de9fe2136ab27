"""Many shapes in one call of Qt: numpy arrays handed to QPainter without an object per shape.

``QPainter.drawLines`` and ``drawRects`` take a pointer to the first of n C++ objects, whose memory is just four
doubles each; a QPainterPath of many polygons is read from its serialised form.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from PySide6.QtCore import QByteArray, QDataStream, QLineF, QRectF
from PySide6.QtGui import QPainter, QPainterPath
from shiboken6 import Shiboken

_ELEMENT = np.dtype([("type", ">i4"), ("x", ">f8"), ("y", ">f8")])
_LINE_TO, _WINDING = 1, 1

Primitive = TypeVar("Primitive", QLineF, QRectF)


def polygons_path(polygons: np.ndarray) -> QPainterPath:
    """Return one path of closed polygons, filled by winding: where two overlap, both stay filled.

    Args:
        polygons: f8[n, k, 2] finite, all of them turning the same way.
    """
    path = QPainterPath()
    count, size, _ = polygons.shape
    if not count:
        return path
    # QDataStream << QPainterPath: i4 number of elements, the elements, i4 start of the subpath, i4 fill rule
    total = count * (size + 1)
    raw = bytearray(4 + total * _ELEMENT.itemsize + 8)
    raw[:4] = total.to_bytes(4, "big")
    raw[-8:-4] = (total - size - 1).to_bytes(4, "big")
    raw[-4:] = _WINDING.to_bytes(4, "big")
    elements = np.frombuffer(raw, dtype=_ELEMENT, count=total, offset=4).reshape(count, size + 1)
    elements["type"][:, 1:] = _LINE_TO
    for axis, name in enumerate(("x", "y")):
        elements[name][:, :size] = polygons[..., axis]
        elements[name][:, size] = polygons[:, 0, axis]
    stream = QDataStream(QByteArray(raw))
    stream >> path  # pyright: ignore[reportUnusedExpression]
    return path


def draw_lines(painter: QPainter, lines: np.ndarray) -> None:
    """Draw lines f8[n, 4] (x1, y1, x2, y2) with the painter's pen."""
    if len(lines):
        lines = np.ascontiguousarray(lines, dtype=np.float64)
        painter.drawLines(_first(lines, QLineF), len(lines))


def draw_rects(painter: QPainter, rects: np.ndarray) -> None:
    """Draw rectangles f8[n, 4] (left, top, width, height) with the painter's pen and brush."""
    if len(rects):
        rects = np.ascontiguousarray(rects, dtype=np.float64)
        painter.drawRects(_first(rects, QRectF), len(rects))


def _first(rows: np.ndarray, kind: type[Primitive]) -> Primitive:
    """Look at the memory of the first row as a C++ object; ``rows`` must outlive it."""
    view: Any = Shiboken.wrapInstance(rows.ctypes.data, kind)
    return view
