"""The whole window with its default docks, on an event loop as in the program, and what measuring asks of it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from dockscope.core.hub import Hub, Producer
from dockscope.core.run_control import LinkState
from dockscope.core.settings import Settings
from dockscope.gui.app import make_application
from dockscope.gui.dock_area import configure_docking
from dockscope.gui.metric_plot import MetricPlot
from dockscope.gui.metrics_dock import MetricsDock

from ..gui.window_bench import WindowBench

SIZE_PX = (1600, 1000)
SETTLE_S = 1.0
REST_MS = 300
PATIENCE_S = 20.0


def application() -> QApplication:
    """Return the application of this process, made as the program makes it."""
    app = QApplication.instance()
    if isinstance(app, QApplication):
        return app
    app = make_application()
    configure_docking()
    return app


def show_exposed(widget: QWidget) -> None:
    """Show a widget in a window of its own and wait until it is on the screen and at rest."""
    widget.show()
    assert QTest.qWaitForWindowExposed(widget)
    QTest.qWait(REST_MS)


class MeasuredWindow(WindowBench):
    """The whole window, shown in its default size."""

    def __init__(self, settings: Settings, hub: Hub | None = None) -> None:
        super().__init__(application(), settings, hub=hub)
        self.show(*SIZE_PX)
        assert QTest.qWaitForWindowExposed(self.window)
        self.wait(SETTLE_S)

    def wait(self, seconds: float) -> None:
        """Let the window live for a time."""
        self.run(asyncio.sleep(seconds))

    def connect(self, url: str) -> Producer:
        """Connect as the user does and return the producer once its link is live."""
        before = {key for key, producer in self.hub.producers.items() if producer.link is LinkState.LIVE}
        self.window.connect_url(url)

        def live() -> Producer | None:
            new = [p for key, p in self.hub.producers.items() if p.link is LinkState.LIVE and key not in before]
            return new[0] if new else None

        return self.until(live, f"a live link to {url}", PATIENCE_S)

    @property
    def metrics(self) -> MetricsDock:
        """The Metrics dock of the default layout."""
        dock = self.window.docks.dock("metrics-1")
        assert isinstance(dock, MetricsDock)
        return dock

    def show_metrics(self, *names: str) -> list[MetricPlot]:
        """Choose these metrics and return their plots once they are painted."""
        self.until(lambda: set(names) <= set(self.hub.series.names()), f"metrics {names}", PATIENCE_S)
        self.metrics.choose_metrics(list(names))

        def shown() -> bool:
            plots = self.metrics.plots
            return all(name in plots and plots[name].isVisible() for name in names)

        self.until(shown, f"plots of {names}", PATIENCE_S)
        return [self.metrics.plots[name] for name in names]


@contextmanager
def whole_window(**parts: Any) -> Iterator[MeasuredWindow]:
    """Show the window with settings of its own; ``hub=`` gives it another store."""
    with tempfile.TemporaryDirectory() as home:
        window = MeasuredWindow(Settings(Path(home) / "settings.json"), **parts)
        try:
            yield window
        finally:
            window.close()
