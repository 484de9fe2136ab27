"""The line to a simulated instrument, with a switch for what can go wrong on it."""

from __future__ import annotations

import enum
import logging
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass

import numpy as np

from .instrument_errors import LinkLostError

logger = logging.getLogger("dockscope.devices")

OUTAGE_S = 0.5  # of a disconnection
LATE = 1.5  # times the timeout: such an answer comes when the link was opened again
SLOW = 0.5  # times the timeout: such an answer is taken
USUAL_TIMEOUT_S = 5.0  # stands in when there is none


class Fault(enum.StrEnum):
    """What the fault switch can be set to."""

    NONE = ""
    TIMEOUT = "timeout"
    GARBAGE = "garbage"
    DISCONNECT = "disconnect"
    SLOW = "slow"
    RANDOM = "random"


KINDS = (Fault.TIMEOUT, Fault.GARBAGE, Fault.DISCONNECT, Fault.SLOW)


@dataclass
class Message:
    """An answer on its way.

    Attributes:
        left: bytes not read yet. ready_s: when it is there, on the monotonic clock.
    """

    left: bytearray
    ready_s: float


class Wire:
    """Carries answers, also those of a session before: what is late comes to whoever listens then.

    Args:
        name: of the device, for the log. rng: where chance comes from.
    """

    def __init__(self, name: str, rng: np.random.Generator) -> None:
        self.messages: deque[Message] = deque()
        self.injected: Counter[Fault] = Counter()
        self._name = name
        self._rng = rng
        self._down_until_s = 0.0
        self._switch = threading.Lock()
        self._fault, self._share = Fault.NONE, 0.0

    def set_fault(self, fault: str, share: float) -> None:
        """Turn the switch.

        Args:
            fault: what goes wrong, ``random`` for any, empty for nothing. share: of the questions, 0 to 1.

        Raises:
            ValueError: there is no such fault or share.
        """
        if fault not in list(Fault):
            raise ValueError(f"fault must be one of {', '.join(KINDS)}, random, or empty, not {fault!r}")
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"the share of questions that fail must be between 0 and 1, not {share!r}")
        with self._switch:
            self._fault, self._share = Fault(fault), share

    def check(self) -> None:
        """See whether the line is there.

        Raises:
            LinkLostError: it is down.
        """
        if time.monotonic() < self._down_until_s:
            raise LinkLostError("the simulated link is down")

    def carry(self, answer: bytes, timeout_s: float | None, *, fails: bool = True) -> None:
        """Send an answer on its way, or let the fault happen that is due.

        Args:
            answer: terminator included. timeout_s: of who waits for it. fails: whether a fault may happen.

        Raises:
            LinkLostError: the fault was a disconnection.
        """
        fault = self._due() if fails else Fault.NONE
        if fault:
            self.injected[fault] += 1
            logger.info("%s: simulated fault: %s", self._name, fault)
        now, wait_s = time.monotonic(), USUAL_TIMEOUT_S if timeout_s is None else timeout_s
        if fault is Fault.DISCONNECT:
            self._down_until_s = now + OUTAGE_S
            self.messages.clear()
            raise LinkLostError("the simulated link broke")
        if fault is Fault.GARBAGE:
            answer = b"\xff" + self._rng.bytes(8) + b"\n" + self._rng.bytes(8) + b"\n"
        delay_s = {Fault.TIMEOUT: LATE * wait_s, Fault.SLOW: SLOW * wait_s}.get(fault, 0.0)
        self.messages.append(Message(bytearray(answer), now + delay_s))

    def next_ready_s(self) -> float | None:
        """Return when the next message is there, None when none is on its way."""
        return self.messages[0].ready_s if self.messages else None

    def _due(self) -> Fault:
        with self._switch:
            if not self._fault or self._rng.random() >= self._share:
                return Fault.NONE
            return KINDS[self._rng.integers(len(KINDS))] if self._fault is Fault.RANDOM else self._fault
