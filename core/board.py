"""A printed circuit board as a placement sees it: parts with pads, sides, nets, outline and holes.

Lengths are millimetres, x, y is the centre of a part's box, y points down, positive degrees turn clockwise on screen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .geometry import Points
from .messages import PlacementFrame, PlacementScene

TOP, BOTTOM = 0, 1
RECTANGLE, ROUND, OVAL = 0, 1, 2


@dataclasses.dataclass(frozen=True, slots=True)
class Pad:
    """A pad of a part.

    Args:
        number: its name in the footprint. net: name of its net, "" when it has none.
        x, y, width, height, degrees: box relative to the centre of the unrotated part.
        shape: RECTANGLE, ROUND or OVAL. through: it passes through the board.
    """

    number: str
    net: str
    x: float
    y: float
    width: float
    height: float
    degrees: float = 0.0
    shape: int = RECTANGLE
    through: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A footprint on the board.

    Args:
        ref: reference, unique on the board. value, footprint: as in the file.
        x, y: centre of its box on the board. degrees: how far the box and its pads are turned about that centre.
        layer: TOP or BOTTOM.
        width, height: of the unrotated box: the courtyard, or pads and body where there is none.
        module: the schematic sheet it comes from, "" when the file does not tell.
        locked: the user does not want it moved.
    """

    ref: str
    value: str
    footprint: str
    x: float
    y: float
    degrees: float
    layer: int
    width: float
    height: float
    pads: tuple[Pad, ...] = ()
    module: str = ""
    locked: bool = False

    @property
    def through(self) -> bool:
        """Tell whether it needs room on both sides of the board."""
        return any(pad.through for pad in self.pads)


Net = tuple[str, tuple[tuple[int, int], ...]]


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Board:
    """Parts, nets and edge of a board.

    Args:
        name: of the board, the file's name without its ending.
        parts: in file order.
        outlines, holes: closed polygons, f8[k, 2] each; holes include mounting holes drawn on the edge layer.
        nets: (name, ((part index, index of the pad within that part), …)) for every net with a pad.
    """

    name: str
    parts: tuple[Part, ...]
    outlines: tuple[Points, ...] = ()
    holes: tuple[Points, ...] = ()
    nets: tuple[Net, ...] = ()

    @classmethod
    def from_kicad(cls, path: str | Path) -> Board:
        """Read a ``.kicad_pcb`` file of KiCad 5 to 9.

        Args:
            path: the file; its content is not trusted.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is not such a board, or larger than any board; the message names the file and the line.
        """
        from .kicad import read_board

        return read_board(Path(path))

    def module_names(self) -> list[str]:
        """Return the names of the groups of parts: schematic sheets, or kinds of part where the file has no sheets."""
        return sorted(set(self.part_modules()))

    def part_modules(self) -> list[str]:
        """Return the group of each part, see ``module_names``."""
        if any(part.module for part in self.parts):
            return [part.module or "other" for part in self.parts]
        return [_kind(part.ref) for part in self.parts]

    def scene(self, modules: Sequence[tuple[str, str | None]] | None = None, *, number: int = 0) -> PlacementScene:
        """Return the fixed part of the placement.

        Args:
            modules: (name, "#rrggbb" or None) pairs; None means ``module_names`` with the viewer's own colours.
            number: of the scene; 0 lets the Broadcaster give one.
        """
        parts = self.parts
        pads = [pad for part in parts for pad in part.pads]
        counts = [len(part.pads) for part in parts]
        first = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
        if modules is None:
            modules = [(name, None) for name in self.module_names()]
        return PlacementScene(
            refs=tuple(part.ref for part in parts),
            size=np.array([(part.width, part.height) for part in parts], dtype="<f4").reshape(-1, 2),
            scene=number,
            outlines=self.outlines,
            holes=self.holes,
            modules=tuple(modules),
            nets=tuple((name, tuple((part, int(first[part]) + pad) for part, pad in pins)) for name, pins in self.nets),
            layer=np.array([part.layer for part in parts], dtype="u1"),
            pads=np.array([(p.x, p.y, p.width, p.height, p.degrees) for p in pads], dtype="<f4").reshape(-1, 5),
            pad_owner=np.repeat(np.arange(len(parts), dtype="<u4"), counts),
            pad_shape=np.array([pad.shape for pad in pads], dtype="u1"),
        )

    def module_indices(self, modules: Sequence[tuple[str, str | None]]) -> np.ndarray:
        """Return u2[n], for each part the index of its group in ``modules``.

        Raises:
            ValueError: a group is not among them.
        """
        index = {name: position for position, (name, _) in enumerate(modules)}
        missing = sorted(set(self.part_modules()) - index.keys())
        if missing:
            raise ValueError(f"modules: not among them {missing[:5]}")
        return np.array([index[name] for name in self.part_modules()], dtype="<u2")

    def frame(self, scene: PlacementScene | None = None) -> PlacementFrame:
        """Return where the file has the parts.

        Args:
            scene: the scene of this board that the frame belongs to; None means the newest of the stream.
        """
        modules = scene.modules if scene is not None else [(name, None) for name in self.module_names()]
        return PlacementFrame(
            position=np.array([(p.x, p.y, p.degrees) for p in self.parts], dtype="<f4").reshape(-1, 3),
            scene=scene.scene if scene is not None else 0,
            label=self.name,
            phase="initial",
            module=self.module_indices(modules),
        )


_KINDS = {
    "C": "capacitors",
    "D": "diodes",
    "F": "fuses",
    "FB": "inductors",
    "H": "mechanical",
    "J": "connectors",
    "L": "inductors",
    "LED": "diodes",
    "MH": "mechanical",
    "P": "connectors",
    "Q": "transistors",
    "R": "resistors",
    "RN": "resistors",
    "SW": "switches",
    "TP": "test points",
    "U": "circuits",
    "IC": "circuits",
    "X": "crystals",
    "Y": "crystals",
}


def _kind(ref: str) -> str:
    return _KINDS.get(ref.rstrip("0123456789#*?").upper(), "other")
