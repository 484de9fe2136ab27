"""Wire length of a placement: half-perimeter of every net's pin box (HPWL), and a smooth form of it with a slope."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
OtherPins = tuple[Floats, Floats, list[Ints]]


class Wires:
    """The nets that can pull: those with pins on at least two parts.

    Args:
        nets: for each net its pins as (part index, x, y), x and y relative to the centre of the unrotated part.
    """

    def __init__(self, nets: Sequence[Sequence[tuple[int, float, float]]]) -> None:
        pulling = [net for net in nets if len({part for part, _, _ in net}) > 1]
        pins = [pin for net in pulling for pin in net]
        counts = np.array([len(net) for net in pulling], dtype=np.intp)
        self.owner: Ints = np.array([part for part, _, _ in pins], dtype=np.intp)
        self.offset: Floats = np.array([(x, y) for _, x, y in pins], dtype=float).reshape(-1, 2)
        self.net: Ints = np.repeat(np.arange(len(pulling)), counts)
        self.start: Ints = np.concatenate(([0], np.cumsum(counts)[:-1])).astype(np.intp)[: len(pulling)]

    @property
    def count(self) -> int:
        """Return the number of nets."""
        return len(self.start)

    def pins(self, centre: Floats, cosine: Floats, sine: Floats) -> Floats:
        """Return where the pins are, f8[p, 2]; cosine, sine f8[n] are of the parts' angles, clockwise on screen."""
        c, s = cosine[self.owner], sine[self.owner]
        x, y = self.offset[:, 0], self.offset[:, 1]
        return centre[self.owner] + np.stack((x * c - y * s, x * s + y * c), axis=1)

    def hpwl(self, pins: Floats) -> float:
        """Return the total half-perimeter wire length of pins f8[p, 2], in mm."""
        if not self.count:
            return 0.0
        high, low = np.maximum.reduceat(pins, self.start), np.minimum.reduceat(pins, self.start)
        return float((high - low).sum())

    def smooth(self, pins: Floats, gamma: float) -> tuple[float, Floats]:
        """Return a smooth upper bound of HPWL and its slope at every pin.

        Log-sum-exp model of Naylor, Donelly and Sha (US patent 6,301,693): gamma·(log Σ exp(x/gamma) +
        log Σ exp(-x/gamma)) per net and axis.

        Args:
            pins: f8[p, 2].
            gamma: mm; the smaller, the closer to HPWL and the fewer pins of a net feel it.

        Returns:
            (mm, f8[p, 2] slopes between -1 and 1).
        """
        if not self.count:
            return 0.0, np.zeros_like(pins)
        total, slope = 0.0, np.zeros_like(pins)
        for sign in (1.0, -1.0):
            scaled = pins * (sign / gamma)
            peak = np.maximum.reduceat(scaled, self.start)
            weight = np.exp(scaled - peak[self.net])
            norm = np.add.reduceat(weight, self.start)
            total += gamma * float((peak + np.log(norm)).sum())
            slope += sign * weight / norm[self.net]
        return total, slope


class PartNets:
    """What each part needs to know to find its best place: its pins per net, and the rest of each net's box."""

    def __init__(self, wires: Wires, parts: int) -> None:
        order = np.argsort(wires.owner, kind="stable")
        bounds = np.searchsorted(wires.owner[order], np.arange(parts + 1))
        ends = np.append(wires.start, len(wires.owner))
        self._wires = wires
        self._pins = [order[bounds[part] : bounds[part + 1]] for part in range(parts)]
        self._spans = [[(ends[n], ends[n + 1]) for n in np.unique(wires.net[pins])] for pins in self._pins]

    def others(self, part: int, pins: Floats) -> OtherPins:
        """Return the boxes of the part's nets without its own pins.

        Args:
            part: index of the part.
            pins: f8[p, 2], all pins where they are.

        Returns:
            (low f8[k, 2], high f8[k, 2], for each of the k nets the indices of the part's own pins).
        """
        low, high, own = [], [], []
        for first, last in self._spans[part]:
            mine = self._wires.owner[first:last] == part
            rest = pins[first:last][~mine]
            low.append(rest.min(axis=0))
            high.append(rest.max(axis=0))
            own.append(first + np.flatnonzero(mine))
        return np.array(low).reshape(-1, 2), np.array(high).reshape(-1, 2), own
