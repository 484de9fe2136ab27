"""Against the package netconduit itself, each way round; and what it does wrong, done right here.

Each test of a defect runs the same scenario on the original first, so that it is known to fail on the old behaviour.
"""

from __future__ import annotations

import asyncio

import conduit as original
import numpy as np
import pytest

from conduit_original import SHORT_S, original_client, original_server
from conduit_raw import (
    MESSAGE,
    PASSWORD,
    PING,
    PONG,
    REPLY,
    WELCOME,
    RawPeer,
    frame,
    login,
    our_client,
    our_server,
    raw_server,
    run,
)
from dockscope.core.dialects.conduit import AuthenticationError, Client, ClientDescriptor, RPCError, StreamManager


@pytest.fixture(autouse=True)
def original_may_complain(expect_log):
    """The original warns of much that is no trouble, and is cancelled while it closes."""
    expect_log("", logger="conduit", at_least=0)
    expect_log(r"StreamReaderProtocol\.connection_made.*/conduit/|ocket\.py", logger="asyncio", at_least=0)


async def nothing_comes(peer: RawPeer) -> bool:
    """Tell whether half a second passes without a message."""
    try:
        async with asyncio.timeout(SHORT_S):
            await peer.read_type(MESSAGE)
    except TimeoutError:
        return True
    return False


# each way round


def test_our_client_with_the_original_server(wait_for_async):
    """Login, calls, subscriptions, pushes and heartbeats of our client work with the original server."""

    async def scenario():
        async with original_server(heartbeat_interval=1, heartbeat_timeout=2) as (server, streams, port):
            got = []
            streams.create("sensors")
            streams.create("other")

            @streams.on_client_stream("video_frames")
            async def handle(client_id, data):
                got.append(data)

            @server.on("hello")
            async def hello(client, data):
                return {"message": f"hi {data['name']}"}

            async with our_client(port, heartbeat_interval=1, heartbeat_timeout=2) as (client, viewer):
                assert client.server_info["name"] == "conduit_server"
                listed = (await client.rpc.call("stream_list"))["streams"]
                assert [stream["name"] for stream in listed] == ["sensors", "other"]
                assert {method["name"] for method in await client.rpc.discover()} >= {"stream_list"}
                answers = []
                client.on("hello_response")(answers.append)
                await client.send("hello", {"name": "bob"})
                await wait_for_async(lambda: answers == [{"message": "hi bob"}])
                subscription = viewer.subscribe("sensors")
                first = asyncio.ensure_future(anext(subscription))
                await wait_for_async(lambda: streams.get("sensors").subscriber_count)
                await streams.push_to_clients("other", "not asked for")
                await streams.push_to_clients("sensors", {"temperature": 21.5})
                assert await first == {"temperature": 21.5}
                await viewer.push_to_server("video_frames", {"frame": b"\0\1"})
                await wait_for_async(lambda: got == [{"frame": b"\0\1"}])
                mine = viewer.create("mine")
                assert await mine.push({"x": 1}) == 1
                await wait_for_async(lambda: streams.get("mine"))
                await asyncio.sleep(2.5)  # longer than either side waits for a sign of life
                assert client.is_connected
                assert (await client.rpc.call("stream_list"))["streams"][0]["name"] == "sensors"
                await subscription.aclose()

    run(scenario)


def test_the_original_client_with_our_server(wait_for_async):
    """Login, calls, streams, client streams and heartbeats of the original client work with our server."""

    async def scenario():
        async with our_server(heartbeat_interval=0.5, heartbeat_timeout=2) as (server, streams, port):
            stream, got = streams.create("sensors"), []
            streams.on_client_stream("video_frames")(lambda client_id, data: got.append((client_id, data)))
            server.on("hello")(lambda connection, data: {"message": f"hi {data['name']}"})
            async with original_client(port, heartbeat_interval=1, heartbeat_timeout=2) as (client, viewer):
                assert await client.connect()
                answers = []

                @client.on("hello_response")
                async def answered(data):
                    answers.append(data)

                listed = await client.rpc.call("stream_list")
                assert listed["data"]["streams"] == [stream.describe()]
                await client.send("hello", {"name": "bob"})
                await wait_for_async(lambda: answers == [{"message": "hi bob"}])
                subscription = viewer.subscribe("sensors")
                first = asyncio.ensure_future(anext(subscription))
                await wait_for_async(lambda: stream.subscriber_count)
                assert await stream.push({"temperature": 21.5}) == 1
                assert (await first)["data"] == {"temperature": 21.5}
                await viewer.push_to_server("video_frames", {"frame": b"\0\1"})
                await wait_for_async(lambda: got)
                assert got == [(server.connections[0].id, {"frame": b"\0\1"})]
                await asyncio.sleep(2.5)
                assert client.is_connected
                assert server.connection_count == 1
                await subscription.aclose()
            await wait_for_async(lambda: server.connection_count == 0)

    run(scenario)


def test_a_wrong_password_is_refused_each_way_round(expect_log):
    """Our client and the original server, the original client and our server: neither lets the wrong one in."""
    expect_log("the password is wrong", logger="dockscope.conduit")

    async def scenario():
        async with original_server() as (_, _, port):
            options = ClientDescriptor(server_host="127.0.0.1", server_port=port, password="wrong")
            with pytest.raises(AuthenticationError, match="Invalid password"):
                await Client(options).connect()
        async with our_server() as (_, _, port):
            options = original.ClientDescriptor(server_host="127.0.0.1", server_port=port, password="wrong")
            assert await original.Client(options).connect() is False

    run(scenario)


def test_the_original_client_loses_nothing_of_our_first_push(wait_for_async):
    """What is pushed in the moment of login reaches the original client: our server waits until it can read it."""

    async def scenario():
        async with our_server() as (server, _, port):

            @server.on_client_connect
            async def greet(connection):
                await connection.send_message("first", 1)

            got = []
            async with original_client(port) as (client, _):

                @client.on("first")
                async def first(data):
                    got.append(data)

                assert await client.connect()
                await wait_for_async(lambda: got == [1])

    run(scenario)


# the original's defects


def test_defect_iterating_gives_the_envelope(wait_for_async):
    """The original's ``subscribe`` yields the message around the item; ours the item."""

    async def first_of(connecting, item) -> object:
        async with our_server() as (_, streams, port), connecting(port) as (client, viewer):
            await client.connect()
            stream = streams.create("s")
            subscription = viewer.subscribe("s")
            waiting = asyncio.ensure_future(anext(subscription))
            await wait_for_async(lambda: stream.subscriber_count)
            await stream.push(item)
            first = await waiting
            await subscription.aclose()
            return first

    async def scenario():
        envelope = await first_of(original_client, 42)
        assert isinstance(envelope, dict)
        assert set(envelope) == {"stream", "data", "timestamp"}
        assert await first_of(our_client, 42) == 42

    run(scenario)


def test_defect_the_documented_push_sends_nothing():
    """``stream.push`` of the original puts nothing on the wire; ours reaches who has subscribed."""

    async def arrives(serving) -> bool:
        async with serving() as (_, streams, port):
            stream = streams.create("s")
            peer = await RawPeer.logged_in(port)
            await peer.call("stream_subscribe", {"stream_name": "s"})
            for _ in range(5):
                await stream.push({"value": 42})
            came = not await nothing_comes(peer)
            peer.close()
            return came

    async def scenario():
        assert await arrives(original_server) is False
        assert await arrives(our_server) is True

    run(scenario)


def test_defect_everybody_is_sent_to():
    """What the original does send goes to clients that did not subscribe, too; ours to subscribers only."""

    async def scenario():
        async with original_server() as (_, streams, port):
            streams.create("s")
            peer = await RawPeer.logged_in(port)
            await peer.call("stream_list", {})
            await streams.push_to_clients("s", 1)
            assert (await peer.read_type(MESSAGE)).payload["data"]["data"] == 1
            peer.close()
        async with our_server() as (_, streams, port):
            stream = streams.create("s")
            peer = await RawPeer.logged_in(port)
            await peer.call("stream_list", {})
            assert await stream.push(1) == 0
            assert await nothing_comes(peer)
            peer.close()

    run(scenario)


def test_defect_a_split_login_is_closed():
    """The original closes on a login in two segments; ours lets it in."""

    async def is_let_in(serving) -> bool:
        async with serving() as (_, _, port):
            peer = await RawPeer.connect(port)
            peer.writer.write(login()[:50])
            await peer.writer.drain()
            await asyncio.sleep(0.1)
            peer.writer.write(login()[50:])
            try:
                return (await peer.read()).type == WELCOME
            except (asyncio.IncompleteReadError, ConnectionError):
                return False
            finally:
                peer.close()

    async def scenario():
        assert await is_let_in(original_server) is False
        assert await is_let_in(our_server) is True

    run(scenario)


def test_defect_frames_glued_to_the_answer_are_lost():
    """The original client loses a frame that comes in one segment with AUTH_SUCCESS; ours reads it."""

    async def serve(peer: RawPeer) -> None:
        await peer.read()
        answer = frame(WELCOME, {"session_token": "t", "server_info": {}})
        peer.writer.write(answer + frame(MESSAGE, {"type": "early", "data": 1}))
        await peer.writer.drain()
        await asyncio.sleep(0.2)
        peer.writer.write(frame(MESSAGE, {"type": "later", "data": 2}))
        await peer.reader.read()

    async def seen_by(client) -> list:
        got, over = [], asyncio.Event()

        @client.on("early")
        async def early(data):
            got.append(data)

        @client.on("later")
        async def later(data):
            got.append(data)
            over.set()

        await client.connect()
        await asyncio.wait_for(over.wait(), 5)
        await client.disconnect()
        return got

    async def scenario():
        async with raw_server(serve) as port:
            where = {"server_host": "127.0.0.1", "server_port": port, "password": PASSWORD}
            assert await seen_by(original.Client(original.ClientDescriptor(**where))) == [2]
            assert await seen_by(Client(ClientDescriptor(**where))) == [1, 2]

    run(scenario)


def test_defect_slots_leak():
    """After as many quick visits as max_connections the original lets nobody in; ours always does."""

    async def last_is_let_in(serving) -> bool:
        async with serving(max_connections=3) as (_, _, port):
            for _ in range(3):
                peer = await RawPeer.logged_in(port)
                peer.close()
            peer = await RawPeer.connect(port)
            peer.writer.write(login())
            try:
                async with asyncio.timeout(SHORT_S):
                    return (await peer.read()).type == WELCOME
            except TimeoutError:
                return False
            finally:
                peer.close()

    async def scenario():
        assert await last_is_let_in(original_server) is False
        assert await last_is_let_in(our_server) is True

    run(scenario)


def test_defect_call_errors_look_like_success():
    """A failed call returns a dictionary in the original, and a missing stream can be subscribed; ours raise."""

    async def scenario():
        async with original_server() as (_, _, port):
            async with original_client(port) as (client, _):
                await client.connect()
                assert await client.rpc.call("nope") == {
                    "success": False,
                    "error": "RPC method not found: nope",
                    "code": 4000,
                }
                assert isinstance(await client.rpc.discover(), dict)
            async with our_client(port) as (client, viewer):
                with pytest.raises(RPCError, match="not found") as caught:
                    await client.rpc.call("nope")
                assert caught.value.code == 4000
                assert isinstance(await client.rpc.discover(), list)
                with pytest.raises(RPCError, match="Stream not found"):
                    await anext(viewer.subscribe("nope"))

    run(scenario)


def test_defect_one_bad_frame_ends_the_reading(expect_log):
    """After a frame of unknown type the original stays half open and answers no more; ours goes on."""
    expect_log("unknown type", logger="dockscope.conduit")

    async def answers(serving) -> bool:
        async with serving() as (_, _, port):
            peer = await RawPeer.logged_in(port)
            peer.writer.write(frame(0x77, {}) + frame(PING))
            try:
                async with asyncio.timeout(SHORT_S):
                    return (await peer.read()).type == PONG
            except TimeoutError:
                return False
            finally:
                peer.close()

    async def scenario():
        assert await answers(original_server) is False
        assert await answers(our_server) is True

    run(scenario)


def test_defect_a_slow_handler_delays_the_pong():
    """A handler that takes its time keeps the original from answering pings; ours answers at once."""

    async def answers(serving) -> bool:
        async with serving() as (server, _, port):
            done = asyncio.Event()

            @server.on("slow")
            async def slow(client, data):
                await done.wait()

            peer = await RawPeer.logged_in(port)
            peer.writer.write(frame(MESSAGE, {"type": "slow", "data": 1}) + frame(PING))
            try:
                async with asyncio.timeout(SHORT_S):
                    return (await peer.read()).type == PONG
            except TimeoutError:
                return False
            finally:
                done.set()
                peer.close()

    async def scenario():
        assert await answers(original_server) is False
        assert await answers(our_server) is True

    run(scenario)


def test_defect_nobody_is_asked_to_pause():
    """A client that floods is never asked to pause by the original; by ours it is."""

    async def asked_to_pause(serving) -> bool:
        async with serving(receive_queue_size=10) as (server, _, port):
            done = asyncio.Event()

            @server.on("m")
            async def handle(client, data):
                await done.wait()

            peer = await RawPeer.logged_in(port)
            for number in range(50):
                peer.writer.write(frame(MESSAGE, {"type": "m", "data": number}))
            try:
                async with asyncio.timeout(SHORT_S):
                    return (await peer.read()).type == 0x0A
            except TimeoutError:
                return False
            finally:
                done.set()
                peer.close()

    async def scenario():
        assert await asked_to_pause(original_server) is False
        assert await asked_to_pause(our_server) is True

    run(scenario)


def test_defect_tls_is_not_there():
    """With ssl_enabled the original still speaks in the clear; ours does not."""
    certificate = str(__file__).replace("test_conduit_real.py", "conduit_test_certificate.pem")
    options = {"ssl_enabled": True, "ssl_cert_file": certificate, "ssl_key_file": certificate}

    async def speaks_in_the_clear(serving) -> bool:
        async with serving(**options) as (_, _, port):
            peer = await RawPeer.connect(port)
            peer.writer.write(login())
            try:
                async with asyncio.timeout(SHORT_S):
                    return (await peer.reader.read(4)) == b"CNDT"
            except (TimeoutError, ConnectionError):
                return False
            finally:
                peer.close()

    async def scenario():
        assert await speaks_in_the_clear(original_server) is True
        assert await speaks_in_the_clear(our_server) is False

    run(scenario)


def test_defect_a_name_twice_and_a_push_after_the_end():
    """``create`` of an existing name gives the original's old stream, a push after close 0; ours raise."""

    async def scenario():
        theirs, ours = original.StreamManager(), StreamManager()
        streams = [theirs.create("s"), ours.create("s")]
        assert theirs.create("s") is streams[0]
        with pytest.raises(ValueError, match="already"):
            ours.create("s")
        for stream in streams:
            await stream.close()
        assert await streams[0].push(1) == 0
        with pytest.raises(RuntimeError, match="closed"):
            await streams[1].push(1)

    run(scenario)


def test_defect_numpy_numbers_cannot_be_pushed():
    """An item with a NumPy number never leaves the original, which only logs it; ours sends it."""

    async def scenario():
        async with original_server() as (_, streams, port):
            streams.create("s")
            peer = await RawPeer.logged_in(port)
            await peer.call("stream_subscribe", {"stream_name": "s"})
            await streams.push_to_clients("s", {"x": np.float32(1.5)})
            assert await nothing_comes(peer)
            peer.close()
        async with our_server() as (_, streams, port):
            stream = streams.create("s")
            peer = await RawPeer.logged_in(port)
            await peer.call("stream_subscribe", {"stream_name": "s"})
            assert await stream.push({"x": np.float32(1.5)}) == 1
            assert (await peer.read_type(MESSAGE)).payload["data"]["data"] == {"x": 1.5}
            peer.close()

    run(scenario)


def test_defect_no_subscription_after_a_reconnection(wait_for_async):
    """After a lost connection the original client does not subscribe again; ours does."""

    async def scenario():
        calls: list[list[str]] = []

        async def serve(peer: RawPeer) -> None:
            asked = await peer.read()
            if not asked.payload["password_hash"]:
                peer.writer.write(frame(9, {"reason": "Invalid password"}))
                return
            calls.append([])
            peer.writer.write(frame(WELCOME, {"session_token": "t", "server_info": {}}))
            while True:
                call = await peer.read_type(2)
                calls[-1].append(call.payload["method"])
                inner = {"success": True, "data": {"subscribed": True, "stream": "s"}}
                peer.writer.write(frame(REPLY, {"success": True, "result": inner}, call.id))
                if len(calls) == 1:
                    return

        async def after_reconnection(connecting) -> list[str]:
            calls.clear()
            async with raw_server(serve) as port, connecting(port, reconnect_delay=0.1) as (client, viewer):
                await client.connect()
                lost = client._connection
                waiting = asyncio.ensure_future(anext(viewer.subscribe("s")))
                await wait_for_async(lambda: len(calls) == 2)
                await asyncio.sleep(0.2)
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
                if connecting is original_client:
                    await lost._socket.close()  # it forgets to
                return [call for call in calls[1] if call == "stream_subscribe"]

        assert await after_reconnection(original_client) == []
        assert await after_reconnection(our_client) == ["stream_subscribe"]

    run(scenario)
