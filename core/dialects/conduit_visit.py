"""How dockscope visits a conduit server: by its URL, with which options, what it offers and who it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ..messages import Hello, Kind, ProtocolError
from .base import ProbeResult, SourceOptions
from .conduit_connection import Connection, OnEvent
from .conduit_descriptors import ClientDescriptor
from .conduit_errors import ConduitConnectionError, RPCError
from .conduit_handshake import ask_who, log_in
from .conduit_stream import MAX_NAME_BYTES
from .foreign_address import ForeignAddress, parse_foreign
from .recognition import Heard

EXAMPLE = "conduit://127.0.0.1:8080"
MAX_MESSAGE_BYTES = 16 * 2**20
READ_BYTES = 32 * 1024  # decoded at once, on the window's thread
HEARTBEAT_S, PATIENCE_S = 5.0, 15.0
CALL_S = 5.0
RECOGNIZE_S = 1.5
MOST_STREAMS = 1024
NO_PASSWORD = "-"  # noqa: S105 - takes the place of one where none is sent


def parse(url: str) -> ForeignAddress:
    """Read a URL.

    Raises:
        ValueError: it is wrong, as a sentence.
    """
    address = parse_foreign(url, example=EXAMPLE)
    if address.binds:
        raise ValueError(f"{url[:80]!r}: a conduit server is connected to, write its address like {EXAMPLE}")
    return address


@asynccontextmanager
async def logged_in(
    options: ClientDescriptor, on_event: OnEvent, on_bad: Callable[[ProtocolError], None] | None = None
) -> AsyncIterator[Connection]:
    """Connect for the length of a block.

    Raises:
        ConduitConnectionError: as ``log_in`` does.
    """
    line, answer = await log_in(options)
    connection = Connection(
        line.reader,
        line.writer,
        decoder=line.decoder,
        options=options,
        peer=dict(answer.server_info),
        on_event=on_event,
        on_closed=lambda _: None,
        on_bad=on_bad,
    )
    connection.start()
    try:
        yield connection
    finally:
        await connection.close()


def client_options(address: ForeignAddress, password: str, timeout_s: float = CALL_S) -> ClientDescriptor:
    """Return how this source connects."""
    return ClientDescriptor(
        server_host=address.host,
        server_port=address.port,
        password=password,
        name="dockscope",
        connect_timeout=timeout_s,
        buffer_size=READ_BYTES,
        max_message_size=MAX_MESSAGE_BYTES,
        heartbeat_interval=HEARTBEAT_S,
        heartbeat_timeout=PATIENCE_S,
    )


async def listed(connection: Connection) -> list[str]:
    """Return the names of the streams that a server offers.

    Raises:
        RPCError, ConduitConnectionError: it does not tell them.
    """
    answer = await connection.call("stream_list", {}, CALL_S)
    streams = answer.get("streams") if isinstance(answer, dict) else None
    if not isinstance(streams, list):
        return []
    names = [one.get("name") for one in streams if isinstance(one, dict) and one.get("active", True)]
    fitting = [name for name in names if isinstance(name, str) and 0 < len(name.encode()) <= MAX_NAME_BYTES]
    return list(dict.fromkeys(fitting))[:MOST_STREAMS]


def hello_of(address: ForeignAddress, id_: bytes, peer: dict[str, Any], streams: tuple[tuple[str, str], ...]) -> Hello:
    """Return who a server is, from what it told of itself."""
    name, version = peer.get("name"), peer.get("version")
    return Hello(
        id_,
        name[:MAX_NAME_BYTES] if isinstance(name, str) and name else address.where,
        host=address.host,
        version=version[:MAX_NAME_BYTES] if isinstance(version, str) else "",
        streams=streams,
        is_numbered=False,
    )


async def probe_conduit(url: str, options: SourceOptions, timeout_s: float) -> ProbeResult:
    """Say what a server offers if it has taken a password before, else that it asks for one; nobody is asked here.

    An address may be probed while it is typed: a password that was given for any place must not go to half an address.
    """
    address = parse(url)
    password = None if options.asker is None else options.asker.remembered(address.where)
    try:
        async with asyncio.timeout(timeout_s):
            if password is not None:
                return await _offer(url, address, password)
            await ask_who(client_options(address, NO_PASSWORD, timeout_s))
    except TimeoutError:
        return ProbeResult(False, f"{address.where} did not answer within {timeout_s:g} s", url)
    except (RPCError, ConduitConnectionError) as error:
        return ProbeResult(False, str(error)[:140], url)
    sentence = f"A conduit server at {address.where}: it will ask for a password"
    return ProbeResult(True, sentence, url, address.where, address.host)


async def _offer(url: str, address: ForeignAddress, password: str) -> ProbeResult:
    async with logged_in(client_options(address, password), lambda _connection, _event: None) as connection:
        streams = tuple((Kind.DATA.value, name) for name in await listed(connection))
    name = hello_of(address, b"", connection.peer, streams).name
    return ProbeResult(True, f"{name}, a conduit server at {address.where}", url, name, address.host, streams=streams)


async def recognize_conduit(heard: Heard) -> str | None:
    """Ask a server that does not speak ZeroMQ whether it is conduit, without any password (see ``base.Dialect``)."""
    if heard.binds or heard.socket_type:
        return None
    address = parse(f"conduit://{heard.place}")
    try:
        await ask_who(client_options(address, NO_PASSWORD, RECOGNIZE_S))
    except ConduitConnectionError:
        return None
    return address.url
