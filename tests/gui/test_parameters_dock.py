"""The Parameters dock: what is reported is shown, what is asked is sent."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QWidget

from dockscope.core.messages import ControlState, ParameterState
from dockscope.core.run_control import LinkState, Stage
from dockscope.gui.parameters_dock import ParametersDock

from .conftest import KEY


def parameter(
    name="rate", type_="float", value: Any = 0.5, minimum=None, maximum=None, choices=None, unit="", revision=0
):
    return ParameterState(name, type_, value, minimum, maximum, choices, unit, revision)


RATE = parameter(minimum=0.0, maximum=1.0, unit="1/s")
COUNT = parameter("count", "int", 3)
ON = parameter("on", "bool", True)
MODE = parameter("mode", "str", "fast", choices=("fast", "slow"))
TEXT = parameter("text", "str", "<b>x</b>")


@pytest.fixture
def sent():
    """What went to producers."""
    return []


@pytest.fixture
def dock(context, qtbot, sent):
    context.actions["send"] = lambda keys, command, args: sent.append((keys, command, args))
    dock = ParametersDock(context)
    qtbot.addWidget(dock)
    dock.resize(300, 400)
    dock.show()
    return dock


@pytest.fixture
def report(hub, dock):
    """``report(parameter…)`` is the producer's word."""

    def tell(*parameters, run="RUNNING"):
        hub.producers[KEY].run = ControlState(run=run, parameters=tuple(parameters))
        dock.refresh(None)

    return tell


def editor(dock, name, kind: type[QWidget] = QLineEdit) -> Any:
    return next(found for found in dock.findChildren(kind) if found.accessibleName() == name)


def visible_texts(dock):
    return [label.text() for label in dock.findChildren(QLabel) if label.isVisible() and label.text()]


def type_in(qtbot, line, text):
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)


def test_without_parameters_it_says_where_they_come_from(dock):
    """An empty dock names the call that makes one."""
    dock.refresh(None)
    assert "control.parameter" in dock.empty_text


def test_each_type_has_its_editor_with_the_reported_value(dock, report, qtbot):
    """Numbers and text in lines, yes or no as a tick, choices as a list; name, unit and limits are told."""
    report(RATE, COUNT, ON, MODE, TEXT)
    assert editor(dock, "rate").text() == "0.5"
    assert editor(dock, "rate").toolTip() == "0 to 1; Enter sends it"
    assert editor(dock, "count").text() == "3"
    assert editor(dock, "on", QCheckBox).isChecked()
    assert editor(dock, "mode", QComboBox).currentText() == "fast"
    assert editor(dock, "text").text() == "<b>x</b>"
    qtbot.waitUntil(lambda: {"rate, 1/s", "trainer"} <= set(visible_texts(dock)))


def test_what_is_typed_is_sent_and_what_is_reported_is_shown(dock, report, sent, qtbot):
    """Enter sends; the line shows the reported value again until the producer reports another."""
    report(RATE)
    line = editor(dock, "rate")
    type_in(qtbot, line, "0.75")
    assert sent == [([KEY], "set", {"name": "rate", "value": 0.75})]
    report(RATE)
    assert line.text() == "0.5"
    report(parameter(value=0.75, minimum=0.0, maximum=1.0, unit="1/s", revision=1))
    assert line.text() == "0.75"


def test_typing_is_not_disturbed_by_reports(dock, report, qtbot):
    """While the user types, a report does not take the text away; a selection stays too."""
    report(RATE)
    line = editor(dock, "rate")
    line.setFocus()
    qtbot.waitUntil(line.hasFocus)
    line.selectAll()
    report(RATE)
    assert line.selectedText() == "0.5"
    qtbot.keyClicks(line, "0.9")
    report(RATE)
    assert line.text() == "0.9"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("rate", "fast", "rate is not set: 'fast' is not a number"),
        ("rate", "", "rate is not set: '' is not a number"),
        ("count", "1.5", "count is not set: '1.5' is not a whole number"),
        ("count", "9" * 30, "count is not set: 999999999999999999999999999999 is too large"),
    ],
)
def test_an_invalid_text_is_not_sent_and_told(dock, report, sent, told, qtbot, name, text, words):
    """A wrong number stays in the line, and a sentence says why it was not sent."""
    report(RATE, COUNT)
    line = editor(dock, name)
    line.setFocus()
    qtbot.waitUntil(line.hasFocus)
    line.clear()
    type_in(qtbot, line, text)
    assert sent == []
    assert told == [words]


def test_ticks_and_choices_are_sent_at_once(dock, report, sent, qtbot):
    """A click is the request."""
    report(ON, MODE)
    editor(dock, "on", QCheckBox).click()
    box = editor(dock, "mode", QComboBox)
    box.setCurrentIndex(1)
    box.activated.emit(1)
    assert [args for _, _, args in sent] == [{"name": "on", "value": False}, {"name": "mode", "value": "slow"}]
    report(ON, MODE)
    assert editor(dock, "on", QCheckBox).isChecked()
    assert box.currentText() == "fast"


def test_a_refusal_is_told_below_the_parameters(dock, report, hub, qtbot):
    """The producer's reason is shown until a newer request."""
    report(RATE)
    hub.command(KEY, b"1", "set", {"name": "rate", "value": 7}, Stage.REJECTED, "rate: at most 1")
    dock.refresh(None)
    qtbot.waitUntil(lambda: "Not set: rate: at most 1" in visible_texts(dock))
    hub.command(KEY, b"2", "set", {"name": "rate", "value": 1}, Stage.EFFECTIVE)
    hub.commands[b"2"].requested_t += 1
    dock.refresh(None)
    assert not any("Not set" in text for text in visible_texts(dock))


@pytest.mark.parametrize("why", ["lost", "observe", "ended"])
def test_what_cannot_be_set_is_greyed(dock, report, hub, why):
    """Without link, right or run there is nothing to ask, but the values stay readable."""
    report(RATE, run="ENDED" if why == "ended" else "RUNNING")
    if why == "lost":
        hub.link(KEY, LinkState.LOST)
    if why == "observe":
        hub.producers[KEY].role = "observe"
    dock.refresh(None)
    assert not editor(dock, "rate").isEnabled()
    assert editor(dock, "rate").text() == "0.5"


def test_groups_come_and_go(dock, report, hub):
    """A producer that is forgotten takes its parameters along."""
    report(RATE)
    hub.forget(KEY)
    dock.refresh(None)
    assert dock.empty_text
