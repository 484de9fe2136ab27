"""The socket under a session of pyvisa-py, watched for what pyvisa-py does not see: that the other side closed it."""

from __future__ import annotations

import select
import socket
import time
from typing import Any, Self

from .instrument_errors import LinkLostError, NoAnswerError

SLICE_S = 0.5  # how soon a wait notices that another thread closed the socket


class PySocket:
    """The socket of a session, and whether bytes of it were read ahead.

    pyvisa-py 0.8 reads a closed socket again and again, as fast as it can, until its timeout, or for ever without one.
    """

    def __init__(self, session: Any) -> None:
        self._session = session

    @classmethod
    def of(cls, resource: Any) -> Self | None:
        """Return the socket of a pyvisa resource, None when it is not pyvisa-py's or not as it was."""
        sessions = getattr(resource.visalib, "sessions", None)
        session = sessions.get(resource.session) if isinstance(sessions, dict) else None
        known = isinstance(getattr(session, "interface", None), socket.socket) and hasattr(session, "_pending_buffer")
        return cls(session) if known else None

    def has_unread(self) -> bool:
        """Tell, without waiting, whether there is something to read.

        Raises:
            LinkLostError: the link was closed.
        """
        if self._session._pending_buffer:
            return True
        is_readable = self._is_readable(0.0)
        if is_readable:
            self._peek()
        return is_readable

    def await_bytes(self, timeout_s: float | None) -> None:
        """Wait until there is something to read.

        Raises:
            NoAnswerError: nothing came. LinkLostError: the link was closed, by the other side or here.
        """
        if self._session._pending_buffer:
            return
        until_s = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._is_readable(SLICE_S if until_s is None else min(SLICE_S, max(0.0, until_s - time.monotonic()))):
            if until_s is not None and time.monotonic() >= until_s:
                raise NoAnswerError(f"nothing came within {timeout_s:g} s")
        self._peek()

    def _is_readable(self, timeout_s: float) -> bool:
        readable, _, _ = select.select([self._interface()], [], [], timeout_s)
        return bool(readable)

    def _peek(self) -> None:
        if not self._interface().recv(1, socket.MSG_PEEK):
            raise LinkLostError("the instrument closed the connection")

    def _interface(self) -> socket.socket:
        interface = self._session.interface
        if interface is None:
            raise LinkLostError("the connection was closed")
        return interface
