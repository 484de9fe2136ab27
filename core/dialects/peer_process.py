"""Which process of this machine is at the other end of a TCP connection of ours."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection

import psutil

Peer = tuple[str, int]


def peer_of(descriptor: int) -> Peer | None:
    """Return host and port of the other end of a connected socket, or None when it is not connected any more.

    Args:
        descriptor: of a socket that somebody else owns; it stays open.
    """
    try:
        with socket.socket(fileno=os.dup(descriptor)) as own:
            host, port, *_ = own.getpeername()
    except OSError:
        return None
    return host.removeprefix("::ffff:"), port


def processes_of(peers: Collection[Peer]) -> dict[Peer, int]:
    """Return the processes of those peers that are on this machine and ours to see.

    It looks through every process, which takes some hundredths of a second: not on the thread of an event loop.
    """
    wanted = set(peers)
    try:
        connections = psutil.net_connections("tcp")
    except (psutil.Error, OSError):  # not every system lets a user look
        return {}
    return {
        (host, own.laddr.port): own.pid
        for own in connections
        if own.laddr and own.pid and (host := own.laddr.ip.removeprefix("::ffff:"), own.laddr.port) in wanted
    }
