"""Messages of a placement stream: text in, frozen objects out, no I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..messages import ProtocolError
from .object_times import time_of
from .payload import decode_payload
from .placement_facts import MOST_PARTS, BoardFacts, as_dict, as_numbers, read_board_facts

MAX_CHARACTERS = 256
MAX_STATUS_CHARACTERS = 64 * 1024
MOST_MODULES = 1000
STATUSES = ("info", "warning", "error", "complete")
FORCE_KINDS = {"attraction": 0, "repulsion": 1, "boundary": 2, "constraint": 3, "alignment": 4}
OTHER_FORCE = 5
LARGEST_FORCE = 1e12
FIGURES = ("energy", "max_move", "overlap_count", "total_wire_length")
_COORDINATES = ("x", "y", "rotation")


class Welcome(NamedTuple):
    """The first message: how many frames a second come at most, and whether the run is paused."""

    fps: float
    paused: bool


class ControlTold(NamedTuple):
    """What was asked of the run."""

    paused: bool
    stop_requested: bool


class StatusTold(NamedTuple):
    """A sentence; ``status`` is info, warning, error or complete."""

    status: str
    message: str


class StatsTold(NamedTuple):
    """Figures of any names."""

    data: dict[str, Any]


class Pong(NamedTuple):
    """The answer to a ping."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameTold:
    """A frame.

    Args:
        refs: names of the parts it tells of. places: f8[k, 3] x, y, degrees, NaN where it does not tell.
        sizes: f8[k, 2] where it tells these too, else None.
        partial: the other parts are where they were. gone: parts that are not there any more.
        t: unix seconds, None when it does not tell. figures: those of ``FIGURES`` that are numbers.
        modules: group by part. forces: (part, fx, fy, kind number).
        overlaps: pairs of parts. movement: (dx, dy, distance) by part.
        connections: (part, part, net), None for as before.
    """

    refs: tuple[str, ...]
    places: np.ndarray
    sizes: np.ndarray | None
    partial: bool
    gone: tuple[str, ...]
    t: float | None
    index: int
    label: str
    iteration: int | None
    phase: str
    figures: dict[str, float]
    modules: dict[str, str]
    forces: list[tuple[str, float, float, int]]
    overlaps: list[tuple[str, str]]
    movement: dict[str, Any]
    connections: list[Any] | None


Told = Welcome | ControlTold | StatusTold | StatsTold | Pong | FrameTold | BoardFacts


def read_message(text: str | bytes) -> Told | None:
    """Read a message; None for one of a type that is not known.

    Raises:
        ProtocolError: it breaks the rules of its type.
    """
    if isinstance(text, bytes) or not text.lstrip()[:1] == "{":
        raise ProtocolError("no JSON object")
    message = decode_payload(text.strip().encode("utf-8", "surrogatepass"))
    kind = message.get("type")
    reader = _READERS.get(kind) if type(kind) is str else None
    return None if reader is None else reader(message)


def _read_welcome(message: dict[str, Any]) -> Welcome:
    return Welcome(_number(message.get("fps")) or 0.0, message.get("paused") is True)


def _read_control(message: dict[str, Any]) -> ControlTold:
    paused, stop_requested = message.get("paused"), message.get("stop_requested")
    if type(paused) is not bool or type(stop_requested) is not bool:
        raise ProtocolError("control_state without paused and stop_requested")
    return ControlTold(paused, stop_requested)


def _read_status(message: dict[str, Any]) -> StatusTold:
    status, words = message.get("status"), message.get("message")
    if type(words) is not str:
        raise ProtocolError("a status without a message")
    return StatusTold(status if status in STATUSES else "info", words[:MAX_STATUS_CHARACTERS])


def _read_stats(message: dict[str, Any]) -> StatsTold:
    return StatsTold(as_dict(message.get("data"), "the data of stats"))


def _read_static(message: dict[str, Any]) -> BoardFacts:
    return read_board_facts(message.get("data"))


def _read_frame(message: dict[str, Any]) -> FrameTold:
    data = message.get("data")
    if type(data) is not dict:
        raise ProtocolError("a frame without data")
    partial = "components" not in data
    components = as_dict(data.get("changed_components" if partial else "components"), "the components")
    if len(components) > MOST_PARTS or any(len(ref) > MAX_CHARACTERS for ref in components):
        raise ProtocolError(f"more than {MOST_PARTS} parts, or a name of more than {MAX_CHARACTERS} characters")
    rows = [_row(place) if type(place) is dict else place for place in components.values()]
    numbers = as_numbers(rows, 3, "the places of the parts")
    modules = as_dict(data.get("changed_modules" if partial else "modules"), "the modules")
    return FrameTold(
        refs=tuple(components),
        places=numbers[:, :3],
        sizes=np.nan_to_num(np.abs(numbers[:, 3:5])) if numbers.shape[1] == 5 else None,
        partial=partial,
        gone=tuple(_names(data.get("removed_components"))),
        t=time_of(message.get("timestamp")),
        index=_count(data.get("index")) or 0,
        label=_text(data.get("label")),
        iteration=_count(data.get("iteration")),
        phase=_text(data.get("phase")),
        figures={name: value for name in FIGURES if (value := _number(data.get(name))) is not None},
        modules={ref: _text(name) for ref, name in modules.items() if type(name) is str and name},
        forces=_forces(data.get("forces")),
        overlaps=_pairs(data.get("overlaps")),
        movement=as_dict(data.get("movement"), "the movement"),
        connections=None if partial and not data.get("connections") else _list(data.get("connections")),
    )


_READERS = {
    "welcome": _read_welcome,
    "frame": _read_frame,
    "stats": _read_stats,
    "status": _read_status,
    "control_state": _read_control,
    "pong": lambda message: Pong(),
    "static": _read_static,
}


def _row(place: dict[str, Any]) -> list[Any]:
    return [place.get(name) for name in _COORDINATES]


def _number(value: Any) -> float | None:
    if type(value) not in (int, float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _count(value: Any) -> int | None:
    whole = type(value) is int or (type(value) is float and value.is_integer())
    return int(value) if whole and 0 <= value <= 2**53 else None


def _text(value: Any) -> str:
    return value[:MAX_CHARACTERS] if type(value) is str else ""


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _names(value: Any) -> list[str]:
    return [name for name in _list(value) if type(name) is str]


def _pairs(value: Any) -> list[tuple[str, str]]:
    pairs = [pair[:2] for pair in _list(value) if type(pair) is list and len(pair) >= 2]
    return [(a, b) for a, b in pairs if type(a) is str and type(b) is str]


def _forces(value: Any) -> list[tuple[str, float, float, int]]:
    found = []
    for ref, several in as_dict(value, "the forces").items():
        for force in _list(several):
            if type(force) is not list or len(force) < 2:
                raise ProtocolError(f"a force on {ref[:20]} is not fx, fy, kind")
            fx, fy = _number(force[0]), _number(force[1])
            if fx is not None and fy is not None and math.hypot(fx, fy) <= LARGEST_FORCE:
                kind = force[2] if len(force) > 2 and type(force[2]) is str else ""
                found.append((ref, fx, fy, FORCE_KINDS.get(kind, OTHER_FORCE)))
    return found
