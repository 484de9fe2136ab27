"""The toolbar: target, state and what can be asked now."""

from __future__ import annotations

import itertools

import pytest
from msgspec.structs import replace
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow, QMenu

from dockscope.core.messages import ControlState
from dockscope.core.run_control import Command, LinkState, RunState, allowed
from dockscope.gui.actions import make_actions
from dockscope.gui.toolbar import COMMANDS, RunToolbar, refusal

from .conftest import HELLO, KEY

SECOND, THIRD = "dockscope://127.0.0.1:2", "dockscope://127.0.0.1:3"


class ToolbarOfTest(RunToolbar):
    """Keep the window alive and the actions at hand."""

    window_of_test: QMainWindow
    actions_of_test: dict[str, QAction]


@pytest.fixture
def toolbar(qtbot, context, hub):
    window = QMainWindow()
    actions = make_actions(window, context.themes.current)
    bar = ToolbarOfTest(hub, actions, context.themes, QMenu(window))
    bar.window_of_test, bar.actions_of_test = window, actions
    window.addToolBar(bar)
    window.resize(1280, 200)
    window.show()
    qtbot.addWidget(window)
    return bar


def add(hub, key, name, run="RUNNING"):
    hub.add(key, key)
    hub.greet(key, replace(HELLO, name=name), "operate")
    hub.link(key, LinkState.LIVE)
    hub.producers[key].run = ControlState(run=run)


@pytest.mark.parametrize("link", LinkState)
def test_what_can_be_clicked_follows_the_table(toolbar, hub, link):
    """For each run and link state an action is enabled exactly when the table allows it, else its tip says why."""
    toolbar.choose_target(KEY)
    for run, command in itertools.product(RunState, COMMANDS):
        hub.producers[KEY].run = ControlState(run=run.value)
        hub.producers[KEY].link = link
        toolbar.update_state()
        why = allowed(command, run, link, HELLO.capabilities, "operate")
        action = toolbar.actions_of_test[command.value]
        assert action.isEnabled() == (why is None), (run, command)
        if why:
            assert action.toolTip() == f"{action.text()}: {why}"
        else:
            assert action.shortcut().toString() in action.toolTip()


def test_the_target_list_follows_the_producers(toolbar, hub):
    """All, then each by its name; the choice stays through changes, and falls back to all when its producer goes."""
    add(hub, SECOND, "second")
    toolbar.update_state()
    toolbar.choose_target(SECOND)
    add(hub, THIRD, "third " * 20)
    toolbar.update_state()
    shown = [toolbar.target.itemText(i) for i in range(toolbar.target.count())]
    assert shown[:3] == ["All producers", "trainer", "second"]
    assert len(shown[3]) <= 32
    assert [p.key for p in toolbar.targets()] == [SECOND]
    hub.forget(SECOND)
    toolbar.update_state()
    assert toolbar.target.currentData() is None
    assert len(toolbar.targets()) == 2


def test_choosing_by_hand_tells(toolbar, qtbot):
    """The user's choice is told at once and changes what is shown."""
    toolbar.target.setCurrentIndex(1)
    with qtbot.waitSignal(toolbar.target_changed):
        toolbar.target.activated.emit(1)
    assert [p.key for p in toolbar.targets()] == [KEY]


def test_several_producers_are_summed_up(toolbar, hub):
    """The same state of all is said once; different ones are counted, in the gravest colour."""
    hub.producers[KEY].run = ControlState(run="RUNNING")
    add(hub, SECOND, "second")
    toolbar.update_state()
    assert (toolbar.state.text, toolbar.state.tone) == ("Running (2)", "ok")
    add(hub, THIRD, "third", "PAUSED")
    toolbar.update_state()
    assert (toolbar.state.text, toolbar.state.tone) == ("2 running, 1 paused", "accent")
    hub.link(SECOND, LinkState.LOST)
    toolbar.update_state()
    assert toolbar.state.tone == "error"


def test_with_no_producer_nothing_can_be_asked(toolbar, hub):
    """Empty hub: no state, no command, and disconnect is off."""
    hub.forget(KEY)
    toolbar.update_state()
    assert toolbar.state.text == ""
    assert not any(toolbar.actions_of_test[name].isEnabled() for name in ("pause", "resume", "stop", "disconnect"))


def test_a_producer_that_told_no_run_state_can_be_paused(toolbar, hub):
    """Before the first word of a producer its loop counts as running."""
    assert refusal(Command.PAUSE, hub.producers[KEY]) is None
    assert refusal(Command.RESUME, hub.producers[KEY]) == "the run is not paused"


@pytest.mark.parametrize("width", [1280, 1600])
def test_every_button_stays_in_sight_whatever_the_state_says(toolbar, hub, width):
    """A long sentence is cut in the badge and whole in its tooltip; no button disappears behind an arrow."""
    toolbar.window_of_test.resize(width, 200)
    sentence = "Something <b>else</b> listens on the port 127.0.0.1:55601, which is not a producer: check the URL " * 2
    hub.producers[KEY].link = LinkState.CONNECTING
    hub.producers[KEY].link_detail = sentence
    toolbar.choose_target(KEY)
    toolbar.window_of_test.resize(width + 1, 200)
    toolbar.layout().activate()
    for name in ("connect", "disconnect", "pause", "resume", "stop", "freeze", "screenshot", "layouts", "theme"):
        button = toolbar.button(name)
        assert button.isVisible(), name
        assert button.geometry().right() <= width, name
        assert button.width() >= button.sizeHint().width(), name
    assert "&lt;b&gt;else" in toolbar.state.toolTip()
