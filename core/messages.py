"""The messages of dockscope: frozen nouns that every source produces and every store accepts.

Nothing here does I/O; the native wire form of these is in ``wire.py``. Arrays are C-contiguous, little endian and
must be treated as read-only: they may be views of a received network buffer.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np


class ProtocolError(Exception):
    """What arrived breaks the rules of its format: the other side did wrong."""


class Kind(enum.StrEnum):
    """What a message carries; together with the stream name it identifies a stream."""

    SERIES = "series"
    METRIC = "metric"
    SPECTRUM = "spectrum"
    SCENE = "scene"
    FRAME = "frame"
    DATA = "data"
    LOG = "log"
    STATUS = "status"
    CONTROL = "control"
    HEARTBEAT = "heartbeat"


class SeriesDefinition(msgspec.Struct, frozen=True):
    """Describe one series once; metric batches then refer to it by ``id``.

    Args:
        id: number of the definition, unique within one run of a producer.
        name: metric name, also the name of its plot.
        labels: (label, text) pairs sorted by label; name + labels are one curve.
        fields: names of the extra numeric columns of each sample.
    """

    id: int
    name: str
    labels: tuple[tuple[str, str], ...] = ()
    fields: tuple[str, ...] = ()


class SeriesDefinitions(msgspec.Struct, frozen=True):
    """Definitions that arrive together."""

    definitions: tuple[SeriesDefinition, ...]


class MetricBatch(msgspec.Struct, frozen=True, eq=False):
    """Samples of k series as columns; N = sum(count), M = sum(count × number of fields of that series).

    Args:
        series: u4[k] definition ids; an id may occur several times, in ascending sample order.
        first: u8[k] number (from 1) of the first sample of each run of samples.
        count: u4[k] samples of each run.
        t: f8[N] unix seconds. value: f8[N].
        fields: f8[M], for each entry its field columns one after another.
        span: u4[k] sample numbers covered, more than count where history was thinned; None means count.
    """

    series: np.ndarray
    first: np.ndarray
    count: np.ndarray
    t: np.ndarray
    value: np.ndarray
    fields: np.ndarray
    span: np.ndarray | None = None


class Spectrum(msgspec.Struct, frozen=True, eq=False):
    """One row of a waterfall.

    Args:
        power: f4[npol, nchan], linear, in ``unit``.
        t: middle of the integration, unix seconds. duration: of the integration, seconds, or None.
        f0: Hz, centre of channel 0. df: Hz per channel, may be negative.
        frequencies: f8[nchan] Hz when the channels are not regular, else None.
    """

    power: np.ndarray
    t: float
    f0: float
    df: float
    duration: float | None = None
    unit: str = ""
    polarizations: tuple[str, ...] = ()
    fields: dict[str, float] = {}
    frequencies: np.ndarray | None = None


class DataRecord(msgspec.Struct, frozen=True, eq=False):
    """The latest value of a free-form stream: nested dict/list of text, numbers, None, bytes and numpy arrays."""

    value: Any
    t: float


class LogRecord(msgspec.Struct, frozen=True):
    """One log line. ``fields`` values are text or numbers; ``t`` is unix seconds."""

    level: str
    message: str
    fields: dict[str, Any]
    t: float


class Status(msgspec.Struct, frozen=True):
    """A phase told by the producer: ``status`` is info, warning, error or complete; ``t`` is unix seconds."""

    status: str
    message: str
    t: float


class ParameterState(msgspec.Struct, frozen=True):
    """A live parameter as the producer reports it. ``type`` is bool, int, float or str."""

    name: str
    type: str
    value: Any
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] | None = None
    unit: str = ""
    revision: int = 0


class ControlState(msgspec.Struct, frozen=True):
    """The run state, on the producer's word.

    Args:
        run: name of a RunState (RUNNING PAUSING PAUSED RESUMING STOPPING STOPPED ENDED).
        outcome: finished, stopped or error once ENDED, else None.
        revision: grows by one with each change. by: who asked last, as "name@host". reason: why, free text.
        waiting_s: how long the open request has waited for the loop, seconds, or None.
    """

    run: str
    outcome: str | None = None
    revision: int = 0
    by: str = ""
    reason: str = ""
    waiting_s: float | None = None
    parameters: tuple[ParameterState, ...] = ()


class Heartbeat(msgspec.Struct, frozen=True):
    """Sent every second. ``dropped`` is cumulative per (kind, stream): lost in the publish queue before numbering."""

    dropped: tuple[tuple[str, str, int], ...] = ()
    viewers: int = 0
    queue_bytes: int = 0


class Hello(msgspec.Struct, frozen=True):
    """What a producer tells of itself when a viewer greets it.

    Args:
        is_numbered: its messages carry numbers, so that what is lost is known; false for some foreign sources.
    """

    producer: bytes
    name: str
    host: str = ""
    pid: int = 0
    version: str = ""
    started_ns: int = 0
    clock_ns: int = 0
    capabilities: tuple[str, ...] = ()
    streams: tuple[tuple[str, str], ...] = ()
    role: str = "observe"
    is_numbered: bool = True


class PlacementScene(msgspec.Struct, frozen=True, eq=False):
    """The fixed part of a placement: board, parts, pads, nets. Public name.

    Centroids are x, y in ``unit``, y downwards; positive rotation turns clockwise on screen.

    Args:
        refs: names of the n parts.
        size: f4[n, 2] width, height of each unrotated part.
        scene: number of the scene; frames name it. 0 lets the Broadcaster give one.
        outlines, holes: closed polygons, each a f8[k, 2] array-like of x, y.
        layer: u1[n], 0 top, 1 bottom; None means all on top.
        modules: (name, "#rrggbb" or None) pairs; frames may give each part an index into it.
        nets: (name, ((part index, pad index), …)) pairs; the pad index counts in ``pads``, or is -1 for the centroid.
        pads: f4[m, 5] x, y, width, height, degrees relative to the unrotated centroid.
        pad_owner: u4[m] part index. pad_shape: u1[m], 0 rectangle, 1 round, 2 oval.
    """

    refs: tuple[str, ...]
    size: np.ndarray
    scene: int = 0
    unit: str = "mm"
    outlines: tuple[np.ndarray, ...] = ()
    holes: tuple[np.ndarray, ...] = ()
    modules: tuple[tuple[str, str | None], ...] = ()
    nets: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = ()
    layer: np.ndarray | None = None
    pads: np.ndarray | None = None
    pad_owner: np.ndarray | None = None
    pad_shape: np.ndarray | None = None


class PlacementFrame(msgspec.Struct, frozen=True, eq=False):
    """Where the parts are at one moment. Public name.

    Args:
        position: f4[n, 3] x, y, degrees of each centroid, in the order of the scene's ``refs``.
        scene: number of the scene; 0 means the newest scene of the stream.
        module: u2[n] index into the scene's modules.
        force: f4[k, 2] vectors, force_owner u4[k] part index, force_kind u1[k] 0 attraction 1 repulsion 2 boundary
            3 constraint 4 alignment 5 other.
        overlap: u4[j, 2] pairs of part indices that overlap.
        movement: f4[n, 3] dx, dy, distance from the first frame.
    """

    position: np.ndarray
    scene: int = 0
    index: int = 0
    label: str = ""
    iteration: int | None = None
    phase: str = ""
    energy: float | None = None
    max_move: float | None = None
    overlap_count: int | None = None
    total_wire_length: float | None = None
    fields: dict[str, float] = {}
    module: np.ndarray | None = None
    force: np.ndarray | None = None
    force_owner: np.ndarray | None = None
    force_kind: np.ndarray | None = None
    overlap: np.ndarray | None = None
    movement: np.ndarray | None = None

    @classmethod
    def from_components(
        cls, components: Mapping[str, tuple[float, float, float]], scene: PlacementScene, **fields: Any
    ) -> PlacementFrame:
        """Make a frame from ``{ref: (x, y, degrees)}``.

        Args:
            components: one entry for every part of the scene.
            scene: gives the order of the parts.
            fields: other attributes of the frame, such as ``iteration=`` or ``energy=``.

        Raises:
            ValueError: a part of the scene is missing, or a name is not in the scene.
        """
        missing = [ref for ref in scene.refs if ref not in components]
        unknown = (
            [ref for ref in components if ref not in set(scene.refs)]
            if len(components) > len(scene.refs) - len(missing)
            else []
        )
        if missing or unknown:
            raise ValueError(f"components: missing {missing[:5]}, not in the scene {unknown[:5]}")
        position = np.array([components[ref] for ref in scene.refs], dtype="<f4").reshape(-1, 3)
        return cls(position=position, scene=scene.scene, **fields)


Message = (
    SeriesDefinitions
    | MetricBatch
    | Spectrum
    | PlacementScene
    | PlacementFrame
    | DataRecord
    | LogRecord
    | Status
    | ControlState
    | Heartbeat
)
KIND_OF: dict[type, Kind] = {
    SeriesDefinitions: Kind.SERIES,
    MetricBatch: Kind.METRIC,
    Spectrum: Kind.SPECTRUM,
    PlacementScene: Kind.SCENE,
    PlacementFrame: Kind.FRAME,
    DataRecord: Kind.DATA,
    LogRecord: Kind.LOG,
    Status: Kind.STATUS,
    ControlState: Kind.CONTROL,
    Heartbeat: Kind.HEARTBEAT,
}
