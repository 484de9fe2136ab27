"""The device server as one ASGI application: its paths, and what it says when something is wrong."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from .server_access import Gate, ServerAccess
from .server_device_routes import DeviceRoutes
from .server_devices import ServedDevices
from .server_errors import RequestError, timestamp
from .server_loop import ServerLoop
from .server_requests import Answer, refused
from .server_task_routes import TaskRoutes
from .server_tasks import TaskBook

# What labdaemon tells of itself: clients recognize a server of its kind by it.
ABOUT = {
    "name": "LabDaemon Server",
    "version": "0.2.0",
    "phase": "2 (full-control)",
    "endpoints": {
        "devices": "/devices",
        "device_detail": "/devices/{device_id}",
        "device_methods": "/devices/{device_id}/methods",
        "device_error": "/devices/{device_id}/error",
        "clear_device_error": "/devices/{device_id}/error",
        "device_call": "/devices/{device_id}/call",
        "add_device": "/devices",
        "connect_device": "/devices/{device_id}/connect",
        "disconnect_device": "/devices/{device_id}/disconnect",
        "health": "/health",
        "tasks": "/tasks",
        "execute_task": "/tasks",
        "task_detail": "/tasks/{task_id}",
        "task_error": "/tasks/{task_id}/error",
        "clear_task_error": "/tasks/{task_id}/error",
        "cancel_task": "/tasks/{task_id}/cancel",
        "pause_task": "/tasks/{task_id}/pause",
        "resume_task": "/tasks/{task_id}/resume",
        "set_task_parameter": "/tasks/{task_id}/parameters",
        "device_stream": "/stream/devices/{device_id}",
        "stop_device_stream": "/devices/{device_id}/stream/stop",
    },
}


def make_app(devices: ServedDevices, tasks: TaskBook, loop: ServerLoop, access: ServerAccess) -> ASGIApp:
    """Return the application.

    Args:
        devices, tasks: that are served. loop: of the server. access: decides who may use it.
    """
    app = Starlette(
        routes=[
            Route("/", _about, methods=["GET"]),
            Route("/health", _health, methods=["GET"]),
            *DeviceRoutes(devices, tasks, loop).routes(),
            *TaskRoutes(tasks, loop).routes(),
        ],
        exception_handlers={
            RequestError: _refused,
            HTTPException: _not_found,
            ClientDisconnect: _gone,
            Exception: _failed,
        },
    )
    app.router.redirect_slashes = False
    return Gate(app, access)


async def _about(_: Request) -> Response:
    return Answer(ABOUT)


async def _health(_: Request) -> Response:
    return Answer({"status": "healthy", "timestamp": timestamp()})


async def _refused(_: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, RequestError)
    return refused(refusal)


async def _not_found(_: Request, error: Exception) -> Response:
    """Answer a path that there is not, or a method that it does not have."""
    assert isinstance(error, HTTPException)
    return refused(RequestError(error.status_code, error.detail.replace(" ", ""), error.detail, headers=error.headers))


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


async def _failed(_: Request, error: Exception) -> Response:
    """Answer what nobody expected; Starlette raises it again afterwards, to be logged."""
    return refused(RequestError(500, type(error).__name__, "the server failed: its log tells where"))
