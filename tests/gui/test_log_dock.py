"""The Log dock."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from dockscope.core.hub import Hub
from dockscope.core.messages import Kind, LogRecord, Status
from dockscope.core.run_control import Stage
from dockscope.gui.dock import DockContext
from dockscope.gui.log_dock import LogDock

from .conftest import KEY

Deliver = Callable[..., None]
T = 1_700_000_000.5


@pytest.fixture
def dock(context: DockContext, qtbot: QtBot) -> LogDock:
    dock = LogDock(context)
    qtbot.addWidget(dock)
    dock.clear_data()
    dock.resize(700, 300)
    dock.show()
    return dock


def messages(dock: LogDock) -> list[str]:
    return [dock.model.cells(row)[3] for row in dock.model.rows]


def test_an_empty_log_says_what_it_waits_for(dock: LogDock, qtbot: QtBot) -> None:
    """Without rows there is a sentence instead of an empty table."""
    qtbot.waitUntil(lambda: "Waiting" in dock.empty_text)


def test_rows_show_message_and_fields_in_order(dock: LogDock, deliver: Deliver, qtbot: QtBot) -> None:
    """A log record is one row with its fields behind the message; the newest is last."""
    deliver(Kind.LOG, "", LogRecord("info", "first", {"step": 3}, T))
    deliver(Kind.LOG, "", LogRecord("warning", "High memory", {"memory_mb": 8192}, T + 1))
    qtbot.waitUntil(lambda: messages(dock) == ["first  step=3", "High memory  memory_mb=8192"])
    qtbot.waitUntil(lambda: not dock.empty_text)


def test_level_and_text_filter(dock: LogDock, deliver: Deliver, qtbot: QtBot) -> None:
    """Only rows of the level and above that contain the text stay; a filter that hides all shows an empty table."""
    for level, message in (("debug", "a tick"), ("error", "disk full"), ("warning", "disk slow")):
        deliver(Kind.LOG, "", LogRecord(level, message, {}, T))
    dock.level.setCurrentIndex(2)
    dock.level.activated.emit(2)
    qtbot.waitUntil(lambda: messages(dock) == ["disk full", "disk slow"])
    qtbot.keyClicks(dock.search, "FULL")
    qtbot.waitUntil(lambda: messages(dock) == ["disk full"])
    qtbot.keyClicks(dock.search, "nothing like it")
    qtbot.waitUntil(lambda: messages(dock) == [] and not dock.empty_text)


def test_markup_is_shown_as_text(dock: LogDock, deliver: Deliver, qtbot: QtBot) -> None:
    """Received text is never interpreted."""
    deliver(Kind.LOG, "", LogRecord("info", "<b>bold</b>\nsecond %s {line}", {}, T))
    qtbot.waitUntil(lambda: messages(dock) == ["<b>bold</b> second %s {line}"])


def test_copy_selected_rows(dock: LogDock, deliver: Deliver, qtbot: QtBot, told: list[str]) -> None:
    """Ctrl+C puts the selected rows on the clipboard as tab-separated lines."""
    deliver(Kind.LOG, "", LogRecord("info", "copy me", {}, T))
    qtbot.waitUntil(lambda: len(messages(dock)) == 1)
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    dock.table.selectionModel().select(dock.model.index(0, 0), flags)
    dock.copy_rows()
    cells = QGuiApplication.clipboard().text().split("\t")
    assert cells[1:] == ["trainer", "info", "copy me"]
    assert told == ["Copied 1 row"]


def test_rows_of_a_forgotten_producer_disappear(dock: LogDock, deliver: Deliver, qtbot: QtBot) -> None:
    """Forgetting a producer takes its rows out of the log that is shown, and no others."""
    dock.hub.add("b", "b")
    deliver(Kind.LOG, "", LogRecord("info", "of the one", {}, T))
    dock.hub.problem("b", "cause", "of the other")
    qtbot.waitUntil(lambda: len(messages(dock)) == 2)
    dock.hub.forget("b")
    qtbot.waitUntil(lambda: messages(dock) == ["of the one"])


def test_csv_holds_the_visible_rows(dock: LogDock, deliver: Deliver, qtbot: QtBot) -> None:
    """CSV has a header, UTC times, quoted text, fields, and no cell that a spreadsheet would calculate."""
    deliver(Kind.LOG, "", LogRecord("info", 'a "quoted", text', {"step": 3}, T))
    deliver(Kind.LOG, "", LogRecord("info", "=1+1", {}, T))
    qtbot.waitUntil(lambda: len(messages(dock)) == 2)
    assert (dock.csv() or "").splitlines() == [
        "time,producer,source,level,message,fields",
        '2023-11-14T22:13:20.500+00:00,trainer,log,info,"a ""quoted"", text","{""step"": 3}"',
        "2023-11-14T22:13:20.500+00:00,trainer,log,info,'=1+1,",
    ]


def test_following_stops_when_the_user_scrolls_up(dock: LogDock, deliver: Deliver, qtbot: QtBot) -> None:
    """The tail is followed until the user scrolls away, and again on Follow."""
    for number in range(200):
        deliver(Kind.LOG, "", LogRecord("info", f"row {number}", {}, T))
    bar = dock.table.verticalScrollBar()
    qtbot.waitUntil(lambda: len(messages(dock)) == 200 and bar.value() == bar.maximum() > 0)
    assert not bar.isVisible()
    dock.table.setFocus()
    qtbot.keyClick(dock.table, Qt.Key.Key_PageUp)
    dock.table.scrollToTop()
    qtbot.waitUntil(lambda: not dock.follow.isChecked())
    qtbot.waitUntil(bar.isVisible)
    deliver(Kind.LOG, "", LogRecord("info", "one more", {}, T))
    qtbot.waitUntil(lambda: len(messages(dock)) == 201)
    assert bar.value() < bar.maximum()
    qtbot.mouseClick(dock.follow, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bar.value() == bar.maximum())


def test_settings_survive_and_rubbish_is_ignored(dock: LogDock, hub: Hub) -> None:
    """view_state gives back what restore_view_state takes; what is invalid leaves the default."""
    dock.restore_view_state({"level": "Warning", "search": "disk"})
    assert dock.view_state() == {"level": "Warning", "search": "disk"}
    dock.restore_view_state({"level": 7, "search": None})
    assert dock.view_state()["level"] == "Debug"


def test_nothing_is_told_twice_in_a_row(dock: LogDock, hub: Hub, deliver: Deliver, qtbot: QtBot) -> None:
    """The kind column holds the level of a status; the message repeats neither it nor a command's stage or a cause."""
    deliver(Kind.STATUS, "", Status("complete", "All done", T))
    hub.command(KEY, b"1", "pause", {}, Stage.ACCEPTED)
    hub.problem(KEY, "bad message", "trainer: bad message")
    qtbot.waitUntil(lambda: len(messages(dock)) == 3)
    assert [dock.model.cells(row)[2:] for row in dock.model.rows] == [
        ("complete", "All done"),
        ("command", "pause: accepted"),
        ("viewer", "trainer: bad message"),
    ]
