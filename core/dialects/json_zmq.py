"""``json+zmq://``: whatever publishes JSON, MessagePack or CBOR objects with ZeroMQ.

Forms of a message: one frame; one frame ``topic payload``; topic + payload; topic + payload + time. Numbers become
metrics with dotted names, under the topic if there is one. See docs/dialects.md for the rules.
"""

from __future__ import annotations

from .framing import read_frames
from .json_reader import JsonReader
from .publisher_dialect import publisher_dialect

MAX_MESSAGE_BYTES = 16 * 2**20

DIALECT = publisher_dialect(
    "json+zmq",
    port=5556,
    words="publishes JSON, MessagePack or CBOR over ZeroMQ",
    make_reader=JsonReader,
    decode=read_frames,
    max_message_bytes=MAX_MESSAGE_BYTES,
    options=("only", "topic"),
)
