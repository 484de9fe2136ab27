"""Logging in on the conduit wire: the client shows that it knows the password, the server compares.

The wire lets the client speak first and its proof of the password can be replayed. So a client first asks with an empty
proof; only what refuses it in conduit's own words is sent the real one, over a connection of its own.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ..messages import ProtocolError
from .conduit_descriptors import ClientDescriptor, ServerDescriptor
from .conduit_errors import AuthenticationError, ConduitConnectionError, NotConduitError
from .conduit_events import (
    AuthFailure,
    AuthRequest,
    AuthSuccess,
    Event,
    password_hash,
    read_event,
    write_event,
)
from .conduit_frame import FrameDecoder

MAX_LOGIN_BYTES = 65_536
NO_PROOF = ""


@dataclass
class Line:
    """A socket, and what was received on it and not read yet."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    decoder: FrameDecoder

    async def next_event(self) -> Event | None:
        """Return the next event, None at the end.

        Raises:
            ProtocolError: the bytes are not conduit's. OSError: the connection broke.
        """
        while (frame := self.decoder.next()) is None:
            data = await self.reader.read(MAX_LOGIN_BYTES)
            if not data:
                return None
            self.decoder.feed(data)
        return read_event(frame)

    def send(self, event: Event) -> None:
        """Send an event in one write: the original reads a login with one read."""
        self.writer.write(write_event(event))

    def drop(self) -> None:
        """Close it at once."""
        self.writer.transport.abort()


async def log_in(options: ClientDescriptor) -> tuple[Line, AuthSuccess]:
    """Connect to a server and log in.

    Returns:
        The line, and what the server answered.

    Raises:
        NotConduitError: something else answers there. AuthenticationError: the password is refused.
        ConduitConnectionError: nobody answers.
    """
    async with _answered_in_time(options):
        line, answer = await _asked(options, NO_PROOF)
        if isinstance(answer, AuthFailure):
            line.drop()
            line, answer = await _asked(options, password_hash(options.password))
    if isinstance(answer, AuthFailure):
        line.drop()
        raise AuthenticationError(f"{_where(options)} refused: {answer.reason[:80]}")
    line.decoder.max_payload_bytes = options.max_message_size
    return line, answer


async def ask_who(options: ClientDescriptor) -> None:
    """Make sure that a conduit server answers, without the password.

    Raises:
        ConduitConnectionError: as ``log_in`` does.
    """
    async with _answered_in_time(options):
        line, _ = await _asked(options, NO_PROOF)
    line.drop()


@asynccontextmanager
async def _answered_in_time(options: ClientDescriptor) -> AsyncIterator[None]:
    """Turn what the network says into sentences."""
    try:
        async with asyncio.timeout(options.connect_timeout):
            yield
    except TimeoutError:
        raise ConduitConnectionError(f"no conduit server answered at {_where(options)}: check the port") from None
    except ConduitConnectionError:
        raise
    except OSError as error:
        raise ConduitConnectionError(f"{_where(options)}: {error.strerror or error}") from error


def _where(options: ClientDescriptor) -> str:
    return f"{options.server_host}:{options.server_port}"


async def _asked(options: ClientDescriptor, proof: str) -> tuple[Line, AuthSuccess | AuthFailure]:
    """Connect, send one login and return the answer to it; the line is dropped when there is none."""
    context = options.ssl_context()
    reader, writer = await asyncio.open_connection(
        options.server_host,
        options.server_port,
        family=socket.AF_INET6 if options.use_ipv6 else socket.AF_UNSPEC,
        ssl=context,
        server_hostname=options.server_host if context is not None else None,
    )
    line = Line(reader, writer, FrameDecoder(MAX_LOGIN_BYTES))
    try:
        line.send(AuthRequest(proof, {"name": options.name, "version": options.version}))
        answer = await line.next_event()
        if isinstance(answer, AuthSuccess | AuthFailure):
            return line, answer
        raise NotConduitError(f"{_where(options)} is no conduit server")
    except (ProtocolError, ConnectionResetError):
        line.drop()
        raise NotConduitError(f"{_where(options)} is no conduit server") from None
    except BaseException:
        line.drop()
        raise


async def let_in(line: Line, options: ServerDescriptor, *, is_full: Callable[[], bool]) -> AuthRequest | None:
    """Read a client's login and answer it.

    Args:
        line: from the client. options: of the server. is_full: tells whether nobody more may come in.

    Returns:
        What the client told; None when it only asked who is there, or left.

    Raises:
        AuthenticationError: it may not come in, and was told so. ProtocolError: it speaks something else.
    """
    line.decoder.max_payload_bytes = MAX_LOGIN_BYTES
    request = await line.next_event()
    if request is None:
        return None
    if not isinstance(request, AuthRequest):
        raise ProtocolError("the first frame is no login")
    known = hmac.compare_digest(request.password_hash.encode(), password_hash(options.password).encode())
    if not known:
        line.send(AuthFailure("Invalid password"))
        await line.writer.drain()
        if request.password_hash == NO_PROOF:
            return None
        raise AuthenticationError("the password is wrong")
    if is_full():
        line.send(AuthFailure("Too many connections"))
        await line.writer.drain()
        raise AuthenticationError(f"already {options.max_connections} clients, as many as may connect")
    line.send(AuthSuccess(secrets.token_hex(64), {"name": options.name, "version": options.version}))
    await line.writer.drain()
    line.decoder.max_payload_bytes = options.max_message_size
    return request
