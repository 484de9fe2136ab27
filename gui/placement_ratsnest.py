"""The ratsnest: for each net the shortest tree over its pins. Pure numpy.

Small nets are handled in classes of similar size, padded, so that Prim's algorithm (R. C. Prim, Bell System Technical
Journal 36, 1957) runs on all nets of a class at once: the Python cost does not depend on the number of small nets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Above this many pins a tree costs too much per frame, and nobody can follow it; a chain through the pins is drawn.
MAX_TREE_PINS = 256
# Nets up to so many pins are handled together where there are several of about the same size.
MAX_BATCHED_PINS = 64
SMALL_PINS, FEWEST_TOGETHER = 8, 6
# A class of nets whose padded pins exceed this is split, which bounds the memory of one step.
MAX_CLASS_PINS = 200_000


class Ratsnest:
    """Trees over the nets of one scene.

    Args:
        nets: for each net, indices of its pins into the points given to ``edges``.

    Attributes:
        work_of_net: int[nets], pins times pins, what a tree costs. work: of all nets.
    """

    def __init__(self, nets: Sequence[Sequence[int]]) -> None:
        pins = np.array([len(net) for net in nets], dtype=np.int64)
        self.work_of_net = np.where(pins > MAX_TREE_PINS, pins, pins * pins)
        self.work = int(self.work_of_net.sum())
        self._classes: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._single: list[tuple[int, np.ndarray]] = []
        groups: dict[int, list[int]] = {}
        for net, of_net in enumerate(nets):
            if len(of_net) > 1:
                groups.setdefault(_class_size(len(of_net)), []).append(net)
        for size, members in sorted(groups.items()):
            if size <= SMALL_PINS or (size <= MAX_BATCHED_PINS and len(members) >= FEWEST_TOGETHER):
                step = max(1, MAX_CLASS_PINS // size)
                for begin in range(0, len(members), step):
                    self._classes.append(_padded(nets, members[begin : begin + step], size))
            else:
                self._single += [(net, np.asarray(nets[net], dtype=np.intp)) for net in members]

    def edges(self, points: np.ndarray, wanted: np.ndarray | None = None) -> np.ndarray:
        """Return the trees as pairs int[e, 2] of indices into ``points``.

        Args:
            points: f8[p, 2]; where one is NaN, no edge leads to it.
            wanted: bool[nets]; None means all.
        """
        ends = [np.empty((0, 2), np.intp)]
        for members, pins, there in self._classes:
            if wanted is not None:
                chosen = np.flatnonzero(wanted[members])
                pins, there = pins[chosen], there[chosen]
            ends.append(_trees(points, pins, there))
        for net, pins in self._single:
            if wanted is None or wanted[net]:
                pins = pins[np.isfinite(points[pins]).all(axis=1)]
                pairs = _tree(points[pins]) if len(pins) <= MAX_TREE_PINS else _chain(points[pins])
                ends.append(pins[pairs])
        return np.concatenate(ends)


def _class_size(pins: int) -> int:
    """Round up to 2, 3, 4, 6, 8, 12, 16, 24, …: at most half of a row is padding."""
    size = 2
    while size < pins:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size


def _padded(nets: Sequence[Sequence[int]], members: list[int], size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    pins = np.zeros((len(members), size), dtype=np.intp)
    there = np.zeros((len(members), size), dtype=bool)
    for row, net in enumerate(members):
        pins[row, : len(nets[net])] = nets[net]
        there[row, : len(nets[net])] = True
    return np.asarray(members, dtype=np.intp), pins, there


def _trees(points: np.ndarray, pins: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return the trees over every row of ``pins``, worked out together."""
    where = points[pins]
    usable = there & np.isfinite(where[..., 0]) & np.isfinite(where[..., 1])
    whole = usable.all(axis=1)
    if pins.shape[1] == 2:
        return pins[whole]
    if pins.shape[1] == 3:
        return np.concatenate(
            [_triangles(where[whole], pins[whole]), _grown(where[~whole], pins[~whole], usable[~whole])]
        )
    return _grown(where, pins, usable)


def _triangles(where: np.ndarray, pins: np.ndarray) -> np.ndarray:
    """Return two edges of every triangle, all but its longest."""
    sides = np.array([(0, 1), (1, 2), (2, 0)])
    length = np.square(where[:, sides[:, 0]] - where[:, sides[:, 1]]).sum(axis=2)
    longest = length.argmax(axis=1)
    kept = np.array([(1, 2), (2, 0), (0, 1)])[longest]
    return pins[np.arange(len(pins))[:, None, None], sides[kept]].reshape(-1, 2)


def _grown(where: np.ndarray, pins: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Grow a tree in every row at once."""
    count, size = pins.shape
    rows = np.arange(count)
    outside = usable.copy()
    newest = usable.argmax(axis=1)
    outside[rows, newest] = False
    x, y = where[..., 0], where[..., 1]
    nearest = np.full((count, size), np.inf)
    parent = np.zeros((count, size), dtype=np.intp)
    pairs = [np.empty((0, 2), np.intp)]
    for _ in range(size - 1):
        dx, dy = x - x[rows, newest][:, None], y - y[rows, newest][:, None]
        distance = np.where(outside, dx * dx + dy * dy, np.inf)
        closer = distance < nearest
        np.copyto(parent, newest[:, None], where=closer)
        nearest = np.where(outside, np.minimum(distance, nearest), np.inf)
        newest = nearest.argmin(axis=1)
        grown = np.flatnonzero(outside[rows, newest])
        if not len(grown):
            break
        pairs.append(np.stack([pins[grown, newest[grown]], pins[grown, parent[grown, newest[grown]]]], axis=1))
        outside[rows, newest] = False
    return np.concatenate(pairs)


def _tree(where: np.ndarray) -> np.ndarray:
    """Return the shortest tree over finite points f8[k, 2] as pairs of their indices."""
    if len(where) < 2:
        return np.empty((0, 2), np.intp)
    offset = where[:, None] - where[None]
    distance = np.einsum("abc,abc->ab", offset, offset)
    distance[:, 0] = np.inf  # what is in the tree is not looked for again
    nearest, parent = distance[0].copy(), np.zeros(len(where), dtype=np.intp)
    pairs = np.empty((len(where) - 1, 2), dtype=np.intp)
    for step in range(len(pairs)):
        newest = int(nearest.argmin())
        pairs[step] = newest, parent[newest]
        distance[:, newest] = np.inf
        nearest[newest] = np.inf
        closer = distance[newest] < nearest
        parent[closer] = newest
        np.minimum(nearest, distance[newest], out=nearest)
    return pairs


def _chain(where: np.ndarray) -> np.ndarray:
    """Join finite points f8[k, 2] in stripes, to and fro: short enough for a net that covers the whole board."""
    low, high = where.min(axis=0), where.max(axis=0)
    stripes = max(1, int(np.sqrt(len(where) / 2)))
    stripe = ((where[:, 1] - low[1]) / max(high[1] - low[1], 1e-9) * (stripes - 1e-6)).astype(np.intp)
    along = np.where(stripe % 2 == 0, where[:, 0], -where[:, 0])
    order = np.lexsort((along, stripe))
    return np.stack([order[:-1], order[1:]], axis=1)
