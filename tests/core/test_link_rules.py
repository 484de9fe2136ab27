"""The rules of a link that need no socket: health over time, commands, addresses, sentences."""

from __future__ import annotations

import asyncio

import pytest

from dockscope.core.link_address import LinkAddress, LinkError, parse_address
from dockscope.core.link_clock import LinkClock
from dockscope.core.link_commands import RESTARTED, LinkCommands
from dockscope.core.link_health import LinkHealth
from dockscope.core.link_peer import LinkPeer, without_placements
from dockscope.core.link_trouble import MAX_SENTENCE, Trouble
from dockscope.core.run_control import LinkState, Stage
from dockscope.core.running_clock import LONGEST_TICK_S, RunningClock
from dockscope.core.wire import Reply

ID = bytes(range(16))


def pass_time(health: LinkHealth, seconds: float) -> list[bool]:
    return [health.tick(0.125) for _ in range(round(seconds / 0.125))]


def live() -> LinkHealth:
    health = LinkHealth()
    health.greeted()
    return health


def test_silence_asks_once_and_then_is_stale():
    """After 3 s of silence one ping is wanted; unanswered for 0.5 s the link is stale, and any sign revives it."""
    health = live()
    assert pass_time(health, 2.875).count(True) == 0
    assert pass_time(health, 0.125) == [True]
    assert pass_time(health, 0.375).count(True) == 0
    assert health.state is LinkState.LIVE
    pass_time(health, 0.125)
    assert health.state is LinkState.STALE
    health.heard()
    assert health.state is LinkState.LIVE


def test_a_broken_connection_is_lost_after_a_second():
    """A connection that heals within a second was never lost; one that does not is."""
    health = live()
    health.disconnected()
    pass_time(health, 0.875)
    assert health.state is LinkState.LIVE
    health.greeted()
    health.disconnected()
    pass_time(health, 1.0)
    assert health.state is LinkState.LOST


def test_a_stale_link_that_breaks_is_lost():
    """A frozen process is stale first, and lost a second after its connection is gone."""
    health = live()
    pass_time(health, 4.0)
    health.disconnected()
    pass_time(health, 1.0)
    assert health.state is LinkState.LOST


def test_leaving_after_the_end_is_no_loss():
    """A link that closes after ENDED is closed at once, not lost."""
    health = live()
    health.told_run(ended=True)
    assert health.state is LinkState.LIVE
    health.disconnected()
    assert health.state is LinkState.CLOSED


def test_the_word_of_the_end_may_come_after_the_loss():
    """ENDED that is read after the connection broke, or even after it was lost, closes the link."""
    for seconds in (0.5, 2.0):
        health = live()
        health.disconnected()
        pass_time(health, seconds)
        health.told_run(ended=True)
        assert health.state is LinkState.CLOSED


def test_a_stopped_viewer_has_observed_no_silence():
    """However long the viewer itself was stopped, the clock of its links goes on by a quarter of a second at most."""
    times = iter([0.0, 0.1, 20.0])
    clock = RunningClock(lambda: next(times))
    assert clock.tick() == pytest.approx(0.1)
    assert clock.tick() == LONGEST_TICK_S
    assert clock.now_s == pytest.approx(0.1 + LONGEST_TICK_S)


class Told:
    def __init__(self) -> None:
        self.stages: list[tuple[Stage, str]] = []
        self.commands = LinkCommands(lambda id_, command, args, stage, reason: self.stages.append((stage, reason)))


def test_a_command_goes_through_its_stages():
    """Every stage is told once, in order; after the last one the command is forgotten."""
    told = Told()
    told.commands.request(ID, "pause", {})
    for stage in ("accepted", "accepted", "effective", "effective"):
        told.commands.reply(Reply(ID, stage))
    assert [stage for stage, _ in told.stages] == [Stage.REQUESTED, Stage.ACCEPTED, Stage.EFFECTIVE]
    assert len(told.commands) == 0


def test_an_unanswered_command_is_unconfirmed_and_can_be_retried():
    """After 3 s without `accepted` it is unconfirmed; a retry uses the same id; an accepted one never becomes so."""
    told = Told()
    told.commands.request(ID, "stop", {})
    told.commands.tick(2.9)
    assert told.stages[-1][0] is Stage.REQUESTED
    told.commands.tick(0.2)
    assert told.stages[-1] == (Stage.UNCONFIRMED, "not confirmed within 3 s")
    retried = told.commands.retried(ID)
    assert retried is not None
    assert retried.id == ID
    told.commands.reply(Reply(ID, "accepted"))
    told.commands.tick(100.0)
    assert told.stages[-1][0] is Stage.ACCEPTED
    assert told.commands.retried(bytes(16)) is None


def test_a_lost_command_does_not_go_out_by_itself_later():
    """What was never accepted waits for the user's retry after a loss; what was accepted is asked about again."""
    told = Told()
    told.commands.request(ID, "stop", {})
    assert [asked.id for asked in told.commands.to_send()] == [ID]
    told.commands.lost("gone")
    assert told.commands.to_send() == []
    assert told.stages[-1] == (Stage.LOST, "gone")
    told.commands.reply(Reply(ID, "accepted"))
    told.commands.lost("gone again")
    assert [asked.id for asked in told.commands.to_send()] == [ID]


def test_another_run_fails_all_open_commands():
    """A new producer id fails what was meant for the old run."""
    told = Told()
    told.commands.request(ID, "stop", {})
    told.commands.restarted()
    assert told.stages[-1] == (Stage.REJECTED, RESTARTED)
    assert told.commands.to_send() == []


def test_history_is_left_out_after_two_short_lives():
    """Two subscriptions that each broke within 10 s leave history out; a long one or another run starts anew."""
    peer = LinkPeer()
    assert peer.meet(b"a" * 16)
    assert not peer.meet(b"a" * 16)
    assert not peer.subscription_ended(5.0)
    assert not peer.subscription_ended(11.0)
    assert not peer.subscription_ended(5.0)
    assert peer.subscription_ended(5.0)
    assert peer.without_history
    assert not peer.subscription_ended(5.0), "told once"
    peer.meet(b"b" * 16)
    assert not peer.without_history


def test_scenes_of_one_stream_are_asked_for_again():
    """A subscription for missing scenes leaves out what is had of that stream's scenes and frames only."""
    have: list[list[object]] = [["scene", "a", 2], ["frame", "a", 5], ["scene", "b", 2], ["data", "a", 3]]
    assert without_placements(have, "a") == [["scene", "b", 2], ["data", "a", 3]]


def test_the_offset_is_that_of_the_fastest_round_trip():
    """A ping gives round trip and offset; answers to unknown pings, or without a clock, give nothing."""
    clock = LinkClock()
    sent_ns = clock.sent(ID)["sent_ns"]
    trip = clock.answered(ID, {"sent_ns": sent_ns, "clock_ns": sent_ns + 3_000_000_000})
    assert trip is not None
    assert trip.offset_s == pytest.approx(3.0, abs=1.0)
    assert 0.0 <= trip.round_trip_s < 1.0
    assert clock.answered(ID, {"clock_ns": 1}) is None
    clock.sent(ID)
    assert clock.answered(ID, {"clock_ns": "soon"}) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("dockscope://host:5560", LinkAddress("host", 5560)),
        ("tcp://*:5560", LinkAddress("127.0.0.1", 5560)),
        ("tcp://[::1]:1/", LinkAddress("::1", 1)),
        ("dockscope+ipc:///run/x.sock", LinkAddress(path="/run/x.sock")),
        ("dockscope://h:1?only=a,b%20c", LinkAddress("h", 1, only=("a", "b c"))),
    ],
)
def test_addresses_are_read(url, expected):
    """Every spelling of an address is read, and its own URL reads back as the same."""
    assert parse_address(url) == expected
    assert parse_address(expected.url) == expected


@pytest.mark.parametrize(
    "url",
    ["tcp://host", "tcp://:5560", "tcp://h:0", "tcp://h:99999", "tcp://h:x", "tcp://h:1/path", "tcp://u:secret@h:1"]
    + ["dockscope+ipc://host/x", "dockscope+ipc:///" + 200 * "x", "tcp://h:1?x=1", "tcp://[::1:5"],
)
def test_wrong_addresses_are_refused_with_a_sentence(url):
    """A wrong URL is a ValueError whose text never repeats a password."""
    with pytest.raises(ValueError, match=r"\w+ \w+") as caught:
        parse_address(url)
    assert "secret" not in str(caught.value)


def test_names_are_resolved_before_libzmq_sees_them():
    """A host name becomes a number, IPv4 first; a name nobody knows is a LinkError; numbers stay as they are."""

    async def ask(host: str) -> str:
        return await LinkAddress(host, 7).endpoint()

    assert asyncio.run(ask("localhost")) == "tcp://127.0.0.1:7"
    assert asyncio.run(ask("::1")) == "tcp://[::1]:7"
    with pytest.raises(LinkError):
        asyncio.run(ask("no-such-host.invalid"))


@pytest.mark.parametrize("trouble", list(Trouble))
@pytest.mark.parametrize("where", ["h:1", 300 * "w" + ":5560"])
@pytest.mark.parametrize("detail", ["", 500 * "<b>\n\x1b"])
def test_every_trouble_is_one_short_printable_line(trouble, where, detail):
    """Whatever a producer is called or says, the sentence is one line of at most 140 characters that names it."""
    sentence = trouble.sentence(where, detail)
    assert len(sentence) <= MAX_SENTENCE
    assert sentence.isprintable()
    assert where[:3] in sentence
    assert "{" not in sentence
