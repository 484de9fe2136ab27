"""The colour bar beside the value axis of the spectrum: its two handles are the levels of the waterfall."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QWidget

from .color_maps import STEPS, color_map
from .theme import Theme

GRAB_PX = 8
BAR_PX = 10
KEY_STEP = 0.02  # of the axis


class LevelBar(QWidget):
    """A vertical bar in the scale of the value axis next to it; dragging a handle sets a level by hand.

    Signals:
        levels_dragged(float, float): low and high asked for, low < high.
        automatic_asked(): double click.
    """

    levels_dragged = Signal(float, float)
    automatic_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.axis = (0.0, 1.0)
        self.low, self.high = 0.0, 1.0
        self._map = "viridis"
        self._handle: str | None = None
        self._strip = QPixmap()
        self._strip_key: tuple[object, ...] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Colour levels")
        self.setToolTip(
            "Colour levels: drag the upper or lower handle, double click for automatic levels;\n"
            "keys: Up and Down move the upper level, with Ctrl the lower one"
        )

    def show_levels(self, axis: tuple[float, float], low: float, high: float, map_name: str) -> None:
        """Show these levels on this axis (lower end, upper end)."""
        if (self.axis, self.low, self.high, self._map) != (axis, low, high, map_name):
            self.axis, self.low, self.high, self._map = axis, low, high, map_name
            self.update()

    def y_of(self, value: float) -> float:
        """Return the y of a value, held inside of the bar."""
        bottom, top = self.axis
        share = (value - bottom) / ((top - bottom) or 1.0)
        return (self.height() - 1) * (1 - min(1.0, max(0.0, share)))

    def value_at(self, y: float) -> float:
        """Return the value at a y."""
        bottom, top = self.axis
        return bottom + (1 - y / max(1, self.height() - 1)) * (top - bottom)

    def paintEvent(self, _event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        painter.drawPixmap(8, 0, self._colors())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self.theme.surface)))
        painter.setBrush(QColor(self.theme.accent if self.hasFocus() else self.theme.text))
        for value in (self.low, self.high):
            y = min(max(self.y_of(value), 4.0), self.height() - 5.0)
            painter.drawPolygon(QPolygonF([QPointF(1, y - 4.5), QPointF(9, y), QPointF(1, y + 4.5)]))

    def _colors(self) -> QPixmap:
        """Return the bar's colours, drawn anew only when something in them changed: it is painted with every row."""
        key = (self.axis, self.low, self.high, self._map, self.height())
        if key != self._strip_key:
            values = np.linspace(self.axis[1], self.axis[0], max(2, self.height()))
            share = (values - self.low) / ((self.high - self.low) or 1.0)
            colors = color_map(self._map)[np.clip(share * STEPS, 0, STEPS - 1).astype(int)]
            strip = np.ascontiguousarray(np.repeat(colors[:, None, :], BAR_PX, axis=1))
            image = QImage(strip.data, BAR_PX, len(colors), BAR_PX * 3, QImage.Format.Format_RGB888)
            self._strip, self._strip_key = QPixmap.fromImage(image), key
        return self._strip

    def mousePressEvent(self, event: QMouseEvent) -> None:
        y = event.position().y()
        near = {"low": abs(y - self.y_of(self.low)), "high": abs(y - self.y_of(self.high))}
        self._handle = min(near, key=lambda handle: near[handle])
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self.setCursor(Qt.CursorShape.SizeVerCursor)
        if self._handle:
            self._move(self._handle, self.value_at(event.position().y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._handle = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._handle = None
        self.automatic_asked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {int(Qt.Key.Key_Up): KEY_STEP, int(Qt.Key.Key_Down): -KEY_STEP}.get(event.key())
        if step is None:
            super().keyPressEvent(event)
            return
        handle = "low" if event.modifiers() & Qt.KeyboardModifier.ControlModifier else "high"
        self._move(handle, getattr(self, handle) + step * (self.axis[1] - self.axis[0]))

    def _move(self, handle: str, value: float) -> None:
        least = 0.01 * abs(self.axis[1] - self.axis[0])
        if handle == "low":
            self.levels_dragged.emit(min(value, self.high - least), self.high)
        else:
            self.levels_dragged.emit(self.low, max(value, self.low + least))

    def place(self, area: QRectF) -> None:
        """Lie to the right of a plot's area."""
        self.setGeometry(int(area.right()) + 1, int(area.top()), 8 + BAR_PX + 2, int(area.height()) + 1)
