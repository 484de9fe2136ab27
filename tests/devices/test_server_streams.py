"""Streams of the device server: many clients of one device, each with every reading and an honest account of losses."""

from __future__ import annotations

import asyncio
import json
import math
import socket
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_replay import captured_stream
from dockscope.devices import StreamingDevice, attach
from dockscope.devices.server import DeviceServer
from dockscope.devices.server_clients import StreamClient
from dockscope.devices.server_events import reading_event
from served_lab import DrivenDevice, EventReader, Laser, ask


@pytest.fixture
def device():
    """A device that streams what the test emits."""
    return attach(DrivenDevice, "daq1")


@pytest.fixture
def server(device):
    """A server of it."""
    with DeviceServer(port=0) as server:
        server.add_device(device)
        yield server


def captured_event(name: str) -> dict[str, Any]:
    """Return the only event of a captured stream."""
    fields = dict(line.split(": ", 1) for line in captured_stream(name).decode().splitlines() if line)
    return fields | {"data": json.loads(fields["data"])}


def untimed(event: dict[str, Any]) -> dict[str, Any]:
    return event | {"data": event["data"] | {"timestamp": None}}


def test_every_client_gets_every_reading(server, device, wait_for):
    """Three clients of one device: the device is started once, and each gets all, in order, numbered alike."""
    readers = [EventReader(server, "daq1") for _ in range(3)]
    wait_for(lambda: (server.clients("daq1"), device.is_streaming()) == (3, True))
    assert device.starts == 1
    device.emit(*range(500))
    for reader in readers:
        with reader:
            assert reader.readings(500) == [(number, number) for number in range(500)]
    wait_for(lambda: device.stops == 1)


def test_the_bytes_of_a_stream(server, device, wait_for):
    """Head, fields, their order, line ends and the ping after a second of silence are those that were captured."""
    with EventReader(server, "daq1") as reader:
        head = reader.answer.getheader
        assert head("content-type") == "text/event-stream; charset=utf-8"
        assert (head("cache-control"), head("x-accel-buffering")) == ("no-cache", "no")
        assert head("transfer-encoding") == "chunked"
        wait_for(lambda: (server.clients("daq1"), device.is_streaming()) == (1, True))
        device.emit({"n": 0, "trace": np.array([0.5, 1.0])})
        assert reader.block() == b'id: 0\r\nevent: device_data\r\ndata: {"n": 0, "trace": [0.5, 1.0]}\r\n'
        assert reader.block() == b"event: ping\r\ndata: {}\r\n"


def test_readings_of_numpy_and_what_is_not_finite_go_on(server, device, expect_log):
    """NumPy numbers, NaN and infinities are JSON; what has no meaning there is left out, told, and counted as lost."""
    expect_log("daq1: readings are left out: object", logger="dockscope.devices")
    with EventReader(server, "daq1") as reader:
        assert reader.block() == b"event: ping\r\ndata: {}\r\n"
        device.emit(np.float32(1.5), {"x": math.nan, "y": np.array([-math.inf])}, object(), object(), np.int64(3))
        assert reader.readings(2) == [(0, 1.5), (1, {"x": "NaN", "y": ["-Infinity"]})]
        assert reader.event() == {"event": "device_loss", "data": {"lost": 2, "total": 2}}
        assert reader.readings(1) == [(4, 3)]


def test_numbers_go_on_over_interruptions(server, device, wait_for):
    """The numbers are those of the device, not of the connection: who comes later begins with a later one."""
    with EventReader(server, "daq1") as reader:
        wait_for(lambda: (server.clients("daq1"), device.is_streaming()) == (1, True))
        device.emit("a", "b")
        assert reader.readings(2) == [(0, "a"), (1, "b")]
        with EventReader(server, "daq1") as later:
            wait_for(lambda: (server.clients("daq1"), device.is_streaming()) == (2, True))
            device.emit("c")
            assert later.readings(1) == reader.readings(1) == [(2, "c")]
    wait_for(lambda: device.stops == 1)
    with EventReader(server, "daq1") as again:
        wait_for(lambda: device.starts == 2)
        device.emit("d")
        assert again.readings(1) == [(3, "d")]


def test_the_last_client_stops_only_what_was_started_for_clients(server, device, wait_for):
    """A stream that was begun by ``start_stream`` goes on without clients, and with the next one."""
    server.start_stream("daq1")
    for _ in range(2):
        with EventReader(server, "daq1") as reader:
            wait_for(lambda: (server.clients("daq1"), device.is_streaming()) == (1, True))
            device.emit("x")
            assert reader.readings(1)[0][1] == "x"
        wait_for(lambda: server.clients("daq1") == 0)
    assert (device.starts, device.stops, device.is_streaming()) == (1, 0, True)
    server.stop_stream("daq1")
    assert (device.stops, device.is_streaming()) == (1, False)
    with pytest.raises(ValueError, match="nope"):
        server.start_stream("nope")


def test_a_stream_of_somebody_else_is_left_to_him(server, device):
    """A device that its owner streams himself is refused in the captured words, and not stopped."""
    got = threading.Event()
    device.start_streaming(lambda _: got.set())
    with EventReader(server, "daq1") as reader:
        told = reader.event()
        assert (told["event"], told["data"]["error"]["message"]) == (
            "stream_error",
            "Device 'daq1' is already streaming",
        )
        assert reader.event() == {}
    device.emit("mine")
    assert got.wait(5.0)
    device.stop_streaming()


def test_stop_ends_the_stream_of_all_clients(server, device, wait_for):
    """All answers end, the device is stopped, a second stop is no error, and the next client starts it again."""
    with EventReader(server, "daq1") as one, EventReader(server, "daq1") as other:
        wait_for(lambda: (server.clients("daq1"), device.is_streaming()) == (2, True))
        for _ in range(2):
            status, told = ask(server, "POST", "/devices/daq1/stream/stop")
            assert (status, told["status"], told["device_id"]) == (200, "stopped", "daq1")
            assert not device.is_streaming()
        assert one.event() == other.event() == {}
    with EventReader(server, "daq1"):
        wait_for(lambda: device.starts == 2)
        assert ask(server, "GET", "/devices/daq1")[1]["streaming"] is True


def test_what_a_stopped_stream_still_delivers_is_nobodys(server, device, wait_for):
    """A thread that did not end may call back as it likes: nobody gets it, and no number is used for it."""
    with EventReader(server, "daq1"):
        wait_for(lambda: device.starts == 1)
        old = device.callback
    wait_for(lambda: device.stops == 1)
    with EventReader(server, "daq1") as reader:
        wait_for(lambda: device.starts == 2)
        old("late")
        device.emit("new")
        assert reader.readings(1) == [(0, "new")]


def test_a_start_that_fails_is_told_and_the_next_may_succeed(server):
    """The error is that of the device, with status 200 as captured; a device that does not stream says so."""
    server.add_device(attach(DrivenDevice, "shut", start_error=RuntimeError("the shutter is closed")))
    captured = captured_event("labdaemon_sse_nostream.txt")
    laser = captured["data"]["device_id"]
    server.add_device(attach(Laser, laser))
    for device, kind, words in (
        ("shut", "RuntimeError", "the shutter is closed"),
        (laser, "DeviceError", f"Device '{laser}' does not support streaming"),
    ):
        with EventReader(server, device) as reader:
            assert reader.answer.status == 200
            told = reader.event()
            assert list(told["data"]) == ["device_id", "timestamp", "error"]
            assert (told["event"], told["data"]["error"]) == ("stream_error", {"type": kind, "message": words})
            assert reader.event() == {}
    assert untimed(told) == untimed(captured)
    with pytest.raises(RuntimeError, match="the shutter is closed"):
        server.start_stream("shut")


def test_a_stream_that_ends_by_itself_is_told(server, expect_log):
    """The device breaks: within two seconds the clients get the reason, and the answer ends."""
    expect_log("broke", logger="dockscope.devices")

    class Breaking(StreamingDevice):
        def _acquire_sample(self):
            raise OSError("the link broke")

    server.add_device(Breaking("weak"))
    with EventReader(server, "weak") as reader:
        told = reader.event()
        assert told["event"] == "stream_error"
        assert "the stream of weak has ended: " in told["data"]["error"]["message"]
        assert "the link broke" in told["data"]["error"]["message"]
        assert reader.event() == {}


def test_readings_that_the_device_gives_up_are_losses(server, wait_for):
    """What is lost in the device's own queue, before it comes to the server, has numbers too: a jump shows it."""
    may_go = threading.Event()

    class Slow(np.ndarray):
        def tolist(self) -> Any:
            may_go.wait(10.0)
            return 1

    class Hasty(StreamingDevice):
        count = -1

        def _acquire_sample(self):
            self.count += 1
            return np.zeros(1).view(Slow) if self.count == 1 else self.count

    device = Hasty("hasty", queue_size=10)
    server.add_device(device, rate_hz=2000.0)
    with EventReader(server, "hasty") as reader:
        assert reader.readings(1) == [(0, 0)]
        wait_for(lambda: device.statistics().dropped > 100)
        may_go.set()
        assert reader.readings(1) == [(1, 1)]
        told = reader.event()
        assert told["event"] == "device_loss"
        assert told["data"]["lost"] > 100
        number, value = reader.readings(1)[0]
        assert number == told["data"]["lost"] + 2
        assert 0 <= number - value <= 1  # one that is given up just then may be told a reading early


def test_a_client_that_does_not_read_disturbs_nobody(server, device, wait_for):
    """It misses what does not fit into its buffer, and is told how much; the others get all without a gap."""
    count, body = 1500, "x" * 40_000  # 60 MB: more than the buffers of the kernel and of the client
    with EventReader(server, "daq1") as quick, EventReader(server, "daq1") as slow:
        wait_for(lambda: (server.clients("daq1"), device.is_streaming()) == (2, True))
        for number in range(count):
            device.emit([number, body])
            assert quick.readings(1)[0][1][0] == number
        device.emit("end")
        assert quick.readings(1)[0][0] == count
        got, lost, event = 0, 0, slow.event()
        while event["data"] != "end":
            got += event["event"] == "device_data"
            lost += event["data"]["lost"] if event["event"] == "device_loss" else 0
            event = slow.event()
        assert lost > 0
        assert got + lost == count
        assert int(event["id"]) == count


def test_the_server_stops_amid_streams(device, wait_for):
    """With clients that read and one that does not, stop returns and has ended all; nothing is left behind."""
    server = DeviceServer(port=0)
    server.add_device(device)
    server.start()
    with EventReader(server, "daq1") as reader, socket.create_connection((server.host, server.port)) as deaf:
        deaf.sendall(b"GET /stream/devices/daq1 HTTP/1.1\r\nhost: localhost\r\n\r\n")
        wait_for(lambda: (server.clients("daq1"), device.is_streaming()) == (2, True))
        for _ in range(500):
            device.emit("x" * 100_000)
            reader.readings(1)
        assert server.stop()
        assert reader.event() == {}
        assert not device.is_streaming()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((server.host, server.port))


def test_the_server_stops_amid_a_call(wait_for, expect_log):
    """A call that is under way is answered with 503; the thread that does not return is left behind and told."""
    expect_log("laser1 did not end its last call", logger="dockscope.devices")
    laser = attach(Laser, "laser1")
    server = DeviceServer(port=0)
    server.add_device(laser)
    server.start()
    answers = []
    body = {"method": "block", "args": [], "kwargs": {}}
    waiting = threading.Thread(target=lambda: answers.append(ask(server, "POST", "/devices/laser1/call", body)))
    waiting.start()
    assert laser.entered.wait(5.0)
    assert server.stop(timeout_s=0.5) is False
    waiting.join()
    assert (answers[0][0], answers[0][1]["error"]["type"]) == (503, "ServerStopping")
    laser.may_return.set()


def test_the_server_stops_amid_a_start():
    """A device that takes its time to start is stopped as soon as it has; its client's answer ends before."""

    class Slow(DrivenDevice):
        entered, may_start = threading.Event(), threading.Event()

        def start_streaming(self, callback):
            self.entered.set()
            self.may_start.wait(10.0)
            super().start_streaming(callback)

    device = attach(Slow, "slow")
    server = DeviceServer(port=0)
    server.add_device(device)
    server.start()
    with EventReader(server, "slow") as reader:
        assert device.entered.wait(5.0)
        ended = []
        stopping = threading.Thread(target=lambda: ended.append(server.stop()))
        stopping.start()
        assert reader.event() == {}
        device.may_start.set()
        stopping.join()
    assert ended == [True]
    assert (device.starts, device.stops, device.is_streaming()) == (1, 1, False)


def test_a_look_at_the_head_alone_starts_nothing(server, device):
    """HEAD gets the head of a stream, and the device is left alone."""
    assert ask(server, "HEAD", "/stream/devices/daq1") == (200, None)
    assert device.starts == 0


@given(
    st.lists(st.integers(1, 5)),
    st.integers(1, 20),
    st.integers(10, 400),
    st.sets(st.integers(0, 60)),
    st.integers(0, 8),
)
def test_what_a_client_gets_and_misses_is_all_there_was(steps, most, most_bytes, taken_after, first):
    """Whatever is lost before it, in its buffer, and whenever it takes: readings and told losses make up the whole."""

    async def scenario():
        client = StreamClient(first, most=most, most_bytes=most_bytes)
        number, got, sent = -1, [], b""
        for index, step in enumerate(steps):
            number += step
            client.offer(number, reading_event(number, "1" * (number % 7)))
            if index in taken_after:
                sent += await client.take(0.0) or b""
        client.end(b"event: bye\r\ndata: {}\r\n\r\n")
        while (part := await client.take(0.0)) is not None:
            sent += part
        blocks = sent.split(b"\r\n\r\n")[:-1]
        assert blocks.pop() == b"event: bye\r\ndata: {}"
        lost = sum(json.loads(block.split(b"data: ")[1])["lost"] for block in blocks if b"device_loss" in block)
        got = [int(block.split(b"\r\n")[0][4:]) for block in blocks if b"device_data" in block]
        assert got == sorted(set(got))
        assert lost == client.lost
        assert len(got) + lost == max(0, number + 1 - first)
        assert number < first or got[-1] == number

    asyncio.run(scenario())
