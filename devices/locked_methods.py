"""Which methods of a device run inside its lock."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

from .lock import DeviceLock

F = TypeVar("F", bound=Callable[..., Any])

STREAMING = frozenset({"start_streaming", "stop_streaming", "is_streaming"})
_MARK = "_dockscope_unlocked"


def unlocked(method: F) -> F:
    """Mark a public method that answers at once, whatever the device does; it is not locked."""
    setattr(method, _MARK, True)
    return method


def give_lock(device: Any) -> DeviceLock:
    """Give a device its ``_ld_lock`` and let its public methods run inside it.

    Methods are the functions of its class whose names have no leading underscore; properties, static and class
    methods are left as they are, and so are ``start_streaming``, ``stop_streaming`` and ``is_streaming``, which wait
    for threads that may want the lock.

    Args:
        device: an instance before its ``__init__``, so that the lock is there already.
    """
    lock = DeviceLock()
    device._ld_lock = lock
    for name in dir(type(device)):
        function = inspect.getattr_static(type(device), name)
        if name.startswith("_") or name in STREAMING or not isinstance(function, FunctionType):
            continue
        if not hasattr(function, _MARK):
            setattr(device, name, _inside(lock, function.__get__(device)))
    return lock


def _inside(lock: DeviceLock, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def locked(*args: Any, **kwargs: Any) -> Any:
        with lock:
            return method(*args, **kwargs)

    return locked
