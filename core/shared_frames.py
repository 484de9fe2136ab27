"""Large buffers in ZeroMQ's own memory: copied once, then shared by the history and all viewers.

pyzmq's zero-copy of Python objects would need a thread and a context of its own to give the memory back; a frame that
ZeroMQ owns is counted by ZeroMQ, and sending it once more costs nothing.
"""

from __future__ import annotations

import msgspec
import zmq

from .wire import Payload

SHARED_BYTES = 65_536  # smaller ones are copied faster than shared


def share(payload: Payload) -> Payload:
    """Detach a payload from the memory it was made of."""
    if not payload.frames:
        return payload
    return msgspec.structs.replace(payload, frames=[_own(frame) for frame in payload.frames])


def _own(frame: bytes | memoryview | zmq.Frame) -> bytes | zmq.Frame:
    if isinstance(frame, zmq.Frame):
        return frame
    return bytes(frame) if len(frame) < SHARED_BYTES else zmq.Frame(frame, copy=True)
