"""``tcp://``: which kind of peer is recognized, by real sockets, and ZMTP's first words read byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from dockscope import Broadcaster
from dockscope.core.dialects.base import Dialect, ProbeResult, open_source, probe
from dockscope.core.dialects.recognition import Heard
from dockscope.core.dialects.visit import visit
from dockscope.core.dialects.zmtp import GREETING, MAX_COMMAND_BYTES, SIGNATURE, ZmtpVisit
from dockscope.core.hub import Hub
from dockscope.core.messages import ProtocolError
from dockscope.core.run_control import LinkState, Stage
from foreign import Publisher
from watched import free_port, run

READY = b"\x05READY"


def property_of(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value


def ready(*properties: bytes) -> bytes:
    body = READY + b"".join(properties)
    return b"\x04" + bytes([len(body)]) + body


@pytest.mark.parametrize("name", ["ROUTER", "DEALER", "PUB", "XPUB", "PUSH", "REP", "PAIR"])
def test_the_type_of_a_real_socket_is_learnt(name):
    """A libzmq socket of each kind tells its type during the handshake, and gets no message for it."""

    async def scenario():
        with zmq.Context() as context, context.socket(getattr(zmq, name)) as peer:
            peer.linger = 0
            port = peer.bind_to_random_port("tcp://127.0.0.1")
            learnt = await visit("127.0.0.1", port, "here")
            assert (learnt.speaks, learnt.socket_type, learnt.mechanism) == (True, name, "")

    run(scenario)


def test_a_socket_with_keys_says_so():
    """A peer that asks for CURVE keys is ZeroMQ of a kind that stays unknown; the sentence says why."""

    async def scenario():
        with zmq.Context() as context, context.socket(zmq.PUB) as peer:
            peer.linger = 0
            peer.curve_server = True
            _, peer.curve_secretkey = zmq.curve_keypair()
            port = peer.bind_to_random_port("tcp://127.0.0.1")
            result = await probe(f"tcp://127.0.0.1:{port}")
            assert (result.ok, "CURVE keys" in result.sentence) == (False, True)

    run(scenario)


def test_who_waits_for_the_first_word_is_asked_nothing():
    """A server that speaks after its client gets not a single byte: no greeting, and never a password."""
    received = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            received.append(connection.recv(100))

    async def scenario():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=serve, args=(listener,))
            thread.start()
            learnt = await visit("127.0.0.1", listener.getsockname()[1], "here")
            thread.join()
            assert not learnt.speaks

    run(scenario)
    assert received == [b""]


def test_an_old_peer_names_its_type_in_the_greeting():
    """ZMTP 2.0 tells the socket type as a byte."""
    learnt = ZmtpVisit()
    assert learnt.feed(SIGNATURE + b"\x01\x01\x00\x00") == GREETING[:12]
    assert learnt.socket_type == "PUB"


@given(st.lists(st.integers(1, 20), max_size=40), st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=40))))
def test_words_may_arrive_in_any_pieces(cuts, properties):
    """However the bytes are cut, the type is the one that READY names, and the greeting is sent once."""
    others = [property_of(name, value) for name, value in properties if name.lower() != b"socket-type"][:3]
    words = GREETING + ready(*others, property_of(b"Socket-Type", b"XPUB"))
    learnt, sent, position = ZmtpVisit(), b"", 0
    for cut in [*cuts, len(words)]:
        if position < len(words):
            sent += learnt.feed(words[position : position + cut])
            position += cut
    assert (learnt.socket_type, sent) == ("XPUB", GREETING)


def fed(pieces: list[bytes]) -> None:
    learnt = ZmtpVisit()
    for piece in pieces:
        assert len(learnt.feed(piece)) <= len(GREETING)
        assert len(learnt.socket_type) <= 16


STARTS = (b"", SIGNATURE, GREETING, GREETING + b"\x04", GREETING + ready()[:8], GREETING + b"\x06")


@given(st.sampled_from(STARTS), st.lists(st.binary(max_size=200), max_size=8))
def test_nothing_but_a_protocol_error_comes_out_of_any_bytes(start, pieces):
    """Whatever a peer says, it is learnt from, or refused as ProtocolError."""
    with contextlib.suppress(ProtocolError):
        fed([start, *pieces])


@pytest.mark.soak
@settings(max_examples=10_000)
@given(st.sampled_from(STARTS), st.lists(st.binary(max_size=200), max_size=8))
def test_nothing_but_a_protocol_error_comes_out_of_any_bytes_ten_thousand_times(start, pieces):
    """The same ten thousand times."""
    with contextlib.suppress(ProtocolError):
        fed([start, *pieces])


def test_a_visit_can_be_given_up_at_any_moment():
    """Cancelled at whichever step, it ends as cancelled: nobody who gives up is kept waiting by the answer."""

    async def scenario():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            for port in (free_port(), listener.getsockname()[1]):
                for steps in range(30):
                    visiting = asyncio.ensure_future(visit("127.0.0.1", port, "here"))
                    for _ in range(steps):
                        await asyncio.sleep(0)
                    if visiting.cancel():
                        await asyncio.wait([visiting])
                        assert visiting.cancelled()
                    else:
                        assert visiting.exception() is not None

    run(scenario)


def test_a_peer_that_never_ends_its_word_is_left():
    """More bytes than a greeting and a command are refused, and so is an announced command beyond the bound."""
    learnt = ZmtpVisit()
    learnt.feed(GREETING)
    with pytest.raises(ProtocolError, match="command of"):
        learnt.feed(b"\x06" + (MAX_COMMAND_BYTES + 1).to_bytes(8, "big"))
    with pytest.raises(ProtocolError, match="more than"):
        ZmtpVisit().feed(bytes(MAX_COMMAND_BYTES + 200))


def test_tcp_becomes_the_source_that_is_there(wait_for_async):
    """A Broadcaster is reached and steered, a publisher is read from its first message on; the URL becomes theirs."""

    async def scenario():
        hub = Hub()
        with Broadcaster("tcp://127.0.0.1:0", name="native") as broadcaster, Publisher("numbers") as publisher:
            native = open_source(broadcaster.url, hub)
            foreign = open_source(publisher.endpoint, hub)
            early = native.send("stop")
            assert hub.commands[early].stage is Stage.LOST
            for source in (native, foreign):
                source.start()
            await wait_for_async(lambda: hub.producers[native.key].name == "native")
            assert native.url == hub.producers[native.key].url == broadcaster.url.replace("tcp://", "dockscope://")
            assert hub.commands[native.send("pause")].stage is Stage.REQUESTED
            await wait_for_async(lambda: hub.producers[foreign.key].samples >= 5)
            assert foreign.url == publisher.url
            steps = hub.series.curves[foreign.key, "loss", ()].column("step").tolist()
            assert steps == list(range(int(steps[0]), int(steps[0]) + len(steps)))
            for source in (native, foreign):
                await source.close()
                assert hub.producers[source.key].link is LinkState.CLOSED

    run(scenario)


def test_tcp_waits_for_who_connects_and_loses_nothing(wait_for_async):
    """``tcp://*:port`` binds; the first message decides, and it is the first that is read."""

    async def scenario():
        hub, port = Hub(), free_port()
        source = open_source(f"tcp://*:{port}", hub)
        source.start()
        with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
            publisher.linger = 0
            publisher.connect(f"tcp://127.0.0.1:{port}")
            await wait_for_async(lambda: publisher.poll(0))
            for step in range(3):
                publisher.send_json({"loss": 1.0, "step": step})
            await wait_for_async(lambda: hub.producers[source.key].samples == 3)
            assert source.url == f"json+zmq://*:{port}"
            assert hub.producers[source.key].link is LinkState.LIVE
        await source.close()

    run(scenario)


def test_tcp_goes_on_looking_until_somebody_is_there(wait_for_async):
    """A closed port is told once, and who starts there later is found with no click."""

    async def scenario():
        hub, port = Hub(), free_port()
        source = open_source(f"tcp://127.0.0.1:{port}", hub)
        source.start()
        await wait_for_async(lambda: "Nothing listens" in hub.producers[source.key].problem)
        with Publisher("json", f"tcp://127.0.0.1:{port}"):
            await wait_for_async(lambda: hub.producers[source.key].samples, 10.0)
        await source.close()

    run(scenario)


def test_probe_names_the_url_of_what_it_recognized():
    """The answer for tcp:// carries the recognized URL; what nobody can watch is told by its kind."""

    async def scenario():
        with zmq.Context() as context, context.socket(zmq.PUSH) as push, Publisher() as publisher:
            push.linger = 0
            port = push.bind_to_random_port("tcp://127.0.0.1")
            recognized = await probe(publisher.endpoint)
            assert (recognized.ok, recognized.url) == (True, publisher.url)
            refused = await probe(f"tcp://127.0.0.1:{port}")
            assert (refused.ok, "PUSH" in refused.sentence) == (False, True)

    run(scenario)


def test_dialects_of_others_are_asked_too(monkeypatch, expect_log):
    """What is not ZeroMQ is recognized by the first dialect that does; one that fails to does not hide the next."""
    heard: list[Heard] = []

    async def fail(of: Heard) -> str | None:
        heard.append(of)
        raise RuntimeError("broken")

    async def recognize(of: Heard) -> str | None:
        return f"mine://{of.place}"

    async def answer(url: str, options: object, timeout_s: float) -> ProbeResult:
        return ProbeResult(True, "mine", url)

    def refuse(*_: object, **__: object):
        raise AssertionError

    def dialects():
        yield Dialect(open=refuse, normalize=str, probe=answer, recognize=fail)
        yield Dialect(open=refuse, normalize=str, probe=answer, recognize=recognize)

    async def scenario():
        monkeypatch.setattr("dockscope.core.dialects.finder.recognizing_dialects", dialects)
        server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            assert (await probe(f"tcp://127.0.0.1:{port}")).url == f"mine://127.0.0.1:{port}"
            assert heard == [Heard("127.0.0.1", port)]

    expect_log("failed to recognize")
    run(scenario)
