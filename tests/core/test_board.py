"""Reading KiCad boards: five generations of the format, every way to draw an edge, and files that mean harm."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockscope.core import sexpr
from dockscope.core.board import BOTTOM, OVAL, RECTANGLE, ROUND, TOP, Board
from dockscope.core.geometry import area, box_of, contains, fill, turn
from dockscope.core.kicad import board_from_text
from dockscope.core.messages import PlacementScene

BOARDS = Path(__file__).parent / "boards"
SAMPLE = Path(__file__).parents[2] / "resources" / "boards" / "sample.kicad_pcb"
GENERATIONS = ["kicad5", "kicad6", "kicad7", "kicad8", "kicad9"]


def board(content: str) -> Board:
    return board_from_text(f'(kicad_pcb (version 20240108) (generator "pcbnew")\n{content}\n)', "board")


def footprint(content: str, at: str = "0 0", layer: str = "F.Cu") -> str:
    return f'(footprint "a:b" (layer "{layer}") (at {at}) (property "Reference" "U1")\n{content})'


@pytest.fixture(params=GENERATIONS)
def generation(request):
    return Board.from_kicad(BOARDS / f"{request.param}.kicad_pcb")


def test_parts_of_every_generation(generation):
    """KiCad 5 to 9 write the same parts differently and are read alike."""
    r1, c1, j1 = generation.parts
    assert [(p.ref, p.value, p.layer, p.locked) for p in (r1, c1, j1)] == [
        ("R1", "4k7", TOP, False),
        ("C1", "100n", BOTTOM, True),
        ("J1", "Conn", TOP, False),
    ]
    assert r1.footprint == "Resistor_SMD:R_0805"
    assert (r1.x, r1.y, r1.width, r1.height) == (110, 60, 4, 2)
    assert (r1.through, c1.through, j1.through) == (False, False, True)
    assert [pad.shape for pad in j1.pads] == [ROUND, OVAL]


def test_angles_turn_clockwise(generation):
    """KiCad's positive angles turn the other way on screen than dockscope's."""
    r1, c1, j1 = generation.parts
    assert (r1.degrees, c1.degrees, j1.degrees) == (270, 330, 0)
    # KiCad turns a pad at (-1, 0) by 90 degrees counter-clockwise, which on screen is down.
    pad = r1.pads[0]
    assert np.allclose((r1.x, r1.y) + turn((pad.x, pad.y), r1.degrees), (110, 61))
    assert pad.degrees == 0  # the file has the pad's angle on the board


def test_centre_is_that_of_the_courtyard(generation):
    """x, y is the centre of the courtyard even where the anchor is not, on the back side too."""
    c1 = generation.parts[1]
    cosine, sine = math.cos(math.radians(30)), math.sin(math.radians(30))
    assert (c1.width, c1.height) == (4, 3)
    assert np.allclose((c1.x, c1.y), (125 + 1 * cosine + 0.5 * sine, 65 - 1 * sine + 0.5 * cosine))
    anchor = (c1.x, c1.y) + turn((c1.pads[0].x, c1.pads[0].y - 0.5), c1.degrees)
    assert np.allclose(anchor, (125, 65))


def test_box_without_courtyard_covers_the_pads(generation):
    """A part without courtyard is as large as its pads and body."""
    j1 = generation.parts[2]
    assert np.allclose((j1.width, j1.height), (0.85 + 2.54 + 0.85, 2.1))
    assert np.allclose((j1.x, j1.y), (105 + 1.27, 75))


def test_edge_of_every_generation(generation):
    """Lines in any order and direction, a corner arc and a hole make one outline and one hole."""
    (outline,), (hole,) = generation.outlines, generation.holes
    assert np.allclose(box_of(outline), (100, 50, 140, 80))
    assert area(outline) == pytest.approx(40 * 30 - 25 * (1 - math.pi / 4), abs=0.1)
    assert area(hole) == pytest.approx(math.pi * 1.5**2, rel=0.02)
    assert np.allclose(box_of(hole), (133.5, 73.5, 136.5, 76.5), atol=0.02)


def test_nets_of_every_generation(generation):
    """Nets name their pins as part and pad; pads without a net are in none."""
    assert generation.nets == (
        ("GND", ((0, 0), (1, 0), (2, 0))),
        ("Net-(C1-Pad2)", ((0, 1), (1, 1))),
    )


@pytest.mark.parametrize("name", GENERATIONS[1:])
def test_modules_are_schematic_sheets(name):
    """Parts are grouped by the sheet they come from, which every generation since KiCad 6 tells."""
    assert Board.from_kicad(BOARDS / f"{name}.kicad_pcb").part_modules() == ["power", "sensor", "other"]


def test_modules_without_sheets_are_kinds():
    """A file that tells no sheets groups parts by the letter of their reference."""
    loaded = Board.from_kicad(BOARDS / "kicad5.kicad_pcb")
    assert loaded.part_modules() == ["resistors", "capacitors", "connectors"]


def test_scene_and_frame(generation):
    """The scene holds the board in the wire's types, the frame the places in the file."""
    scene, frame = generation.scene(number=7), generation.frame(generation.scene(number=7))
    assert (scene.refs, scene.unit, scene.scene, frame.scene) == (("R1", "C1", "J1"), "mm", 7, 7)
    assert scene.size.dtype == "<f4"
    assert scene.size.tolist()[0] == [4, 2]
    assert scene.layer is not None
    assert scene.layer.tolist() == [TOP, BOTTOM, TOP]
    assert scene.pad_owner is not None
    assert scene.pad_owner.tolist() == [0, 0, 1, 1, 2, 2]
    assert scene.pads is not None
    assert scene.pads.shape == (6, 5)
    assert scene.nets[0] == ("GND", ((0, 0), (1, 2), (2, 4)))
    assert frame.position.shape == (3, 3)
    assert frame.module is not None
    assert [scene.modules[i][0] for i in frame.module] == generation.part_modules()


def test_scene_with_own_modules():
    """Colours of modules can be given; a group that is not among them is an error naming it."""
    loaded = Board.from_kicad(BOARDS / "kicad8.kicad_pcb")
    modules = [("sensor", "#ff0000"), ("other", None), ("power", "#00ff00")]
    scene = loaded.scene(modules)
    assert isinstance(scene, PlacementScene)
    module = loaded.frame(scene).module
    assert module is not None
    assert module.tolist() == [2, 0, 1]
    with pytest.raises(ValueError, match="power"):
        loaded.frame(loaded.scene(modules[:2]))


@pytest.mark.parametrize(
    ("drawing", "expected"),
    [
        ('(gr_rect (start 0 0) (end 20 10) (layer "Edge.Cuts"))', 200.0),
        ('(gr_poly (pts (xy 0 0) (xy 20 0) (xy 20 10)) (layer "Edge.Cuts"))', 100.0),
        ('(gr_circle (center 5 5) (end 5 8) (layer "Edge.Cuts"))', math.pi * 9),
        ('(gr_poly (pts (xy 0 0) (arc (start 10 0) (mid 15 5) (end 10 10)) (xy 0 10)) (layer "Edge.Cuts"))', 139.27),
        (
            '(gr_curve (pts (xy 0 0) (xy 10 10) (xy 20 10) (xy 30 0)) (layer "Edge.Cuts"))'
            '(gr_line (start 30 0) (end 0 0) (layer "Edge.Cuts"))',
            150.0,
        ),
        (
            '(gr_arc (start 0 5) (mid 5 0) (end 10 5) (layer "Edge.Cuts"))'
            '(gr_arc (start 0 5) (mid 5 10) (end 10 5) (layer "Edge.Cuts"))',
            math.pi * 25,
        ),
        (
            '(gr_arc (start 0 0) (end 10 0) (angle 180) (layer "Edge.Cuts"))'
            '(gr_arc (start 0 0) (end 10 0) (angle -180) (layer "Edge.Cuts"))',
            math.pi * 100,
        ),
        ('(gr_arc (start 0 0) (mid 5 0) (end 10 0) (layer "Edge.Cuts"))'
         '(gr_line (start 10 0) (end 10 10) (layer "Edge.Cuts"))'
         '(gr_line (start 10.01 10.01) (end 0 0) (layer "Edge.Cuts"))', 50.0),
    ],
    ids=["rect", "poly", "circle", "poly with arc", "curve", "arcs", "old arcs", "almost closed, flat arc"],
)  # fmt: skip
def test_edge_drawings(drawing, expected):
    """Every kind of drawing on Edge.Cuts gives its area, to the accuracy of chords of 0.01 mm."""
    (outline,) = board(drawing).outlines
    assert area(outline) == pytest.approx(expected, rel=0.01)


def test_edge_drawn_in_a_footprint():
    """A footprint's drawings on Edge.Cuts are turned and moved with it, also when it has no pads."""
    shapes = "".join(
        f'(fp_line (start {a}) (end {b}) (layer "Edge.Cuts"))'
        for a, b in (("0 0", "10 0"), ("10 0", "10 4"), ("0 4", "0 0"))
    )
    shapes += '(fp_arc (start 10 4) (mid 5 6) (end 0 4) (layer "Edge.Cuts"))'
    loaded = board(footprint(shapes + '(fp_circle (center 5 2) (end 6 2) (layer "Edge.Cuts"))', at="100 50 90"))
    assert loaded.parts == ()
    assert np.allclose(box_of(loaded.outlines[0]), (100, 40, 106, 50), atol=0.01)
    assert np.allclose(box_of(loaded.holes[0]), (101, 44, 103, 46), atol=0.02)


def test_nested_edges():
    """What lies inside an outline is a hole, what lies inside a hole is a board of its own."""
    rects = [(0, 0, 100, 100), (10, 10, 50, 50), (20, 20, 30, 30), (200, 0, 210, 10)]
    loaded = board("".join(f'(gr_rect (start {a} {b}) (end {c} {d}) (layer "Edge.Cuts"))' for a, b, c, d in rects))
    assert sorted(area(loop) for loop in loaded.outlines) == [100, 100, 10_000]
    assert [area(loop) for loop in loaded.holes] == [1600]


@pytest.mark.parametrize(
    ("pad", "box", "shape"),
    [
        ("smd rect (at 1 2) (size 3 4)", (1, 2, 3, 4), RECTANGLE),
        ("smd oval (at 1 2) (size 3 4)", (1, 2, 3, 4), OVAL),
        ("thru_hole circle (at 1 2) (size 3 3) (drill 1)", (1, 2, 3, 3), ROUND),
        ("smd trapezoid (at 1 2) (size 3 4) (rect_delta 1 0)", (1, 2, 3, 5), RECTANGLE),
        ("smd custom (at 1 2) (size 1 1) (primitives (gr_poly (pts (xy 0 0) (xy 4 0) (xy 4 2))))",
         (1 + 1.75, 2 + 0.75, 4.5, 2.5), RECTANGLE),
        ("thru_hole rect (at 1 2) (size 3 4) (drill 1 (offset 0.5 -1))", (1.5, 1, 3, 4), RECTANGLE),
    ],
    ids=["rect", "oval", "circle", "trapezoid", "custom", "offset"],
)  # fmt: skip
def test_pad_shapes(pad, box, shape):
    """Pads of all shapes come as the box of their copper, about which a pad drawn off its hole is shifted."""
    (part,) = board(
        footprint(f'(pad "1" {pad} (layers "F.Cu"))(fp_rect (start -9 -9) (end 9 9) (layer "F.CrtYd"))')
    ).parts
    (read,) = part.pads
    assert np.allclose((read.x, read.y, read.width, read.height), box)
    assert read.shape == shape


@pytest.mark.parametrize(("angle", "expected"), [("90", 0.0), ("", 90.0), ("120", 330.0)])
def test_pad_angle_is_relative_to_the_part(angle, expected):
    """The file has a pad's angle on the board; the part's own angle is taken off and the sign turned."""
    (part,) = board(footprint(f'(pad "1" smd rect (at 0 0 {angle}) (size 2 1) (layers "F.Cu"))', at="5 5 90")).parts
    assert part.pads[0].degrees == expected


@pytest.mark.parametrize("net", ['(net 3 "GND")', '(net "GND")', "(net 3)"])
def test_nets_by_number_and_by_name(net):
    """A pad names its net by number and name, by name alone, or by number alone."""
    part = footprint(f'(pad "1" smd rect (at 0 0) (size 1 1) {net})')
    assert board(f'(net 0 "") (net 3 "GND") {part}').nets == (("GND", ((0, 0),)),)


def test_equal_references_are_told_apart():
    """Parts that share a reference, such as mounting holes, get names of their own."""
    pad = '(pad "" np_thru_hole circle (at 0 0) (size 3 3) (drill 3))'
    assert [part.ref for part in board(footprint(pad) * 3).parts] == ["U1", "U1#2", "U1#3"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the file is empty"),
        ("PCBNEW-BOARD Version 1", "line 1: not an s-expression"),
        ("\n\n(kicad_sch (version 1))", r"line 3: not a KiCad board, it starts with \(kicad_sch"),
        ("(kicad_pcb\n(net 0\n", "line 2: a list is not closed"),
        ('(kicad_pcb\n(net 0 "', "line 2: a quoted text has no end"),
        ("(kicad_pcb)\n)", "line 2: a closing parenthesis"),
        ("(kicad_pcb)\n(kicad_pcb)", "line 2: text after the end"),
        ("(kicad_pcb\n" + "(" * 100, "line 2: lists are nested deeper than 64"),
        ("(kicad_pcb\n(footprint a))", r"line 2: \(footprint …\) has no \(at …\)"),
        ("(kicad_pcb\n(footprint a\n(at 1)))", r"line 3: \(at …\) has no value 2"),
        ("(kicad_pcb\n(footprint a\n(at 1 x)))", r"line 3: \(at …\) needs a number, not 'x'"),
        ("(kicad_pcb\n(footprint a\n(at nan 1)))", "line 3: .* impossible number nan"),
        ("(kicad_pcb\n(footprint a\n(at 1e300 1)))", "line 3: .* impossible number 1e300"),
        ("(kicad_pcb\n(footprint " + "a" * 5000 + "(at 0 0) (pad 1 smd rect (at 0 0) (size 1 1))))", "5000 characters"),
        ("(kicad_pcb\n(gr_line (start 0 0) (end 1 0) (layer Edge.Cuts)))", "line 2: the board edge is open at x 1.000"),
        ("(kicad_pcb\n(gr_curve (pts (xy 0 0)) (layer Edge.Cuts)))", "line 2: .* needs 4 control points"),
        ("(kicad_pcb\n(gr_arc (start 0 0) (end 1 0) (layer Edge.Cuts)))", r"line 2: \(gr_arc …\) has no \(angle …\)"),
        ("(kicad_pcb\n(gr_poly (pts) (layer Edge.Cuts)))", r"line 2: \(pts …\) is empty"),
    ],
)  # fmt: skip
def test_bad_files_name_file_and_line(tmp_path, text, message):
    """A file that is no board is refused with its name, the line and what is wrong."""
    path = tmp_path / "bad.kicad_pcb"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        Board.from_kicad(path)
    assert str(path) in str(caught.value)


def test_bytes_that_are_no_text(tmp_path):
    """A binary file is refused as such."""
    path = tmp_path / "bad.kicad_pcb"
    path.write_bytes(b"(kicad_pcb\n(net 0 \xff\xfe))")
    with pytest.raises(ValueError, match="line 2: not UTF-8"):
        Board.from_kicad(path)


def test_a_file_that_is_too_large(tmp_path):
    """A file above the bound is refused after reading no more than the bound."""
    path = tmp_path / "huge.kicad_pcb"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ValueError, match="larger than 64 MiB"):
        Board.from_kicad(path)


def test_a_missing_file():
    """A path that is not there is an error of the world, not of the format."""
    with pytest.raises(FileNotFoundError):
        Board.from_kicad("/nowhere/at/all.kicad_pcb")


@given(st.text(alphabet='()"\\ \na1.-', max_size=200))
def test_any_text_is_parsed_or_refused(text):
    """Whatever the text, parsing ends with a tree or a ValueError."""
    told = ""
    try:
        root = sexpr.parse(text)
    except ValueError as error:
        root, told = None, str(error)
    assert isinstance(root, sexpr.Node) or told.startswith("line ")


def test_quoted_text_is_taken_literally():
    """Parentheses, escapes and line ends inside quotes are text, and lines are counted on."""
    root = sexpr.parse('(a "x) \\"(\\\\ \n" (b\n(c 1)))')
    assert root.text() == 'x) "(\\ \n'
    child = root.required("b").required("c")
    assert (child.line, child.number()) == (3, 1.0)


def test_unwanted_lists_are_dropped():
    """Copper is checked for balance and not kept."""
    root = sexpr.parse("(kicad_pcb (zone (pts (xy 1 2))) (net 0 a))", keep={"net"})
    assert [node.name for node in root.values if isinstance(node, sexpr.Node)] == ["net"]


def test_the_sample_board():
    """The bundled board has 120 parts or more on both sides, in modules, wired, inside the edge and apart."""
    sample = Board.from_kicad(SAMPLE)
    assert len(sample.parts) >= 120
    assert len({part.ref for part in sample.parts}) == len(sample.parts)
    assert {part.layer for part in sample.parts} == {TOP, BOTTOM}
    assert len(sample.module_names()) >= 8
    assert all(len(pins) > 1 for _, pins in sample.nets)
    assert (len(sample.outlines), len(sample.holes)) == (1, 5)
    assert area(sample.outlines[0]) == pytest.approx(100 * 80 - 25 * (4 - math.pi), rel=1e-3)


def test_the_sample_board_is_the_generated_one():
    """The generator beside the tests makes the bundled file byte for byte."""
    location = Path(__file__).parents[1] / "make_sample_board.py"
    spec = importlib.util.spec_from_file_location("make_sample_board", location)
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert SAMPLE.read_bytes() == generator.board_text().encode()


@given(st.lists(st.tuples(st.integers(-8, 8), st.integers(-8, 8)), min_size=3, max_size=12))
def test_a_filled_polygon_is_what_it_contains(corners_of):
    """Filling a grid row by row and asking for each point give the same, however the polygon crosses itself."""
    polygon = np.array(corners_of, dtype=float)
    xs, ys = np.arange(-9.25, 9.5, 0.5), np.arange(-9.25, 9.5, 0.5)
    points = np.stack(np.meshgrid(xs, ys), axis=-1)
    filled = fill(polygon, xs, ys)
    assert np.array_equal(filled, contains(polygon, points))
    assert [bool(contains(polygon, points[5, k])) for k in range(len(xs))] == filled[5].tolist()
