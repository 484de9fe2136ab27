"""Frames kept as what changed: they come back as they were sent, to the bit, and cost what changed."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dockscope.core import placements
from dockscope.core.frame_chain import ARRAYS, MOST_STEPS
from dockscope.core.messages import PlacementFrame, PlacementScene
from dockscope.core.placements import PlacementStore

ODD_VALUES = np.array([np.nan, -np.nan, 0.0, -0.0, np.inf, -np.inf, 1e-45, 3.5], "<f4")


def scene(parts: int, number: int = 1) -> PlacementScene:
    return PlacementScene(
        refs=tuple(f"R{k}" for k in range(parts)),
        size=np.ones((parts, 2), "<f4"),
        scene=number,
        modules=(("a", None), ("b", None)),
    )


def bits(frame: PlacementFrame) -> dict[str, object]:
    """All of a frame in a form that can be compared bit by bit."""
    told = {name: getattr(frame, name) for name in frame.__struct_fields__ if name not in ARRAYS}
    arrays = {name: array for name in ARRAYS if (array := getattr(frame, name)) is not None}
    return {"told": repr(told), **{n: (a.dtype.str, a.shape, a.tobytes()) for n, a in arrays.items()}}


def copied(frame: PlacementFrame) -> PlacementFrame:
    """The frame as a link would decode it: arrays of its own that nobody may write to."""
    arrays = {name: array.copy() for name in ARRAYS if (array := getattr(frame, name)) is not None}
    for array in arrays.values():
        array.setflags(write=False)
    return msgspec.structs.replace(frame, **arrays)


@st.composite
def next_frames(draw, before: PlacementFrame | None, parts: int, index: int) -> PlacementFrame:
    """A frame that follows another: some parts move, arrays come, change, repeat and go."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    position = np.zeros((parts, 3), "<f4") if before is None else before.position.copy()
    share = draw(st.sampled_from([0.0, 0.01, 0.2, 1.0]))
    moved = random.random(position.shape) < share
    position[moved] = random.normal(size=int(moved.sum())).astype("<f4")
    if draw(st.booleans()):
        position[random.integers(parts), random.integers(3)] = draw(st.sampled_from(list(ODD_VALUES)))
    arrays: dict[str, Any] = {"position": position}
    for name in ARRAYS[1:]:
        choice = draw(st.sampled_from(["repeat", "new", "none"]))
        if choice == "repeat" and before is not None:
            arrays[name] = getattr(before, name)
        elif choice == "new":
            arrays[name] = new_array(random, name, parts, draw(st.integers(0, 3)))
    if arrays.get("force") is None or arrays.get("force_owner") is None:
        arrays |= dict.fromkeys(("force", "force_owner", "force_kind"))
    elif len(arrays["force"]) != len(arrays["force_owner"]):
        arrays["force_owner"] = np.zeros(len(arrays["force"]), "<u4")
    kind = arrays.get("force_kind")
    if kind is not None and len(kind) != len(arrays["force"]):
        arrays["force_kind"] = None
    energy = draw(st.one_of(st.none(), st.floats()))
    return PlacementFrame(
        scene=draw(st.sampled_from([0, 1])),
        index=index,
        label=draw(st.text(max_size=3)),
        energy=energy,
        fields=draw(st.dictionaries(st.text(max_size=2), st.floats(), max_size=2)),
        **arrays,
    )


def new_array(random: np.random.Generator, name: str, parts: int, number: int) -> np.ndarray:
    return {
        "module": lambda: random.integers(0, 2, parts).astype("<u2"),
        "force": lambda: random.normal(size=(number, 2)).astype("<f4"),
        "force_owner": lambda: random.integers(0, parts, number).astype("<u4"),
        "force_kind": lambda: random.integers(0, 6, number).astype("u1"),
        "overlap": lambda: random.integers(0, parts, (number, 2)).astype("<u4"),
        "movement": lambda: random.choice(ODD_VALUES, (parts, 3)),
    }[name]()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_kept_frame_is_the_one_that_was_sent(data):
    """Whatever moves, appears, repeats, is skipped, scrubbed to or dropped: what is kept is exact."""
    parts = data.draw(st.sampled_from([1, 3, 40, 700]))
    store = PlacementStore()
    store.set_scene("p", "board", scene(parts))
    placement = store.placements["p", "board"]
    sent: list[dict[str, object]] = []
    frame = None
    for index in range(data.draw(st.integers(1, 25))):
        frame = data.draw(next_frames(frame, parts, index))
        if data.draw(st.integers(0, 9)) == 0:
            continue  # thinned by the producer's max_fps
        assert store.append("p", "board", copied(frame))
        sent.append(bits(frame))
        action = data.draw(st.sampled_from(["", "", "", "", "scrub", "drop", "shrink", "scene", "clear"]))
        if action == "scrub":
            position = data.draw(st.integers(0, len(placement) - 1))
            assert bits(placement.frame(position)) == sent[placement.first_serial + position]
        elif action == "drop":
            placement.drop(data.draw(st.integers(0, 3)))
        elif action == "shrink":
            store.shrink(data.draw(st.integers(0, store.nbytes)))
            assert len(placement) >= 1
        elif action == "scene":
            store.set_scene("p", "board", scene(parts))
        elif action == "clear":
            store.clear("p")
            assert len(placement) == 0
    assert placement.first_serial + len(placement) == len(sent)
    order = data.draw(st.permutations(range(len(placement))))
    for position in order:
        assert bits(placement.frame(position)) == sent[placement.first_serial + position]
    if placement.latest is not None:
        assert bits(placement.latest) == sent[-1]


def late_phase(parts: int, frames: int, moving: int):
    """Frames of a run near its end: few parts move, everything else repeats."""
    random = np.random.default_rng(3)
    position = random.uniform(0, 100, (parts, 3)).astype("<f4")
    module = np.zeros(parts, "<u2")
    for index in range(frames):
        position = position.copy()
        position[random.integers(0, parts, moving), :2] += np.float32(0.1)
        yield PlacementFrame(position=position, scene=1, index=index, module=module.copy(), movement=position.copy())


def filled(parts: int, frames: int, moving: int):
    store = PlacementStore()
    store.set_scene("p", "board", scene(parts))
    empty = store.nbytes
    whole = 0
    for frame in late_phase(parts, frames, moving):
        store.append("p", "board", frame)
        whole += sum(array.nbytes for name in ARRAYS if (array := getattr(frame, name)) is not None)
    return store, store.placements["p", "board"], (store.nbytes - empty) / whole


def test_frames_in_which_little_moves_cost_little():
    """A run whose parts are nearly at rest is kept in a tenth of the room; one in which all move in no more."""
    assert filled(2000, 200, 20)[2] < 0.1
    assert filled(2000, 40, 20_000)[2] < 1.1


def test_a_frame_is_rebuilt_from_a_bounded_number_of_steps():
    """However long nothing is kept whole for its own sake, going back never replays the whole run."""
    _, placement, _ = filled(500, 4 * MOST_STEPS, 1)
    whole = [isinstance(kept.stored["position"], np.ndarray) for kept in placement._frames._kept]
    assert sum(whole) >= 3
    assert max(len(run) for run in "".join("W" if w else "d" for w in whole).split("W")) <= MOST_STEPS


def test_a_frame_that_is_shown_stays_the_same_object():
    """Who shows a kept frame need not show it again while others arrive."""
    store, placement, _ = filled(50, 20, 2)
    shown = placement.frame(7)
    store.append("p", "board", next(late_phase(50, 1, 1)))
    assert placement.frame(7) is shown
    placement.drop(3)
    assert placement.frame(4) is shown


def test_the_bound_in_number_holds_with_deltas(monkeypatch):
    """Beyond the most frames the oldest goes, one for one, and those that are left are exact."""
    monkeypatch.setattr(placements, "MOST_FRAMES", 10)
    store = PlacementStore()
    store.set_scene("p", "board", scene(300))
    sent = []
    for frame in late_phase(300, 50, 5):
        store.append("p", "board", frame)
        sent.append(bits(frame))
    placement = store.placements["p", "board"]
    assert len(placement) == 10
    assert [bits(placement.frame(k)) for k in range(10)] == sent[40:]


def test_bytes_told_are_bytes_held():
    """What the budget counts is what the arrays take, whatever was scrubbed, dropped and appended meanwhile."""
    store, placement, _ = filled(400, 60, 30)
    for position in (5, 58, 20):
        placement.frame(position)
        placement.drop(2)
        store.append("p", "board", next(late_phase(400, 1, 1)))
    chain = placement._frames
    held: dict[int, int] = {}
    for kept in chain._kept:
        for name, part in kept.stored.items():
            if part is not None and name not in kept.repeats:
                held[id(part)] = part.nbytes
    for frame in (chain.latest, chain._rebuilt[1] if chain._rebuilt else None):
        for name in ARRAYS:
            array = getattr(frame, name, None)
            if array is not None:
                held[id(array)] = array.nbytes
    assert sum(held.values()) <= chain.nbytes <= sum(held.values()) + len(chain) * placements.OVERHEAD_BYTES + 12_000
