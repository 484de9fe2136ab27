"""``ws://``: atoplace's stream of a placement, as a source for the window, and the classes of a program that sends one.

A program makes a ``StreamingVisualizer`` of its board, or sends frames of its own with ``StreamServer`` or
``StreamManager``; ``PlacementVisualizer`` keeps frames without sending them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..link_address import LinkError, resolve
from ..link_trouble import Trouble
from ..messages import Hello, ProtocolError
from ..run_control import Stage
from .base import Dialect, ProbeResult, Sink, SourceOptions
from .foreign import ForeignSource
from .foreign_address import ForeignAddress, parse_foreign
from .placement_codec import ControlTold, Told, Welcome, read_message
from .placement_facts import BoardFacts
from .placement_page_file import read_viewer
from .placement_reader import CAPABILITIES, STREAM, PlacementReader
from .placement_server import StreamManager, StreamServer
from .placement_streaming import StreamingVisualizer
from .placement_visualizer import PlacementVisualizer
from .reception import Reception
from .recognition import Heard

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

__all__ = ["DIALECT", "PlacementVisualizer", "StreamManager", "StreamServer", "StreamingVisualizer"]

EXAMPLE = "ws://127.0.0.1:8765"
OPTIONS = ("only", "viewer")
MAX_MESSAGE_BYTES = 16 * 2**20
AT_ONCE_CHARACTERS = 256 * 1024  # decoded within a few milliseconds
WELCOME_S = 5.0
VISIT_S = 1.0
MOST_COMMANDS = 64
FAREWELL_S = 0.2
# After how many seconds of silence, then how often and how many times, the other machine is asked whether it lives.
KEEP_ALIVE = ((socket.TCP_KEEPIDLE, 5), (socket.TCP_KEEPINTVL, 2), (socket.TCP_KEEPCNT, 3))
NO_STREAM = "{where} speaks WebSocket, but sends no placements as atoplace does: check the port"

websockets_logger = logging.getLogger("dockscope.dialects.websockets")
websockets_logger.setLevel(logging.CRITICAL)  # what happens to a connection is told by the source


def parse(url: str) -> ForeignAddress:
    """Read a URL; ``?viewer=`` is the path of the producer's page, or of its folder.

    Raises:
        ValueError: it is wrong, as a sentence.
    """
    address = parse_foreign(url, example=EXAMPLE, options=OPTIONS)
    if address.binds:
        raise ValueError(f"{url[:80]!r}: a placement stream is connected to, name its host: like {EXAMPLE}")
    return address


def open_placement(url: str, sink: Sink, *, key: str, options: SourceOptions) -> ForeignSource:
    """Make a source (see ``base.Factory``).

    Raises:
        ValueError: the URL is wrong, as a sentence.
    """
    address = parse(url)
    session = PlacementSession(address)
    session.source = ForeignSource(
        address.url, sink, key=key, where=address.where, connect=session.connect, steer=session.steer
    )
    return session.source


class PlacementSession:
    """One stream, connected to again and again.

    Args:
        address: where.
    """

    source: ForeignSource

    def __init__(self, address: ForeignAddress) -> None:
        self._address = address
        hello = Hello(
            b"", address.where, host=address.host, capabilities=CAPABILITIES, role="operate", is_numbered=False
        )
        self._reader = PlacementReader(hello, address.query.get("only", ()))
        self._requests: asyncio.Queue[str] = asyncio.Queue(MOST_COMMANDS)

    async def connect(self, reception: Reception) -> None:
        """Connect once and read until the connection is gone (see ``ForeignSource``)."""
        facts = await self._facts(reception)
        connection = await open_connection(self._address)
        self._requests = asyncio.Queue(MOST_COMMANDS)
        sending: asyncio.Task[None] | None = None
        try:
            welcome = await first_message(connection, self._address.where)
            self._reader.connected(welcome, reception, facts)
            if facts is None:
                self._requests.put_nowait("static")
                self._requests.put_nowait("ping")  # its answer comes after that of the other, if there is any
            sending = asyncio.ensure_future(self._send(connection))
            await self._read(connection, reception)
        finally:
            if reception.is_up:
                self._reader.disconnected(reception)
            if sending is not None:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            await connection.close()

    def steer(self, command: str, args: dict[str, Any]) -> str | None:
        """Send a command (see ``ForeignSource``)."""
        if command not in CAPABILITIES:
            return f"{self._address.where} has no live parameters"
        try:
            self._requests.put_nowait(command)
        except asyncio.QueueFull:
            return Trouble.TOO_MANY.sentence(self._address.where)
        return None

    async def _facts(self, reception: Reception) -> BoardFacts | None:
        """Return what the producer's page knows of the board, if the URL names it."""
        path = ",".join(self._address.query.get("viewer", ()))
        if not path:
            return None
        try:
            return (await asyncio.to_thread(read_viewer, Path(path))).facts
        except OSError as error:
            reception.problem("viewer page", f"{path} cannot be read ({error.strerror}): the board is not known")
        except ValueError as error:
            reception.problem("viewer page", str(error))
        return None

    async def _send(self, connection: ClientConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                await connection.send(json.dumps({"type": await self._requests.get()}))
        except ConnectionClosed:
            pass  # which the one who reads notices too

    async def _read(self, connection: ClientConnection, reception: Reception) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            async for text in connection:
                reception.heard()
                try:
                    told = read_message(text) if len(text) <= AT_ONCE_CHARACTERS else await _read_aside(text)
                    self._take(told, len(text), reception)
                except ProtocolError as error:
                    reception.bad_message(error)
        except ConnectionClosed as closed:
            if closed.sent is not None and closed.sent.code == 1009:  # as RFC 6455 calls it
                raise LinkError(Trouble.BROKE_OFF.sentence(self._address.where)) from None

    def _take(self, told: Told | None, nbytes: int, reception: Reception) -> None:
        if told is None or isinstance(told, Welcome):
            return
        self._reader.take(told, reception, nbytes)
        if isinstance(told, ControlTold):
            self._confirm(told)

    def _confirm(self, told: ControlTold) -> None:
        """Close the open commands that the producer says it follows."""
        followed = {"pause": told.paused, "resume": not told.paused, "stop": told.stop_requested}
        for command in CAPABILITIES:
            if followed[command]:
                for id_ in self.source.open_commands(command):
                    self.source.confirm(id_, Stage.EFFECTIVE)


async def _read_aside(text: str | bytes) -> Told | None:
    """Read a large message in a thread, so that the loop goes on wherever Python lets it."""
    return await asyncio.to_thread(read_message, text)


async def open_connection(address: ForeignAddress, timeout_s: float | None = None) -> ClientConnection:
    """Connect to a WebSocket server.

    Args:
        timeout_s: how long its answer may take; 10 s when not given.

    Raises:
        LinkError: nobody is there, or nobody who speaks WebSocket; a sentence for a person.
    """
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus

    where = address.where
    try:
        number = await resolve(address.host, address.port)
    except LinkError:
        raise LinkError(Trouble.NO_HOST.sentence(where)) from None
    try:
        connection = await connect(
            f"ws://{where}/",
            host=number,  # given, so that no answer can send us to another machine
            port=address.port,
            proxy=None,
            compression=None,
            max_size=MAX_MESSAGE_BYTES,
            open_timeout=10.0 if timeout_s is None else timeout_s,
            # A producer that computes for minutes answers no ping, and is well.
            ping_interval=None,
            close_timeout=FAREWELL_S,
            logger=websockets_logger,
        )
    except InvalidStatus as error:
        raise LinkError(Trouble.REFUSED.sentence(where, f"HTTP {error.response.status_code}")) from None
    except (InvalidHandshake, InvalidMessage, ValueError, EOFError):
        raise LinkError(f"{where} does not speak WebSocket: check the port") from None
    except TimeoutError:
        raise LinkError(Trouble.SILENT_HOST.sentence(where)) from None
    except OSError:
        raise LinkError(Trouble.NOBODY.sentence(where)) from None
    _watch_over(connection)
    return connection


def _watch_over(connection: ClientConnection) -> None:
    """Have the system notice when the other machine has vanished."""
    wire = connection.transport.get_extra_info("socket")
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, number in KEEP_ALIVE:
        wire.setsockopt(socket.IPPROTO_TCP, option, number)


async def first_message(connection: ClientConnection, where: str) -> Welcome:
    """Return the welcome with which a placement stream begins.

    Raises:
        LinkError: it begins with something else, or not at all; a sentence for a person.
    """
    from websockets.exceptions import ConnectionClosed

    try:
        told = read_message(await asyncio.wait_for(connection.recv(), WELCOME_S))
    except (ProtocolError, TimeoutError, ConnectionClosed):
        told = None
    if not isinstance(told, Welcome):
        raise LinkError(NO_STREAM.format(where=where))
    return told


async def probe_placement(url: str, options: SourceOptions, timeout_s: float) -> ProbeResult:
    """Say whether placements are streamed there, and whether they are paused (see ``base.Dialect``)."""
    address = parse(url)
    try:
        welcome = await _welcome_of(address, timeout_s)
    except LinkError as error:
        return ProbeResult(False, str(error), url)
    state = "paused" if welcome.paused else "running"
    sentence = f"{address.where} streams a placement, {welcome.fps:g} frames a second at most, {state}"
    streams = (("scene", STREAM), ("frame", STREAM))
    return ProbeResult(True, sentence, url, address.where, address.host, streams=streams, role="operate")


async def recognize_placement(heard: Heard) -> str | None:
    """Take a WebSocket server that begins with a welcome (see ``base.Dialect``)."""
    if heard.socket_type or heard.binds:
        return None
    try:
        await _welcome_of(ForeignAddress("ws", heard.host, heard.port), VISIT_S)
    except LinkError:
        return None
    return f"ws://{heard.place}"


async def _welcome_of(address: ForeignAddress, timeout_s: float) -> Welcome:
    connection = await open_connection(address, timeout_s)
    try:
        return await first_message(connection, address.where)
    finally:
        await connection.close()


DIALECT = Dialect(
    open=open_placement, normalize=lambda url: parse(url).url, probe=probe_placement, recognize=recognize_placement
)
