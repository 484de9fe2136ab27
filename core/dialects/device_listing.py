"""What a device server tells in JSON: its devices, its tasks, and errors."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..messages import ProtocolError
from .object_times import iso_seconds
from .payload import decode_payload

MOST_LISTED = 1024
MAX_ID_CHARACTERS = 128
MAX_TEXT_CHARACTERS = 1000
START = "start_streaming"  # the method that every device has that streams


class ServerError(NamedTuple):
    """An error as the server tells it: its class, its words, and unix seconds or None."""

    type: str
    message: str
    t: float | None = None

    @property
    def sentence(self) -> str:
        """Return it in one line."""
        return f"{self.type}: {self.message}" if self.message else self.type


class Device(NamedTuple):
    """One device as it is listed; ``owner`` is the task that has it, or ""."""

    id: str
    type: str = ""
    is_connected: bool = False
    is_streaming: bool = False
    owner: str = ""
    error: ServerError | None = None


class Task(NamedTuple):
    """One task as it is listed."""

    id: str
    type: str = ""
    is_running: bool = False


def read_devices(body: bytes) -> tuple[Device, ...]:
    """Read the answer to ``GET /devices``.

    Raises:
        ProtocolError: it is no list of devices.
    """
    return tuple(
        Device(
            _id(entry, "device_id"),
            _text(entry.get("device_type")),
            entry.get("connected") is True,
            entry.get("streaming") is True,
            _text(entry.get("owned_by")),
            read_error(entry.get("last_error")),
        )
        for entry in _entries(body, "devices")
    )


def read_tasks(body: bytes) -> tuple[Task, ...]:
    """Read the answer to ``GET /tasks``.

    Raises:
        ProtocolError: it is no list of tasks.
    """
    return tuple(
        Task(_id(entry, "task_id"), _text(entry.get("task_type")), entry.get("running") is True)
        for entry in _entries(body, "tasks")
    )


def read_streams(body: bytes) -> bool:
    """Tell from the answer to ``GET /devices/{id}/methods`` whether the device streams.

    Raises:
        ProtocolError: it is no list of methods.
    """
    return any(entry.get("name") == START for entry in _entries(body, "methods"))


def read_error(value: Any) -> ServerError | None:
    """Read an error object, in an envelope called ``error`` or without; None when there is none."""
    if type(value) is not dict:
        return None
    if type(value.get("error")) is dict:
        value = value["error"]
    kind, message, told = _text(value.get("type")), _text(value.get("message")), value.get("timestamp")
    if not kind and not message:
        return None
    return ServerError(kind or "Error", message, iso_seconds(told) if type(told) is str else None)


def read_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ProtocolError: it is none.
    """
    value = decode_payload(body)
    if type(value) is not dict:
        raise ProtocolError("an answer that is no JSON object")
    return value


def _entries(body: bytes, name: str) -> list[dict[str, Any]]:
    entries = read_object(body).get(name)
    if type(entries) is not list or not all(type(entry) is dict for entry in entries):
        raise ProtocolError(f"an answer without a list of {name}")
    if len(entries) > MOST_LISTED:
        raise ProtocolError(f"{len(entries)} {name}, at most {MOST_LISTED} are read")
    return entries


def _id(entry: dict[str, Any], key: str) -> str:
    id_ = entry.get(key)
    if type(id_) is not str or not 0 < len(id_) <= MAX_ID_CHARACTERS:
        raise ProtocolError(f"{key} must be text of 1 to {MAX_ID_CHARACTERS} characters")
    return id_


def _text(value: Any) -> str:
    return value[:MAX_TEXT_CHARACTERS] if type(value) is str else ""
