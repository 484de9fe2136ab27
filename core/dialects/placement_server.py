"""The server of ``ws://``: placement frames to any number of viewers, and their pause, resume and stop back.

It lives in a thread of its own. So a viewer is answered while the optimizer computes, and no viewer, however slow,
takes time from it: a call only puts the newest frame down.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Any, Self

from ..access import is_loopback
from ..binding import not_bound
from ..link_address import LOOPBACK, LOOPBACK_NAMES, LinkAddress
from .loop_thread import LoopThread
from .placement_access import StreamAccess
from .placement_capture import CapturedFrame
from .placement_control import StreamControl
from .placement_service import StreamService
from .placement_viewer import StreamViewer
from .plain_json import copied, to_json

logger = logging.getLogger("dockscope.streaming")

EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - what a caller may ask for, and is warned of


class StreamServer:
    """Serve frames and control.

    Args:
        host: to bind; localhost and * are 127.0.0.1. port: 0 takes any free one, which ``port`` then tells.
        max_fps: frames a second that go out at most; the newest of those held back follows when its time has come.
        allowed_origins: sites whose pages may connect besides the generated viewer. max_clients: viewers at once.
        board_data: answers viewers that ask for the fixed part of the board, None when there is none.

    Attributes:
        access: decides who may connect.
    """

    def __init__(
        self,
        host: str = "localhost",
        port: int = 8765,
        max_fps: float = 10.0,
        *,
        allowed_origins: Collection[str] = (),
        max_clients: int = 64,
        board_data: Mapping[str, Any] | None = None,
    ) -> None:
        if not (isinstance(max_fps, int | float) and math.isfinite(max_fps) and max_fps > 0):
            raise ValueError(f"max_fps: must be a number above 0, not {max_fps!r}")
        self.host, self.port, self.max_fps = host, port, max_fps
        self.access = StreamAccess(allowed_origins)
        self._control = StreamControl()
        self._service = StreamService(
            max_fps, access=self.access, control=self._control, max_clients=max_clients, board_data=board_data
        )
        self._thread: LoopThread | None = None
        self._started_s = self._ended_s = 0.0

    @property
    def clients(self) -> set[StreamViewer]:
        """Return the viewers that are connected; to be looked at only."""
        return self._service.viewers

    @property
    def url(self) -> str:
        """Return where viewers connect."""
        return f"ws://{LinkAddress(self.host, self.port).where}"

    @property
    def page_url(self) -> str:
        """Return where the generated page connects: with the key that lets it in."""
        host = LOOPBACK if self.host in EVERYWHERE else self._address
        return f"ws://{LinkAddress(host, self.port).where}/?key={self.access.key}"

    async def start(self) -> None:
        """Begin to serve.

        Raises:
            OSError: the port is taken, or there is no such address.
        """
        if self._thread is not None:
            return
        thread = LoopThread("dockscope-stream")
        thread.start()
        try:
            self.port = await thread.run(self._service.open(self._address, self.port))
        except OSError as error:
            await thread.close()
            raise not_bound(error, LinkAddress(self.host, self.port).where) from None
        self._thread = thread
        self._control.hold()
        self._started_s, self._ended_s = time.monotonic(), 0.0
        if not is_loopback(self._address):
            logger.warning("anyone who reaches %s can watch this run and stop it", self.url)

    async def stop(self) -> None:
        """Send what waits, for at most a second, then say goodbye to all viewers and free the port."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._control.release()
        await thread.run(self._service.close())
        await thread.close()
        self._ended_s = time.monotonic()

    async def broadcast_frame(self, frame_data: CapturedFrame | Mapping[str, Any]) -> None:
        """Let a frame go out as soon as ``max_fps`` allows; a newer one takes its place until then.

        Args:
            frame_data: the frame as in the protocol; a dict is copied.
        """
        frame = frame_data if isinstance(frame_data, CapturedFrame) else copied(frame_data)
        self._service.newest = (frame, time.time())
        if self._thread is not None:
            self._thread.post_once(self._service.on_frame)
        await asyncio.sleep(0)  # a loop that only computes and captures lets its other tasks go on here

    async def broadcast_stats(self, stats: Mapping[str, Any]) -> None:
        """Send figures of the optimizer to all viewers."""
        await self._broadcast({"type": "stats", "data": dict(stats)})

    async def broadcast_status(self, status: str, message: str = "") -> None:
        """Send a sentence to all viewers; ``status`` is info, warning, error or complete."""
        await self._broadcast({"type": "status", "status": status, "message": message})

    def is_paused(self) -> bool:
        """Tell whether a viewer asked for a pause."""
        return self._control.paused

    def is_stop_requested(self) -> bool:
        """Tell whether a viewer asked to stop."""
        return self._control.stop_requested

    async def wait_resume(self) -> bool:
        """Wait while it is paused; a stop, and the end of this server, end the wait.

        Returns:
            True: go on. False: leave the loop, a stop was requested.
        """
        return await self._control.wait_resume()

    def get_stats(self) -> dict[str, Any]:
        """Return clients_connected, frames_sent, bytes_sent (to all viewers together), uptime_seconds and avg_fps."""
        service = self._service
        uptime_s = (self._ended_s or time.monotonic()) - self._started_s if self._started_s else 0.0
        return {
            "clients_connected": len(service.viewers),
            "frames_sent": service.frames_sent,
            "bytes_sent": service.bytes_sent,
            "uptime_seconds": uptime_s,
            "avg_fps": service.frames_sent / uptime_s if uptime_s > 0.0 else 0.0,
        }

    @property
    def _address(self) -> str:
        return LOOPBACK if self.host in LOOPBACK_NAMES else self.host

    async def _broadcast(self, message: Mapping[str, Any]) -> None:
        text = to_json(message)
        if self._thread is not None:
            self._thread.post(self._service.send_all, text)
        await asyncio.sleep(0)


class StreamManager:
    """A stream server for the time of an ``async with``.

    Args:
        host, port, max_fps, options: see ``StreamServer``.
    """

    def __init__(self, host: str = "localhost", port: int = 8765, max_fps: float = 10.0, **options: Any) -> None:
        self.server = StreamServer(host, port, max_fps, **options)

    async def __aenter__(self) -> Self:
        await self.server.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.server.stop()

    @property
    def url(self) -> str:
        """Return where viewers connect."""
        return self.server.url

    async def send_frame(self, frame_data: Mapping[str, Any]) -> None:
        """Let a frame go out, see ``StreamServer.broadcast_frame``."""
        await self.server.broadcast_frame(frame_data)

    async def send_stats(self, stats: Mapping[str, Any]) -> None:
        """Send figures of the optimizer to all viewers."""
        await self.server.broadcast_stats(stats)

    async def send_status(self, status: str, message: str = "") -> None:
        """Send a sentence to all viewers; ``status`` is info, warning, error or complete."""
        await self.server.broadcast_status(status, message)

    def is_paused(self) -> bool:
        """Tell whether a viewer asked for a pause."""
        return self.server.is_paused()

    def is_stop_requested(self) -> bool:
        """Tell whether a viewer asked to stop."""
        return self.server.is_stop_requested()

    async def wait_resume(self) -> bool:
        """Wait while it is paused, see ``StreamServer.wait_resume``."""
        return await self.server.wait_resume()

    def get_viewer_url(self) -> str:
        """Return where viewers connect."""
        return self.url

    def get_stats(self) -> dict[str, Any]:
        """Return the figures of the server, see ``StreamServer.get_stats``."""
        return self.server.get_stats()
