"""What a link remembers of its producer from one connection to the next."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from .messages import Kind, PlacementFrame, PlacementScene
from .wire import DataMessage, Request

SHORT_LIFE_S = 10.0
SHORT_LIVES = 2
KEPT_SCENES = 1_024
NEWEST = 0  # a frame may name the newest scene of its stream, whichever that is


class SceneMemory:
    """Which scenes were received, so that a frame of another one is noticed, and asked about once."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._asked: OrderedDict[tuple[str, int], None] = OrderedDict()

    def miss(self, message: DataMessage) -> bool:
        """Take a message; returns True the first time a frame names a scene that never came."""
        if isinstance(message.message, PlacementScene):
            for scene in (message.message.scene, NEWEST):
                _note(self._known, (message.stream, scene))
        elif isinstance(message.message, PlacementFrame):
            wanted = (message.stream, message.message.scene)
            if wanted not in self._known and wanted not in self._asked:
                _note(self._asked, wanted)
                return True
        return False


def _note(entries: OrderedDict[tuple[str, int], None], entry: tuple[str, int]) -> None:
    entries[entry] = None
    while len(entries) > KEPT_SCENES:
        entries.popitem(last=False)


@dataclass
class LinkPeer:
    """The producer at the other end.

    Args:
        producer: id of its run, None before the first hello. token: what lets us operate it, if we may.
        without_history: it broke off twice while it sent its history, which is not asked for again.
    """

    producer: bytes | None = None
    token: bytes | None = None
    without_history: bool = False
    scenes: SceneMemory = field(default_factory=SceneMemory)
    _short_lives: int = 0

    def meet(self, producer: bytes) -> bool:
        """Take the id of the run that answers; returns True when it is another one than before."""
        if producer == self.producer:
            return False
        self.producer = producer
        self.without_history = False
        self.scenes = SceneMemory()
        self._short_lives = 0
        return True

    def request(self, id_: bytes, command: str, args: Any) -> Request:
        """Make a request to the run that was met last."""
        return Request(id_, command, args, self.producer, self.token)

    def subscription_ended(self, lived_s: float) -> bool:
        """Note that the connection broke this long after subscribing.

        Returns:
            True when from now on the history is left out because of it.
        """
        self._short_lives = self._short_lives + 1 if lived_s < SHORT_LIFE_S else 0
        if self._short_lives < SHORT_LIVES or self.without_history:
            return False
        self.without_history = True
        return True


def without_placements(have: list[list[object]], stream: str) -> list[list[object]]:
    """Leave the scenes and frames of one stream out of ``have``, so that they are sent again."""
    return [entry for entry in have if not (entry[0] in (Kind.SCENE, Kind.FRAME) and entry[1] == stream)]
