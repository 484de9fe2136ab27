"""What the device server answers about devices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .bench_errors import InstrumentError
from .served import Served, UnwritableError
from .server_devices import ServedDevices
from .server_errors import DEVICE, RequestError, timestamp
from .server_event_stream import EventStream
from .server_loop import ServerLoop
from .server_requests import (
    Answer,
    Fields,
    WrittenAnswer,
    optional_object,
    read_body,
    required_id,
    required_text,
)
from .server_tasks import TaskBook

LOOK_S = 0.05  # that a device has to tell its state; after that what is known is told
BAD_REQUEST = (ValueError, TypeError, RuntimeError, InstrumentError)
NO_ERROR = "No error recorded for device"


class DeviceRoutes:
    """Answer.

    Args:
        devices: that there are. tasks: that may own some. loop: of the server.
    """

    def __init__(self, devices: ServedDevices, tasks: TaskBook, loop: ServerLoop) -> None:
        self._devices, self._tasks, self._loop = devices, tasks, loop

    def routes(self) -> list[Route]:
        """Return the paths."""
        one = "/devices/{device_id}"
        return [
            Route("/devices", self.list_all, methods=["GET"]),
            Route("/devices", self.add, methods=["POST"]),
            Route(one, self.show, methods=["GET"]),
            Route(f"{one}/methods", self.list_methods, methods=["GET"]),
            Route(f"{one}/error", self.show_error, methods=["GET"]),
            Route(f"{one}/error", self.clear_error, methods=["DELETE"]),
            Route(f"{one}/call", self.call, methods=["POST"]),
            Route(f"{one}/connect", self.connect, methods=["POST"]),
            Route(f"{one}/disconnect", self.disconnect, methods=["POST"]),
            Route(f"{one}/stream/stop", self.stop_stream, methods=["POST"]),
            Route("/stream/devices/{device_id}", self.stream, methods=["GET"]),
        ]

    async def list_all(self, _: Request) -> Response:
        """List all devices; one that is busy is told as it was known before."""
        all_served = [feed.served for feed in self._devices.feeds()]
        await self._look(all_served)
        return Answer({"devices": [self._told(served) for served in all_served]})

    async def show(self, request: Request) -> Response:
        """Tell of one device."""
        served = self._served(request)
        await self._look([served])
        return Answer(self._told(served))

    async def list_methods(self, request: Request) -> Response:
        """List what may be called."""
        return Answer({"methods": self._served(request).methods()})

    async def add(self, request: Request) -> Response:
        """Make a device of a type that is registered."""
        body = await read_body(request)
        id_, kind, params = (
            required_id(body, "device_id"),
            required_text(body, "device_type"),
            optional_object(body, "params"),
        )
        try:
            served = await self._loop.result(self._devices.make(id_, kind, params))
        except RequestError:
            raise
        except Exception as error:
            context = {"device_id": id_, "device_type": kind}
            words = f"Failed to create device '{id_}': {error}"
            raise RequestError(400, "DeviceCreationError", words, origin=DEVICE, context=context) from error
        await self._look([served])
        return Answer(_without_error(self._told(served)))

    async def call(self, request: Request) -> Response:
        """Call a method of a device, in the device's own thread."""
        served = self._served(request)
        body = await read_body(request)
        self._check_owner(served.id)
        method = required_text(body, "method", "Method name is required")
        args, kwargs = body.get("args", []), optional_object(body, "kwargs")
        if type(args) is not list:
            raise RequestError(400, "InvalidRequest", "args must be a list")
        try:
            result = await self._loop.result(served.call(method, args, kwargs))
        except RequestError:
            raise
        except Exception as error:
            self._devices.errors.record(
                served.id, error, origin=DEVICE, context={"method": method, "args": args, "kwargs": kwargs}
            )
            is_bad = isinstance(error, BAD_REQUEST) and not isinstance(error, UnwritableError)
            context = {"device_id": served.id, "method": method}
            raise RequestError(
                400 if is_bad else 500, type(error).__name__, str(error), origin=DEVICE, context=context
            ) from error
        return WrittenAnswer(f'{{"result":{result},"success":true}}')

    async def connect(self, request: Request) -> Response:
        """Connect a device."""
        served = self._served(request)
        self._check_owner(served.id)
        return await self._change(served, served.connect, wanted=True, word="connect")

    async def disconnect(self, request: Request) -> Response:
        """Disconnect a device."""
        served = self._served(request)
        self._check_owner(served.id, " and cannot be disconnected")
        return await self._change(served, served.disconnect, wanted=False, word="disconnect")

    async def show_error(self, request: Request) -> Response:
        """Tell the last error of a device."""
        error = self._devices.errors.get(self._served(request).id)
        if error is None:
            raise RequestError(404, "NoError", NO_ERROR)
        return Answer(error)

    async def clear_error(self, request: Request) -> Response:
        """Forget the last error of a device."""
        if not self._devices.errors.clear(self._served(request).id):
            raise RequestError(404, "NoError", NO_ERROR)
        return Response(status_code=204)

    async def stop_stream(self, request: Request) -> Response:
        """Stop the stream of a device, and end it for all clients."""
        feed = self._devices.feed(request.path_params["device_id"])
        await feed.stop()
        return Answer({"status": "stopped", "device_id": feed.served.id, "timestamp": timestamp()})

    async def stream(self, request: Request) -> Response:
        """Stream a device."""
        return EventStream(self._devices.feed(request.path_params["device_id"]), self._loop)

    def _served(self, request: Request) -> Served:
        return self._devices.feed(request.path_params["device_id"]).served

    async def _change(self, served: Served, change: Callable[[], Future[None]], *, wanted: bool, word: str) -> Response:
        await self._look([served])
        if served.is_connected is wanted:
            message = f"Device is already {word}ed"
            return Answer({"device_id": served.id, "connected": wanted, "message": message})
        try:
            await self._loop.result(change())
        except RequestError:
            raise
        except Exception as error:
            self._devices.errors.record(served.id, error, origin=DEVICE, context={"action": word})
            kind = "DeviceConnectionError" if wanted else "DeviceDisconnectionError"
            words = f"Failed to {word} device '{served.id}': {error}"
            raise RequestError(400, kind, words, origin=DEVICE, context={"device_id": served.id}) from error
        return Answer(self._told(served))

    async def _look(self, all_served: list[Served]) -> None:
        """Have devices tell their state, each for itself, and wait for none that is busy."""
        looks = [(served.id, served.look()) for served in all_served]
        asked = [self._loop.begin(self._looked(id_, look)) for id_, look in looks if look is not None]
        if asked:
            await asyncio.wait(asked, timeout=LOOK_S)

    async def _looked(self, device_id: str, look: Future[None]) -> None:
        """Wait for a look; a device that cannot tell is told as it was known before, with the error as its last."""
        try:
            await self._loop.result(look)
        except Exception as error:  # noqa: BLE001 - devices raise anything
            self._devices.errors.record(device_id, error, origin=DEVICE, context={"action": "status"})

    def _told(self, served: Served) -> Fields:
        return {
            "device_id": served.id,
            "device_type": served.kind,
            "connected": served.is_connected,
            "streaming": served.is_streaming,
            "owned_by": self._tasks.owner(served.id),
            "last_error": self._devices.errors.get(served.id),
        }

    def _check_owner(self, device_id: str, consequence: str = "") -> None:
        owner = self._tasks.owner(device_id)
        if owner is not None:
            words = f"Device '{device_id}' is owned by task '{owner}'{consequence}"
            raise RequestError(409, "DeviceInUse", words, context={"device_id": device_id, "task_id": owner})


def _without_error(told: Mapping[str, Any]) -> Fields:
    return {name: value for name, value in told.items() if name != "last_error"}
