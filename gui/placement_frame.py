"""A frame made ready for drawing, each part of it when it is asked for. Pure numpy.

Messages are untrusted: values that are not finite leave their part out, indices that lead nowhere are dropped.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..core.messages import PlacementFrame
from .placement_geometry import boxes, corners, hit, near, rotate, upright_boxes, usable_positions
from .placement_shapes import Box, SceneShapes

# Pins times pins of their nets whose trees are worked out in a frame, about 2 ms.
MAX_NET_WORK = 80_000
MAX_FORCES_WEIGHED = 20_000


class FrameShapes:
    """Where the parts of a scene are at one moment.

    Attributes:
        position: f4[n, 3]. usable: bool[n], False for parts that cannot be drawn.
            position is NaN for those.
    """

    def __init__(self, shapes: SceneShapes, frame: PlacementFrame) -> None:
        self.shapes = shapes
        self.frame = frame
        position = np.asarray(frame.position, dtype=np.float32).reshape(-1, 3)
        if len(position) != shapes.count:
            raise ValueError(f"position: {len(position)} parts, the scene has {shapes.count}")
        self.usable = usable_positions(position)
        sound = bool(self.usable.all())
        self.position = position if sound else np.where(self.usable[:, None], position, np.float32(np.nan))

    @cached_property
    def bounds(self) -> np.ndarray:
        """Upright boxes f4[n, 4] (left, top, right, bottom), NaN for parts that cannot be drawn."""
        return upright_boxes(self.position, self.shapes.size_f4)

    @cached_property
    def _reached(self) -> Box:
        """A box that all parts are in."""
        if not self.shapes.count or not self.usable.any():
            return 0.0, 0.0, 0.0, 0.0
        reach = float(self.shapes.reach.max())
        x, y = self.position[:, 0], self.position[:, 1]
        low = np.fmin.reduce(x), np.fmin.reduce(y)
        high = np.fmax.reduce(x), np.fmax.reduce(y)
        return float(low[0]) - reach, float(low[1]) - reach, float(high[0]) + reach, float(high[1]) + reach

    def in_view(self, window: Box) -> np.ndarray:
        """Return which parts may be seen in a window of the scene, bool[n]."""
        left, top, right, bottom = self._reached
        if window[0] <= left and window[1] <= top and window[2] >= right and window[3] >= bottom:
            return self.usable.copy()
        return near(self.position, self.shapes.reach, window)

    def corners(self, parts: np.ndarray) -> np.ndarray:
        """Return the corners f8[k, 4, 2] of these parts."""
        return corners(self.position[parts].astype(np.float64), self.shapes.size[parts])

    @cached_property
    def module(self) -> np.ndarray:
        """Index of each part's module, int[n]; -1 where there is none. The same array while modules do not change."""
        return self.shapes.modules_of(self.frame)[0]

    @property
    def modules_used(self) -> list[int]:
        """Indices of the modules that parts are in, ascending."""
        return self.shapes.modules_of(self.frame)[1]

    @cached_property
    def ratsnest(self) -> np.ndarray:
        """Lines f8[e, 4] of the trees over all nets."""
        return self._lines(None)

    def ratsnest_of(self, nets: np.ndarray) -> np.ndarray:
        """Return the lines f8[e, 4] of the trees over these nets only."""
        wanted = np.zeros(len(self.shapes.scene.nets), dtype=bool)
        wanted[nets] = True
        return self._lines(wanted)

    def ratsnest_in(self, in_view: np.ndarray) -> tuple[np.ndarray, bool]:
        """Return lines f8[e, 4] of the nets at the parts in view, and whether these are all of them.

        A few too many nets for that choice are all returned; trees over more pins than there is time for in a frame
        are worked out for an even choice of the nets.

        Args:
            in_view: bool[n], parts that can be seen.
        """
        nets = self.shapes.ratsnest
        if nets.work <= MAX_NET_WORK:
            return self.ratsnest, True
        wanted = self.shapes.nets_at(in_view)
        every = -(-int(nets.work_of_net[wanted].sum()) // MAX_NET_WORK)
        if every > 1:
            chosen = np.flatnonzero(wanted)[::every]
            wanted[:] = False
            wanted[chosen] = True
        return self._lines(wanted), every <= 1

    def _lines(self, wanted: np.ndarray | None) -> np.ndarray:
        pins = self._pins(wanted)
        return pins[self.shapes.ratsnest.edges(pins, wanted)].reshape(-1, 4)

    def _pins(self, wanted: np.ndarray | None) -> np.ndarray:
        """Return where the pins are, f8[p, 2]; those of nets that are not wanted (bool[nets]) are 0."""
        shapes = self.shapes
        pins = np.zeros((len(shapes.pin_part), 2))
        which = slice(None) if wanted is None else np.flatnonzero(wanted[shapes.pin_net])
        part, offset = shapes.pin_part[which], shapes.pin_offset[which]
        place = self.position.take(part, 0)
        pins[which] = place[:, :2] + rotate(offset[:, None], place[:, 2])[:, 0] if offset.any() else place[:, :2]
        return pins

    @cached_property
    def overlaps(self) -> np.ndarray:
        """Pairs of parts that overlap, int[j, 2], those that can be drawn."""
        pairs = self.frame.overlap
        if pairs is None or not len(pairs):
            return np.empty((0, 2), np.intp)
        pairs = np.asarray(pairs).astype(np.intp).reshape(-1, 2)
        if int(pairs.max()) >= self.shapes.count:
            pairs = pairs[(pairs[:, 0] < self.shapes.count) & (pairs[:, 1] < self.shapes.count)]
        if not self.usable.all():
            pairs = pairs[self.usable[pairs[:, 0]] & self.usable[pairs[:, 1]]]
        return pairs

    @cached_property
    def forces(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Owner int[k], vector f4[k, 2] and kind u1[k] of the forces that can be drawn."""
        frame = self.frame
        if frame.force is None or frame.force_owner is None or not len(frame.force):
            return np.empty(0, np.intp), np.empty((0, 2), np.float32), np.empty(0, np.uint8)
        owner, vector = np.asarray(frame.force_owner), np.asarray(frame.force, dtype=np.float32).reshape(-1, 2)
        kind = np.full(len(owner), 5, np.uint8) if frame.force_kind is None else np.asarray(frame.force_kind)
        if not len(owner) == len(vector) == len(kind):
            return np.empty(0, np.intp), np.empty((0, 2), np.float32), np.empty(0, np.uint8)
        kind = np.minimum(kind, 5).astype(np.uint8)
        sound = np.isfinite(vector[:, 0]) & np.isfinite(vector[:, 1])
        if int(owner.max()) < self.shapes.count and sound.all() and self.usable.all():
            return owner, vector, kind
        sound &= owner < self.shapes.count
        sound[sound] &= self.usable[owner[sound]]
        return owner[sound], vector[sound], kind[sound]

    @cached_property
    def force_kinds(self) -> list[int]:
        """The kinds of forces that there are, ascending."""
        return np.flatnonzero(np.bincount(self.forces[2])).tolist()

    @cached_property
    def typical_force(self) -> float:
        """The length that is drawn as a normal arrow: exceeded by 5 % of the forces only; of very many, of a sample."""
        _, vector, _ = self.forces
        vector = vector[:: max(1, len(vector) // MAX_FORCES_WEIGHED)].astype(np.float64)
        length = np.hypot(vector[:, 0], vector[:, 1])
        length = length[length > 0]
        return float(np.percentile(length, 95)) if len(length) else 0.0

    def pad_polygons(self, pads: np.ndarray, vertices: slice = slice(None)) -> np.ndarray:
        """Return the outlines f8[m, v, 2] of these pads (indices into ``shapes.pad_owner``) where they are now."""
        owner = self.shapes.pad_owner[pads]
        turned = rotate(self.shapes.pad_outline[pads][:, vertices], self.position[owner, 2])
        return turned + self.position[owner, None, :2]

    def part_at(self, x: float, y: float, margin: float, hidden: np.ndarray | None = None) -> int | None:
        """Return the part under a scene point: top before bottom, small before large.

        Args:
            margin: scene units within which a speck counts as hit.
            hidden: bool[n], parts that are not drawn.
        """
        found = hit(self.position, self.shapes.size, self.shapes.reach, x, y, margin)
        if hidden is not None:
            found = found[~hidden[found]]
        if not len(found):
            return None
        area = self.shapes.size[found].prod(axis=1)
        return int(found[np.lexsort((area, self.shapes.bottom[found]))[0]])

    def pad_at(self, part: int, x: float, y: float) -> int | None:
        """Return the pad of a part under a scene point, as its number in the scene, or None."""
        pads = np.flatnonzero(self.shapes.pad_owner == part)
        if not len(pads):
            return None
        bounds = boxes(self.pad_polygons(pads))
        inside = (bounds[:, 0] <= x) & (x <= bounds[:, 2]) & (bounds[:, 1] <= y) & (y <= bounds[:, 3])
        return int(self.shapes.pad_number[pads[inside.argmax()]]) if inside.any() else None

    def extent(self) -> Box | None:
        """Return the box of board and parts; a stray part never makes it more than 3 times the board's size."""
        board = self.shapes.board_box
        bounds = self.bounds[self.usable]
        if not len(bounds):
            return board
        left, top = map(float, bounds[:, :2].min(axis=0))
        right, bottom = map(float, bounds[:, 2:].max(axis=0))
        if board is None:
            return left, top, right, bottom
        width, height = board[2] - board[0], board[3] - board[1]
        return (
            min(board[0], max(left, board[0] - width)),
            min(board[1], max(top, board[1] - height)),
            max(board[2], min(right, board[2] + width)),
            max(board[3], min(bottom, board[3] + height)),
        )
