"""Which scene a frame belongs to."""

from __future__ import annotations

import threading

import msgspec

from .messages import PlacementFrame, PlacementScene


class SceneNumbers:
    """Numbers of scenes: given where there is none, and remembered for the frames that follow."""

    def __init__(self) -> None:
        self._newest: dict[str, int] = {}
        self._given = 0
        self._lock = threading.Lock()

    def number(self, stream: str, scene: PlacementScene) -> PlacementScene:
        """Give a scene its number."""
        with self._lock:
            if scene.scene:
                self._given = max(self._given, scene.scene)
            else:
                self._given += 1
                scene = msgspec.structs.replace(scene, scene=self._given)
            self._newest[stream] = scene.scene
        return scene

    def fill_in(self, stream: str, frame: PlacementFrame) -> PlacementFrame:
        """Point a frame without scene at the newest one."""
        return frame if frame.scene else msgspec.structs.replace(frame, scene=self._newest.get(stream, 0))
