"""``json+zmq://``: whatever publishes JSON, MessagePack or CBOR objects with ZeroMQ.

Forms of a message: one frame; one frame ``topic payload``; topic + payload; topic + payload + time. Numbers become
metrics with dotted names, under the topic if there is one. See docs/dialects.md for the rules.
"""

from __future__ import annotations

import os

from ..messages import Hello, ProtocolError
from .base import Dialect, ProbeResult, Sink, SourceOptions
from .foreign import ForeignSource
from .foreign_address import ForeignAddress, check_open, parse_foreign
from .framing import read_frames
from .json_reader import JsonReader
from .probe import probe_publisher
from .reception import Reception
from .recognition import PUBLISHERS, Heard
from .subscriber import Subscriber
from .waiting import probe_waiting

EXAMPLE = "json+zmq://127.0.0.1:5556"
OPTIONS = ("only", "topic")
MAX_MESSAGE_BYTES = 16 * 2**20
WORDS = "publishes JSON, MessagePack or CBOR over ZeroMQ"


def parse(url: str) -> ForeignAddress:
    """Read a URL.

    Raises:
        ValueError: it is wrong, as a sentence.
    """
    return parse_foreign(url, example=EXAMPLE, options=OPTIONS)


def open_json(url: str, sink: Sink, *, key: str, options: SourceOptions) -> ForeignSource:
    """Make a source (see ``base.Factory``).

    Raises:
        ValueError: the URL is wrong, or needs ``insecure``, as a sentence.
    """
    address = parse(url)
    check_open(address, options.insecure)
    session = JsonSession(address, options.adopted)
    return ForeignSource(address.url, sink, key=key, where=address.where, connect=session.connect, waits=address.binds)


class JsonSession:
    """One publisher, or all that connect to us, again and again.

    Args:
        address: where. adopted: a socket that is connected already, for the first time.
    """

    def __init__(self, address: ForeignAddress, adopted: Subscriber | None = None) -> None:
        self._address, self._adopted = address, adopted
        self._hello = Hello(os.urandom(16), address.where, host=address.host, is_numbered=False)
        self._reader: JsonReader | None = None

    async def connect(self, reception: Reception) -> None:
        """Connect once and read until the connection is gone (see ``ForeignSource``)."""
        subscriber, self._adopted = self._adopted or await self._subscriber(), None
        subscriber.tells_origins = False
        if self._address.is_open:
            reception.problem("open", f"{self._address.where} takes data from whoever reaches it, unencrypted")
        if self._reader is None:  # the numbers of its series hold for as long as the source lives
            self._reader = JsonReader(reception, self._address.query.get("only", ()))
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
            max_message_bytes=MAX_MESSAGE_BYTES,
            binds=address.binds,
            topics=address.query.get("topic", ()),
        )


async def probe_json(url: str, options: SourceOptions, timeout_s: float) -> ProbeResult:
    """Say what publishes there, or that we would wait there (see ``base.Dialect``)."""
    address = parse(url)
    if address.binds:
        return await probe_waiting(address, options)
    return await probe_publisher(url, options, timeout_s, WORDS)


async def recognize_json(heard: Heard) -> str | None:
    """Take a publisher whose first message can be read, or that has sent none yet (see ``base.Dialect``)."""
    if heard.socket_type not in PUBLISHERS:
        return None
    try:
        if heard.first:
            read_frames(heard.first)
    except ProtocolError:
        return None
    return f"json+zmq://{heard.place}"


DIALECT = Dialect(open=open_json, normalize=lambda url: parse(url).url, probe=probe_json, recognize=recognize_json)
