"""One moment of a placement as it was captured, and the dict that goes out for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Place = tuple[float, float, float]
Forces = Mapping[str, Sequence[tuple[float, float, str]]]

OBJECT_BYTES = 100  # about what a pair of names or a force costs as Python objects


@dataclass(frozen=True, slots=True, eq=False)
class CapturedFrame:
    """Where the parts were, and what the optimizer said of it.

    Args:
        index: counts the frames from 0. label, iteration, phase: as the optimizer has them.
        refs: names of the n parts. position: f8[n, 3] x, y in mm, degrees, of each centroid.
        start: f8[n, 3], where they stood first.
        modules: group by part. forces: (fx, fy, kind) triples by part. overlaps: pairs of parts.
        connections: (part, part, net) of the whole board; shared by all frames.
        energy, max_move, overlap_count, total_wire_length: of this state.
    """

    index: int
    label: str
    iteration: int
    phase: str
    refs: tuple[str, ...]
    position: np.ndarray
    start: np.ndarray
    modules: Mapping[str, str] = field(default_factory=dict)
    forces: Forces = field(default_factory=dict)
    overlaps: Sequence[tuple[str, str]] = ()
    connections: Sequence[tuple[str, str, str]] = ()
    energy: float = 0.0
    max_move: float = 0.0
    overlap_count: int = 0
    total_wire_length: float = 0.0

    @property
    def components(self) -> dict[str, Place]:
        """Return x, y and degrees of each part."""
        return {ref: (x, y, degrees) for ref, (x, y, degrees) in zip(self.refs, self.position.tolist(), strict=True)}

    @property
    def movement(self) -> dict[str, Place]:
        """Return dx, dy and the distance from where each part stood first."""
        away = self.position[:, :2] - self.start[:, :2]
        moved = np.column_stack((away, np.hypot(away[:, 0], away[:, 1])))
        return {ref: (dx, dy, far) for ref, (dx, dy, far) in zip(self.refs, moved.tolist(), strict=True)}

    @property
    def nbytes(self) -> int:
        """Return about how much memory it holds for itself."""
        forces = sum(map(len, self.forces.values()))
        return self.position.nbytes + OBJECT_BYTES * (10 + len(self.overlaps) + len(self.modules) + forces)

    def data(self) -> dict[str, Any]:
        """Return what a frame message holds, in the order of the wire."""
        return {
            "index": self.index,
            "label": self.label,
            "iteration": self.iteration,
            "phase": self.phase,
            "components": self.components,
            "modules": dict(self.modules),
            "forces": self.forces,
            "overlaps": self.overlaps,
            "movement": self.movement,
            "connections": self.connections,
            "energy": self.energy,
            "max_move": self.max_move,
            "overlap_count": self.overlap_count,
            "total_wire_length": self.total_wire_length,
        }
