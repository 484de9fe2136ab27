"""Take the time that each dock needs to paint, from outside: no widget knows of it."""

from __future__ import annotations

from collections.abc import Iterable

import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QObject
from PySide6.QtWidgets import QWidget

from .dock import Dock
from .frame_clock import WINDOW
from .loop_recorder import LoopRecorder

PAINT, UPDATE = QEvent.Type.Paint, QEvent.Type.UpdateRequest


class PaintTimer(QObject):
    """Filter the events of docks and of their windows while it is asked to.

    A filter sees an event before its widget does. To see the end as well, it sends a paint event on by itself and then
    says that it has been dealt with. Within one update of a window Qt paints a widget, then its children, each by an
    event of its own: a paint of a dock is the sum of those, and what the update took beyond its docks is the window's.
    """

    def __init__(self, recorder: LoopRecorder, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._recorder = recorder
        self._names: dict[QObject, str] = {}
        self._passing: QObject | None = None
        self._spent: dict[str, float] | None = None  # of the update that is going on, by dock

    def watch(self, docks: Iterable[Dock]) -> None:
        """Take the times of these docks, of all widgets in them now, and of the windows that they are in."""
        self._names = {widget: name for widget, name in self._names.items() if shiboken6.isValid(widget)}
        for dock in docks:
            name = dock.label
            for widget in (dock, *dock.findChildren(QWidget)):
                self._add(widget, name)
            self._add(dock.window(), WINDOW)

    def stop(self) -> None:
        """Leave all widgets alone."""
        for widget in self._names:
            if shiboken6.isValid(widget):
                widget.removeEventFilter(self)
        self._names.clear()

    def _add(self, widget: QWidget, name: str) -> None:
        if widget not in self._names:
            widget.installEventFilter(self)
            self._names[widget] = name

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Send paints and updates on and take their time; leave all else alone."""
        kind = event.type()
        if kind not in (PAINT, UPDATE):
            return False
        if watched is self._passing:
            self._passing = None
            return False
        name = self._names.get(watched)
        if name is None:
            return False
        if kind == UPDATE:
            self._time_update(watched, event)
        elif name != WINDOW:
            self._time_paint(watched, event, name)
        else:
            return False
        return True

    def _time_update(self, window: QObject, event: QEvent) -> None:
        outer, self._spent = self._spent, {}
        took_s = self._send(window, event, WINDOW)
        spent, self._spent = self._spent, outer
        for name, length_s in spent.items():
            self._recorder.work(name).paint.add(length_s)
        self._recorder.work(WINDOW).paint.add(max(0.0, took_s - sum(spent.values())))

    def _time_paint(self, widget: QObject, event: QEvent, name: str) -> None:
        took_s = self._send(widget, event, name)
        if self._spent is None:  # not part of an update: a picture of the dock is made, or it was uncovered
            self._recorder.work(name).paint.add(took_s)
        else:
            self._spent[name] = self._spent.get(name, 0.0) + took_s

    def _send(self, receiver: QObject, event: QEvent, name: str) -> float:
        """Send an event on, past this filter; returns the seconds that it took."""
        recorder = self._recorder
        before, recorder.doing = recorder.doing, f"painting {name}"
        self._passing = receiver
        started = recorder.clock()
        try:
            QCoreApplication.sendEvent(receiver, event)
        finally:
            took_s = recorder.clock() - started
            self._passing = None
            recorder.doing = before
        return took_s
