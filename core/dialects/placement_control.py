"""Pause, resume and stop as viewers of a stream server ask for them, and the loop that waits while it is paused."""

from __future__ import annotations

import asyncio
import threading

Waiter = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class StreamControl:
    """Hold the two flags; viewers set them in one thread, the watched loop reads and waits in another.

    Attributes:
        paused: a viewer asked for a pause. stop_requested: a viewer asked to stop, which cannot be taken back.
    """

    def __init__(self) -> None:
        self.paused = False
        self.stop_requested = False
        self._released = True
        self._lock = threading.Lock()
        self._waiters: list[Waiter] = []

    def ask(self, command: str) -> bool:
        """Take a command; returns whether it is one: pause, resume or stop."""
        with self._lock:
            if command == "pause":
                self.paused = True
            elif command == "resume":
                self.paused = False
            elif command == "stop":
                self.stop_requested = True
            else:
                return False
        self._wake()
        return True

    def release(self) -> None:
        """Let nobody wait any more: there is no one left who could resume."""
        with self._lock:
            self._released = True
        self._wake()

    def hold(self) -> None:
        """Let loops wait, as there is someone who can resume."""
        self._released = False

    async def wait_resume(self) -> bool:
        """Wait while it is paused; a stop ends the wait.

        Returns:
            True: go on. False: leave the loop, a stop was requested.
        """
        while True:
            with self._lock:
                if not self._holds:
                    return not self.stop_requested
                loop = asyncio.get_running_loop()
                waiter: asyncio.Future[None] = loop.create_future()
                self._waiters.append((loop, waiter))
            await waiter

    @property
    def _holds(self) -> bool:
        return self.paused and not self.stop_requested and not self._released

    def _wake(self) -> None:
        with self._lock:
            if self._holds:
                return
            waiters, self._waiters = self._waiters, []
        for loop, waiter in waiters:
            try:
                loop.call_soon_threadsafe(_settle, waiter)
            except RuntimeError:
                pass  # its loop is closed: nobody waits there


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
