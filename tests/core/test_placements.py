"""Placements: scenes, the frames kept for the scrubber, frames that do not fit."""

import numpy as np
import pytest

from dockscope.core.messages import PlacementFrame, PlacementScene, ProtocolError
from dockscope.core.placements import MOST_FRAMES, PlacementStore


def scene(number=7, parts=3, **changes):
    refs = tuple(f"R{k}" for k in range(parts))
    return PlacementScene(refs=refs, size=np.ones((parts, 2), "<f4"), scene=number, **changes)


def frame(index=0, number=7, parts=3, **changes):
    return PlacementFrame(position=np.zeros((parts, 3), "<f4"), scene=number, index=index, **changes)


def filled(frames=5):
    store = PlacementStore()
    store.set_scene("p", "board", scene())
    for index in range(frames):
        assert store.append("p", "board", frame(index))
    return store, store.placements["p", "board"]


def test_frames_are_kept_for_the_scrubber():
    """The newest frame is shown, the earlier ones can be gone back to."""
    _, placement = filled()
    assert placement.latest is not None
    assert placement.latest.index == 4
    assert [placement.frame(k).index for k in range(len(placement))] == [0, 1, 2, 3, 4]
    assert placement.first_serial == 0


def test_a_frame_of_an_unknown_scene_is_counted():
    """It is told from one that fits, and not kept; scene 0 means the scene that there is."""
    store, placement = filled(0)
    assert not store.append("p", "board", frame(number=8))
    assert not store.append("p", "other", frame())
    assert store.append("p", "board", frame(number=0))
    assert placement.unknown_scene == 1
    assert len(placement) == 1


def test_a_new_scene_replaces_the_board():
    """Frames of the board before are gone; the same scene sent again keeps them."""
    store, placement = filled()
    store.set_scene("p", "board", scene())
    assert len(placement) == 5
    store.set_scene("p", "board", scene(number=8, parts=4))
    assert len(placement) == 0
    assert placement.latest is None
    assert placement.scene_revision == 3
    assert store.append("p", "board", frame(number=8, parts=4))


def test_frames_are_bounded_in_number_and_bytes():
    """The oldest frames go; serials stay."""
    store, placement = filled(MOST_FRAMES + 10)
    assert len(placement) == MOST_FRAMES
    assert placement.frame(0).index == placement.first_serial == 10
    before = store.nbytes
    assert store.shrink(before // 2) >= before // 2
    assert store.nbytes <= before // 2
    store.shrink(10**12)
    assert len(placement) == 1


def test_clearing_keeps_the_board():
    """The frames go, the scene stays for the next one."""
    store, placement = filled()
    store.clear("p")
    assert len(placement) == 0
    assert store.append("p", "board", frame())
    store.forget("p")
    assert store.placements == {}
    assert store.nbytes == 0


@pytest.mark.parametrize(
    "bad",
    [
        frame(parts=2),
        frame(force=np.zeros((1, 2), "<f4")),
        frame(force=np.zeros((1, 2), "<f4"), force_owner=np.array([3], "<u4"), force_kind=np.zeros(1, "u1")),
        frame(overlap=np.array([[0, 5]], "<u4")),
        frame(module=np.array([0, 0, 9], "<u2")),
        frame(movement=np.zeros((3, 2), "<f4")),
    ],
)
def test_frames_that_do_not_fit_are_refused(bad):
    """Whatever an index points to exists for those who paint."""
    store, placement = filled(1)
    with pytest.raises(ProtocolError, match="placement"):
        store.append("p", "board", bad)
    assert len(placement) == 1


@pytest.mark.parametrize(
    "bad",
    [
        scene(layer=np.zeros(2, "u1")),
        scene(pads=np.zeros((1, 5), "<f4")),
        scene(pads=np.zeros((1, 5), "<f4"), pad_owner=np.array([3], "<u4")),
        scene(nets=(("GND", ((0, 0),)),)),
        scene(nets=(("GND", ((3, -1),)),)),
        scene(outlines=(np.zeros((4, 3)),)),
    ],
)
def test_scenes_that_do_not_fit_are_refused(bad):
    """The scene before stays."""
    store, placement = filled(1)
    with pytest.raises(ProtocolError, match="placement"):
        store.set_scene("p", "board", bad)
    assert len(placement) == 1
