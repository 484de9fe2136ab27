"""What the window says of a run, for every link state, run state and stage of a command."""

from __future__ import annotations

import itertools

import pytest

from dockscope.core.hub import Hub
from dockscope.core.messages import ControlState
from dockscope.core.run_control import Command, LinkState, RunState, Stage
from dockscope.gui.run_words import run_words
from dockscope.gui.theme import DARK

NOW = 1_700_000_000.0
SAID = {
    RunState.RUNNING: "Running",
    RunState.PAUSING: "Pausing…",
    RunState.PAUSED: "Paused",
    RunState.RESUMING: "Resuming…",
    RunState.STOPPING: "Stopping…",
    RunState.STOPPED: "Stopped",
    RunState.ENDED: "Ended, finished",
}
DOING = {"pause": "Pausing…", "resume": "Resuming…", "stop": "Stopping…", "set": "Setting…"}


def producer(run=None, link=LinkState.LIVE, detail="", **fields):
    made = Hub(clock=lambda: NOW).add("p", "dockscope://here:1")
    made.link, made.link_detail, made.run_t = link, detail, NOW
    if run is not None:
        made.run = ControlState(run=run.value if isinstance(run, RunState) else run, **fields)
    return made


def command(name="pause", stage=Stage.REQUESTED, age_s=0.0, key="p"):
    hub = Hub(clock=lambda: NOW - age_s)
    hub.add(key, key)
    hub.command(key, b"1", name, {}, stage)
    return hub.commands[b"1"]


def line(of, commands):
    return run_words(of, commands, NOW).line


@pytest.mark.parametrize("run", RunState)
def test_each_run_state_in_the_producers_words(run):
    """Live and nothing asked: what the producer told."""
    assert line(producer(run), []) == SAID[run]


@pytest.mark.parametrize(
    ("outcome", "text", "tone"),
    [
        ("finished", "Ended, finished", "ok"),
        ("stopped", "Ended, stopped", "muted"),
        ("error", "Ended, error", "error"),
        (None, "Ended, finished", "ok"),
    ],
)
def test_how_a_run_ended(outcome, text, tone):
    """A run that ends by itself, by request or by an exception is told apart, also when the link has closed."""
    for link in (LinkState.LIVE, LinkState.CLOSED):
        words = run_words(producer(RunState.ENDED, link, outcome=outcome), [], NOW)
        assert (words.line, words.tone) == (text, tone)


@pytest.mark.parametrize("run", RunState)
def test_a_lost_producer_keeps_its_last_state_behind_the_word_lost(run):
    """Lost is what counts; what it was is added."""
    words = run_words(producer(run, LinkState.LOST), [command()], NOW)
    assert words.text == "Lost"
    assert words.detail == f"was {SAID[run].lower()}"
    assert words.tone == "error"


def test_other_link_states():
    """Connecting, offline, stale: the link decides, with its reason."""
    assert line(producer(None, LinkState.CONNECTING, "nothing listens"), []) == "Connecting… – nothing listens"
    assert line(producer(None, LinkState.LOST, "connecting again"), []) == "Lost – connecting again"
    assert line(producer(None, LinkState.CLOSED, "offline – Connect"), []) == "Offline – offline – Connect"
    assert line(producer(RunState.PAUSED, LinkState.CLOSED), []) == "Offline"
    assert line(producer(RunState.RUNNING, LinkState.STALE), [command()]) == "Running – no answer"
    assert line(producer(None), []) == "Connected"
    assert line(producer("DANCING"), []) == "Unknown state"


@pytest.mark.parametrize("name", DOING)
def test_a_fresh_request_says_what_is_being_done(name):
    """Right after the click, accepted or not: Pausing…, without figures that flicker."""
    for stage in (Stage.REQUESTED, Stage.ACCEPTED):
        assert line(producer(RunState.RUNNING), [command(name, stage, 0.5)]) == DOING[name]


def test_an_old_request_says_how_far_it_has_come():
    """Accepted for 12 s, unanswered for 3 s, given up: each has its own words."""
    running = producer(RunState.RUNNING)
    assert line(running, [command("pause", Stage.ACCEPTED, 12)]) == "Pausing… – accepted, not yet effective (12 s)"
    assert line(running, [command("stop", Stage.REQUESTED, 2.6)]) == "Stopping… – no answer yet (3 s)"
    assert line(running, [command("resume", Stage.UNCONFIRMED, 4)]) == "Resume not confirmed – no answer for 4 s"


@pytest.mark.parametrize("stage", [Stage.EFFECTIVE, Stage.REJECTED, Stage.LOST])
def test_a_finished_request_leaves_the_producers_word(stage):
    """Once there is an outcome, what counts is the reported state."""
    assert line(producer(RunState.PAUSED), [command("pause", stage, 20)]) == "Paused"


def test_the_newest_open_request_of_this_producer_counts():
    """Requests to others and older ones do not show."""
    commands = [command("pause", Stage.ACCEPTED, 9), command("stop", Stage.ACCEPTED, 1), command("resume", key="other")]
    assert line(producer(RunState.RUNNING), commands) == "Stopping…"


def test_a_request_by_somebody_else_is_seen_waiting():
    """A producer that waits for its loop since another viewer asked says for how long, counted on here."""
    waiting = producer(RunState.PAUSING, waiting_s=10.0)
    waiting.run_t = NOW - 2
    assert line(waiting, []) == "Pausing… – accepted, not yet effective (12 s)"


@pytest.mark.parametrize("link", LinkState)
@pytest.mark.parametrize("run", [None, *RunState, "?"])
def test_every_combination_has_words_and_a_colour(run, link):
    """There is no state for which nothing is said; and never is a click shown as a fact."""
    for stage, name in itertools.product([None, *Stage], Command):
        commands = [] if stage is None else [command(name.value, stage, 5)]
        words = run_words(producer(run, link), commands, NOW)
        assert words.text
        assert getattr(DARK, words.tone).startswith("#")
        if run is RunState.RUNNING:
            assert words.text not in ("Paused", "Stopped")
