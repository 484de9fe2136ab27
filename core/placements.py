"""Placements: the scene of each stream and the frames that are kept for its scrubber."""

from __future__ import annotations

import numpy as np

from .frame_chain import OVERHEAD_BYTES, FrameChain
from .messages import PlacementFrame, PlacementScene, ProtocolError

MOST_FRAMES = 2000
MOST_PLACEMENTS = 1000


class Placement:
    """One stream: its board and where the parts were.

    Args:
        producer, stream: whose it is.
    """

    def __init__(self, producer: str, stream: str) -> None:
        self.producer = producer
        self.stream = stream
        self.scene: PlacementScene | None = None
        self.revision = 0
        self.scene_revision = 0
        self.unknown_scene = 0
        self._frames = FrameChain()
        self._scene_bytes = 0

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def latest(self) -> PlacementFrame | None:
        """The newest frame."""
        return self._frames.latest

    @property
    def first_serial(self) -> int:
        """The serial of the oldest kept frame."""
        return self._frames.first_serial

    @property
    def nbytes(self) -> int:
        """Bytes of scene and frames."""
        return self._scene_bytes + self._frames.nbytes

    def frame(self, position: int) -> PlacementFrame:
        """Return a kept frame, 0 the oldest; its serial is ``first_serial + position``.

        Raises:
            IndexError: there is no such frame.
        """
        return self._frames.frame(position)

    def set_scene(self, scene: PlacementScene) -> None:
        """Take over a scene; frames of another scene are dropped."""
        if self.scene is None or self.scene.scene != scene.scene or self.scene.refs != scene.refs:
            self.drop(len(self._frames))
        self.scene = scene
        self._scene_bytes = OVERHEAD_BYTES + _bytes_of_scene(scene)
        self.scene_revision += 1
        self.revision += 1

    def append(self, frame: PlacementFrame) -> None:
        """Keep a frame; beyond the most frames the oldest goes."""
        self._frames.append(frame)
        if len(self._frames) > MOST_FRAMES:
            self._frames.drop(1)
        self.revision += 1

    def drop(self, number: int) -> None:
        """Drop the oldest frames."""
        self._frames.drop(number)
        self.revision += 1


class PlacementStore:
    """Keep the placements of all producers; the oldest frames go when memory is short."""

    def __init__(self) -> None:
        self.placements: dict[tuple[str, str], Placement] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of all scenes and frames."""
        return sum(placement.nbytes for placement in self.placements.values())

    def set_scene(self, producer: str, stream: str, scene: PlacementScene) -> None:
        """Take over the scene of a stream.

        Raises:
            ProtocolError: its parts do not fit together; the scene before stays.
        """
        _check_scene(scene)
        self._placement(producer, stream).set_scene(scene)

    def append(self, producer: str, stream: str, frame: PlacementFrame) -> bool:
        """Take a frame.

        Returns:
            False when its scene is unknown; it is counted then and not kept.

        Raises:
            ProtocolError: it does not fit its scene.
        """
        placement = self._placement(producer, stream)
        scene = placement.scene
        if scene is None or frame.scene not in (0, scene.scene):
            placement.unknown_scene += 1
            return False
        _check_frame(frame, scene)
        placement.append(frame)
        return True

    def shrink(self, nbytes: int) -> int:
        """Drop the oldest frames of the largest placements; the newest frame of each stays.

        Args:
            nbytes: bytes to free, if possible.

        Returns:
            Bytes that were freed.
        """
        freed = 0
        while freed < nbytes:
            candidates = [placement for placement in self.placements.values() if len(placement) > 1]
            if not candidates:
                break
            largest = max(candidates, key=lambda placement: placement.nbytes)
            before = largest.nbytes
            largest.drop(max(1, len(largest) // 8))
            freed += before - largest.nbytes
        return freed

    def forget(self, producer: str) -> None:
        """Remove all placements of a producer."""
        for key in [key for key in self.placements if key[0] == producer]:
            del self.placements[key]

    def clear(self, producer: str | None = None, stream: str | None = None) -> None:
        """Remove frames; the scene stays, so that the next frame can be shown.

        Args:
            producer: only of this producer. stream: only of this name.
        """
        for key, placement in self.placements.items():
            if producer in (None, key[0]) and stream in (None, key[1]):
                placement.drop(len(placement))

    def _placement(self, producer: str, stream: str) -> Placement:
        placement = self.placements.get((producer, stream))
        if placement is None:
            if len(self.placements) >= MOST_PLACEMENTS:
                raise ProtocolError(f"placement: more than {MOST_PLACEMENTS} streams")
            placement = self.placements[producer, stream] = Placement(producer, stream)
        return placement


def _bytes_of_scene(scene: PlacementScene) -> int:
    arrays = (scene.size, scene.layer, scene.pads, scene.pad_owner, scene.pad_shape)
    points = sum(len(polygon) for polygon in (*scene.outlines, *scene.holes))
    members = sum(len(net) for _, net in scene.nets)
    # Names and pairs of numbers as Python objects: about a hundred bytes each.
    objects = len(scene.refs) + len(scene.nets) + len(scene.modules) + members
    return sum(array.nbytes for array in arrays if array is not None) + 16 * points + 100 * objects


def _shape(name: str, array: np.ndarray | None, *shape: int | None) -> None:
    """Refuse an array whose shape is not this one; None stands for any length."""
    if array is None:
        return
    fits = array.ndim == len(shape) and all(want in (None, got) for want, got in zip(shape, array.shape, strict=True))
    if not fits:
        wanted = ", ".join("any" if want is None else str(want) for want in shape)
        raise ProtocolError(f"placement: {name} has shape {array.shape}, not ({wanted})")


def _below(name: str, array: np.ndarray | None, limit: int) -> None:
    """Refuse indices that point beyond what they index."""
    if array is not None and array.size and (int(array.max()) >= limit or int(array.min()) < 0):
        raise ProtocolError(f"placement: {name} points to {int(array.max())} of {limit}")


def _check_scene(scene: PlacementScene) -> None:
    parts = len(scene.refs)
    pads = 0 if scene.pads is None else len(scene.pads)
    _shape("size", scene.size, parts, 2)
    _shape("layer", scene.layer, parts)
    _shape("pads", scene.pads, None, 5)
    _shape("pad_shape", scene.pad_shape, pads)
    if pads:
        _shape("pad_owner", scene.pad_owner, pads)
        if scene.pad_owner is None:
            raise ProtocolError("placement: pads without pad_owner")
    _below("pad_owner", scene.pad_owner, parts)
    for polygon in (*scene.outlines, *scene.holes):
        _shape("an outline or hole", np.asarray(polygon), None, 2)
    for name, members in scene.nets:
        if any(not (0 <= part < parts and -1 <= pad < pads) for part, pad in members):
            raise ProtocolError(f"placement: net {name[:40]} names a part or pad that is not there")


def _check_frame(frame: PlacementFrame, scene: PlacementScene) -> None:
    parts = len(scene.refs)
    forces = 0 if frame.force is None else len(frame.force)
    _shape("position", frame.position, parts, 3)
    _shape("module", frame.module, parts)
    _shape("movement", frame.movement, parts, 3)
    _shape("force", frame.force, None, 2)
    _shape("force_kind", frame.force_kind, forces)
    _shape("overlap", frame.overlap, None, 2)
    if forces:
        _shape("force_owner", frame.force_owner, forces)
        if frame.force_owner is None:
            raise ProtocolError("placement: forces without force_owner")
    _below("force_owner", frame.force_owner, parts)
    _below("overlap", frame.overlap, parts)
    _below("module", frame.module, max(1, len(scene.modules)))
