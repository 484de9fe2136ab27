"""Captured frames, what is kept of them, and the deltas that an export holds."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockscope.core.demos.optimizer import sample_board
from dockscope.core.dialects.placement_capture import CapturedFrame
from dockscope.core.dialects.placement_deltas import LEAST_DEG, LEAST_MM, KnownPlaces, encode_deltas
from dockscope.core.dialects.placement_page_file import NAMES, read_viewer
from dockscope.core.dialects.placement_ws import PlacementVisualizer, StreamingVisualizer
from raw_stream import RawViewer
from small_board import BOARD, SQUARE, part
from watched import run


def test_a_frame_tells_all_that_follows_from_where_the_parts_are():
    """Overlaps by side and turned boxes, movement from the start, wire along each net, modules of the board."""
    visualizer = PlacementVisualizer(BOARD)
    frame = visualizer.capture_frame("start", components={"U1": (17, 10, 90)}, energy=2.0)
    assert frame.components == {"U1": (17, 10, 90), "R1": (20, 10, 0), "R2": (20, 10, 0)}
    assert frame.overlaps == []
    assert frame.movement["U1"] == (7, 0, 7)
    assert frame.connections == [("R1", "R2", "GND"), ("R2", "U1", "GND")]
    assert frame.total_wire_length == pytest.approx(3.0)
    assert frame.modules == {"U1": "circuits", "R1": "resistors", "R2": "resistors"}
    turned_back = visualizer.capture_frame("next", components={"U1": (17, 10, 0)})
    assert (turned_back.overlaps, turned_back.overlap_count) == ([("U1", "R1")], 1)
    assert turned_back.index == 1


def test_parts_stay_where_they_were_until_the_board_is_replaced():
    """Places that are not given are those of the frame before; a board that was assigned since has its own."""
    visualizer = PlacementVisualizer(BOARD)
    visualizer.capture_frame("moved", components={"U1": (30, 20, 0)})
    assert visualizer.capture_from_board("same").components["U1"] == (30, 20, 0)
    visualizer.board = replace(BOARD, parts=(part("U1", 5, 6), *BOARD.parts[1:]))
    assert visualizer.capture_from_board("new").components["U1"] == (5, 6, 0)
    with pytest.raises(ValueError, match="'X9' is no part"):
        visualizer.capture_frame("wrong", components={"X9": (0, 0, 0)})


def test_memory_is_bounded_and_the_whole_run_stays():
    """Beyond the bound every second frame goes: the first and the newest stay, and those between are spread evenly."""
    visualizer = PlacementVisualizer(sample_board(), frame_bytes=1_000_000)
    for index in range(500):
        visualizer.capture_frame(f"{index}")
    kept = [frame.index for frame in visualizer.frames]
    assert sum(frame.nbytes for frame in visualizer.frames) <= 1_000_000
    assert (kept[0], kept[-1]) == (0, 499)
    assert len(set(np.diff(kept)[:-1])) == 1
    assert len(kept) > 30
    visualizer.frames = []
    visualizer.capture_frame("after")
    assert [frame.label for frame in visualizer.frames] == ["after"]


def test_frames_need_not_be_kept(tmp_path):
    """With store_frames=False nothing is kept but the newest, and an export says why there is nothing in it."""
    visualizer = StreamingVisualizer(BOARD, store_frames=False).visualizer
    visualizer.capture_frame("one")
    assert visualizer.frames == []
    assert visualizer.latest is not None
    with pytest.raises(ValueError, match="store_frames=True"):
        visualizer.export_canvas_html("x.html", tmp_path)


def frames_of(positions: list[list[tuple[float, float, float]]]) -> list[CapturedFrame]:
    refs = tuple(f"P{index}" for index in range(len(positions[0])))
    return [
        CapturedFrame(index, "", index, "", refs, np.array(position, float), np.array(positions[0], float))
        for index, position in enumerate(positions)
    ]


def decoded(deltas: list[dict]) -> list[dict[str, tuple[float, ...]]]:
    """Follow deltas as a reader does."""
    places, found = KnownPlaces(), []
    for delta in deltas:
        changed = delta["changed_components"]
        told = np.array([[place[name] for name in ("x", "y", "rotation")] for place in changed.values()], "f8")
        places.take(tuple(changed), told.reshape(-1, 3), partial=True, gone=delta.get("removed_components", ()))
        refs, position = places.known()
        found.append({ref: tuple(place) for ref, place in zip(refs, position.tolist(), strict=True)})
    return found


COORDINATE = st.floats(-100, 100, allow_nan=False) | st.floats(-0.0009, 0.0009)


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(st.tuples(*[COORDINATE] * 3), min_size=n, max_size=n), min_size=1, max_size=12)
    )
)
def test_deltas_are_decoded_to_where_the_parts_were(positions):
    """However parts creep, what is read back never differs from the truth by more than the thresholds."""
    frames = frames_of(positions)
    deltas = json.loads(json.dumps(list(encode_deltas(frames))))
    for frame, places in zip(frames, decoded(deltas), strict=True):
        assert places.keys() == frame.components.keys()
        for ref, truth in frame.components.items():
            assert abs(places[ref][0] - truth[0]) < LEAST_MM
            assert abs(places[ref][1] - truth[1]) < LEAST_MM
            assert abs(places[ref][2] - truth[2]) < LEAST_DEG


def test_steps_too_small_to_be_written_add_up():
    """A part that creeps by half the threshold per frame is where it is, and most frames tell nothing of it."""
    frames = frames_of([[(index * LEAST_MM / 2, 0.0, 0.0)] for index in range(101)])
    deltas = list(encode_deltas(frames))
    assert decoded(deltas)[-1]["P0"][0] == pytest.approx(frames[-1].position[0, 0], abs=LEAST_MM)
    assert sum(not delta["changed_components"] for delta in deltas) >= 30


def test_a_partial_delta_leaves_the_other_coordinates():
    """Only x changed: y and rotation are null in the delta, and stay in what is read back."""
    first, second = frames_of([[(1.0, 2.0, 90.0)], [(5.0, 2.0, 90.0)]])
    deltas = list(encode_deltas([first, second]))
    assert deltas[1]["changed_components"] == {"P0": {"x": 5.0, "y": None, "rotation": None}}
    assert decoded(deltas)[1] == {"P0": (5.0, 2.0, 90.0)}


def test_parts_and_modules_that_are_gone_are_told():
    """A part that is in no later frame is not there when that frame is read back; connections come once."""
    both = frames_of([[(1.0, 2.0, 0.0), (3.0, 4.0, 0.0)]])[0]
    kinds = replace(both, modules={"P0": "a", "P1": "b"}, connections=[("P0", "P1", "N")])
    one = replace(both, refs=("P1",), position=both.position[1:], start=both.start[1:], modules={"P1": "b"})
    deltas = list(encode_deltas([kinds, one]))
    assert [list(places) for places in decoded(deltas)] == [["P0", "P1"], ["P1"]]
    assert deltas[1]["removed_modules"] == ["P0"]
    assert [delta["connections"] for delta in deltas] == [[("P0", "P1", "N")], []]


def test_the_export_has_the_form_that_readers_know(tmp_path):
    """One statement a line with JSON on its right; the deltas one a line; the folder is made."""
    visualizer = PlacementVisualizer(BOARD, grid_spacing=2.54)
    visualizer.capture_frame("a </script><b>", energy=float("nan"))
    visualizer.capture_frame("b", components={"U1": (12, 10, 0)})
    path = visualizer.export_canvas_html("final.html", tmp_path / "deep" / "er")
    text = path.read_text()
    found = re.findall(rf"^const ({'|'.join(NAMES)}|totalFrames|gridSpacing) = (.*);$", text, re.MULTILINE)
    told = {name: json.loads(value) for name, value in found}
    assert told["totalFrames"] == 2
    assert told["gridSpacing"] == 2.54
    assert told["boardBounds"] == {"minX": -5, "minY": -5, "maxX": 45, "maxY": 35}
    assert told["boardOutline"] == {"polygon": SQUARE.tolist(), "holes": [(SQUARE / 10 + 1).tolist()]}
    assert told["componentLayers"] == {"U1": "top", "R1": "top", "R2": "bottom"}
    assert told["staticProps"]["U1"] == {"width": 4, "height": 2, "pads": [[-1, 0, 0.5, 0.5, 0, "GND"]]}
    deltas = json.loads(text.partition("const deltaFrames = ")[2].partition("\n];")[0] + "]")
    assert deltas[0]["label"] == "a </script><b>"
    assert deltas[0]["energy"] is None
    assert text.count("</script>") == 1


def test_streaming_writes_a_page_that_can_be_read_back(tmp_path, wait_for_async):
    """The page tells where to connect and what the board is; its key outlives a restart, so an open page comes back."""

    async def scenario():
        page = tmp_path / "debug" / "viewer.html"
        urls = []
        for generate in (True, True, False):
            visualizer = StreamingVisualizer(BOARD, port=0, viewer_path=page)
            await visualizer.start_streaming(generate_viewer=generate)
            assert visualizer.streaming
            key = read_viewer(page).page_url.partition("?")[2]
            urls.append(key)
            async with RawViewer(f"{visualizer.get_viewer_url()}/?{key}", "null") as viewer:
                await visualizer.capture_and_stream("one", iteration=1, components={"U1": (3, 4, 5)})
                await visualizer.send_stats({"temperature": 0.5})
                await wait_for_async(lambda viewer=viewer: viewer.of("frame") and viewer.of("stats"))
                assert viewer.of("frame")[0]["data"]["components"]["U1"] == [3, 4, 5]
                await viewer.send('{"type": "static"}')
                await wait_for_async(lambda viewer=viewer: viewer.of("static"))
                assert viewer.of("static")[0]["data"]["staticProps"] == visualizer.static_props
            await visualizer.stop_streaming()
        assert len(set(urls)) == 1
        facts = read_viewer(tmp_path / "debug" / "viewer.html").facts
        assert facts.parts["U1"].width == 4.0
        assert facts.bottom == {"R2"}

    run(scenario)


def test_a_page_that_cannot_be_written_leaves_no_server(tmp_path):
    """start_streaming raises, and the port is free again."""

    async def scenario():
        (tmp_path / "file").write_text("")
        visualizer = StreamingVisualizer(BOARD, port=0, viewer_path=tmp_path / "file" / "viewer.html")
        with pytest.raises(OSError, match="file"):
            await visualizer.start_streaming()
        assert not visualizer.streaming

    run(scenario)


def test_other_tasks_go_on_while_a_loop_only_captures(tmp_path):
    """Two optimizers that await nothing but their captures take turns."""
    order = []

    async def optimize(name: str, visualizer: StreamingVisualizer) -> None:
        for index in range(5):
            await visualizer.capture_and_stream(f"{index}")
            order.append(name)

    async def scenario():
        first, second = (StreamingVisualizer(BOARD, port=0) for _ in range(2))
        await asyncio.gather(optimize("a", first), optimize("b", second))

    run(scenario)
    assert order[:4] == ["a", "b", "a", "b"]
