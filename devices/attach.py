"""Plain classes as devices: they are given a lock, and a streaming that always stops."""

from __future__ import annotations

from typing import Any, TypeVar

from .device import StreamingDevice
from .locked_methods import give_lock
from .plain_stream import PlainStream

T = TypeVar("T")


def attach(cls: type[T], device_id: str, **params: Any) -> T:
    """Make a device of a class that needs no base and no import of dockscope.

    Its ``_ld_lock``, a re-entrant lock, is there before ``__init__``. Its public methods run inside the lock, apart
    from start_streaming, stop_streaming and is_streaming, which run with it released; so does the callback. Its
    stop_streaming returns whether the threads of the stream ended, after the time-out that it is given, or 10 s, at
    the latest; the log tells of one that did not, and the device cannot be started before that thread has ended.

    Args:
        cls: the class, or a subclass of ``StreamingDevice``, which has all this already.
        device_id: its first argument. params: its others.
    """
    make: Any = cls  # whose __init__ takes what it takes
    if issubclass(cls, StreamingDevice):
        return make(device_id, **params)
    device = make.__new__(cls, device_id, **params)
    lock = give_lock(device)
    PlainStream(device, device_id, lock)
    device.__init__(device_id, **params)
    device._ld_lock = lock  # also when the class made one of its own
    return device
