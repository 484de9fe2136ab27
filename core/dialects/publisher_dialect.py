"""A dialect of publishers that send the same whoever listens: opening, probing and recognizing one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ..messages import ProtocolError
from .base import Dialect, ProbeResult, Sink, SourceOptions
from .foreign import ForeignSource
from .foreign_address import ForeignAddress, parse_foreign
from .probe import probe_publisher
from .reception import Reception
from .recognition import PUBLISHERS, Heard
from .subscriber_session import Reader, open_subscriber
from .waiting import probe_waiting


def publisher_dialect(
    scheme: str,
    *,
    port: int,
    words: str,
    make_reader: Callable[[Reception, tuple[str, ...]], Reader],
    decode: Callable[[Sequence[bytes]], object],
    max_message_bytes: int,
    options: Collection[str] = ("only",),
) -> Dialect:
    """Make the dialect of what publishes with ZeroMQ.

    Args:
        scheme: of its URLs. port: that such publishers often use, for an example. words: what they do.
        make_reader: gets the reception and the names asked for with ``only``.
        decode: reads the frames of a message, or raises ProtocolError: so a first message is recognized.
        max_message_bytes: larger ones end the connection. options: that may follow a URL.
    """

    def parse(url: str) -> ForeignAddress:
        return parse_foreign(url, example=f"{scheme}://127.0.0.1:{port}", options=options)

    def open_(url: str, sink: Sink, *, key: str, options: SourceOptions) -> ForeignSource:
        address = parse(url)
        return open_subscriber(
            address,
            sink,
            key=key,
            options=options,
            make_reader=lambda reception: make_reader(reception, address.query.get("only", ())),
            max_message_bytes=max_message_bytes,
        )

    async def probe(url: str, options: SourceOptions, timeout_s: float) -> ProbeResult:
        address = parse(url)
        if address.binds:
            return await probe_waiting(address, options)
        return await probe_publisher(url, options, timeout_s, words)

    async def recognize(heard: Heard) -> str | None:
        if heard.socket_type not in PUBLISHERS or not heard.first:
            return None
        try:
            decode(heard.first)
        except ProtocolError:
            return None
        return f"{scheme}://{heard.place}"

    return Dialect(open=open_, normalize=lambda url: parse(url).url, probe=probe, recognize=recognize)
