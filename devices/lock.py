"""The lock of a device: re-entrant, able to let go of all its levels, and not to be kept by a thread that hangs."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class DeviceLock:
    """A re-entrant lock that knows its owner and its depth.

    What must not happen while the lock is held (waiting for a thread that wants it, calling a callback) runs inside
    ``with lock.released():``, whoever called it and however deep.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._owner: int | None = None
        self._depth = 0
        self._disowned: set[threading.Thread] = set()

    @property
    def is_owned(self) -> bool:
        """Tell whether the calling thread holds the lock."""
        return self._owner == threading.get_ident()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock, or one level more of it.

        Args:
            blocking: wait for another thread's release. timeout: the longest wait in s, -1 for any.

        Returns:
            Whether it was taken.
        """
        thread = threading.get_ident()
        with self._changed:
            if self._owner != thread:
                limit_s = (None if timeout < 0 else timeout) if blocking else 0.0
                if not self._changed.wait_for(lambda: self._owner is None or self._is_disowned(), limit_s):
                    return False
                if self._is_disowned():
                    return True
                self._owner = thread
            self._depth += 1
            return True

    def release(self) -> None:
        """Give one level back.

        Raises:
            RuntimeError: the calling thread does not hold the lock.
        """
        with self._changed:
            if self._owner == threading.get_ident():
                self._depth -= 1
                if not self._depth:
                    self._owner = None
                    self._changed.notify()
            elif not self._is_disowned():
                raise RuntimeError("this thread does not hold the lock of the device")

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    @contextmanager
    def released(self) -> Iterator[None]:
        """Let go of all levels of the calling thread inside the block, and take them back after it."""
        depth = self._depth if self.is_owned else 0
        for _ in range(depth):
            self.release()
        try:
            yield
        finally:
            for _ in range(depth):
                self.acquire()

    def disown(self, threads: Iterable[threading.Thread]) -> None:
        """Take the lock from threads that were given up, so that a device with a stuck thread can be used on.

        For them taking and releasing the lock has no effect from now on.
        """
        with self._changed:
            self._disowned = {thread for thread in self._disowned if thread.is_alive()} | set(threads)
            if self._owner in {thread.ident for thread in self._disowned}:
                self._owner, self._depth = None, 0
            self._changed.notify_all()

    def _is_disowned(self) -> bool:
        return bool(self._disowned) and threading.current_thread() in self._disowned
