"""Who a session belongs to: what it tells, and asks."""

from __future__ import annotations

from typing import Any, Protocol

from .link_trouble import Trouble
from .messages import Hello
from .wire import DataMessage, Reply


class SessionOwner(Protocol):
    """What a session tells of; ``remember`` is asked for what need not be sent again."""

    def on_heard(self) -> None:
        """Something has arrived."""

    def on_greeted(self, hello: Hello, restarted: bool) -> None:
        """The producer has answered; ``restarted`` when it is another run than before."""

    def on_broken(self) -> None:
        """A connection that was greeted is gone."""

    def on_data(self, message: DataMessage) -> None:
        """A message of the present subscription."""

    def on_caught_up(self) -> None:
        """All retained messages are here; what follows is live."""

    def on_reply(self, reply: Reply) -> None:
        """An answer to a request that is not the session's own."""

    def on_trouble(self, trouble: Trouble, detail: str = "", refused: int = 0) -> None:
        """Something a person should know; ``refused`` messages are left out because of it."""

    def remember(self) -> tuple[list[Any], list[Any]]:
        """Return ``have`` and ``have_series``."""
        ...
