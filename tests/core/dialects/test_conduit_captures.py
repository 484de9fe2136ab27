"""What was captured from the real conduit, byte for byte: what our two sides send is what the real ones sent."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from conduit_raw import (
    CALL,
    CAPTURED,
    HEADER,
    LOGIN,
    MESSAGE,
    PASSWORD,
    PING,
    PONG,
    PROOF,
    REFUSAL,
    WELCOME,
    RawPeer,
    our_client,
    our_server,
    payload_of,
    raw_server,
    run,
    sent_by,
    whole,
    without_time,
)
from dockscope.core.dialects.conduit import RPCError
from dockscope.core.dialects.conduit_events import Message, Signal, read_event
from dockscope.core.dialects.conduit_frame import FrameDecoder, FrameType, encode_frame


@pytest.mark.parametrize("told", CAPTURED, ids=[f"{n}{told['dir']}{told['type']}" for n, told in enumerate(CAPTURED)])
def test_every_captured_frame_is_read_and_written_alike(told):
    """Decoding gives the captured header and payload; encoding them gives the captured bytes."""
    data = whole(told)
    decoder = FrameDecoder()
    decoder.feed(data)
    frame = decoder.next()
    assert frame is not None
    assert (frame.type, frame.correlation_id, frame.timestamp_ms) == (int(told["type"], 16), told["corr"], told["ts"])
    assert frame.payload == payload_of(told)
    assert decoder.next() is None
    assert decoder.pending_bytes == 0
    event = read_event(frame)
    assert not isinstance(event, Signal) or frame.type in (PING, PONG, FrameType.CLOSE)
    if told["flags"] == 0:  # zlib's bytes may differ from build to build; what they inflate to is checked above
        assert (
            encode_frame(
                frame.type, frame.payload, correlation_id=frame.correlation_id, timestamp_ms=frame.timestamp_ms
            )
            == data
        )


def test_our_server_answers_as_the_captured_one(expect_log):
    """To the captured requests our server sends the captured replies: the same bytes, but for token and times."""
    expect_log("the password is wrong", logger="dockscope.conduit")

    async def scenario():
        logins = sent_by(">", LOGIN)
        proofs = [told["payload"]["password_hash"] for told in logins]
        assert proofs[1] == PROOF  # the capture's password is that of these tests
        async with our_server() as (server, streams, port):
            sensors = streams.create("sensors")
            streams.create("system_metrics")
            streams.on_client_stream("video_frames")(lambda client_id, data: None)
            server.on("hello")(lambda connection, data: {"message": f"hi {data['name']}"})
            refused = await RawPeer.connect(port)
            refused.writer.write(whole(logins[0]))
            assert without_time((await refused.read()).sent) == without_time(whole(sent_by("<", REFUSAL)[0]))
            assert await refused.at_end()
            refused.close()

            peer = await RawPeer.connect(port)
            peer.writer.write(whole(logins[1]))
            welcome = await peer.read()
            (expected,) = sent_by("<", WELCOME)
            assert list(welcome.payload) == list(expected["payload"])
            assert welcome.payload["server_info"] == expected["payload"]["server_info"]
            assert len(welcome.sent) == len(whole(expected))

            requests = [told for told in CAPTURED if told["dir"] == ">"][2:-4]
            answers = [told for told in CAPTURED if told["dir"] == "<"][2:11]
            assert [int(told["type"], 16) for told in requests] == [CALL] * 6 + [MESSAGE] * 2 + [PING, 0x0E]
            subscribed = next(told for told in requests if told["payload"].get("params"))
            for told in requests:
                if told is not subscribed:
                    peer.writer.write(whole(told))
            got = {without_time((await peer.read()).sent) for _ in range(len(answers) - 1)}
            wanted = {without_time(whole(told)) for told in answers if told["corr"] != subscribed["corr"]}
            assert got == wanted

            peer.writer.write(whole(subscribed))
            (reply,) = [told for told in answers if told["corr"] == subscribed["corr"]]
            assert without_time((await peer.read()).sent) == without_time(whole(reply))
            pushed = sent_by("<", MESSAGE)[2]["payload"]["data"]
            assert await sensors.push(pushed["data"]) == 1
            frame = await peer.read()
            assert list(frame.payload["data"]) == list(pushed)
            assert frame.payload["data"]["data"] == pushed["data"]
            assert len(frame.sent) == len(whole(sent_by("<", MESSAGE)[2]))
            peer.close()

    run(scenario)


def test_our_client_sends_what_the_captured_one_sent():
    """Our client makes the captured requests, byte for byte but for the times, from the answers that were captured."""
    sent: list[bytes] = []
    got: list[Any] = []

    async def scenario():
        over = asyncio.Event()
        serve = partial(replayed, sent, over)
        async with raw_server(serve) as port, our_client(port, password=PASSWORD) as (client, streams):
            for type_ in ("stream_data_response", "hello_response", "stream_data"):
                client.on(type_)(got.append)
            assert (await client.rpc.discover())[0]["name"] == "stream_list"
            await client.rpc.call("stream_list")
            for name in ("sensors", "nope"):
                await client.rpc.call("stream_subscribe", stream_name=name)
            for method in ("nope", "stream_subscribe"):
                with pytest.raises(RPCError):
                    await client.rpc.call(method)
            await streams.push_to_server("video_frames", {"frame": b"\0\1"})
            await client.send("hello", {"name": "bob"})
            await asyncio.wait_for(over.wait(), 5)

    run(scenario)
    wanted = [told for told in CAPTURED if told["dir"] == ">" and told["type"] not in ("0x5", "0xe")][1:]
    assert len(sent) == 11
    for mine, told in zip(sent, wanted[: len(sent)], strict=True):
        tail = 8 if "video_frames" in str(told["payload"]) else 0  # its item ends with the time as well
        assert without_time(mine)[: len(mine) - 8 - tail] == without_time(whole(told))[: len(mine) - 8 - tail]
        assert len(mine) == len(whole(told))
    assert got[:2] == [{"received": True}, {"message": "hi bob"}]
    assert [value["stream"] for value in got[2:]] == ["sensors", "system_metrics"]


async def replayed(sent: list[bytes], over: asyncio.Event, peer: RawPeer) -> None:
    """Serve a client from what was captured; note what it sends after the question who is there."""
    replies = {told["corr"]: whole(told) for told in CAPTURED if told["dir"] == "<" and told["type"] == "0x3"}
    asked = await peer.read()
    if asked.payload["password_hash"] != PROOF:
        peer.writer.write(whole(sent_by("<", REFUSAL)[0]))
        return
    sent.append(asked.sent)
    peer.writer.write(whole(sent_by("<", WELCOME)[0]))
    pongs = 0
    while pongs < 2:
        got = await peer.read()
        sent.append(got.sent)
        pongs += got.type == PONG
        if got.type == CALL:
            peer.writer.write(replies[got.id])
        elif got.payload and got.payload["type"] == "hello":
            for told in (*sent_by("<", MESSAGE), *sent_by("<", PING)):
                peer.writer.write(whole(told))
    over.set()
    await peer.reader.read()


def test_the_captured_compressed_frame_is_read():
    """The one compressed frame of the capture inflates to what it showed, whatever our own setting."""
    (told,) = [told for told in CAPTURED if told["flags"]]
    decoder = FrameDecoder()
    decoder.feed(bytes.fromhex(told["hex"]))
    frame = decoder.next()
    assert frame is not None
    event = read_event(frame)
    assert isinstance(event, Message)
    assert len(event.data["data"]["pad"]) > 1000
    assert len(bytes.fromhex(told["hex"])) == HEADER.size + told["len"]
