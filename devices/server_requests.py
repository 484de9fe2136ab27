"""What is sent to the device server and what it answers: JSON objects, bounded and checked before anything is done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ..core.dialects.plain_json import to_json
from ..core.wire_values import MAX_NESTING
from .server_errors import RequestError

MAX_BODY_BYTES = 1 << 20
MAX_ID_CHARACTERS = 128

Fields = dict[str, Any]


class Answer(Response):
    """A JSON answer, compact; numbers that are not finite are the words "NaN", "Infinity" and "-Infinity"."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return to_json(content, words=True, compact=True).encode()


class WrittenAnswer(Response):
    """A JSON answer whose text is there already."""

    media_type = "application/json"


def refused(refusal: RequestError) -> Answer:
    """Return the answer that tells a refusal."""
    return Answer(refusal.told, refusal.status, refusal.headers)


async def read_body(request: Request) -> Fields:
    """Return the JSON object that came with a request.

    Raises:
        RequestError: it is larger than 1 MiB, no JSON object, or nested deeper than 64.
    """
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > MAX_BODY_BYTES:
            # What is still to come is not read: the connection is of no use afterwards.
            raise RequestError(
                413,
                "InvalidRequest",
                f"the body is larger than {MAX_BODY_BYTES} bytes",
                headers={"connection": "close"},
            )
    return parse_body(bytes(content))


def parse_body(content: bytes) -> Fields:
    """Read a JSON object.

    Raises:
        RequestError: it is none, or nested deeper than 64.
    """
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise RequestError(400, "InvalidRequest", "the body is no JSON") from None
    if type(body) is not dict:
        raise RequestError(400, "InvalidRequest", "the body must be a JSON object")
    _check_depth(body)
    return body


def required_text(body: Mapping[str, Any], name: str, words: str = "") -> str:
    """Return a text that has to be there.

    Args:
        body: of the request. name: of the field. words: that say it is missing.

    Raises:
        RequestError: it is missing, no text, or empty.
    """
    value = body.get(name)
    if type(value) is not str or not value:
        raise RequestError(400, "InvalidRequest", words or f"{name} is required")
    return value


def required_id(body: Mapping[str, Any], name: str) -> str:
    """Return an id that has to be there, and that a path can hold.

    Raises:
        RequestError: it is missing, or is no such text.
    """
    try:
        return checked_id(required_text(body, name))
    except ValueError as error:
        raise RequestError(400, "InvalidRequest", f"{name} {error}") from None


def checked_id(id_: str) -> str:
    """Return an id.

    Raises:
        ValueError: no path can hold it; what it must be.
    """
    if not 0 < len(id_) <= MAX_ID_CHARACTERS or not id_.isprintable() or "/" in id_ or id_ in (".", ".."):
        raise ValueError(f"must be 1 to {MAX_ID_CHARACTERS} printable characters without a slash")
    return id_


def optional_object(body: Mapping[str, Any], name: str) -> Fields:
    """Return an object that may be missing.

    Raises:
        RequestError: it is something else.
    """
    value = body.get(name, {})
    if type(value) is not dict:
        raise RequestError(400, "InvalidRequest", f"{name} must be a dict")
    return value


def _check_depth(body: Fields) -> None:
    level: list[Any] = [body]
    for _ in range(MAX_NESTING):
        level = [
            item
            for holder in level
            for item in (holder.values() if type(holder) is dict else holder)
            if type(item) in (dict, list)
        ]
        if not level:
            return
    raise RequestError(400, "InvalidRequest", f"the body is nested deeper than {MAX_NESTING}")
