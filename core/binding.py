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
        raise not_bound(error, where) from None


def not_bound(error: OSError | zmq.ZMQError, where: str) -> OSError:
    """Return the error of a bind that failed as a sentence for a person.

    Args:
        error: as it came. where: host and port that were asked for.
    """
    if error.errno == errno.EADDRINUSE:
        port = where.rpartition(":")[2]
        words = (
            f"port {port} is taken (binding {where}): address already in use; give another port, or 0 for any free one"
        )
        return OSError(errno.EADDRINUSE, words)
    return OSError(error.errno, f"cannot bind {where}: {error.strerror or error}")
