"""The event loop of the device server, in its own thread, and how it waits for what devices do in theirs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

from ..core.dialects.loop_thread import LoopThread
from .server_errors import RequestError

logger = logging.getLogger("dockscope.devices")

T = TypeVar("T")


class ServerLoop:
    """Run coroutines, and let them wait for futures of other threads."""

    def __init__(self) -> None:
        self._thread = LoopThread("dockscope-serve")
        self._is_running = False
        self._is_stopping = False
        self._waiting: set[asyncio.Future[None]] = set()
        self._jobs: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()
        self._is_running = True

    def end(self, timeout_s: float) -> bool:
        """End the loop and the thread; returns whether that came in time."""
        self._is_running = False
        return self._thread.end(timeout_s)

    def post(self, call: Callable[[], object]) -> None:
        """Have a function called by the loop soon, from any thread; before and after its life nothing happens."""
        if self._is_running:
            self._thread.post(call)

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Have a coroutine run by the loop, from any thread.

        Raises:
            RuntimeError: the server was not started, or has been stopped.
        """
        if not self._is_running:
            coroutine.close()
            raise RuntimeError("the device server does not run")
        return self._thread.submit(coroutine)

    def begin(self, job: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine beside others, on the loop; what it raises is logged."""
        task = asyncio.ensure_future(job)
        self._jobs.add(task)
        task.add_done_callback(self._on_end)
        return task

    def stop_waiting(self) -> None:
        """Let those who wait by ``result`` wait no longer, on the loop."""
        self._is_stopping = True
        for waiting in self._waiting:
            _finish(waiting)

    async def result(self, future: Future[T]) -> T:
        """Wait for the outcome of a future.

        Raises:
            RequestError: the server stops.
        """
        return await self._wait(future, is_bound=True)

    async def outcome(self, future: Future[T]) -> T:
        """Wait for the outcome of a future, also while the server stops."""
        return await self._wait(future, is_bound=False)

    async def attended(self, job: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, which is broken off when the server stops.

        Raises:
            RequestError: the server stops.
        """
        task = asyncio.ensure_future(job)
        with self._bound() as waiting:
            task.add_done_callback(lambda _: _finish(waiting))
            await waiting
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
            raise _stopping()
        return task.result()

    async def _wait(self, future: Future[T], *, is_bound: bool) -> T:
        with self._bound() if is_bound else nullcontext(_new_waiting()) as waiting:
            future.add_done_callback(lambda _: self.post(lambda: _finish(waiting)))
            await waiting
        if not future.done():
            raise _stopping()
        return _result(future)

    @contextmanager
    def _bound(self) -> Iterator[asyncio.Future[None]]:
        """Give a future that is finished when the server stops."""
        waiting = _new_waiting()
        self._waiting.add(waiting)
        if self._is_stopping:
            waiting.set_result(None)
        try:
            yield waiting
        finally:
            self._waiting.discard(waiting)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        self._jobs.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("the device server: a job failed", exc_info=error)


def _new_waiting() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


def _finish(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def _result(future: Future[T]) -> T:
    """Return the result or raise the error, but none that would end the loop or be mistaken for a cancellation."""
    try:
        return future.result()
    except CancelledError:
        raise _stopping() from None
    except BaseException as error:
        if isinstance(error, Exception) and not isinstance(error, StopIteration | StopAsyncIteration):
            raise
        raise RuntimeError(f"{type(error).__name__}: {error}") from error


def _stopping() -> RequestError:
    return RequestError(503, "ServerStopping", "the server is being stopped")
