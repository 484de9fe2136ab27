"""The server that streams placements: what it says, whom it lets in, and that no viewer ever costs the optimizer."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time

import numpy as np
import pytest
from websockets.exceptions import InvalidStatus

from dockscope.core.dialects.placement_viewer import MOST_WAITING, StreamViewer
from dockscope.core.dialects.placement_ws import StreamManager, StreamServer
from raw_stream import RawViewer, captured
from watched import run

FRAME = {"index": 0, "label": "start", "components": {"U1": [1.0, 2.0, 0.0]}}


def test_the_capture_of_the_real_server_is_what_this_one_says(wait_for_async):
    """Given the same calls and the same requests, every message is the captured one, byte for byte (but its time)."""
    received, sent = captured()

    async def call(server: StreamServer, viewer: RawViewer, message: dict, text: str) -> None:
        if message["type"] == "frame":
            await server.broadcast_frame(message["data"])
        elif message["type"] == "status":
            await server.broadcast_status(message["status"], message["message"])
        elif message["type"] == "stats":
            await server.broadcast_stats(message["data"])
        elif message["type"] in ("pong", "control_state"):
            request = requests.pop(0)
            while "bogus" in request or "not" in request:
                await viewer.send(request)
                request = requests.pop(0)
            await viewer.send(request)

    requests = list(sent)

    async def scenario():
        async with StreamManager(port=0, max_fps=10) as manager, RawViewer(manager.url) as viewer:
            for count, text in enumerate(received, 1):
                await call(manager.server, viewer, json.loads(text), text)
                await wait_for_async(lambda count=count: len(viewer.texts) == count)
        assert [without_time(text) for text in viewer.texts] == [without_time(text) for text in received]
        assert not requests

    run(scenario)


def without_time(text: str) -> str:
    return re.sub(r'"timestamp": [0-9.]+', '"timestamp"', text)


@pytest.fixture(autouse=True)
def odd_requests_are_told(expect_log):
    """What viewers do wrong is told in the log, at most once per cause and five seconds."""
    expect_log("sent what is no JSON|asked for something unknown|was refused", logger="dockscope", at_least=0)


def test_the_last_frame_of_a_burst_arrives(wait_for_async):
    """Of a hundred frames at once a few go out, in order, and the last of them always."""

    async def scenario():
        async with StreamManager(port=0, max_fps=20) as stream, RawViewer(stream.url) as viewer:
            await wait_for_async(lambda: stream.server.clients)
            for index in range(100):
                await stream.send_frame({**FRAME, "index": index})
            await wait_for_async(lambda: viewer.of("frame") and viewer.of("frame")[-1]["data"]["index"] == 99)
            indices = [message["data"]["index"] for message in viewer.of("frame")]
            assert indices == sorted(indices)
            assert len(indices) < 50

    run(scenario)


def test_the_last_frame_and_word_arrive_before_the_end(wait_for_async):
    """A frame that is held back when the server stops goes out first, and so does a status; then the viewer is told."""

    async def scenario():
        async with StreamManager(port=0, max_fps=0.01) as stream:
            viewer = await RawViewer(stream.url).__aenter__()
            await wait_for_async(lambda: stream.server.clients)
            await stream.send_frame({**FRAME, "index": 1})
            await stream.send_frame({**FRAME, "index": 2})
            await stream.send_status("complete", "Optimization converged")
        await wait_for_async(lambda: viewer.of("frame") and viewer.of("frame")[-1]["data"]["index"] == 2)
        assert viewer.of("status")[-1]["status"] == "complete"
        await viewer.socket.wait_closed()
        assert viewer.socket.close_code == 1001
        await viewer.__aexit__()

    run(scenario)


def test_who_comes_late_gets_the_last_frame_and_the_state(wait_for_async):
    """A viewer that connects while the run is paused, or after a stop, sees the board and the state at once."""

    async def scenario():
        async with StreamManager(port=0) as stream:
            await stream.send_frame({**FRAME, "index": 7})
            async with RawViewer(stream.url) as first:
                await first.send('{"type": "pause"}')
                await first.send('{"type": "stop"}')
                await wait_for_async(stream.is_stop_requested)
                async with RawViewer(stream.url) as late:
                    await wait_for_async(lambda: len(late.texts) == 3)
                    welcome, control, frame = late.messages
                    assert welcome["paused"]
                    assert control == {"type": "control_state", "paused": True, "stop_requested": True}
                    assert frame["data"]["index"] == 7

    run(scenario)


def test_a_stop_wakes_a_paused_loop(wait_for_async):
    """wait_resume returns True after a resume and False after a stop, also when the run stays paused."""

    async def scenario():
        async with StreamManager(port=0) as stream, RawViewer(stream.url) as viewer:
            for command, outcome in (("resume", True), ("stop", False)):
                await viewer.send('{"type": "pause"}')
                await wait_for_async(stream.is_paused)
                waiting = asyncio.ensure_future(stream.wait_resume())
                await viewer.send(json.dumps({"type": command}))
                assert await asyncio.wait_for(waiting, 5.0) is outcome
            assert stream.is_paused()
            assert stream.is_stop_requested()
            assert await stream.wait_resume() is False

    run(scenario)


def test_the_end_of_the_server_wakes_a_paused_loop(wait_for_async):
    """Nobody could resume a run whose server is gone: it goes on."""

    async def scenario():
        server = StreamServer(port=0)
        await server.start()
        async with RawViewer(server.url) as viewer:
            await viewer.send('{"type": "pause"}')
            await wait_for_async(server.is_paused)
            waiting = asyncio.ensure_future(server.wait_resume())
            await server.stop()
            assert await asyncio.wait_for(waiting, 5.0)

    run(scenario)


def big_frame(index: int) -> dict:
    return {**FRAME, "index": index, "connections": [["U1", "U2", "N" * 100]] * 25_000}


def test_churning_viewers_never_reach_the_optimizer(wait_for_async):
    """While viewers come and go all the time, 3 MB frames and words are sent without an error."""

    async def churn(url: str, ended: asyncio.Event) -> None:
        while not ended.is_set():
            async with RawViewer(url) as viewer:
                await wait_for_async(lambda: viewer.texts)
            await asyncio.sleep(0)

    async def scenario():
        async with StreamManager(port=0, max_fps=1000.0) as stream:
            ended = asyncio.Event()
            churners = [asyncio.ensure_future(churn(stream.url, ended)) for _ in range(4)]
            frame = big_frame(0)
            for index in range(40):
                await stream.server.broadcast_frame({**frame, "index": index})
                await stream.send_status("info", f"frame {index}")
            ended.set()
            await asyncio.gather(*churners)
            await wait_for_async(lambda: not stream.server.clients)
            assert stream.get_stats()["frames_sent"] > 0

    run(scenario)


def test_a_viewer_that_does_not_read_holds_up_nobody(wait_for_async):
    """Beside one that never reads, another gets every newest frame, calls return at once, and memory is bounded."""

    async def scenario():
        async with StreamManager(port=0, max_fps=1000.0) as stream, RawViewer(stream.url) as reader:
            deaf = socket.create_connection(("127.0.0.1", stream.server.port))
            with deaf:
                deaf.sendall(
                    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
                )
                await wait_for_async(lambda: len(stream.server.clients) == 2)
                longest_s = 0.0
                for index in range(12):
                    frame = big_frame(index)
                    begun_s = time.thread_time()
                    await stream.server.broadcast_frame(frame)
                    longest_s = max(longest_s, time.thread_time() - begun_s)
                    await wait_for_async(lambda index=index: last_index(reader) == index)
                for count in range(100, MOST_WAITING + 201, 100):
                    for index in range(100):
                        await stream.send_status("info", f"{index}")
                    await wait_for_async(lambda count=count: statuses(reader) == count)
                waiting = [len(viewer._waiting) for viewer in stream.server.clients]
                assert max(waiting) <= MOST_WAITING + 1
                assert longest_s < 3.0  # the old server took that long in the second call, and for ever in the third

    run(scenario)


def statuses(viewer: RawViewer) -> int:
    return sum(text.startswith('{"type": "status"') for text in viewer.texts)


def last_index(viewer: RawViewer) -> int:
    """Return the index in the newest frame, without reading all of its megabytes."""
    texts = [text for text in viewer.texts if text.startswith('{"type": "frame"')]
    found = re.search(r'"index": (\d+)', texts[-1]) if texts else None
    return int(found[1]) if found else -1


def test_what_waits_for_a_viewer_is_the_newest_frame_and_the_newest_words():
    """Of frames one waits, in its place among the words; of too many words the oldest go, the frame never."""

    class FakeConnection:
        def __init__(self):
            self.sent = []

        async def send(self, text):
            self.sent.append(text)

    async def scenario():
        connection, counted = FakeConnection(), []
        viewer = StreamViewer(connection, counted.append)  # type: ignore[arg-type]
        for index in range(MOST_WAITING + 50):
            viewer.send_frame(f"frame {index}")
            viewer.send(f"word {index}")
        sending = asyncio.ensure_future(viewer.send_all())
        await viewer.sent()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        last = MOST_WAITING + 49
        assert connection.sent[0] == f"frame {last}"
        assert connection.sent[1:] == [f"word {index}" for index in range(last + 2 - MOST_WAITING, last + 1)]
        assert counted == [len(text) for text in connection.sent]

    run(scenario)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999"])
def test_pages_of_other_sites_are_refused(origin):
    """A web page, also in a sandboxed frame, can neither watch nor stop a run; the page with the key can."""

    async def scenario():
        async with StreamManager(port=0, allowed_origins=["http://localhost:8000"]) as stream:
            for url in (stream.url, f"{stream.url}/?key=wrong", f"{stream.url}/?key="):
                with pytest.raises(InvalidStatus, match="403"):
                    await RawViewer(url, origin).__aenter__()
            async with RawViewer(stream.server.page_url, origin):
                pass
            async with RawViewer(stream.url, "http://localhost:8000"):
                pass

    run(scenario)


def test_there_are_only_so_many_viewers(wait_for_async):
    """Beyond max_clients a viewer is refused, and let in when another has left."""

    async def scenario():
        async with StreamManager(port=0, max_clients=1) as stream:
            async with RawViewer(stream.url):
                await wait_for_async(lambda: stream.server.clients)
                with pytest.raises(InvalidStatus, match="503"):
                    await RawViewer(stream.url).__aenter__()
            await wait_for_async(lambda: not stream.server.clients)
            async with RawViewer(stream.url):
                pass

    run(scenario)


def test_numbers_of_numpy_and_nan_make_valid_json(wait_for_async):
    """NumPy numbers and arrays are sent as numbers and lists; NaN and infinities, which JSON lacks, as null."""

    async def scenario():
        async with StreamManager(port=0) as stream, RawViewer(stream.url) as viewer:
            await wait_for_async(lambda: stream.server.clients)
            components = {"U1": np.array([1.5, np.nan, 90.0]), "R1": (np.float32(0.5), np.int64(2), float("inf"))}
            await stream.send_frame({"index": np.int32(3), "components": components, "energy": float("nan")})
            await wait_for_async(lambda: viewer.of("frame"))
            assert viewer.of("frame")[0]["data"] == {
                "index": 3,
                "components": {"U1": [1.5, None, 90.0], "R1": [0.5, 2, None]},
                "energy": None,
            }
            assert "NaN" not in viewer.texts[-1]

    run(scenario)


def test_a_frame_that_cannot_be_written_is_told_and_the_next_goes_out(wait_for_async, expect_log):
    """An object of the program's own in a frame costs that frame only."""
    expect_log("a frame could not be written: object")

    async def scenario():
        async with StreamManager(port=0, max_fps=1000.0) as stream, RawViewer(stream.url) as viewer:
            await wait_for_async(lambda: stream.server.clients)
            await stream.send_frame({"index": 1, "label": object()})
            await (await viewer.socket.ping())  # its answer comes after the server has tried
            await stream.send_frame({"index": 2})
            await wait_for_async(lambda: viewer.of("frame"))
            assert viewer.of("frame")[0]["data"] == {"index": 2}

    run(scenario)


def test_a_frame_is_what_it_was_when_it_was_given(wait_for_async):
    """Changing the dict afterwards does not change the frame that is held back."""

    async def scenario():
        async with StreamManager(port=0, max_fps=5.0) as stream, RawViewer(stream.url) as viewer:
            await wait_for_async(lambda: stream.server.clients)
            await stream.send_frame({"index": 1})
            await wait_for_async(lambda: viewer.of("frame"))
            place = np.array([1.0, 2.0, 3.0])
            frame = {"index": 2, "components": {"U1": place}}
            await stream.send_frame(frame)
            place[:] = 0.0
            frame["components"]["R1"] = [0.0, 0.0, 0.0]
            await wait_for_async(lambda: len(viewer.of("frame")) == 2)
            assert viewer.of("frame")[1]["data"] == {"index": 2, "components": {"U1": [1.0, 2.0, 3.0]}}

    run(scenario)


def test_requests_that_are_none_are_left_out(wait_for_async):
    """Bad JSON, unknown types, bytes and strange shapes are ignored; the connection lives on."""

    async def scenario():
        async with StreamManager(port=0) as stream, RawViewer(stream.url) as viewer:
            for text in ("not json", '{"type": "bogus"}', "[]", "17", "{}", '{"type": ["pause"]}', "[" * 30_000):
                await viewer.send(text)
            await viewer.socket.send(b"\x00\xff")
            await viewer.send('{"type": "static"}')  # there is no board to tell of
            await viewer.send('{"type": "ping"}')
            await wait_for_async(lambda: viewer.of("pong"))
            assert [message["type"] for message in viewer.messages] == ["welcome", "pong"]
            assert not stream.is_paused()

    run(scenario)


def test_statistics_count_what_went_out_to_everybody(wait_for_async):
    """The keys are those of the seed; bytes are those of all viewers together, frames count once."""

    async def scenario():
        async with StreamManager(port=0) as stream:
            async with RawViewer(stream.url) as first, RawViewer(stream.url) as second:
                await wait_for_async(lambda: len(stream.server.clients) == 2)
                await stream.send_frame(FRAME)
                await wait_for_async(lambda: len(first.texts) == len(second.texts) == 2)
                await wait_for_async(
                    lambda: stream.get_stats()["bytes_sent"] == sum(map(len, first.texts + second.texts))
                )
                stats = stream.get_stats()
            assert set(stats) == {"clients_connected", "frames_sent", "bytes_sent", "avg_fps", "uptime_seconds"}
            assert (stats["clients_connected"], stats["frames_sent"]) == (2, 1)
            assert stats["avg_fps"] == pytest.approx(1 / stats["uptime_seconds"])
        after = stream.get_stats()
        assert after["uptime_seconds"] == stream.get_stats()["uptime_seconds"] > 0
        assert after["clients_connected"] == 0

    run(scenario)


def test_it_answers_while_the_program_computes(wait_for_async):
    """A pause arrives, and its answer leaves, while the loop of the program is busy and calls nothing."""
    answered: list[str] = []

    async def watch(url: str) -> None:
        async with RawViewer(url) as viewer:
            await viewer.send('{"type": "pause"}')
            await wait_for_async(lambda: viewer.of("control_state"))
            answered.append(viewer.texts[-1])

    async def scenario():
        async with StreamManager(port=0) as stream:
            watching = asyncio.to_thread(asyncio.run, watch(stream.url))
            task = asyncio.ensure_future(watching)
            await asyncio.sleep(0)
            deadline_s = time.monotonic() + 10.0
            while not stream.is_paused() and time.monotonic() < deadline_s:
                sum(range(1000))
            assert stream.is_paused()
            await task
            assert answered == ['{"type": "control_state", "paused": true, "stop_requested": false}']

    run(scenario)


def test_a_taken_port_is_named(wait_for_async):
    """The error says "address already in use", names the port, and says what to do; nothing is left behind."""

    async def scenario():
        async with StreamManager(port=0) as stream:
            with pytest.raises(OSError, match=rf"port {stream.server.port} is taken.*address already in use.*another"):
                await StreamServer(port=stream.server.port).start()

    run(scenario)


def test_a_server_starts_again_on_its_port(wait_for_async):
    """After a stop the same server can start again; starting and stopping twice does nothing."""

    async def scenario():
        server = StreamServer(port=0)
        await server.stop()
        for _ in range(2):
            await server.start()
            await server.start()
            async with RawViewer(server.url) as viewer:
                await wait_for_async(lambda viewer=viewer: viewer.texts)
            await server.stop()
            await server.stop()

    run(scenario)


def test_an_address_that_others_reach_is_warned_of(expect_log):
    """Binding every interface is obeyed, and told once."""
    expect_log("anyone who reaches ws://0.0.0.0:")

    async def scenario():
        async with StreamManager(host="0.0.0.0", port=0) as stream:
            assert stream.server.page_url.startswith("ws://127.0.0.1:")

    run(scenario)


@pytest.mark.parametrize("max_fps", [0, -1, float("nan"), float("inf"), "10"])
def test_a_rate_that_is_none_is_refused(max_fps):
    """max_fps must be a number above 0."""
    with pytest.raises(ValueError, match="max_fps"):
        StreamServer(max_fps=max_fps)
