"""Blocking calls beside the window's thread, and their outcome in it. Needs no running asyncio loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from PySide6.QtCore import QObject, QTimer

LOOK_EVERY_MS = 15


def in_thread(call: Callable[[], Any], name: str) -> Future[Any]:
    """Do a call in a thread of its own, which does not keep the program from ending."""
    future: Future[Any] = Future()
    threading.Thread(target=_fulfil, args=(future, call), name=name, daemon=True).start()
    return future


def _fulfil(future: Future[Any], call: Callable[[], Any]) -> None:
    try:
        result = call()
    except Exception as error:  # noqa: BLE001 - raised again in the one who waits
        future.set_exception(error)
    else:
        future.set_result(result)


class Awaited(QObject):
    """Wait for a future that another thread fulfils.

    It is looked at again and again: threads that outlive the window then have nothing of Qt in their hands.

    Args:
        parent: owner; nothing is told any more once it is gone. future: to wait for.
        on_done: takes the future when it is done, in the window's thread.
    """

    def __init__(self, parent: QObject, future: Future[Any], on_done: Callable[[Future[Any]], object]) -> None:
        super().__init__(parent)
        self._future, self._on_done = future, on_done
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def cancel(self) -> None:
        """Hear nothing of the outcome; what the other thread does goes on."""
        self._timer.stop()
        self.deleteLater()

    def _look(self) -> None:
        if self._future.done():
            self.cancel()
            self._on_done(self._future)
