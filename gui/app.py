"""Composition root of the window: makes every part and shows it, then hands over to the session. Wiring only.

The start order matters: settings before the first widget, the style sheet after the last, the window painted before
asyncio is imported and the first source is opened, and at the end the window first, then the links, then the demo's
processes.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEventLoop, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from ..core.hub import Hub
from ..core.settings import Settings
from .asker import WindowAsker
from .dock_area import configure_docking
from .frame_clock import FrameClock
from .garbage import GarbageCollection
from .icons import application_icon
from .main_window import MainWindow
from .sources import Sources
from .theme import ThemeSwitch

if TYPE_CHECKING:
    from ..core.discovery import LocalProducer
    from ..core.paths import Paths

logger = logging.getLogger("dockscope.gui")

SCREENSHOT_SIZE_PX = (1600, 1000)
SCREENSHOT_AFTER_S = 10.0
LONGEST_FIRST_PAINT_MS = 2000
# Told by Qt on platforms without window managers, and by QtAds when it looks at a damaged layout: both harmless.
HARMLESS_QT_MESSAGES = ("propagateSizeHints", "qUncompress")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How the window is started.

    Args:
        urls: connected at once. demo: start the bundled producers.
        seconds: end by itself after this time, None means when the user closes it.
        screenshot: PNG written at the end of ``seconds``: 1600×1000, default layout.
        insecure: sources may bind addresses that other machines reach, whatever the settings say.
        password: for sources that ask for one; the user is asked where it is refused.
    """

    urls: tuple[str, ...] = ()
    demo: bool = False
    seconds: float | None = None
    screenshot: Path | None = None
    insecure: bool = False
    password: str | None = field(default=None, repr=False)

    @property
    def run_s(self) -> float | None:
        """Seconds after which it ends, None for never."""
        return SCREENSHOT_AFTER_S if self.seconds is None and self.screenshot is not None else self.seconds


def run(options: RunOptions, paths: Paths) -> int:
    """Show the window until it is closed; returns the exit code."""
    app = make_application()
    settings = Settings(paths.settings_file)
    told = settings.load()
    themes = ThemeSwitch(settings.theme)
    configure_docking()
    hub = Hub()
    asker = WindowAsker(options.password)
    sources = Sources(hub, settings, insecure=options.insecure, asker=asker)
    clock = FrameClock(hub.take_changes)
    hub.on_change = clock.arm
    window = MainWindow(
        hub=hub,
        sources=sources,
        settings=settings,
        themes=themes,
        clock=clock,
        probe=sources.probe,
        find_local=_find_local,
    )
    asker.parent = window
    _show(window, themes, options)
    if told:
        window.banner.tell(told, "warning")
    from .session import run_session  # asyncio and all that needs it: not before the first paint

    with GarbageCollection():
        code = run_session(
            app,
            window,
            sources=sources,
            clock=clock,
            urls=options.urls,
            demo=options.demo,
            seconds=options.run_s,
            before_close=lambda: _save_screenshot(window, options.screenshot),
        )
    if options.screenshot is None:
        _save_settings(settings)
    return code


def make_application() -> QApplication:
    """Make the application object; the loop is left by our own future, not with the last window."""
    qInstallMessageHandler(_on_qt_message)
    QApplication.setApplicationName("dockscope")
    QApplication.setDesktopFileName("dockscope")
    app = QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    app.setWindowIcon(application_icon())
    return app


def _show(window: MainWindow, themes: ThemeSwitch, options: RunOptions) -> None:
    """Show the window as it was left, or as in a picture, and wait until it has been painted."""
    if options.screenshot is None:
        window.restore()
    else:
        window.setFixedSize(*SCREENSHOT_SIZE_PX)
    window.expect_producers(options.demo or bool(options.urls))
    # Not earlier: with a style sheet in force every step of putting widgets together polishes them anew.
    themes.apply()
    first = QEventLoop()
    window.painted.connect(first.quit)
    QTimer.singleShot(LONGEST_FIRST_PAINT_MS, first, first.quit)  # where nobody sees it, nothing is painted
    window.show()
    if options.screenshot is not None:
        window.docks.reset()
    # What is clicked waits for the loop that can do it.
    first.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)


def _save_screenshot(window: MainWindow, path: Path | None) -> int:
    if path is None:
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    if window.grab().save(str(path), "PNG"):
        _say(f"wrote {path}")
        return 0
    _say(f"dockscope: cannot write {path}")
    return 1


def _save_settings(settings: Settings) -> None:
    try:
        settings.save()
    except OSError as error:
        _say(f"dockscope: the settings {settings.path} cannot be written: {error.strerror}")


def _find_local() -> list[LocalProducer]:
    from ..core.discovery import find_local

    return find_local()


def _say(sentence: str) -> None:
    """Tell the person at the terminal."""
    sys.stderr.write(f"{sentence}\n")


def _on_qt_message(kind: QtMsgType, _context: object, message: str) -> None:
    if not any(harmless in message for harmless in HARMLESS_QT_MESSAGES):
        grave = kind in (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)
        logger.log(logging.ERROR if grave else logging.WARNING, "Qt: %s", message)
