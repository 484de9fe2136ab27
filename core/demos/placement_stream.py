"""The optimizer as a program of another kind: it streams with ``StreamingVisualizer``, to a page in the browser."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator

import numpy as np

from ..board import Board
from ..dialects.placement_ws import StreamingVisualizer
from .legalize import Legalizer
from .placer import Placer, Step
from .progress import ProgressBar

FORCE_KINDS = ("attraction", "repulsion", "boundary")
FORCES_EVERY = 5
EXPORT = "placement.html"
_WEAK_FORCE = 0.02


class PlacementStream:
    """Place a board's parts and stream every step.

    Args:
        visualizer: of that board. board: to place. placer: of that board.
        iterations: of the global placement. seed: of all randomness. rate_hz: iterations a second, 0 for no limit.
    """

    def __init__(
        self,
        visualizer: StreamingVisualizer,
        board: Board,
        placer: Placer,
        *,
        iterations: int,
        seed: int,
        rate_hz: float,
    ) -> None:
        self._visualizer, self._board, self._placer = visualizer, board, placer
        self._planned, self._seed = iterations, seed
        self._interval_s = 1.0 / rate_hz if rate_hz > 0.0 else 0.0
        self._due_s = time.monotonic()
        self._done = 0

    async def run(self, bar: ProgressBar) -> bool:
        """Place the board; returns True when someone stopped it."""
        visualizer = self._visualizer
        await visualizer.start_streaming(generate_viewer=True)
        try:
            print(visualizer.get_viewer_url(), flush=True)
            print(f"open {visualizer.viewer_path} in a browser to watch", file=sys.stderr, flush=True)
            try:
                stopped = await self._place(bar)
            except (asyncio.CancelledError, KeyboardInterrupt):
                stopped = True  # by a signal: viewers are told all the same
            await self._capture("stopped" if stopped else "done", "final")
            word = (
                ("warning", f"Stopped at iteration {self._done}") if stopped else ("complete", "Optimization converged")
            )
            await visualizer.send_status(*word)
            print(f"the whole run is in {visualizer.export_canvas_html(EXPORT)}", file=sys.stderr)
            return stopped
        finally:
            await visualizer.stop_streaming()

    async def _place(self, bar: ProgressBar) -> bool:
        await self._visualizer.send_status("info", f"Placing {self._board.name}: {len(self._board.parts)} parts")
        await self._capture("random start", "initial")
        while self._done < self._planned:
            if not await self._may_go_on():
                return True
            step = self._placer.step()
            self._done += 1
            await self._capture(f"Iteration {self._done}", "refinement", step)
            bar.show(self._done, f"hpwl {self._placer.hpwl():.0f}")
        await self._visualizer.send_status("info", "Legalization: every part to its best free place")
        legalizer = Legalizer(self._placer, self._seed)
        return not (await self._follow(legalizer.legalize()) and await self._follow(legalizer.improve()))

    async def _follow(self, moves: Iterator[int]) -> bool:
        for count, part in enumerate(moves, 1):
            await self._capture(f"{self._board.parts[part].ref}, move {count}", "legalization")
            if not await self._may_go_on():
                return False
        return True

    async def _may_go_on(self) -> bool:
        """Wait until the next step is due, and while it is paused; False means stop."""
        self._due_s = max(self._due_s + self._interval_s, time.monotonic())
        await asyncio.sleep(self._due_s - time.monotonic())
        visualizer = self._visualizer
        if await visualizer.is_paused():
            await visualizer.send_status("info", "Optimization paused")
            if await visualizer.wait_resume():
                await visualizer.send_status("info", "Optimization resumed")
        return not await visualizer.is_stop_requested()

    async def _capture(self, label: str, phase: str, step: Step | None = None) -> None:
        placer = self._placer
        places = {part.ref: place for part, place in zip(self._board.parts, placer.position().tolist(), strict=True)}
        await self._visualizer.capture_and_stream(
            label=label,
            iteration=self._done,
            phase=phase,
            forces=self._forces(step),
            energy=placer.forces()[1] if step is None else step.energy,
            max_move=0.0 if step is None else step.max_move,
            components=places,
        )

    def _forces(self, step: Step | None) -> dict[str, list[tuple[float, float, str]]]:
        """Return the forces worth an arrow, of every fifth iteration only: they are most of a frame."""
        if step is None or self._done % FORCES_EVERY:
            return {}
        found: dict[str, list[tuple[float, float, str]]] = {}
        strong = np.hypot(step.forces[..., 0], step.forces[..., 1]) > _WEAK_FORCE
        for kind, part in np.argwhere(strong).tolist():
            fx, fy = step.forces[kind, part].tolist()
            found.setdefault(self._board.parts[part].ref, []).append((fx, fy, FORCE_KINDS[kind]))
        return found


def stream_placement(board: Board, placer: Placer, *, port: int, iterations: int, seed: int, rate_hz: float) -> str:
    """Run it and return the summary line.

    Args:
        board, placer, iterations, seed, rate_hz: see ``PlacementStream``. port: of the stream, 0 for any free one.

    Raises:
        OSError: the port is taken, or the pages cannot be written.
    """
    stream = PlacementStream(
        StreamingVisualizer(board, port=port),
        board,
        placer,
        iterations=iterations,
        seed=seed,
        rate_hz=rate_hz,
    )
    start_mm = placer.hpwl()
    with ProgressBar("optimizer", total=iterations) as bar:
        try:
            stopped = asyncio.run(stream.run(bar))
        except KeyboardInterrupt:
            stopped = True
    return f"hpwl {start_mm:.1f} -> {placer.hpwl():.1f}, stopped by user: {'yes' if stopped else 'no'}"
