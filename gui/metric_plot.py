"""The plot of one metric name: what mouse and keys do on it."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QToolTip, QWidget

from .curve_view import CurveView
from .plain_text import tooltip_text
from .plot_canvas import PlotCanvas
from .plot_gestures import Drag, wheel_zoom
from .theme import Theme
from .value_axis import short_value
from .x_axis import XAxis


class MetricPlot(PlotCanvas):
    """Show the curves of one metric name.

    The dock gives it curves and a stretch of the x axis with ``prepare`` and decides what the signals do, since the x
    axis belongs to all plots.

    Signals:
        hovered(object): x under the mouse, or None when it left.
        panned(float): move the x axis by this fraction of what is shown.
        zoomed(float, float): show so many times as much around this x.
        stretched(float, float): show this stretch.
        legend_clicked(int), legend_solo(int): index of a curve.
        follow_wanted(), enlarge_wanted(): double click on the plot area, on the title.
        y_changed(): the y range was moved by hand and lines must be made anew.
    """

    hovered = Signal(object)
    panned = Signal(float)
    zoomed = Signal(float, float)
    stretched = Signal(float, float)
    legend_clicked = Signal(int)
    legend_solo = Signal(int)
    follow_wanted = Signal()
    enlarge_wanted = Signal()
    y_changed = Signal()

    def __init__(self, name: str, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(name, theme, parent)
        self.wheel_scrolls = False
        self._drag: Drag | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(f"Plot of {self.title}")
        self.setAccessibleDescription("Arrows move, + and - zoom, F follows the end, Return enlarges")

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        position = event.position()
        entry = self._entry_at(position)
        if entry is not None:
            self.legend_clicked.emit(entry)
        elif position.y() > self.area().top() and self._scene is not None:
            self._drag = Drag.begin(position, self.area(), self._scene.mapping, event.modifiers())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        position = event.position()
        if self._drag is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self._on_drag(position)
            return
        entry = self._entry_at(position)
        if entry != self._hovered_entry:
            self._hovered_entry = entry
            self.update()
        is_title = self._title_rect().contains(position)
        hand = entry is not None or is_title
        self.setCursor(Qt.CursorShape.PointingHandCursor if hand else Qt.CursorShape.ArrowCursor)
        inside = self._scene is not None and self.area().adjusted(-2, 0, 2, 0).contains(position)
        self.hovered.emit(self._scene.mapping.x_at(position.x()) if inside and self._scene else None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag, self._selection = self._drag, None, None
        if drag is not None and self._scene is not None and (stretch := drag.stretch(self._scene.mapping)):
            self.stretched.emit(*stretch)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        entry = self._entry_at(event.position())
        if entry is not None:
            self.legend_solo.emit(entry)
        elif event.position().y() <= self.area().top():
            self.enlarge_wanted.emit()
        else:
            self.follow_wanted.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        zoom = wheel_zoom(event, self.area(), scrolls=self.wheel_scrolls)
        if zoom is None or self._scene is None:
            event.ignore()
            return
        if zoom.vertical:
            self._zoom_y(zoom.factor, event.position().y())
        else:
            self.zoomed.emit(zoom.factor, self._scene.mapping.x_at(event.position().x()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hovered_entry = None
        self.hovered.emit(None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        # Who clicks knows where; who tabs needs to see it.
        self._shows_focus = event.reason() != Qt.FocusReason.MouseFocusReason
        super().focusInEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.enlarge_wanted.emit()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        event.ignore()  # the dock has the menu

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self._show_tooltip(event.pos(), event.globalPos())
            return True
        return super().event(event)

    def _show_tooltip(self, position: QPoint, global_position: QPoint) -> None:
        entry = self._entry_at(QPointF(position))
        if entry is not None:
            view = self.views[entry]
            lines = [
                view.full_name,
                *view_statistics(view, self.axis),
                "Click: on or off. Double click: this one only.",
            ]
            QToolTip.showText(global_position, tooltip_text(*lines), self)
        elif self._title_rect().contains(QPointF(position)):
            lines = [self.title]
            if len(self.views) == 1:
                lines += [self.views[0].full_name, *view_statistics(self.views[0], self.axis)]
            QToolTip.showText(global_position, tooltip_text(*lines, "Double click: enlarge, and back."), self)
        else:
            QToolTip.hideText()

    def _entry_at(self, position: QPointF) -> int | None:
        return self._legend.at(position) if len(self.views) > 1 and self.legend_rows else None

    def _on_drag(self, position: QPointF) -> None:
        assert self._drag is not None
        moved = self._drag.move(position)
        if self._drag.selects:
            self._selection = self._drag.x_px
            self.update()
            return
        if moved.x_fraction:
            self.panned.emit(moved.x_fraction)
        if moved.y_fraction and (self.y_by_hand or self._drag.on_y_axis) and self.y_range is not None:
            shift = moved.y_fraction * (self.y_range[1] - self.y_range[0])
            self._set_y(self.y_range[0] + shift, self.y_range[1] + shift)

    def _zoom_y(self, factor: float, y_px: float) -> None:
        if self._scene is None or self.y_range is None:
            return
        fixed = self._scene.mapping.y_at(y_px)
        bottom, top = self.y_range
        self._set_y(fixed - (fixed - bottom) * factor, fixed + (top - fixed) * factor)

    def _set_y(self, bottom: float, top: float) -> None:
        if math.isfinite(bottom) and math.isfinite(top) and top - bottom > 1e-12 * max(abs(bottom), abs(top), 1e-300):
            self.y_by_hand = True
            self.y_range = (bottom, top)
            self.y_changed.emit()


def view_statistics(view: CurveView, axis: XAxis) -> list[str]:
    """Return lines of text with the number, minimum, mean, maximum and deviation of the visible samples."""
    values = view.curve.column("value")[view.visible_positions(axis)]
    lines = [f"Lost samples: {view.curve.lost:,}"] if view.curve.lost else []
    finite = values[np.isfinite(values)]
    if not len(finite):
        return ["No samples in this stretch", *lines]
    count = f"{len(values):,} samples visible" + (
        f", {len(values) - len(finite):,} not finite" * (len(finite) < len(values))
    )
    figures = (("min", finite.min()), ("mean", finite.mean()), ("max", finite.max()), ("std", finite.std()))
    return [count, "   ".join(f"{name} {short_value(float(value))}" for name, value in figures), *lines]
