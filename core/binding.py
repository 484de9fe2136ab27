"""Bind a ZeroMQ socket, with a sentence for a person when that fails."""

from __future__ import annotations

import errno
from typing import Any

import zmq


def bind(socket: zmq.Socket[Any], endpoint: str) -> None:
    """Bind a socket to an endpoint of ``access.bind_endpoint``.

    Raises:
        OSError: the address cannot be bound; the sentence names it and says what to do.
    """
    socket.setsockopt(zmq.IPV6, 1 if "[" in endpoint else 0)
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        where = endpoint.partition("://")[2]
        if error.errno == errno.EADDRINUSE:
            port = where.rpartition(":")[2]
            raise OSError(
                errno.EADDRINUSE, f"port {port} is taken (binding {where}); give another port, or 0 for any free one"
            ) from None
        raise OSError(error.errno, f"cannot bind {where}: {error.strerror}") from None
