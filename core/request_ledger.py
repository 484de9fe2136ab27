"""Which requests were made lately and what was answered, so that a repeat has no second effect."""

from __future__ import annotations

from .wire import Reply

REMEMBERED = 1024
ID_BYTES = 16


class _Entry:
    """Where the answers to one request go, and those given so far."""

    def __init__(self, routing_id: bytes) -> None:
        self.routing_id = routing_id
        self.stages: list[Reply] = []

    def open(self) -> bool:
        """Tell whether more answers are to come."""
        return not self.stages or self.stages[-1].stage == "accepted"


class RequestLedger:
    """Remember the last 1,024 requests by their random ids, whatever link of their viewer they came from."""

    def __init__(self) -> None:
        self._entries: dict[bytes, _Entry] = {}

    def open(self, routing_id: bytes, request_id: bytes) -> list[Reply] | None:
        """Note a request; its further answers go to ``routing_id``.

        Returns:
            None when it is new, else the answers so far.
        """
        known = self._entries.get(request_id)
        if known is not None and known.routing_id[:ID_BYTES] == routing_id[:ID_BYTES]:
            known.routing_id = routing_id
            return known.stages
        self._entries[request_id] = _Entry(routing_id)
        if len(self._entries) > REMEMBERED:
            self._forget_one()
        return None

    def _forget_one(self) -> None:
        """Forget the oldest request that is fully answered, or else the oldest."""
        done = (key for key, entry in self._entries.items() if not entry.open())
        del self._entries[next(done, next(iter(self._entries)))]

    def answer(self, reply: Reply) -> bytes | None:
        """Note an answer, and give the routing id it goes to; None when its request is forgotten."""
        entry = self._entries.get(reply.id)
        if entry is None:
            return None
        entry.stages.append(reply)
        return entry.routing_id
