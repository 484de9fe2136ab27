"""Errors as the device server tells them: one object for all, and the last one of each device and task."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

FRAMEWORK, DEVICE = "framework", "device"

Told = dict[str, Any]


class RequestError(Exception):
    """A request is answered with an error.

    Args:
        status: of HTTP. kind: name of the error. message: sentence for a person.
        origin: "framework", or "device" when the device failed. context: what it was about.
        headers: that go with the answer.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        origin: str = FRAMEWORK,
        context: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})
        self.told = error_object(kind, message, origin=origin, context=context)


def timestamp() -> str:
    """Return the time in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).replace(microsecond=0).isoformat()


def error_object(
    kind: str, message: str, *, origin: str, context: Mapping[str, Any] | None = None, trace: str | None = None
) -> Told:
    """Return ``{"error": {…}}``.

    Args:
        kind, message, origin, context: see ``RequestError``. trace: where it happened, left out when not given.
    """
    told: Told = {"type": kind, "message": message, "origin": origin, "timestamp": timestamp()}
    if trace is not None:
        told["traceback"] = trace
    return {"error": told | {"context": dict(context or {})}}


class ErrorBook:
    """Keep the last error of each device or task. May be used from any thread.

    Args:
        most: errors that are kept; the oldest goes first. None for no limit.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._told: dict[str, Told] = {}
        self._lock = threading.Lock()

    def record(self, id_: str, error: BaseException, *, origin: str, context: Mapping[str, Any]) -> None:
        """Keep an error that was raised.

        Args:
            id_: of the device or task. error, origin, context: as they are told.
        """
        trace = "".join(traceback.format_exception(error))
        told = error_object(type(error).__name__, str(error), origin=origin, context=context, trace=trace)
        with self._lock:
            self._told.pop(id_, None)
            self._told[id_] = told
            if self._most is not None and len(self._told) > self._most:
                del self._told[next(iter(self._told))]

    def get(self, id_: str) -> Told | None:
        """Return the last error, None when there is none."""
        with self._lock:
            return self._told.get(id_)

    def clear(self, id_: str) -> bool:
        """Forget the last error; returns whether there was one."""
        with self._lock:
            return self._told.pop(id_, None) is not None
