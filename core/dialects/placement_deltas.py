"""Frames as changes against the frames before: how the canvas export keeps them, and how they are read back.

``changed_components`` has the parts that moved, ``{"x", "y", "rotation"}`` each, null where it did not change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .placement_capture import CapturedFrame, Place

LEAST_MM, LEAST_DEG = 0.001, 0.01
_LEAST = (LEAST_MM, LEAST_MM, LEAST_DEG)
_NAMES = ("x", "y", "rotation")


def encode_deltas(frames: Iterable[CapturedFrame]) -> Iterator[dict[str, Any]]:
    """Yield the changes of each frame.

    A part is compared with what was last written of it, not with the frame before: else steps that are each too small
    to be written would add up unseen. Parts and modules that are gone are named in ``removed_components`` and
    ``removed_modules``.
    """
    written: dict[str, list[float]] = {}
    modules: dict[str, str] = {}
    first = True
    for frame in frames:
        components = frame.components
        changed = {ref: change for ref, place in components.items() if (change := _change(written, ref, place))}
        delta = {
            "index": frame.index,
            "label": frame.label,
            "iteration": frame.iteration,
            "phase": frame.phase,
            "changed_components": changed,
            "changed_modules": {ref: kind for ref, kind in frame.modules.items() if modules.get(ref) != kind},
            "forces": frame.forces,
            "overlaps": frame.overlaps,
            "movement": frame.movement,
            "connections": frame.connections if first else [],
            "energy": frame.energy,
            "max_move": frame.max_move,
            "overlap_count": frame.overlap_count,
            "total_wire_length": frame.total_wire_length,
        }
        if gone := [ref for ref in written if ref not in components]:
            delta["removed_components"] = gone
        if lost := [ref for ref in modules if ref not in frame.modules]:
            delta["removed_modules"] = lost
        for ref in gone:
            del written[ref]
        modules, first = dict(frame.modules), False
        yield delta


def _change(written: dict[str, list[float]], ref: str, place: Place) -> dict[str, float | None] | None:
    """Return what is to be written of a part, None for nothing, and take note of it."""
    before = written.get(ref)
    if before is None:
        written[ref] = list(place)
        return dict(zip(_NAMES, place, strict=True))
    change: dict[str, float | None] = dict.fromkeys(_NAMES)
    for column, (name, least) in enumerate(zip(_NAMES, _LEAST, strict=True)):
        if not abs(place[column] - before[column]) < least:  # a NaN is a change
            change[name] = before[column] = place[column]
    return change if any(value is not None for value in change.values()) else None


class KnownPlaces:
    """Where parts are, as full frames and partial ones tell; what they leave open stays as it was.

    Attributes:
        refs: names of the n parts. position: f8[n, 3] x, y, degrees; NaN where nothing was ever told.
    """

    def __init__(self) -> None:
        self.refs: tuple[str, ...] = ()
        self.position = np.empty((0, 3))

    def take(self, refs: tuple[str, ...], told: np.ndarray, *, partial: bool, gone: Iterable[str] = ()) -> None:
        """Take over a frame.

        Args:
            refs: names of k parts. told: f8[k, 3], NaN where nothing is told.
            partial: parts that are not among them stay; else they are gone. gone: further parts that are gone.
        """
        if refs != self.refs:
            removed = set(gone)
            kept = dict.fromkeys((*self.refs, *refs) if partial else refs)
            self._rearrange(tuple(ref for ref in kept if ref not in removed))
            index = {ref: row for row, ref in enumerate(self.refs)}
            rows = [(index[ref], place) for place, ref in enumerate(refs) if ref in index]
            every = np.full((len(self.refs), 3), np.nan)
            if rows:
                here, there = map(list, zip(*rows, strict=True))
                every[here] = told[there]
            told = every
        self.position = np.where(np.isnan(told), self.position, told)

    def known(self) -> tuple[tuple[str, ...], np.ndarray]:
        """Return the parts of which all is known, and where they are."""
        complete = ~np.isnan(self.position).any(axis=1)
        if complete.all():
            return self.refs, self.position
        return tuple(np.array(self.refs, dtype=object)[complete]), self.position[complete]

    def _rearrange(self, refs: tuple[str, ...]) -> None:
        places = dict(zip(self.refs, self.position, strict=True))
        unknown = np.full(3, np.nan)
        self.position = np.array([places.get(ref, unknown) for ref in refs]).reshape(-1, 3)
        self.refs = refs
