"""What a stream server does in its own thread: let viewers in, send them the newest frame, take their requests."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ..complaints import Complaints
from .placement_access import StreamAccess
from .placement_capture import CapturedFrame
from .placement_control import StreamControl
from .placement_viewer import StreamViewer
from .plain_json import to_json

if TYPE_CHECKING:
    from websockets.asyncio.server import Server, ServerConnection
    from websockets.http11 import Request, Response

logger = logging.getLogger("dockscope.streaming")
websockets_logger = logging.getLogger("dockscope.streaming.websockets")
websockets_logger.setLevel(logging.CRITICAL)  # a stranger who hangs up during the handshake is no error of ours

MAX_REQUEST_BYTES = 64 * 1024
PING_S, PONG_S = 20.0, 10.0
FAREWELL_S = 1.0

Frame = CapturedFrame | Mapping[str, Any]


class StreamService:
    """Serve the viewers of one stream; everything but ``newest`` belongs to the thread of its loop.

    Args:
        max_fps: frames a second at most. access: decides who may connect. control: takes their commands.
        max_clients: viewers at once. board_data: the fixed part of the board for viewers that ask, or None.

    Attributes:
        newest: the frame to send, and its unix seconds; any thread may put one down and then has ``on_frame`` called.
        viewers: that are connected. frames_sent: frames that went out. bytes_sent: to all viewers together.
    """

    def __init__(
        self,
        max_fps: float,
        *,
        access: StreamAccess,
        control: StreamControl,
        max_clients: int,
        board_data: Mapping[str, Any] | None,
    ) -> None:
        self.newest: tuple[Frame, float] | None = None
        self.viewers: set[StreamViewer] = set()
        self.frames_sent = self.bytes_sent = 0
        self._max_fps, self._access, self._control = max_fps, access, control
        self._max_clients, self._board_data = max_clients, board_data
        self._complaints = Complaints(logger.warning)
        self._server: Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due_s = 0.0
        self._written: tuple[Frame, float] | None = None
        self._text = ""

    async def open(self, host: str, port: int) -> int:
        """Listen; returns the port.

        Raises:
            OSError: the port is taken, or there is no such address.
        """
        from websockets.asyncio.server import serve

        self._due_s = 0.0
        self._server = await serve(
            self._serve_viewer,
            host,
            port,
            process_request=self._admit,
            compression=None,  # it would cost the optimizer's processor more than the network gains
            max_size=MAX_REQUEST_BYTES,
            ping_interval=PING_S,
            ping_timeout=PONG_S,
            close_timeout=FAREWELL_S,
            logger=websockets_logger,
            server_header=None,
        )
        return next(iter(self._server.sockets)).getsockname()[1]

    async def close(self) -> None:
        """Send what waits, for at most a second, then say goodbye to all viewers and stop listening."""
        if self._timer is not None:
            self._timer.cancel()
            self._dispatch()
        waiting = [asyncio.ensure_future(viewer.sent()) for viewer in self.viewers]
        if waiting:
            await asyncio.wait(waiting, timeout=FAREWELL_S)
            for still in waiting:
                still.cancel()
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def on_frame(self) -> None:
        """Send the newest frame now, or when it is due."""
        loop = asyncio.get_running_loop()
        if loop.time() >= self._due_s:
            self._dispatch()
        elif self._timer is None:
            self._timer = loop.call_at(self._due_s, self._dispatch)

    def send_all(self, text: str) -> None:
        """Send a message to every viewer."""
        for viewer in self.viewers:
            viewer.send(text)

    # -- viewers ------------------------------------------------------------------------------------------------

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse pages of other sites, and more viewers than there may be."""
        origin = request.headers.get("Origin")
        if not self._access.allows(origin, request.path):
            self._complaints.complain("origin", f"a page of {origin!r:.60} was refused: name it in allowed_origins")
            return connection.respond(HTTPStatus.FORBIDDEN, "This page may not connect.\n")
        if len(self.viewers) >= self._max_clients:
            self._complaints.complain("clients", f"a viewer was refused: there are {self._max_clients} already")
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many viewers.\n")
        return None

    async def _serve_viewer(self, connection: ServerConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        viewer = StreamViewer(connection, self._count_bytes)
        viewer.send(to_json({"type": "welcome", "fps": self._max_fps, "paused": self._control.paused}))
        if self._control.stop_requested:  # which welcome has no word for
            viewer.send(self._control_state())
        if text := self._frame_text():
            viewer.send_frame(text)
        self.viewers.add(viewer)
        logger.info("viewer connected: %s", viewer.address)
        sending = asyncio.ensure_future(viewer.send_all())
        try:
            async for text in connection:
                self._take(viewer, text)
        except ConnectionClosed:
            pass  # it left without a word
        finally:
            self.viewers.discard(viewer)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            logger.info("viewer gone: %s", viewer.address)

    def _take(self, viewer: StreamViewer, text: str | bytes) -> None:
        """Do what a viewer asks for; what is no request is left out, and told now and then."""
        try:
            request = json.loads(text)
        except (ValueError, RecursionError):
            self._complaints.complain("json", f"{viewer.address} sent what is no JSON")
            return
        asked = request.get("type") if isinstance(request, dict) else None
        if asked == "ping":
            viewer.send(to_json({"type": "pong"}))
        elif asked == "static":
            if self._board_data is not None:
                viewer.send(to_json({"type": "static", "data": self._board_data}))
        elif isinstance(asked, str) and self._control.ask(asked):
            logger.info("%s asked to %s", viewer.address, asked)
            self.send_all(self._control_state())
        else:
            self._complaints.complain("type", f"{viewer.address} asked for something unknown")

    def _control_state(self) -> str:
        control = self._control
        return to_json({"type": "control_state", "paused": control.paused, "stop_requested": control.stop_requested})

    def _count_bytes(self, number: int) -> None:
        self.bytes_sent += number

    # -- frames -------------------------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        self._timer = None
        self._due_s = asyncio.get_running_loop().time() + 1.0 / self._max_fps
        if self.viewers and (text := self._frame_text()):
            self.frames_sent += 1
            for viewer in self.viewers:
                viewer.send_frame(text)

    def _frame_text(self) -> str:
        """Return the message of the newest frame, written once and only when somebody reads it; "" for none."""
        newest = self.newest
        if newest is not self._written and newest is not None:
            self._written, self._text = newest, self._write(*newest)
        return self._text

    def _write(self, frame: Frame, t: float) -> str:
        data = frame.data() if isinstance(frame, CapturedFrame) else frame
        try:
            return to_json({"type": "frame", "data": data, "timestamp": t})
        except (TypeError, ValueError, RecursionError) as error:
            self._complaints.complain("frame", f"a frame could not be written: {error}")
            return ""
