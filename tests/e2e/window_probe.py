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
import time
from pathlib import Path
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
    # Only when the program has imported all it needs: two threads amid Qt's imports can wait for each other for ever.
    if not hasattr(sys.modules.get("dockscope.gui.session"), "run_session"):
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


def rows(_question: dict[str, Any]) -> Any:
    """The rows of the log with everything a message is judged by, oldest first."""
    return [
        {"producer": row.producer, "source": row.source, "level": row.level, "message": row.message}
        for row in main_window()._hub.log.since(0)
    ]


def curves(question: dict[str, Any]) -> Any:
    """The curves of one metric: length, where the line is broken, where runs start, its numbers and what is lost."""
    return [
        {
            "producer": curve.producer,
            "samples": len(curve),
            "breaks": [int(position) for position in curve.breaks],
            "runs": [int(position) for position in curve.run_of],
            "first": curve.column(question.get("x", "value"))[:1].tolist(),
            "steps": curve.column("step").tolist() if curve.has("step") else [],
            "lost": curve.lost,
        }
        for curve in main_window()._hub.series.of_name(question["name"])
    ]


def explorer(_question: dict[str, Any]) -> Any:
    """What the Explorer shows of each producer: name, badge and second line."""
    from dockscope.gui.explorer_delegate import ROW

    tree = next(w for w in main_window().findChildren(_tree_class()) if w.accessibleName() == "Producers and streams")
    items = [tree.topLevelItem(index) for index in range(tree.topLevelItemCount())]
    return [
        {
            "name": (row := item.data(0, ROW)).name,
            "badge": row.badge,
            "second": row.second,
            "place": placed(tree.viewport(), tree.visualItemRect(item)),
        }
        for item in items
    ]


def placed(widget: Any, rectangle: Any) -> dict[str, int]:
    """A rectangle within a widget, on the screen."""
    corner = widget.mapToGlobal(rectangle.topLeft())
    return {"x": corner.x(), "y": corner.y(), "width": rectangle.width(), "height": rectangle.height()}


def entry(question: dict[str, Any]) -> Any:
    """The entry with this text of the menu bar or of an open menu; ``menu`` is the title of that menu, "" for any."""
    from PySide6.QtWidgets import QApplication, QMenu, QMenuBar

    for menu in QApplication.allWidgets():
        title = menu.title().replace("&", "") if isinstance(menu, QMenu) else ""
        if isinstance(menu, QMenu | QMenuBar) and menu.isVisible() and question["menu"] in ("", title):
            for action in menu.actions():
                if action.text().replace("&", "") == question["text"]:
                    return {**placed(menu, menu.actionGeometry(action)), "enabled": action.isEnabled()}
    return None


def _tree_class() -> Any:
    from PySide6.QtWidgets import QTreeWidget

    return QTreeWidget


def placements(_question: dict[str, Any]) -> Any:
    """What is kept of each placement stream: parts of the board, frames, index of the newest."""
    kept = main_window()._hub.placements.placements
    return {
        stream: {
            "parts": len(placement.scene.refs) if placement.scene else 0,
            "frames": len(placement),
            "newest": placement.latest.index if placement.latest else None,
        }
        for (_, stream), placement in kept.items()
    }


def latest(question: dict[str, Any]) -> Any:
    """The "number" in the newest value of a data stream, -1 before the first."""
    for (_, stream), known in main_window()._hub.data.entries.items():
        if stream == question["stream"]:
            return known.value["number"]
    return -1


def streams(question: dict[str, Any]) -> Any:
    """What is counted of each stream of a producer."""
    found = [p for p in main_window()._hub.producers.values() if p.name == question["producer"]]
    return {
        f"{kind}/{name}": {"messages": info.messages, "lost": info.lost, "rate_hz": info.rate_hz}
        for producer in found
        for (kind, name), info in producer.streams.items()
    }


def totals(_question: dict[str, Any]) -> Any:
    """What has arrived at the hub."""
    hub = main_window()._hub
    return {"messages": hub.messages, "samples": hub.samples, "lost": hub.lost, "memory": hub.memory()}


def dialogs(_question: dict[str, Any]) -> Any:
    """Titles of the windows that are open besides the main one."""
    from PySide6.QtWidgets import QApplication

    return [w.windowTitle() for w in QApplication.topLevelWidgets() if w.isVisible() and w is not main_window()]


def shown_texts(_question: dict[str, Any]) -> Any:
    """Every text that a label, a button, a tree or a table shows, or that copying the log gives."""
    from PySide6.QtCore import QAbstractListModel, QModelIndex
    from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QApplication, QLabel

    texts = [w.text() for w in QApplication.allWidgets() if isinstance(w, QLabel | QAbstractButton)]

    def walk(model: Any, parent: Any) -> None:
        columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(parent)  # private in lists
        for row in range(min(model.rowCount(parent), 200)):
            texts.extend(str(model.index(row, column, parent).data()) for column in range(columns))
            walk(model, model.index(row, 0, parent))

    for view in QApplication.allWidgets():
        if isinstance(view, QAbstractItemView) and view.model() is not None:
            walk(view.model(), QModelIndex())
    return texts


STALL_EVERY_MS = 10


class Stalls:
    """A heartbeat of the window's thread: how late it comes is how long the thread was held up."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self.late_ms: list[float] = []
        self.last_s = time.perf_counter()
        self.timer = QTimer()
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self.beat)
        self.timer.start(STALL_EVERY_MS)

    def beat(self) -> None:
        now_s = time.perf_counter()
        self.late_ms.append((now_s - self.last_s) * 1e3 - STALL_EVERY_MS)
        self.last_s = now_s

    def take(self) -> dict[str, float]:
        late, self.late_ms = sorted(self.late_ms) or [0.0], []
        return {"beats": len(late), "p50": late[len(late) // 2], "p99": late[len(late) * 99 // 100], "worst": late[-1]}


def stalls(_question: dict[str, Any]) -> Any:
    """By how many milliseconds the window's thread was held up since the last time this was asked."""
    watch = HEARTBEAT.get("stalls") or Stalls()
    HEARTBEAT["stalls"] = watch
    return watch.take()


HEARTBEAT: dict[str, Any] = {}


LEFT_OVER_S = 1.0


def left_over() -> list[str]:
    """What the program has left behind after its end; threads that were told to end get a moment for it."""
    deadline = time.monotonic() + LEFT_OVER_S
    while (left := held()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return left


def held() -> list[str]:
    """Threads and sockets of this process, the probe's own left out."""
    left = [t.name for t in threading.enumerate() if t is not threading.main_thread() and t.name != PROBE_THREAD]
    left += [name for task in Path("/proc/self/task").iterdir() if (name := _thread_name(task)).startswith("ZMQbg")]
    inodes = {line.split()[9] for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]}
    targets = [_target(entry) for entry in Path("/proc/self/fd").iterdir()]
    return left + [target for target in targets if target.startswith("socket:") and target[8:-1] in inodes]


def _thread_name(task: Path) -> str:
    try:
        return (task / "comm").read_text().strip()
    except OSError:  # ended since it was listed
        return ""


def _target(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:  # the listing's own descriptor
        return ""


def main_window() -> Any:
    from PySide6.QtWidgets import QApplication, QMainWindow

    return next((w for w in QApplication.topLevelWidgets() if isinstance(w, QMainWindow)), None)


ANSWERS = {
    f.__name__: f
    for f in (
        *(widget, button, window, producers, samples, log),
        *(rows, curves, explorer, placements, totals, dialogs, stalls, shown_texts, entry, latest, streams),
    )
}
PROBE_THREAD = "probe"


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1)
    threading.Thread(target=serve, args=(sys.argv[1],), daemon=True, name=PROBE_THREAD).start()
    sys.argv = ["dockscope", *sys.argv[2:]]
    from dockscope.__main__ import main

    code = main()
    print(f"left over: {left_over()}", flush=True)
    sys.exit(code)
