"""Whether the two connections of a link come up, stand or are gone for good: judged by libzmq's events and by time."""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence

import zmq

from .link_trouble import Trouble
from .socket_monitor import HANDSHAKE_FAILURES, SocketMonitor

HEAL_S = 1.0
UNSHAKEN_S = 2.2  # libzmq's own limit of 2 s does not see what answers like its first, unversioned protocol
HANDSHAKE_S = 3.5  # the options of the socket give up a little earlier, and say why


class Turn(enum.Enum):
    """What changed: all connections stand, or the first of them has broken."""

    UP = "up"
    BROKEN = "broken"


class LinkConnection:
    """Follow the monitors of sockets that only make sense together.

    Args:
        monitors: of the sockets. clock_s: seconds in which this process ran.
    """

    def __init__(self, monitors: Sequence[SocketMonitor], clock_s: Callable[[], float]) -> None:
        self._monitors, self._clock_s = monitors, clock_s
        self._started_s = clock_s()
        self._attempt_s = self._started_s
        self._connected_s: float | None = None
        self._broken_s: float | None = None
        self._was_up = False

    @property
    def stands(self) -> bool:
        """Tell whether every connection is complete."""
        return all(monitor.handshaken for monitor in self._monitors)

    def take(self, event: zmq.Event) -> Turn | Trouble | None:
        """Take an event of one of the sockets; returns what it changes, or what is wrong at the other end."""
        if event is zmq.Event.HANDSHAKE_SUCCEEDED:
            return self._on_handshake()
        if not self._was_up:
            return self._before_the_first_handshake(event)
        if self._broken_s is None:
            self._broken_s = self._clock_s()
            return Turn.BROKEN
        return None

    def _on_handshake(self) -> Turn | None:
        if not self.stands:
            return None
        self._was_up = True
        self._broken_s = self._connected_s = None
        return Turn.UP

    def _before_the_first_handshake(self, event: zmq.Event) -> Trouble | None:
        now_s = self._clock_s()
        if event is zmq.Event.CONNECT_DELAYED:
            self._attempt_s = now_s
        elif event is zmq.Event.CONNECTED:
            self._connected_s = now_s
        elif event is zmq.Event.CLOSED:
            return Trouble.NOBODY if now_s - self._attempt_s < HEAL_S else Trouble.SILENT_HOST
        elif event in HANDSHAKE_FAILURES or event is zmq.Event.DISCONNECTED:
            # A ZeroMQ socket of another kind, such as a PUB, is left without the word of a failed handshake.
            return Trouble.FOREIGN
        return None

    def given_up(self) -> bool:
        """Tell whether it is time to close these sockets and make new ones."""
        now_s = self._clock_s()
        if self._was_up:
            return self._broken_s is not None and now_s - self._broken_s >= HEAL_S
        if self._unshaken(now_s):
            return True
        between_attempts = any(monitor.last is zmq.Event.CONNECT_RETRIED for monitor in self._monitors)
        return now_s - self._started_s >= (HEAL_S if between_attempts else HANDSHAKE_S)

    def why(self) -> Trouble | None:
        """Return what is to be said of connections that are given up, or None when they are simply gone."""
        if self._was_up:
            # After a message against its rules libzmq does not try to connect again.
            stopped = any(monitor.last is zmq.Event.DISCONNECTED for monitor in self._monitors)
            return Trouble.BROKE_OFF if stopped else None
        return Trouble.FOREIGN if self._unshaken(self._clock_s()) else None

    def _unshaken(self, now_s: float) -> bool:
        return self._connected_s is not None and now_s - self._connected_s >= UNSHAKEN_S
