"""One dock in a window of its own, and the messages that it shows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from PySide6.QtTest import QTest

from dockscope.core.hub import Hub
from dockscope.core.settings import Settings
from dockscope.gui.dock import Dock, DockContext
from dockscope.gui.frame_clock import FrameClock
from dockscope.gui.theme import ThemeSwitch

from .delivery import Delivery
from .whole_window import application, show_exposed

LARGE_BUDGET_BYTES = 12 * 2**30  # the memory row has the real one

AnyDock = TypeVar("AnyDock", bound=Dock)


class SingleDock(Generic[AnyDock]):
    """A dock on the screen, refreshed when it is told to be.

    Args:
        kind: its class. width_px, height_px: its size. home: for its settings.
    """

    def __init__(self, kind: type[AnyDock], width_px: int, height_px: int, home: Path) -> None:
        themes = ThemeSwitch("dark")
        themes.apply()
        self.hub = Hub(budget_bytes=LARGE_BUDGET_BYTES)
        self.delivery = Delivery(self.hub)
        self.clock = FrameClock(self.hub.take_changes)
        context = DockContext(
            hub=self.hub,
            settings=Settings(home / "settings.json"),
            themes=themes,
            clock=self.clock,
            tell=lambda _sentence: None,
            actions={},
        )
        self.dock = kind(context)
        self.dock.resize(width_px, height_px)
        show_exposed(self.dock)

    def refresh(self) -> None:
        """Have the dock take in what was delivered, as the clock does at a tick."""
        self.dock.refresh(self.hub.take_changes())

    def settle(self, milliseconds: int = 500) -> None:
        """Let everything happen that waits."""
        QTest.qWait(milliseconds)

    def close(self) -> None:
        """Take the dock from the screen."""
        self.clock.stop()
        self.dock.dispose()
        self.dock.close()
        self.dock.deleteLater()
        self.settle(1)


@contextmanager
def single_dock(kind: type[AnyDock], width_px: int, height_px: int) -> Iterator[SingleDock[AnyDock]]:
    """Show a dock of this size for the time of a ``with``."""
    application()
    with tempfile.TemporaryDirectory() as home:
        shown = SingleDock(kind, width_px, height_px, Path(home))
        yield shown
        shown.close()
