"""The whole window on a hub, with real sources and a real event loop, as ``app.py`` wires it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PySide6 import QtCore
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QApplication, QDialog
from qasync import QEventLoop

from dockscope.core.dialects.base import ProbeResult, probe
from dockscope.core.discovery import LocalProducer
from dockscope.core.hub import Hub
from dockscope.core.settings import Settings
from dockscope.gui.asker import WindowAsker
from dockscope.gui.frame_clock import FrameClock
from dockscope.gui.main_window import MainWindow
from dockscope.gui.sources import Sources
from dockscope.gui.theme import ThemeSwitch

POLL_S = 0.005


class LoopBench:
    """An event loop on Qt's, and waiting that lets it run.

    Args:
        app: the application of pytest-qt. loop: that of another bench, which outlives this one.
    """

    def __init__(self, app: QApplication, loop: QEventLoop | None = None) -> None:
        self._is_guest = loop is not None
        if loop is not None:
            self.loop = loop
            return
        # Running from now on: a click processes Qt's events, asyncio's among them, and those want to know their loop.
        self.loop = QEventLoop(app)
        asyncio.set_event_loop(self.loop)
        self.loop._before_run_forever()
        asyncio._set_running_loop(self.loop)

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Run until this is done."""
        future = asyncio.ensure_future(awaitable, loop=self.loop)
        waiting = QtCore.QEventLoop()
        future.add_done_callback(lambda _: waiting.quit())
        if not future.done():
            waiting.exec()
        return future.result()

    def until(self, condition: Callable[[], object], what: str = "", timeout_s: float = 5.0) -> Any:
        """Let the loop run until the condition holds and return its value, or fail."""

        async def poll() -> Any:
            deadline = time.monotonic() + timeout_s
            while not (value := condition()):
                if time.monotonic() > deadline:
                    return None
                await asyncio.sleep(POLL_S)
            return value

        value = self.run(poll())
        if not value:
            pytest.fail(f"not within {timeout_s} s: {what or getattr(condition, '__code__', condition)}")
        return value

    def spin(self, times: int = 3) -> None:
        """Let what is ready run."""

        async def rest() -> None:
            for _ in range(times):
                await asyncio.sleep(0)

        self.run(rest())

    def close(self) -> None:
        """End the loop."""
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        if self._is_guest:
            return
        asyncio._set_running_loop(None)
        self.loop._after_run_forever()
        self.loop.close()
        asyncio.set_event_loop(None)


class WindowBench(LoopBench):
    """A main window and all it is made of.

    Args:
        app: the application of pytest-qt. settings: as read from the file. hub: with producers already, or a new one.
        found: what runs on this machine. ask: finds out what answers at a URL.
        theme: "dark" or "light".
    """

    def __init__(
        self,
        app: QApplication,
        settings: Settings,
        *,
        hub: Hub | None = None,
        found: list[LocalProducer] | None = None,
        ask: Callable[[str], Awaitable[ProbeResult]] = probe,
        theme: str = "dark",
        loop: QEventLoop | None = None,
    ) -> None:
        super().__init__(app, loop)
        settings.notifications = False
        self.settings = settings
        self.hub = hub or Hub()
        self.themes = ThemeSwitch(theme)
        self.themes.apply()
        self.asker = WindowAsker()
        self.sources = Sources(self.hub, settings, asker=self.asker)
        self.clock = FrameClock(self.hub.take_changes)
        self.hub.on_change = self.clock.arm
        self.window = MainWindow(
            hub=self.hub,
            sources=self.sources,
            settings=settings,
            themes=self.themes,
            clock=self.clock,
            probe=ask,
            find_local=lambda: list(found or []),
        )
        self.asker.parent = self.window

    def show(self, width: int = 1280, height: int = 720) -> MainWindow:
        """Restore the last session and show the window at this size."""
        self.window.restore()
        # The offscreen platform's screen is small, so the window may have been maximized to fit it.
        self.window.setWindowState(Qt.WindowState.WindowNoState)
        self.window.resize(width, height)
        self.window.show()
        self.window.activateWindow()
        self.window.connect_saved()
        self.spin(10)
        return self.window

    def dialog(self, kind: type[QDialog] = QDialog) -> Any:
        """Wait for an open dialog of this kind and return it."""
        return self.until(lambda: next((d for d in self.window.findChildren(kind) if d.isVisible()), None), str(kind))

    def close(self) -> None:
        """Take everything apart in the order of ``app.py``."""
        self.window.close()
        self.clock.stop()
        self.run(self.sources.close())
        self.window.notifier.close()
        self.window.deleteLater()
        super().close()
