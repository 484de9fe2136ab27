"""Composition root of the window: makes every part, runs the loop, takes all apart in reverse order. Wiring only.

The start order matters: settings and theme before the first widget, the window painted before the first source is
opened, and at the end the window first, then the links, then the demo's processes.
"""

from __future__ import annotations

import asyncio
import cProfile
import logging
import signal
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from ..core.demos.launch import DemoError, DemoProducers
from ..core.discovery import find_local
from ..core.hub import Hub
from ..core.settings import Settings
from .asker import WindowAsker
from .dock_area import configure_docking
from .frame_clock import FrameClock
from .icons import application_icon
from .main_window import MainWindow
from .sources import Sources
from .theme import ThemeSwitch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..core.paths import Paths

logger = logging.getLogger("dockscope.gui")

SCREENSHOT_SIZE_PX = (1600, 1000)
SCREENSHOT_AFTER_S = 10.0
# Told by Qt on platforms without window managers, and by QtAds when it looks at a damaged layout: both harmless.
HARMLESS_QT_MESSAGES = ("propagateSizeHints", "qUncompress")


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How the window is started.

    Args:
        urls: connected at once. demo: start the bundled producers.
        seconds: end by itself after this time, None means when the user closes it.
        screenshot: PNG written at the end of ``seconds``: 1600×1000, default layout.
        profile: file for a cProfile record of the run.
        insecure: sources may bind addresses that other machines reach, whatever the settings say.
        password: for sources that ask for one; the user is asked where it is refused.
    """

    urls: tuple[str, ...] = ()
    demo: bool = False
    seconds: float | None = None
    screenshot: Path | None = None
    profile: Path | None = None
    insecure: bool = False
    password: str | None = field(default=None, repr=False)


def run(options: RunOptions, paths: Paths) -> int:
    """Show the window until it is closed; returns the exit code."""
    app = make_application()
    settings = Settings(paths.settings_file)
    told = settings.load()
    themes = ThemeSwitch(settings.theme)
    themes.apply()
    configure_docking()
    loop = QEventLoop(app)
    asyncio.set_event_loop(loop)
    with ExitStack() as stack:
        stack.enter_context(loop)
        stack.enter_context(_logged_exceptions(loop))
        if options.profile is not None:
            stack.enter_context(_profiled(options.profile))
        return loop.run_until_complete(_main(options, settings, themes, told))


def make_application() -> QApplication:
    """Make the application object; the loop is left by our own future, not with the last window."""
    qInstallMessageHandler(_on_qt_message)
    QApplication.setApplicationName("dockscope")
    QApplication.setDesktopFileName("dockscope")
    app = QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    app.setWindowIcon(application_icon())
    return app


async def _main(options: RunOptions, settings: Settings, themes: ThemeSwitch, told: str) -> int:
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
        find_local=find_local,
    )
    asker.parent = window
    demo = DemoProducers()
    closed = asyncio.get_running_loop().create_future()
    window.closed.connect(lambda: closed.done() or closed.set_result(None))
    window.demo_wanted.connect(lambda: _start(demo_task(demo, window), tasks))
    tasks: set[asyncio.Task[None]] = set()
    _close_on_signals(window)
    _show(window, options)
    if told:
        window.banner.tell(told, "warning")
    for url in options.urls:
        window.connect_url(url)
    if options.demo:
        _start(demo_task(demo, window), tasks)
    try:
        return await _until_end(window, closed, options, settings)
    finally:
        clock.stop()
        for task in tasks:
            task.cancel()
        await sources.close()
        await asyncio.to_thread(demo.close)
        window.notifier.close()
        window.deleteLater()


def _show(window: MainWindow, options: RunOptions) -> None:
    if options.screenshot is None:
        window.restore()
    else:
        window.setFixedSize(*SCREENSHOT_SIZE_PX)
    window.show()
    if options.screenshot is not None:
        window.docks.reset()


async def _until_end(window: MainWindow, closed: asyncio.Future[None], options: RunOptions, settings: Settings) -> int:
    seconds = options.seconds if options.seconds is not None or options.screenshot is None else SCREENSHOT_AFTER_S
    await asyncio.wait([closed], timeout=seconds)
    code = 0
    if options.screenshot is not None:
        code = _save_screenshot(window, options.screenshot)
    if not closed.done():
        window.close()
    if options.screenshot is None:
        _save_settings(settings)
    return code


def _save_screenshot(window: MainWindow, path: Path) -> int:
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


def _say(sentence: str) -> None:
    """Tell the person at the terminal."""
    sys.stderr.write(f"{sentence}\n")


async def demo_task(demo: DemoProducers, window: MainWindow) -> None:
    """Start the bundled producers and connect to each as its URL is known."""
    window.expect_producers(True)
    try:
        await asyncio.to_thread(demo.start)
        for url in await asyncio.to_thread(demo.urls):
            window.connect_url(url)
    except DemoError as error:
        window.banner.tell(f"The demo cannot start: {error}", "error")
    finally:
        window.expect_producers(False)


def _start(coroutine: object, tasks: set[asyncio.Task[None]]) -> None:
    task = asyncio.ensure_future(coroutine)  # type: ignore[arg-type]
    tasks.add(task)
    task.add_done_callback(lambda done: _finish(done, tasks))


def _finish(task: asyncio.Task[None], tasks: set[asyncio.Task[None]]) -> None:
    tasks.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.error("a task of the window failed", exc_info=error)


def _close_on_signals(window: MainWindow) -> None:
    """Ctrl-C and SIGTERM close the window; the clock's timer lets Python see the signal within 250 ms."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: window.close())


@contextmanager
def _logged_exceptions(loop: QEventLoop) -> Iterator[None]:
    """Send exceptions of slots and of the loop to the log instead of to the terminal only."""

    def on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        logger.critical("unexpected error", exc_info=(kind, error, trace))

    previous = sys.excepthook
    sys.excepthook = on_exception
    loop.set_exception_handler(
        lambda _loop, context: logger.critical("%s", context.get("message"), exc_info=context.get("exception"))
    )
    try:
        yield
    finally:
        sys.excepthook = previous


@contextmanager
def _profiled(path: Path) -> Iterator[None]:
    profile = cProfile.Profile()
    profile.enable()
    try:
        yield
    finally:
        profile.disable()
        profile.dump_stats(path)


def _on_qt_message(kind: QtMsgType, _context: object, message: str) -> None:
    if not any(harmless in message for harmless in HARMLESS_QT_MESSAGES):
        grave = kind in (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)
        logger.log(logging.ERROR if grave else logging.WARNING, "Qt: %s", message)
