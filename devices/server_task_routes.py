"""What the device server answers about tasks."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..core.dialects.plain_json import to_json
from .server_errors import RequestError
from .server_loop import ServerLoop
from .server_requests import Answer, WrittenAnswer, optional_object, read_body, required_id, required_text
from .server_task import RunningTask, TaskDefinitionError
from .server_tasks import DevicesOwnedError, TaskBook

AT_ONCE_S = 0.02  # within which a task that does next to nothing has ended
NO_ERROR = "No error recorded for task"


class TaskRoutes:
    """Answer.

    Args:
        tasks: that there are. loop: of the server.
    """

    def __init__(self, tasks: TaskBook, loop: ServerLoop) -> None:
        self._tasks, self._loop = tasks, loop

    def routes(self) -> list[Route]:
        """Return the paths."""
        one = "/tasks/{task_id}"
        return [
            Route("/tasks", self.list_all, methods=["GET"]),
            Route("/tasks", self.begin, methods=["POST"]),
            Route(one, self.show, methods=["GET"]),
            Route(f"{one}/error", self.show_error, methods=["GET"]),
            Route(f"{one}/error", self.clear_error, methods=["DELETE"]),
            Route(f"{one}/cancel", self.cancel, methods=["POST"]),
            Route(f"{one}/pause", self.pause, methods=["POST"]),
            Route(f"{one}/resume", self.resume, methods=["POST"]),
            Route(f"{one}/parameters", self.set_parameter, methods=["POST"]),
        ]

    async def list_all(self, _: Request) -> Response:
        """List the tasks that run, and the last that have ended."""
        return Answer({"tasks": [_listed(task) for task in self._tasks.all()]})

    async def show(self, request: Request) -> Response:
        """Tell of one task: its result or exception when it has ended."""
        task = self._task(request)
        told = _listed(task)
        exception = to_json(task.exception(), words=True, compact=True)
        head = to_json(told, compact=True)[:-1]
        return WrittenAnswer(f'{head},"result":{task.result()},"exception":{exception}}}')

    async def begin(self, request: Request) -> Response:
        """Begin a task, which owns the devices that it declares until it ends."""
        body = await read_body(request)
        id_, kind, params = (
            required_id(body, "task_id"),
            required_text(body, "task_type"),
            optional_object(body, "params"),
        )
        task = self._tasks.begin(id_, kind, params)
        try:
            await self._loop.result(task.begun)
        except RequestError:
            raise
        except Exception as error:
            raise _not_begun(error, id_, kind) from error
        status = await self._status(task, kind)
        return Answer({"task_id": id_, "task_type": kind, "device_ids": task.device_ids, "status": status})

    async def cancel(self, request: Request) -> Response:
        """Ask a task to end."""
        self._task(request).cancel()
        return Answer({"status": "cancellation_requested"})

    async def pause(self, request: Request) -> Response:
        """Ask a task to pause."""
        self._running(request, "pausing").pause()
        return Answer({"status": "paused"})

    async def resume(self, request: Request) -> Response:
        """Let a task go on."""
        self._running(request, "resuming").resume()
        return Answer({"status": "resumed"})

    async def set_parameter(self, request: Request) -> Response:
        """Hand a parameter to a task."""
        task = self._task(request)
        body = await read_body(request)
        if "value" not in body:
            raise RequestError(400, "InvalidRequest", "'value' is required in request body")
        key = required_text(body, "key", "'key' is required in request body")
        try:
            await self._loop.result(task.set_parameter(key, body["value"]))
        except RequestError:
            raise
        except NotImplementedError as error:
            words = f"Task '{task.id}' does not support setting parameters: {error}"
            raise RequestError(400, "NotSupported", words) from error
        except Exception as error:
            words = f"Failed to set parameter '{key[:100]}' on task '{task.id}': {error}"
            raise RequestError(500, "TaskParameterError", words) from error
        return Answer({"status": "parameter_set", "key": key, "value": body["value"]})

    async def show_error(self, request: Request) -> Response:
        """Tell the last error of a task, also of one that did not come about."""
        error = self._tasks.errors.get(request.path_params["task_id"])
        if error is None:
            raise RequestError(404, "NoError", NO_ERROR)
        return Answer(error)

    async def clear_error(self, request: Request) -> Response:
        """Forget the last error of a task."""
        if not self._tasks.errors.clear(request.path_params["task_id"]):
            raise RequestError(404, "NoError", NO_ERROR)
        return Response(status_code=204)

    def _task(self, request: Request) -> RunningTask:
        return self._tasks.get(request.path_params["task_id"])

    def _running(self, request: Request, what: str) -> RunningTask:
        task = self._task(request)
        if task.ended.done():
            raise RequestError(400, "NotSupported", f"Task '{task.id}' does not support {what}: it has ended")
        return task

    async def _status(self, task: RunningTask, kind: str) -> str:
        """Say whether it runs; one that failed at once is refused."""
        try:
            async with asyncio.timeout(AT_ONCE_S):
                await self._loop.result(task.ended)
        except TimeoutError:
            if not task.ended.done():
                return "started"
        except RequestError:
            raise
        except Exception as error:
            words = f"Task failed to start: {error}"
            raise RequestError(400, type(error).__name__, words, context={"task_type": kind}) from error
        return "completed_immediately"


def _listed(task: RunningTask) -> dict[str, object]:
    return {"task_id": task.id, "task_type": task.kind, "running": task.is_running}


def _not_begun(error: Exception, task_id: str, kind: str) -> RequestError:
    context = {"task_type": kind}
    if isinstance(error, DevicesOwnedError):
        return RequestError(409, "DeviceInUse", str(error), context=context)
    if isinstance(error, TaskDefinitionError):
        return RequestError(400, "InvalidTaskDefinition", str(error), context=context)
    words = f"Failed to instantiate task '{task_id}' of type '{kind}': {error}"
    return RequestError(400, "TaskInstantiationError", words, context=context)
