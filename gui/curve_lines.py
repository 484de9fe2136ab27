"""From a reduced curve to the line segments that are painted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import shiboken6
from PySide6.QtCore import QLineF, QPointF, QRectF
from PySide6.QtGui import QColor, QPainter, QPen

from ..core.reduce import Reduced

FAR_PX = 8000.0  # segments are cut there; Qt's rasterizer wants coordinates within ±32,767
SMOOTH_LENGTH_PX = 12_000.0  # more line than that is painted without antialiasing, which would cost a frame
SMOOTH_WIDTH = 1.4
DOT_PX = 4.0


@dataclass(frozen=True)
class Lines:
    """Segments of one curve in pixels.

    Args:
        segments: f8[m, 4] x1, y1, x2, y2. dots: f8[k, 2] samples with no neighbour to be joined to.
        length_px: sum of the heights of all segments, for the choice of pen.
        skipped: values that a logarithmic axis cannot show were left out.
    """

    segments: np.ndarray
    dots: np.ndarray
    length_px: float
    skipped: bool


@dataclass(frozen=True)
class Mapping:
    """From data to pixels: x in ``low`` … ``high`` and y in ``bottom`` … ``top`` (log10 when ``log``) fill ``area``."""

    area: QRectF
    low: float
    high: float
    bottom: float
    top: float
    log: bool

    def x_px(self, x: np.ndarray) -> np.ndarray:
        """Return pixels right of the widget's left border."""
        return self.area.left() + (x - self.low) * (self.area.width() / (self.high - self.low))

    def y_px(self, y: np.ndarray) -> np.ndarray:
        """Return pixels below the widget's top; NaN for what a logarithmic axis cannot show; infinities far outside."""
        if self.log:
            y = log10_of(y)
        px = self.area.bottom() - (y - self.bottom) * (self.area.height() / (self.top - self.bottom))
        return np.clip(px, -1e9, 1e9)

    def x_at(self, px: float) -> float:
        """Return the x under a pixel."""
        return self.low + (px - self.area.left()) / self.area.width() * (self.high - self.low)

    def y_at(self, px: float) -> float:
        """Return the y under a pixel, as a logarithm on a logarithmic axis."""
        return self.bottom + (self.area.bottom() - px) / self.area.height() * (self.top - self.bottom)


def log10_of(y: np.ndarray) -> np.ndarray:
    """Return log10, NaN where y is not positive."""
    return np.log10(y, out=np.full(len(y), np.nan), where=y > 0)


def make_lines(reduced: Reduced, mapping: Mapping, shift: float = 0.0) -> Lines:
    """Return the segments of a reduced curve.

    Args:
        reduced: the curve. mapping: to pixels. shift: subtracted from its x.
    """
    x = mapping.x_px(reduced.x - shift)
    low = mapping.y_px(reduced.low)
    if reduced.raw:
        segments = _joined(_joints(x, low, low))
        alone = ~np.isnan(low) & ~_has_neighbour(low, low)
    else:
        high = mapping.y_px(reduced.high)
        # The smallest positive value of a column with both signs is not known: its largest stands for the column.
        bars = np.stack([x, np.where(np.isnan(low), high, low), x, high])
        first, last = mapping.y_px(reduced.first), mapping.y_px(reduced.last)
        segments = _joined(np.concatenate([bars[:, bars[1] != bars[3]], _joints(x, first, last)], axis=1))
        alone = ~np.isnan(high) & ~_has_neighbour(first, last) & (low == high)
    segments = _cut(segments)
    skipped = mapping.log and bool(np.any(reduced.low <= 0))
    dots = np.stack([x, low], axis=1)[alone]
    return Lines(segments, dots[np.abs(dots).max(axis=1, initial=0.0) < FAR_PX], _height(segments), skipped)


def y_extent(reduced: Reduced, low: float, high: float, shift: float, *, log: bool) -> tuple[float, float] | None:
    """Return the smallest and largest finite y between ``low`` and ``high``, as logarithms on a logarithmic axis."""
    x = reduced.x - shift
    inside = (x >= low) & (x <= high)
    bottom, top = reduced.low[inside], reduced.high[inside]
    if log:
        top = log10_of(top)
        bottom = np.where(bottom > 0, log10_of(bottom), top)
    bottom, top = bottom[np.isfinite(bottom)], top[np.isfinite(top)]
    if not len(bottom) or not len(top):
        return None
    return float(bottom.min()), float(top.max())


def paint_lines(painter: QPainter, lines: Lines, color: QColor, *, smooth: bool) -> None:
    """Paint segments and dots; antialiased and a little wider when ``smooth``, which is cheap for short lines only."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, smooth)
    pen = QPen(color, SMOOTH_WIDTH if smooth else 1.0)
    pen.setCosmetic(True)
    painter.setPen(pen)
    if len(lines.segments):
        painter.drawLines(_as_qlines(lines.segments), len(lines.segments))
    if len(lines.dots):
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(color)
        for x, y in lines.dots.tolist():
            painter.drawEllipse(QPointF(x, y), DOT_PX / 2 - 0.5, DOT_PX / 2 - 0.5)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _as_qlines(segments: np.ndarray) -> QLineF:
    """Return the memory of f8[m, 4] as the C array of m QLineF; valid while ``segments`` lives."""
    return cast(QLineF, shiboken6.wrapInstance(segments.ctypes.data, QLineF))


def _has_neighbour(first: np.ndarray, last: np.ndarray) -> np.ndarray:
    joined = ~(np.isnan(last[:-1]) | np.isnan(first[1:]))
    result = np.zeros(len(first), bool)
    result[1:] |= joined
    result[:-1] |= joined
    return result


def _joints(x: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Return f8[4, m - 1] the lines from each entry's last value to the next one's first."""
    return np.stack([x[:-1], last[:-1], x[1:], first[1:]])


def _joined(ends: np.ndarray) -> np.ndarray:
    """Return f8[m, 4] the segments with ends f8[4, m], without those that have no place."""
    placed = ~np.isnan(ends.sum(axis=0))
    return np.ascontiguousarray((ends if placed.all() else ends[:, placed]).T)


def _cut(segments: np.ndarray) -> np.ndarray:
    """Cut segments at ±FAR_PX in x, then in y; those wholly outside on one side are dropped."""
    if not len(segments) or np.abs(segments).max() < FAR_PX:
        return segments
    for axis in (0, 1):
        other = 1 - axis
        for border, sign in ((-FAR_PX, 1), (FAR_PX, -1)):
            for end, start in ((axis, axis + 2), (axis + 2, axis)):
                out = (segments[:, end] - border) * sign < 0
                segments = segments[~(out & ((segments[:, start] - border) * sign < 0))]
                out = (segments[:, end] - border) * sign < 0
                a, b = segments[out, end], segments[out, start]
                share = (border - a) / (b - a)
                here, there = end - axis + other, start - axis + other
                segments[out, here] += share * (segments[out, there] - segments[out, here])
                segments[out, end] = border
    return np.ascontiguousarray(segments)


def _height(segments: np.ndarray) -> float:
    return float(np.minimum(np.abs(segments[:, 3] - segments[:, 1]), FAR_PX).sum()) if len(segments) else 0.0
