"""What a placement shows of itself: one frame and its numbers for every step."""

from __future__ import annotations

import math
import time

import numpy as np

from ..board import Board
from ..broadcaster import Broadcaster
from ..messages import PlacementFrame
from .placer import Placer, Step

STREAM = "board"
_STATE_S = 0.5
_WEAK_FORCE = 0.02


class PlacementReport:
    """Publish the scene once and then frames, metrics and the state.

    Args:
        broadcaster: gets them.
        board: being placed.
        placer: of that board.
    """

    def __init__(self, broadcaster: Broadcaster, board: Board, placer: Placer) -> None:
        self._b = broadcaster
        self._board = board
        self._placer = placer
        self._scene = board.scene()
        self._module = board.module_indices(self._scene.modules)
        self._published = 0
        self._told_s = -math.inf

    def scene(self) -> None:
        """Publish the scene."""
        self._b.publish_scene(STREAM, self._scene)

    def step(self, label: str, phase: str, iteration: int, step: Step | None = None) -> None:
        """Publish frame and numbers of the placement as it is.

        Args:
            label: what happened, in a few words. phase, iteration: where the run is.
            step: the iteration that was just done; None outside the global placement, where the energy is worked out
                for the picture and no forces are shown.
        """
        placer = self._placer
        overlap = placer.overlaps()
        numbers = {
            "energy": placer.forces()[1] if step is None else step.energy,
            "hpwl": placer.hpwl(),
            "overlaps": len(overlap),
            "temperature": placer.heat,
        }
        if step is not None:
            numbers["max_move"] = step.max_move
        self._b.publish_metrics(numbers, step=self._published)
        self._b.publish_frame(STREAM, self._frame(label, phase, iteration, numbers, overlap, step))
        self._tell_state({"board": self._board.name, "phase": phase, "iteration": iteration, **numbers})
        self._published += 1

    def _frame(
        self,
        label: str,
        phase: str,
        iteration: int,
        numbers: dict[str, float],
        overlap: np.ndarray,
        step: Step | None,
    ) -> PlacementFrame:
        position = self._placer.position()
        away = position[:, :2] - self._placer.first[:, :2]
        owner, kind, force = _arrows(step)
        return PlacementFrame(
            position=position.astype("<f4"),
            index=self._published,
            label=label,
            iteration=iteration,
            phase=phase,
            energy=numbers["energy"],
            max_move=numbers.get("max_move"),
            overlap_count=len(overlap),
            total_wire_length=numbers["hpwl"],
            fields={"temperature": numbers["temperature"]},
            module=self._module,
            force=force,
            force_owner=owner,
            force_kind=kind,
            overlap=overlap.astype("<u4"),
            movement=np.column_stack((away, np.hypot(*away.T))).astype("<f4"),
        )

    def _tell_state(self, state: dict[str, str | float]) -> None:
        now_s = time.monotonic()
        if now_s - self._told_s >= _STATE_S or state["phase"] == "final":
            self._told_s = now_s
            self._b.publish_data("optimizer", state)


def _arrows(step: Step | None) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
    """Return owner u4[k], kind u1[k] and force f4[k, 2] of the forces worth an arrow."""
    if step is None:
        return None, None, None
    kind, owner = np.nonzero(np.hypot(step.forces[..., 0], step.forces[..., 1]) > _WEAK_FORCE)
    return owner.astype("<u4"), kind.astype("u1"), step.forces[kind, owner].astype("<f4")
