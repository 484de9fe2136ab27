"""What every dock can do: context menu, pictures, tables, the sentence of an empty dock."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMenu, QVBoxLayout

from dockscope.gui.dock import Dock
from dockscope.gui.dock_catalog import STANDING_KINDS

from .conftest import KEY


class FakeView(Dock):
    """A dock with one label."""

    kind = "fake"
    title = "Fake"

    def __init__(self, context):
        super().__init__(context)
        QVBoxLayout(self.body).addWidget(QLabel("something to see"))
        self.cleared = 0

    def refresh(self, changes):
        self.set_empty(None)

    def clear_data(self):
        self.cleared += 1


class FakeTable(FakeView):
    """The same with a table."""

    def csv(self):
        return "a,b\n1,ü\n"


@pytest.fixture
def view(context, qtbot):
    return shown(FakeTable(context), qtbot)


def shown(dock, qtbot):
    qtbot.addWidget(dock)
    dock.resize(320, 200)
    dock.show()
    qtbot.waitExposed(dock)
    return dock


def texts(menu):
    return [action.text() for action in menu.actions() if action.text()]


@pytest.fixture
def answer_file(monkeypatch):
    """``answer_file(path)`` is what the user chooses in the file dialog; "" is Cancel."""

    def answer(path):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))

    return answer


def test_context_menu_offers_picture_and_clearing(context, qtbot):
    """Every dock: copy picture, save PNG, clear data; no CSV where there is no table."""
    plain = shown(FakeView(context), qtbot)
    assert texts(plain.context_menu()) == ["Copy picture", "Save picture as PNG…", "Clear data"]


def test_context_menu_of_a_table_offers_csv(view):
    """A dock with a table also offers to copy and to save CSV."""
    assert texts(view.context_menu()) == [
        "Copy picture",
        "Save picture as PNG…",
        "Copy visible data as CSV",
        "Save visible data as CSV…",
        "Clear data",
    ]


@pytest.mark.parametrize("kind", STANDING_KINDS)
def test_every_kind_has_a_menu_and_says_what_it_waits_for(kind, context, qtbot, hub):
    """Each dock there is can be copied, saved and cleared; empty, it shows a sentence; Metrics and Log have CSV."""
    for key in list(hub.producers):
        hub.forget(key)
    dock = shown(STANDING_KINDS[kind].make(context), qtbot)
    dock.request_refresh()
    qtbot.waitUntil(lambda: bool(dock.empty_text))
    assert len(dock.empty_text.split()) >= 4
    entries = texts(dock.context_menu())
    assert {"Copy picture", "Save picture as PNG…", "Clear data"} <= set(entries)
    assert kind not in ("metrics", "log") or "Copy visible data as CSV" in entries


def test_a_right_click_opens_the_menu(view, qtbot):
    """The menu pops up where the mouse is and its entries work."""
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(5, 5), view.mapToGlobal(QPoint(5, 5)))
    QApplication.sendEvent(view, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    next(action for action in menu.actions() if action.text() == "Clear data").trigger()
    menu.close()
    assert view.cleared == 1


def test_copy_picture_puts_the_dock_on_the_clipboard(view, told):
    """The clipboard holds a picture of the dock's size, and the user is told."""
    view.copy_picture()
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.height()) == (view.width(), view.height())
    assert told == ["Picture copied"]


def test_save_picture_writes_a_png(view, told, tmp_path, answer_file):
    """A name without an ending gets .png; the file is a picture of the dock."""
    answer_file(tmp_path / "picture")
    view.save_picture()
    image = QImage(str(tmp_path / "picture.png"))
    assert (image.width(), image.height()) == (view.width(), view.height())
    assert told == ["Saved picture.png"]


def test_save_csv_writes_what_is_visible(view, told, tmp_path, answer_file):
    """The file holds the table as UTF-8."""
    answer_file(tmp_path / "table.csv")
    view.save_csv()
    assert (tmp_path / "table.csv").read_text(encoding="utf-8") == "a,b\n1,ü\n"
    assert told == ["Saved table.csv"]


def test_copy_csv(view, told):
    """The clipboard holds the table."""
    view.copy_csv()
    assert QGuiApplication.clipboard().text() == "a,b\n1,ü\n"
    assert told == ["Visible data copied as CSV"]


@pytest.mark.parametrize("save", ["save_picture", "save_csv"])
def test_a_path_that_cannot_be_written_is_told_in_a_sentence(view, told, tmp_path, answer_file, save):
    """No exception and no silence: the sentence names the path."""
    target = tmp_path / "missing" / "file.out"
    answer_file(target)
    getattr(view, save)()
    assert len(told) == 1
    assert told[0].startswith(f"Cannot write {target}: ")


@pytest.mark.parametrize("save", ["save_picture", "save_csv"])
def test_cancel_writes_nothing(view, told, tmp_path, answer_file, save):
    """Cancel in the file dialog leaves nothing behind and says nothing."""
    answer_file("")
    getattr(view, save)()
    assert told == []
    assert list(tmp_path.iterdir()) == []


def test_the_sentence_of_an_empty_dock_is_plain_text_and_goes(view, qtbot):
    """What a dock waits for is shown literally in place of its body, until there is something."""
    view.set_empty("Waiting for <b>x</b>")
    assert view.empty_text == "Waiting for <b>x</b>"
    assert not view.body.isVisible()
    label = next(label for label in view.findChildren(QLabel) if label.isVisible())
    assert label.textFormat() == label.textFormat().PlainText
    view.set_empty(None)
    assert view.body.isVisible()
    assert view.empty_text == ""


RUBBISH = (None, True, -1, 1e300, "x" * 10_000, "<b>", [], [[]], [None] * 3, {}, {"a": {}}, [1, "x", {}])


@pytest.mark.parametrize("kind", STANDING_KINDS)
def test_rubbish_view_settings_are_left_out(kind, context, qtbot, hub):
    """Settings of a wrong type or out of range neither raise through the layout nor reach what is stored next."""
    dock = shown(STANDING_KINDS[kind].make(context), qtbot)
    good = dock.view_state()
    for name in [*good, "unknown"]:
        for value in RUBBISH:
            dock.adopt_view_state({**good, name: value})
    dock.adopt_view_state(good)
    assert dock.view_state() == good
    hub.clear("log", KEY)
    dock.request_refresh()
    with qtbot.waitSignal(context.clock.ticked):
        pass
