"""Server-sent events as the device server writes them: lines end CRLF, the fields are id, event, data in this order."""

from __future__ import annotations

from ..core.dialects.plain_json import to_json
from .server_errors import timestamp

READING, LOSS, FAILURE = "device_data", "device_loss", "stream_error"
PING = b"event: ping\r\ndata: {}\r\n\r\n"


def reading_event(number: int, text: str) -> bytes:
    """Return the event of a reading.

    Args:
        number: of this reading among all of its device. text: its JSON.
    """
    return f"id: {number}\r\nevent: {READING}\r\ndata: {text}\r\n\r\n".encode()


def loss_event(lost: int, total: int) -> bytes:
    """Return the event before a reading that does not follow on the one before.

    Args:
        lost: readings that are missing here. total: that this client has missed so far.
    """
    return f'event: {LOSS}\r\ndata: {{"lost": {lost}, "total": {total}}}\r\n\r\n'.encode()


def failure_event(device_id: str, kind: str, message: str) -> bytes:
    """Return the last event of a stream that failed.

    Args:
        device_id: whose. kind: name of the error. message: sentence for a person.
    """
    told = {"device_id": device_id, "timestamp": timestamp(), "error": {"type": kind, "message": message}}
    return f"event: {FAILURE}\r\ndata: {to_json(told)}\r\n\r\n".encode()
