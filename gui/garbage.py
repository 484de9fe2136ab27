"""Python's cyclic garbage is collected on the window's thread only, where Qt's objects may be destroyed.

Python collects in whichever thread happens to allocate. A dialog or a timer that is part of a cycle would then be
destroyed in a thread that asks for a producer's address or watches for stalls, which Qt answers with a crash at times.
"""

from __future__ import annotations

import gc
from types import TracebackType
from typing import Self

from PySide6.QtCore import QObject, QTimer

INTERVAL_MS = 250
OLD_EVERY = 40  # turns: what outlived two collections is looked through every ten seconds


class GarbageCollection(QObject):
    """Take automatic collection over for as long as the context lasts; make it in the thread that owns the window."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._turns = 0
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self.turn)

    def __enter__(self) -> Self:
        gc.disable()
        # What is there by now stays: looking it through again and again would cost tens of milliseconds each time.
        gc.freeze()
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.stop()
        gc.unfreeze()
        gc.enable()

    def turn(self) -> None:
        """Collect what is due by Python's own thresholds, the old ones more seldom."""
        self._turns += 1
        young, middle, _ = gc.get_threshold()
        allocated, collections, _ = gc.get_count()
        if self._turns % OLD_EVERY == 0:
            gc.collect(2)
        elif collections > middle:
            gc.collect(1)
        elif allocated > young:
            gc.collect(0)
