"""``ovro://host:port``: the averaged spectra that OVRO's beam recorder, or anything like it, publishes with ZeroMQ."""

from __future__ import annotations

from ..messages import ProtocolError
from .base import Dialect, ProbeResult, Sink, SourceOptions
from .foreign import ForeignSource
from .foreign_address import ForeignAddress, parse_foreign
from .ovro_packet import MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES, decode_packet
from .ovro_reader import OvroReader
from .probe import probe_publisher
from .recognition import PUBLISHERS, Heard
from .subscriber_session import open_subscriber
from .waiting import probe_waiting

EXAMPLE = "ovro://127.0.0.1:9798"
WORDS = "publishes spectra as OVRO's beam recorder does"


def parse(url: str) -> ForeignAddress:
    """Read a URL.

    Raises:
        ValueError: it is wrong, as a sentence.
    """
    return parse_foreign(url, example=EXAMPLE)


def open_ovro(url: str, sink: Sink, *, key: str, options: SourceOptions) -> ForeignSource:
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
        make_reader=lambda reception: OvroReader(reception, address.query.get("only", ())),
        max_message_bytes=MAX_PAYLOAD_BYTES + MAX_HEADER_BYTES,
    )


async def probe_ovro(url: str, options: SourceOptions, timeout_s: float) -> ProbeResult:
    """Say what publishes there, or that we would wait there (see ``base.Dialect``)."""
    address = parse(url)
    if address.binds:
        return await probe_waiting(address, options)
    return await probe_publisher(url, options, timeout_s, WORDS)


async def recognize_ovro(heard: Heard) -> str | None:
    """Take a publisher whose first message is one of these (see ``base.Dialect``)."""
    if heard.socket_type not in PUBLISHERS or not heard.first:
        return None
    try:
        decode_packet(heard.first)
    except ProtocolError:
        return None
    return f"ovro://{heard.place}"


DIALECT = Dialect(open=open_ovro, normalize=lambda url: parse(url).url, probe=probe_ovro, recognize=recognize_ovro)
