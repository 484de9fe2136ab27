"""What goes wrong between conduit's two sides, as exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .conduit_events import RpcFault


class ConduitConnectionError(ConnectionError):
    """There is no connection, or it was lost."""


class NotConduitError(ConduitConnectionError):
    """Something else than conduit answers: no password was sent to it."""


class AuthenticationError(ConduitConnectionError):
    """The server refused the password, or the client."""


class RPCError(Exception):
    """The other side could not do what it was called for.

    Args:
        message: its own words. code: its number for the kind of error, or None. details: more, by name.
    """

    def __init__(self, message: str, code: int | None = None, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message, self.code, self.details = message, code, dict(details or {})

    def __str__(self) -> str:
        return self.message if self.code is None else f"[{self.code}] {self.message}"

    @classmethod
    def of(cls, fault: RpcFault) -> RPCError:
        """Return the exception for a fault."""
        return cls(fault.message, fault.code, fault.details)


class RPCTimeout(RPCError):  # noqa: N818 - the name that the original has
    """No reply came in time."""

    def __init__(self, method: str, timeout_s: float) -> None:
        super().__init__(f"{method}: no reply within {timeout_s:g} s")
        self.method, self.timeout_s = method, timeout_s
