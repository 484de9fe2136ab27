"""Capture the frames of a placement and export them as a page that plays them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..board import Board
from .placement_capture import CapturedFrame, Forces, Place
from .placement_figures import BoardFigures
from .placement_pages import canvas_page, write_page

FOLDER = "placement_debug"
FRAME_BYTES = 64 * 2**20


class PlacementVisualizer:
    """Keep the frames of a board.

    Args:
        board: whose parts are placed. grid_spacing: of the grid in the pages, mm; 0 shows none.
        store_frames: False keeps only the newest frame, in ``latest``.
        frame_bytes: bound of what is kept. Beyond it only every second frame is, then every fourth, and always the
            newest, so that those kept are spread over the whole run.

    Attributes:
        board: may be replaced by the same board with other places, see ``capture_from_board``.
        frames: those kept, oldest first; may be emptied or replaced. latest: the newest, None before the first.
    """

    def __init__(
        self,
        board: Board,
        grid_spacing: float = 1.27,
        *,
        store_frames: bool = True,
        frame_bytes: int = FRAME_BYTES,
    ) -> None:
        if not grid_spacing >= 0.0:
            raise ValueError(f"grid_spacing: must be 0 or more, not {grid_spacing!r}")
        self.board, self.grid_spacing = board, grid_spacing
        self.frames: list[CapturedFrame] = []
        self.latest: CapturedFrame | None = None
        self.frame_count = 0
        self.figures = BoardFigures(board)
        self._store_frames, self._frame_bytes = store_frames, frame_bytes
        self._placed_board, self._position = board, self.figures.start
        self._kept_bytes = 0
        self._every = 1

    @property
    def static_props(self) -> dict[str, dict[str, Any]]:
        """Return width, height and pads of each part."""
        return self.figures.static_props()

    def capture_frame(
        self,
        label: str,
        iteration: int = 0,
        phase: str = "refinement",
        components: Mapping[str, Place] | None = None,
        modules: Mapping[str, str] | None = None,
        forces: Forces | None = None,
        overlaps: Sequence[tuple[str, str]] | None = None,
        energy: float = 0.0,
        max_move: float = 0.0,
    ) -> CapturedFrame:
        """Capture the placement as it is.

        Args:
            label, iteration, phase: where the run is.
            components: (x, y, degrees) of the parts that moved; the others are where they were.
            modules: group by part; None means those of the board. forces: (fx, fy, kind) triples by part.
            overlaps: pairs of parts; None works them out. energy, max_move: as the optimizer has them.

        Raises:
            ValueError: a part is not on the board.
        """
        figures = self.figures
        position = self._position = figures.position(components, self._position)
        found = figures.overlaps(position) if overlaps is None else [(a, b) for a, b in overlaps]
        frame = CapturedFrame(
            self.frame_count,
            label,
            iteration,
            phase,
            figures.refs,
            position,
            figures.start,
            figures.modules if modules is None else dict(modules),
            {ref: [(fx, fy, kind) for fx, fy, kind in several] for ref, several in (forces or {}).items()},
            found,
            figures.connections,
            energy,
            max_move,
            len(found),
            figures.wire_length(position),
        )
        self.frame_count += 1
        self.latest = frame
        if self._store_frames:
            self._keep(frame)
        return frame

    def capture_from_board(
        self,
        label: str,
        iteration: int = 0,
        phase: str = "refinement",
        modules: Mapping[str, str] | None = None,
        forces: Forces | None = None,
        energy: float = 0.0,
        max_move: float = 0.0,
    ) -> CapturedFrame:
        """Capture where the parts are: where they were last, or where a board that was assigned since has them."""
        components = None
        if self.board is not self._placed_board:
            self._placed_board = self.board
            components = {part.ref: (part.x, part.y, part.degrees) for part in self.board.parts}
        return self.capture_frame(
            label, iteration, phase, components, modules, forces, energy=energy, max_move=max_move
        )

    def export_canvas_html(
        self, filename: str | Path = "placement_canvas.html", output_dir: str | Path = FOLDER
    ) -> Path:
        """Write a page that plays the kept frames in any browser.

        Args:
            filename: of the page. output_dir: its folder, made if need be.

        Returns:
            Its path.

        Raises:
            ValueError: no frames were kept. OSError: it cannot be written.
        """
        if not self.frames:
            raise ValueError("there are no frames to export: capture some first, with store_frames=True")
        text = canvas_page(self.frames, self.figures.page_data(), title=self.board.name, grid_spacing=self.grid_spacing)
        return write_page(Path(output_dir) / filename, text)

    def _keep(self, frame: CapturedFrame) -> None:
        frames = self.frames
        if not frames:
            self._every = 1
        elif frames[-1].index % self._every:  # it was there as the newest only
            self._kept_bytes -= frames.pop().nbytes
        frames.append(frame)
        self._kept_bytes += frame.nbytes
        if self._kept_bytes <= self._frame_bytes:
            return
        self._kept_bytes = sum(kept.nbytes for kept in frames)  # some may have been taken away since
        while self._kept_bytes > self._frame_bytes and len(frames) > 2:
            self._every *= 2
            frames[:-1] = [kept for kept in frames[:-1] if kept.index % self._every == 0]
            self._kept_bytes = sum(kept.nbytes for kept in frames)
