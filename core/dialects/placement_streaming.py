"""Capture frames and stream them to viewers at the same time."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ..board import Board
from .placement_access import key_of
from .placement_capture import CapturedFrame, Forces, Place
from .placement_page_file import read_viewer
from .placement_pages import viewer_page, write_page
from .placement_server import StreamServer
from .placement_visualizer import FOLDER, PlacementVisualizer

logger = logging.getLogger("dockscope.streaming")


class StreamingVisualizer:
    """A placement visualizer with a stream server.

    Args:
        board: whose parts are placed. host, port, max_fps: of the server, see ``StreamServer``.
        grid_spacing: of the grid in the pages, mm.
        store_frames: False keeps no frames, so that there is nothing to export.
        viewer_path: of the page that ``start_streaming`` writes.
        allowed_origins: sites whose own pages may connect.

    Attributes:
        visualizer: keeps the frames. server: serves them.
    """

    def __init__(
        self,
        board: Board,
        host: str = "localhost",
        port: int = 8765,
        max_fps: float = 10.0,
        grid_spacing: float = 1.27,
        *,
        store_frames: bool = True,
        viewer_path: str | Path = f"{FOLDER}/stream_viewer.html",
        allowed_origins: Collection[str] = (),
    ) -> None:
        self.visualizer = PlacementVisualizer(board, grid_spacing, store_frames=store_frames)
        self._board_data = self.visualizer.figures.page_data()
        self.server = StreamServer(host, port, max_fps, allowed_origins=allowed_origins, board_data=self._board_data)
        self.viewer_path = Path(viewer_path)
        self.streaming = False

    @property
    def frames(self) -> list[CapturedFrame]:
        """Return the frames that are kept."""
        return self.visualizer.frames

    @property
    def static_props(self) -> dict[str, dict[str, Any]]:
        """Return width, height and pads of each part."""
        return self.visualizer.static_props

    async def start_streaming(self, generate_viewer: bool = True) -> None:
        """Start the server, and write the page that shows the stream.

        A page that is there already keeps its right to connect, so that one left open in a browser finds its way back.

        Args:
            generate_viewer: False leaves the page as it is.

        Raises:
            OSError: the port is taken, or the page cannot be written.
        """
        self._adopt_key()
        await self.server.start()
        try:
            if generate_viewer:
                self._write_viewer()
        except OSError:
            await self.server.stop()
            raise
        self.streaming = True

    async def stop_streaming(self) -> None:
        """Let the last frame go out, then end the server."""
        self.streaming = False
        await self.server.stop()

    async def capture_and_stream(
        self,
        label: str,
        iteration: int = 0,
        phase: str = "refinement",
        modules: Mapping[str, str] | None = None,
        forces: Forces | None = None,
        energy: float = 0.0,
        max_move: float = 0.0,
        *,
        components: Mapping[str, Place] | None = None,
    ) -> None:
        """Capture the placement as it is and let viewers see it.

        Args:
            label, iteration, phase: where the run is. modules, forces: see ``PlacementVisualizer.capture_frame``.
            energy, max_move: as the optimizer has them.
            components: (x, y, degrees) of the parts that moved; without it ``visualizer.board`` is asked.
        """
        visualizer = self.visualizer
        if components is None:
            frame = visualizer.capture_from_board(label, iteration, phase, modules, forces, energy, max_move)
        else:
            frame = visualizer.capture_frame(
                label, iteration, phase, components, modules, forces, energy=energy, max_move=max_move
            )
        await self.server.broadcast_frame(frame)

    async def is_paused(self) -> bool:
        """Tell whether a viewer asked for a pause."""
        return self.server.is_paused()

    async def is_stop_requested(self) -> bool:
        """Tell whether a viewer asked to stop."""
        return self.server.is_stop_requested()

    async def wait_resume(self) -> bool:
        """Wait while it is paused, see ``StreamServer.wait_resume``."""
        return await self.server.wait_resume()

    async def send_status(self, status: str, message: str = "") -> None:
        """Send a sentence to all viewers; ``status`` is info, warning, error or complete."""
        await self.server.broadcast_status(status, message)

    async def send_stats(self, stats: Mapping[str, Any]) -> None:
        """Send figures of the optimizer to all viewers."""
        await self.server.broadcast_stats(stats)

    def export_canvas_html(
        self, filename: str | Path = "placement_canvas.html", output_dir: str | Path = FOLDER
    ) -> Path:
        """Write a page that plays the kept frames, see ``PlacementVisualizer.export_canvas_html``."""
        return self.visualizer.export_canvas_html(filename, output_dir)

    def get_server_stats(self) -> dict[str, Any]:
        """Return the figures of the server, see ``StreamServer.get_stats``."""
        return self.server.get_stats()

    def get_viewer_url(self) -> str:
        """Return where viewers connect, such as ws://localhost:8765."""
        return self.server.url

    def _adopt_key(self) -> None:
        try:
            key = key_of(read_viewer(self.viewer_path).page_url)
        except (OSError, ValueError):
            return  # there is no such page yet
        if key:
            self.server.access.key = key

    def _write_viewer(self) -> None:
        text = viewer_page(
            self.server.page_url,
            self._board_data,
            title=self.visualizer.board.name,
            grid_spacing=self.visualizer.grid_spacing,
        )
        path = write_page(self.viewer_path, text)
        logger.info("open %s in a browser to watch %s", path, self.server.url)
