"""Streams between a server and clients of ours: what is pushed, to whom, and what the two sides know of each other."""

from __future__ import annotations

import asyncio
import gc

import numpy as np
import pytest

from conduit_raw import MESSAGE, RawPeer, frame, item, our_client, our_server, run
from dockscope.core.dialects.conduit import ConduitConnectionError, RPCError, Stream, StreamManager


async def take(subscription, count: int) -> list:
    return [await anext(subscription) for _ in range(count)]


def stream_of(streams: StreamManager, name: str) -> Stream:
    stream = streams.get(name)
    assert stream is not None
    return stream


def test_iterating_gives_the_items_themselves(wait_for_async):
    """``async for`` yields what was pushed, not the message around it; NumPy scalars and NaN arrive as numbers."""

    async def scenario():
        async with our_server() as (_, streams, port), our_client(port) as (_, viewer):
            stream = streams.create("sensors")
            subscription = viewer.subscribe("sensors")
            first = asyncio.ensure_future(anext(subscription))
            await wait_for_async(lambda: stream.subscriber_count)
            assert await stream.push({"temperature": np.float64(21.5), "n": np.int64(3), "bad": float("nan")}) == 1
            got = await first
            assert np.isnan(got.pop("bad"))
            assert got == {"temperature": 21.5, "n": 3}
            await subscription.aclose()

    run(scenario)


def test_only_subscribers_are_sent_to_and_counted(wait_for_async):
    """``push`` reaches and counts those who subscribed to this stream; who is merely connected gets nothing."""

    async def scenario():
        async with our_server() as (_, streams, port), our_client(port) as (_, viewer):
            a, b = streams.create("a"), streams.create("b")
            bystander = await RawPeer.logged_in(port)
            assert await a.push(1) == 0
            of_a, of_b = viewer.subscribe("a"), viewer.subscribe("b")
            firsts = [asyncio.ensure_future(anext(one)) for one in (of_a, of_b)]
            await wait_for_async(lambda: a.subscriber_count and b.subscriber_count)
            assert await a.push("to a") == 1
            assert await b.push("to b") == 1
            assert [await first for first in firsts] == ["to a", "to b"]
            assert await bystander.call("stream_list", {}) == {
                "success": True,
                "data": {
                    "streams": [
                        {"name": "a", "owner": "server", "subscribers": 1, "active": True},
                        {"name": "b", "owner": "server", "subscribers": 1, "active": True},
                    ]
                },
            }
            await of_a.aclose()
            await wait_for_async(lambda: a.subscriber_count == 0)
            assert (await a.push("nobody"), await b.push("still")) == (0, 1)
            await of_b.aclose()
            bystander.close()

    run(scenario)


def test_a_slow_subscriber_loses_its_oldest_items_and_only_it(wait_for_async):
    """Each subscriber has its own buffer: a connection that is not read drops oldest first, counted; others get all."""

    async def scenario():
        async with our_server() as (_, streams, port), our_client(port) as (_, viewer):
            stream = streams.create("big", buffer_size=3)
            slow = await RawPeer.logged_in(port)
            await slow.call("stream_subscribe", {"stream_name": "big"})
            quick = viewer.subscribe("big")
            got = []

            async def read():
                async for number, _ in quick:
                    got.append(number)

            reading = asyncio.ensure_future(read())
            await wait_for_async(lambda: stream.subscriber_count == 2)
            for number in range(100):
                assert await stream.push([number, bytes(200_000)]) == 2
                await wait_for_async(lambda number=number: got and got[-1] == number)
            assert got == list(range(100))
            assert stream.dropped > 50
            late = [(await slow.read_type(MESSAGE)).payload["data"]["data"][0] for _ in range(100 - stream.dropped)]
            assert late[-3:] == [97, 98, 99]
            assert late == sorted(late)
            slow.close()
            await wait_for_async(lambda: stream.subscriber_count == 1)
            assert stream.dropped == 100 - len(late)
            await stream.close()
            await reading

    run(scenario)


def test_a_slow_reader_loses_the_oldest_items(wait_for_async):
    """The buffer of an iteration holds 100 items by default; beyond that the oldest give way and are counted."""

    async def scenario():
        async with our_server() as (_, streams, port), our_client(port) as (_, viewer):
            stream = streams.create("s", buffer_size=1000)
            subscription = viewer.subscribe("s")
            first = asyncio.ensure_future(anext(subscription))
            await wait_for_async(lambda: stream.subscriber_count)
            await stream.push("first")
            assert await first == "first"
            for number in range(150):
                await stream.push(number)
            await wait_for_async(lambda: subscription.dropped == 50)
            assert await take(subscription, 100) == list(range(50, 150))
            await subscription.aclose()

    run(scenario)


def test_lifecycle_callbacks_and_the_end_of_a_stream(wait_for_async):
    """Callbacks tell who came and went; closing ends the iteration after what waited; nothing can be pushed then."""

    async def scenario():
        async with our_server() as (server, streams, port), our_client(port) as (_, viewer):
            stream = streams.create("s")
            came, went = [], []

            @stream.on_subscribe
            async def on_sub(subscriber_id):
                came.append(subscriber_id)

            @stream.on_unsubscribe
            def on_unsub(subscriber_id):
                went.append(subscriber_id)

            got = []

            async def read():
                async for value in viewer.subscribe("s", on_data=got.append):
                    got.append(value)  # noqa: PERF401 - while it is looked at

            reading = asyncio.ensure_future(read())
            await wait_for_async(lambda: came)
            assert came == [server.connections[0].id]
            for number in range(3):
                await stream.push(number)
            await stream.close()
            await reading
            assert got == [0, 0, 1, 1, 2, 2]
            assert went == came
            assert (stream.is_active, stream.subscriber_count) == (False, 0)
            with pytest.raises(RuntimeError, match="'s' is closed"):
                await stream.push(4)
            await stream.close()  # once more does nothing
            assert streams.list_streams() == [{"name": "s", "owner": "server", "subscribers": 0, "active": False}]
            assert streams.create("s").is_active  # the name is free again

    run(scenario)


def test_leaving_the_loop_unsubscribes(wait_for_async):
    """Who breaks out of ``async for`` is unsubscribed without further ado, and so is who disconnects."""

    async def scenario():
        async with our_server() as (_, streams, port), our_client(port) as (client, viewer):
            stream = streams.create("s")

            async def read_one():
                async for _ in viewer.subscribe("s"):
                    break

            reading = asyncio.ensure_future(read_one())
            await wait_for_async(lambda: stream.subscriber_count)
            await stream.push(1)
            await reading
            gc.collect()
            await wait_for_async(lambda: stream.subscriber_count == 0)

            reading = asyncio.ensure_future(read_one())
            await wait_for_async(lambda: stream.subscriber_count)
            await client.disconnect()
            await reading  # ends without an item
            await wait_for_async(lambda: stream.subscriber_count == 0)

    run(scenario)


def test_names_and_buffers_are_checked():
    """``create`` of an existing name is a ValueError, and so are an empty or long name and a buffer without room."""

    async def scenario():
        streams = StreamManager()
        stream = streams.create("s", buffer_size=50)
        assert (streams.get("s"), streams.get("t"), stream.buffer_size) == (stream, None, 50)
        with pytest.raises(ValueError, match="'s' already"):
            streams.create("s")
        for wrong in ("", "x" * 257, "ü" * 129):
            with pytest.raises(ValueError, match="name"):
                streams.create(wrong)
        with pytest.raises(TypeError, match="name"):
            streams.create(5)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="buffer_size"):
            streams.create("t", buffer_size=0)
        await streams.close_all()
        assert not stream.is_active

    run(scenario)


def test_info_counts_what_was_sent(wait_for_async):
    """``info`` has name, owner, id, direction, time of creation, messages and bytes sent."""

    async def scenario():
        async with our_server() as (_, streams, port):
            stream = streams.create("s")
            await stream.push("to nobody")
            assert (stream.info.message_count, stream.info.bytes_sent) == (0, 0)
            peer = await RawPeer.logged_in(port)
            await peer.call("stream_subscribe", {"stream_name": "s"})
            sizes = []
            for _ in range(3):
                await stream.push({"value": 42})
                sizes.append(len((await peer.read_type(MESSAGE)).sent))
            info = stream.info
            assert (info.name, info.owner, info.direction, info.message_count) == ("s", "server", "push", 3)
            assert (info.bytes_sent, len(info.stream_id), info.created_at > 1.6e9) == (sum(sizes), 36, True)
            peer.close()

    run(scenario)


def test_without_a_connection_streams_join_the_tasks_of_a_process(wait_for_async):
    """A manager of its own lets tasks subscribe to its streams; one without the stream says what is missing."""

    async def scenario():
        streams = StreamManager()
        stream = streams.create("s")
        subscription = streams.subscribe("s", buffer_size=2)
        first = asyncio.ensure_future(anext(subscription))
        await wait_for_async(lambda: stream.subscriber_count)
        assert [await stream.push(number) for number in range(4)] == [1, 1, 1, 1]
        assert await first == 0
        assert await take(subscription, 2) == [2, 3]
        assert (subscription.dropped, stream.dropped) == (1, 1)
        await stream.close()
        assert [value async for value in subscription] == []
        with pytest.raises(RuntimeError, match="register_client_handlers"):
            streams.subscribe("t")
        with pytest.raises(RuntimeError, match="register_client_handlers"):
            await streams.push_to_server("t", 1)

    run(scenario)


def test_subscribing_to_what_is_not_there_raises():
    """A stream that the server does not have is an RPCError, for everybody who waits for it; no connection another."""

    async def scenario():
        async with our_server() as (_, _, port), our_client(port) as (client, viewer):
            waiting = [asyncio.ensure_future(anext(viewer.subscribe("nope"))) for _ in range(2)]
            for outcome in await asyncio.gather(*waiting, return_exceptions=True):
                assert isinstance(outcome, RPCError)
                assert "Stream not found: nope" in str(outcome)
            await client.disconnect()
            with pytest.raises(ConduitConnectionError):
                await anext(viewer.subscribe("nope"))

    run(scenario)


def test_clients_push_to_the_server(wait_for_async):
    """Handlers get the id of the client and the item, bytes as bytes; a handler that fails harms nothing else."""

    async def scenario():
        async with our_server() as (server, streams, port), our_client(port) as (_, pusher):
            got = []

            @streams.on_client_stream("video_frames")
            async def handle(client_id, data):
                got.append((client_id, data))

            @streams.on_client_stream("video_frames")
            def handle_too(client_id, data):
                got.append(data["frame"])

            assert await pusher.push_to_server("video_frames", {"frame": b"\0\1", "timestamp": 1.0})
            await pusher.push_to_server("nobody listens", 1)
            await wait_for_async(lambda: len(got) == 2)
            assert got == [(server.connections[0].id, {"frame": b"\0\1", "timestamp": 1.0}), b"\0\1"]

    run(scenario)


def test_a_failing_handler_is_told_and_the_next_item_comes(wait_for_async, expect_log):
    """An exception in a handler is logged; the connection goes on."""
    expect_log("the callback .*handle failed", logger="dockscope.conduit")

    async def scenario():
        async with our_server() as (_, streams, port), our_client(port) as (_, pusher):
            got = []

            @streams.on_client_stream("s")
            async def handle(client_id, data):
                got.append(1 / data)

            for value in (0, 2):
                await pusher.push_to_server("s", value)
            await wait_for_async(lambda: got)
            assert got == [0.5]

    run(scenario)


def test_a_clients_stream_reaches_other_clients_through_the_server(wait_for_async):
    """A stream that a client creates is offered to all, belongs to it, and ends with it."""

    async def scenario():
        async with our_server() as (server, streams, port), our_client(port) as (_, viewer):
            async with our_client(port) as (_, owner):
                stream = owner.create("camera")
                assert await stream.push("before anybody came") == 1  # the server
                listed = await wait_for_async(lambda: streams.get("camera"))
                assert listed.info.owner in {one.id for one in server.connections}
                got = []

                async def read():
                    async for value in viewer.subscribe("camera"):
                        got.append(value)  # noqa: PERF401 - while it is looked at

                reading = asyncio.ensure_future(read())
                await wait_for_async(lambda: listed.subscriber_count)
                await stream.push(b"frame")
                await wait_for_async(lambda: got == [b"frame"])
            await reading
            assert await stream.push("not connected") == 0
            await wait_for_async(lambda: streams.get("camera") is None)

    run(scenario)


def test_a_client_cannot_push_into_streams_of_others(wait_for_async):
    """Items under the name of the server's stream go to its handlers only, not to the subscribers."""

    async def scenario():
        async with our_server() as (_, streams, port):
            sensors = streams.create("sensors")
            viewer, intruder = await RawPeer.logged_in(port), await RawPeer.logged_in(port)
            await viewer.call("stream_subscribe", {"stream_name": "sensors"})
            intruder.writer.write(item("sensors", "forged"))
            assert (await intruder.read_type(MESSAGE)).payload["data"] == {"received": True}
            await sensors.push("true")
            assert (await viewer.read_type(MESSAGE)).payload["data"]["data"] == "true"
            viewer.close()
            intruder.close()

    run(scenario)


def test_stream_create_over_the_wire_is_bounded():
    """A name twice, no name, a wrong type and more than 100 streams of one client are answered with an error."""

    async def scenario():
        async with our_server() as (_, streams, port):
            peer = await RawPeer.logged_in(port)
            created = (await peer.call("stream_create", {"stream_name": "s0"}))["data"]
            assert (created["created"], created["stream"]) == (True, "s0")
            assert created["stream_id"] == stream_of(streams, "s0").info.stream_id
            assert (await peer.call("stream_create", {"stream_name": "s0"}))["data"] == {
                "error": "Stream already exists"
            }
            assert "error" in (await peer.call("stream_create", {"stream_name": ""}))["data"]
            assert (await peer.call("stream_create", {"stream_name": ["s"]}))["code"] == 2000
            for number in range(1, 100):
                await peer.call("stream_create", {"stream_name": f"s{number}"})
            assert "100 streams" in (await peer.call("stream_create", {"stream_name": "more"}))["data"]["error"]
            peer.close()

    run(scenario)


def test_an_item_without_a_stream_is_told(expect_log):
    """A client's item that names no stream is answered with received: false, and told once in the log."""
    expect_log("without the name of its stream", logger="dockscope.conduit")

    async def scenario():
        async with our_server() as (_, _, port):
            peer = await RawPeer.logged_in(port)
            peer.writer.write(frame(MESSAGE, {"type": "stream_data", "data": 5}))
            assert (await peer.read_type(MESSAGE)).payload["data"] == {"received": False}
            peer.close()

    run(scenario)


def test_a_lost_connection_comes_back_and_subscribes_again(wait_for_async):
    """After an interruption the same ``async for`` goes on, with no call of the user; hooks tell of it."""

    async def scenario():
        async with our_server() as (server, streams, port):
            stream = streams.create("s")
            told = []
            async with our_client(port, reconnect_delay=0.1) as (client, viewer):
                client.on_connect(lambda _: told.append("connect"))
                client.on_disconnect(lambda _: told.append("disconnect"))
                client.on_reconnect(lambda _: told.append("reconnect"))
                subscription = viewer.subscribe("s")
                first = asyncio.ensure_future(anext(subscription))
                await wait_for_async(lambda: stream.subscriber_count)
                before = server.connections[0]
                await before.close()
                await wait_for_async(lambda: told and told[-1] == "reconnect")
                assert told == ["disconnect", "connect", "reconnect"]
                assert (client.is_connected, client.is_authenticated) == (True, True)
                assert client.health() == {
                    "connected": True,
                    "authenticated": True,
                    "reconnect_attempts": 0,
                    "server_info": {"name": "conduit_server", "version": "1.0.0"},
                }
                assert await stream.push("after") == 1
                assert await first == "after"
                await subscription.aclose()

    run(scenario)


def test_what_does_not_come_back_ends_the_iteration(wait_for_async, expect_log):
    """When the attempts are used up, the iteration raises why; a stream that is gone then raises that."""
    expect_log("did not come back in 2 attempts", logger="dockscope.conduit")

    async def scenario():
        async with our_server() as (server, streams, port):
            stream = streams.create("s")
            async with our_client(port, reconnect_delay=0.1, reconnect_attempts=2, reconnect_delay_max=1.0) as (
                client,
                viewer,
            ):
                waiting = asyncio.ensure_future(anext(viewer.subscribe("s")))
                await wait_for_async(lambda: stream.subscriber_count)
                await server.stop()
                with pytest.raises(ConduitConnectionError, match="did not come back"):
                    await waiting
                assert not client.is_connected

    run(scenario)


def test_a_stream_that_is_gone_after_a_reconnection_ends_the_iteration(wait_for_async):
    """Subscribing again to what the server does not have any more raises in the loop that waits."""

    async def scenario():
        async with our_server() as (server, streams, port):
            stream = streams.create("s")
            async with our_client(port, reconnect_delay=0.1) as (_, viewer):
                waiting = asyncio.ensure_future(anext(viewer.subscribe("s")))
                await wait_for_async(lambda: stream.subscriber_count)
                (connection,) = server.connections
                await connection.close()
                await stream.close()
                with pytest.raises(RPCError, match="not found"):
                    await waiting

    run(scenario)
