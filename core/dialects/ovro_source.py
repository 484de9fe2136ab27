"""``ovro://host:port``: the averaged spectra that OVRO's beam recorder, or anything like it, publishes with ZeroMQ."""

from __future__ import annotations

from .ovro_packet import MAX_HEADER_BYTES, MAX_PAYLOAD_BYTES, decode_packet
from .ovro_reader import OvroReader
from .publisher_dialect import publisher_dialect

DIALECT = publisher_dialect(
    "ovro",
    port=9798,
    words="publishes spectra as OVRO's beam recorder does",
    make_reader=OvroReader,
    decode=decode_packet,
    max_message_bytes=MAX_PAYLOAD_BYTES + MAX_HEADER_BYTES,
)
