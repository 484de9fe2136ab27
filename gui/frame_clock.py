"""The one clock of the window: it decides when docks paint, and nothing else does.

The first change arms it; it ticks at most once per 16 ms, and less often while painting takes more than its share of
the loop (``frame_pace``). A hidden dock is not called at all; it gets one full refresh when it is shown again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal, SignalInstance

from .frame_pace import FramePace

if TYPE_CHECKING:
    from ..core.hub import Change
    from .dock import Dock
    from .loop_recorder import LoopRecorder

logger = logging.getLogger("dockscope.gui.frame_clock")

TEXT_INTERVAL_MS = 250
WINDOW = "Window"  # what belongs to no dock: toolbar, status bar, frames


class FrameClock(QObject):
    """Refresh visible docks with the changes since the last frame.

    Attributes:
        recorder: is told of every frame and of every refresh while somebody looks at them, else None.

    Signals:
        ticked(): a frame's refreshes are done.
        text_ticked(): four times a second, for numbers that a person reads.
        freeze_changed(bool): painting was frozen or goes on.
    """

    ticked = Signal()
    text_ticked = Signal()
    freeze_changed = Signal(bool)

    def __init__(self, take_changes: Callable[[], set[Change]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._take_changes = take_changes
        self._docks: dict[Dock, bool] = {}  # dock -> needs a full refresh
        self._broken: dict[tuple[Dock, str], str] = {}  # (dock, what failed) -> error
        self.frozen = False
        self.frozen_since: float | None = None
        self._pace = FramePace()
        self.frames = 0
        self.recorder: LoopRecorder | None = None
        self._due = 0.0
        self._last_tick = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._text_timer = QTimer(self)
        self._text_timer.setInterval(TEXT_INTERVAL_MS)
        self._text_timer.timeout.connect(self._tick_text)
        self._text_timer.start()

    @property
    def interval_ms(self) -> float:
        """Time between two frames while there is always something to show."""
        return self._pace.interval_ms

    def add(self, dock: Dock) -> None:
        """Take a dock in; it is refreshed fully at the next frame."""
        self._docks[dock] = True
        self.arm()

    def remove(self, dock: Dock) -> None:
        """Forget a dock that was closed for good."""
        self._docks.pop(dock, None)
        self._broken = {key: error for key, error in self._broken.items() if key[0] is not dock}

    @property
    def docks(self) -> list[Dock]:
        """All docks that it refreshes, hidden ones included."""
        return list(self._docks)

    def request(self, dock: Dock) -> None:
        """Ask for a full refresh of one dock: it was shown, or its own settings changed."""
        if dock in self._docks:
            self._docks[dock] = True
            self.arm()

    def request_all(self) -> None:
        """Ask for a full refresh of every dock."""
        for dock in self._docks:
            self._docks[dock] = True
        self.arm()

    def arm(self) -> None:
        """Make sure that a frame follows; called at the first change after a frame."""
        if self._timer.isActive():
            return
        wait_ms = max(0.0, self.interval_ms - (time.perf_counter() - self._last_tick) * 1e3)
        self._due = time.perf_counter() + wait_ms / 1e3
        self._timer.start(round(wait_ms))

    def set_frozen(self, frozen: bool) -> None:
        """Stop or go on painting; data keep arriving meanwhile."""
        if frozen == self.frozen:
            return
        self.frozen = frozen
        self.frozen_since = time.monotonic() if frozen else None
        self.freeze_changed.emit(frozen)
        if not frozen:
            self.request_all()

    def stop(self) -> None:
        """End both timers; the window is closing."""
        self._timer.stop()
        self._text_timer.stop()
        self._docks.clear()

    def _tick(self) -> None:
        started = time.perf_counter()
        if self.recorder is not None:
            # A pause in which nothing changed is nobody's fault: it counts as one interval of the clock.
            self.recorder.frame(started, started - max(self._last_tick, self._due - self.interval_ms / 1e3))
        self._pace.tick(late_ms=(started - self._due) * 1e3)
        self._last_tick = started
        changes = self._take_changes()
        if self.frozen:
            return
        self.frames += 1
        for dock, full in list(self._docks.items()):
            if dock.isVisible():
                self._docks[dock] = False
                self._call(dock, "view", partial(_refresh, dock, None if full else changes))
            elif changes:
                self._docks[dock] = True
        self._emit(self.ticked)
        self._pace.worked(time.perf_counter() - started)

    def painted(self, seconds: float) -> None:
        """Take note of how long an update of the window took, so that frames leave time for everything else."""
        self._pace.worked(seconds)

    def _emit(self, signal: SignalInstance) -> None:
        if self.recorder is None:
            signal.emit()
        else:
            self.recorder.refresh(WINDOW, signal.emit)

    def _call(self, dock: Dock, what: str, refresh: Callable[[], object]) -> None:
        """Refresh one dock; a broken one must not stop the others, and is told once and not 60 times a second."""
        try:
            if self.recorder is None:
                refresh()
            else:
                self.recorder.refresh(dock.label, refresh)
        except Exception as error:
            if self._broken.get((dock, what)) != repr(error):
                logger.exception("dock %s could not be refreshed", dock.objectName() or dock.kind)
            self._broken[dock, what] = repr(error)
        else:
            self._broken.pop((dock, what), None)

    def _tick_text(self) -> None:
        if not self.frozen:
            for dock in list(self._docks):
                if dock.isVisible():
                    self._call(dock, "text", dock.refresh_text)
        self._emit(self.text_ticked)


def _refresh(dock: Dock, changes: set[Change] | None) -> bool:
    """Refresh a dock when it is concerned; False when it is not."""
    concerned = changes is None or any(dock.concerns(change) for change in changes)
    if concerned:
        dock.refresh(changes)
    return concerned
