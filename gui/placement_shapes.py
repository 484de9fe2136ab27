"""A scene and a frame made ready for drawing: what is the same for all frames is worked out once. Pure numpy.

Messages are untrusted: values that are not finite leave their part out, indices that lead nowhere are dropped.
"""

from __future__ import annotations

import itertools
from functools import cached_property

import numpy as np

from ..core.messages import PlacementFrame, PlacementScene
from .placement_geometry import (
    MAX_COORDINATE,
    boxes,
    corners,
    hit,
    pad_polygons,
    rotate,
    upright_boxes,
    usable_positions,
)
from .placement_ratsnest import Ratsnest

Box = tuple[float, float, float, float]


class SceneShapes:
    """The fixed part of a placement.

    Attributes:
        count: parts. size: f8[n, 2], long_side, short_side: f8[n] of it. bottom: bool[n].
        outlines, holes: closed polygons, f8[k, 2] each.
        pad_outline: f8[m, v, 2] relative to the unrotated part. pad_owner: int[m]. pad_side: f8[m], its longer side.
        pad_is_round: bool[m], round or oval. pad_number: int[m], its index in the scene.
        pin_net, pin_part, pin_pad: int[p], every pin of every net; the pad is -1 at the centroid.
        pin_offset: f8[p, 2] relative to the unrotated part.
    """

    def __init__(self, scene: PlacementScene) -> None:
        self.scene = scene
        self.count = len(scene.refs)
        self.size = _lengths(scene.size, self.count)
        self.long_side = np.maximum(self.size[:, 0], self.size[:, 1])
        self.short_side = np.minimum(self.size[:, 0], self.size[:, 1])
        self.bottom = _bottom(scene.layer, self.count)
        self.outlines = [polygon for outline in scene.outlines if (polygon := _polygon(outline)) is not None]
        self.holes = [polygon for hole in scene.holes if (polygon := _polygon(hole)) is not None]
        self._take_pads(scene)
        self._take_nets(scene)

    def _take_pads(self, scene: PlacementScene) -> None:
        pads = np.zeros((0, 5)) if scene.pads is None else np.asarray(scene.pads, dtype=np.float64).reshape(-1, 5)
        owner = np.zeros(0) if scene.pad_owner is None else np.asarray(scene.pad_owner)
        shape = np.zeros(len(pads)) if scene.pad_shape is None else np.asarray(scene.pad_shape)
        if len(owner) != len(pads) or len(shape) != len(pads):
            pads, owner, shape = np.zeros((0, 5)), np.zeros(0), np.zeros(0)
        sound = (np.isfinite(pads) & (np.abs(pads) < MAX_COORDINATE)).all(axis=1) & (owner < self.count)
        self.all_pads = np.where(sound[:, None], pads, 0.0)
        self.pad_number = np.flatnonzero(sound)
        self.pad_owner = owner[sound].astype(np.intp)
        self.pad_box = np.abs(pads[sound])
        self.pad_outline = pad_polygons(pads[sound], shape[sound])
        self.pad_is_round = shape[sound] != 0
        self.pad_side = self.pad_box[:, 2:4].max(axis=1) if len(self.pad_box) else np.zeros(0)

    def _take_nets(self, scene: PlacementScene) -> None:
        counts = [len(pins) for _, pins in scene.nets]
        pins = np.array([pin for _, of_net in scene.nets for pin in of_net], dtype=np.int64).reshape(-1, 2)
        net = np.repeat(np.arange(len(counts)), counts)
        sound = (pins[:, 0] >= 0) & (pins[:, 0] < self.count)
        self.pin_net, self.pin_part, pad = net[sound], pins[sound, 0].astype(np.intp), pins[sound, 1]
        self.pin_pad = np.where((pad >= 0) & (pad < len(self.all_pads)), pad, -1)
        self.pin_offset = np.zeros((len(self.pin_pad), 2))
        at_pad = self.pin_pad >= 0
        self.pin_offset[at_pad] = self.all_pads[self.pin_pad[at_pad], :2]

    @cached_property
    def ratsnest(self) -> Ratsnest:
        """The nets over the pins, in the order of ``pin_part``."""
        edges = np.searchsorted(self.pin_net, np.arange(len(self.scene.nets) + 1))
        return Ratsnest([range(begin, end) for begin, end in itertools.pairwise(edges.tolist())])

    @cached_property
    def index_of(self) -> dict[str, int]:
        """The index of a part by its ref; the first of equal ones."""
        return {ref: self.count - 1 - back for back, ref in enumerate(reversed(self.scene.refs))}

    def nets_of(self, part: int) -> np.ndarray:
        """Return the numbers of the nets at a part, ascending."""
        return np.unique(self.pin_net[self.pin_part == part])

    def parts_of(self, net: int) -> np.ndarray:
        """Return the indices of the parts on a net, ascending."""
        return np.unique(self.pin_part[self.pin_net == net])

    def neighbours(self, part: int, most: int) -> np.ndarray:
        """Return the parts that share a net of at most ``most`` parts with this one, ascending."""
        nets = [parts for net in self.nets_of(part) if len(parts := self.parts_of(int(net))) <= most]
        return np.unique(np.concatenate(nets)) if nets else np.empty(0, np.intp)

    def module_name(self, index: int) -> str:
        """Return the name of a module, or "" when there is none."""
        return self.scene.modules[index][0] if 0 <= index < len(self.scene.modules) else ""

    @cached_property
    def board_box(self) -> Box | None:
        """The bounding box of the outlines, None without one."""
        if not self.outlines:
            return None
        points = np.concatenate(self.outlines)
        (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return left, top, right, bottom


class FrameShapes:
    """Where the parts of a scene are at one moment.

    Attributes:
        position: f4[n, 3]. usable: bool[n], False for parts that cannot be drawn.
        bounds: f4[n, 4] upright boxes (left, top, right, bottom); both are NaN for those.
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
        self.bounds = upright_boxes(self.position, shapes.size)

    def corners(self, parts: np.ndarray) -> np.ndarray:
        """Return the corners f8[k, 4, 2] of these parts."""
        return corners(self.position[parts].astype(np.float64), self.shapes.size[parts])

    @cached_property
    def module(self) -> np.ndarray:
        """Index of each part's module, int[n]; -1 where there is none."""
        module = self.frame.module
        if module is None or len(module) != self.shapes.count:
            return np.full(self.shapes.count, -1)
        module = np.asarray(module).astype(np.intp)
        return np.where(module < len(self.shapes.scene.modules), module, -1)

    @cached_property
    def modules_used(self) -> list[int]:
        """Indices of the modules that parts are in, ascending."""
        return (np.flatnonzero(np.bincount(self.module + 1)[1:])).tolist()

    @cached_property
    def pins(self) -> np.ndarray:
        """Where every pin of every net is, f8[p, 2]."""
        part = self.shapes.pin_part
        return rotate(self.shapes.pin_offset[:, None], self.position[part, 2])[:, 0] + self.position[part, :2]

    @cached_property
    def ratsnest(self) -> tuple[np.ndarray, np.ndarray]:
        """Lines f8[e, 4] of the trees over all nets, and the net of each, int[e]."""
        ends, net = self.shapes.ratsnest.edges(self.pins)
        return self.pins[ends].reshape(-1, 4), net

    def ratsnest_of(self, nets: np.ndarray) -> np.ndarray:
        """Return the lines f8[e, 4] of the trees over these nets only."""
        members = [np.flatnonzero(self.shapes.pin_net == net).tolist() for net in nets]
        ends, _ = Ratsnest(members).edges(self.pins)
        return self.pins[ends].reshape(-1, 4)

    @cached_property
    def overlaps(self) -> np.ndarray:
        """Pairs of parts that overlap, int[j, 2], those that can be drawn."""
        pairs = self.frame.overlap
        if pairs is None or not len(pairs):
            return np.empty((0, 2), np.intp)
        pairs = np.asarray(pairs).astype(np.intp).reshape(-1, 2)
        pairs = pairs[(pairs < self.shapes.count).all(axis=1)]
        return pairs[self.usable[pairs].all(axis=1)]

    @cached_property
    def forces(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Owner int[k], vector f8[k, 2] and kind int[k] of the forces that can be drawn."""
        frame = self.frame
        if frame.force is None or frame.force_owner is None or not len(frame.force):
            return np.empty(0, np.intp), np.empty((0, 2)), np.empty(0, np.intp)
        owner = np.asarray(frame.force_owner).astype(np.intp)
        vector = np.asarray(frame.force, dtype=np.float64).reshape(-1, 2)
        kind = np.full(len(owner), 5) if frame.force_kind is None else np.asarray(frame.force_kind).astype(np.intp)
        if not len(owner) == len(vector) == len(kind):
            return np.empty(0, np.intp), np.empty((0, 2)), np.empty(0, np.intp)
        sound = (owner < self.shapes.count) & np.isfinite(vector).all(axis=1)
        sound[sound] &= self.usable[owner[sound]]
        return owner[sound], vector[sound], np.minimum(kind[sound], 5)

    @cached_property
    def typical_force(self) -> float:
        """The length that is drawn as a normal arrow: exceeded by 5 % of the forces only."""
        _, vector, _ = self.forces
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
        found = hit(self.position, self.shapes.size, x, y, margin)
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


def _lengths(size: np.ndarray, count: int) -> np.ndarray:
    lengths = np.asarray(size, dtype=np.float64).reshape(-1, 2)
    if len(lengths) != count:
        return np.zeros((count, 2))
    return np.where(np.isfinite(lengths), np.minimum(np.abs(lengths), MAX_COORDINATE), 0.0)


def _bottom(layer: np.ndarray | None, count: int) -> np.ndarray:
    if layer is None or len(layer) != count:
        return np.zeros(count, dtype=bool)
    return np.asarray(layer) == 1


def _polygon(points: object) -> np.ndarray | None:
    polygon = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    polygon = polygon[(np.isfinite(polygon) & (np.abs(polygon) < MAX_COORDINATE)).all(axis=1)]
    return polygon if len(polygon) >= 2 else None
