"""``ws://`` as a source: the capture of a real server, steering, the board from a page, and any bytes at all."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dockscope.core.dialects.base import normalize_url, probe
from dockscope.core.dialects.placement_codec import read_message
from dockscope.core.dialects.placement_page_file import read_page, read_viewer
from dockscope.core.dialects.placement_reader import PlacementReader
from dockscope.core.dialects.placement_ws import StreamingVisualizer, StreamManager
from dockscope.core.dialects.reception import Reception
from dockscope.core.hub import Hub
from dockscope.core.link_health import LinkHealth
from dockscope.core.messages import Hello, ProtocolError
from dockscope.core.run_control import LinkState, Stage
from raw_stream import WELCOME, RawProducer, captured, frame
from small_board import BOARD
from watched import Watched, free_port, run

PROGRAM = [sys.executable, "-m", "dockscope"]


def placement_of(watched: Watched) -> Any:
    return watched.hub.placements.placements[watched.source.key, "board"]


def frames_of(watched: Watched) -> int:
    found = watched.hub.placements.placements.get((watched.source.key, "board"))
    return 0 if found is None else len(found)


def told(watched: Watched) -> Any:
    return watched.producer


def log_of(watched: Watched) -> list[str]:
    return [row.message for row in watched.hub.log.rows]


def test_the_capture_is_shown_as_it_was(wait_for_async):
    """Every message of a real session, byte for byte: frames, figures, words, pause, resume, stop, and the end."""
    received, _ = captured()

    async def scenario():
        async with RawProducer(received[0], obeys=False) as producer, Watched(producer.url) as watched:
            await wait_for_async(watched.is_run("RUNNING"))
            await producer.send(*received[1:6])
            await wait_for_async(lambda: frames_of(watched) == 2)
            placement = placement_of(watched)
            data = json.loads(received[2])["data"]
            shown, scene = placement.latest, placement.scene
            assert scene.refs == tuple(data["components"])
            assert shown.position.tolist() == np.array(list(data["components"].values()), "f4").tolist()
            assert (shown.index, shown.label, shown.iteration, shown.phase) == (24, "Iteration 24", 24, "refinement")
            assert (shown.energy, shown.overlap_count) == (data["energy"], 1)
            assert [scene.modules[module][0] for module in shown.module] == list(data["modules"].values())
            assert shown.overlap.tolist() == [[1, 2]]
            assert shown.force.tolist()[1] == np.array([0.1, -0.2], "f4").tolist()
            assert (shown.force_owner.tolist()[:2], shown.force_kind.tolist()[:2]) == ([0, 0], [0, 1])
            assert shown.movement[0].tolist() == np.array(data["movement"]["C1"], "f4").tolist()
            nets = {name: [scene.refs[index] for index, _ in ends] for name, ends in scene.nets}
            assert nets["GND"] == ["C1", "C5", "L4", "L8"]
            energy = watched.curve("energy")
            assert energy.column("value").tolist() == [json.loads(text)["data"]["energy"] for text in received[1:3]]
            assert energy.column("iteration").tolist() == [23, 24]
            assert energy.column("t").tolist() == [json.loads(text)["timestamp"] for text in received[1:3]]
            await wait_for_async(lambda: watched.samples("stats.energy") == 1)
            assert told(watched).status.message == "High overlap detected"
            for text, run_state in zip(received[6:8], ("PAUSED", "RUNNING"), strict=True):
                await producer.send(text)
                await wait_for_async(watched.is_run(run_state))
            await producer.send(*received[8:])
            await wait_for_async(watched.is_run("STOPPING"))
            await wait_for_async(lambda: told(watched).status.message == "Optimization converged")
            for connection in producer.connections:
                connection.transport.abort()  # as the real one left
            await wait_for_async(watched.is_run("ENDED"))
            assert told(watched).run.outcome == "stopped"
            assert watched.producer.link is LinkState.CLOSED
            assert not watched.producer.problem

    run(scenario)


def test_commands_are_effective_on_the_producers_word(wait_for_async):
    """Pause, resume and stop reach it, and count when it says so; what nobody answers is not confirmed."""

    async def scenario():
        async with RawProducer(WELCOME) as producer, Watched(producer.url) as watched:
            await wait_for_async(watched.is_link(LinkState.LIVE))
            assert watched.producer.role == "operate"
            for command, state in (("pause", "PAUSED"), ("resume", "RUNNING"), ("stop", "STOPPING")):
                id_ = watched.source.send(command)
                assert watched.hub.commands[id_].stage is Stage.REQUESTED
                await wait_for_async(lambda id_=id_: watched.hub.commands[id_].stage is Stage.EFFECTIVE)
                assert told(watched).run.run == state
            refused = watched.source.send("set", {"name": "x", "value": 1})
            assert watched.hub.commands[refused].stage is Stage.REJECTED
            producer.obeys = False
            ignored = watched.source.send("pause")
            await wait_for_async(lambda: watched.hub.commands[ignored].stage is Stage.UNCONFIRMED, 10.0)
            producer.obeys = True
            assert watched.source.retry(ignored)
            await wait_for_async(lambda: watched.hub.commands[ignored].stage is Stage.EFFECTIVE)

    run(scenario)


def test_a_run_that_is_paused_already_is_shown_so(wait_for_async):
    """The paused of welcome holds at once, and after coming back too."""

    async def scenario():
        async with RawProducer(WELCOME.replace("false", "true")) as producer, Watched(producer.url) as watched:
            await wait_for_async(watched.is_run("PAUSED"))
            producer.first = (WELCOME,)
            await producer.drop()
            await wait_for_async(watched.is_run("RUNNING"))

    run(scenario)


def test_an_interruption_is_a_gap_and_heals(wait_for_async):
    """Its return is found with no click; the curve goes on, broken where it was away, the last frame is taken once."""

    async def scenario():
        port = free_port()
        async with Watched(f"ws://127.0.0.1:{port}") as watched:
            await wait_for_async(lambda: watched.producer.problem)
            assert "Nothing listens" in watched.producer.problem
            async with RawProducer(WELCOME, frame(0, energy=3.0), frame(1, energy=2.0), port=port):
                await wait_for_async(lambda: frames_of(watched) == 2, 10.0)
            await wait_for_async(watched.is_link(LinkState.LOST))
            async with RawProducer(WELCOME, *(frame(index, energy=3.0 - index) for index in (1, 2, 3)), port=port):
                await wait_for_async(lambda: frames_of(watched) == 4, 10.0)
            assert watched.curve("energy").column("iteration").tolist() == [0, 1, 2, 3]
            assert watched.curve("energy").breaks.tolist() == [2]
            assert watched.producer.run_index == 0

    run(scenario)


def test_a_run_begun_anew_is_a_new_run(wait_for_async):
    """When the index starts over, or a run that was complete is followed by another, the old one is over."""

    async def scenario():
        complete = json.dumps({"type": "status", "status": "complete", "message": "done"})
        async with RawProducer(WELCOME, frame(5), frame(6)) as producer, Watched(producer.url) as watched:
            await wait_for_async(lambda: frames_of(watched) == 2)
            await producer.send(frame(0), frame(1), complete)
            await wait_for_async(lambda: watched.producer.run_index == 1)
            await wait_for_async(lambda: watched.producer.status is not None)
            producer.first = (WELCOME, frame(2), frame(3))
            await producer.drop()
            await wait_for_async(lambda: watched.producer.run_index == 2)

    run(scenario)


@pytest.mark.parametrize("way", ["file", "folder", "folder above"])
def test_the_board_is_read_from_the_page_that_the_producer_wrote(way, tmp_path, wait_for_async):
    """With ?viewer=, sizes, pads, sides, nets and the outline are the page's; nothing is guessed."""
    lines = (
        'const WEBSOCKET_URL = "ws://localhost:8765";',
        'const boardBounds = {"minX": -5.0, "minY": -5.0, "maxX": 55.0, "maxY": 45.0};',
        'const moduleColors = {"analog": "#ff0000", "odd": "red"};',
        'const staticProps = {"U1": {"width": 8.0, "height": 6.0, "pads": [[-1.0, 0.0, 0.5, 0.6, "GND"]]}, '
        '"R1": {"width": 2.0, "height": 1.0, "pads": [[0.5, 0.0, 0.5, 0.6, 45.0, "GND"]]}};',
    )
    page = tmp_path / "placement_debug" / "stream_viewer.html"
    page.parent.mkdir()
    page.write_text("<script>\n    " + "\n    ".join(lines) + "\n</script>")
    path = {"file": page, "folder": page.parent, "folder above": tmp_path}[way]

    async def scenario():
        modules = {"U1": "analog", "R1": "odd"}
        producer = RawProducer(WELCOME, frame(0, modules=modules))
        async with producer, Watched(f"ws://127.0.0.1:{producer.port}?viewer={path}") as watched:
            await wait_for_async(lambda: frames_of(watched) == 1)
            scene = placement_of(watched).scene
            assert scene.size.tolist() == [[8, 6], [2, 1]]
            assert scene.pads[1].tolist() == pytest.approx([0.5, 0, 0.5, 0.6, 45])
            assert scene.nets == (("GND", ((0, 0), (1, 1))),)
            assert scene.outlines[0].tolist() == [[0, 0], [50, 0], [50, 40], [0, 40]]
            assert dict(scene.modules) == {"analog": "#ff0000", "odd": None}
            assert not [line for line in log_of(watched) if "guessed" in line]
            assert '{"type": "static"}' not in producer.received

    run(scenario)


def test_sizes_that_nobody_tells_are_guessed_and_said_so(wait_for_async):
    """A real server does not answer our question for the board: usual sizes by name, one row in the log says it."""

    async def scenario():
        async with RawProducer(WELCOME, frame(0)) as producer, Watched(producer.url) as watched:
            await wait_for_async(lambda: frames_of(watched) == 1)
            await producer.send(frame(1))
            await wait_for_async(lambda: frames_of(watched) == 2)
            scene = placement_of(watched).scene
            assert scene.size[0].tolist() > scene.size[1].tolist()
            assert scene.outlines == ()
            assert len([line for line in log_of(watched) if "guessed" in line and "?viewer=" in line]) == 1
            assert producer.received[:2] == ['{"type": "static"}', '{"type": "ping"}']

    run(scenario)


def test_a_board_that_is_told_late_is_not_said_to_be_guessed(wait_for_async):
    """Frames that come before the answer to the question for the board are shown; of the guess until then no word."""

    async def scenario():
        async with RawProducer(WELCOME, frame(0), frame(1), frame(2), obeys=False) as producer:
            async with Watched(producer.url) as watched:
                await wait_for_async(lambda: frames_of(watched) == 3)
                refs = json.loads(frame(0))["data"]["components"]
                parts = {ref: {"width": 1.5, "height": 0.5, "pads": []} for ref in refs}
                await producer.send(json.dumps({"type": "static", "data": {"staticProps": parts}}), '{"type": "pong"}')
                await wait_for_async(lambda: placement_of(watched).scene.size.tolist() == [[1.5, 0.5]] * len(refs))
                await producer.send(*map(frame, range(3, 40)))
                await wait_for_async(lambda: frames_of(watched) == 40)
                assert not [line for line in log_of(watched) if "guessed" in line]
            producer.first = (WELCOME,)
            async with Watched(producer.url) as watched:  # who never answers is not waited for without end
                await wait_for_async(lambda: producer.received.count('{"type": "ping"}') == 2)
                await producer.send(*map(frame, range(40)))
                await wait_for_async(lambda: [line for line in log_of(watched) if "guessed" in line])

    run(scenario)


def test_a_page_that_is_none_is_told(tmp_path, wait_for_async):
    """A wrong path, or a file that is something else, is one clear message; the stream is shown all the same."""
    (tmp_path / "other.html").write_text("<html></html>")

    async def scenario():
        async with RawProducer(WELCOME, frame(0), frame(1)) as producer:
            for path, words in (
                (tmp_path / "none.html", "cannot be read"),
                (tmp_path / "other.html", "no viewer page"),
            ):
                async with Watched(f"{producer.url}?viewer={path}") as watched:
                    await wait_for_async(lambda watched=watched: frames_of(watched) == 2)
                    assert words in watched.producer.problem

    run(scenario)


def test_our_own_producer_tells_its_board(tmp_path, wait_for_async):
    """A StreamingVisualizer answers the question: board, pads, holes and sides are exact, with no path given."""

    async def scenario():
        visualizer = StreamingVisualizer(BOARD, port=0, viewer_path=tmp_path / "v.html")
        await visualizer.start_streaming()
        await visualizer.capture_and_stream("start", components={"U1": (11, 12, 45)})
        async with Watched(f"ws://127.0.0.1:{visualizer.server.port}") as watched:
            await wait_for_async(lambda: frames_of(watched) == 1)
            placement = placement_of(watched)
            assert placement.scene.size.tolist() == [[4, 2]] * 3
            assert placement.scene.layer.tolist() == [0, 0, 1]
            assert [len(placement.scene.outlines), len(placement.scene.holes)] == [1, 1]
            assert placement.latest.position[0].tolist() == [11, 12, 45]
            assert not [line for line in log_of(watched) if "guessed" in line]
            await visualizer.send_status("complete", "done")
            await visualizer.stop_streaming()
            await wait_for_async(watched.is_run("ENDED"))
            assert told(watched).run.outcome == "finished"

    run(scenario)


def test_a_large_frame_is_read_beside_the_loop(wait_for_async):
    """What takes long to decode is decoded in a thread, and stays in its place among the small ones."""
    large = {f"C{number}": [float(number), 1.0, 0.0] for number in range(20_000)}

    async def scenario():
        complete = '{"type": "status", "status": "complete", "message": "done"}'
        first = (WELCOME, frame(0, large), frame(1, large), complete)
        async with RawProducer(*first) as producer, Watched(producer.url) as watched:
            await wait_for_async(lambda: told(watched).status is not None, 10.0)
            assert [thread for thread in threading.enumerate() if thread.name.startswith("asyncio_")]
            assert (frames_of(watched), placement_of(watched).latest.index) == (2, 1)
            assert not watched.producer.problem

    run(scenario)


def test_partial_frames_leave_the_rest_as_it_was(wait_for_async):
    """A null coordinate, and a part that a delta does not name, are where they were; a part that is gone is gone."""
    delta = {
        "index": 2,
        "changed_components": {"R1": {"x": None, "y": 15.0, "rotation": None}},
        "changed_modules": {"R1": "digital"},
        "energy": None,
    }

    async def scenario():
        modules = {"U1": "analog", "R1": "analog"}
        first = frame(0, {"U1": [1, 2, 3], "R1": [4, 5, 6], "C1": [None, 5, 6]}, modules=modules)
        second = frame(1, {"U1": [None, 20, None], "R1": [4, 5, 7]}, modules=modules)
        third = json.dumps({"type": "frame", "data": delta})
        fourth = frame(3, {"R1": [1, 1, 1]})
        async with RawProducer(WELCOME, first, second) as producer, Watched(producer.url) as watched:
            await wait_for_async(lambda: frames_of(watched) == 2)
            placement = placement_of(watched)
            assert [placement.frame(index).position.tolist() for index in (0, 1)] == [
                [[1, 2, 3], [4, 5, 6]],
                [[1, 20, 3], [4, 5, 7]],
            ]
            await producer.send(third)
            await wait_for_async(lambda: frames_of(watched) == 3)
            latest, scene = placement.latest, placement.scene
            assert latest.position.tolist() == [[1, 20, 3], [4, 15, 7]]
            assert [scene.modules[module][0] for module in latest.module] == ["analog", "digital"]
            await producer.send(fourth)
            await wait_for_async(lambda: placement.scene is not scene and frames_of(watched) == 1)
            assert placement.scene.refs == ("R1",)

    run(scenario)


def test_bad_messages_cost_themselves_only(wait_for_async):
    """Every broken message is counted and told; the frames between them are shown, and NaN tokens are read."""
    broken = (
        "no json",
        '{"type": "frame"}',
        '{"type": "frame", "data": {"components": {"U1": [1, 2]}}}',
        '{"type": "frame", "data": {"components": {"U1": ["a", 2, 3]}}}',
        '{"type": "frame", "data": {"components": [1]}}',
        '{"type": "control_state", "paused": 1}',
        '{"type": "status", "message": 5}',
        '{"type": "stats", "data": []}',
        '{"type": "novel"}',
    )

    async def scenario():
        first = (WELCOME, frame(0), frame(1, energy=float("nan")))
        async with RawProducer(*first) as producer, Watched(producer.url) as watched:
            await wait_for_async(lambda: frames_of(watched) == 2)
            assert not watched.producer.problem
            await producer.send(*broken, frame(2))
            await wait_for_async(lambda: frames_of(watched) == 3)
            assert "was refused" in watched.producer.problem
            assert watched.producer.link is LinkState.LIVE

    run(scenario)


def test_only_narrows_the_source(wait_for_async):
    """``?only=`` keeps the named metrics, streams and kinds."""

    async def scenario():
        first = (WELCOME, frame(0, energy=1.0, max_move=2.0), frame(1, energy=1.0, max_move=2.0))
        async with RawProducer(*first) as producer:
            async with Watched(f"{producer.url}?only=energy") as watched:
                await wait_for_async(lambda: watched.samples("energy") == 2)
                assert watched.hub.series.names() == ["energy"]
                assert frames_of(watched) == 0
            async with Watched(f"{producer.url}?only=board") as watched:
                await wait_for_async(lambda: frames_of(watched) == 2)
                assert watched.hub.series.names() == []

    run(scenario)


def test_who_is_no_placement_stream_is_told_apart(wait_for_async):
    """A silent WebSocket server, another protocol, and a server that refuses: each has its own sentence."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def scenario():
        async with RawProducer('{"hello": 1}') as producer:
            assert "sends no placements" in (await probe(producer.url)).sentence
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            assert "HTTP 404" in (await probe(f"ws://127.0.0.1:{port}")).sentence
        assert "Nothing listens" in (await probe(f"ws://127.0.0.1:{free_port()}")).sentence

    run(scenario)


def test_tcp_finds_a_placement_stream(wait_for_async):
    """``tcp://`` recognizes it by its welcome; the probe says what it is and whether it is paused."""

    async def scenario():
        async with StreamManager(port=0) as stream:
            url = f"ws://127.0.0.1:{stream.server.port}"
            found = await probe(f"tcp://127.0.0.1:{stream.server.port}")
            assert (found.ok, found.url, found.role) == (True, url, "operate")
            assert found.sentence.endswith("streams a placement, 10 frames a second at most, running")
            async with Watched(f"tcp://127.0.0.1:{stream.server.port}") as watched:
                await wait_for_async(watched.is_run("RUNNING"), 10.0)
                assert watched.source.url == url

    run(scenario)


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("WS://localhost:8765/", "ws://127.0.0.1:8765"),
        ("ws://host:8765?viewer=/a/b.html", "ws://host:8765?viewer=%2Fa%2Fb.html"),
    ],
)
def test_a_url_has_one_spelling(url, right):
    """The same stream is the same source, however it is written."""
    assert normalize_url(url) == right
    assert normalize_url(right) == right


@pytest.mark.parametrize(
    "url", ["ws://*:8765", "ws://host", "ws://host:8765/path", "ws://me:pw@host:8765", "ws://h:1?x=1"]
)
def test_wrong_urls_are_refused(url):
    """A placement stream is connected to, by host and port, without a password."""
    with pytest.raises(ValueError, match=r"\w"):
        normalize_url(url)


def test_tail_and_control_from_the_command_line(tmp_path):
    """``tail --json`` prints scene, frames, metrics and state; ``control`` ends with 0 once it is confirmed."""

    async def dockscope(*arguments: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            *PROGRAM, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        out, complaints = await process.communicate()
        assert not complaints, complaints
        return process.returncode, out.decode()

    async def scenario():
        visualizer = StreamingVisualizer(BOARD, port=0, viewer_path=tmp_path / "v.html")
        await visualizer.start_streaming()
        await visualizer.capture_and_stream("start", energy=2.5)
        url = f"ws://127.0.0.1:{visualizer.server.port}"
        code, told = await dockscope("tail", url, "--json", "--seconds", "2")
        lines = [json.loads(line) for line in told.splitlines()]
        assert code == 0
        assert {"scene", "frame", "metric", "control"} <= {line["kind"] for line in lines}
        assert next(line for line in lines if line["kind"] == "frame")["components"] == 3
        for verb, holds in (("pause", visualizer.server.is_paused), ("stop", visualizer.server.is_stop_requested)):
            code, _ = await dockscope("control", url, verb)
            assert code == 0
            assert holds()
        await visualizer.stop_streaming()

    run(scenario)


# any bytes


class Reader:
    """A reader that delivers into a hub."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.hub.add("a", "ws://a:1")
        self.reader = PlacementReader(Hello(b"", "a", is_numbered=False))
        self.reception = Reception(
            self.hub, key="a", where="a:1", health=LinkHealth(pinged=False), on_change=noop, on_up=noop
        )

    def take(self, text: str) -> None:
        told = read_message(text)
        if told is not None and type(told).__name__ != "Welcome":
            self.reader.take(told, self.reception, len(text))


def noop() -> None:
    pass


NUMBERS = st.integers() | st.floats() | st.none() | st.just(1e308) | st.just(10**400)
REFS = st.sampled_from(["U1", "R1", "", "__proto__", "\udc80", "x" * 300]) | st.text(max_size=4)
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(REFS, inner, max_size=4),
    max_leaves=10,
)
PLACES = st.dictionaries(REFS, st.lists(NUMBERS, min_size=3, max_size=3) | ANYTHING, max_size=4)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "index": NUMBERS,
        "label": ANYTHING,
        "iteration": NUMBERS,
        "components": PLACES | ANYTHING,
        "changed_components": PLACES | ANYTHING,
        "removed_components": st.lists(REFS, max_size=2) | ANYTHING,
        "modules": st.dictionaries(REFS, st.text(max_size=3), max_size=4) | ANYTHING,
        "forces": st.dictionaries(REFS, st.lists(st.tuples(NUMBERS, NUMBERS, st.text(max_size=3)), max_size=3))
        | ANYTHING,
        "overlaps": st.lists(st.tuples(REFS, REFS), max_size=3) | ANYTHING,
        "movement": PLACES | ANYTHING,
        "connections": st.lists(st.tuples(REFS, REFS, st.text(max_size=3)), max_size=3) | ANYTHING,
        "energy": NUMBERS | ANYTHING,
        "overlap_count": NUMBERS | ANYTHING,
        "total_wire_length": NUMBERS,
        "boardBounds": st.dictionaries(st.sampled_from(["minX", "minY", "maxX", "maxY"]), NUMBERS) | ANYTHING,
        "boardOutline": st.fixed_dictionaries(
            {}, optional={"polygon": st.lists(st.tuples(NUMBERS, NUMBERS), max_size=5) | ANYTHING, "holes": ANYTHING}
        ),
        "staticProps": st.dictionaries(
            REFS,
            st.fixed_dictionaries(
                {},
                optional={
                    "width": NUMBERS | ANYTHING,
                    "height": NUMBERS,
                    "pads": st.lists(st.lists(NUMBERS, max_size=6)) | ANYTHING,
                },
            )
            | ANYTHING,
            max_size=3,
        ),
        "componentLayers": ANYTHING,
        "moduleColors": ANYTHING,
    },
)
KINDS = ("welcome", "frame", "frame", "frame", "stats", "status", "control_state", "pong", "static", "other")
MESSAGES = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS), "data": DATA | ANYTHING},
    optional={
        "timestamp": NUMBERS,
        "status": ANYTHING,
        "message": ANYTHING,
        "paused": ANYTHING,
        "stop_requested": st.booleans(),
    },
)


def fed(texts: list[str]) -> None:
    reader = Reader()
    for text in texts:
        try:
            reader.take(text)
        except ProtocolError as error:
            reader.reception.bad_message(error)
    for placement in reader.hub.placements.placements.values():
        for position in range(len(placement)):
            assert np.isfinite(placement.frame(position).position).all()


@given(st.lists(MESSAGES.map(json.dumps) | ANYTHING.map(json.dumps) | st.text(), max_size=6))
def test_nothing_but_a_protocol_error_comes_out_of_any_messages(texts):
    """Whatever is sent, it is shown or refused as ProtocolError, and every place that is shown is a finite one."""
    fed(texts)


@pytest.mark.soak
@settings(max_examples=10_000)
@given(st.lists(MESSAGES.map(json.dumps) | ANYTHING.map(json.dumps) | st.text(), max_size=6))
def test_nothing_but_a_protocol_error_comes_out_of_ten_thousand(texts):
    """The same, at length."""
    fed(texts)


@given(
    st.dictionaries(
        st.sampled_from(["WEBSOCKET_URL", "boardBounds", "staticProps", "boardOutline", "x"]), DATA | ANYTHING
    ),
    st.text(),
)
@example({}, "const staticProps = {;")
@example({}, "const staticProps = ;")
@example({}, "const staticProps = " + "[" * 100_000 + ";")
def test_any_page_is_read_or_refused(statements, rest):
    """A page that somebody else wrote can do nothing but be no viewer page."""
    page(statements, rest)


@pytest.mark.soak
@settings(max_examples=10_000)
@given(
    st.dictionaries(
        st.sampled_from(["WEBSOCKET_URL", "boardBounds", "staticProps", "boardOutline", "x"]), DATA | ANYTHING
    ),
    st.text(),
)
def test_ten_thousand_pages_are_read_or_refused(statements, rest):
    """The same, at length."""
    page(statements, rest)


def page(statements: dict[str, Any], rest: str) -> None:
    lines = [f"const {name} = {json.dumps(value)};" for name, value in statements.items()]
    try:
        read_page("\n".join([*lines, rest]))
    except ProtocolError:
        pass


def test_a_large_page_is_refused_before_it_is_read(tmp_path):
    """A file of gigabytes is told to be none, without being read whole."""
    huge = tmp_path / "huge.html"
    with huge.open("wb") as file:
        file.truncate(2**33)
    tracemalloc.start()
    with pytest.raises(ValueError, match="larger than any"):
        read_viewer(huge)
    assert tracemalloc.get_traced_memory()[1] < 200 * 2**20
    tracemalloc.stop()


def test_a_message_beyond_the_bound_cuts_the_link_and_is_told(wait_for_async):
    """17 MiB in one message: the link is cut with a sentence, and heals by itself."""

    async def scenario():
        async with RawProducer(WELCOME) as producer, Watched(producer.url) as watched:
            await wait_for_async(watched.is_link(LinkState.LIVE))
            await producer.send("x" * (17 * 2**20))
            await wait_for_async(lambda: "too large" in watched.producer.problem)
            await wait_for_async(watched.is_link(LinkState.LIVE))

    run(scenario)
