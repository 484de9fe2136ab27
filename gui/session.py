"""The window's life after its first paint: the event loop, the sources, the demo, and the end in reverse order.

What this module imports - asyncio, sockets, processes - takes as long as the window itself. The window is seen first.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from qasync import QEventLoop

from ..core.demos.launch import DemoError, DemoProducers

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from .frame_clock import FrameClock
    from .main_window import MainWindow
    from .sources import Sources

logger = logging.getLogger("dockscope.gui")


def run_session(
    app: QApplication,
    window: MainWindow,
    *,
    sources: Sources,
    clock: FrameClock,
    urls: tuple[str, ...],
    demo: bool,
    seconds: float | None,
    before_close: Callable[[], int],
) -> int:
    """Connect what is to be connected and run the loop until the window is closed or its time is over.

    Args:
        app, window, sources, clock: as shown already.
        urls: connected at once. demo: start the bundled producers. seconds: close after this time.
        before_close: called while all is still there; returns the exit code.
    """
    loop = QEventLoop(app)
    asyncio.set_event_loop(loop)
    with ExitStack() as stack:
        stack.enter_context(loop)
        stack.enter_context(_logged_exceptions(loop))
        session = _Session(window, sources, clock)
        return loop.run_until_complete(session.run(urls, demo=demo, seconds=seconds, before_close=before_close))


class _Session:
    def __init__(self, window: MainWindow, sources: Sources, clock: FrameClock) -> None:
        self._window, self._sources, self._clock = window, sources, clock
        self._demo = DemoProducers()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(
        self, urls: tuple[str, ...], *, demo: bool, seconds: float | None, before_close: Callable[[], int]
    ) -> int:
        window = self._window
        closed = asyncio.get_running_loop().create_future()
        window.closed.connect(lambda: closed.done() or closed.set_result(None))
        if not window.isVisible():  # closed while it was painted for the first time
            closed.set_result(None)
        window.demo_wanted.connect(self._start_demo)
        _close_on_signals(window)
        window.connect_saved()
        for url in urls:
            window.connect_url(url)
        window.expect_producers(demo)
        if demo:
            self._start_demo()
        try:
            await asyncio.wait([closed], timeout=seconds)
            code = before_close()
            if not closed.done():
                window.close()
            return code
        finally:
            self._clock.stop()
            for task in self._tasks:
                task.cancel()
            await self._sources.close()
            await asyncio.to_thread(self._demo.close)
            window.notifier.close()
            window.deleteLater()

    def _start_demo(self) -> None:
        task = asyncio.ensure_future(_demo_task(self._demo, self._window))
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a task of the window failed", exc_info=error)


async def _demo_task(demo: DemoProducers, window: MainWindow) -> None:
    """Start the bundled producers and connect to each as its URL is known."""
    window.expect_producers(True, "Starting the demo's producers…")
    try:
        await asyncio.to_thread(demo.start)
        for url in await asyncio.to_thread(demo.urls):
            window.connect_url(url)
    except DemoError as error:
        window.banner.tell(f"The demo cannot start: {error}", "error")
    finally:
        window.expect_producers(False)


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
