"""The spectrum above the waterfall: current row, running mean and maximum hold over the shared frequency axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import shiboken6
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from .axis_ticks import frequency_text, linear_ticks, si_prefix, value_text
from .channel_columns import ChannelColumns
from .color_maps import to_decibel
from .frequency_plot import RIGHT_PX, FrequencyPlot, crosshair_line
from .level_bar import LevelBar
from .theme import Theme, blend

TOP_PX = 6
TICK_PX = 22  # least height per tick of the value axis
BAND_SHARE = 0.62  # of its colour that a band keeps
SHRINK = 0.65  # the axis shrinks only when less than this part of it is used
ROBUST_PERCENT = 0.5  # the lower end of the axis leaves out deeper single dips


@dataclass(frozen=True)
class Curve:
    """One curve: name, colour "#rrggbb", f4[nchan] linear values, and whether a column shows its whole range."""

    name: str
    color: str
    values: np.ndarray
    band: bool


class SpectrumPlot(FrequencyPlot):
    """Draws curves, reduced to one minimum and maximum per pixel column.

    The value axis grows at once and shrinks only when much of it is unused. ``bar`` beside it holds the colour levels.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent)
        self.bar = LevelBar(theme, self)
        self.bar.setCursor(Qt.CursorShape.SizeVerCursor)
        self.unit = ""
        self.decibel = True
        self.axis = (0.0, 1.0)
        self._fits_anew = True
        self._levels = (0.0, 1.0)
        self._curves: list[Curve] = []
        self._frequencies: np.ndarray | None = None
        self._columns: ChannelColumns | None = None
        self._columns_of: np.ndarray | None = None
        self._columns_key: tuple[float, float, int] | None = None
        self._shapes: list[tuple[Curve, np.ndarray, np.ndarray]] = []
        self._legend = QWidget(self)
        self._legend.setCursor(Qt.CursorShape.ArrowCursor)
        row = QHBoxLayout(self._legend)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        self.setMinimumHeight(70)
        self.setAccessibleName("Spectrum")

    def add_legend(self, button: QToolButton) -> None:
        """Put a button into the legend in the upper right corner."""
        layout = self._legend.layout()
        assert layout is not None
        layout.addWidget(button)
        self._place_legend()

    def area(self) -> QRectF:
        width, height = self.width() - self.left_px - RIGHT_PX, self.height() - TOP_PX - 3
        return QRectF(self.left_px, TOP_PX, max(1, width), max(1, height))

    def set_frequencies(self, low_hz: float, high_hz: float) -> None:
        changed = (low_hz, high_hz) != (self.low_hz, self.high_hz)
        super().set_frequencies(low_hz, high_hz)
        if changed:
            self._reduce()

    def set_scale(self, *, decibel: bool, unit: str) -> None:
        """Show dB or linear values of this unit; a change lets the axis start anew."""
        if (decibel, unit) != (self.decibel, self.unit):
            self.decibel, self.unit = decibel, unit
            self.restart_axis()

    def restart_axis(self) -> None:
        """Fit the value axis to the next curves without regard to the present one."""
        self._fits_anew = True

    def show_curves(self, curves: list[Curve], frequencies: np.ndarray | None, levels: tuple[float, float]) -> None:
        """Draw these curves.

        Args:
            curves: drawn in this order.
            frequencies: f8[nchan] Hz of their channels.
            levels: of the waterfall's colours, kept inside of the axis.
        """
        self._curves, self._frequencies, self._levels = curves, frequencies, levels
        self._reduce()
        self._fit_axis()
        self.update()

    def paint_plot(self, painter: QPainter) -> None:
        theme, area = self.theme, self.area()
        painter.fillRect(self.rect(), QColor(theme.surface))
        self._paint_grid(painter, area)
        painter.setClipRect(area)
        for curve, low, high in self._shapes:
            # The mean lies in the band and must be seen.
            painter.setPen(QPen(QColor(blend(curve.color, theme.surface, BAND_SHARE if curve.band else 1.0))))
            for polyline in self._polylines(curve, low, high):
                painter.drawPolyline(polyline)
        painter.setClipping(False)
        if self.mouse is not None and area.contains(self.mouse):
            crosshair_line(painter, theme, area, self.mouse.y())

    def readout(self) -> list[str]:
        if self.mouse is None or self._columns is None or not self.area().contains(self.mouse):
            return []
        x = min(self._columns.width - 1, int(self.mouse.x() - self.area().left()))
        lines = [self.frequency_readout(self.hz_at(self.mouse.x()))]
        for curve, _low, high in self._shapes:
            if np.isfinite(high[x]):
                lines.append(f"{curve.name}  {self.value_readout(float(high[x]))}")
        return [*lines, f"Cursor  {self.value_readout(self._value_at(self.mouse.y()))}"]

    def frequency_readout(self, hz: float) -> str:
        """Return a frequency with the digits that one pixel needs."""
        return frequency_text(hz, (self.high_hz - self.low_hz) / max(1.0, self.area().width()))

    def value_readout(self, shown: float) -> str:
        """Return a value of the axis with its unit."""
        if self.decibel:
            return f"{shown:.2f} dB{f' ({self.unit})' if self.unit else ''}"
        return f"{value_text(shown)} {self.unit}".rstrip()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.bar.place(self.area())
        self._place_legend()
        self._reduce()

    def _place_legend(self) -> None:
        self._legend.adjustSize()
        self._legend.move(int(self.area().right()) - self._legend.width() - 4, TOP_PX + 3)

    # axis

    def y_of(self, values: np.ndarray | float) -> np.ndarray | float:
        """Return the y of values of the axis."""
        area, (bottom, top) = self.area(), self.axis
        return area.bottom() - (values - bottom) / (top - bottom) * area.height()

    def _value_at(self, y: float) -> float:
        area, (bottom, top) = self.area(), self.axis
        return bottom + (area.bottom() - y) / area.height() * (top - bottom)

    def _fit_axis(self) -> None:
        if (wanted := self._wanted_axis()) is None:
            return
        (low, high), (bottom, top) = wanted, self.axis
        inside = bottom <= low and high <= top
        if not self._fits_anew and inside and high - low >= SHRINK * (top - bottom):
            return
        self._fits_anew = False
        room = (high - low) * 0.08
        self.axis = (low - room, high + room * 2.5)  # more above: the legend lies there

    def _wanted_axis(self) -> tuple[float, float] | None:
        ends = [level for level in self._levels if np.isfinite(level)]
        for _curve, low, high in self._shapes:
            low, high = low[np.isfinite(low)], high[np.isfinite(high)]
            if len(low):
                rank = int(len(low) * ROBUST_PERCENT / 100)
                ends += [float(np.partition(low, rank)[rank]), float(high.max())]
        if not self._shapes or not ends:
            return None
        low, high = min(ends), max(ends)
        if not self.decibel:
            low = min(low, 0.0)
        return (low, high) if high > low else (low - 1.0, high + 1.0)

    def _paint_grid(self, painter: QPainter, area: QRectF) -> None:
        theme, metrics = self.theme, self.fontMetrics()
        factor, prefix = (1.0, "") if self.decibel else si_prefix(max(abs(self.axis[0]), abs(self.axis[1])))
        count = max(2, int(area.height() / TICK_PX))
        for tick in linear_ticks(*self.axis, count, factor):
            y = round(float(self.y_of(tick.value)))
            painter.setPen(QPen(QColor(theme.grid)))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            if area.top() + metrics.height() < y < area.bottom() - metrics.height() / 3:
                painter.setPen(QColor(theme.muted))
                box = QRectF(0, y - metrics.height() / 2, self.left_px - 6, metrics.height())
                painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, tick.text)
        painter.setPen(QColor(theme.muted))
        unit = ("dB " if self.decibel else prefix) + self.unit
        text = metrics.elidedText(unit.strip(), Qt.TextElideMode.ElideRight, self.left_px - 8)
        corner = QRectF(0, area.top() - 2, self.left_px - 6, metrics.height())
        painter.drawText(corner, Qt.AlignmentFlag.AlignRight, text)
        painter.setPen(QPen(QColor(theme.border)))
        painter.drawRect(area.adjusted(-1, 0, 0, 0))

    # curves

    def _reduce(self) -> None:
        self._find_columns()
        self._shapes = [self._shape(curve) for curve in self._curves] if self._columns else []

    def _find_columns(self) -> None:
        """Find the channels of each column, unless frequencies and size are as before."""
        width = int(self.area().width())
        key = (self.low_hz, self.high_hz, width)
        if self._frequencies is self._columns_of and key == self._columns_key:
            return
        self._columns_of, self._columns_key = self._frequencies, key
        self._columns = None
        if self._frequencies is not None and len(self._frequencies):
            self._columns = ChannelColumns(self._frequencies, self.low_hz, self.high_hz, width)

    def _shape(self, curve: Curve) -> tuple[Curve, np.ndarray, np.ndarray]:
        """Return a curve with the lowest and highest value of each column on the scale of the axis."""
        assert self._columns is not None
        low, high = self._columns.extremes(curve.values)
        if self.decibel:
            low, high = to_decibel(low), to_decibel(high)
            low, high = np.fmin(low, high), np.fmax(low, high)
        return curve, low.astype(np.float64), high.astype(np.float64)

    def _polylines(self, curve: Curve, low: np.ndarray, high: np.ndarray) -> list[QPolygonF]:
        """Return one polyline for each stretch of columns with values; a band goes up and down in each column."""
        area = self.area()
        drawn = np.isfinite(high) & ~np.isnan(low)
        columns = np.flatnonzero(drawn)
        if not len(columns):
            return []
        top, bottom = area.top() - 50.0, area.bottom() + 50.0  # Qt does not draw what is too far outside
        x = columns + (area.left() + 0.5)
        top_y = np.clip(self.y_of(high[columns]), top, bottom)
        stretches = np.flatnonzero(np.diff(columns) > 1) + 1
        if not curve.band:
            points = np.stack([x, top_y], axis=1)
        else:
            low_y = np.clip(self.y_of(low[columns]), top, bottom)
            points = np.stack([x, top_y, x, low_y], axis=1).reshape(-1, 2)
            stretches = stretches * 2
        return [_polygon(part) for part in np.split(points, stretches)]


def _polygon(points: np.ndarray) -> QPolygonF:
    """Return f8[n, 2] points as a polygon, without a Python object for each."""
    result = QPolygonF()
    result.resize(len(points))
    memory = cast(Any, shiboken6).VoidPtr(result.data(), points.size * 8, True)  # its stub knows one argument only
    np.frombuffer(memory, dtype=np.float64).reshape(-1, 2)[:] = points
    return result
