"""``json+zmq://``: whatever publishes JSON, MessagePack or CBOR objects with ZeroMQ.

Forms of a message: one frame; one frame ``topic payload``; topic + payload; topic + payload + time. Numbers become
metrics with dotted names, under the topic if there is one. See docs/dialects.md for the rules.
"""

from __future__ import annotations

from ..messages import ProtocolError
from .base import Dialect, ProbeResult, Sink, SourceOptions
from .foreign import ForeignSource
from .foreign_address import ForeignAddress, parse_foreign
from .framing import read_frames
from .json_reader import JsonReader
from .probe import probe_publisher
from .recognition import PUBLISHERS, Heard
from .subscriber_session import open_subscriber
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
    return open_subscriber(
        address,
        sink,
        key=key,
        options=options,
        make_reader=lambda reception: JsonReader(reception, address.query.get("only", ())),
        max_message_bytes=MAX_MESSAGE_BYTES,
    )


async def probe_json(url: str, options: SourceOptions, timeout_s: float) -> ProbeResult:
    """Say what publishes there, or that we would wait there (see ``base.Dialect``)."""
    address = parse(url)
    if address.binds:
        return await probe_waiting(address, options)
    return await probe_publisher(url, options, timeout_s, WORDS)


async def recognize_json(heard: Heard) -> str | None:
    """Take a publisher whose first message can be read (see ``base.Dialect``)."""
    if heard.socket_type not in PUBLISHERS:
        return None
    try:
        read_frames(heard.first)
    except ProtocolError:
        return None
    return f"json+zmq://{heard.place}"


DIALECT = Dialect(open=open_json, normalize=lambda url: parse(url).url, probe=probe_json, recognize=recognize_json)
