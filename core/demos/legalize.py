"""Make a placement legal, then better: every part in turn goes to its best free place on a fine grid.

The wire length of one part's nets, all others standing still, is a function of x plus a function of y; so its exact
value on every cell of the grid costs no more than two short rows of numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .placer import Placer
from .wirelength import OtherPins, PartNets

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Mask = NDArray[np.bool_]

GAP_MM = 0.1
PITCH_MM = 0.25
_MAX_CELLS = 400_000
_MAX_ROOMS = 128
_STRAY = 0.5  # cost of standing 1 mm away from where the global placement had the part, in mm of wire
_AISLE = 100.0
_TRIES = 4
_PASSES = 6
_WORTH = 0.002


class Spot(NamedTuple):
    """A free place for a part and what it costs, mm of wire."""

    x: float
    y: float
    quarter: int
    cost: float


class Legalizer:
    """Takes over where a placer stands and moves its parts.

    Args:
        placer: its centre and degrees are changed; fixed parts stay.
        seed: of the order in which parts are improved.
    """

    def __init__(self, placer: Placer, seed: int) -> None:
        self._placer = placer
        self._problem = placer.problem
        self._random = np.random.default_rng(seed)
        self._nets = PartNets(self._problem.wires, self._problem.count)
        extent = self._problem.region.high - self._problem.region.low
        self._pitch = max(PITCH_MM, float(np.sqrt(extent.prod() / _MAX_CELLS)))
        self._xs, self._ys, self._inside = self._problem.region.grid(self._pitch)
        self._rooms: dict[tuple[float, float], Mask] = {}
        self._standing = ~self._problem.movable
        self._homeless: set[int] = set()

    def legalize(self) -> Iterator[int]:
        """Place the parts one by one, large ones first, near where they are; yields the part just tried.

        A part that finds no room goes first in the next try; the last try packs them from one corner, come what may.
        """
        wanted = self._placer.position()
        area = self._problem.size.prod(axis=1)
        order = sorted(np.flatnonzero(self._problem.movable).tolist(), key=lambda part: -area[part])
        for attempt in range(_TRIES):
            pack = attempt == _TRIES - 1
            if pack:
                order.sort(key=lambda part: -area[part])
            self._placer.centre[:] = wanted[:, :2]
            self._standing = ~self._problem.movable
            failed: list[int] = []
            for part in order:
                spot = self._best(part, near=wanted[part, :2], pack=pack)
                if spot is None:
                    failed.append(part)
                else:
                    self._stand(part, spot)
                yield part
            self._homeless = set(failed)
            if not failed:
                break
            order = failed + [part for part in order if part not in self._homeless]
        self._standing[:] = True

    def improve(self) -> Iterator[int]:
        """Move each part to its best free place, again and again while that is worth it; yields the part looked at."""
        movable = np.flatnonzero(self._problem.movable)
        for _ in range(_PASSES):
            before = self._placer.hpwl()
            for part in self._random.permutation(movable).tolist():
                now = np.inf if part in self._homeless else self._cost_now(part)
                spot = self._best(part)
                if spot is not None and spot.cost < now - 1e-6:
                    self._stand(part, spot)
                    self._homeless.discard(part)
                yield part
            if self._placer.hpwl() > before * (1.0 - _WORTH):
                break

    def _stand(self, part: int, spot: Spot) -> None:
        self._placer.centre[part] = spot.x, spot.y
        self._placer.turn_to(part, spot.quarter * 90.0)
        self._standing[part] = True

    def _cost_now(self, part: int) -> float:
        """Return the wire length of the part's nets as it stands."""
        low, high, own = self._nets.others(part, pins := self._placer.pins())
        return sum(
            float((np.maximum(high[net], pins[mine].max(axis=0)) - np.minimum(low[net], pins[mine].min(axis=0))).sum())
            for net, mine in enumerate(own)
        )

    def _best(self, part: int, near: Floats | None = None, *, pack: bool = False) -> Spot | None:
        """Return the cheapest free place of a part in any of four angles, or None when there is none.

        Args:
            part: index of the part.
            near: f8[2], a place that it costs to stand away from.
            pack: the cheapest place is the one nearest to the left edge, then to the top, whatever the wire.
        """
        nets = self._nets.others(part, self._placer.pins())
        width, height = self._problem.size[part] / 2.0
        best: Spot | None = None
        free: dict[int, Mask] = {}
        for quarter in range(4):
            half = np.array([width, height] if quarter % 2 == 0 else [height, width])
            if quarter % 2 not in free:
                free[quarter % 2] = self._free(part, half)
            along_x, along_y = self._wire(quarter, nets)
            if pack:
                along_x, along_y = _AISLE * (self._xs - self._xs[0]), self._ys - self._ys[0]
            elif near is not None:
                along_x = along_x + _STRAY * np.abs(self._xs - near[0])
                along_y = along_y + _STRAY * np.abs(self._ys - near[1])
            cost = np.where(free[quarter % 2], along_y[:, None] + along_x[None, :], np.inf)
            row, column = divmod(int(cost.argmin()), len(self._xs))
            if np.isfinite(cost[row, column]) and (best is None or cost[row, column] < best.cost - 1e-9):
                best = Spot(float(self._xs[column]), float(self._ys[row]), quarter, float(cost[row, column]))
        return best

    def _wire(self, quarter: int, nets: OtherPins) -> tuple[Floats, Floats]:
        """Return the wire length of a part's nets as functions of x, f8[c], and of y, f8[r]."""
        low, high, own = nets
        cosine, sine = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[quarter]
        along = [np.zeros(len(self._xs)), np.zeros(len(self._ys))]
        for net, pins in enumerate(own):
            x, y = self._problem.wires.offset[pins].T
            for axis, offset in ((0, x * cosine - y * sine), (1, x * sine + y * cosine)):
                at = self._xs if axis == 0 else self._ys
                span = np.maximum(high[net, axis], at + offset.max()) - np.minimum(low[net, axis], at + offset.min())
                along[axis] += span
        return along[0], along[1]

    def _free(self, part: int, half: Floats) -> Mask:
        """Return where the centre of the part may be, bool[r, c]: on the board and off all standing parts."""
        free = self._room(half).copy()
        problem, placer = self._problem, self._placer
        others = np.flatnonzero(self._standing)
        others = others[others != part]
        others = others[problem.share_side(np.full(len(others), part), others)]
        apart = placer.half[others] + half + GAP_MM
        low, high = placer.centre[others] - apart, placer.centre[others] + apart
        left, right = np.searchsorted(self._xs, low[:, 0], "right"), np.searchsorted(self._xs, high[:, 0], "left")
        top, bottom = np.searchsorted(self._ys, low[:, 1], "right"), np.searchsorted(self._ys, high[:, 1], "left")
        for x1, x2, y1, y2 in zip(left.tolist(), right.tolist(), top.tolist(), bottom.tolist(), strict=True):
            free[y1:y2, x1:x2] = False
        return free

    def _room(self, half: Floats) -> Mask:
        """Return where a box of this size lies wholly on the board, bool[r, c]; kept, since sizes repeat."""
        key = (round(float(half[0]), 4), round(float(half[1]), 4))
        room = self._rooms.get(key)
        if room is None:
            if len(self._rooms) >= _MAX_ROOMS:
                self._rooms.pop(next(iter(self._rooms)))
            room = self._inside.copy()
            self._problem.region.forbid_edges(room, self._xs, self._ys, half + GAP_MM)
            self._rooms[key] = room
        return room
