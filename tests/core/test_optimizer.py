"""The placement optimizer: its numbers against plain arithmetic, and legal results judged by geometry of its own."""

import dataclasses
import itertools
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockscope.core.board import BOTTOM, TOP, Board, Pad, Part
from dockscope.core.demos.legalize import Legalizer
from dockscope.core.demos.placer import ATTRACTION, BOUNDARY, REPULSION, Placer
from dockscope.core.demos.problem import Problem, overlaps
from dockscope.core.demos.region import Region
from dockscope.core.demos.wirelength import Wires
from dockscope.core.geometry import contains, corners, turn

SAMPLE = Path(__file__).parents[2] / "resources" / "boards" / "sample.kicad_pcb"
SQUARE = np.array([(0, 0), (40, 0), (40, 40), (0, 40)], dtype=float)
ELL = np.array([(0, 0), (40, 0), (40, 20), (20, 20), (20, 40), (0, 40)], dtype=float)


@pytest.fixture(scope="module")
def sample():
    return Board.from_kicad(SAMPLE)


def part(ref: str, nets: str = "AB", x: float = 20.0, y: float = 20.0, **fields) -> Part:
    pads = tuple(Pad(str(i), net, i - 0.5, 0.0, 0.5, 0.5) for i, net in enumerate(nets))
    values = {"value": "", "footprint": "", "degrees": 0.0, "layer": TOP, "width": 4.0, "height": 2.0, "pads": pads}
    return Part(ref, x=x, y=y, **{**values, **fields})


def board(parts, outline: np.ndarray | None = SQUARE, holes=()) -> Board:
    pins: dict[str, list[tuple[int, int]]] = {}
    for index, owner in enumerate(parts):
        for number, pad in enumerate(owner.pads):
            pins.setdefault(pad.net, []).append((index, number))
    nets = tuple((name, tuple(pins[name])) for name in sorted(pins) if name)
    return Board("test", tuple(parts), () if outline is None else (outline,), tuple(holes), nets)


def place(problem: Problem, iterations: int, seed: int = 1) -> tuple[Placer, float]:
    placer = Placer(problem, iterations, seed)
    start = placer.hpwl()
    for _ in range(iterations):
        placer.step()
    legalizer = Legalizer(placer, seed)
    deque(legalizer.legalize(), maxlen=0)
    deque(legalizer.improve(), maxlen=0)
    return placer, start


def box(owner: Part, position) -> np.ndarray:
    """The corners of a part where a frame, with its 32-bit numbers, has it."""
    x, y, degrees = np.asarray(position, dtype="<f4").astype(float)
    return (x, y) + turn(corners(owner.width, owner.height), degrees)


def overlapping(parts, positions) -> list[tuple[str, str]]:
    found = []
    boxes = [box(owner, position) for owner, position in zip(parts, positions, strict=True)]
    for (p, a), (q, b) in itertools.combinations(zip(parts, boxes, strict=True), 2):
        apart = p.layer != q.layer and not p.through and not q.through
        inside = (a.min(axis=0) < b.max(axis=0)) & (b.min(axis=0) < a.max(axis=0))
        if not apart and inside.all():
            found.append((p.ref, q.ref))
    return found


def off_board(loaded: Board, positions) -> list[str]:
    """Parts of which a point of the edge, followed in steps of 0.25 mm, is off the board, or that cover a hole."""
    outside = []
    along = np.linspace(0.0, 1.0, 80)[:, None]
    for owner, position in zip(loaded.parts, positions, strict=True):
        at = box(owner, position)
        points = np.concatenate([a + along * (b - a) for a, b in zip(at, np.roll(at, 1, axis=0), strict=True)])
        on = contains(loaded.outlines[0], points).all() and not any(contains(h, points).any() for h in loaded.holes)
        middles = np.array([hole.mean(axis=0) for hole in loaded.holes]).reshape(-1, 2)
        if not on or contains(at, middles).any():
            outside.append(owner.ref)
    return outside


@pytest.mark.parametrize("seed", [1, 2])
def test_the_sample_board_is_placed(sample, seed):
    """From a random start, wire length is at least halved, nothing overlaps and everything lies on the board."""
    placer, start = place(Problem.of(sample), 300, seed)
    positions = placer.position()
    assert placer.hpwl() <= start / 2
    assert overlapping(sample.parts, positions) == []
    assert off_board(sample, positions) == []


def test_the_start_is_random_and_on_the_board(sample):
    """Another seed is another start, all on the board; the same seed is the same run."""
    problem = Problem.of(sample)
    one, other, same = Placer(problem, 10, 1), Placer(problem, 10, 2), Placer(problem, 10, 1)
    assert off_board(sample, one.first) == []
    assert not np.allclose(one.first, other.first)
    for _ in range(5):
        one.step()
        same.step()
    assert np.array_equal(one.position(), same.position())


def test_wire_length_is_that_of_the_pins(sample):
    """HPWL is the half perimeter of each net's pins, parts turned, over all nets."""
    placer = Placer(Problem.of(sample), 10, 1)
    expected = 0.0
    for _, pins in sample.nets:
        points = [
            placer.centre[i] + turn((sample.parts[i].pads[k].x, sample.parts[i].pads[k].y), float(placer.degrees[i]))
            for i, k in pins
        ]
        expected += float(np.ptp(np.array(points), axis=0).sum()) if len({i for i, _ in pins}) > 1 else 0.0
    assert placer.hpwl() == pytest.approx(expected)


def test_the_smooth_wire_length_has_its_slope():
    """The slope handed out is the derivative of the smooth wire length, which is an upper bound of HPWL."""
    random = np.random.default_rng(5)
    wires = Wires([[(0, 0, 0), (1, 1, 0), (2, 0, 1)], [(1, 0, 0), (2, 0.5, 0.5)], [(2, 0, 0), (2, 1, 1)]])
    assert wires.count == 2  # the third net has both pins on one part
    pins = random.normal(0, 10, (5, 2))
    length, slope = wires.smooth(pins, 2.0)
    assert length >= wires.hpwl(pins)
    for pin, axis in np.ndindex(5, 2):
        step = np.zeros_like(pins)
        step[pin, axis] = 1e-5
        rise = (wires.smooth(pins + step, 2.0)[0] - wires.smooth(pins - step, 2.0)[0]) / 2e-5
        assert slope[pin, axis] == pytest.approx(rise, abs=1e-6)


@given(st.integers(0, 10_000))
@settings(max_examples=40)
def test_overlaps_are_all_found(seed):
    """The sweep finds the same pairs as comparing every box with every other, sides considered."""
    random = np.random.default_rng(seed)
    parts = [
        part(f"U{i}", x=x, y=y, width=w, height=h, layer=int(side))
        for i, (x, y, w, h, side) in enumerate(
            zip(*random.uniform(1, 12, (4, 25)), random.integers(TOP, BOTTOM + 1, 25), strict=True)
        )
    ]
    problem = Problem.of(board(parts))
    i, j, depth = overlaps(problem, problem.given[:, :2], problem.size / 2)
    found = {tuple(sorted(pair)) for pair in zip(i.tolist(), j.tolist(), strict=True)}
    positions = problem.given
    expected = {
        (a, b)
        for a, b in itertools.combinations(range(25), 2)
        if parts[a].layer == parts[b].layer
        and (np.abs(positions[a, :2] - positions[b, :2]) < (problem.size[a] + problem.size[b]) / 2).all()
    }
    assert found == expected
    assert (depth > 0).all()


@pytest.mark.parametrize(
    ("centre", "half", "fits"),
    [
        ((5, 5), (5, 5), True),  # touches two edges
        ((5, 5), (5.1, 5), False),
        ((18, 18), (3, 1), True),
        ((19, 22), (3, 1), False),  # crosses the notch
        ((30, 30), (1, 1), False),  # in the notch
        ((10, 30), (9, 9), False),  # covers the hole
        ((5, 32), (2, 2), True),
        ((10, 30), (0.5, 0.5), False),  # in the hole
    ],
)
def test_what_fits_on_a_board(centre, half, fits):
    """A box fits if it crosses no edge, lies inside the outline and has no hole in it, however small."""
    hole = np.array([(9, 29), (11, 29), (11, 31), (9, 31)], dtype=float)
    region = Region([ELL], [hole])
    at, size = np.array([centre], dtype=float), np.array([half], dtype=float)
    assert bool(region.holds(at, size)[0]) is fits


def test_the_edge_pushes_back_onto_the_board():
    """A part beyond the edge is pushed towards the board."""
    region = Region([SQUARE])
    push = region.push(np.array([(42.0, 20.0), (20.0, -1.0), (20.0, 20.0)]), np.full((3, 2), 2.0))
    assert push[0, 0] < -3
    assert push[1, 1] > 2
    assert np.allclose(push[2], 0)


def test_forces_by_kind():
    """Wires pull parts together, overlap pushes them apart, fixed parts feel nothing."""
    parts = [
        part("R1", "AB", 10, 20),
        part("R2", "AC", 30, 20),
        part("R3", "B", 10.5, 20),
        part("R4", "C", locked=True),
    ]
    placer = Placer(Problem.of(board(parts)), 10, 1)
    placer.centre[:] = [(p.x, p.y) for p in parts]
    for index in range(len(parts)):
        placer.turn_to(index, 0)
    forces, energy = placer.forces()
    assert forces[ATTRACTION, 0, 0] > 0 > forces[ATTRACTION, 1, 0]
    assert forces[REPULSION, 0].any()
    assert np.allclose(forces[REPULSION, 0], -forces[REPULSION, 2])
    assert not forces[BOUNDARY].any()
    assert not forces[:, 3].any()
    assert energy > placer.hpwl()


def test_what_stays():
    """Locked parts, parts without nets and connectors at the edge keep their place; other connectors do not."""
    parts = [
        part("R1"),
        part("R2", locked=True, x=10.25),
        part("H1", "", y=10.25),
        part("J1", x=3.0),
        part("J2", x=20.0),
        part("U1", x=2.0),
    ]
    problem = Problem.of(board(parts))
    assert problem.movable.tolist() == [True, False, False, False, True, True]
    placer, _ = place(problem, 30)
    assert np.array_equal(placer.position()[~problem.movable], problem.given[~problem.movable])


def test_parts_with_through_pads_take_both_sides():
    """Nothing stands behind a part whose pads go through the board."""
    pad = Pad("1", "A", 0, 0, 1, 1, through=True)
    parts = [part("J1", pads=(pad,), layer=TOP), part("R1", "A", layer=BOTTOM), part("R2", "A", layer=TOP)]
    problem = Problem.of(board(parts))
    i, j, _ = overlaps(problem, problem.given[:, :2], problem.size / 2)
    assert {frozenset(pair) for pair in zip(i.tolist(), j.tolist(), strict=True)} == {
        frozenset((0, 1)),
        frozenset((0, 2)),
    }


def test_a_turn_that_shortens_wire_is_taken():
    """A part between two fixed pads the wrong way round is turned by 180 degrees."""
    ends = [part("H1", "A", 10, 20, locked=True), part("H2", "B", 30, 20, locked=True)]
    placer = Placer(Problem.of(board([*ends, part("R1", "BA")])), 200, 3)
    placer.centre[2] = 20, 20
    placer.turn_to(2, 0)
    for _ in range(3):
        placer.step()
    assert placer.degrees[2] == 180


def test_placing_on_a_board_with_a_notch_and_holes():
    """The legal result respects concave outlines and holes, not only their bounding box."""
    hole = np.array([(8, 8), (12, 8), (12, 12), (8, 12)], dtype=float)
    parts = [part(f"R{i}", "AB" if i % 2 else "BC") for i in range(40)]
    loaded = board(parts, ELL, [hole])
    placer, _ = place(Problem.of(loaded), 200)
    assert overlapping(parts, placer.position()) == []
    assert off_board(loaded, placer.position()) == []


def test_a_crowded_board_is_packed():
    """Parts that cover three quarters of the board still find room, the large ones first."""
    parts = [part(f"U{i}", width=9.0, height=9.0) for i in range(9)]
    parts += [part(f"R{i}", width=3.0, height=3.0) for i in range(49)]
    placer, _ = place(Problem.of(board(parts)), 100)
    assert overlapping(parts, placer.position()) == []


def test_a_board_that_is_too_small_says_so():
    """Where there is no room the overlaps that remain are counted, not hidden."""
    parts = [part(f"U{i}", width=15.0, height=15.0) for i in range(9)]
    placer, _ = place(Problem.of(board(parts)), 50)
    assert len(placer.overlaps()) == len(overlapping(parts, placer.position())) > 0


def test_a_part_larger_than_the_board_is_told():
    """A part that fits nowhere is counted as off the board and disturbs nothing else."""
    placer, _ = place(Problem.of(board([part("U1", width=60.0, height=60.0), part("R1"), part("R2")])), 20)
    assert placer.outside().tolist() == [True, False, False]


def test_a_board_without_outline_gets_room():
    """Parts of a board without an outline are placed in a square around where they were."""
    parts = [part(f"R{i}") for i in range(20)]
    placer, _ = place(Problem.of(board(parts, outline=None)), 50)
    assert overlapping(parts, placer.position()) == []
    assert not placer.outside().any()


def test_a_board_without_parts_is_refused():
    """An empty board is an error that says so."""
    with pytest.raises(ValueError, match="no parts"):
        Problem.of(board([]))


def test_cooling_can_be_tuned(sample):
    """Twice the cooling is half the way to cold; the temperature never rises and the moves shrink."""
    problem = Problem.of(sample)
    normal, fast = Placer(problem, 100, 1), Placer(problem, 100, 1)
    fast.tuning = dataclasses.replace(fast.tuning, cooling=2.0)
    heats = [(normal.step().temperature, fast.step().temperature) for _ in range(20)]
    assert all(b[0] < a[0] for a, b in itertools.pairwise(heats))
    assert heats[-1][1] == pytest.approx(heats[-1][0] ** 2)
    moves = [normal.step().max_move for _ in range(80)]
    assert moves[-1] <= 0.03


@pytest.mark.parametrize(
    "parts", [[part("R1", "")], [part("R1", "A"), part("R2", "B")], [part("R1", "AB"), part("R2", "AB", locked=True)]]
)
def test_little_to_do(parts):
    """Boards with nothing to move, without a net between parts, or with a single movable part are placed as well."""
    placer, _ = place(Problem.of(board(parts)), 20)
    assert np.isfinite(placer.position()).all()
    assert overlapping(parts, placer.position()) == []
