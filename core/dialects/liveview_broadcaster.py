"""``ZmqBroadcaster``: publish to a LiveView viewer, dockscope or its own, from any thread."""

from __future__ import annotations

import logging
import math
import os
import threading
import weakref
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import zmq

from ..access import is_loopback
from .liveview_codec import encode_data, encode_log, encode_metric, encode_state

logger = logging.getLogger("dockscope.liveview")

LINGER_MS = 1000
FIRST_VIEWER_MS = 100
RECONNECT_MS, MOST_RECONNECT_MS = 20, 500
MOST_QUEUED = 10_000


class ZmqBroadcaster:
    """Publish metrics, data, logs and state to the viewer at an address; it may come and go.

    Every method is synchronous, safe from any thread and from async code, and never waits for the viewer. What is
    published while there is none is dropped; one that comes later is told the state as it is then.

    Args:
        zmq_port: the viewer's port. zmq_host: its host; not loopback means that everything goes there unencrypted.
        enabled: publish; False makes every method do nothing.

    Attributes:
        dropped: messages that were left out because the viewer did not keep up.

    Raises:
        ValueError: an argument is wrong.
    """

    def __init__(self, zmq_port: int = 5555, zmq_host: str = "127.0.0.1", *, enabled: bool = True) -> None:
        if isinstance(zmq_port, bool) or not isinstance(zmq_port, int) or not 0 < zmq_port < 65536:
            raise ValueError(f"zmq_port: {zmq_port!r} is no port")
        self.dropped = 0
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._state: dict[str, Any] = {}
        self._socket: zmq.Socket[bytes] | None = None
        self._close = weakref.finalize(self, _nothing)
        if enabled:
            self._connect(zmq_host, zmq_port)

    def _connect(self, host: str, port: int) -> None:
        context = zmq.Context()
        # An XPUB is a PUB that hears of its subscribers, so that a viewer that comes late can be told the state.
        socket = context.socket(zmq.XPUB)
        socket.setsockopt(zmq.LINGER, LINGER_MS)
        socket.setsockopt(zmq.SNDHWM, MOST_QUEUED)
        socket.setsockopt(zmq.XPUB_NODROP, 1)  # a full queue says so
        socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, MOST_RECONNECT_MS)
        socket.setsockopt(zmq.IPV6, int(":" in host))
        self._close = weakref.finalize(self, _close, socket, context, self._pid)
        try:
            socket.connect(f"tcp://{f'[{host}]' if ':' in host else host}:{port}")
        except zmq.ZMQError as error:
            self._close()
            raise ValueError(f"zmq_host: {host!r} is no address ({error.strerror})") from None
        if not is_loopback(host):
            logger.warning("%s is another machine: what is published goes there unencrypted", host)
        self._socket = socket
        socket.poll(FIRST_VIEWER_MS)  # what is published first reaches a viewer that is there

    def publish_metric(self, name: str, value: float | np.number | np.ndarray, **metadata: Any) -> None:
        """Publish one value.

        Args:
            name: of the metric. value: a number, also of NumPy, also NaN.
            metadata: numbers become columns beside the value, text labels of the curve.

        Raises:
            TypeError: an argument has the wrong type.
        """
        _check_text("name", name)
        self._send(encode_metric(name, _number(value), metadata))

    def publish_data(self, stream_name: str, data: Mapping[str, Any]) -> None:
        """Publish the newest value of a stream.

        Args:
            stream_name: of the stream. data: text keys; values of text, numbers, lists, dicts, NumPy arrays, times.

        Raises:
            TypeError: an argument has the wrong type.
        """
        _check_text("stream_name", stream_name)
        if not isinstance(data, Mapping):
            raise TypeError(f"data: must be a mapping, not {type(data).__name__}")
        self._send(encode_data(stream_name, data))

    def publish_log(self, level: str, message: str, **metadata: Any) -> None:
        """Publish a line of the log.

        Args:
            level: debug, info, warning, error or critical. message: text. metadata: numbers and text.

        Raises:
            TypeError: an argument has the wrong type.
        """
        _check_text("level", level)
        _check_text("message", message)
        self._send(encode_log(level, message, metadata))

    def publish_state(self, **fields: Any) -> None:
        """Publish fields of the experiment's state that changed, such as ``status``; None removes one.

        Raises:
            TypeError: a value that cannot be published.
        """
        self._send(encode_state(fields), fields)

    def close(self) -> None:
        """Send what is queued, for a second at most, and free the socket; publishing does nothing from then on."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            self._socket = None
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, message: bytes, state: Mapping[str, Any] | None = None) -> None:
        if os.getpid() != self._pid:  # a forked child has the lock as it was, and no I/O thread
            return
        with self._lock:
            if self._socket is None:
                return
            if self._has_new_viewer() and self._state:
                self._pass_on(self._socket, encode_state(self._state))
            if state is not None:
                self._state |= state
            self._pass_on(self._socket, message)

    def _has_new_viewer(self) -> bool:
        assert self._socket is not None
        is_new = False
        try:
            while True:
                is_new |= self._socket.recv(zmq.NOBLOCK)[:1] == b"\x01"
        except zmq.Again:
            return is_new

    def _pass_on(self, socket: zmq.Socket[bytes], message: bytes) -> None:
        try:
            socket.send(message, zmq.NOBLOCK)
        except zmq.Again:
            self.dropped += 1
            if self.dropped == 1:
                logger.warning("the viewer is away or does not keep up: messages are dropped")


def _number(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if value is None:
        return math.nan
    if not isinstance(value, int | float | np.number | np.bool_):
        raise TypeError(f"value: must be a number, not {type(value).__name__}")
    return value


def _check_text(argument: str, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{argument}: must be text, not {type(value).__name__}")


def _nothing() -> None:
    """Close what was never opened."""


def _close(socket: zmq.Socket[bytes], context: zmq.Context, pid: int) -> None:
    if os.getpid() == pid:
        socket.close()
        context.term()
