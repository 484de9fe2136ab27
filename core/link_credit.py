"""How much a producer may send: credit granted and returned, and a bound for producers that ignore it.

ZeroMQ reads ahead of us without end and does not tell how much. But a producer that keeps to its credit runs dry as
soon as none is returned. So when a connection was not found empty for a while, credit is withheld until it is; one that
even then goes on is no honest producer, and is cut off before what it sends fills the memory.
"""

from __future__ import annotations

import os

CREDIT_BYTES = 4 * 2**20
STEP_BYTES = CREDIT_BYTES // 8
WITHHOLD_BYTES = 2 * CREDIT_BYTES
# After the last return at most the grant and one message come; twice that again for subscriptions made anew meanwhile.
MOST_UNINTERRUPTED_BYTES = WITHHOLD_BYTES + 4 * CREDIT_BYTES
SMALLEST_MESSAGE_BYTES = 64
MOST_WAITING_MESSAGES = CREDIT_BYTES // SMALLEST_MESSAGE_BYTES  # no honest producer can have more on its way
KEPT_IDS = 16


class LinkCredit:
    """The credit of the present subscription."""

    def __init__(self) -> None:
        self.subscription: bytes | None = None
        self._drained_bytes = 0
        self._ids: list[bytes] = []

    def grant(self) -> bytes:
        """Begin a subscription and return its id; the producer may send ``CREDIT_BYTES`` for it."""
        self.subscription = os.urandom(16)
        self._drained_bytes = 0
        return self.subscription

    def drained(self, nbytes: int) -> None:
        """Note that a data message was taken."""
        self._drained_bytes += nbytes

    def due_bytes(self, uninterrupted_bytes: int) -> int:
        """Return how much is to be given back now.

        Args:
            uninterrupted_bytes: taken since the connection was last found empty.
        """
        if self.subscription is None or self._drained_bytes < STEP_BYTES or uninterrupted_bytes >= WITHHOLD_BYTES:
            return 0
        return self._drained_bytes

    def returned(self, id_: bytes) -> None:
        """Note that what was due has been given back in the request ``id_``."""
        self._drained_bytes = 0
        self._ids = [*self._ids[1 - KEPT_IDS :], id_]

    def is_request(self, id_: bytes) -> bool:
        """Tell whether ``id_`` is the present subscription or gave credit back lately."""
        return id_ == self.subscription or id_ in self._ids
