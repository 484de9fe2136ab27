"""A script that does a small step again and again, as a hand with a mouse does, while a window lives."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEventLoop, Qt, QTimer

STEP_MS = 16


def scripted(step: Callable[[float], None], seconds: float) -> None:
    """Call ``step`` every 16 ms with the share of the time that has passed, 0 to 1.

    Steps that find the window busy come late, as mouse events do.
    """
    waiting = QEventLoop()
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    start = time.monotonic()

    def on_time() -> None:
        share = (time.monotonic() - start) / seconds
        if share < 1.0:
            step(share)
        else:
            waiting.quit()

    timer.timeout.connect(on_time)
    timer.start(STEP_MS)
    waiting.exec()
    timer.stop()
