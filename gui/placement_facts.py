"""What is known of a part, of a frame and of what is under the mouse, as plain text. No Qt."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..core.export import cell
from ..core.messages import PlacementFrame
from . import plain_text
from .placement_frame import FrameShapes
from .placement_shapes import SceneShapes
from .placement_style import FORCE_KINDS

PAD_SHAPES = ("rectangle", "round", "oval")
MAX_LISTED = 200
MAX_CHARACTERS = 80


@dataclass(frozen=True)
class Fact:
    """One thing known: a name, its value, and what belongs to it. ``part`` is the part it speaks of, if another."""

    name: str
    value: str = ""
    part: int | None = None
    below: tuple[Fact, ...] = ()


def one_line(text: str, limit: int = MAX_CHARACTERS) -> str:
    """Return received text as one line of at most ``limit`` characters."""
    return plain_text.one_line(text, limit)


def number(value: float) -> str:
    """Write a measured value with four digits."""
    if not math.isfinite(value):
        return "–"
    if value and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.3e}".replace("-", "−")
    digits = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{min(digits, 3)}f}".replace(",", "\u2009").replace("-", "−")


def length(value: float) -> str:
    """Write a coordinate to a hundredth."""
    return f"{value:.2f}".replace("-", "−") if math.isfinite(value) else "–"


def degrees(value: float) -> str:
    """Write an angle within 0 … 360°."""
    return f"{round(value % 360.0, 1) % 360.0:g}°" if math.isfinite(value) else "–"


def counted(count: int, noun: str) -> str:
    """Write "1 net", "2 nets"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def side(shapes: SceneShapes, part: int) -> str:
    """Return the side a part is on."""
    return "bottom" if shapes.bottom[part] else "top"


def unit(shapes: SceneShapes) -> str:
    """Return the scene's unit of length."""
    return one_line(shapes.scene.unit, 12)


def readout(frame: FrameShapes, part: int, pad: int | None) -> str:
    """Return the line shown for the part under the mouse; ``pad`` is the number of the pad there."""
    shapes = frame.shapes
    x, y, turn = map(float, frame.position[part])
    width, height = map(float, shapes.size[part])
    words = [
        one_line(shapes.scene.refs[part], 40),
        one_line(shapes.module_name(int(frame.module[part])), 40),
        side(shapes, part),
        f"{length(x)}, {length(y)} {unit(shapes)}",
        degrees(turn),
        f"{length(width)} × {length(height)} {unit(shapes)}",
        counted(len(shapes.nets_of(part)), "net"),
    ]
    if pad is not None:
        nets = _nets_of_pad(shapes, pad)
        words.append(f"pad on {', '.join(nets)}" if nets else "pad without net")
    return "  ·  ".join(word for word in words if word)


def _nets_of_pad(shapes: SceneShapes, pad: int) -> list[str]:
    return [one_line(shapes.scene.nets[net][0], 40) for net in np.unique(shapes.pin_net[shapes.pin_pad == pad])[:4]]


def headline(shapes: SceneShapes, frame: PlacementFrame | None) -> list[tuple[str, str]]:
    """Return the values of a frame for the line above the picture: (caption, value), the most wanted first."""
    if frame is None:
        return []
    pairs: list[tuple[str, str]] = []
    if frame.iteration is not None:
        pairs.append(("iteration", f"{frame.iteration:,}".replace(",", "\u2009")))
    if frame.phase:
        pairs.append(("phase", one_line(frame.phase, 24)))
    if frame.energy is not None:
        pairs.append(("energy", number(frame.energy)))
    if frame.total_wire_length is not None:
        pairs.append(("HPWL", f"{number(frame.total_wire_length)} {unit(shapes)}"))
    overlaps = frame.overlap_count
    if overlaps is None and frame.overlap is not None:
        overlaps = len(frame.overlap)
    if overlaps is not None:
        pairs.append(("overlaps", f"{overlaps:,}".replace(",", "\u2009")))
    if frame.max_move is not None:
        pairs.append(("max move", f"{number(frame.max_move)} {unit(shapes)}"))
    pairs += [(one_line(name, 24), number(value)) for name, value in list(frame.fields.items())[:8]]
    if not pairs and frame.label:
        pairs.append(("", one_line(frame.label, 60)))
    return pairs


def parts_table(frame: FrameShapes) -> list[list[str]]:
    """Return a row for every part, ref, x, y, deg, side, module, below a row of these names."""
    shapes, module = frame.shapes, frame.module.tolist()
    rows = [["ref", "x", "y", "deg", "side", "module"]]
    for part, (x, y, turn) in enumerate(frame.position.tolist()):
        numbers = [f"{value:.6g}" for value in (x, y, turn)]
        name, group = cell(shapes.scene.refs[part]), cell(shapes.module_name(module[part]))
        rows.append([name, *numbers, side(shapes, part), group])
    return rows


def part_facts(shapes: SceneShapes, frame: FrameShapes | None, part: int) -> list[Fact]:
    """Return everything known of a part.

    Args:
        frame: the frame shown; None leaves out what only a frame tells.
    """
    width, height = map(float, shapes.size[part])
    result = [] if frame is None else _place(frame, part)
    result += [Fact("Side", side(shapes, part)), Fact("Size", f"{length(width)} × {length(height)} {unit(shapes)}")]
    if frame is not None:
        result.append(Fact("Module", one_line(shapes.module_name(int(frame.module[part]))) or "none"))
        result += _movement(frame, part)
    result.append(_nets(shapes, part))
    result.append(_pads(shapes, part))
    if frame is not None:
        result += [_forces(frame, part), _overlaps(frame, part)]
    return result


def _place(frame: FrameShapes, part: int) -> list[Fact]:
    if not frame.usable[part]:
        return [Fact("Position", "not a place: the producer sent no finite number")]
    x, y, turn = map(float, frame.position[part])
    return [Fact("Position", f"{length(x)}, {length(y)} {unit(frame.shapes)}"), Fact("Rotation", degrees(turn))]


def _movement(frame: FrameShapes, part: int) -> list[Fact]:
    movement = frame.frame.movement
    if movement is None or len(movement) != frame.shapes.count:
        return []
    dx, dy, distance = map(float, movement[part])
    x, y, _ = map(float, frame.position[part])
    mm = unit(frame.shapes)
    return [
        Fact("Moved", f"{length(distance)} {mm}"),
        Fact("Started at", f"{length(x - dx)}, {length(y - dy)} {mm}"),
    ]


def _nets(shapes: SceneShapes, part: int) -> Fact:
    nets = shapes.nets_of(part)
    rows = []
    for net in nets[:MAX_LISTED]:
        others = [int(other) for other in shapes.parts_of(int(net)) if other != part]
        names = ", ".join(one_line(shapes.scene.refs[other], 24) for other in others[:12])
        rows.append(
            Fact(
                one_line(shapes.scene.nets[net][0]) or "unnamed",
                f"{names}, … ({len(others)})" if len(others) > 12 else names or "no other part",
                below=tuple(_other(shapes, other) for other in others[:MAX_LISTED]),
            )
        )
    return _section("Nets", len(nets), rows)


def _other(shapes: SceneShapes, part: int, value: str = "") -> Fact:
    return Fact(one_line(shapes.scene.refs[part]), value or side(shapes, part), part)


def _pads(shapes: SceneShapes, part: int) -> Fact:
    mine = np.flatnonzero(shapes.pad_owner == part)
    scene = shapes.scene
    rows = []
    for count, row in enumerate(mine[:MAX_LISTED], 1):
        pad = int(shapes.pad_number[row])
        width, height = shapes.pad_box[row, 2:4]
        kind = int(scene.pad_shape[pad]) if scene.pad_shape is not None else 0
        shape = PAD_SHAPES[kind] if kind < len(PAD_SHAPES) else PAD_SHAPES[0]
        net = ", ".join(_nets_of_pad(shapes, pad)) or "no net"
        rows.append(Fact(f"{count}", f"{net}  ·  {shape} {length(width)} × {length(height)}"))
    return _section("Pads", len(mine), rows)


def _forces(frame: FrameShapes, part: int) -> Fact:
    owner, vector, kind = frame.forces
    mine = owner == part
    rows = []
    for index in np.unique(kind[mine]):
        x, y = map(float, vector[mine & (kind == index)].sum(axis=0))
        rows.append(Fact(FORCE_KINDS[index], f"{number(math.hypot(x, y))}  ({_short(x)}, {_short(y)})"))
    return _section("Forces", int(mine.sum()), rows)


def _short(value: float) -> str:
    return f"{value:.2g}".replace("-", "−")


def _overlaps(frame: FrameShapes, part: int) -> Fact:
    pairs = frame.overlaps
    mine = pairs[(pairs == part).any(axis=1)]
    others = np.unique(mine[mine != part])
    return _section("Overlaps", len(others), [_other(frame.shapes, int(other)) for other in others[:MAX_LISTED]])


def _section(name: str, count: int, rows: Iterable[Fact]) -> Fact:
    below = tuple(rows)
    if count > MAX_LISTED:
        below += (Fact(f"… and {count - MAX_LISTED:,} more"),)
    return Fact(name, f"{count:,}" if count else "none", below=below)
