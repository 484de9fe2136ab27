"""The area of a board in which parts may stand: inside an outline, outside every hole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..geometry import contains, fill

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FIELD_CELLS = 40_000
_FIELD_WORK = 20_000_000  # cells × edges: an outline drawn with thousands of points gets a coarser field
_PAIRS = 200_000
_MARGIN_CELLS = 4


class Region:
    """Where a box may stand, and which way out of trouble is when it does not.

    Args:
        outlines, holes: closed polygons f8[k, 2]; at least one outline.
    """

    def __init__(self, outlines: Sequence[Floats], holes: Sequence[Floats] = ()) -> None:
        self._loops = [np.asarray(loop, dtype=float) for loop in (*outlines, *holes)]
        self._from = np.concatenate(self._loops)
        self._to = np.concatenate([np.roll(loop, -1, axis=0) for loop in self._loops])
        along = self._to - self._from
        self._normal = np.stack((-along[:, 1], along[:, 0]), axis=1)
        border = np.concatenate([np.asarray(outline, dtype=float) for outline in outlines])
        self.low: Floats = border.min(axis=0)
        self.high: Floats = border.max(axis=0)
        self._make_field()

    def contains(self, points: Floats) -> Mask:
        """Tell which points f8[…, 2] lie on the board: bool[…]."""
        inside = np.zeros(points.shape[:-1], dtype=bool)
        for loop in self._loops:
            inside ^= contains(loop, points)
        return inside

    def grid(self, pitch: float) -> tuple[Floats, Floats, Mask]:
        """Return xs f8[c], ys f8[r] that cover the board and bool[r, c], which of them lie on it."""
        xs = np.arange(self.low[0], self.high[0] + pitch / 2, pitch)
        ys = np.arange(self.low[1], self.high[1] + pitch / 2, pitch)
        return xs, ys, self._fill(xs, ys)

    def _fill(self, xs: Floats, ys: Floats) -> Mask:
        inside = np.zeros((len(ys), len(xs)), dtype=bool)
        for loop in self._loops:
            inside ^= fill(loop, xs, ys)
        return inside

    def forbid_edges(self, free: Mask, xs: Floats, ys: Floats, half: Floats) -> None:
        """Clear the cells of ``free`` at which a box would cross an edge of the board.

        A box and a segment are apart when one of three axes separates them: x, y, and the segment's normal.

        Args:
            free: bool[r, c], changed. xs, ys: f8[c], f8[r] even grid.
            half: f8[2] half width and half height of the box.
        """
        low, high = np.minimum(self._from, self._to) - half, np.maximum(self._from, self._to) + half
        first_x, last_x = np.searchsorted(xs, low[:, 0], "right"), np.searchsorted(xs, high[:, 0], "left")
        first_y, last_y = np.searchsorted(ys, low[:, 1], "right"), np.searchsorted(ys, high[:, 1], "left")
        normal = self._normal
        reach = np.abs(normal) @ half
        for edge in range(len(normal)):
            rows, columns = slice(first_y[edge], last_y[edge]), slice(first_x[edge], last_x[edge])
            if not normal[edge].all():
                free[rows, columns] = False
                continue
            x, y = xs[columns] - self._from[edge, 0], ys[rows] - self._from[edge, 1]
            distance = np.abs((x * normal[edge, 0])[None, :] + (y * normal[edge, 1])[:, None])
            free[rows, columns] &= distance >= reach[edge]

    def holds(self, centre: Floats, half: Floats, slack: float = 1e-4) -> Mask:
        """Tell which boxes lie wholly on the board, bool[n].

        Args:
            centre, half: f8[n, 2]. slack: mm a box may reach over, for rounding.
        """
        inside = self.contains(centre)
        chunk = max(_PAIRS // len(self._from), 1)
        for first in range(0, len(centre), chunk):
            boxes = slice(first, first + chunk)
            inside[boxes] &= ~self._crossed(centre[boxes, None, :], half[boxes, None, :] - slack)
        return inside

    def _crossed(self, centre: Floats, half: Floats) -> Mask:
        """Tell which boxes f8[n, 1, 2] an edge of the board crosses, bool[n]."""
        low, high = np.minimum(self._from, self._to), np.maximum(self._from, self._to)
        meets = ((low < centre + half) & (high > centre - half)).all(axis=2)
        distance = np.abs(((centre - self._from) * self._normal).sum(axis=2))
        return (meets & (distance < (half * np.abs(self._normal)).sum(axis=2))).any(axis=1)

    def push(self, centre: Floats, half: Floats) -> Floats:
        """Return f8[n, 2], how far and which way each box has to go to be on the board, 0 where it is.

        Judged at nine points of each box from a field of distances, so it is a direction to follow, not a proof.
        """
        sign = np.array([(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)], dtype=float)
        points = centre[:, None, :] + half[:, None, :] * sign
        cells = np.rint((points - self._origin) / self._pitch).astype(np.intp)
        cells = np.clip(cells, 0, np.array(self._outside.shape[::-1]) - 1)
        column, row = cells[..., 0], cells[..., 1]
        depth = self._outside[row, column]
        depth += np.abs(points - (self._origin + cells * self._pitch)).max(axis=-1) * (depth > 0)
        inward = -self._slope[row, column] * depth[..., None]
        strongest = np.abs(inward).argmax(axis=1)
        return np.take_along_axis(inward, strongest[:, None, :], axis=1)[:, 0, :]

    def _make_field(self) -> None:
        extent = self.high - self.low
        cells = min(_FIELD_CELLS, max(_FIELD_WORK // len(self._from), 1_000))
        self._pitch = max(float(np.sqrt(extent.prod() / cells)), 1e-3)
        self._origin = self.low - _MARGIN_CELLS * self._pitch
        columns, rows = np.ceil(extent / self._pitch).astype(int) + 2 * _MARGIN_CELLS + 1
        x = self._origin[0] + np.arange(columns) * self._pitch
        y = self._origin[1] + np.arange(rows) * self._pitch
        points = np.stack(np.meshgrid(x, y), axis=-1)
        distance = np.full((rows, columns), np.inf)
        for start, end in zip(self._from, self._to, strict=True):
            along = end - start
            share = np.clip(((points - start) @ along) / max(float(along @ along), 1e-12), 0.0, 1.0)
            np.minimum(distance, np.hypot(*np.moveaxis(points - start - share[..., None] * along, -1, 0)), out=distance)
        signed = np.where(self._fill(x, y), -distance, distance)
        down, right = np.gradient(signed, self._pitch)
        self._outside = np.maximum(signed, 0.0)
        self._slope = np.stack((right, down), axis=-1)
