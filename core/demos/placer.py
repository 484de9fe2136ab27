"""Global placement by forces: nets attract, overlapping parts repel, the board's edge pushes back, and it cools."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from .problem import Flags, Floats, Problem, overlaps
from .wirelength import OtherPins, PartNets

ATTRACTION, REPULSION, BOUNDARY = 0, 1, 2

CLEARANCE_MM = 0.2
_HOT_MM, _COLD_MM = 4.0, 0.02  # the longest step of a part, at the start and at the end
_SOFT_MM, _SHARP_MM = 8.0, 0.8  # smoothing of the wire length, at the start and at the end
_LOOSE, _STIFF = 0.3, 8.0  # weight of overlap against wire length, at the start and at the end
_EDGE_WEIGHT = 6.0
_MOMENTUM = 0.7
_NOISE = 0.25
_DRAWS = 200

_COSINE = np.array([1.0, 0.0, -1.0, 0.0])
_SINE = np.array([0.0, 1.0, 0.0, -1.0])


@dataclasses.dataclass(slots=True)
class Tuning:
    """What may be changed while it runs.

    Args:
        attraction, repulsion: weights of the wires and of the overlaps.
        cooling: speed of cooling; 1 reaches the end temperature in the iterations asked for.
    """

    attraction: float = 1.0
    repulsion: float = 1.0
    cooling: float = 1.0


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What one iteration did.

    Args:
        energy: of the state before the move: weighted wire length, overlap and edge terms.
        max_move: mm, of the part that went farthest.
        temperature: 1 at the start, towards 0.
        forces: f8[3, n, 2] attraction, repulsion, boundary.
    """

    energy: float
    max_move: float
    temperature: float
    forces: NDArray[np.float64]


class Placer:
    """The state of a placement, and one iteration of it.

    Args:
        problem: the board.
        iterations: how many are planned; sets the pace of cooling.
        seed: of all randomness.
    """

    def __init__(self, problem: Problem, iterations: int, seed: int) -> None:
        self.problem = problem
        self.tuning = Tuning()
        self.centre: Floats = problem.given[:, :2].copy()
        self.degrees: Floats = problem.given[:, 2].copy()
        self.heat = 1.0
        self._random = np.random.default_rng(seed)
        self._cool = (_COLD_MM / _HOT_MM) ** (1.0 / max(iterations, 1))
        self._momentum = np.zeros_like(self.centre)
        self._free = np.flatnonzero(problem.movable)
        pulls = np.bincount(problem.wires.owner, minlength=problem.count)
        self._ease = (problem.movable / np.sqrt(1.0 + pulls))[:, None]
        self._nets = PartNets(problem.wires, problem.count)
        self._scatter()
        self.first = self.position()

    def _scatter(self) -> None:
        """Stand every movable part anywhere on the board, turned by a random multiple of 90 degrees."""
        region, free = self.problem.region, self._free
        self.degrees[free] = self._random.integers(0, 4, len(free)) * 90.0
        self._aim()
        for _ in range(_DRAWS):
            half = self.half[free]
            high = np.maximum(region.high - half, region.low + half)
            self.centre[free] = self._random.uniform(region.low + half, high)
            free = free[~region.holds(self.centre[free], self.half[free])]
            if not len(free):
                return

    def _aim(self) -> None:
        """Bring what follows from the angles up to date."""
        angle = np.radians(self.degrees)
        quarter = self.degrees % 90.0 == 0.0
        index = (self.degrees / 90.0).astype(np.intp) % 4
        self.cosine: Floats = np.where(quarter, _COSINE[index], np.cos(angle))
        self.sine: Floats = np.where(quarter, _SINE[index], np.sin(angle))
        self.half: Floats = self.problem.half(self.cosine, self.sine)

    def turn_to(self, part: int, degrees: float) -> None:
        """Give a part an angle."""
        self.degrees[part] = degrees % 360.0
        self._aim()

    def position(self) -> Floats:
        """Return f8[n, 3] x, y, degrees of all parts."""
        return np.column_stack((self.centre, self.degrees))

    def pins(self) -> Floats:
        """Return f8[p, 2], where the pins of all wires are."""
        return self.problem.wires.pins(self.centre, self.cosine, self.sine)

    def hpwl(self) -> float:
        """Return the half-perimeter wire length, mm."""
        return self.problem.wires.hpwl(self.pins())

    def overlaps(self) -> NDArray[np.intp]:
        """Return the pairs of parts that overlap, [k, 2]."""
        i, j, _ = overlaps(self.problem, self.centre, self.half)
        return np.column_stack((i, j))

    def outside(self) -> Flags:
        """Tell which movable parts do not lie wholly on the board, bool[n]."""
        return self.problem.movable & ~self.problem.region.holds(self.centre, self.half)

    @property
    def progress(self) -> float:
        """Return how far it has cooled, 0 hot to 1 cold."""
        return min(float(np.log(self.heat) / np.log(_COLD_MM / _HOT_MM)), 1.0)

    def step(self) -> Step:
        """Run one iteration: forces, a move of at most the temperature, perhaps one part turned."""
        forces, energy = self.forces()
        reach = _HOT_MM * self.heat
        self._momentum = _MOMENTUM * self._momentum + (1.0 - _MOMENTUM) * forces.sum(axis=0) * self._ease
        kick = self._random.normal(0.0, _NOISE * self.heat, self.centre.shape) * self.problem.movable[:, None]
        move = self._momentum + kick
        length = np.hypot(move[:, 0], move[:, 1])
        move *= np.minimum(1.0, reach / np.maximum(length, 1e-12))[:, None]
        self.centre += move
        np.clip(self.centre, self.problem.region.low, self.problem.region.high, out=self.centre, where=self._movable_2)
        self._turn_one()
        self.heat = max(self.heat * self._cool**self.tuning.cooling, _COLD_MM / _HOT_MM)
        return Step(energy, float(np.minimum(length, reach).max(initial=0.0)), self.heat, forces)

    @property
    def _movable_2(self) -> Flags:
        return np.broadcast_to(self.problem.movable[:, None], self.centre.shape)

    def forces(self) -> tuple[Floats, float]:
        """Return f8[3, n, 2] attraction, repulsion and boundary forces on the movable parts, and the energy."""
        gamma, stiffness = self._schedule()
        forces = np.zeros((3, self.problem.count, 2))
        length, slope = self.problem.wires.smooth(self.pins(), gamma)
        weight = self.tuning.attraction
        for axis in (0, 1):
            forces[ATTRACTION, :, axis] = -weight * np.bincount(
                self.problem.wires.owner, slope[:, axis], self.problem.count
            )
        overlap = self._repel(forces[REPULSION], stiffness)
        inward = self.problem.region.push(self.centre, self.half + CLEARANCE_MM / 2)
        forces[BOUNDARY] = _EDGE_WEIGHT * stiffness * inward
        forces[:, ~self.problem.movable] = 0.0
        edge = 0.5 * _EDGE_WEIGHT * stiffness * float((inward[self.problem.movable] ** 2).sum())
        return forces, weight * length + overlap + edge

    def _schedule(self) -> tuple[float, float]:
        """Return smoothing length (mm) and stiffness for the temperature reached, both on a logarithmic scale."""
        done = self.progress
        gamma = _SOFT_MM * (_SHARP_MM / _SOFT_MM) ** done
        return gamma, self.tuning.repulsion * _LOOSE * (_STIFF / _LOOSE) ** done

    def _repel(self, force: Floats, stiffness: float) -> float:
        """Add to ``force`` f8[n, 2] what pushes overlapping parts apart along the shorter way; return its energy."""
        i, j, depth = overlaps(self.problem, self.centre, self.half + CLEARANCE_MM / 2)
        along = depth.argmin(axis=1)
        short = depth[np.arange(len(along)), along]
        side = self.centre[i, along] - self.centre[j, along]
        push = stiffness * short * np.where(side == 0.0, np.where(i < j, 1.0, -1.0), np.sign(side))
        flat = force.reshape(-1)
        np.add.at(flat, 2 * i + along, push)
        np.add.at(flat, 2 * j + along, -push)
        return 0.5 * stiffness * float((short**2).sum())

    def _turn_one(self) -> None:
        """Turn one part, chosen at random, by a multiple of 90 degrees if that shortens wire more than it overlaps."""
        if not len(self._free):
            return
        part = int(self._random.choice(self._free))
        stiffness = self._schedule()[1]
        now = float(self.degrees[part])
        nets = self._nets.others(part, self.pins())
        costs = [self._cost_of(part, now + 90.0 * turns, stiffness, nets) for turns in range(4)]
        best = int(np.argmin(costs))
        if costs[best] < costs[0] - 1e-9:
            self.turn_to(part, now + 90.0 * best)

    def _cost_of(self, part: int, degrees: float, stiffness: float, nets: OtherPins) -> float:
        """Return the energy that depends on one part if it had another angle."""
        quarter = round(degrees / 90.0) % 4
        cosine, sine = _COSINE[quarter], _SINE[quarter]
        low, high, own = nets
        offset = self.problem.wires.offset
        wire = 0.0
        for net, pins in enumerate(own):
            x, y = offset[pins, 0], offset[pins, 1]
            at = self.centre[part] + np.stack((x * cosine - y * sine, x * sine + y * cosine), axis=1)
            wire += float((np.maximum(high[net], at.max(axis=0)) - np.minimum(low[net], at.min(axis=0))).sum())
        width, height = self.problem.size[part] / 2.0
        half = np.array([width, height] if quarter % 2 == 0 else [height, width])
        depth = half + self.half - np.abs(self.centre - self.centre[part])
        same = self.problem.share_side(np.full(self.problem.count, part), np.arange(self.problem.count))
        same[part] = False
        short = np.maximum(depth.min(axis=1), 0.0)[same]
        return self.tuning.attraction * wire + 0.5 * stiffness * float((short**2).sum())
