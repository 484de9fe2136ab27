"""The numbers behind the placement picture."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dockscope.core.messages import PlacementScene
from dockscope.gui.placement_geometry import (
    arrows,
    boxes,
    corners,
    hit,
    pad_polygons,
    room_through_centre,
    upright_boxes,
    usable_positions,
)
from dockscope.gui.placement_ratsnest import MAX_TREE_PINS, Ratsnest
from dockscope.gui.placement_style import placement_colors
from dockscope.gui.placement_viewport import Viewport
from dockscope.gui.theme import DARK, LIGHT, contrast


def test_positive_degrees_turn_clockwise_on_screen():
    """With y downwards, 90° brings the right end of a part to the bottom."""
    turned = corners(np.array([(10.0, 20.0, 90.0)]), np.array([(4.0, 2.0)]))[0]
    right_top = turned[1]  # (+2, -1) before
    assert right_top == pytest.approx((11.0, 22.0))


def test_quick_boxes_agree_with_the_corners():
    """The boxes used for culling are those of the exact corners."""
    rng = np.random.default_rng(2)
    position = rng.uniform(-500, 500, (200, 3)).astype("f4")
    size = rng.uniform(0, 30, (200, 2))
    exact = boxes(corners(position.astype(float), size))
    assert upright_boxes(position, size) == pytest.approx(exact, abs=2e-3)


def test_places_that_are_no_places_are_found():
    """NaN, infinities and absurd values are not drawn."""
    rows = [(1, 2, 3), (np.nan, 0, 0), (0, np.inf, 0), (0, 0, -np.inf), (1e20, 0, 0)]
    assert usable_positions(np.array(rows, "f4")).tolist() == [True, False, False, False, False]


def test_hit_takes_rotation_into_account():
    """A point is in a part when it is in the rotated box, not in the box around it."""
    position, size = np.array([(0.0, 0.0, 45.0), (50.0, 0.0, 0.0)]), np.array([(20.0, 2.0), (0.1, 0.1)])
    reach = np.hypot(size[:, 0], size[:, 1]) / 2
    assert hit(position, size, reach, 6.0, 6.0, 0.0).tolist() == [0]
    assert hit(position, size, reach, 6.0, -6.0, 0.0).tolist() == []
    assert hit(position, size, reach, 50.5, 0.0, 1.0).tolist() == [1]


def test_pads_have_their_shape():
    """A rectangle reaches its corners, a round pad its radius only, an oval is as long as told."""
    pads = np.array([(0, 0, 4, 2, 0), (0, 0, 2, 2, 0), (0, 0, 6, 2, 90)], dtype=float)
    rectangle, circle, oval = pad_polygons(pads, np.array([0, 1, 2]))
    assert np.abs(rectangle).max(axis=0) == pytest.approx((2, 1))
    assert np.hypot(*circle.T) == pytest.approx(np.ones(len(circle)))
    assert np.ptp(oval[:, 1]) == pytest.approx(6, rel=0.02)
    assert np.ptp(oval[:, 0]) == pytest.approx(2, rel=0.02)


def test_arrow_heads_never_outgrow_their_arrow():
    """The head is at the end and at most 40 % of the length."""
    lines = arrows(np.array([(0.0, 0.0), (0.0, 0.0)]), np.array([(10.0, 0.0), (100.0, 0.0)]), head=8.0)
    assert lines[:2].tolist() == [[0, 0, 10, 0], [0, 0, 100, 0]]
    assert np.hypot(*(lines[2:, 2:] - lines[2:, :2]).T) == pytest.approx([4, 8, 4, 8])


def test_room_through_the_middle():
    """The room for a name is that of a level or upright line through the middle of the rotated part."""
    level, upright = room_through_centre(np.array([(40.0, 10.0)] * 3), np.array([0.0, 90.0, 45.0]))
    assert level == pytest.approx((40, 10, 10 * np.sqrt(2)))
    assert upright == pytest.approx((10, 40, 10 * np.sqrt(2)))


def shortest(points: np.ndarray) -> float:
    """Length of the shortest tree, by Kruskal's algorithm."""
    group = list(range(len(points)))
    total = 0.0
    pairs = sorted(
        itertools.combinations(range(len(points)), 2), key=lambda p: np.hypot(*(points[p[0]] - points[p[1]]))
    )
    for a, b in pairs:
        if group[a] != group[b]:
            total += float(np.hypot(*(points[a] - points[b])))
            group = [group[a] if g == group[b] else g for g in group]
    return total


def test_ratsnest_is_the_shortest_tree_of_every_net():
    """Nets of any size get a tree over all their pins that is as short as can be."""
    rng = np.random.default_rng(4)
    counts = [0, 1, 2, 2, 3, 5, 7, 9, 16, 17, 40]
    edges = np.concatenate([[0], np.cumsum(counts)])
    points = rng.uniform(0, 100, (edges[-1], 2))
    ends = Ratsnest([range(a, b) for a, b in itertools.pairwise(edges)]).edges(points)
    net = np.searchsorted(edges, ends[:, 0], side="right") - 1
    for number, count in enumerate(counts):
        mine = ends[net == number]
        assert len(mine) == max(0, count - 1)
        assert np.all((edges[number] <= mine) & (mine < edges[number + 1]))
        length = np.hypot(*(points[mine[:, 0]] - points[mine[:, 1]]).T).sum()
        assert length == pytest.approx(shortest(points[edges[number] : edges[number + 1]]))


def test_ratsnest_leaves_out_pins_without_a_place():
    """A pin at NaN is skipped and the others of its net are still joined."""
    points = np.array([(0, 0), (np.nan, np.nan), (5, 0), (9, 0)], dtype=float)
    ends = Ratsnest([range(4)]).edges(points)
    assert sorted(map(sorted, ends.tolist())) == [[0, 2], [2, 3]]


def test_ratsnest_of_a_huge_net_is_a_chain():
    """A net too large for a tree is joined by a chain through every pin, not much longer."""
    count = MAX_TREE_PINS + 100
    points = np.random.default_rng(5).uniform(0, 100, (count, 2))
    ends = Ratsnest([range(count)]).edges(points)
    assert len(ends) == count - 1
    assert set(ends.ravel().tolist()) == set(range(count))
    assert np.hypot(*(points[ends[:, 0]] - points[ends[:, 1]]).T).sum() < 2.2 * np.sqrt(count) * 100


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_modules_stand_out_from_the_board(theme):
    """Whatever colours a producer sends, parts can be seen; what is no "#rrggbb" gets a colour of the theme."""
    sent = [("a", "#000000"), ("b", "#ffffff"), ("c", theme.surface), ("d", "red"), ("e", "#12345g"), ("f", None)]
    colors = placement_colors(theme, sent)
    for index in range(-1, len(sent) + 3):
        assert contrast(colors.of_module(index), colors.board) >= 2.0
        fill = colors.fill(colors.of_module(index))
        assert contrast(colors.ink(fill), fill) >= 4.5
    assert len({colors.of_module(index) for index in (3, 4, 5)}) == 3


def test_many_module_colours_stay_a_bounded_number_of_batches():
    """A thousand modules with a thousand colours are folded into some dozens."""
    colors = placement_colors(DARK, [(str(i), f"#{i:06x}") for i in range(1000)])
    assert len(colors.modules) <= 50
    assert all(colors.of_module(index).startswith("#") for index in range(1000))


def test_fit_leaves_room_for_the_legend():
    """The board is moved beside the legend where that costs little, and is always wholly in view."""
    view = Viewport()
    view.resize(620, 270)
    view.fit((0, 0, 100, 80), left_px=90)
    left, right = view.to_screen(np.array([(0.0, 0.0), (100.0, 80.0)]))[:, 0]
    assert left >= 90
    assert right <= 620


def test_a_view_is_kept_when_the_canvas_grows():
    """The fit follows the size of the canvas until the user zooms; then scale and middle stay."""
    view = Viewport()
    view.resize(200, 200)
    view.fit((0, 0, 100, 100))
    small = view.scale
    view.resize(400, 400)
    assert view.scale > 1.9 * small
    view.zoom(2.0)
    chosen = (view.scale, view.x, view.y)
    view.resize(300, 500)
    assert (view.scale, view.x, view.y) == chosen


def test_scene_with_nothing_in_it():
    """A scene without parts, pads and nets is no error."""
    from dockscope.gui.placement_shapes import SceneShapes

    shapes = SceneShapes(PlacementScene(refs=(), size=np.zeros((0, 2), "f4")))
    assert shapes.count == 0
    assert shapes.board_box is None
    assert shapes.ratsnest.edges(np.zeros((0, 2))).shape == (0, 2)
