"""Who is connected to a socket that binds, as far as the events of its monitor tell."""

from __future__ import annotations

import zmq

from ..socket_monitor import HANDSHAKE_FAILURES, MonitorEvent


class Peers:
    """Count those whose handshake succeeded, whatever strangers do.

    libzmq tells which connection came or went, but not whose handshake succeeded. So of those that have come it is kept
    who may not have shaken hands yet, and how many of them have; strangers leave that group as their handshakes fail.

    Attributes:
        connections: those that stand, each by its number. Numbers are used again.
    """

    def __init__(self) -> None:
        self.connections: set[int] = set()
        self._unsure: set[int] = set()
        self._succeeded = 0  # of those who are unsure
        self._has_failed = False  # the handshake of the next one that goes

    def __len__(self) -> int:
        return len(self.connections) - len(self._unsure) + self._succeeded

    def take(self, told: MonitorEvent) -> None:
        """Take an event."""
        if told.event is zmq.Event.ACCEPTED:
            self.connections.add(told.value)
            self._unsure.add(told.value)
        elif told.event is zmq.Event.HANDSHAKE_SUCCEEDED:
            self._succeeded += 1
        elif told.event in HANDSHAKE_FAILURES:
            self._has_failed = True
        elif told.event is zmq.Event.DISCONNECTED:
            self._leave(told.value)
        if self._succeeded >= len(self._unsure):
            self._unsure.clear()
            self._succeeded = 0

    def _leave(self, connection: int) -> None:
        self.connections.discard(connection)
        if connection in self._unsure:
            self._unsure.discard(connection)
            self._succeeded -= bool(self._succeeded and not self._has_failed)
        self._has_failed = False
