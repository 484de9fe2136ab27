"""A placement that is moved, enlarged and asked with mouse and keys."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from .placement_legend import chip_rect
from .placement_style import PlacementColors
from .placement_view import PlacementView

ZOOM_PER_NOTCH = 1.25
CLICK_PX = 4.0


class PlacementCanvas(PlacementView):
    """The wheel zooms, dragging pans, a click selects, a double click fits.

    Signals:
        selected(object): index of the part that was clicked, or None.
    """

    selected = Signal(object)

    def __init__(self, colors: PlacementColors, parent: QWidget | None = None) -> None:
        super().__init__(colors, parent)
        self._pressed: QPointF | None = None
        self._dragged = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleDescription("Wheel zooms, dragging pans, a click selects a part, 0 fits, Ctrl+F finds")

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120.0
        if notches:
            self.zoom(ZOOM_PER_NOTCH**notches, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._pressed, self._dragged = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        if self._pressed is not None:
            self._drag(self._pressed, place)
        self._mouse = place
        if not self._dragged:
            self._open_legend_at(place)
            self._hover_at(place if self._legend_rect is None else None)

    def _open_legend_at(self, place: QPointF | None) -> None:
        """Open the legend when the mouse comes to its chip, close it when the mouse leaves it."""
        closed = QRectF()
        if self.shapes is not None and not self.view.leaves_left_free:
            closed = chip_rect(self._picture(self.shapes), QFontMetricsF(self._overlay_font()))
        is_over = place is not None and not closed.isEmpty() and (self._legend_rect or closed).contains(place)
        if is_over != (self._legend_rect is not None):
            self._legend_rect = closed if is_over else None
            self.update()

    def _drag(self, pressed: QPointF, place: QPointF) -> None:
        if self._dragged or (place - pressed).manhattanLength() > CLICK_PX:
            start = self._mouse if self._dragged and self._mouse is not None else pressed
            self._dragged = True
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self.pan(place.x() - start.x(), place.y() - start.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        clicked = self._pressed is not None and not self._dragged and event.button() == Qt.MouseButton.LeftButton
        self._pressed, self._dragged = None, False
        self.unsetCursor()
        self._mouse = event.position()
        self._hover_at(self._mouse)
        if clicked:
            self.select(self.hover)
            self.selected.emit(self.hover)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.hover is None:
            self.fit()
        else:
            self.reveal(self.hover)

    def leaveEvent(self, event: QEvent) -> None:
        self._mouse = None
        self._open_legend_at(None)
        self._hover_at(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step_x, step_y = self.width() / 8, self.height() / 8
        moves = {
            Qt.Key.Key_Left: (step_x, 0.0),
            Qt.Key.Key_Right: (-step_x, 0.0),
            Qt.Key.Key_Up: (0.0, step_y),
            Qt.Key.Key_Down: (0.0, -step_y),
        }
        key = Qt.Key(event.key())
        if key in moves:
            self.pan(*moves[key])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(ZOOM_PER_NOTCH)
        elif key == Qt.Key.Key_Minus:
            self.zoom(1 / ZOOM_PER_NOTCH)
        elif key == Qt.Key.Key_Escape and self.selection is not None:
            self.select(None)
            self.selected.emit(None)
        else:
            super().keyPressEvent(event)
