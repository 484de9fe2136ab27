"""The scene of a placement stream: from what is known of the board, and guessed where nothing is."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec.structs import replace

from ..messages import PlacementScene, ProtocolError
from .placement_codec import MOST_MODULES
from .placement_facts import BoardFacts, PartFacts

# Width and height in mm that parts of such names often have.
USUAL_MM = {
    "C": (2.0, 1.25),
    "R": (2.0, 1.25),
    "L": (2.5, 2.0),
    "FB": (2.0, 1.25),
    "D": (2.7, 1.6),
    "LED": (2.0, 1.25),
    "Q": (3.0, 2.6),
    "U": (7.0, 7.0),
    "IC": (7.0, 7.0),
    "J": (9.0, 6.0),
    "P": (9.0, 6.0),
    "X": (5.0, 3.2),
    "Y": (5.0, 3.2),
    "SW": (6.0, 6.0),
    "TP": (1.5, 1.5),
}
OTHER_MM = (3.0, 3.0)
MOST_CONNECTIONS = 1_000_000
_NO_PADS = np.empty((0, 5))

Nets = tuple[tuple[str, tuple[tuple[int, int], ...]], ...]


def guessed_part(ref: str) -> PartFacts:
    """Return a part of a usual size for its name, without pads."""
    return PartFacts(*USUAL_MM.get(ref.rstrip("0123456789#*?").upper(), OTHER_MM), _NO_PADS, ())


class SceneMaker:
    """Make the scene that frames fit, and a new one when they do not any more.

    Attributes:
        facts: what is known of the board; may be replaced, then ``fit`` gives a new scene.
        scene: the newest, None before the first. index: of each part of it. modules: index of each module.
        guesses: whether any part of it has a guessed size.
    """

    def __init__(self) -> None:
        self.facts = BoardFacts()
        self.scene: PlacementScene | None = None
        self.index: dict[str, int] = {}
        self.modules: dict[str, int] = {}
        self.guesses = False
        self._made_of: tuple[Any, ...] = ()
        self._connections: list[Any] = []
        self._number = 0

    def fit(
        self, refs: tuple[str, ...], sizes: np.ndarray | None, modules: set[str], connections: list[Any] | None
    ) -> PlacementScene | None:
        """Return a new scene when one is needed, else None.

        Args:
            refs: names of the n parts. sizes: f8[n, 2] if the frame tells them. modules: names in use.
            connections: (part, part, net) of the whole board, None for as before.

        Raises:
            ProtocolError: there are more modules or connections than on any board.
        """
        if connections is None:
            connections = self._connections
        new = sorted(modules - self.modules.keys())
        told = None if sizes is None else sizes.tobytes()
        if self.scene is not None and not new and self._is_made_of(refs, told, connections):
            return None
        if len(self.modules) + len(new) > MOST_MODULES or len(connections) > MOST_CONNECTIONS:
            raise ProtocolError(f"more than {MOST_MODULES} modules, or {MOST_CONNECTIONS} connections")
        if self.scene is None or self.scene.refs != refs:
            self._number += 1
            self.index = {ref: index for index, ref in enumerate(refs)}
        self.modules |= {name: len(self.modules) + position for position, name in enumerate(new)}
        self._made_of, self._connections = (refs, told, self.facts), connections
        self.scene = self._make(refs, sizes)
        return self.scene

    def _is_made_of(self, refs: tuple[str, ...], sizes: bytes | None, connections: list[Any]) -> bool:
        before_refs, before_sizes, facts = self._made_of
        same = refs == before_refs and sizes == before_sizes and facts is self.facts
        return same and connections == self._connections

    def _make(self, refs: tuple[str, ...], sizes: np.ndarray | None) -> PlacementScene:
        known = self.facts.parts
        parts = [known.get(ref) or guessed_part(ref) for ref in refs]
        self.guesses = sizes is None and not known.keys() >= set(refs)
        size = np.array([(part.width, part.height) for part in parts]) if sizes is None else sizes
        scene = PlacementScene(
            refs=refs,
            size=size.reshape(-1, 2).astype("<f4"),
            scene=self._number,
            outlines=self.facts.outlines,
            holes=self.facts.holes,
            modules=tuple((name, self.facts.colors.get(name)) for name in self.modules),
            layer=np.array([ref in self.facts.bottom for ref in refs], dtype="u1"),
        )
        pads = np.concatenate([part.pads for part in parts]) if parts else _NO_PADS
        if not len(pads):
            return replace(scene, nets=self._nets_of_connections())
        counts = [len(part.pads) for part in parts]
        return replace(
            scene,
            pads=pads[:, :5].astype("<f4"),
            pad_owner=np.repeat(np.arange(len(parts), dtype="<u4"), counts),
            pad_shape=np.zeros(len(pads), dtype="u1"),
            nets=_nets_of_pads(parts),
        )

    def _nets_of_connections(self) -> Nets:
        nets: dict[str, dict[tuple[int, int], None]] = {}
        for connection in self._connections:
            if type(connection) is not list or len(connection) != 3 or not all(type(x) is str for x in connection):
                raise ProtocolError("a connection is not part, part, net")
            a, b, net = connection
            ends = [(self.index[ref], -1) for ref in (a, b) if ref in self.index]
            nets.setdefault(net[:256], {}).update(dict.fromkeys(ends))
        return tuple((name, tuple(ends)) for name, ends in nets.items() if len(ends) > 1)


def _nets_of_pads(parts: list[PartFacts]) -> Nets:
    nets: dict[str, list[tuple[int, int]]] = {}
    pad = 0
    for index, part in enumerate(parts):
        for net in part.nets:
            if net:
                nets.setdefault(net, []).append((index, pad))
            pad += 1
    return tuple((name, tuple(ends)) for name, ends in nets.items() if len(ends) > 1)
