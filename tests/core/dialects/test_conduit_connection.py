"""A conduit server and client against raw peers: logging in, staying alive, calls, flow control, bounds."""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path
from typing import Any

import pytest

from conduit_raw import (
    CALL,
    ERROR,
    INFO,
    LOGIN,
    MESSAGE,
    PASSWORD,
    PAUSE,
    PING,
    PONG,
    PROOF,
    REFUSAL,
    REPLY,
    RESUME,
    WELCOME,
    RawPeer,
    frame,
    login,
    our_client,
    our_server,
    raw_server,
    run,
)
from dockscope.core.dialects.conduit import (
    AuthenticationError,
    Client,
    ClientDescriptor,
    ConduitConnectionError,
    NotConduitError,
    RPCError,
    RPCTimeout,
    Server,
    ServerDescriptor,
    data,
)

OUR_LOG = "dockscope.conduit"
CERTIFICATE = Path(__file__).parent / "conduit_test_certificate.pem"  # and its key; for localhost, made for tests only


def client_of(port: int, **options) -> Client:
    return Client(
        ClientDescriptor(**{"server_host": "127.0.0.1", "server_port": port, "password": PASSWORD, **options})
    )


async def welcome(peer: RawPeer) -> None:
    """Let a client in as a server does that checks the password."""
    asked = await peer.read()
    assert asked.type == LOGIN
    if asked.payload["password_hash"] != PROOF:
        peer.writer.write(frame(REFUSAL, {"reason": "Invalid password"}))
        raise ConnectionError
    peer.writer.write(frame(WELCOME, {"session_token": "t", "server_info": {"name": "raw", "version": "2"}}))


# logging in


def test_the_password_decides(expect_log):
    """The right proof is let in with a fresh token, a wrong one refused and closed, and told in the log."""
    expect_log("was not let in: the password is wrong", logger=OUR_LOG)

    async def scenario():
        async with our_server() as (server, _, port):
            tokens = []
            for _ in range(2):
                peer = await RawPeer.connect(port)
                peer.writer.write(login())
                answer = await peer.read()
                assert answer.type == WELCOME
                assert answer.payload["server_info"] == {"name": "conduit_server", "version": "1.0.0"}
                tokens.append(answer.payload["session_token"])
                peer.close()
            assert [len(token) for token in tokens] == [128, 128]
            assert tokens[0] != tokens[1]
            peer = await RawPeer.connect(port)
            peer.writer.write(login("0" * 64))
            refused = await peer.read()
            assert (refused.type, refused.payload) == (REFUSAL, {"reason": "Invalid password"})
            assert await peer.at_end()
            assert server.connection_count == 0
            peer.close()
            with pytest.raises(AuthenticationError, match="Invalid password"):
                await client_of(port, password="wrong").connect()

    run(scenario)


def test_a_login_may_come_in_pieces():
    """TCP may cut the login anywhere: it is let in all the same."""

    async def scenario():
        async with our_server() as (_, _, port):
            peer = await RawPeer.connect(port)
            for byte in login():
                peer.writer.write(bytes([byte]))
                await peer.writer.drain()
                await asyncio.sleep(0)
            assert (await peer.read()).type == WELCOME
            peer.close()

    run(scenario)


def test_what_comes_with_the_answer_to_a_login_is_not_lost():
    """Frames glued to AUTH_SUCCESS, a cut one as well, are read."""

    async def scenario():
        async def serve(peer: RawPeer) -> None:
            asked = await peer.read()
            assert asked.payload["password_hash"] in ("", PROOF)
            hello = frame(MESSAGE, {"type": "hello", "data": 1})
            answer = frame(WELCOME, {"session_token": "t", "server_info": {}})
            peer.writer.write(answer + hello + hello[:20])
            await peer.writer.drain()
            peer.writer.write(hello[20:])
            await peer.reader.read()

        async with raw_server(serve) as port:
            client, got = client_of(port), []
            twice = asyncio.Event()

            @client.on("hello")
            def hello(value):
                got.append(value)
                if len(got) == 2:
                    twice.set()

            await client.connect()
            await asyncio.wait_for(twice.wait(), 5)
            await client.disconnect()

    run(scenario)


@pytest.mark.parametrize(
    "greeting",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\0\0\0\0\0\0\0\1\x7f", b"SSH-2.0-x\r\n", b"", None],
    ids=["http", "zmtp", "ssh", "closes", "silent"],
)
def test_no_password_goes_to_what_is_not_conduit(greeting):
    """Whatever answers in other words, or not at all, never sees the proof of the password."""

    async def scenario():
        seen = bytearray()

        async def serve(peer: RawPeer) -> None:
            seen.extend(await peer.reader.read(1000))
            if greeting is not None:
                peer.writer.write(greeting)
                await peer.writer.drain()
                return
            seen.extend(await peer.reader.read())

        async with raw_server(serve) as port:
            with pytest.raises(ConduitConnectionError, match="no conduit server") as caught:
                await client_of(port, connect_timeout=0.5).connect()
            assert isinstance(caught.value, NotConduitError) == (greeting is not None)
        assert seen.startswith(b"CNDT")
        assert PROOF.encode() not in seen
        assert PASSWORD.encode() not in seen

    run(scenario)


def test_nobody_there_is_a_connection_error():
    """A port where nobody listens is told as such."""
    with pytest.raises(ConduitConnectionError, match=r"127\.0\.0\.1:1: "):
        asyncio.run(client_of(1).connect())


def test_passwords_are_not_shown():
    """Neither a descriptor nor an error shows the password or its proof."""
    told = repr(ServerDescriptor(password=PASSWORD)) + repr(client_of(1).config)
    assert PASSWORD not in told
    assert hashlib.sha256(PASSWORD.encode()).hexdigest() not in told


def test_asking_who_is_there_is_no_failed_login():
    """The empty proof is refused without a warning, as it tells who asks from who guesses."""

    async def scenario():
        async with our_server() as (server, _, port), our_client(port) as (client, _):
            assert client.server_info == {"name": "conduit_server", "version": "1.0.0"}
            assert server.connection_count == 1

    run(scenario)


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\n\r\n", frame(PING), frame(LOGIN, {"password_hash": 5})])
def test_what_is_no_login_is_closed(first, expect_log):
    """Other bytes and other frames than a login are closed without an answer."""
    expect_log("was not let in", logger=OUR_LOG)

    async def scenario():
        async with our_server() as (_, _, port):
            peer = await RawPeer.connect(port)
            peer.writer.write(first)
            assert await peer.at_end()
            peer.close()

    run(scenario)


def test_a_login_must_come_in_time(expect_log):
    """Who connects and says nothing is closed after auth_timeout."""
    expect_log("no login within 0.1 s", logger=OUR_LOG)

    async def scenario():
        async with our_server(auth_timeout=0.1) as (_, _, port):
            peer = await RawPeer.connect(port)
            assert await peer.at_end()
            peer.close()

    run(scenario)


def test_slots_are_free_at_once(wait_for_async, expect_log):
    """As many clients as max_connections come in; the slot of one that left is taken by the next, again and again."""
    expect_log("already 3 clients", logger=OUR_LOG)

    async def scenario():
        async with our_server(max_connections=3) as (server, _, port):
            for _ in range(10):
                peers = [await RawPeer.logged_in(port) for _ in range(3)]
                assert server.connection_count == 3
                for peer in peers:
                    peer.close()
                await wait_for_async(lambda: server.connection_count == 0)
            peers = [await RawPeer.logged_in(port) for _ in range(3)]
            with pytest.raises(AuthenticationError, match="Too many connections"):
                await client_of(port).connect()
            for peer in peers:
                peer.close()

    run(scenario)


# staying alive


def test_pings_are_answered_while_a_handler_works():
    """A pong comes at once, however long a handler of the same connection takes."""

    async def scenario():
        async with our_server() as (server, _, port):
            done = asyncio.Event()

            @server.on("slow")
            async def slow(connection, value):
                await done.wait()
                return value

            peer = await RawPeer.logged_in(port)
            peer.writer.write(frame(MESSAGE, {"type": "slow", "data": 7}) + frame(PING))
            assert (await peer.read()).type == PONG
            done.set()
            assert (await peer.read()).payload == {"type": "slow_response", "data": 7}
            peer.close()

    run(scenario)


@pytest.mark.parametrize("side", ["server", "client"])
def test_both_sides_ping_and_give_up_on_silence(side, wait_for_async, expect_log):
    """Each side pings in its interval and ends a connection from which nothing comes back."""
    if side == "client":
        expect_log("no sign of life", logger=OUR_LOG)
    options = {"heartbeat_interval": 0.05, "heartbeat_timeout": 0.3}

    async def silent_client():
        async with our_server(**options) as (server, _, port):
            peer = await RawPeer.logged_in(port)
            for _ in range(3):
                assert (await peer.read()).type == PING
            await wait_for_async(lambda: server.connection_count == 0)
            peer.close()

    async def silent_server():
        pings = []

        async def serve(peer: RawPeer) -> None:
            await welcome(peer)
            while True:
                pings.append((await peer.read()).type)

        async with raw_server(serve) as port:
            client, reasons = client_of(port, reconnect_enabled=False, **options), []
            client.on_given_up(reasons.append)
            await client.connect()
            await wait_for_async(lambda: reasons)
            assert not client.is_connected
            assert pings.count(PING) >= 3
            await client.disconnect()

    run(silent_client if side == "server" else silent_server)


def test_any_sign_of_life_counts(wait_for_async):
    """Who answers pings stays, for as long as it likes; so does who sends data and never a pong."""

    async def scenario():
        async with our_server(heartbeat_interval=0.05, heartbeat_timeout=0.2) as (server, _, port):
            polite, busy = await RawPeer.logged_in(port), await RawPeer.logged_in(port)
            began_s = time.monotonic()
            while time.monotonic() - began_s < 0.6:
                assert (await polite.read()).type == PING
                polite.writer.write(frame(PONG))
                busy.writer.write(frame(MESSAGE, {"type": "noise", "data": None}))
            assert server.connection_count == 2
            polite.close()
            busy.close()

    run(scenario)


def test_an_idle_link_costs_nothing(wait_for_async):
    """Two connected sides with nothing to say use less than 1 % of a core."""

    async def scenario():
        options = {"heartbeat_interval": 0.2, "heartbeat_timeout": 10}
        async with our_server(**options) as (_, streams, port), our_client(port, **options) as (_, viewer):
            stream = streams.create("s")
            waiting = asyncio.ensure_future(anext(viewer.subscribe("s")))
            await wait_for_async(lambda: stream.subscriber_count)
            began_s = time.thread_time()
            await asyncio.sleep(2.0)
            assert time.thread_time() - began_s < 0.02
            await stream.push(1)
            assert await waiting == 1

    run(scenario)


# bad frames, bounds, flow control


def test_bad_frames_are_told_and_the_connection_goes_on(expect_log):
    """Unknown types, foreign payloads and frames beyond max_message_size are skipped; what follows is answered."""
    expect_log("unknown type 0x0077", logger=OUR_LOG)
    expect_log("no MessagePack", logger=OUR_LOG)
    expect_log("at most 2048", logger=OUR_LOG)
    expect_log("payload is no object", logger=OUR_LOG)

    async def scenario():
        async with our_server(max_message_size=2048) as (server, _, port):
            peer = await RawPeer.logged_in(port)
            too_large = frame(MESSAGE, bytes(3000))
            peer.writer.write(frame(0x77, {}) + frame(MESSAGE, []) + too_large + _not_msgpack() + frame(PING))
            assert (await peer.read()).type == PONG
            assert server.connections[0].bad_frames == 4
            peer.close()

    run(scenario)


def _not_msgpack() -> bytes:
    broken = bytearray(frame(MESSAGE, "abc"))
    broken[-4] = 0xC1
    return bytes(broken)


def test_what_is_no_frame_ends_the_connection(expect_log, wait_for_async):
    """When the bytes are no frames any more, the connection is closed, not left half open."""
    expect_log("do not start with the conduit mark", logger=OUR_LOG)

    async def scenario():
        async with our_server() as (server, _, port):
            peer = await RawPeer.logged_in(port)
            peer.writer.write(b"\0" * 64)
            assert await peer.at_end()
            await wait_for_async(lambda: server.connection_count == 0)
            peer.close()

    run(scenario)


def test_frames_that_ask_for_nothing_are_ignored():
    """ACK, NACK, CLOSE, CLOSE_ACK and RPC_LIST are known and not acted on, as in the original."""

    async def scenario():
        async with our_server() as (_, _, port):
            peer = await RawPeer.logged_in(port)
            for type_ in range(0x0C, 0x11):
                peer.writer.write(frame(type_, {"reason": "bye"}))
            peer.writer.write(frame(PING))
            assert (await peer.read()).type == PONG
            peer.close()

    run(scenario)


def test_a_paused_sender_waits_and_goes_on():
    """PAUSE holds messages back, not pongs; RESUME lets them out in order. Without backpressure nothing is held."""

    async def scenario():
        async with our_server() as (_, streams, port):
            stream = streams.create("s")
            peer = await RawPeer.logged_in(port)
            await peer.call("stream_subscribe", {"stream_name": "s"})
            peer.writer.write(frame(PAUSE) + frame(PING))
            assert (await peer.read()).type == PONG
            await stream.push(1)
            await stream.push(2)
            peer.writer.write(frame(PING))
            assert (await peer.read()).type == PONG
            peer.writer.write(frame(RESUME))
            assert [(await peer.read()).payload["data"]["data"] for _ in range(2)] == [1, 2]
            peer.close()
        async with our_server(enable_backpressure=False) as (_, streams, port):
            stream = streams.create("s")
            peer = await RawPeer.logged_in(port)
            await peer.call("stream_subscribe", {"stream_name": "s"})
            peer.writer.write(frame(PAUSE) + frame(PING))
            assert (await peer.read()).type == PONG
            await stream.push(1)
            assert (await peer.read()).payload["data"]["data"] == 1
            peer.close()

    run(scenario)


def test_who_sends_faster_than_handlers_work_is_asked_to_pause(wait_for_async):
    """With most of the receive queue taken the other side is sent PAUSE, later RESUME; every message is handled."""

    async def scenario():
        async with our_server(receive_queue_size=10) as (server, _, port):
            gate, got = asyncio.Event(), []

            @server.on("m")
            async def handle(connection, value):
                await gate.wait()
                got.append(value)

            peer = await RawPeer.logged_in(port)
            for value in range(50):
                peer.writer.write(frame(MESSAGE, {"type": "m", "data": value}))
            assert (await peer.read()).type == PAUSE
            gate.set()
            assert (await peer.read_type(RESUME)).type == RESUME
            await wait_for_async(lambda: got == list(range(50)))
            peer.close()

    run(scenario)


def test_what_was_sent_before_leaving_is_handled(wait_for_async):
    """Messages that came before the other side left reach their handlers, and the disconnect hook comes after them."""

    async def scenario():
        async with our_server() as (server, _, port):
            got = []

            @server.on("m")
            async def handle(connection, value):
                await asyncio.sleep(0)
                got.append(value)

            server.on_client_connect(lambda connection: got.append("came"))
            server.on_client_disconnect(lambda connection: got.append("left"))
            async with our_client(port) as (client, _):
                for value in range(20):
                    await client.send("m", value)
            await wait_for_async(lambda: "left" in got)
            assert got == ["came", *range(20), "left"]

    run(scenario)


def test_stopping_ends_the_handlers_of_those_who_left(wait_for_async):
    """A handler that never returns holds neither the slot of a client that left, nor the end of the server."""

    async def scenario():
        before = asyncio.all_tasks()
        async with our_server() as (server, _, port):
            begun = asyncio.Event()

            @server.on("m")
            async def never(connection, value):
                begun.set()
                await asyncio.Event().wait()

            peer = await RawPeer.logged_in(port)
            peer.writer.write(frame(MESSAGE, {"type": "m", "data": 1}))
            await begun.wait()
            peer.close()
            await wait_for_async(lambda: server.connection_count == 0)
        await wait_for_async(lambda: asyncio.all_tasks() <= before)

    run(scenario)


def test_a_full_send_queue_is_told(wait_for_async):
    """Who sends more than the other side reads waits for send_timeout and gets an error; nothing grows without end."""

    async def scenario():
        async with our_server(send_queue_size=2, send_timeout=0.2) as (server, _, port):
            peer = await RawPeer.logged_in(port)
            (connection,) = server.connections
            with pytest.raises(ConduitConnectionError, match=r"nothing was taken for 0\.2 s"):
                await asyncio.gather(*(connection.send_message("m", bytes(1_000_000)) for _ in range(100)))
            peer.close()
            await wait_for_async(lambda: not connection.is_connected)
            with pytest.raises(ConduitConnectionError, match="not connected"):
                await connection.send_message("m", 1)

    run(scenario)


def test_messages_beyond_max_message_size_are_not_sent():
    """A message that the own limit forbids is a ValueError at the call."""

    async def scenario():
        async with our_server() as (_, _, port), our_client(port, max_message_size=2000) as (client, _):
            with pytest.raises(ValueError, match="max_message_size is 2000"):
                await client.send("m", bytes(3000))
            with pytest.raises(TypeError, match="cannot be sent"):
                await client.send("m", object())

    run(scenario)


def test_rate_limits_hold(wait_for_async):
    """Beyond the limit of a second calls get error 6000 and messages are dropped and counted."""

    async def scenario():
        limits = {"rate_limit_enabled": True, "rate_limit_messages_per_second": 10}
        async with our_server(**limits) as (server, _, port), our_client(port) as (client, _):
            for _ in range(10):
                await client.rpc.call("stream_list")
            with pytest.raises(RPCError, match="Rate limit exceeded") as caught:
                await asyncio.gather(*(client.rpc.call("stream_list") for _ in range(20)))
            assert caught.value.code == 6000
            before = server.refused
            for _ in range(30):
                await client.send("m", 1)
            await wait_for_async(lambda: server.refused >= before + 20)

    run(scenario)


def test_bytes_beyond_the_limit_are_read_later():
    """Beyond the bytes of a second nothing is lost: what is too much is read when there is room again."""

    async def scenario():
        limits = {"rate_limit_enabled": True, "rate_limit_bytes_per_second": 100_000}
        async with our_server(**limits) as (server, _, port):
            got: list[tuple[float, int]] = []
            server.on("m")(lambda connection, value: got.append((time.monotonic(), len(value))))
            peer = await RawPeer.logged_in(port)
            for _ in range(15):
                peer.writer.write(frame(MESSAGE, {"type": "m", "data": bytes(10_000)}))
            peer.writer.write(frame(PING))
            assert (await peer.read_type(PONG)).type == PONG
            assert [size for _, size in got] == [10_000] * 15
            assert got[-1][0] - got[0][0] > 0.2  # half a second's worth more than was saved up
            peer.close()

    run(scenario)


# calls


def test_calls_return_and_their_errors_raise(expect_log):
    """A value comes back; a missing method, wrong parameters and a failing method raise RPCError with its code."""
    expect_log("the method fails failed", logger=OUR_LOG)

    async def scenario():
        async with our_server() as (server, _, port), our_client(port) as (client, _):

            @server.rpc
            async def add(a: int, b: int = 1) -> int:
                """Add two numbers."""
                return a + b

            @server.rpc(name="fails")
            def broken():
                return {}["x"]

            @server.rpc(name="wrapped", requires_auth=False)
            def wrapped():
                return {"success": False, "error": "not today", "code": 4002, "details": {"why": "rain"}}

            assert await client.rpc.call("add", args=data(a=2, b=3)) == 5
            assert await client.rpc.call("add", a=2) == 3
            assert await client.rpc.call_no_wait("add", a=1) == 3
            for method, parameters, code, words in (
                ("nope", {}, 4000, "RPC method not found: nope"),
                ("add", {}, 2000, "missing 1 required positional argument: 'a'"),
                ("add", {"a": "2"}, 2000, "does not take this type of 'a'"),
                ("add", {"a": 1, "c": 2}, 2000, "unexpected keyword argument 'c'"),
                ("fails", {}, 1001, "Error in fails"),
                ("wrapped", {}, 4002, "not today"),
            ):
                with pytest.raises(RPCError, match=words) as caught:
                    await client.rpc.call(method, parameters)
                assert caught.value.code == code
                assert str(caught.value).startswith(f"[{code}] ")
            assert caught.value.details == {"why": "rain"}
            listed = {method["name"]: method for method in await client.rpc.discover()}
            assert set(listed) == {
                "stream_list", "stream_subscribe", "stream_unsubscribe", "stream_create", "add", "fails", "wrapped",
            }  # fmt: skip
            assert listed["add"] == {
                "name": "add",
                "description": "Add two numbers.",
                "parameters": {"a": "int", "b": "int"},
                "return_type": "int",
                "requires_auth": True,
            }
            assert listed["wrapped"]["requires_auth"] is False

    run(scenario)


def test_a_call_that_is_not_answered_raises(wait_for_async, expect_log):
    """No answer in time is RPCTimeout, a connection lost meanwhile ConduitConnectionError; RPC_ERROR frames raise."""
    expect_log("the other side closed the connection", logger=OUR_LOG)

    async def scenario():
        calls = []

        async def serve(peer: RawPeer) -> None:
            await welcome(peer)
            while True:
                call = await peer.read_type(CALL)
                calls.append(call.payload["method"])
                if call.payload["method"] == "leave":
                    return
                if call.payload["method"] == "refuse":
                    peer.writer.write(frame(ERROR, {"success": False, "error": "no", "code": 3003}, call.id))
                if call.payload["method"] == "plain":
                    peer.writer.write(frame(REPLY, {"success": True, "result": [1]}, call.id))

        async with raw_server(serve) as port:
            client, reasons = client_of(port, reconnect_enabled=False, rpc_timeout=0.1), []
            client.on_given_up(reasons.append)
            await client.connect()
            with pytest.raises(RPCTimeout, match=r"silence: no reply within 0\.1 s"):
                await client.rpc.call("silence")
            with pytest.raises(RPCError, match="no") as caught:
                await client.rpc.call("refuse", timeout=5)
            assert caught.value.code == 3003
            assert await client.rpc.call("plain", timeout=5) == [1]
            with pytest.raises(ConduitConnectionError, match="lost before an answer"):
                await client.rpc.call("leave", timeout=5)
            await wait_for_async(lambda: reasons)
            assert "the other side closed the connection" in str(reasons[0])
            with pytest.raises(ConduitConnectionError, match="not connected"):
                await client.rpc.call("more")
            assert calls == ["silence", "refuse", "plain", "leave"]
            await client.disconnect()

    run(scenario)


def test_what_a_method_returns_must_be_sendable(expect_log):
    """A value that the wire cannot carry is told to the caller as an error, not left without an answer."""
    expect_log("returned what cannot be sent", logger=OUR_LOG)

    async def scenario():
        async with our_server() as (server, _, port), our_client(port) as (client, _):
            server.rpc(name="odd")(lambda: object())
            with pytest.raises(RPCError, match="cannot be sent"):
                await client.rpc.call("odd")

    run(scenario)


def test_messages_go_both_ways_and_to_all(wait_for_async):
    """Handlers answer by returning; broadcast reaches every client but the excluded and says how many."""

    async def scenario():
        async with our_server() as (server, _, port), our_client(port) as (a, _), our_client(port) as (b, _):

            @server.on("hello")
            async def hello(connection, value):
                return {"message": f"hi {value['name']}"}

            got = []

            @a.on("hello_response")
            async def answered(value):
                got.append(value)

            b.on("news")(got.append)
            await a.send("hello", {"name": "bob"})
            await wait_for_async(lambda: got == [{"message": "hi bob"}])
            first = next(iter(server.connections)).id
            assert await server.broadcast("news", 1, exclude={first}) == 1
            await wait_for_async(lambda: got[1:] == [1])
            assert await server.broadcast("news", 2) == 2

    run(scenario)


# starting and stopping


def test_run_serves_until_stopped(wait_for_async):
    """Startup hooks run before the first client comes in, shutdown hooks at the end; cancelling stops too."""

    async def scenario():
        told = []
        server = Server(ServerDescriptor(password=PASSWORD, port=0, name="mine", version="3", description="d"))
        server.on_startup(lambda srv: told.append(srv is server and srv.is_running))

        @server.on_shutdown
        async def over(srv):
            told.append("over")

        started = asyncio.Event()
        server.on_startup(lambda srv: started.set())
        running = asyncio.ensure_future(server.run())
        await started.wait()
        async with our_client(server.address[1]) as (client, _):
            assert client.server_info == {"name": "mine", "version": "3"}
            assert await client.connect() is True  # already
        await server.stop()
        await running
        assert told == [True, "over"]
        assert (server.is_running, server.connections) == (False, [])

        running = asyncio.ensure_future(server.run())
        await wait_for_async(lambda: server.is_running)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not server.is_running

    run(scenario)


def test_an_open_address_is_obeyed_with_a_warning(expect_log):
    """The default is loopback; an address that other machines reach is bound, and told once."""
    expect_log(r"0\.0\.0\.0:\d+ is open to other machines, not encrypted", logger=OUR_LOG)
    assert ServerDescriptor(password="x").host == "127.0.0.1"

    async def scenario():
        async with our_server(host="0.0.0.0") as (_, _, port), our_client(port):
            pass

    run(scenario)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"password": ""}, "password"),
        ({"port": 70000}, "port"),
        ({"max_connections": 0}, "max_connections"),
        ({"heartbeat_interval": 30, "heartbeat_timeout": 30}, "heartbeat_timeout"),
        ({"buffer_size": 10}, "buffer_size"),
        ({"max_message_size": 2**31}, "max_message_size"),
        ({"auth_timeout": float("nan")}, "auth_timeout"),
        ({"protocol_version": "2.0"}, "protocol_version"),
    ],
)
def test_server_options_are_checked(wrong, words):
    """An option that makes no sense is a ValueError that names it."""
    with pytest.raises(ValueError, match=words):
        ServerDescriptor(**({"password": "x"} | wrong))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"server_host": ""}, "server_host"),
        ({"server_port": 0}, "server_port"),
        ({"reconnect_attempts": -1}, "reconnect_attempts"),
        ({"reconnect_delay": 100}, "reconnect_delay_max"),
        ({"reconnect_delay_multiplier": 0.5}, "reconnect_delay_multiplier"),
    ],
)
def test_client_options_are_checked(wrong, words):
    """The same for a client; a wrong type or an unknown option is a TypeError."""
    right: dict[str, Any] = {"server_host": "h", "server_port": 1, "password": "x"}
    with pytest.raises(ValueError, match=words):
        ClientDescriptor(**(right | wrong))
    odd: list[tuple[str, Any]] = [("server_port", "8080"), ("ssl_enabled", 1), ("no_such_option", 1)]
    for name, value in odd:
        with pytest.raises(TypeError, match=name):
            ClientDescriptor(**(right | {name: value}))


def test_tls_encrypts_and_checks_the_server(tmp_path):
    """With ssl_enabled the bytes are TLS: a plain client is not let in, nor does one trust an unknown certificate."""
    own = {"ssl_enabled": True, "ssl_cert_file": str(CERTIFICATE), "ssl_key_file": str(CERTIFICATE)}
    trusting = {"ssl_enabled": True, "ssl_ca_file": str(CERTIFICATE), "server_host": "localhost"}

    async def scenario():
        async with our_server(**own) as (_, _, port):
            async with our_client(port, **trusting) as (client, _):
                assert (await client.rpc.call("stream_list")) == {"streams": []}
            async with our_client(port, ssl_enabled=True, ssl_verify=False):
                pass
            for options in ({}, {"ssl_enabled": True}):
                with pytest.raises(ConduitConnectionError):
                    await client_of(port, connect_timeout=2, **options).connect()
        asks = {**own, "ssl_verify_client": True, "ssl_ca_file": str(CERTIFICATE)}
        async with our_server(**asks) as (_, _, port):
            with pytest.raises(ConduitConnectionError):
                await client_of(port, **trusting).connect()
            async with our_client(port, **(trusting | own)):
                pass
        with pytest.raises(ValueError, match="ssl_cert_file"):
            await Server(ServerDescriptor(password="x", port=0, ssl_enabled=True)).start()

    run(scenario)


def test_compression_is_a_choice_of_the_sender(wait_for_async):
    """A server with enable_compression compresses what it sends; any client reads it."""

    async def scenario():
        async with our_server(enable_compression=True) as (_, streams, port), our_client(port) as (_, viewer):
            stream = streams.create("s")
            peer = await RawPeer.logged_in(port)
            await peer.call("stream_subscribe", {"stream_name": "s"})
            first = asyncio.ensure_future(anext(viewer.subscribe("s")))
            await wait_for_async(lambda: stream.subscriber_count == 2)
            await stream.push("x" * 5000)
            got = await peer.read_type(MESSAGE)
            assert (got.flags, got.payload["data"]["data"]) == (1, "x" * 5000)
            assert await first == "x" * 5000
            peer.close()

    run(scenario)


def test_the_login_tells_who_connects():
    """A client's name and version go into its login."""

    async def scenario():
        seen = []

        async def serve(peer: RawPeer) -> None:
            seen.append((await peer.read()).payload)
            peer.writer.write(frame(WELCOME, {"session_token": "t", "server_info": INFO}))
            await peer.reader.read()

        async with raw_server(serve) as port:
            client = client_of(port, name="me", version="7")
            await client.connect()
            assert (client.server_info, client.session_token) == (INFO, "t")
            await client.disconnect()
        # a server without a real check lets the first question in
        assert seen == [{"password_hash": "", "client_info": {"name": "me", "version": "7"}}]

    run(scenario)
