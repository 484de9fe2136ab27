"""A link against a hand-written producer that speaks the wire."""

from __future__ import annotations

import asyncio
import http.server
import itertools
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager

import numpy as np
import pytest
import zmq
import zmq.asyncio

from dockscope.core import link_commands, link_health
from dockscope.core.dialects.base import normalize_url, open_source, probe
from dockscope.core.link import Link
from dockscope.core.link_commands import RESTARTED
from dockscope.core.link_socket import LinkSocket
from dockscope.core.messages import (
    ControlState,
    DataRecord,
    Kind,
    LogRecord,
    PlacementFrame,
    PlacementScene,
    ProtocolError,
)
from dockscope.core.run_control import LinkState, Stage
from dockscope.core.wire import MAX_MESSAGE_BYTES, Reply
from fakes import FakeHub, FakeProducer, frames_of

SCENE = PlacementScene(refs=("A",), size=np.ones((1, 2), "<f4"), scene=7)
FRAME = PlacementFrame(position=np.zeros((1, 3), "<f4"), scene=7, index=1)


@asynccontextmanager
async def connected(url: str, hub: FakeHub, **options):
    source = open_source(url, hub, **options)
    source.start()
    try:
        yield source
    finally:
        await source.close()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 20.0))


def is_state(hub: FakeHub, state: LinkState) -> Callable[[], bool]:
    return lambda: bool(hub.links) and hub.state is state


def test_a_link_greets_subscribes_and_delivers(wait_for_async):
    """Hello comes first, then subscribe with everything and 4 MiB of credit; messages reach the hub, pings measure."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer(role="operate") as producer:
            async with connected(producer.url, hub):
                await wait_for_async(is_state(hub, LinkState.LIVE))
                await wait_for_async(producer.subscribed)
                producer.publish(Kind.LOG, LogRecord("info", "hello", {}, 1.0))
                await wait_for_async(lambda: hub.of_kind(Kind.LOG))
                await wait_for_async(lambda: hub.round_trips)
            assert producer.commands()[0] == "hello"
            hello, subscribe = producer.requests_of("hello")[0], producer.requests_of("subscribe")[0]
            assert (hello.producer, len(hello.args["viewer"]), hello.args["pid"]) == (None, 16, os.getpid())
            assert subscribe.producer == producer.producer
            assert subscribe.args["credit"] == 4 * 2**20
            assert subscribe.args["history"] is True
            assert {tuple(topic) for topic in subscribe.args["topics"]} == {(kind.value, "*") for kind in Kind}
        assert hub.hellos[0].name == "fake"
        assert hub.roles == ["operate"]
        assert abs(hub.round_trips[0][1]) < 1.0
        assert hub.states == [LinkState.CONNECTING, LinkState.LIVE, LinkState.CLOSED]

    run(scenario)


def test_routing_ids_name_the_viewer_and_the_link(wait_for_async):
    """Both links carry the viewer id: `d` subscribes and returns credit, `c` greets, pings and commands."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer() as producer:
            async with connected(producer.url, hub) as source:
                await wait_for_async(producer.subscribed)
                source.send("pause")
                await wait_for_async(lambda: "pause" in producer.commands())
            links = {request.command: routing_id for routing_id, request in producer.requests}
            viewer = producer.requests_of("hello")[0].args["viewer"]
            assert links["subscribe"] == viewer + b"d"
            assert links["hello"] == links["ping"] == links["pause"] == viewer + b"c"

    run(scenario)


def test_closing_says_bye_and_is_quick(wait_for_async):
    """Closing takes less than half a second, tells the producer, and stops nothing."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer() as producer:
            async with connected(producer.url, hub) as source:
                await wait_for_async(producer.subscribed)
                started_s = time.monotonic()
                await source.close()
                assert time.monotonic() - started_s < 5.0  # ten times the figure
                await source.close()
            await wait_for_async(lambda: producer.commands()[-1] == "bye")
            assert not {"stop", "pause"} & set(producer.commands())

    run(scenario)


def test_credit_is_returned_as_it_is_drained(wait_for_async):
    """What is returned adds up to all frames of the data messages, refused ones included, in steps below the grant."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer(beats=0) as producer:
            async with connected(producer.url, hub):
                await wait_for_async(producer.subscribed)
                for _ in range(9):
                    producer.publish(Kind.DATA, DataRecord({"frame": np.zeros(2**18, "u1")}, 0.0), "sizes")
                producer.send_raw(b"\x93garbage", bytes(2**20))
                await wait_for_async(lambda: len(hub.of_kind(Kind.DATA)) == 9)
                await wait_for_async(lambda: returned(producer) > 9 * 2**18 + 2**19)
                assert all(len(request.args[0]) == 16 for request in producer.requests_of("credit"))
        sent = sum(message.nbytes for message in hub.messages) + 2**20 + len(b"\x93garbage")
        assert sent - 2**19 <= returned(producer) <= sent
        assert hub.causes() == ["bad_message"]

    run(scenario)


def returned(producer: FakeProducer) -> int:
    return sum(request.args[1] for request in producer.requests_of("credit"))


def test_a_command_is_followed_to_its_effect(wait_for_async):
    """Requested, accepted, effective are told in order; a rejection comes with its reason."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer() as producer:
            producer.answers["stop"] = [("rejected", "observe only")]
            async with connected(producer.url, hub) as source:
                await wait_for_async(is_state(hub, LinkState.LIVE))
                pause, stop = source.send("pause", {"reason": "lunch"}), source.send("stop")
                await wait_for_async(lambda: len(hub.stages) == 5)
            assert hub.stages_of(pause) == [(Stage.REQUESTED, ""), (Stage.ACCEPTED, ""), (Stage.EFFECTIVE, "")]
            assert hub.stages_of(stop) == [(Stage.REQUESTED, ""), (Stage.REJECTED, "observe only")]
            asked = producer.requests_of("pause")[0]
            assert (asked.id, asked.producer, asked.args) == (pause, producer.producer, {"reason": "lunch"})

    run(scenario)


def test_an_unanswered_command_can_be_retried_under_its_id(wait_for_async, monkeypatch):
    """A command nobody accepts in time is unconfirmed; the retry carries the same id and is followed on."""
    monkeypatch.setattr(link_commands, "UNCONFIRMED_S", 0.4)  # the real figure is tested in test_link_rules.py

    async def scenario():
        hub = FakeHub()
        with FakeProducer() as producer:
            producer.answers["pause"] = []
            async with connected(producer.url, hub) as source:
                await wait_for_async(is_state(hub, LinkState.LIVE))
                id_ = source.send("pause")
                await wait_for_async(lambda: hub.stages_of(id_)[-1][0] is Stage.UNCONFIRMED)
                producer.answers["pause"] = [("accepted", ""), ("effective", "")]
                assert source.retry(id_)
                await wait_for_async(lambda: hub.stages_of(id_)[-1][0] is Stage.EFFECTIVE)
                assert not source.retry(id_)
            assert [request.id for request in producer.requests_of("pause")] == [id_, id_]

    run(scenario)


def test_a_command_without_a_connection_is_not_kept(wait_for_async):
    """Pressed while nothing is connected, a command is lost at once and never sent to whoever comes later."""

    async def scenario():
        hub = FakeHub()
        url = f"dockscope://127.0.0.1:{free_port()}"
        async with connected(url, hub) as source:
            await wait_for_async(lambda: hub.problems)
            id_ = source.send("stop")
            assert hub.stages_of(id_)[-1] == (Stage.LOST, "not connected: nothing was sent")
            with FakeProducer(url) as producer:
                await wait_for_async(is_state(hub, LinkState.LIVE))
                await wait_for_async(lambda: producer.requests_of("ping"))
                assert "stop" not in producer.commands()
                await source.close()

    run(scenario)


def free_port() -> int:
    with socket.socket() as probe_socket:
        probe_socket.bind(("127.0.0.1", 0))
        return probe_socket.getsockname()[1]


def test_a_restarted_producer_is_a_new_run(wait_for_async):
    """The same URL is reached again without a click; a command still open fails and never hits the successor."""

    async def scenario():
        hub = FakeHub()
        first = FakeProducer(name="first")
        first.answers["stop"] = []
        async with connected(first.url, hub) as source:
            await wait_for_async(first.subscribed)
            id_ = source.send("stop")
            await wait_for_async(lambda: "stop" in first.commands())
            first.close()
            with FakeProducer(first.url, name="second") as second:
                await wait_for_async(lambda: len(hub.hellos) == 2)
                await wait_for_async(second.subscribed)
                assert hub.hellos[1].producer == second.producer
                assert hub.stages_of(id_)[-1] == (Stage.REJECTED, RESTARTED)
                await wait_for_async(lambda: second.requests_of("ping"))
                assert "stop" not in second.commands()
                await source.close()

    run(scenario)


def test_a_killed_producer_is_lost_after_a_second(wait_for_async):
    """Without a farewell the link is lost after about a second, and open commands are told to be lost."""

    async def scenario():
        hub = FakeHub()
        producer = FakeProducer()
        producer.answers["pause"] = [("accepted", "")]
        async with connected(producer.url, hub) as source:
            await wait_for_async(producer.subscribed)
            id_ = source.send("pause")
            await wait_for_async(lambda: hub.stages_of(id_)[-1][0] is Stage.ACCEPTED)
            producer.close()
            gone_s = time.monotonic()
            await wait_for_async(is_state(hub, LinkState.LOST))
            assert 0.8 < time.monotonic() - gone_s < 2.0
            assert hub.stages_of(id_)[-1][0] is Stage.LOST

    run(scenario)


def test_a_reconnect_asks_only_for_the_rest(wait_for_async):
    """After a reconnect to the same run the subscription tells what the viewer has, and open commands are repeated."""

    async def scenario():
        hub = FakeHub(have=[["log", "", 5]], have_series=[[1, 100]])
        first = FakeProducer()
        first.answers["pause"] = [("accepted", "")]
        async with connected(first.url, hub) as source:
            await wait_for_async(first.subscribed)
            id_ = source.send("pause")
            await wait_for_async(lambda: hub.stages_of(id_)[-1][0] is Stage.ACCEPTED)
            first.close()
            with FakeProducer(first.url, producer=first.producer) as again:
                await wait_for_async(lambda: hub.stages_of(id_)[-1][0] is Stage.EFFECTIVE)
                subscribe = again.requests_of("subscribe")[0]
                assert [list(entry) for entry in subscribe.args["have"]] == hub.have
                assert [list(entry) for entry in subscribe.args["have_series"]] == hub.have_series
                assert [request.id for request in again.requests_of("pause")] == [id_]
                await source.close()

    run(scenario)


def test_leaving_after_the_end_closes_the_link(wait_for_async):
    """A producer that told ENDED and leaves is closed, not lost; its next run on the same URL is found by itself."""

    async def scenario():
        hub = FakeHub()
        producer = FakeProducer()
        async with connected(producer.url, hub) as source:
            await wait_for_async(producer.subscribed)
            producer.publish(Kind.CONTROL, ControlState(run="ENDED", outcome="finished"))
            await wait_for_async(lambda: hub.of_kind(Kind.CONTROL))
            producer.close()
            await wait_for_async(is_state(hub, LinkState.CLOSED))
            with FakeProducer(producer.url):
                await wait_for_async(is_state(hub, LinkState.LIVE))
                await source.close()
        assert LinkState.LOST not in hub.states

    run(scenario)


def test_silence_is_asked_about_before_it_is_stale(wait_for_async, monkeypatch):
    """A producer that neither sends nor answers a ping is stale, and live again with its next message."""
    monkeypatch.setattr(link_health, "SILENCE_S", 0.4)  # the real figure is tested in test_link_rules.py

    async def scenario():
        hub = FakeHub()
        with FakeProducer(beats=0) as producer:
            async with connected(producer.url, hub) as source:
                await wait_for_async(producer.subscribed)
                await wait_for_async(lambda: hub.round_trips)
                producer.answers_pings = False
                pings = len(producer.requests_of("ping"))
                await wait_for_async(is_state(hub, LinkState.STALE))
                assert len(producer.requests_of("ping")) > pings
                producer.publish(Kind.LOG, LogRecord("info", "back", {}, 1.0))
                await wait_for_async(is_state(hub, LinkState.LIVE))
                await source.close()

    run(scenario)


def test_an_oversized_message_heals(wait_for_async):
    """After a message over 256 MiB, which libzmq gives a connection up for, the link comes back with new sockets."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer() as producer:
            async with connected(producer.url, hub) as source:
                await wait_for_async(producer.subscribed)
                producer.send_raw(bytes(MAX_MESSAGE_BYTES + 1))
                await wait_for_async(lambda: len(producer.requests_of("subscribe")) == 2 and producer.serves_newest())
                producer.publish(Kind.LOG, LogRecord("info", "healed", {}, 1.0))
                await wait_for_async(lambda: hub.of_kind(Kind.LOG))
                await source.close()
        assert "broke_off" in hub.causes()

    run(scenario)


def test_a_history_that_kills_the_link_is_left_out(wait_for_async):
    """A link that dies twice while it receives history subscribes without it, says so, and stays."""

    async def scenario():
        hub = FakeHub()

        def too_much(producer: FakeProducer, routing_id: bytes, subscription: bytes) -> None:
            if producer.requests_of("subscribe")[-1].args["history"]:
                producer.send_to(routing_id, bytes(MAX_MESSAGE_BYTES + 1))

        with FakeProducer() as producer:
            producer.at_subscribe = too_much
            async with connected(producer.url, hub) as source:
                await wait_for_async(lambda: len(producer.requests_of("subscribe")) == 3, timeout_s=10.0)
                asked = [request.args["history"] for request in producer.requests_of("subscribe")]
                assert asked == [True, True, False]
                await wait_for_async(is_state(hub, LinkState.LIVE))
                await source.close()
        assert "no_history" in hub.causes()

    run(scenario)


def test_bad_messages_are_told_and_survived(wait_for_async):
    """Garbage, another version, unknown types and messages the hub refuses are told; the link lives on."""

    async def scenario():
        hub = FakeHub()

        def refuse(message):
            if message.kind is Kind.STATUS:
                raise ProtocolError("not like this")

        hub.on_receive = refuse
        with FakeProducer() as producer:
            async with connected(producer.url, hub) as source:
                await wait_for_async(producer.subscribed)
                for frame in (b"", b"GET / HTTP/1.1", b"\x92\x02\xa4data", b"\x92\x01\xa5other", bytes(100)):
                    producer.send_raw(frame)
                producer.publish(Kind.LOG, LogRecord("info", "still here", {}, 1.0))
                await wait_for_async(lambda: hub.of_kind(Kind.LOG))
                assert hub.state is LinkState.LIVE
                await source.close()
        assert set(hub.causes()) == {"bad_message", "version", "unknown_type"}
        assert all(len(sentence) <= 140 for _, sentence in hub.problems)

    run(scenario)


def test_a_fault_in_the_hub_does_not_end_the_link(wait_for_async, expect_log):
    """A message that breaks the store is logged with its traceback and told; the next one arrives."""
    expect_log("could not be stored", logger="dockscope.link")

    async def scenario():
        hub = FakeHub()

        def fail(message):
            if message.stream == "bad":
                raise ZeroDivisionError

        hub.on_receive = fail
        with FakeProducer(beats=0) as producer:
            async with connected(producer.url, hub) as source:
                await wait_for_async(producer.subscribed)
                producer.publish(Kind.DATA, DataRecord(1, 0.0), "bad")
                producer.publish(Kind.DATA, DataRecord(1, 0.0), "good")
                await wait_for_async(lambda: hub.of_kind(Kind.DATA))
                assert hub.causes() == ["internal"]
                await source.close()

    run(scenario)


def test_frames_of_an_unknown_scene_ask_for_it_once(wait_for_async):
    """A frame whose scene never came makes the viewer subscribe anew, once, without what it has of that stream."""

    async def scenario():
        hub = FakeHub(have=[["frame", "board", 9], ["scene", "board", 9], ["log", "", 2]])
        with FakeProducer(beats=0) as producer:
            async with connected(producer.url, hub) as source:
                await wait_for_async(producer.subscribed)
                for _ in range(3):
                    producer.publish(Kind.FRAME, FRAME, "board")
                await wait_for_async(lambda: len(producer.requests_of("subscribe")) == 2)
                producer.publish(Kind.SCENE, SCENE, "board")
                producer.publish(Kind.FRAME, FRAME, "board")
                await wait_for_async(lambda: hub.of_kind(Kind.SCENE) and hub.messages[-1].kind is Kind.FRAME)
                assert len(producer.requests_of("subscribe")) == 2
                assert [list(entry) for entry in producer.requests_of("subscribe")[1].args["have"]] == [["log", "", 2]]
                await source.close()

    run(scenario)


def test_messages_of_an_earlier_subscription_are_ignored(wait_for_async):
    """Only what serves the present subscription is delivered."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer(beats=0) as producer:
            async with connected(producer.url, hub) as source:
                await wait_for_async(producer.subscribed)
                stale = frames_of(Kind.DATA, DataRecord("old", 0.0), "x", 1, bytes(16))
                producer.send_raw(*stale)
                producer.publish(Kind.DATA, DataRecord("new", 0.0), "x")
                await wait_for_async(lambda: hub.messages)
                assert hub.values() == ["new"]
                await source.close()

    run(scenario)


def test_a_producer_that_forgot_the_viewer_is_subscribed_anew(wait_for_async):
    """When credit is rejected because there is no subscription any more, the link greets and subscribes again."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer(beats=0) as producer:
            async with connected(producer.url, hub) as source:
                await wait_for_async(producer.subscribed)
                producer.answers["credit"] = [("rejected", "subscribe first")]
                producer.publish(Kind.DATA, DataRecord(np.zeros(2**20, "u1"), 0.0), "sizes")
                await wait_for_async(lambda: len(producer.requests_of("subscribe")) == 2)
                assert producer.commands().count("hello") == 2
                await source.close()

    run(scenario)


class KeepingContext(zmq.asyncio.Context):
    """A context that shows the sockets it made."""

    made: list[zmq.asyncio.Socket]

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "made", [])

    def socket(self, *args, **kwargs):
        made = super().socket(*args, **kwargs)
        self.made.append(made)
        return made


def test_the_options_of_a_links_sockets():
    """Bounds, handshake and heartbeat limits stand; IMMEDIATE stays 0, or a farewell not read yet would be lost."""

    async def scenario():
        context = KeepingContext()
        link_socket = LinkSocket(context, "tcp://127.0.0.1:9", b"v" * 16 + b"d")
        wanted = {
            zmq.TYPE: zmq.DEALER,
            zmq.ROUTING_ID: b"v" * 16 + b"d",
            zmq.RCVHWM: 65_536,
            zmq.IMMEDIATE: 0,
            zmq.HANDSHAKE_IVL: 2000,
            zmq.HEARTBEAT_IVL: 1000,
            zmq.HEARTBEAT_TIMEOUT: 3000,
            zmq.MAXMSGSIZE: 256 * 2**20,
        }
        told = {option: context.made[0].get(option) for option in wanted}
        linger_ms = context.made[0].get(zmq.LINGER)
        link_socket.close()
        context.term()
        assert told == wanted
        assert linger_ms in range(1, 1001)

    run(scenario)


def test_a_viewer_that_was_forgotten_in_silence_greets_anew(wait_for_async):
    """Without data there is no credit to be rejected: a ping that is told to say hello first does it as well."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer(beats=0) as producer:
            async with connected(producer.url, hub):
                await wait_for_async(producer.subscribed)
                producer.forgets = True
                await wait_for_async(lambda: len(producer.requests_of("subscribe")) == 2)
                assert producer.commands().count("hello") == 2
                assert hub.state is LinkState.LIVE

    run(scenario)


def test_a_command_to_a_producer_that_forgot_us_arrives_after_the_greeting(wait_for_async):
    """What was told to say hello first goes out again under its id; the user sees one command."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer(beats=0) as producer:
            async with connected(producer.url, hub) as source:
                await wait_for_async(producer.subscribed)
                producer.forgets = True
                id_ = source.send("pause")
                await wait_for_async(lambda: hub.stages_of(id_) and hub.stages_of(id_)[-1][0] is Stage.EFFECTIVE)
                stages = [stage for stage, _ in hub.stages_of(id_)]
                assert stages == [Stage.REQUESTED, Stage.ACCEPTED, Stage.EFFECTIVE]
                assert len(producer.requests_of("subscribe")) == 2

    run(scenario)


class QuietHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, format, *args):  # noqa: A002
        pass


@contextmanager
def http_server():
    """Serve HTTP, and give the URL that somebody typed by mistake."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def zmq_publisher():
    """Bind a PUB."""
    context = zmq.Context()
    publisher = context.socket(zmq.PUB)
    publisher.linger = 0
    try:
        yield f"tcp://127.0.0.1:{publisher.bind_to_random_port('tcp://127.0.0.1')}"
    finally:
        context.destroy(linger=0)


class Listener:
    """A TCP server that answers a connection with the given bytes, and keeps it open."""

    def __init__(self, greeting: bytes) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self._greeting = greeting
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._connections.append(connection)
            connection.sendall(self._greeting)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()
        for connection in self._connections:
            connection.close()


async def told(url: str, wait_for_async, *, timeout_s: float = 5.0) -> tuple[str, str]:
    """Return the first problem of a link to ``url``, which must also be the detail of its state."""
    hub = FakeHub()
    async with connected(url, hub):
        await wait_for_async(lambda: hub.problems, timeout_s=timeout_s)
        assert hub.links[-1] == (LinkState.CONNECTING, hub.problems[0][1])
    assert len(hub.problems[0][1]) <= 140
    return hub.problems[0]


def test_a_closed_port_is_told_once(wait_for_async):
    """Nobody there: one sentence at once, and no second one while that stays so."""

    async def scenario():
        hub = FakeHub()
        url = f"dockscope://127.0.0.1:{free_port()}"
        async with connected(url, hub) as source:
            await wait_for_async(lambda: hub.problems)
            started_s = time.monotonic()
            await wait_for_async(lambda: time.monotonic() - started_s > 1.5)
            assert hub.causes() == ["nobody"]
            await source.close()

    run(scenario)


def test_what_listens_without_being_a_producer_is_told(wait_for_async):
    """An HTTP server, another greeting, a ZeroMQ PUB and a ROUTER that is no producer are told for what they are."""

    async def scenario():
        listener = Listener(b"SSH-2.0-OpenSSH_9.9\r\n")
        try:
            with FakeProducer(greets=False) as router, http_server() as web, zmq_publisher() as publisher:
                urls = [url.replace("tcp:", "dockscope:") for url in (web, listener.url, publisher, router.url)]
                answers = await asyncio.gather(*(told(url, wait_for_async) for url in urls))
        finally:
            listener.close()
        assert [cause for cause, _ in answers] == ["foreign", "foreign", "foreign", "no_hello"]
        assert all(url.rpartition(":")[2] in sentence for url, (_, sentence) in zip(urls, answers, strict=True))

    run(scenario)


def test_an_unknown_host_is_told(wait_for_async):
    """A host that cannot be resolved is told by its name."""

    async def scenario():
        cause, sentence = await told("dockscope://no-such-host.invalid:5560", wait_for_async)
        assert cause == "no_host"
        assert "no-such-host.invalid" in sentence

    run(scenario)


def test_another_version_is_told(wait_for_async):
    """A producer of another version says so in its reply, and the sentence says what to do."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer(greets=False) as producer:
            async with connected(producer.url, hub) as source:
                routing_id, _ = await wait_for_async(lambda: producer.requests and producer.requests[0])
                producer.reply(routing_id, Reply(bytes(16), "rejected", "speaks 2, you speak 1"))
                await wait_for_async(lambda: hub.problems)
                assert hub.causes() == ["version"]
                await source.close()

    run(scenario)


def test_a_producer_that_starts_later_is_found(wait_for_async):
    """A link to a closed port becomes live by itself when a producer starts there."""

    async def scenario():
        hub = FakeHub()
        url = f"dockscope://127.0.0.1:{free_port()}"
        async with connected(url, hub) as source:
            await wait_for_async(lambda: hub.problems)
            with FakeProducer(url):
                await wait_for_async(is_state(hub, LinkState.LIVE))
                await source.close()

    run(scenario)


def test_a_unix_socket_works(wait_for_async, tmp_path):
    """dockscope+ipc:// reaches a producer on a Unix socket."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer(f"ipc://{tmp_path}/p.sock") as producer:
            async with connected(f"dockscope+ipc://{tmp_path}/p.sock", hub) as source:
                await wait_for_async(is_state(hub, LinkState.LIVE))
                await source.close()
            assert producer.commands()[0] == "hello"

    run(scenario)


def test_a_flood_leaves_the_loop_to_others(wait_for_async):
    """While thousands of messages are drained, another task of the loop gets its turn again and again."""

    async def scenario():
        hub = FakeHub()
        turns: list[int] = []

        async def other() -> None:
            while True:
                turns.append(len(hub.messages))
                await asyncio.sleep(0)

        with FakeProducer(beats=0) as producer:
            async with connected(producer.url, hub) as source:
                await wait_for_async(producer.subscribed)
                for number in range(5_000):
                    producer.publish(Kind.LOG, LogRecord("info", str(number), {}, 1.0))
                task = asyncio.ensure_future(other())
                await wait_for_async(lambda: len(hub.messages) == 5_000)
                task.cancel()
                await source.close()
        assert hub.texts() == [str(number) for number in range(5_000)]
        steps = [after - before for before, after in itertools.pairwise(turns)]
        assert max(steps) <= 200

    run(scenario)


def test_probing_tells_who_answers_and_subscribes_to_nothing(wait_for_async):
    """Probe names the producer, its streams and our role, and leaves; a wrong URL or an empty port gives a sentence."""

    async def scenario():
        with FakeProducer(role="observe") as producer:
            result = await probe(producer.url)
            await wait_for_async(lambda: producer.commands()[-1] == "bye")
            assert "subscribe" not in producer.commands()
        assert (result.ok, result.name, result.host, result.role) == (True, "fake", "here", "observe")
        assert result.streams == (("metric", ""), ("data", "sizes"))
        nobody = await probe(f"tcp://127.0.0.1:{free_port()}")
        assert not nobody.ok
        assert "Nothing listens" in nobody.sentence
        assert "is no URL" in (await probe("localhost")).sentence

    run(scenario)


def test_sources_are_opened_by_scheme():
    """A URL finds its dialect; the key is its one spelling; an unknown scheme is refused with those there are."""
    hub = FakeHub()
    source = open_source("dockscope://*:5560", hub, name="mine")
    assert isinstance(source, Link)
    assert (source.key, source.url) == (hub.key, hub.url) == ("dockscope://127.0.0.1:5560",) * 2
    assert normalize_url(" dockscope://127.0.0.1:5560 ") == source.key
    with pytest.raises(ValueError, match=r"gopher:// .* dockscope://"):
        open_source("gopher://x:1", hub)


def test_a_link_narrowed_to_names_subscribes_to_those_streams_alone(wait_for_async):
    """?only=a,b asks for these streams where kinds have streams, and for the other kinds whole."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer() as producer:
            async with connected(f"{producer.url}?only=a,b", hub) as source:
                await wait_for_async(producer.subscribed)
                await source.close()
            topics = {tuple(topic) for topic in producer.requests_of("subscribe")[0].args["topics"]}
        assert {topic for topic in topics if topic[0] == "data"} == {("data", "a"), ("data", "b")}
        assert ("metric", "*") in topics

    run(scenario)


def test_an_answer_brings_the_run_state_with_it(wait_for_async):
    """A pause is shown with its answer, though the state on the data connection waits behind megabytes of samples."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer() as producer:
            async with connected(producer.url, hub) as source:
                await wait_for_async(producer.subscribed)
                id_ = source.send("pause")
                await wait_for_async(lambda: (Stage.EFFECTIVE, "") in hub.stages_of(id_))
        (state,) = (sent.message for sent in hub.of_kind(Kind.CONTROL))
        assert isinstance(state, ControlState)
        assert state.run == "PAUSED"

    run(scenario)


def test_a_rubbish_state_in_an_answer_is_refused(wait_for_async):
    """The command counts as answered, the state is told to be malformed, and the link lives on."""

    async def scenario():
        hub = FakeHub()
        with FakeProducer() as producer:
            producer.answers = {"stop": []}
            async with connected(producer.url, hub) as source:
                await wait_for_async(producer.subscribed)
                id_ = source.send("stop")
                await wait_for_async(lambda: producer.requests_of("stop"))
                routing_id = next(routing_id for routing_id, request in producer.requests if request.id == id_)
                producer.reply(routing_id, Reply(id_, "effective", "", {"run": 7}))
                await wait_for_async(lambda: (Stage.EFFECTIVE, "") in hub.stages_of(id_))
        assert (hub.causes(), hub.of_kind(Kind.CONTROL), hub.refused) == (["bad_message"], [], 1)

    run(scenario)
