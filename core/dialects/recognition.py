"""What was heard at an address whose kind is not known."""

from __future__ import annotations

from typing import NamedTuple


class Heard(NamedTuple):
    """What is known of who is behind ``tcp://host:port``, without having asked for anything.

    Args:
        host, port: where. binds: it connected to us there.
        socket_type: of a ZeroMQ peer, such as "ROUTER"; "" for one that does not speak ZeroMQ.
        first: the frames of a publisher's first message; () when it sent none in time.
    """

    host: str
    port: int
    binds: bool = False
    socket_type: str = ""
    first: tuple[bytes, ...] = ()
