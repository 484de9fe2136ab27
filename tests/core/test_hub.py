"""The hub: routing, exact loss, runs, problems, commands and changes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from dockscope.core.hub import Change, Hub
from dockscope.core.messages import (
    ControlState,
    DataRecord,
    Heartbeat,
    Hello,
    Kind,
    LogRecord,
    MetricBatch,
    ParameterState,
    PlacementFrame,
    PlacementScene,
    SeriesDefinition,
    SeriesDefinitions,
    Spectrum,
    Status,
)
from dockscope.core.producers import Losses
from dockscope.core.run_control import LinkState, Stage


class FakeClock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@dataclass
class FakeArrival:
    kind: Kind
    message: Any
    n: int = 0
    stream: str = ""
    sent_ns: int = 0
    nbytes: int = 100


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def hub(clock):
    hub = Hub(clock=clock, budget_bytes=64 << 20)
    hub.add("p", "dockscope://host:1")
    hub.greet("p", Hello(producer=b"1" * 16, name="trainer"), "operate")
    return hub


def define(hub, *names, key="p"):
    definitions = tuple(SeriesDefinition(k, name) for k, name in enumerate(names, 1))
    hub.receive(key, FakeArrival(Kind.SERIES, SeriesDefinitions(definitions)))


def metric(hub, first, stop, series=1, key="p"):
    numbers = np.arange(first, stop, dtype=float)
    batch = MetricBatch(
        np.array([series], "u4"),
        np.array([first], "u8"),
        np.array([stop - first], "u4"),
        numbers,
        numbers,
        np.empty(0),
    )
    hub.receive(key, FakeArrival(Kind.METRIC, batch))


def data(hub, n, stream="d", key="p"):
    hub.receive(key, FakeArrival(Kind.DATA, DataRecord(n, float(n)), n, stream))


def messages_of(hub, source):
    return [row.message for row in hub.log.rows if row.source == source]


def spectrum(t):
    return Spectrum(power=np.zeros((1, 4), "<f4"), t=t, f0=0.0, df=1.0)


def board(number=5):
    return PlacementScene(refs=("R1",), size=np.ones((1, 2), "<f4"), scene=number)


def frame(number=5):
    return PlacementFrame(position=np.zeros((1, 3), "<f4"), scene=number)


def test_each_kind_reaches_its_store_and_is_a_change(hub):
    """One message of every kind: where it lands, and what views are told."""
    define(hub, "loss")
    hub.take_changes()
    metric(hub, 1, 4)
    hub.receive("p", FakeArrival(Kind.SPECTRUM, spectrum(1.0), 1, "beam"))
    hub.receive("p", FakeArrival(Kind.SCENE, board(), 1, "board"))
    hub.receive("p", FakeArrival(Kind.FRAME, frame(), 1, "board"))
    data(hub, 1)
    hub.receive("p", FakeArrival(Kind.LOG, LogRecord("warning", "hot", {"c": 90}, 5.0), 1))
    hub.receive("p", FakeArrival(Kind.STATUS, Status("complete", "done", 6.0), 1))
    hub.receive("p", FakeArrival(Kind.CONTROL, ControlState("PAUSED", by="me@here"), 1))
    hub.receive("p", FakeArrival(Kind.HEARTBEAT, Heartbeat(), 1))
    assert len(hub.series.of_name("loss")[0]) == 3
    assert ("p", "beam") in hub.spectra.waterfalls
    assert hub.placements.placements["p", "board"].latest is not None
    assert hub.data.entries["p", "d"].value == 1
    assert [(row.source, row.level, row.message) for row in hub.log.rows] == [
        ("log", "warning", "hot"),
        ("status", "info", "done"),
        ("command", "info", "run is PAUSED, asked by me@here"),
    ]
    producer = hub.producers["p"]
    assert producer.status == Status("complete", "done", 6.0)
    assert producer.run is not None
    assert producer.run.run == "PAUSED"
    changes = hub.take_changes()
    assert changes >= {
        Change("metric", "p", "loss"),
        Change("spectrum", "p", "beam"),
        Change("scene", "p", "board"),
        Change("frame", "p", "board"),
        Change("data", "p", "d"),
        Change("log", "p", ""),
        Change("producer", "p", ""),
    }
    assert hub.take_changes() == set()
    assert (hub.messages, hub.samples) == (10, 3)


def test_on_change_is_called_once_until_the_changes_are_taken(hub):
    """Painting is armed by the first change only."""
    calls = []
    define(hub, "m")
    hub.take_changes()
    hub.on_change = lambda: calls.append(1)
    for first in range(1, 50):
        metric(hub, first, first + 1)
    data(hub, 1)
    assert calls == [1]
    hub.take_changes()
    metric(hub, 50, 51)
    assert calls == [1, 1]


def test_loss_is_gaps_plus_dropped(hub):
    """Counted from the first number that arrives, late messages reduce it, duplicates change nothing."""
    for n in (100, 101, 105, 105, 101):
        data(hub, n)
    info = hub.producers["p"].streams["data", "d"]
    assert (info.messages, info.gaps, info.next_n) == (3, 3, 106)
    data(hub, 103)
    assert (info.messages, info.lost) == (4, 2)
    hub.receive("p", FakeArrival(Kind.HEARTBEAT, Heartbeat(dropped=(("data", "d", 7), ("metric", "", 30))), 1))
    assert (info.dropped, info.lost) == (7, 9)
    define(hub, "m")
    metric(hub, 10, 20)
    metric(hub, 25, 30)
    assert hub.producers["p"].streams["metric", "m"].lost == 5
    assert hub.producers["p"].lost == hub.lost == 9 + 30 + 5


def test_skipped_heartbeats_are_no_loss(hub):
    """Only data count: a viewer that gets the newest heartbeat has lost nothing."""
    for n in (1, 50):
        hub.receive("p", FakeArrival(Kind.HEARTBEAT, Heartbeat(), n))
    assert hub.lost == 0


def test_a_duplicate_is_not_shown_twice(hub):
    """After a reconnect the same record may come again."""
    for _ in range(2):
        hub.receive("p", FakeArrival(Kind.LOG, LogRecord("info", "once", {}, 1.0), 7))
    assert messages_of(hub, "log") == ["once"]


def test_sources_without_numbers_lose_nothing(hub):
    """n = 0 is always new."""
    for _ in range(3):
        data(hub, 0)
    assert hub.data.entries["p", "d"].messages == 3
    assert hub.lost == 0


def test_what_to_tell_after_a_reconnect(hub):
    """The numbers from which on everything is still wanted."""
    define(hub, "m", "n")
    metric(hub, 5, 9, series=2)
    data(hub, 41)
    assert hub.remember("p") == ([["data", "d", 42]], [[2, 9]])
    assert hub.remember("nobody") == ([], [])


def test_another_producer_id_is_a_new_run(hub):
    """Numbers start anew, curves go on broken, open commands fail, what was lost stays lost."""
    define(hub, "m")
    metric(hub, 1, 5)
    metric(hub, 7, 9)
    data(hub, 1)
    data(hub, 4)
    hub.receive("p", FakeArrival(Kind.HEARTBEAT, Heartbeat(dropped=(("data", "d", 3),)), 1))
    hub.receive("p", FakeArrival(Kind.CONTROL, ControlState("RUNNING"), 1))
    hub.command("p", b"a", "stop", {}, Stage.REQUESTED)
    hub.command("p", b"b", "pause", {}, Stage.EFFECTIVE)
    hub.greet("p", Hello(producer=b"2" * 16, name="trainer"), "operate")
    producer = hub.producers["p"]
    assert producer.run_index == 1
    assert producer.run is None
    assert hub.remember("p") == ([], [])
    assert (hub.commands[b"a"].stage, hub.commands[b"a"].reason) == (Stage.REJECTED, "the producer was restarted")
    assert hub.commands[b"b"].stage == Stage.EFFECTIVE
    define(hub, "m")
    metric(hub, 1, 3)
    data(hub, 1)
    hub.receive("p", FakeArrival(Kind.HEARTBEAT, Heartbeat(dropped=(("data", "d", 1),)), 1))
    (curve,) = hub.series.of_name("m")
    assert len(curve) == 8
    assert curve.run_of.tolist() == [6]
    assert producer.streams["metric", "m"].lost == 2
    assert producer.streams["metric", "m"].messages == 8
    assert producer.streams["data", "d"].lost == 2 + 3 + 1
    assert "trainer was restarted" in messages_of(hub, "viewer")


def test_the_same_producer_id_goes_on(hub):
    """A healed connection is no new run: what is missing since is a gap."""
    define(hub, "m")
    metric(hub, 1, 5)
    hub.greet("p", Hello(producer=b"1" * 16, name="trainer"), "operate")
    metric(hub, 8, 9)
    (curve,) = hub.series.of_name("m")
    assert (curve.lost, curve.breaks.tolist(), hub.producers["p"].run_index) == (3, [4], 0)


def test_links_lost_and_found_are_rows(hub):
    """The first contact, the loss and the return; the same state again is no news."""
    for state, detail in (
        (LinkState.LIVE, ""),
        (LinkState.LIVE, ""),
        (LinkState.STALE, ""),
        (LinkState.LIVE, ""),
        (LinkState.LOST, "no answer for 5 s"),
        (LinkState.CONNECTING, ""),
        (LinkState.LIVE, ""),
        (LinkState.CLOSED, ""),
    ):
        hub.link("p", state, detail)
    assert messages_of(hub, "viewer") == [
        "connected",
        "connected, but does not answer",
        "answers again",
        "connection lost: no answer for 5 s",
        "connected",
        "connection closed",
    ]
    assert hub.producers["p"].link == LinkState.CLOSED


def test_problems_are_told_once_per_cause_and_five_seconds(hub, clock):
    """A thousand bad messages are one row; the next row tells how many were held back."""
    for _ in range(1000):
        hub.problem("p", "garbage", "bad frame\nfrom <b>host</b>: " + "x" * 300)
    hub.problem("p", "other", "another cause")
    first, other = messages_of(hub, "viewer")
    assert len(first) == 140
    assert first.startswith("bad frame from <b>host</b>: xx")
    assert other == "another cause"
    assert hub.producers["p"].problem == "another cause"
    clock.now += 5.1
    hub.problem("p", "garbage", "bad frame")
    assert messages_of(hub, "viewer")[-1] == "bad frame (999 more before)"
    assert Change("problem", "p", "garbage") in hub.take_changes()


@pytest.mark.parametrize(("cause", "is_over"), [("connecting", True), ("nobody", True), ("bad_message", False)])
def test_what_kept_a_link_from_connecting_is_over_when_it_is_connected(hub, cause, is_over):
    """Whoever is connected is not said to listen nowhere; other troubles stay as they are, the log keeps them all."""
    hub.link("p", LinkState.LOST)
    hub.problem("p", cause, "Nothing listens at p")
    assert hub.producers["p"].problem
    hub.link("p", LinkState.LIVE)
    assert bool(hub.producers["p"].problem) is not is_over
    assert "Nothing listens at p" in messages_of(hub, "viewer")


def test_a_message_that_breaks_the_rules_is_one_problem(hub):
    """It is left out with a sentence, and what comes next is taken."""
    define(hub, "m")
    metric(hub, 1, 3, series=9)
    hub.receive("p", FakeArrival(Kind.SPECTRUM, spectrum(float("nan")), 1, "beam"))
    metric(hub, 1, 3)
    assert len(hub.series.of_name("m")[0]) == 2
    assert messages_of(hub, "viewer") == [
        "trainer: metric: series 9 was never described",
        "trainer: spectrum: its time is not a number",
    ]


def test_an_unknown_scene_is_told_once(hub):
    """A hundred frames of a scene that never came: one row, all counted."""
    for n in range(1, 101):
        hub.receive("p", FakeArrival(Kind.FRAME, frame(), n, "board"))
    assert hub.placements.placements["p", "board"].unknown_scene == 100
    assert len(messages_of(hub, "viewer")) == 1


def test_every_stage_of_a_command_is_a_row(hub, clock):
    """Who looks at the log sees what was asked and what became of it."""
    hub.command("p", b"1", "pause", {}, Stage.REQUESTED)
    clock.now += 2
    assert hub.commands[b"1"].age_s == 2
    hub.command("p", b"1", "pause", {}, Stage.ACCEPTED)
    hub.command("p", b"1", "pause", {}, Stage.ACCEPTED)
    hub.command("p", b"1", "pause", {}, Stage.REJECTED, "withdrawn by resume of me")
    hub.command("p", b"2", "set", {"name": "rate", "value": 1}, Stage.REQUESTED)
    assert messages_of(hub, "command") == [
        "pause: requested",
        "pause: accepted",
        "pause: rejected, withdrawn by resume of me",
        "set rate: requested",
    ]
    assert not hub.commands[b"1"].open


def test_commands_are_bounded(hub):
    """The newest thousand are kept."""
    for k in range(1200):
        hub.command("p", k.to_bytes(4, "big"), "pause", {}, Stage.REQUESTED)
    assert len(hub.commands) == 1000
    assert (1199).to_bytes(4, "big") in hub.commands


def test_run_states_and_parameters_are_rows(hub):
    """How a run ended and who set which parameter is told; the same state again is not."""

    def rate(value, revision):
        return (ParameterState("rate", "float", value, unit="1/s", revision=revision),)

    for n, state in enumerate(
        (
            ControlState("RUNNING", parameters=rate(0.1, 0)),
            ControlState("RUNNING", parameters=rate(0.1, 0)),
            ControlState("RUNNING", by="me@here", parameters=rate(0.2, 1)),
            ControlState("ENDED", outcome="error", reason="ValueError", parameters=rate(0.2, 1)),
        ),
        1,
    ):
        hub.receive("p", FakeArrival(Kind.CONTROL, state, n))
    assert [(row.level, row.message) for row in hub.log.rows] == [
        ("info", "run is RUNNING"),
        ("info", "parameter rate is 0.2 1/s, asked by me@here"),
        ("error", "run is ENDED, error: ValueError"),
    ]


def test_latency_uses_the_offset_of_the_clocks(hub, clock):
    """A producer whose clock is an hour ahead is not an hour late."""
    assert hub.producers["p"].latency_s is None
    hub.latency("p", 0.004, 3600.0)
    assert hub.producers["p"].latency_s == 0.002
    for _ in range(1, 10):
        clock.now += 0.1
        hub.receive("p", FakeArrival(Kind.HEARTBEAT, Heartbeat(), sent_ns=int((clock.now + 3600 - 0.007) * 1e9)))
    assert hub.producers["p"].latency_s == pytest.approx(0.007, abs=1e-4)


def test_history_is_not_late(hub, clock):
    """Retained messages and frames with a time of their own tell when something was, not how long it travelled."""
    hub.latency("p", 0.004, 0.0)
    for n in range(1, 100):
        clock.now += 0.1
        hub.receive("p", FakeArrival(Kind.DATA, DataRecord(1, 1.0), n, "d", sent_ns=10**9))
        hub.receive("p", FakeArrival(Kind.LOG, LogRecord("info", "x", {}, 1.0), n, sent_ns=10**9))
    assert hub.producers["p"].latency_s == 0.002


def test_rates_per_stream_and_in_total(hub, clock):
    """Messages per second of a stream, samples per second of a metric."""
    define(hub, "m")
    for k in range(400):
        clock.now += 0.01
        data(hub, k + 1)
        metric(hub, 1 + k * 20, 21 + k * 20)
    streams = hub.producers["p"].streams
    assert streams["data", "d"].rate_hz == pytest.approx(100, rel=0.1)
    assert streams["metric", "m"].rate_hz == pytest.approx(2000, rel=0.15)
    assert streams["metric", "m"].messages == 8000
    assert streams["metric", "m"].last_seen == clock.now
    assert hub.messages_per_s() == pytest.approx(200, rel=0.1)
    clock.now += 10
    assert streams["data", "d"].rate_hz == 0
    assert hub.messages_per_s() == 0


def test_names_of_a_producer(hub):
    """The user's name wins over its own, that over the URL."""
    assert hub.add("q", "dockscope://other:2").name == "dockscope://other:2"
    assert hub.producers["p"].name == "trainer"
    hub.rename("p", "  my run ")
    assert hub.producers["p"].name == "my run"
    hub.rename("p", "")
    assert hub.producers["p"].name == "trainer"
    assert hub.producers["q"].color_index == 1


def test_forgetting_takes_everything_along(hub):
    """No data, rows or commands of it are left; what is still on its way is dropped without a word."""
    define(hub, "m")
    metric(hub, 1, 5)
    data(hub, 1)
    hub.receive("p", FakeArrival(Kind.SPECTRUM, spectrum(1.0), 1, "beam"))
    hub.problem("p", "x", "y")
    hub.command("p", b"1", "pause", {}, Stage.REQUESTED)
    hub.take_changes()
    hub.forget("p")
    assert hub.producers == {}
    assert hub.series.names() == []
    assert (hub.spectra.waterfalls, hub.data.entries, list(hub.log.rows), hub.commands) == ({}, {}, [], {})
    assert hub.take_changes() >= {
        Change("metric", "p", "m"),
        Change("spectrum", "p", "beam"),
        Change("producer", "p", ""),
    }
    metric(hub, 5, 9)
    hub.link("p", LinkState.LOST)
    assert hub.series.names() == []


def test_clearing_one_kind(hub):
    """The rest stays; a kind without data is a wrong argument."""
    define(hub, "m", "n")
    metric(hub, 1, 5)
    metric(hub, 1, 5, series=2)
    data(hub, 1)
    hub.clear("metric", stream="m")
    assert hub.series.names() == ["n"]
    hub.clear("metric", producer="p")
    assert hub.series.names() == []
    assert Change("metric", "p", "m") in hub.take_changes()
    assert len(hub.data.entries) == 1
    with pytest.raises(ValueError, match="heartbeat"):
        hub.clear("heartbeat")


def test_a_flood_of_stream_names_is_bounded(hub):
    """Beyond the bound new streams are left out with one sentence, known ones go on."""
    for k in range(10_050):
        hub.receive("p", FakeArrival(Kind.LOG, LogRecord("info", "m", {}, 1.0), 0, f"s{k}"))
    assert len(hub.producers["p"].streams) == 10_000
    assert len(messages_of(hub, "viewer")) == 1


def test_all_stores_share_one_budget(clock):
    """Ten times the budget goes through; the stores together stay below it and the newest data are there."""
    budget = 3_000_000
    hub = Hub(clock=clock, budget_bytes=budget)
    hub.add("p", "u")
    define(hub, "m")
    peak = 0
    for k in range(300):
        metric(hub, 1 + k * 4000, 4001 + k * 4000)
        row = Spectrum(power=np.zeros((1, 4096), "<f4"), t=float(k), f0=0.0, df=1.0)
        hub.receive("p", FakeArrival(Kind.SPECTRUM, row, k + 1, "beam"))
        hub.receive("p", FakeArrival(Kind.DATA, DataRecord(np.zeros(1000), 1.0), k + 1, "d", nbytes=8000))
        peak = max(peak, sum(hub.memory().values()))
    assert peak <= budget * 1.05
    (curve,) = hub.series.of_name("m")
    assert curve.column("t")[0] == 1
    assert curve.latest() == (1_200_000, 1_200_000)
    assert hub.spectra.waterfalls["p", "beam"].blocks[-1].t[-1] == 299
    assert hub.lost == 0


def test_a_run_state_that_was_overtaken_is_left_out(hub):
    """The answer to a command brings a newer state than the data connection: the older one changes nothing."""
    for number, (run, revision) in enumerate((("RUNNING", 3), ("PAUSED", 5), ("PAUSING", 4), ("PAUSED", 5)), 1):
        hub.receive("p", FakeArrival(Kind.CONTROL, ControlState(run, revision=revision), number))
    assert hub.producers["p"].run.run == "PAUSED"
    assert [row.message for row in hub.log.rows] == ["run is RUNNING", "run is PAUSED"]


def test_losses_are_told_by_where_they_happened(hub):
    """Numbers that never came, what the producer dropped, and what broke the rules are counted apart."""
    for n in (1, 5):
        hub.receive("p", FakeArrival(Kind.DATA, DataRecord(1, 0.0), n, stream="a"))
    hub.receive("p", FakeArrival(Kind.HEARTBEAT, Heartbeat((("metric", "", 7),)), 0))
    hub.problem("p", "bad_message", "refused", refused=2)
    assert hub.losses == hub.producers["p"].losses == Losses(queue=7, wire=3, thinned=0, refused=2)
    assert hub.lost == 10
