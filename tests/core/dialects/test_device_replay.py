"""The captured device server as a producer: what it sent is shown, and what goes wrong on its side harms nothing."""

from __future__ import annotations

import gc
import sys
import time
from collections import deque

import numpy as np
import pytest

from device_replay import Followed, ReplayServer, captured_stream
from dockscope.core.asker import Asker
from dockscope.core.dialects.base import probe
from dockscope.core.dialects.device_http import device_server
from dockscope.core.dialects.device_sse import parse
from dockscope.core.messages import Kind
from dockscope.core.run_control import LinkState, Stage
from fakes import FakeHub
from watched import Watched, free_port, run

STREAM = captured_stream()
LIVE = b"event: ping\r\ndata: {}\r\n\r\n"


def reading(text: str, id_: int | None = None) -> bytes:
    return (b"" if id_ is None else b"id: %d\r\n" % id_) + b"event: device_data\r\ndata: %b\r\n\r\n" % text.encode()


def sentences(hub: FakeHub) -> str:
    return "\n".join(sentence for _, sentence in hub.problems)


@pytest.mark.parametrize("size", [len(STREAM), 1000, 7])
def test_the_captured_stream_is_shown(wait_for_async, size):
    """Each captured reading is a sample with the time that it tells, its short trace so many metrics."""

    async def scenario():
        async with ReplayServer() as server:
            server.streams["daq1"] = deque([[*(STREAM[at : at + size] for at in range(0, len(STREAM), size)), None]])
            async with Watched(server.url) as seen:
                await wait_for_async(lambda: seen.samples("daq1.n") == 40)
                curve = seen.curve("daq1.n")
                t, values = curve.column("t"), curve.column("value")
                assert np.array_equal(values, np.arange(40.0))
                assert t[0] == 1795245659.4436753
                assert seen.curve("daq1.trace.0").latest() == (1795245663.3622868, 0.998543345374605)
                listed = seen.hub.data.entries[seen.source.key, "devices"].value
                assert [device["type"] for device in listed.values()] == ["SimDAQ", "SimDAQ", "SimLaser"]
                assert seen.producer.link is LinkState.LIVE
            assert server.visits("laser1") == 0  # it has no start_streaming

    run(scenario)


def test_readings_of_every_shape(wait_for_async):
    """Numbers, nested numbers, NaN and lists become metrics; text and what is left data; bad JSON costs one reading."""

    async def scenario():
        async with ReplayServer() as server:
            chunks = [
                reading('{"stage": {"x": 1.5, "on": true}, "state": "moving", "event": "e", "data": 3, "bad": NaN}'),
                reading("{broken"),
                reading("Infinity"),
                reading('[1, {"deep": 2}]'),
                reading('"idle"'),
                reading('{"level": "warning", "message": "hot"}'),
            ]
            server.streams["daq1"] = deque([[*chunks, None]])
            async with Followed(server.url, topics=None) as seen:
                await wait_for_async(lambda: "hot" in seen.hub.texts())
                names = [one.name for told in seen.definitions() for one in told.definitions]
                assert set(names) >= {"daq1.stage.x", "daq1.stage.on", "daq1.data", "daq1.bad", "daq1"}
                values = np.concatenate([told.value for told in seen.metrics()])
                assert np.isnan(values).sum() == 1
                assert np.isinf(values).sum() == 1
                data = seen.hub.values()
                assert {"state": "moving", "event": "e"} in data
                assert "idle" in data
                assert seen.hub.causes().count("bad_message") == 1

    run(scenario)


def test_a_stream_that_breaks_is_opened_again(wait_for_async):
    """A broken answer and an ended one are both followed by another; between them only this device's curves break."""

    async def scenario():
        async with ReplayServer() as server:
            server.streams["daq1"] = deque([[reading("1", 0)], [reading("2", 0), None]])
            async with Watched(server.url) as seen:
                await wait_for_async(lambda: seen.samples("daq1") == 2)
                assert len(seen.curve("daq1").breaks) == 1
                assert server.visits("daq1") == 2
                assert seen.producer.link is LinkState.LIVE

    run(scenario)


def test_ids_that_jump_are_a_loss_and_contiguous_ones_prove_nothing(wait_for_async):
    """A jump of the ids is told with its size and breaks the curve; without one the source vouches for nothing."""

    async def scenario():
        async with ReplayServer() as server:
            chunks = [reading("1", 0), reading("2", 1), reading("3", 7), reading("4", 8), None]
            server.streams["daq1"] = deque([chunks])
            async with Watched(server.url) as seen:
                await wait_for_async(lambda: seen.samples("daq1") == 4)
                assert list(seen.curve("daq1").breaks) == [2]
                assert "5 readings of daq1 were lost" in seen.producer.problem
                assert seen.producer.hello is not None
                assert seen.producer.hello.is_numbered is False

    run(scenario)


def test_a_refused_stream_is_told_once_and_asked_for_again(wait_for_async):
    """The captured "already streaming" is told in its words, once; when the other viewer has left, readings come."""

    async def scenario():
        async with ReplayServer() as server:
            busy = captured_stream("labdaemon_sse_second.txt")
            server.streams["daq1"] = deque([[busy], [busy], [busy], [reading("1"), None]])
            async with Followed(server.url, topics=None) as seen:
                await wait_for_async(lambda: server.visits("daq1") == 4, timeout_s=15.0)
                await wait_for_async(lambda: seen.metrics())
                assert sentences(seen.hub).count("Device 'daq1' is already streaming") == 1

    run(scenario)


def test_only_the_named_devices_are_streamed(wait_for_async):
    """``?only=`` narrows; a name that is not there is told and looked for."""

    async def scenario():
        async with ReplayServer() as server, Followed(f"{server.url}?only=daq2,probe9", topics=None) as seen:
            await wait_for_async(lambda: server.visits("daq2"))
            await wait_for_async(lambda: "has no device or task probe9 yet" in sentences(seen.hub))
            assert server.visits("daq1") == 0
            assert seen.hub.url == f"{server.url}?only=daq2,probe9"

    run(scenario)


class ChoosingAsker(Asker):
    """Answers as a user would who ticks ``choice``."""

    def __init__(self, *choice: str) -> None:
        super().__init__()
        self.choice, self.asked = choice, []

    async def streams(self, place, names, what="streams"):
        self.asked.append((place, list(names), what))
        return self.choice or None


def test_the_asker_chooses_the_devices_once(wait_for_async):
    """Those that stream are offered, the choice becomes the URL, and a connection that heals does not ask again."""

    async def scenario():
        asker = ChoosingAsker("daq2")
        async with ReplayServer() as server, Followed(server.url, topics=None, asker=asker) as seen:
            await wait_for_async(lambda: server.visits("daq2"))
            assert asker.asked == [(f"127.0.0.1:{server.port}", ["daq1", "daq2"], "devices")]
            assert seen.source.url == f"{server.url}?only=daq2"
            assert (server.visits("daq1"), seen.source.key) == (0, server.url)

    run(scenario)


def test_steering_alone_streams_nothing(wait_for_async):
    """A source that is opened for commands starts no device and asks nobody."""

    async def scenario():
        asker = ChoosingAsker("daq1")
        async with ReplayServer() as server:
            async with Followed(server.url, topics=[("control", "*")], asker=asker) as seen:
                await wait_for_async(lambda: seen.states())
                assert seen.hub.of_kind(Kind.DATA) == []
            assert (server.visits("daq1"), asker.asked) == (0, [])

    run(scenario)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((200, b"<html>hello</html>"), "is no device server"),
        ((404, b"nothing"), "is no device server"),
        ((200, b'{"devices": "' + b"x" * 5_000_000 + b'"}'), "is no device server"),
    ],
)
def test_another_http_server_is_told_as_such(wait_for_async, answer, words):
    """What answers otherwise, or too much, is no device server: said once, and tried again."""

    async def scenario():
        async with ReplayServer() as server:
            server.answers["GET /devices"] = answer
            result = await probe(server.url)
            assert (result.ok, words in result.sentence) == (False, True)
            async with Followed(server.url, topics=None) as seen:
                await wait_for_async(lambda: server.asked.count("GET /devices") >= 3)
                assert sentences(seen.hub).count(words) == 1
                assert seen.hub.state is LinkState.CONNECTING

    run(scenario)


def test_nobody_there_is_told_and_waited_for(wait_for_async):
    """A port without a server is a sentence; when the server comes, the source connects with no click."""

    async def scenario():
        port = free_port()
        result = await probe(f"http://127.0.0.1:{port}")
        assert (result.ok, result.sentence.startswith("Nothing listens at")) == (False, True)

    run(scenario)


def test_commands_are_confirmed_by_the_servers_word_alone(wait_for_async):
    """A stop that the server does not answer stays open; another answer than "stopped" is a refusal in its words."""

    async def scenario():
        async with ReplayServer() as server:
            server.streams["daq1"] = deque([[LIVE, None]])
            stop = "POST /devices/daq1/stream/stop"
            server.answers[stop] = (409, b'{"error":{"type":"DeviceInUse","message":"owned by sweep1"}}')
            async with Followed(server.url, topics=None) as seen:
                await wait_for_async(lambda: seen.parameters().get("daq1 stream"))
                refused = seen.source.send("set", {"name": "daq1 stream", "value": False})
                await wait_for_async(lambda: Stage.REJECTED in seen.stages(refused))
                assert seen.reason(refused) == "DeviceInUse: owned by sweep1"
                told = [one.value for one in seen.told("daq1 stream")]
                assert told.index(True) == len(told) - told.count(True)  # never shown as stopped after it was on
                server.answers[stop] = (200, b'{"status":"perhaps"}')
                odd = seen.source.send("set", {"name": "daq1 stream", "value": False})
                await wait_for_async(lambda: Stage.REJECTED in seen.stages(odd))
                unknown = seen.source.send("set", {"name": "daq7 stream", "value": False})
                await wait_for_async(lambda: Stage.REJECTED in seen.stages(unknown))
                nothing = seen.source.send("pause")
                await wait_for_async(lambda: Stage.REJECTED in seen.stages(nothing))
                assert seen.reason(nothing) == "no task runs here that could be paused"

    run(scenario)


def test_the_body_after_a_204_spoils_nothing():
    """The real server's answer to DELETE has a body where none may be: the error is cleared, the next request works."""

    async def scenario():
        async with ReplayServer() as server:
            server.answers["DELETE /devices/daq1/error"] = (204, b"null")
            server.answers["GET /devices/daq1/error"] = (404, b'{"error":{"type":"NoError","message":"none"}}')
            async with device_server(parse(server.url)) as devices:
                for _ in range(3):
                    await devices.clear_device_error("daq1")
                    assert await devices.device_error("daq1") is None
                    assert len(await devices.devices()) == 3

    run(scenario)


def test_leaving_amid_an_answer_leaves_nothing_suspended():
    """A stream that is left while more is to come is over then: nothing waits for the garbage collector to end it."""
    hooks = sys.get_asyncgen_hooks()
    ended_late = []

    async def scenario():
        async with ReplayServer() as server:
            server.streams["daq1"] = deque([[LIVE, STREAM, LIVE, None]])
            sys.set_asyncgen_hooks(finalizer=ended_late.append)
            async with device_server(parse(server.url)) as devices, devices.stream("daq1") as chunks:
                assert await anext(chunks)
            del chunks
            gc.collect()
            assert ended_late == []

    try:
        run(scenario)
    finally:
        sys.set_asyncgen_hooks(*hooks)


def test_no_password_and_no_proxy_of_the_environment_is_used(wait_for_async, monkeypatch, tmp_path):
    """A .netrc and a proxy that are set do not reach the server, neither as a source nor to find out what is there."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    async def scenario():
        async with ReplayServer() as server:
            result = await probe(f"tcp://127.0.0.1:{server.port}")
            assert (result.ok, result.url) == (True, server.url)
            assert result.sentence == f"A device server at 127.0.0.1:{server.port} with 3 devices"
            async with Followed(server.url, topics=None):
                await wait_for_async(lambda: server.visits("daq1"))
            assert b"authorization" not in b"".join(server.heads).lower()

    run(scenario)


def test_an_idle_link_asks_for_nearly_nothing(wait_for_async):
    """A stream that is silent asks for nothing but the list of tasks now and then: there is no busy loop."""

    async def scenario():
        async with ReplayServer() as server:
            server.streams["daq1"] = deque([[LIVE, None]])
            server.streams["daq2"] = deque([[LIVE, None]])
            async with Followed(server.url, topics=None) as seen:
                await wait_for_async(lambda: seen.parameters().get("daq2 stream"))
                asked = len(server.asked)
                start_s = time.monotonic()
                await wait_for_async(lambda: time.monotonic() - start_s > 3.0)
                assert len(server.asked) - asked <= 2  # the list of tasks each 2 s

    run(scenario)


@pytest.mark.parametrize("url", ["http://*:5000", "http://host", "http://me:pw@host:5000", "http://host:5000/x"])
def test_wrong_urls_are_told(url):
    """A URL has a host and a port and no password; we never listen for a device server."""
    with pytest.raises(ValueError, match=r"http://127\.0\.0\.1:5000"):
        parse(url)
