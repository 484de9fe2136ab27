"""What a producer's page, or its answer, tells of the board: sizes, pads, sides, outline, colours; checked."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..messages import ProtocolError

MOST_PARTS = 100_000
MOST_POINTS = 200_000
FARTHEST_MM = 1e6
MARGIN_MM = 5.0  # that the bounds of a page have around the board
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True, eq=False)
class PartFacts:
    """A part: width and height in mm, pads f8[k, 5] x, y, width, height, degrees, and their nets."""

    width: float
    height: float
    pads: np.ndarray
    nets: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BoardFacts:
    """What is known of a board.

    Args:
        parts: by name. bottom: names of those on the lower side.
        outlines, holes: closed polygons f8[k, 2]. colors: "#rrggbb" by module.
    """

    parts: dict[str, PartFacts] = field(default_factory=dict)
    bottom: frozenset[str] = frozenset()
    outlines: tuple[np.ndarray, ...] = ()
    holes: tuple[np.ndarray, ...] = ()
    colors: dict[str, str] = field(default_factory=dict)


def read_board_facts(data: Any) -> BoardFacts:
    """Read the objects of a viewer page, by their names there; those that are missing are not known.

    Raises:
        ProtocolError: one of them is not what it should be.
    """
    if type(data) is not dict:
        raise ProtocolError("the board is no object")
    parts = as_dict(data.get("staticProps"), "staticProps")
    if len(parts) > MOST_PARTS:
        raise ProtocolError(f"more than {MOST_PARTS} parts")
    layers = as_dict(data.get("componentLayers"), "componentLayers")
    colors = as_dict(data.get("moduleColors"), "moduleColors")
    outlines, holes = _edges(data.get("boardOutline"), data.get("boardBounds"))
    return BoardFacts(
        {ref: _part(ref, told) for ref, told in parts.items()},
        frozenset(ref for ref, layer in layers.items() if layer == "bottom"),
        outlines,
        holes,
        {name: color for name, color in colors.items() if type(color) is str and _COLOR.fullmatch(color)},
    )


def as_dict(value: Any, name: str) -> dict[str, Any]:
    """Return an object, or an empty one for what is missing.

    Raises:
        ProtocolError: it is something else.
    """
    if value is None:
        return {}
    if type(value) is not dict:
        raise ProtocolError(f"{name} is no object")
    return value


def as_numbers(rows: Any, columns: int, name: str) -> np.ndarray:
    """Return f8[k, at least columns] of a list of lists of numbers; NaN for null, and for what is no place on a board.

    Raises:
        ProtocolError: it is something else, or its rows differ in length.
    """
    try:
        numbers = np.array(rows, dtype="f8")
    except (ValueError, TypeError, OverflowError):
        raise ProtocolError(f"{name} are not all numbers") from None
    if numbers.shape == (0,):
        return np.empty((0, columns))
    if numbers.ndim != 2 or numbers.shape[1] < columns:
        raise ProtocolError(f"{name} have the shape {numbers.shape}, not ({len(rows)}, {columns})")
    numbers[~(np.abs(numbers) <= FARTHEST_MM)] = np.nan
    return numbers


def _part(ref: str, told: Any) -> PartFacts:
    name = f"the pads of {ref[:20]}"
    if type(told) is not dict:
        raise ProtocolError(f"{ref[:20]} is no object")
    size = as_numbers([[told.get("width"), told.get("height")]], 2, f"the size of {ref[:20]}")
    pads = told.get("pads") or []
    if type(pads) is not list or not all(type(pad) is list and len(pad) in (5, 6) for pad in pads):
        raise ProtocolError(f"{name} are no lists of 5 or 6")
    # The older form has no angle of its own.
    numbers = as_numbers([[*pad[:4], pad[4] if len(pad) == 6 else 0.0] for pad in pads], 5, name)
    width, height = np.nan_to_num(np.abs(size[0]), nan=0.0)
    nets = tuple(pad[-1][:256] if type(pad[-1]) is str else "" for pad in pads)
    return PartFacts(float(width), float(height), np.nan_to_num(numbers, nan=0.0), nets)


def _edges(outline: Any, bounds: Any) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    if type(outline) is dict:
        holes = outline.get("holes") or []
        if type(holes) is not list:
            raise ProtocolError("the holes are no list")
        polygons = [_polygon(told) for told in (outline.get("polygon"), *holes[:MOST_PARTS])]
        if sum(map(len, polygons)) > MOST_POINTS:
            raise ProtocolError(f"an outline of more than {MOST_POINTS} points")
        if len(polygons[0]) > 2:
            return (polygons[0],), tuple(hole for hole in polygons[1:] if len(hole) > 2)
    if type(bounds) is dict:
        sides = as_numbers([[bounds.get(name) for name in ("minX", "minY", "maxX", "maxY")]], 4, "the bounds")[0]
        left, top, right, bottom = sides[:4] + np.array([1, 1, -1, -1]) * MARGIN_MM
        if left < right and top < bottom:
            return (np.array([(left, top), (right, top), (right, bottom), (left, bottom)]),), ()
    return (), ()


def _polygon(told: Any) -> np.ndarray:
    if type(told) is not list:
        raise ProtocolError("an outline is no list")
    points = as_numbers(told, 2, "the points of an outline")[:, :2]
    return points[~np.isnan(points).any(axis=1)]
