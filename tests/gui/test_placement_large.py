"""Placements too large for a full picture at every frame: what is drawn then, and that rest makes it exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from dockscope.core.messages import PlacementFrame, PlacementScene
from dockscope.gui.placement_canvas import PlacementCanvas
from dockscope.gui.placement_frame import FrameShapes
from dockscope.gui.placement_geometry import hatch_lines
from dockscope.gui.placement_parts import Detail, detail_of
from dockscope.gui.placement_shapes import SceneShapes
from dockscope.gui.placement_style import Switches, placement_colors
from dockscope.gui.theme import DARK

WIDE, HIGH = 100.0, 60.0
PARTS_ONLY = Switches(ratsnest=False, forces=False, overlaps=False, names=False, pads=False, legend=False)


def scene(parts: int, side: float = 0.2, *, nets: bool = False, **fields) -> PlacementScene:
    pins = tuple((f"N{i}", ((i, -1), ((i * 7 + 3) % parts, -1), ((i * 13 + 5) % parts, -1))) for i in range(parts))
    return PlacementScene(
        refs=tuple(f"R{i}" for i in range(parts)),
        size=np.full((parts, 2), side, "<f4"),
        scene=1,
        outlines=(np.array([(0, 0), (WIDE, 0), (WIDE, HIGH), (0, HIGH)]),),
        nets=pins if nets else (),
        modules=(("a", "#ff4040"), ("b", "#4040ff")),
        **fields,
    )


def frame(parts: int, seed: int = 1, **fields) -> PlacementFrame:
    random = np.random.default_rng(seed)
    columns = [random.uniform(0, WIDE, parts), random.uniform(0, HIGH, parts), random.uniform(0, 360, parts)]
    module = (np.arange(parts) % 2).astype("<u2")
    return PlacementFrame(position=np.column_stack(columns).astype("<f4"), scene=1, module=module, **fields)


@pytest.fixture
def canvas(qtbot):
    canvas = PlacementCanvas(placement_colors(DARK, (("a", "#ff4040"), ("b", "#4040ff"))))
    qtbot.addWidget(canvas)
    canvas.set_switches(PARTS_ONLY)
    canvas.resize(640, 420)
    canvas.show()
    qtbot.waitExposed(canvas)
    return canvas


def show(canvas, made: PlacementScene, shown: PlacementFrame) -> FrameShapes:
    shapes = SceneShapes(made)
    canvas.show_frame(shapes, FrameShapes(shapes, shown))
    canvas.repaint()
    return canvas.frame


def picture(canvas) -> QImage:
    """The exact picture."""
    canvas.settle()
    return canvas.grab().toImage()


@pytest.mark.parametrize(
    ("count", "usual_px", "detail"),
    [
        (3_000, 0.2, Detail.SHAPES),
        (3_001, 20.0, Detail.BOXES),
        (3_001, 0.9, Detail.DENSITY),
        (20_001, 2.0, Detail.STAMPS),
        (1_000_000, 0.9, Detail.DENSITY),
    ],
)
def test_detail_is_chosen_by_number_and_size(count, usual_px, detail):
    """Few parts are shapes; below a pixel many are a density; else exact boxes, and of very many upright ones."""
    assert detail_of(count, usual_px) is detail


@pytest.mark.parametrize(("parts", "side"), [(4_000, 0.5), (25_000, 0.3), (60_000, 0.02)])
def test_every_part_can_be_seen_at_every_detail(canvas, parts, side):
    """Boxes, stamps and density: where a part is, the picture has a colour of its module."""
    shown = show(canvas, scene(parts, side), frame(parts))
    full = picture(canvas)
    canvas.set_switches(Switches(**dict.fromkeys(Switches.__dataclass_fields__, False)))
    bare = picture(canvas)
    places = canvas.view.to_screen(shown.position[:500, :2]).astype(int)
    changed = [full.pixelColor(x, y) != bare.pixelColor(x, y) for x, y in places]
    assert np.mean(changed) > 0.97
    reddish = [full.pixelColor(x, y).red() > full.pixelColor(x, y).blue() for x, y in places]
    assert np.mean(np.array(reddish)[::2]) > np.mean(np.array(reddish)[1::2]) + 0.2


def test_large_parts_are_seen_among_specks(canvas):
    """A part that is many pixels wide is drawn as the box that it is, however many specks there are."""
    sizes = np.full((30_000, 2), 0.02, "<f4")
    sizes[7] = (12.0, 6.0)
    made = scene(30_000)
    made = PlacementScene(refs=made.refs, size=sizes, scene=1, outlines=made.outlines, modules=made.modules)
    there = frame(30_000)
    there.position[:, 0] /= 2  # the right half is empty
    there.position[7] = (75, 30, 0)
    show(canvas, made, there)
    image = picture(canvas)
    ends = canvas.view.to_screen(np.array([(70.0, 28.0), (80.0, 32.0), (75.0, 36.0)])).astype(int)
    assert image.pixel(*map(int, ends[0])) == image.pixel(*map(int, ends[1])) != image.pixel(*map(int, ends[2]))


def test_the_picture_moves_at_once_and_is_exact_when_still(canvas, qtbot):
    """Of a large board the last picture is moved while the view moves; then what is shown equals a fresh picture."""
    parts = 30_000
    canvas.set_switches(Switches(ratsnest=True, names=False, legend=False))
    made = scene(parts, nets=True)
    show(canvas, made, frame(parts, overlap=np.arange(200, dtype="<u4").reshape(-1, 2)))
    for _ in range(6):
        canvas.pan(11.0, -7.0)
        canvas.zoom(1.1)
        canvas.repaint()
    qtbot.waitUntil(lambda: canvas.is_exact)
    settled = canvas.grab().toImage()
    canvas.refresh()
    assert canvas.grab().toImage() == settled


def test_hovering_and_clicking_find_parts_of_a_large_board(canvas):
    """What is under the mouse is the part that is there, also among fifty thousand; a click selects it."""
    shown = show(canvas, scene(50_000, 0.3), frame(50_000))
    part = 4321
    canvas.reveal(part)
    canvas.zoom(8.0)
    canvas.settle()
    place = QPoint(*map(round, canvas.view.to_screen(shown.position[part, :2].astype(float)).tolist()))
    QTest.mouseMove(canvas, place)
    under = canvas.hover
    assert under is not None
    gap = shown.position[under, :2] - canvas.view.to_scene(place.x(), place.y())
    assert np.hypot(*gap) <= 0.15 * np.sqrt(2) + 3.0 / canvas.view.scale
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
    assert canvas.selection == under


def test_nets_forces_and_overlaps_of_a_large_board_are_drawn_and_what_is_left_out_is_said(canvas):
    """All layers are there whatever the size; a choice among them is named, until zoomed in."""
    parts = 40_000
    random = np.random.default_rng(3)
    made = scene(parts, nets=True)
    there = frame(
        parts,
        force=random.normal(size=(parts, 2)).astype("<f4"),
        force_owner=np.arange(parts, dtype="<u4"),
        force_kind=np.zeros(parts, "u1"),
        overlap=random.integers(0, parts, (60_000, 2)).astype("<u4"),
    )
    pictures = []
    for name in ("ratsnest", "forces", "overlaps"):
        canvas.set_switches(Switches(**{key: key in ("top", "bottom", name) for key in Switches.__dataclass_fields__}))
        show(canvas, made, there)
        pictures.append(picture(canvas))
        assert len(canvas.notes) == 1
    canvas.set_switches(PARTS_ONLY)
    assert all(drawn != picture(canvas) for drawn in pictures)
    canvas.set_switches(Switches(legend=False))
    canvas.zoom(60.0)
    canvas.settle()
    assert canvas.notes == ()


def test_a_part_without_a_place_is_left_out_of_a_large_board(canvas):
    """NaN and infinity in a large frame leave their part out and nothing else."""
    parts = 30_000
    there = frame(parts)
    there.position[::3, 0], there.position[1::3, 2] = np.nan, np.inf
    shown = show(canvas, scene(parts, 0.02, nets=True), there)
    canvas.set_switches(Switches(legend=False))
    picture(canvas)
    assert shown.in_view(canvas.view.window()).sum() == parts // 3
    assert np.isfinite(shown.ratsnest_in(shown.usable)[0]).all()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_hatch_stays_in_its_box(seed):
    """Lines of a hatch are diagonals of one grid for the whole picture, end at the border and leave no gap."""
    random = np.random.default_rng(seed)
    position = np.array([[*random.uniform(0, 200, 2), random.uniform(-180, 180)]])
    size = random.uniform(12, 90, (1, 2))
    lines = hatch_lines(position, size, (-1e4, -1e4, 1e4, 1e4))
    sums = lines[:, :2].sum(axis=1)
    assert sums == pytest.approx(np.round(sums / 8) * 8, abs=1e-6)
    assert lines[:, 2:].sum(axis=1) == pytest.approx(sums)
    turn = np.deg2rad(position[0, 2])
    ends = lines.reshape(-1, 2) - position[0, :2]
    along, across = ends @ (np.cos(turn), np.sin(turn)), ends @ (-np.sin(turn), np.cos(turn))
    beyond = np.maximum(np.abs(along) - size[0, 0] / 2, np.abs(across) - size[0, 1] / 2)
    assert beyond == pytest.approx(0.0, abs=1e-6)
    assert len(lines) >= int(np.min(size) / 8)
