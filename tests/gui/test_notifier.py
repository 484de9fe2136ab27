"""What needs attention is told: in the banner always, on the desktop when the user wants it."""

from __future__ import annotations

import stat

import pytest
from msgspec.structs import replace

from dockscope.core.messages import ControlState
from dockscope.core.run_control import LinkState, Stage
from dockscope.gui.notifier import DesktopNotifier, EventWatch

from .conftest import HELLO, KEY


@pytest.fixture
def events(qtbot, hub):
    """What the watch told so far; ``events.look()`` looks once more."""

    class Events(list):
        def __init__(self):
            super().__init__()
            self.watch = EventWatch(hub)
            self.watch.happened.connect(self.append)
            self.watch.look()

        def look(self):
            self.clear()
            self.watch.look()
            return [(event.sentence, event.tone, event.desktop) for event in self]

    return Events()


@pytest.mark.parametrize(
    ("fields", "sentence", "tone"),
    [
        ({"outcome": "finished"}, "trainer has ended, finished", "ok"),
        ({"outcome": None}, "trainer has ended, finished", "ok"),
        ({"outcome": "stopped", "by": "me@here"}, "trainer has ended, stopped by me@here", "muted"),
        ({"outcome": "stopped"}, "trainer has ended, stopped by request", "muted"),
        ({"outcome": "error", "reason": "Value\nError: x"}, "trainer has ended, error: Value Error: x", "error"),
        ({"outcome": "error", "reason": "x" * 500}, None, "error"),
    ],
)
def test_the_end_of_a_run_is_told_once(events, hub, fields, sentence, tone):
    """Finished, stopped by whom, failed why; a long reason is cut; looking again says nothing new."""
    hub.producers[KEY].run = ControlState(run="RUNNING")
    events.look()
    hub.producers[KEY].run = ControlState(run="ENDED", **fields)
    ((told, shade, desktop),) = events.look()
    assert sentence in (None, told)
    assert len(told) < 150
    assert (shade, desktop) == (tone, True)
    assert events.look() == []


def test_loss_and_return_are_told(events, hub):
    """Lost is worth a desktop notification, being back is not."""
    hub.link(KEY, LinkState.LOST)
    assert events.look() == [("trainer is lost – reconnecting by itself", "error", True)]
    hub.link(KEY, LinkState.LIVE)
    assert events.look() == [("trainer is back", "ok", False)]


def test_what_was_so_from_the_start_is_no_event(events, hub):
    """A producer that is found ended or offline has not just ended."""
    hub.add("new", "new")
    hub.producers["new"].run = ControlState(run="ENDED", outcome="error")
    assert events.look() == []
    hub.forget("new")
    assert events.look() == []


def test_a_pause_is_no_event(events, hub):
    """Ordinary changes of state do not call for attention."""
    hub.producers[KEY].run = ControlState(run="PAUSED")
    assert events.look() == []


def test_a_restart_replaces_what_was_told_of_the_run_before(events, hub):
    """Else the banner would go on saying that the producer has ended."""
    hub.producers[KEY].run = ControlState(run="ENDED", outcome="finished")
    assert [sentence for sentence, _, _ in events.look()] == ["trainer has ended, finished"]
    hub.greet(KEY, replace(HELLO, producer=b"n" * 16), "operate")
    assert events.look() == [("trainer was restarted", "ok", False)]


def test_an_unconfirmed_command_is_told_once_and_taken_back(events, hub):
    """It names the command and the producer, carries its id, and is over when there is an answer or a loss."""
    hub.command(KEY, b"1", "pause", {}, Stage.UNCONFIRMED, "late")
    assert events.look() == [("Pause of trainer is not confirmed", "warning", False)]
    assert events.look() == []
    hub.command(KEY, b"1", "pause", {}, Stage.ACCEPTED)
    events.look()
    assert [(event.command, event.over) for event in events] == [(b"1", True)]


def test_long_names_are_cut(events, hub):
    """A name of 10 kB makes no endless banner."""
    hub.rename(KEY, "<b>n</b>" * 1000)
    hub.link(KEY, LinkState.LOST)
    ((sentence, _, _),) = events.look()
    assert len(sentence) < 90


@pytest.fixture
def desktop(tmp_path, monkeypatch):
    """A desktop whose only service is a ``notify-send`` that writes its arguments to a file, which this returns."""
    written = tmp_path / "told"
    program = tmp_path / "bin" / "notify-send"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {written}.part\nmv {written}.part {written}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return written


def test_the_desktop_is_told_when_the_setting_is_on(qtbot, settings, desktop):
    """With the setting on the program of the desktop gets the sentence, markup escaped."""
    settings.notifications = True
    notifier = DesktopNotifier(settings)
    assert notifier.way() == "notify-send"
    notifier.tell("<b>trainer</b> has ended")
    qtbot.waitUntil(desktop.exists)
    assert desktop.read_text().splitlines()[-1] == "&lt;b&gt;trainer&lt;/b&gt; has ended"
    notifier.close()


def test_the_desktop_is_left_alone_when_the_setting_is_off(qtbot, settings, desktop):
    """With the setting off nothing is started: a later notification is the first."""
    notifier = DesktopNotifier(settings)
    settings.notifications = False
    notifier.tell("not this")
    settings.notifications = True
    notifier.tell("this")
    qtbot.waitUntil(desktop.exists)
    assert "not this" not in desktop.read_text()


def test_a_desktop_without_service_is_no_error(qtbot, settings, tmp_path, monkeypatch):
    """Where nothing can show it, nothing happens."""
    monkeypatch.setenv("PATH", str(tmp_path))
    settings.notifications = True
    assert DesktopNotifier.way() == ""
    DesktopNotifier(settings).tell("to nobody")
