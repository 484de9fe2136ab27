"""The Explorer: rows, badges, loss, names."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QInputDialog, QMessageBox

from dockscope.core.messages import (
    ControlState,
    DataRecord,
    Hello,
    Kind,
    LogRecord,
    MetricBatch,
    SeriesDefinition,
    SeriesDefinitions,
    Status,
)
from dockscope.core.run_control import LinkState, Stage
from dockscope.gui.explorer import ExplorerDock
from dockscope.gui.explorer_delegate import ROW

from .conftest import KEY


@pytest.fixture
def asked():
    """What the dock asked the window to do."""
    return []


@pytest.fixture
def dock(context, qtbot, asked):
    for name in ("connect_url", "disconnect_key", "forget", "target"):
        context.actions[name] = lambda value, name=name: asked.append((name, value))
    dock = ExplorerDock(context)
    qtbot.addWidget(dock)
    dock.resize(260, 400)
    dock.show()
    return dock


def rows(dock):
    """All rows as they are painted, top down."""
    dock.refresh_text()
    found = []

    def walk(item):
        found.append(item.data(0, ROW))
        for i in range(item.childCount()):
            walk(item.child(i))

    for i in range(dock.tree.topLevelItemCount()):
        walk(dock.tree.topLevelItem(i))
    return found


def texts(actions):
    return {action.text(): action.isEnabled() for action in actions}


def test_the_tooltip_says_when_nobody_can_know_the_loss(dock, hub):
    """A publisher whose messages carry no numbers is not said to have lost none; it has no process to name either."""
    dock.refresh_text()
    item = dock.tree.topLevelItem(0)
    assert "lost 0" in item.toolTip(0)
    hub.greet(KEY, Hello(bytes(16), "pub", host="127.0.0.1", is_numbered=False), "observe")
    dock.refresh_text()
    assert "nobody can know" in item.toolTip(0)
    assert "process" not in item.toolTip(0)


@pytest.mark.parametrize("url", ["json+zmq://0.0.0.0:5556", "liveview://[::]:5555?only=a", "tcp://0.0.0.0:1"])
def test_an_address_that_others_reach_has_an_open_lock(dock, hub, url):
    """Where dockscope listens for other machines, the row has a lock in the colour of warnings, the tooltip words."""
    (before,) = rows(dock)
    assert not before.is_open
    hub.add("open", url)
    hub.add("ours", "json+zmq://*:5557")
    _, row, ours = rows(dock)
    assert (row.is_open, ours.is_open) == (True, False)
    assert "open: takes data from whoever reaches it" in dock.tree.topLevelItem(1).toolTip(0)
    assert "open:" not in dock.tree.topLevelItem(2).toolTip(0)
    dock.tree.resize(300, 200)
    images = [dock.tree.viewport().grab(dock.tree.visualItemRect(dock.tree.topLevelItem(i))).toImage() for i in (1, 2)]
    marked = [
        any(image.pixelColor(x, y).name() == dock.theme.warning for x in range(40) for y in range(image.height()))
        for image in images
    ]
    assert marked == [True, False]


def test_a_producer_has_name_badge_and_url(dock):
    """With no status yet the second line is where it is."""
    (row,) = rows(dock)
    assert (row.name, row.badge, row.second, row.link_tone) == ("trainer", "Connected", KEY, "ok")


def test_streams_have_kind_and_rate(dock, deliver):
    """One row for each stream a person can see; statuses, definitions and heartbeats are none."""
    for number in range(5):
        deliver(Kind.DATA, "sizes", DataRecord(number, time.time()))
    deliver(Kind.LOG, "", LogRecord("info", "x", {}, 1.0))
    deliver(Kind.STATUS, "", Status("info", "Phase 2", 1.0))
    producer, *streams = rows(dock)
    assert producer.second == "Phase 2"
    assert {(row.name, row.kind) for row in streams} == {("sizes", "data"), ("Log", "")}
    assert all(row.figures.endswith("/s") for row in streams)


def test_lost_messages_are_counted_beside_the_stream(dock, deliver, hub):
    """A gap in the numbers is a figure in the row and in the tooltip."""
    deliver(Kind.DATA, "sizes", DataRecord(1, 1.0))
    hub.producers[KEY].note_dropped("data", "sizes", 1234)
    assert rows(dock)[1].lost == "−1,234"
    assert "lost 1,234" in dock.tree.topLevelItem(0).toolTip(0)


def test_a_tooltip_tells_where_data_were_lost(dock, deliver, hub):
    """Queue, wire, thinned and refused are told apart, for the producer, for all its metrics and for a stream."""
    deliver(Kind.SERIES, "", SeriesDefinitions((SeriesDefinition(1, "loss"),)))
    deliver(Kind.METRIC, "", samples(1, first=1, count=2))
    deliver(Kind.METRIC, "", samples(1, first=13, count=2, span=100))
    deliver(Kind.DATA, "sizes", DataRecord(1, 1.0))
    hub.producers[KEY].note_dropped("metric", "", 7)
    hub.producers[KEY].note_dropped("data", "sizes", 5)
    hub.problem(KEY, "bad_message", "A message was refused", refused=3)
    rows(dock)
    top = dock.tree.topLevelItem(0)
    metrics, data = top.child(0), top.child(1)
    assert "lost 22<br>  12 in the producer&#x27;s queue" in top.toolTip(0)
    assert "10 on the wire" in top.toolTip(0)
    assert "98 more are thinned" in top.toolTip(0)
    assert "3 refused" in top.toolTip(0)
    assert "lost 17 samples<br>  7 in the producer&#x27;s queue" in metrics.toolTip(0)
    assert "lost 10 samples<br>  10 on the wire" in metrics.child(0).toolTip(0)
    assert "lost 5 messages<br>  5 in the producer&#x27;s queue" in data.toolTip(0)
    assert "wire" not in data.toolTip(0)


def samples(id_, *, first, count, span=None):
    return MetricBatch(
        series=np.array([id_], "<u4"),
        first=np.array([first], "<u8"),
        count=np.array([count], "<u4"),
        t=1.7e9 + np.arange(first, first + count, dtype="<f8"),
        value=np.zeros(count),
        fields=np.zeros(0),
        span=None if span is None else np.array([span], "<u4"),
    )


@pytest.mark.parametrize(
    ("link", "badge", "tone"),
    [
        (LinkState.CONNECTING, "Connecting…", "muted"),
        (LinkState.LIVE, "Running", "ok"),
        (LinkState.STALE, "Running", "warning"),
        (LinkState.LOST, "Lost", "error"),
        (LinkState.CLOSED, "Offline", "muted"),
    ],
)
def test_badges_follow_the_link(dock, hub, link, badge, tone):
    """Dot and badge tell link and run."""
    hub.producers[KEY].run = ControlState(run="RUNNING")
    hub.link(KEY, link)
    row = rows(dock)[0]
    assert (row.badge, row.link_tone) == (badge, tone)


def test_an_open_request_and_a_problem_are_the_second_line(dock, hub):
    """How far a request has come is shown; a fresh problem before all else."""
    hub.producers[KEY].run = ControlState(run="RUNNING")
    hub.command(KEY, b"1", "pause", {}, Stage.ACCEPTED)
    hub.commands[b"1"].requested_t -= 12
    row = rows(dock)[0]
    assert (row.badge, row.second) == ("Pausing…", "accepted, not yet effective (12 s)")
    hub.problem(KEY, "bad", "trainer: spectrum: its time is not a number")
    row = rows(dock)[0]
    assert (row.second, row.second_tone) == ("trainer: spectrum: its time is not a number", "warning")


def test_statuses_have_colours(dock, hub):
    """Warning, error and complete stand out."""
    tones = []
    for status in ("info", "warning", "error", "complete"):
        hub.producers[KEY].status = Status(status, "said", 1.0)
        tones.append(rows(dock)[0].second_tone)
    assert tones == ["muted", "warning", "error", "ok"]


def test_the_menu_offers_what_makes_sense(dock, hub, asked):
    """Connect for whoever is not connected, disconnect unless offline; target, rename and forget always."""
    rows(dock)
    dock.tree.setCurrentItem(dock.tree.topLevelItem(0))
    offered = texts(dock.menu_actions())
    assert list(offered) == [
        "Connect",
        "Disconnect",
        "Make it the target of Pause and Stop",
        "Rename…",
        "Forget, with its data…",
    ]
    assert not offered["Connect"]
    assert offered["Disconnect"]
    for state in (LinkState.CONNECTING, LinkState.LOST):
        hub.link(KEY, state)
        assert all(texts(dock.menu_actions()).values())
    hub.link(KEY, LinkState.CLOSED)
    offered = texts(dock.menu_actions())
    assert offered["Connect"]
    assert not offered["Disconnect"]
    for action in dock.menu_actions()[:3]:
        action.trigger()
    dock.tree.itemActivated.emit(dock.tree.topLevelItem(0), 0)
    # A disabled action does nothing.
    assert asked == [("connect_url", KEY), ("target", KEY), ("connect_url", KEY)]


def test_rename(dock, hub, monkeypatch):
    """The user's name wins over the producer's own; an empty one gives it back."""
    rows(dock)
    answers = iter([("  my   run ", True), ("ignored", False), ("", True)])
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: next(answers))
    rename = dock.producer_actions(KEY)[3]
    rename.trigger()
    assert rows(dock)[0].name == "my run"
    rename.trigger()
    assert rows(dock)[0].name == "my run"
    rename.trigger()
    assert rows(dock)[0].name == "trainer"


def test_a_producer_that_is_forgotten_and_connected_again_at_once_is_listed_anew(dock, deliver, hub):
    """Between two refreshes it goes with its metrics and comes back without: their rows go, and the dock lives on."""
    deliver(Kind.SERIES, "", SeriesDefinitions((SeriesDefinition(1, "loss"),)))
    deliver(Kind.METRIC, "", samples(1, first=1, count=2))
    rows(dock)
    assert dock.tree.topLevelItem(0).child(0).childCount() == 1
    hub.forget(KEY)
    hub.add(KEY, KEY)
    rows(dock)
    assert dock.tree.topLevelItem(0).childCount() == 0


@pytest.mark.parametrize("yes", [True, False])
def test_forget_asks_and_takes_the_data_along(dock, asked, yes):
    """One question that says what goes; Cancel keeps all."""
    rows(dock)

    def answer():
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        assert "Forget trainer and all data" in box.text()
        wanted = "Forget" if yes else "Cancel"
        next(button for button in box.buttons() if button.text().replace("&", "") == wanted).click()

    QTimer.singleShot(0, answer)
    dock.producer_actions(KEY)[4].trigger()
    assert asked == ([("forget", KEY)] if yes else [])


def test_forgotten_producers_and_streams_leave_the_tree(dock, hub, deliver):
    """Rows go with what they stand for, and the empty dock says how to get some."""
    deliver(Kind.DATA, "sizes", DataRecord(1, 1.0))
    assert len(rows(dock)) == 2
    hub.forget(KEY)
    assert rows(dock) == []
    assert "Ctrl+O" in dock.empty_text
    assert dock.menu_actions() == []


def test_hostile_names_are_plain_bounded_lines(dock, hub, deliver):
    """Markup, control characters and 10 kB: painted literally, cut, escaped in the tooltip."""
    hub.rename(KEY, "<b>bold</b>\n\x1b[31m" + "x" * 10_000)
    deliver(Kind.DATA, "<i>\n" + "s" * 200, DataRecord(1, 1.0))
    producer, stream = rows(dock)
    assert producer.name.startswith("<b>bold</b> ")
    assert len(producer.name) <= 200
    assert "\n" not in producer.name + stream.name
    assert "\x1b" not in producer.name
    tip = dock.tree.topLevelItem(0).toolTip(0)
    assert "<b>" not in tip
    assert "&lt;b&gt;" in tip
    assert len(tip) < 2000


def test_what_was_closed_stays_closed(dock, deliver, context, qtbot):
    """A collapsed producer is collapsed after a restart too."""
    deliver(Kind.DATA, "sizes", DataRecord(1, 1.0))
    rows(dock)
    dock.tree.topLevelItem(0).setExpanded(False)
    state = dock.view_state()
    other = ExplorerDock(context)
    qtbot.addWidget(other)
    other.restore_view_state(state)
    rows(other)
    item = other.tree.topLevelItem(0)
    assert item is not None
    assert not item.isExpanded()


def test_clear_data_keeps_the_producers(dock, hub, deliver):
    """Clearing removes values, not connections."""
    deliver(Kind.DATA, "sizes", DataRecord(1, 1.0))
    dock.clear_data()
    assert hub.data.entries == {}
    assert KEY in hub.producers


def test_the_last_status_of_an_ended_run_stays(dock, hub, deliver):
    """When a run has ended and its link is closed, what it said last is still there, not only its address."""
    deliver(Kind.STATUS, "", Status("complete", "Training finished", 1.0))
    hub.producers[KEY].run = ControlState("ENDED", outcome="finished")
    hub.link(KEY, LinkState.CLOSED, "the run has ended")
    (row, *_) = rows(dock)
    assert (row.second, row.second_tone) == ("Training finished", "ok")


def test_a_selected_row_has_one_colour(dock, qapp, request):
    """The indentation of a selected row has the colour of the row, not that of a selection elsewhere."""
    request.addfinalizer(lambda: qapp.setStyleSheet(""))
    dock.context.themes.apply()
    rows(dock)
    item = dock.tree.topLevelItem(0)
    dock.tree.setCurrentItem(item)
    QApplication.processEvents()
    image = dock.tree.viewport().grab().toImage()
    row = dock.tree.visualItemRect(item)
    y = row.bottom() - 2
    assert image.pixelColor(1, y).name() == image.pixelColor(row.right() - 3, y).name() == dock.theme.raised
