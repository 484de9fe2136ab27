"""The Connect dialog: who answers is told before anything is added."""

from __future__ import annotations

import asyncio

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QListWidgetItem, QWidget

from dockscope import Broadcaster
from dockscope.core.dialects.base import ProbeResult, probe
from dockscope.core.discovery import LocalProducer
from dockscope.gui.connect_dialog import ConnectDialog
from dockscope.gui.theme import ThemeSwitch

URL = "dockscope://127.0.0.1:5560"
YES = ProbeResult(True, "", URL, "trainer", "here", 4711, (("metric", ""), ("data", "sizes")), "operate")
NO = ProbeResult(False, "Nothing listens at 127.0.0.1:5560: start the producer", URL)


class FakeProbe:
    """Answer as told, when allowed to."""

    def __init__(self, result=YES, waits=False):
        self.result = result
        self.asked = []
        self.cancelled = 0
        self.may_answer = asyncio.Event()
        if not waits:
            self.may_answer.set()

    async def __call__(self, url):
        self.asked.append(url)
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.result


@pytest.fixture
def make(bench, qtbot):
    """``make(ask, recent=[…], found=[…])`` opens the dialog and gives it with the URLs it accepted."""
    parent = QWidget()
    qtbot.addWidget(parent)
    themes = ThemeSwitch("dark")
    themes.apply()
    made = []

    def open_dialog(ask, recent=(), found=()):
        dialog = ConnectDialog(parent, themes=themes, recent=list(recent), find_local=lambda: list(found), probe=ask)
        accepted = []
        dialog.accepted_url.connect(accepted.append)
        dialog._delay.setInterval(0)
        dialog.open()
        made.append(dialog)
        return dialog, accepted

    yield open_dialog
    for dialog in made:
        dialog.reject()
    bench.spin()


def test_recent_urls_and_local_producers_are_offered(make):
    """The history is in the box, newest first; what runs here is in the list."""
    found = [LocalProducer("tcp://127.0.0.1:9", "ab", "<b>opti\nmizer</b>", 7)]
    dialog, _ = make(FakeProbe(), [URL, "dockscope://b:2"], found)
    assert [dialog.url.itemText(i) for i in range(dialog.url.count())] == [URL, "dockscope://b:2"]
    item = dialog.found.item(0)
    assert isinstance(item, QListWidgetItem)
    assert "<b>opti mizer</b>" in item.text()
    assert "process 7" in item.text()


def test_without_local_producers_it_says_so(make):
    """An empty list is a sentence that cannot be chosen."""
    dialog, _ = make(FakeProbe())
    assert dialog.found.item(0).text() == "No running producer was found"
    assert dialog.found.item(0).flags() == Qt.ItemFlag.NoItemFlags
    assert not dialog.connect_button.isEnabled()


def test_who_answered_is_told_before_it_is_added(make, bench):
    """Name, host, process, right and streams; only the button adds it."""
    dialog, accepted = make(FakeProbe(), [URL])
    bench.until(lambda: "trainer on here, process 4711 – you may operate it" in dialog.answer.text())
    assert "metric, sizes" in dialog.answer.text()
    assert accepted == []
    QTest.mouseClick(dialog.connect_button, Qt.MouseButton.LeftButton)
    assert accepted == [URL]
    assert dialog.result() == QDialog.DialogCode.Accepted


def test_choosing_a_local_producer_asks_it(make, bench):
    """A click in the list puts its URL into the box and asks; a double click connects."""
    ask = FakeProbe()
    dialog, accepted = make(ask, [], [LocalProducer("tcp://127.0.0.1:9", "ab", "optimizer", 7)])
    dialog.found.setCurrentRow(0)
    assert dialog.url.currentText() == "tcp://127.0.0.1:9"
    bench.until(lambda: ask.asked == ["tcp://127.0.0.1:9"] and "trainer" in dialog.answer.text())
    dialog.found.itemDoubleClicked.emit(dialog.found.item(0))
    assert accepted == ["tcp://127.0.0.1:9"]


def test_a_refusal_is_a_sentence_and_needs_a_second_yes(make, bench):
    """When nobody answers the reason is told; connecting anyway is possible, as the producer may start later."""
    dialog, accepted = make(FakeProbe(NO), [URL])
    bench.until(lambda: dialog.answer.text() == NO.sentence)
    assert dialog.connect_button.text() == "Connect anyway"
    assert accepted == []
    dialog.connect_button.click()
    assert accepted == [URL]


@pytest.mark.parametrize(("result", "added"), [(YES, [URL]), (NO, [])])
def test_enter_while_asking_waits_for_the_answer(make, bench, result, added):
    """A yes before the answer counts when somebody answers; else the reason is shown and nothing is added."""
    ask = FakeProbe(result, waits=True)
    dialog, accepted = make(ask, [URL])
    bench.until(lambda: ask.asked)
    dialog.connect_button.click()
    bench.spin()
    assert accepted == []
    assert not dialog.connect_button.isEnabled()
    ask.may_answer.set()
    bench.until(lambda: dialog._result is not None)
    bench.spin()
    assert accepted == added
    assert dialog.isVisible() == (not added)
    assert dialog.connect_button.isEnabled()


def test_typing_on_takes_the_question_back(make, bench):
    """Only the last text is asked; an answer to an earlier one never shows."""
    ask = FakeProbe(waits=True)
    dialog, _ = make(ask, [URL])
    bench.until(lambda: ask.asked)
    dialog.url.setCurrentText("dockscope://other:1")
    bench.until(lambda: len(ask.asked) == 2)
    assert ask.cancelled == 1
    assert dialog.answer.text() == "Asking…"
    dialog.url.setCurrentText("")
    bench.spin()
    assert ask.cancelled == 2
    assert not dialog.connect_button.isEnabled()


@pytest.mark.parametrize("way", ["reject", "close"])
def test_cancel_while_asking_leaves_no_task(make, bench, way):
    """However the dialog is left, the question ends with it."""
    ask = FakeProbe(waits=True)
    dialog, accepted = make(ask, [URL])
    bench.until(lambda: ask.asked)
    getattr(dialog, way)()
    bench.until(lambda: ask.cancelled == 1)
    assert accepted == []


def test_a_real_producer_answers(make, bench):
    """The real question to a real producer: its name and what it streams."""
    with Broadcaster("tcp://127.0.0.1:0", name="<i>real</i>") as broadcaster:
        broadcaster.publish_data("sizes", 1)
        broadcaster.flush(2.0)
        dialog, _ = make(probe, [broadcaster.url])
        bench.until(lambda: "<i>real</i> on " in dialog.answer.text(), timeout_s=6)
        assert dialog.answer.textFormat() == Qt.TextFormat.PlainText
        assert "sizes" in dialog.answer.text()


def test_a_wrong_url_is_refused_in_a_sentence(make, bench):
    """The real question to rubbish says what a URL looks like."""
    dialog, _ = make(probe, ["no url at all"])
    bench.until(lambda: "is no URL" in dialog.answer.text())
    dialog.url.setCurrentText("gopher://x")
    bench.until(lambda: "gopher" in dialog.answer.text())
