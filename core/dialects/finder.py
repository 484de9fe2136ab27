"""``tcp://host:port``: find out who is there, then be the source of that dialect.

Each dialect that recognizes peers is asked, in the order of ``base.BUILT_IN``. ``tcp://*:port`` binds, and the first
message decides. No password is ever sent.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ..backoff import Backoff
from ..link_address import LinkError
from ..link_trouble import CONNECTING, Trouble
from ..run_control import LinkState, Stage
from .base import Dialect, ProbeResult, Sink, Source, SourceOptions, recognizing_dialects
from .foreign import OFFLINE_WORDS
from .foreign_address import ForeignAddress, check_open, parse_foreign
from .only import query_of
from .recognition import PUBLISHERS, Heard
from .subscriber import Batch, Frames, Subscriber
from .visit import visit
from .waiting import probe_waiting

logger = logging.getLogger("dockscope.dialects")

EXAMPLE = "tcp://127.0.0.1:5560"
MAX_MESSAGE_BYTES = 256 * 2**20
FIRST_MESSAGE_S = 2.0


class Found(NamedTuple):
    """Which dialect is spoken at an address.

    Args:
        url: of that dialect. socket: that its first message came by, still open, or None.
    """

    dialect: Dialect
    url: str
    socket: Subscriber | None = None


class SilentError(LinkError):
    """A publisher has sent nothing yet by which it could be recognized."""


async def find(address: ForeignAddress, on_silence: Callable[[], None] | None = None) -> Found:
    """Find out who is there; at an address that we bind, wait until somebody is.

    Args:
        address: where. on_silence: called when a publisher has sent nothing for 2 s; its first message is waited for
            all the same. Without it that is an error.

    Raises:
        LinkError: nobody, or nobody whom a dialect recognizes; a sentence for a person.
    """
    socket = await _subscriber(address) if address.binds else None
    try:
        heard = Heard(address.host, address.port, binds=address.binds)
        if socket is None:
            learnt = await visit(address.host, address.port, address.where)
            if learnt.mechanism:
                raise LinkError(f"{address.where} speaks ZeroMQ, but asks for {learnt.mechanism[:20]} keys")
            heard = heard._replace(socket_type=learnt.socket_type)
            if learnt.socket_type in PUBLISHERS:
                socket = await _subscriber(address)
        if socket is not None:
            first = await _first_message(socket, None if address.binds else FIRST_MESSAGE_S)
            if not first and on_silence is not None:
                on_silence()
                first = await _first_message(socket, None)
            if not first:
                raise SilentError(f"{address.where} is a ZeroMQ publisher that has sent nothing yet")
            heard = heard._replace(socket_type=heard.socket_type or "PUB", first=first)
        found = await _recognized(heard)
        if found is None:
            raise LinkError(_unknown(address.where, heard))
    except BaseException:
        if socket is not None:
            socket.close()
        raise
    url = found.url + query_of(address.query)
    return Found(found.dialect, url, socket)


async def _recognized(heard: Heard) -> Found | None:
    for dialect in recognizing_dialects():
        assert dialect.recognize is not None
        try:
            url = await dialect.recognize(heard)
        except Exception:  # a dialect that fails to recognize does not hide those after it
            logger.exception("a dialect failed to recognize %s:%d", heard.host, heard.port)
            continue
        if url is not None:
            return Found(dialect, url)
    return None


async def _subscriber(address: ForeignAddress) -> Subscriber:
    subscriber = Subscriber(
        await address.endpoint(), where=address.where, max_message_bytes=MAX_MESSAGE_BYTES, binds=address.binds
    )
    subscriber.tells_origins = address.binds  # of who connects to us, somebody may want to know whose the first were
    return subscriber


async def _first_message(socket: Subscriber, timeout_s: float | None) -> tuple[bytes, ...]:
    """Return the frames of the first message, which stays to be read; () when none came in time.

    Raises:
        LinkError: the publisher is gone; a sentence for a person.
    """
    first: asyncio.Future[Frames] = asyncio.get_running_loop().create_future()

    def take(batch: Batch) -> None:
        socket.push_back(batch)
        if not first.done():
            first.set_result(batch.messages[0])

    reading = asyncio.ensure_future(socket.read(take, on_up=lambda: None, on_down=lambda: None))
    try:
        await asyncio.wait([reading, first], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if reading.done():
            reading.result()  # its LinkError says why nothing can come
            raise LinkError(Trouble.NOBODY.sentence(socket.where))
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    frames = first.result() if first.done() else ()
    return (frames,) if isinstance(frames, bytes) else tuple(frames)


def _unknown(where: str, heard: Heard) -> str:
    if heard.socket_type in PUBLISHERS:
        return f"{where} publishes over ZeroMQ, but in no form that dockscope knows: see docs/dialects.md"
    if heard.socket_type in ("PUSH", "DEALER", "REQ", "REP", "PULL", "SUB", "XSUB", "PAIR"):
        return f"{where} is a ZeroMQ {heard.socket_type} socket, which nobody can watch: have it publish with PUB"
    return f"Something listens at {where}, but dockscope does not recognize it: name its kind, as in http://{where}"


class FoundSource:
    """A source that becomes one of the dialect that it finds; see ``base.Source``.

    Args:
        address: where to look. sink, key, options: see ``base.Factory``.
    """

    def __init__(self, address: ForeignAddress, sink: Sink, *, key: str, options: SourceOptions) -> None:
        self.key, self.url, self.waits = key, address.url, address.binds
        self._address, self._sink, self._options = address, sink, options
        self._found: Source | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def parts(self) -> Mapping[str, Source]:
        """Return the parts of the source that was found."""
        return {} if self._found is None else self._found.parts

    def start(self) -> None:
        """Begin to look; needs a running event loop."""
        if self._task is None:
            self._task = asyncio.ensure_future(self._look())
        elif self._found is not None:
            self._found.start()

    async def close(self) -> None:
        """Leave nothing behind."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        if isinstance(outcome, Exception):
            logger.error("%s: ended with an error", self._address.where, exc_info=outcome)
        if self._found is not None:
            await self._found.close()
        else:
            self._sink.link(self.key, LinkState.CLOSED, "")

    def send(self, command: str, args: dict[str, Any] | None = None) -> bytes:
        """Ask for pause, resume, stop or set; as long as nobody is found it is refused."""
        if self._found is not None:
            return self._found.send(command, args)
        id_ = os.urandom(16)
        for stage, reason in ((Stage.REQUESTED, ""), (Stage.LOST, OFFLINE_WORDS)):
            self._sink.command(self.key, id_, command, dict(args or {}), stage, reason)
        return id_

    def retry(self, id_: bytes) -> bool:
        """Send an open command once more."""
        return self._found is not None and self._found.retry(id_)

    async def _look(self) -> None:
        told, backoff = "", Backoff()
        where = self._address.where
        words = f"waiting on {where} for a producer to connect" if self.waits else f"finding out what is at {where}"
        self._sink.link(self.key, LinkState.CONNECTING, words)
        while True:
            try:
                found = await find(self._address, self._on_silence)
                break
            except LinkError as error:
                if str(error) != told:
                    told = str(error)
                    self._sink.problem(self.key, CONNECTING, told)
                    self._sink.link(self.key, LinkState.CONNECTING, told)
            await asyncio.sleep(backoff.next_s())
        self._become(found)

    def _on_silence(self) -> None:
        """Say that somebody is there, who is then worth waiting for."""
        self.waits = True
        self._sink.link(self.key, LinkState.CONNECTING, f"{self._address.where} publishes, but has sent nothing yet")

    def _become(self, found: Found) -> None:
        options = replace(self._options, adopted=found.socket)
        self._found = found.dialect.open(found.url, self._sink, key=self.key, options=options)
        self.url = self._found.url
        self._sink.add(self.key, self.url)
        self._found.start()


def parse(url: str) -> ForeignAddress:
    """Read a URL.

    Raises:
        ValueError: it is wrong, as a sentence.
    """
    return parse_foreign(url, example=EXAMPLE)


def open_found(url: str, sink: Sink, *, key: str, options: SourceOptions) -> FoundSource:
    """Make a source (see ``base.Factory``).

    Raises:
        ValueError: the URL is wrong, or needs ``insecure``, as a sentence.
    """
    address = parse(url)
    check_open(address, options.insecure)
    return FoundSource(address, sink, key=key, options=options)


async def probe_found(url: str, options: SourceOptions, timeout_s: float) -> ProbeResult:
    """Say who is there; the answer's URL is of the dialect that was recognized (see ``base.Dialect``)."""
    address = parse(url)
    if address.binds:
        return await probe_waiting(address, options)
    try:
        async with asyncio.timeout(timeout_s + FIRST_MESSAGE_S):
            found = await find(address)
    except SilentError as error:
        return ProbeResult(True, f"{error}: its first message will tell what it is", url)
    except (LinkError, TimeoutError) as error:
        return ProbeResult(False, str(error) or f"{address.where} does not say what it is", url)
    if found.socket is not None:
        found.socket.close()
    return await found.dialect.probe(found.url, options, timeout_s)


DIALECT = Dialect(open=open_found, normalize=lambda url: parse(url).url, probe=probe_found, finds=True)
