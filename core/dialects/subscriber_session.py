"""One publisher, or all that connect to us, again and again: a socket for each time, a reader for all of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from ..messages import Hello
from .base import Sink, SourceOptions
from .foreign import ForeignSource
from .foreign_address import ForeignAddress, check_open
from .reception import Reception
from .subscriber import Batch, Subscriber


class Reader(Protocol):
    """What makes something of the messages of a publisher."""

    def take(self, batch: Batch) -> None:
        """Read a batch of messages."""


def open_subscriber(
    address: ForeignAddress,
    sink: Sink,
    *,
    key: str,
    options: SourceOptions,
    make_reader: Callable[[Reception], Reader],
    max_message_bytes: int,
) -> ForeignSource:
    """Make a source of what publishes at an address, or connects to it and publishes.

    Args:
        address: where. sink, key, options: see ``base.Factory``. make_reader, max_message_bytes: see
            ``SubscriberSession``.

    Raises:
        ValueError: the address needs ``insecure``, as a sentence.
    """
    check_open(address, options.insecure)
    hello = Hello(os.urandom(16), address.where, host=address.host, is_numbered=False)
    session = SubscriberSession(
        address, hello, make_reader, max_message_bytes=max_message_bytes, adopted=options.adopted
    )
    return ForeignSource(address.url, sink, key=key, where=address.where, connect=session.connect, waits=address.binds)


class SubscriberSession:
    """Connect or bind as the address says, and read.

    Args:
        address: where; its ``topic`` option filters. hello: who publishes.
        make_reader: gets the reception; its reader lives as long as this.
        max_message_bytes: larger ones end the connection.
        adopted: a socket that is connected already, for the first time.
    """

    def __init__(
        self,
        address: ForeignAddress,
        hello: Hello,
        make_reader: Callable[[Reception], Reader],
        *,
        max_message_bytes: int,
        adopted: Subscriber | None = None,
    ) -> None:
        self._address, self._hello, self._make_reader, self._adopted = address, hello, make_reader, adopted
        self._max_message_bytes = max_message_bytes
        self._reader: Reader | None = None

    async def connect(self, reception: Reception) -> None:
        """Connect once and read until the connection is gone (see ``ForeignSource``)."""
        subscriber, self._adopted = self._adopted or await self._subscriber(), None
        subscriber.tells_origins = False
        if self._address.is_open:
            reception.problem("open", f"{self._address.where} takes data from whoever reaches it, unencrypted")
        if self._reader is None:  # the numbers of its series hold for as long as the source lives
            self._reader = self._make_reader(reception)
        reader = self._reader
        try:
            await subscriber.read(reader.take, on_up=lambda: reception.up(self._hello), on_down=reception.down)
        finally:
            subscriber.close()

    async def _subscriber(self) -> Subscriber:
        address = self._address
        return Subscriber(
            await address.endpoint(),
            where=address.where,
            max_message_bytes=self._max_message_bytes,
            binds=address.binds,
            topics=address.query.get("topic", ()),
        )
