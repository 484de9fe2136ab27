"""``conduit://host:port``: the streams of a conduit server as metrics and data.

It subscribes to what the server lists, or to ``?only=a,b``, and looks for further streams now and then. The password
comes from the asker; it is not asked for, nor sent, before a conduit server has answered.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from ..asker import Asker
from ..link_address import LinkError
from ..messages import Kind, ProtocolError
from .base import Dialect, Sink, SourceOptions
from .conduit_connection import Connection, Incoming
from .conduit_errors import AuthenticationError, ConduitConnectionError, RPCError
from .conduit_events import STREAM_CLOSED, STREAM_DATA, Message
from .conduit_handshake import ask_who
from .conduit_visit import (
    CALL_S,
    NO_PASSWORD,
    client_options,
    hello_of,
    listed,
    logged_in,
    parse,
    probe_conduit,
    recognize_conduit,
)
from .foreign import ForeignSource
from .foreign_address import ForeignAddress
from .framing import Published
from .object_reader import ObjectReader
from .object_times import time_of
from .payload import plain
from .reception import Reception

LIST_AGAIN_S = 5.0


def open_conduit(url: str, sink: Sink, *, key: str, options: SourceOptions) -> ForeignSource:
    """Make a source (see ``base.Factory``).

    Raises:
        ValueError: the URL is wrong, as a sentence.
    """
    address = parse(url)
    session = ConduitSession(
        address,
        options.asker or Asker.of_environment(),
        subscribes=options.topics is None or any(kind != Kind.CONTROL for kind, _ in options.topics),
        rename=lambda renamed: source.rename(renamed),  # noqa: PLW0108 - it is made below
    )
    source = ForeignSource(
        address.url, sink, key=key, where=address.where, connect=session.connect, on_start=session.ask_again
    )
    return source


class ConduitSession:
    """One server, connected to again and again.

    Args:
        address: of the server. asker: knows the password, or whom to ask, and which streams are wanted.
        subscribes: False to greet only. rename: takes the URL that names the chosen streams.
    """

    def __init__(
        self, address: ForeignAddress, asker: Asker, *, subscribes: bool, rename: Callable[[str], None]
    ) -> None:
        self._address, self._asker, self._subscribes, self._rename = address, asker, subscribes, rename
        self._id = os.urandom(16)
        self._declined = False
        self._wanted: Collection[str] = address.query.get("only", ())
        self._has_chosen = bool(self._wanted)
        self._subscribed: set[str] = set()
        self._reader: ObjectReader | None = None
        self._reception: Reception | None = None
        self._delivers = False

    def ask_again(self) -> None:
        """Let a person who declined to give a password be asked once more."""
        self._declined = False

    async def connect(self, reception: Reception) -> None:
        """Connect once and read until the connection is gone (see ``ForeignSource``)."""
        self._reception = reception
        if self._reader is None:  # the numbers of its series hold for as long as the source lives
            self._reader = ObjectReader(reception, newest_only=False)
        self._subscribed.clear()
        password = await self._password()
        options = client_options(self._address, password)
        try:
            async with logged_in(options, self._on_event, self._on_bad) as connection:
                self._asker.remember(self._address.where, password)
                await self._follow(connection, reception)
        except AuthenticationError as error:
            if "password" in str(error).lower():
                self._asker.refuse(self._address.where)
            raise LinkError(str(error)) from None
        except (RPCError, ConduitConnectionError) as error:
            raise LinkError(str(error)) from None

    async def _password(self) -> str:
        """Return the password; nobody is asked before a conduit server has answered, and nobody twice who declined."""
        place = self._address.where
        password = self._asker.known(place)
        if password is None and not self._declined:
            try:
                await ask_who(client_options(self._address, NO_PASSWORD))
            except ConduitConnectionError as error:
                raise LinkError(str(error)) from None
            password = await self._asker.password(place)
            self._declined = password is None
        if password is None:
            why = "the password was refused" if self._asker.was_refused(place) else "a password is needed"
            raise LinkError(f"{place}: {why}: DOCKSCOPE_PASSWORD, --password-file, or Connect again to be asked")
        return password

    async def _follow(self, connection: Connection, reception: Reception) -> None:
        names = await listed(connection)
        streams = tuple((Kind.DATA.value, name) for name in names)
        reception.up(hello_of(self._address, self._id, connection.peer, streams))
        if not self._subscribes:
            await connection.wait_closed()
            return
        await self._choose(names)
        while connection.is_connected:
            await self._subscribe(connection, names)
            try:
                async with asyncio.timeout(LIST_AGAIN_S):  # wait_for may swallow a cancellation that comes with the end
                    await connection.wait_closed()
            except TimeoutError:
                names = await listed(connection)

    async def _choose(self, names: list[str]) -> None:
        """Let a person choose, once."""
        if self._has_chosen or not names:
            return
        self._has_chosen = True
        chosen = await self._asker.streams(self._address.where, names)
        if chosen is not None:
            self._wanted = tuple(chosen)
            self._rename(replace(self._address, query={"only": self._wanted}).url)

    async def _subscribe(self, connection: Connection, names: list[str]) -> None:
        wanted = [name for name in names if not self._wanted or name in self._wanted]
        for name in wanted:
            if name not in self._subscribed:
                self._subscribed.add(name)  # before the call: items may come together with its answer
                answer = await connection.call("stream_subscribe", {"stream_name": name}, CALL_S)
                if isinstance(answer, dict) and "error" in answer:  # it was closed in this moment
                    self._subscribed.discard(name)
        missing = [name for name in self._wanted if name not in names]
        if missing and self._reception is not None:
            shown = ", ".join(missing)[:60]
            self._reception.problem("missing", f"{self._address.where} has no stream {shown} yet: it is looked for")

    # -- what comes in ------------------------------------------------------------------------------------------

    def _on_event(self, connection: Connection, event: Incoming) -> None:
        if not isinstance(event, Message) or not isinstance(event.data, dict):
            return
        name = event.data.get("stream")
        if not isinstance(name, str):
            return
        if event.type == STREAM_CLOSED:
            self._subscribed.discard(name)
        elif event.type == STREAM_DATA and name in self._subscribed:  # the original sends all streams to everybody
            self._take(name, event.data)

    def _on_bad(self, error: ProtocolError) -> None:
        assert self._reception is not None
        self._reception.bad_message(error)

    def _take(self, name: str, told: dict[Any, Any]) -> None:
        assert self._reader is not None
        assert self._reception is not None
        self._reception.heard()
        sent_s = time_of(told.get("timestamp"))
        try:
            published = Published(name, plain(told.get("data")), None)
            self._reader.take(published, time.time() if sent_s is None else sent_s, 0)
        except ProtocolError as error:
            self._reception.bad_message(error)
        if not self._delivers:  # once for all that were read together
            self._delivers = True
            asyncio.get_running_loop().call_soon(self._deliver)

    def _deliver(self) -> None:
        assert self._reader is not None
        self._delivers = False
        self._reader.deliver()


DIALECT = Dialect(
    open=open_conduit,
    normalize=lambda url: parse(url).url,
    probe=probe_conduit,
    recognize=recognize_conduit,
    asks_password=True,
)
