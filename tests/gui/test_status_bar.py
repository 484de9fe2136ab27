"""The numbers at the bottom of the window."""

from __future__ import annotations

import re

import pytest

from dockscope.core.messages import DataRecord, Hello, Kind
from dockscope.core.run_control import LinkState
from dockscope.gui.status_bar import WindowStatusBar

from .conftest import KEY


@pytest.fixture
def bar(qtbot, hub, context):
    bar = WindowStatusBar(hub, context.clock)
    qtbot.addWidget(bar)
    bar.resize(1280, 22)
    bar.show()
    return bar


def text(bar, name):
    bar.refresh()
    return bar.labels[name].text()


def test_links_are_counted_by_state(bar, hub):
    """Each state that occurs, with its number; an empty hub says so."""
    assert text(bar, "links") == "1 live"
    for key, state in (("b", LinkState.LOST), ("c", LinkState.LOST), ("d", LinkState.CLOSED)):
        hub.add(key, key)
        hub.link(key, state)
    assert text(bar, "links") == "1 live · 2 lost · 1 offline"
    for key in list(hub.producers):
        hub.forget(key)
    assert text(bar, "links") == "Nothing connected"


def test_messages_and_losses_are_told(bar, hub, deliver):
    """Rates of what arrives, and everything that was lost."""
    assert text(bar, "rate") == "0 messages/s"
    assert text(bar, "lost") == "0 lost"
    for _ in range(100):
        deliver(Kind.DATA, "sizes", DataRecord(1, 1.0))
    hub.producers[KEY].note_dropped("data", "sizes", 1234)
    assert int(text(bar, "rate").split()[0]) > 0
    assert text(bar, "lost") == "1,234 lost"


def test_what_nobody_can_know_is_not_told_as_no_loss(bar, hub):
    """Of producers that number nothing it says that the loss is unknown, beside what is known of the others."""
    hub.add("b", "json+zmq://b:1")
    hub.greet("b", Hello(b"b", "b", is_numbered=False), "observe")
    assert text(bar, "lost") == "0 lost · 1 unknown"
    assert "nobody can know what 1 producer lost" in bar.labels["lost"].toolTip()
    hub.forget(KEY)
    assert text(bar, "lost") == "loss unknown"
    hub.producers["b"].note_dropped("data", "sizes", 4)  # such as a gap between times
    assert text(bar, "lost") == "4 lost · 1 unknown"


def test_latency_is_the_slowest_live_producers(bar, hub):
    """Unknown is a dash; half a round trip before the first message; a lost producer does not count."""
    assert text(bar, "latency") == "– ms"
    hub.latency(KEY, 0.025, 0.0)
    assert text(bar, "latency") == "12.5 ms"
    hub.link(KEY, LinkState.LOST)
    assert text(bar, "latency") == "– ms"


def test_memory_is_that_of_the_process_and_of_the_data(bar):
    """Two figures with their unit."""
    assert re.fullmatch(r"\d+ MiB \(\d+ MiB data\)|[\d.]+ GiB \(\d+ MiB data\)", text(bar, "memory"))


def test_frames_are_counted_over_a_second(bar, context):
    """Frames of the clock divided by the time they took."""
    at, _ = bar._frames
    context.clock.frames += 60
    bar._frames = (at - 2.0, context.clock.frames - 60)
    shown = text(bar, "frames")
    assert 25 <= int(shown.split()[0]) <= 30


def test_it_is_written_four_times_a_second(bar, context, hub, qtbot):
    """The text follows the slow clock, not the frames."""
    hub.link(KEY, LinkState.LOST)
    assert bar.labels["links"].text() == "1 live"
    with qtbot.waitSignal(context.clock.text_ticked, timeout=400):
        pass
    assert bar.labels["links"].text() == "1 lost"


def test_a_sentence_is_shown_for_a_while(bar):
    """What is told stands beside the numbers."""
    bar.tell("Saved layout <b>x</b>")
    assert bar.currentMessage() == "Saved layout <b>x</b>"


def test_every_figure_says_what_it_is(bar):
    """Each label has a tooltip."""
    assert all(label.toolTip() for label in bar.labels.values())
