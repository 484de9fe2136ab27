"""Sources: one link per URL, opened, closed, remembered and forgotten."""

from __future__ import annotations

import pytest

from dockscope import Broadcaster
from dockscope.core.dialects.base import normalize_url
from dockscope.core.hub import Hub
from dockscope.core.run_control import LinkState, Stage
from dockscope.core.settings import SourceSetting
from dockscope.gui.sources import Sources
from fakes import FakeProducer
from monty import Monty, free_ports


@pytest.fixture
def hub():
    return Hub()


@pytest.fixture
def sources(bench, hub, settings):
    sources = Sources(hub, settings)
    yield sources
    bench.run(sources.close())


@pytest.fixture
def broadcaster():
    with Broadcaster("tcp://127.0.0.1:0", name="trainer") as broadcaster:
        yield broadcaster


def live(hub, key):
    return key in hub.producers and hub.producers[key].link is LinkState.LIVE


def test_one_url_is_one_link(sources, hub, bench, broadcaster, settings):
    """The same producer under two spellings is connected once and remembered."""
    own = broadcaster.url.replace("tcp://", "dockscope://")
    key = sources.connect_url(broadcaster.url)
    bench.until(lambda: live(hub, key))
    assert hub.producers[key].url == own
    assert sources.connect_url(own) == sources.connect_url(f" {broadcaster.url}/") == key
    assert len(hub.producers) == 1
    assert [normalize_url(url) for url in settings.recent_urls] == [key]


def test_localhost_and_its_number_are_one_link(sources, hub, bench, broadcaster):
    """One producer under the names that this machine has for itself is one entry, listed by its number."""
    key = sources.connect_url(broadcaster.url.replace("127.0.0.1", "localhost"))
    assert sources.connect_url(broadcaster.url) == key
    bench.until(lambda: live(hub, key))
    assert [producer.url for producer in hub.producers.values()] == [key.replace("tcp://", "dockscope://")]


def test_a_url_of_an_earlier_session_is_the_same_entry(sources, hub, bench, broadcaster):
    """What was saved as localhost and is connected by its number does not appear twice."""
    sources.remember(SourceSetting(broadcaster.url.replace("127.0.0.1", "localhost"), "mine"))
    key = sources.connect_url(broadcaster.url)
    bench.until(lambda: live(hub, key))
    assert [producer.name for producer in hub.producers.values()] == ["mine"]


def test_tcp_leads_to_what_is_listed_there(sources, hub, bench, broadcaster):
    """A producer that was found in an earlier session is connected, not listed twice."""
    own = broadcaster.url.replace("tcp://", "dockscope://")
    sources.remember(SourceSetting(own, told_name="trainer"))
    assert sources.connect_url(broadcaster.url) == own
    bench.until(lambda: live(hub, own))
    assert len(hub.producers) == 1


def test_a_wrong_url_opens_nothing(sources, hub):
    """A sentence for a person, and no trace in the hub."""
    with pytest.raises(ValueError, match="URL"):
        sources.connect_url("nonsense")
    assert hub.producers == {}


def test_disconnect_keeps_and_connect_comes_back(sources, hub, bench, broadcaster):
    """A closed link keeps its producer listed with its data and its given name."""
    key = sources.connect_url(broadcaster.url, "mine")
    broadcaster.publish_data("sizes", 1)
    bench.until(lambda: hub.data.entries)
    sources.disconnect_key(key)
    bench.until(lambda: hub.producers[key].link is LinkState.CLOSED)
    assert hub.data.entries
    sources.connect_url(broadcaster.url)
    bench.until(lambda: live(hub, key))
    assert hub.producers[key].name == "mine"


def test_disconnect_and_connect_take_effect_at_once(sources, hub, bench, broadcaster):
    """While a link says good-bye it counts as closed already, and connected again as connecting; the log tells once."""
    key = sources.connect_url(broadcaster.url)
    bench.until(lambda: live(hub, key))
    sources.disconnect_key(key)
    assert hub.producers[key].link is LinkState.CLOSED
    sources.connect_url(broadcaster.url)
    assert hub.producers[key].link is LinkState.CONNECTING
    bench.until(lambda: not sources._closing)
    bench.until(lambda: live(hub, key))
    told = [row.message for row in hub.log.rows if row.message.startswith("connect")]
    assert told == ["connected", "connection closed", "connected"]


def test_connect_right_after_disconnect_ends_connected(sources, hub, bench, broadcaster):
    """The last words of the closed link are not taken for those of the new one."""
    key = sources.connect_url(broadcaster.url)
    bench.until(lambda: live(hub, key))
    for _ in range(3):
        sources.disconnect_key(key)
        sources.connect_url(broadcaster.url)
    bench.until(lambda: not sources._closing)
    bench.until(lambda: live(hub, key))
    assert broadcaster.viewers == 1 or bench.until(lambda: broadcaster.viewers == 1)


def test_forget_takes_the_data_and_a_new_connection_stands(sources, hub, bench, broadcaster):
    """Forgotten at once; connected again in the same breath, the producer is there to stay."""
    key = sources.connect_url(broadcaster.url)
    bench.until(lambda: live(hub, key))
    sources.forget(key)
    assert hub.producers == {}
    sources.connect_url(broadcaster.url)
    bench.until(lambda: not sources._closing)
    bench.until(lambda: live(hub, key))


def test_remembered_sources_are_offline(sources, hub, qtbot):
    """They are listed with the name they had, the window is told, and a URL that is none is left out."""
    with qtbot.waitSignal(sources.changed):
        sources.remember(SourceSetting("tcp://127.0.0.1:1", None, "old"))
    sources.remember(SourceSetting("rubbish", "x"))
    (producer,) = hub.producers.values()
    assert (producer.name, producer.link, producer.link_detail) == ("old", LinkState.CLOSED, "offline – Connect")
    assert not sources.is_open(producer.key)
    assert [(s.name, s.told_name) for s in sources.saved()] == [(None, "old")]


def test_commands_go_to_open_sources_and_come_back_through_the_hub(sources, hub, bench):
    """Sent once each; unknown and closed keys are left out."""
    with FakeProducer() as producer:
        key = sources.connect_url(producer.url)
        bench.until(lambda: live(hub, key))
        sources.send([key, "unknown"], "pause")
        bench.until(lambda: [c.stage for c in hub.commands.values()] == [Stage.EFFECTIVE])
        assert producer.commands().count("pause") == 1
        bench.run(sources.close())


def test_close_ends_every_link_and_no_producer(sources, hub, bench, broadcaster):
    """After close nothing is connected; the producer was asked nothing."""
    key = sources.connect_url(broadcaster.url)
    bench.until(lambda: live(hub, key))
    bench.run(sources.close())
    assert hub.producers[key].link is LinkState.CLOSED
    assert not broadcaster.control.stop_requested


def test_runs_of_one_address_are_steered_and_closed_alone(sources, hub, bench):
    """Each run at a LiveView address is a producer: Stop reaches it alone, disconnecting it leaves the others."""
    port = free_ports()
    first = sources.connect_url(f"liveview://*:{port}")
    second = f"{first}#2"
    with Monty(port, "A"), Monty(port, "B"):
        bench.until(
            lambda: live(hub, first) and live(hub, second) and {p.name for p in hub.producers.values()} == set("AB")
        )
        assert [saved.url for saved in sources.saved()] == [first]
        sources.disconnect_key(second)
        bench.until(lambda: hub.producers[second].link is LinkState.CLOSED and not sources._closing)
        assert live(hub, first)
        assert sources.connect_url(hub.producers[second].url) == first
        bench.until(lambda: live(hub, second))
        assert sources.is_open(second)
        sources.send([second], "stop")
        bench.until(lambda: [command.stage for command in hub.commands.values()] == [Stage.EFFECTIVE])
        (run_told,) = [p.run for p in hub.producers.values() if p.key == second]
        assert (run_told.run, run_told.outcome) == ("ENDED", "stopped")
        assert live(hub, first)
        sources.forget(second)
        assert list(hub.producers) == [first]
        sources.disconnect_key(first)
        assert not sources.is_open(first)
