"""An event loop in a thread of its own, so that what it serves goes on while the program computes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")


class LoopThread:
    """Run an event loop from ``start`` to ``close``; it ends with the process at the latest.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None
        self._posted = False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name=name, daemon=True)

    def start(self) -> None:
        """Start the thread; its loop runs when this returns."""
        self._thread.start()
        self._ready.wait()

    def post(self, call: Callable[..., object], *args: object) -> None:
        """Have a plain function called by the loop soon; after ``close`` nothing happens."""
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(call, *args)
        except RuntimeError:
            pass  # the loop is closed

    def post_once(self, call: Callable[[], object]) -> None:
        """Have a function called soon, once for all calls of this until then; it must be the same function always."""
        if not self._posted:
            self._posted = True
            self.post(self._call_posted, call)

    def submit(self, coroutine: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Have a coroutine run on that loop."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    async def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on that loop and wait for it on this one."""
        return await asyncio.wrap_future(self.submit(coroutine))

    def end(self, timeout_s: float | None = None) -> bool:
        """End the loop, which cancels what still runs on it, and the thread; returns whether it has ended in time."""
        assert self._leave is not None
        self.post(self._leave.set)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    async def close(self) -> None:
        """The same for who is on a loop himself: that loop goes on meanwhile."""
        await asyncio.to_thread(self.end)

    def _call_posted(self, call: Callable[[], object]) -> None:
        self._posted = False  # before the call: what is put down while it runs is not missed
        call()

    async def _serve(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await self._leave.wait()
