"""A scene made ready for drawing: what is the same for all frames is worked out once. Pure numpy.

Messages are untrusted: values that are not finite leave their part out, indices that lead nowhere are dropped.
"""

from __future__ import annotations

import itertools
from functools import cached_property

import numpy as np

from ..core.messages import PlacementFrame, PlacementScene
from .placement_geometry import MAX_COORDINATE, pad_polygons
from .placement_ratsnest import Ratsnest

Box = tuple[float, float, float, float]


class SceneShapes:
    """The fixed part of a placement.

    Attributes:
        count: parts. size: f8[n, 2], size_f4 the same, long_side, short_side: f8[n] of it. bottom: bool[n].
        reach: f4[n], half of each diagonal. usual_side, usual_area: of a usual part.
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
        self.size_f4 = self.size.astype(np.float32)
        self.long_side = np.maximum(self.size[:, 0], self.size[:, 1])
        self.short_side = np.minimum(self.size[:, 0], self.size[:, 1])
        self.reach = (np.hypot(self.size[:, 0], self.size[:, 1]) / 2).astype(np.float32)
        self.usual_side = float(np.median(self.long_side)) if self.count else 0.0
        self.usual_area = float(np.median(self.long_side * self.short_side)) if self.count else 0.0
        self._modules = _Modules(len(scene.modules))
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

    def nets_at(self, parts: np.ndarray) -> np.ndarray:
        """Return which nets, bool[nets], have a pin at these parts, bool[n]."""
        found = np.zeros(len(self.scene.nets), dtype=bool)
        if parts.all():
            found[self.pin_net] = True
        else:
            found[self.pin_net[parts[self.pin_part]]] = True
        return found

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

    def modules_of(self, frame: PlacementFrame) -> tuple[np.ndarray, list[int]]:
        """Return the index of each part's module, int[n] with -1 for none, and those that are used, ascending."""
        module = frame.module
        if module is not None and len(module) != self.count:
            module = None
        return self._modules.of(module, self.count)

    @cached_property
    def board_box(self) -> Box | None:
        """The bounding box of the outlines, None without one."""
        if not self.outlines:
            return None
        points = np.concatenate(self.outlines)
        (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return left, top, right, bottom


class _Modules:
    """The modules of the parts, worked out again only when a frame has another array of them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._raw: np.ndarray | None = None
        self._known: tuple[np.ndarray, list[int]] | None = None

    def of(self, raw: np.ndarray | None, parts: int) -> tuple[np.ndarray, list[int]]:
        """Return int[n] with -1 where there is none, and the indices that are used."""
        if self._known is None or raw is not self._raw:
            module = np.full(parts, -1) if raw is None else np.asarray(raw).astype(np.intp)
            module = np.where(module < self._count, module, -1)
            used = np.flatnonzero(np.bincount(module + 1)[1:]).tolist()
            self._raw, self._known = raw, (module, used)
        return self._known


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
