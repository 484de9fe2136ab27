"""Start a window, print the monotonic time at which its first paint has ended: ``first_paint.py ours URL | peer``."""

from __future__ import annotations

import os
import sys
import tempfile
import time


def first_paint_ends(widget_class: type) -> type:
    """Return a class of widgets that tell the end of the window's first paint and end the process."""
    from PySide6.QtCore import QTimer

    class Watched(widget_class):  # pyright: ignore[reportGeneralTypeIssues]
        def paintEvent(self, event) -> None:
            super().paintEvent(event)
            QTimer.singleShot(0, self, _tell)  # all parts of the window are painted in this same turn

    return Watched


def _tell() -> None:
    print(time.monotonic(), flush=True)
    os._exit(0)


def ours(url: str) -> None:
    """Run the program itself, with the one class replaced."""
    from dockscope.__main__ import main
    from dockscope.gui import app

    app.MainWindow = first_paint_ends(app.MainWindow)
    with tempfile.TemporaryDirectory() as home:
        sys.argv = ["dockscope", "--temp-basedir", home, url]
        main()


def peer() -> None:
    """Show what the budget compares with: a window with one plot."""
    import pyqtgraph
    from PySide6.QtWidgets import QApplication, QMainWindow

    app = QApplication([])
    window = QMainWindow()
    plot = first_paint_ends(pyqtgraph.PlotWidget)()  # it covers the window, which is therefore not painted itself
    plot.plot([0.0, 1.0, 2.0], [0.0, 1.0, 0.0])
    window.setCentralWidget(plot)
    window.resize(1600, 1000)
    window.show()
    app.exec()


if __name__ == "__main__":
    ours(sys.argv[2]) if sys.argv[1] == "ours" else peer()
