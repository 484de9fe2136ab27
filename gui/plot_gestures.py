"""What dragging and the wheel mean on a plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QWheelEvent

from .curve_lines import Mapping

PER_NOTCH = 0.8  # of the stretch is left after one notch of the wheel
NOTCH = 120.0
SHORTEST_SELECTION_PX = 4.0


class Moved(NamedTuple):
    """Fractions of the visible stretch by which the axes must move."""

    x_fraction: float
    y_fraction: float


class Zoom(NamedTuple):
    """Show ``factor`` times as much of the y axis when ``vertical``, else of the x axis."""

    factor: float
    vertical: bool


@dataclass
class Drag:
    """A drag with the left button: pans, or with Shift selects the stretch to be shown.

    Args:
        area: of the plot. start, last: places of the mouse. selects: Shift was held.
        on_x_axis, on_y_axis: where it started; there it moves only that axis.
    """

    area: QRectF
    start: QPointF
    last: QPointF
    selects: bool
    on_x_axis: bool
    on_y_axis: bool

    @classmethod
    def begin(cls, position: QPointF, area: QRectF, mapping: Mapping, modifiers: Qt.KeyboardModifier) -> Drag:
        """Start a drag at a place of the widget."""
        selects = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        return cls(mapping.area, position, position, selects, position.y() > area.bottom(), position.x() < area.left())

    @property
    def x_px(self) -> tuple[float, float]:
        """Both ends of the drag, in pixels."""
        return self.start.x(), self.last.x()

    def move(self, position: QPointF) -> Moved:
        """Take the mouse's new place; return by how much the axes move."""
        step, self.last = position - self.last, position
        x = 0.0 if self.on_y_axis else -step.x() / self.area.width()
        y = 0.0 if self.on_x_axis else step.y() / self.area.height()
        return Moved(x, y)

    def stretch(self, mapping: Mapping) -> tuple[float, float] | None:
        """Return the stretch of x that was selected, or None when nothing was."""
        low, high = sorted(self.x_px)
        if not self.selects or high - low < SHORTEST_SELECTION_PX:
            return None
        low, high = max(low, self.area.left()), min(high, self.area.right())
        return (mapping.x_at(low), mapping.x_at(high)) if high > low else None


def wheel_zoom(event: QWheelEvent, area: QRectF, *, scrolls: bool) -> Zoom | None:
    """Return what a turn of the wheel means, or None when it belongs to the scroll bar.

    Plain wheel zooms x, over the y axis or with Shift it zooms y. Where the plots scroll, Ctrl must be held to zoom.
    """
    delta = event.angleDelta().y() or event.angleDelta().x()
    held = event.modifiers()
    if not delta or (scrolls and not held & Qt.KeyboardModifier.ControlModifier):
        return None
    vertical = event.position().x() < area.left() or bool(held & Qt.KeyboardModifier.ShiftModifier)
    return Zoom(PER_NOTCH ** (delta / NOTCH), vertical)
