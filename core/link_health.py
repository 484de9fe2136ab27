"""When a link counts as live, stale, lost or closed: a rule over time, without sockets and without a clock."""

from __future__ import annotations

from .run_control import LinkState

SILENCE_S = 3.0
ANSWER_S = 0.5
LOST_S = 1.0


class LinkHealth:
    """The link state, from what the link reports; the attribute ``state`` is the present one.

    Args:
        pinged: silence can be told from death by asking; without that a silent link stays live while it is connected.
    """

    def __init__(self, *, pinged: bool = True) -> None:
        self._pinged = pinged
        self.state = LinkState.CONNECTING
        self._ended = False
        self._connected = False
        self._silent_s = 0.0
        self._unanswered_s: float | None = None
        self._down_s = 0.0

    @property
    def connected(self) -> bool:
        """Tell whether the producer has answered on a connection that still stands."""
        return self._connected

    def greeted(self) -> None:
        """Note that the producer has answered hello: the link is live."""
        self._connected = True
        self._down_s = 0.0
        self.state = LinkState.LIVE
        self.heard()

    def heard(self) -> None:
        """Note that anything at all has arrived."""
        self._silent_s = 0.0
        self._unanswered_s = None
        if self.state is LinkState.STALE and self._connected:
            self.state = LinkState.LIVE

    def told_run(self, ended: bool) -> None:
        """Note whether the producer said that its run is over: its leaving is then no loss.

        That word may be read after the news that the connection is gone, as they come by different ways.
        """
        self._ended = ended
        self._close_if_ended()

    def disconnected(self) -> None:
        """Note that a connection is gone; the state follows after a second, or at once when the run has ended."""
        self._connected = False
        self._close_if_ended()

    def _close_if_ended(self) -> None:
        if self._ended and not self._connected and self.state is not LinkState.CONNECTING:
            self.state = LinkState.CLOSED

    def closed(self) -> None:
        """Note that the viewer itself has closed the link."""
        self._connected = False
        self.state = LinkState.CLOSED

    def reopened(self) -> None:
        """Note that the viewer opens the link, perhaps once more."""
        self._ended = False
        self.state = LinkState.CONNECTING

    def tick(self, passed_s: float) -> bool:
        """Let time pass in which the viewer was reading.

        Returns:
            True when a ping has to be sent now, because nothing was heard for three seconds.
        """
        if self.state not in (LinkState.LIVE, LinkState.STALE):
            return False
        if self._connected:
            return self._pinged and self._count_silence(passed_s)
        self._down_s += passed_s
        if self._down_s >= LOST_S:
            self.state = LinkState.LOST
        return False

    def _count_silence(self, passed_s: float) -> bool:
        self._silent_s += passed_s
        if self._unanswered_s is not None:
            self._unanswered_s += passed_s
            if self._unanswered_s >= ANSWER_S:
                self.state = LinkState.STALE
        elif self._silent_s >= SILENCE_S:
            self._unanswered_s = 0.0
            return True
        return False
