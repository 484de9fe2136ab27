"""What was heard at an address whose kind is not known."""

from __future__ import annotations

from typing import NamedTuple

from ..access import is_loopback
from ..link_address import LinkAddress

PUBLISHERS = ("PUB", "XPUB")


class Heard(NamedTuple):
    """What is known of who is behind ``tcp://host:port``, without having asked for anything.

    Args:
        host, port: where. binds: it connected to us there.
        socket_type: of a ZeroMQ peer, such as "ROUTER"; "" for one that does not speak ZeroMQ.
        first: the frames of a publisher's first message; () for other peers.
    """

    host: str
    port: int
    binds: bool = False
    socket_type: str = ""
    first: tuple[bytes, ...] = ()

    @property
    def place(self) -> str:
        """Return host and port as a URL has them; the host is ``*`` for a loopback address that we bind."""
        if self.binds and is_loopback(self.host):
            return f"*:{self.port}"
        return LinkAddress(self.host, self.port).where
