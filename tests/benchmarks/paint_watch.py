"""When widgets have been painted, and at which intervals a window paints frames."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QWidget


class PaintWatch(QObject):
    """Notes the end of every paintEvent of some widgets.

    Its event filter hands the event on itself, so that it is there when the painting ends.

    Args:
        widgets: to be watched until ``stop``.
        on_painted: called with the widget at each end.
    """

    def __init__(self, *widgets: QWidget, on_painted: Callable[[QWidget], None] | None = None) -> None:
        super().__init__()
        self.ends_s: list[float] = []  # time.monotonic()
        self._widgets = widgets
        self._on_painted = on_painted
        for widget in widgets:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.Paint or not isinstance(watched, QWidget):
            return False
        watched.event(event)
        self.ends_s.append(time.monotonic())
        if self._on_painted is not None:
            self._on_painted(watched)
        return True

    def stop(self) -> None:
        """Leave the widgets alone."""
        for widget in self._widgets:
            widget.removeEventFilter(self)


class FrameWatch(QObject):
    """Notes when a window has painted a frame in which at least one of some widgets was painted anew.

    Args:
        window: the top-level window. widgets: those whose pictures count.
    """

    def __init__(self, window: QWidget, *widgets: QWidget) -> None:
        super().__init__()
        self.ends_s: list[float] = []
        self._window = window
        self._paints = PaintWatch(*widgets)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.UpdateRequest or not isinstance(watched, QWidget):
            return False
        before = len(self._paints.ends_s)
        watched.event(event)
        if len(self._paints.ends_s) > before:
            self.ends_s.append(time.monotonic())
        return True

    def take_intervals_ms(self) -> list[float]:
        """Return the intervals between the frames since the last call."""
        ends, self.ends_s = self.ends_s, self.ends_s[-1:]
        return [(after - before) * 1e3 for before, after in itertools.pairwise(ends)]

    def stop(self) -> None:
        """Leave the window alone."""
        self._window.removeEventFilter(self)
        self._paints.stop()
