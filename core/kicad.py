"""Read KiCad board files (.kicad_pcb, KiCad 5 to 9) into a ``Board``.

In such a file y points down, a positive angle turns counter-clockwise on screen, a footprint's drawings and pads are
relative to its unrotated anchor (already mirrored on the back side), and a pad's angle is the one it has on the board.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .board import BOTTOM, OVAL, RECTANGLE, ROUND, TOP, Board, Net, Pad, Part
from .geometry import Points, box_of, corners, turn
from .outline import Piece, close_loops, shape_points, split_holes
from .sexpr import MAX_BYTES, Node, parse

MAX_PARTS = 100_000
MAX_PADS = 1_000_000
SMALLEST_MM = 0.1

_BOARD_SHAPES = ("gr_line", "gr_arc", "gr_circle", "gr_rect", "gr_poly", "gr_curve")
_PART_SHAPES = ("fp_line", "fp_arc", "fp_circle", "fp_rect", "fp_poly", "fp_curve")
_PARTS = ("footprint", "module")  # "module" until KiCad 5
_KEEP = frozenset((*_BOARD_SHAPES, *_PARTS, "net", "version"))
_PAD_SHAPES = {"circle": ROUND, "oval": OVAL}
_SHEET_FILE = re.compile(r"\.kicad_sch$|\.sch$")


def read_board(path: Path) -> Board:
    """Read a board file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a KiCad board or breaks a bound; the message names the file and the line.
    """
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    try:
        if len(content) > MAX_BYTES:
            raise ValueError(f"larger than {MAX_BYTES >> 20} MiB")
        return board_from_text(content.decode("utf-8"), path.stem)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{path}: line {line}: not UTF-8 text") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def board_from_text(text: str, name: str) -> Board:
    """Return the board that the text of a ``.kicad_pcb`` file describes.

    Raises:
        ValueError: it is not a KiCad board or breaks a bound; the message names the line.
    """
    root = parse(text, _KEEP)
    if root.name != "kicad_pcb":
        raise ValueError(f"line {root.line}: not a KiCad board, it starts with ({root.name[:40]}")
    footprints = list(root.children(*_PARTS))
    if len(footprints) > MAX_PARTS:
        raise footprints[MAX_PARTS].error(f"is one more than the {MAX_PARTS} parts that are read")
    pieces = [Piece(shape_points(node), node.line) for node in root.children(*_BOARD_SHAPES) if _on(node, "Edge.Cuts")]
    nets_by_number = {net.text(): net.text(1) for net in root.children("net") if len(net.words()) > 1}
    parts: list[Part] = []
    pads = 0
    for node in footprints:
        footprint = _Footprint(node, nets_by_number)
        pieces += footprint.edge_pieces()
        if footprint.placeable:
            parts.append(footprint.part())
            pads += len(parts[-1].pads)
            if pads > MAX_PADS:
                raise node.error(f"brings the pads above the {MAX_PADS} that are read")
    outlines, holes = split_holes(close_loops(pieces))
    parts = _unique(parts)
    return Board(name, tuple(parts), tuple(outlines), tuple(holes), _nets(parts))


def _nets(parts: Sequence[Part]) -> tuple[Net, ...]:
    pins: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for index, part in enumerate(parts):
        for number, pad in enumerate(part.pads):
            if pad.net:
                pins[pad.net].append((index, number))
    return tuple((name, tuple(pins[name])) for name in sorted(pins))


def _unique(parts: Sequence[Part]) -> list[Part]:
    """Give parts that share a reference (mounting holes are all "REF**") names of their own."""
    taken: set[str] = set()
    copies: Counter[str] = Counter()
    result: list[Part] = []
    for part in parts:
        ref = part.ref
        while ref in taken:
            copies[part.ref] += 1
            ref = f"{part.ref}#{copies[part.ref] + 1}"
        taken.add(ref)
        result.append(part if ref == part.ref else dataclasses.replace(part, ref=ref))
    return result


def _on(node: Node, *layers: str) -> bool:
    return any(word in layers for item in node.children("layer", "layers") for word in item.words())


class _Footprint:
    """One footprint of the file, read in its own unrotated frame and then laid on the board."""

    def __init__(self, node: Node, nets_by_number: dict[str, str]) -> None:
        self._node = node
        self._nets = nets_by_number
        place = node.required("at")
        self._anchor = np.array(place.point())
        self._angle = place.number(2, 0.0)
        self._pads = list(node.children("pad"))
        self._courtyard = self._drawn("F.CrtYd", "B.CrtYd")

    @property
    def placeable(self) -> bool:
        """Tell whether it takes room: a logo or a piece of the board's edge has neither pads nor courtyard."""
        return bool(self._pads or self._courtyard)

    def edge_pieces(self) -> list[Piece]:
        """Return its drawings on the edge layer, in board coordinates."""
        shapes = [shape for shape in self._node.children(*_PART_SHAPES) if _on(shape, "Edge.Cuts")]
        return [Piece(self._anchor + turn(shape_points(shape), -self._angle), shape.line) for shape in shapes]

    def part(self) -> Part:
        """Return the part this footprint is."""
        pads = [_PadReader(pad, self._angle, self._nets) for pad in self._pads]
        left, top, right, bottom = self._box(pads)
        centre = np.array([(left + right) / 2, (top + bottom) / 2])
        x, y = self._anchor + turn(centre, -self._angle)
        node = self._node
        return Part(
            ref=self._property("Reference", "reference") or "?",
            value=self._property("Value", "value"),
            footprint=node.text(),
            x=float(x),
            y=float(y),
            degrees=-self._angle % 360.0,
            layer=BOTTOM if _on(node, "B.Cu") else TOP,
            width=max(right - left, SMALLEST_MM),
            height=max(bottom - top, SMALLEST_MM),
            pads=tuple(pad.pad(centre) for pad in pads),
            module=self._sheet(),
            locked="locked" in node.words() or self._says_yes("locked"),
        )

    def _drawn(self, *layers: str) -> list[Points]:
        return [shape_points(shape) for shape in self._node.children(*_PART_SHAPES) if _on(shape, *layers)]

    def _box(self, pads: Sequence[_PadReader]) -> tuple[float, float, float, float]:
        if self._courtyard:
            return box_of(np.concatenate(self._courtyard))
        body = self._drawn("F.Fab", "B.Fab") or self._drawn("F.SilkS", "B.SilkS")
        return box_of(np.concatenate([*body, *(pad.outline() for pad in pads)]))

    def _property(self, name: str, text_kind: str) -> str:
        """Return a property of KiCad 8 and later, or the text that stood for it before."""
        for item in self._node.children("property"):
            if item.text(0, "") == name:
                return item.text(1, "")
        for item in self._node.children("fp_text"):
            if item.text(0, "") == text_kind:
                return item.text(1, "")
        return ""

    def _sheet(self) -> str:
        for sheet in self._node.children("sheetname"):
            name = sheet.text(0, "")
            break
        else:
            name = self._property("Sheetname", "")
        name = name.rstrip("/").rpartition("/")[2]
        return "" if name == "Root" else _SHEET_FILE.sub("", name)

    def _says_yes(self, name: str) -> bool:
        node = self._node.child(name)
        return node is not None and node.text(0, "yes") != "no"


class _PadReader:
    """One pad: its box in the frame of the unrotated footprint."""

    def __init__(self, node: Node, footprint_angle: float, nets_by_number: dict[str, str]) -> None:
        place = node.required("at")
        self._node = node
        self._degrees = (footprint_angle - place.number(2, 0.0)) % 360.0
        self._net = _net_name(node.child("net"), nets_by_number)
        left, top, right, bottom = self._shape_box()
        middle = ((left + right) / 2, (top + bottom) / 2)
        self._centre = np.array(place.point()) + turn(middle, self._degrees)
        self._width, self._height = right - left, bottom - top

    def outline(self) -> Points:
        """Return the corners f8[4, 2] of its box."""
        return self._centre + turn(corners(self._width, self._height), self._degrees)

    def pad(self, centre: Points) -> Pad:
        """Return the pad relative to the centre of its part."""
        x, y = self._centre - centre
        return Pad(
            number=self._node.text(0, ""),
            net=self._net,
            x=float(x),
            y=float(y),
            width=self._width,
            height=self._height,
            degrees=self._degrees,
            shape=_PAD_SHAPES.get(self._node.text(2, "rect"), RECTANGLE),
            through=self._node.text(1, "smd") in ("thru_hole", "np_thru_hole"),
        )

    def _shape_box(self) -> tuple[float, float, float, float]:
        """Return the box of the copper about the pad's position, before the pad is turned."""
        width, height = (abs(value) for value in self._node.required("size").point())
        kind = self._node.text(2, "rect")
        delta = self._node.child("rect_delta")
        if kind == "trapezoid" and delta is not None:
            width, height = width + abs(delta.number(1)), height + abs(delta.number(0))
        points = [corners(width, height)]
        primitives = self._node.child("primitives")
        if kind == "custom" and primitives is not None:
            points += [shape_points(shape) for shape in primitives.children(*_BOARD_SHAPES)]
        drill = self._node.child("drill")
        offset = drill.child("offset") if drill is not None else None
        return box_of(np.concatenate(points) + (offset.point() if offset is not None else (0.0, 0.0)))


def _net_name(net: Node | None, nets_by_number: dict[str, str]) -> str:
    """Return the name in ``(net 3 "GND")``, ``(net "GND")`` or ``(net 3)``."""
    if net is None:
        return ""
    words = net.words()
    return net.text(1) if len(words) > 1 else nets_by_number.get(words[0], net.text()) if words else ""
