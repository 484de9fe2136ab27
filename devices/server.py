"""The device server: devices and tasks over HTTP and server-sent events, as labdaemon's clients expect them."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from ..core.binding import not_bound
from ..core.link_address import LOOPBACK, LOOPBACK_NAMES, LinkAddress
from .served import CALL_LIMIT_S
from .server_access import ServerAccess
from .server_app import make_app
from .server_devices import ServedDevices
from .server_errors import RequestError
from .server_http import FAREWELL_S, HttpServer
from .server_loop import ServerLoop
from .server_streams import DeviceFeed, StreamFailedError
from .server_tasks import TaskBook
from .spec import DeviceSpec

logger = logging.getLogger("dockscope.devices")


class DeviceServer:
    """Serve devices from a thread of its own, from ``start`` to ``stop`` or for the length of a ``with`` block.

    Any number of clients gets every reading of a device, each through its own bounded buffer. Calls to a device run in
    that device's thread and hold up nobody else.

    Args:
        host: to bind; localhost and * are 127.0.0.1. port: 0 takes any free one, which ``port`` then tells.
        token: that requests have to carry (``Authorization: Bearer``), "" for none.
        insecure: let other machines in without a token.
        call_limit_s: the longest that a call to a device may take.

    Raises:
        ValueError: other machines could reach the host, and there is neither a token nor ``insecure``.
    """

    def __init__(
        self,
        host: str = LOOPBACK,
        port: int = 5000,
        *,
        token: str = "",
        insecure: bool = False,
        call_limit_s: float = CALL_LIMIT_S,
    ) -> None:
        self.host = LOOPBACK if host.lower() in LOOPBACK_NAMES else host
        self.port = port
        self._access = ServerAccess(self.host, token=token, insecure=insecure)
        self._loop = ServerLoop()
        self._devices = ServedDevices(self._loop, call_limit_s)
        self._tasks = TaskBook(self._devices)
        self._http: HttpServer | None = None
        self._stopping = threading.Lock()
        self._is_stopped = self._has_ended = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Return where clients connect."""
        return f"http://{LinkAddress(self.host, self.port).where}"

    def clients(self, device_id: str) -> int:
        """Return how many clients the stream of a device has.

        Raises:
            ValueError: there is no such device.
        """
        return self._feed(device_id).clients

    def get_device(self, device_id: str) -> Any:
        """Return the object of a device.

        Raises:
            ValueError: there is no such device, or it is one of a bench that is not connected.
        """
        return self._devices.get_device(device_id)

    def add_device(self, device: Any, device_id: str = "", *, rate_hz: float | None = None) -> None:
        """Serve an object: made with ``attach``, a ``StreamingDevice``, or of any class with methods like theirs.

        It stays its owner's: the server neither connects nor disconnects it on its own.

        Args:
            device: the object. device_id: its id, its attribute ``device_id`` when not given.
            rate_hz: of its stream, the device's own default when not given.

        Raises:
            ValueError: there is such a device already, or the id is none.
        """
        try:
            self._devices.add_object(device, device_id or str(device.device_id), rate_hz)
        except RequestError as refusal:
            raise ValueError(str(refusal)) from None

    def add_instrument(self, spec: DeviceSpec) -> None:
        """Serve a device of a bench: connected by the server, and tried again when it fails.

        Args:
            spec: which.

        Raises:
            ValueError: there is such a device already.
        """
        try:
            self._devices.add_spec(spec).connect()
        except RequestError as refusal:
            raise ValueError(str(refusal)) from None

    def register(
        self,
        devices: Mapping[str, type] | None = None,
        tasks: Mapping[str, type] | None = None,
        *,
        catalogue: bool = False,
    ) -> None:
        """Let clients add devices and begin tasks.

        Args:
            devices: classes by the name of their type; a device is made with ``attach``.
            tasks: classes with ``run(context)``, made with ``task_id`` and the parameters of the request.
            catalogue: also the kinds visa, sim and system; the others, which import classes by name, would let clients
                run code of any kind.

        Raises:
            ValueError: a name is taken.
        """
        self._devices.types.add(devices or {})
        self._tasks.types.add(tasks or {})
        if catalogue:
            self._devices.register_catalogue()

    def start(self) -> None:
        """Begin to serve.

        Raises:
            OSError: the port is taken, or there is no such address. RuntimeError: it was started before.
        """
        if self._http is not None:
            raise RuntimeError("a device server is started once")
        listener = _listen(self.host, self.port)
        self.port = listener.getsockname()[1]
        self._loop.start()
        self._http = self._loop.submit(self._serve(listener)).result()
        if self._access.is_open:
            logger.warning("anyone who reaches %s can use these devices", self.url)

    def start_stream(self, device_id: str, timeout_s: float = 30.0) -> None:
        """Have a device stream whether or not there are clients, until ``stop_stream``.

        Raises:
            ValueError: there is no such device. RuntimeError: it cannot be started.
        """
        feed = self._feed(device_id)
        try:
            self._loop.submit(feed.keep()).result(timeout_s)
        except StreamFailedError as error:
            raise RuntimeError(str(error)) from error

    def stop_stream(self, device_id: str, timeout_s: float = 30.0) -> None:
        """Stop a device, whoever started it, and end its stream for all clients.

        Raises:
            ValueError: there is no such device.
        """
        self._loop.submit(self._feed(device_id).stop()).result(timeout_s)

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End all streams and tasks, answer what is still asked, and free the port.

        Devices that the server has made are disconnected, those that were added are not.

        Args:
            timeout_s: for devices and tasks to end.

        Returns:
            False when a thread of a device or a task had to be left behind; the log tells which.
        """
        with self._stopping:
            if not self._is_stopped:
                self._is_stopped = True
                self._has_ended = self._end(timeout_s)
            return self._has_ended

    def _end(self, timeout_s: float) -> bool:
        until_s = time.monotonic() + timeout_s
        self._tasks.cancel_all()
        if self._http is not None:
            self._loop.submit(self._stop_serving(self._http, timeout_s / 2)).result()
        ended = self._tasks.close(until_s)
        ended = self._devices.close(max(0.0, until_s - time.monotonic())) and ended
        return self._http is None or (self._loop.end(FAREWELL_S) and ended)

    async def _serve(self, listener: socket.socket) -> HttpServer:
        app = make_app(self._devices, self._tasks, self._loop, self._access)
        return HttpServer(app, listener, self._loop)

    async def _stop_serving(self, http: HttpServer, timeout_s: float) -> None:
        self._loop.stop_waiting()
        if closing := [self._loop.begin(feed.close()) for feed in self._devices.feeds()]:
            await asyncio.wait(closing, timeout=timeout_s)
        await http.stop()

    def _feed(self, device_id: str) -> DeviceFeed:
        try:
            return self._devices.feed(device_id)
        except RequestError as refusal:
            raise ValueError(str(refusal)) from None


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family)
    except OSError as error:
        raise not_bound(error, LinkAddress(host, port).where) from None
