"""Run dockscope as a person would, and answer questions about its widgets on a Unix socket.

Started by the end-to-end tests as ``python window_probe.py SOCKET ARGUMENTS…``. It only looks: everything is done with
the mouse and the keyboard from outside.
"""

from __future__ import annotations

import faulthandler
import json
import signal
import socket
import sys
import threading
from typing import Any


def serve(path: str) -> None:
    """Answer one JSON object per line with one JSON line, until the program ends."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(1)
    while True:
        connection, _ = server.accept()
        with connection, connection.makefile("rw") as lines:
            for line in lines:
                lines.write(json.dumps(ask_window(json.loads(line))) + "\n")
                lines.flush()


def ask_window(question: dict[str, Any]) -> Any:
    """Have the window's thread answer, and wait for it."""
    if "PySide6.QtWidgets" not in sys.modules:
        return None
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance()
    if app is None:
        return None
    answered = threading.Event()
    answer: list[Any] = []

    def look() -> None:
        try:
            answer.append(ANSWERS[question["ask"]](question))
        except Exception as error:  # noqa: BLE001 - told to the test, which fails with it
            answer.append({"error": repr(error)})
        answered.set()

    QTimer.singleShot(0, app, look)
    return answer[0] if answered.wait(10) else {"error": "the window did not answer within 10 s"}


def widget(question: dict[str, Any]) -> Any:
    """Geometry, text and state of the visible widget with this object name."""
    from PySide6.QtWidgets import QApplication, QWidget

    found = [w for w in QApplication.allWidgets() if w.objectName() == question["name"] and w.isVisible()]
    return describe(found[0]) if found and isinstance(found[0], QWidget) else None


def button(question: dict[str, Any]) -> Any:
    """The visible button with this text, wherever it is."""
    from PySide6.QtWidgets import QAbstractButton, QApplication

    for found in QApplication.allWidgets():
        is_button = isinstance(found, QAbstractButton) and found.isVisible()
        if is_button and describe(found)["text"].replace("&", "") == question["text"]:
            return describe(found)
    return None


def describe(found: Any) -> dict[str, Any]:
    from PySide6.QtCore import QPoint

    corner = found.mapToGlobal(QPoint(0, 0))
    text = getattr(found, "text", "")
    return {
        "x": corner.x(),
        "y": corner.y(),
        "width": found.width(),
        "height": found.height(),
        "enabled": found.isEnabled(),
        "text": text() if callable(text) else text,
    }


def window(_question: dict[str, Any]) -> Any:
    """What the main window says: state of the target, banner, freeze band, docks."""
    main = main_window()
    if main is None or not main.isVisible():
        return None
    return {
        "state": main.toolbar.state.text,
        "banner": main.banner.label.text() if main.banner.isVisible() else "",
        "frozen": main.freeze_band.isVisible(),
        "title": main.windowTitle(),
        "welcome": main.welcome.isVisible(),
        **{key: describe(main)[key] for key in ("x", "y", "width", "height")},
        "docks": {h.objectName(): dock(h) for h in main.docks.holders()},
    }


def dock(holder: Any) -> dict[str, Any]:
    area = holder.dockAreaWidget()
    shown = {} if holder.isClosed() or area is None else {"area": describe(area), "tab": describe(holder.tabWidget())}
    return {"closed": holder.isClosed(), "floating": holder.isInFloatingContainer(), **shown}


def producers(_question: dict[str, Any]) -> Any:
    """What the hub knows of each producer."""
    main = main_window()
    hub = main._hub
    return {
        p.name: {
            "url": p.url,
            "link": p.link.value,
            "run": p.run.run if p.run else None,
            "outcome": p.run.outcome if p.run else None,
            "lost": p.lost,
            "problem": p.problem,
            "run_index": p.run_index,
            "streams": sorted(f"{kind}/{stream}" for kind, stream in p.streams),
        }
        for p in hub.producers.values()
    }


def samples(question: dict[str, Any]) -> Any:
    """How many samples the curves of one metric hold, by producer."""
    main = main_window()
    return {c.producer: len(c) for c in main._hub.series.of_name(question["name"])}


def log(_question: dict[str, Any]) -> Any:
    """The rows of the log, oldest first."""
    main = main_window()
    return [[row.source, row.level, row.message] for row in main._hub.log.since(0)]


def main_window() -> Any:
    from PySide6.QtWidgets import QApplication, QMainWindow

    return next((w for w in QApplication.topLevelWidgets() if isinstance(w, QMainWindow)), None)


ANSWERS = {f.__name__: f for f in (widget, button, window, producers, samples, log)}


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1)
    threading.Thread(target=serve, args=(sys.argv[1],), daemon=True).start()
    sys.argv = ["dockscope", *sys.argv[2:]]
    from dockscope.__main__ import main

    sys.exit(main())
