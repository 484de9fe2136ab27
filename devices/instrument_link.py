"""A link to an instrument on which an answer always belongs to the question before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from ..core.link_address import LinkError
from .answers import as_text
from .instrument_errors import AnswerError, LinkLostError, NoAnswerError

IDENTITY = "*IDN?"
IDENTITY_TIMEOUT_S = 2.0  # an instrument that does not know it says nothing, and connecting waits for that
LONGEST_COMMAND = 4096
STALE_ANSWERS = 16  # that may still come after the link was opened again

_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


class OtherInstrumentError(LinkLostError):
    """Another instrument answers than before."""


class Session(Protocol):
    """An open way to an instrument; each method is called by one thread at a time."""

    @property
    def marks_ends(self) -> bool:
        """Tell whether the interface itself ends messages; then a question throws away unread answers."""
        ...

    @property
    def timeout_s(self) -> float | None:
        """The longest wait for bytes, None for any; it can be set."""
        ...

    @timeout_s.setter
    def timeout_s(self, value: float | None) -> None: ...

    def send(self, message: str) -> None:
        """Send one message."""
        ...

    def receive(self) -> bytes:
        """Return the next answer without its terminator."""
        ...

    def discard(self) -> None:
        """Throw away what the instrument sent or is about to send."""
        ...

    def clear(self) -> bool:
        """Send a device clear where the interface has it; tell whether that was done."""
        ...

    def close(self) -> None:
        """Give the way back; never raises."""
        ...


def has_answer(command: str) -> bool:
    """Return whether a command asks for an answer: a question mark outside quoted strings."""
    return "?" in _QUOTED.sub("", command)


def checked_command(command: str) -> str:
    """Return a command if it is one message.

    Raises:
        ValueError: it is empty, too long, or has line breaks or other control characters, which would make two of it.
    """
    if not isinstance(command, str) or not command.strip() or len(command) > LONGEST_COMMAND:
        raise ValueError(f"a command is a text of 1 to {LONGEST_COMMAND} characters")
    if not command.isprintable():
        raise ValueError(f"a command is one line without control characters, not {command!r}")
    return command


class InstrumentLink:
    """Open, ask, and open again; all calls come from one thread at a time.

    After an answer that did not come, the next one on the same session could be the one that is late. So the session
    is closed; on the next one everything is discarded that comes before the answer to ``*IDN?`` which is known.

    Args:
        open_session: opens a session. initialize: commands sent after each opening. identify: ask for ``*IDN?``.
    """

    def __init__(
        self, open_session: Callable[[], Session], *, initialize: Sequence[str] = (), identify: bool = True
    ) -> None:
        self.identity = ""  # of the instrument, one line; empty when it does not tell
        self._open_session = open_session
        self._initialize = tuple(initialize)
        self._identify = identify
        self._session: Session | None = None
        self._is_suspect = False  # an answer may be under way that nobody waits for

    @property
    def is_open(self) -> bool:
        """Tell whether there is a session that was not broken off."""
        return self._session is not None

    @property
    def commands_at_opening(self) -> int:
        """How many commands are sent when the session is opened."""
        return len(self._initialize)

    def successor(self, *, is_suspect: bool) -> InstrumentLink:
        """Return a link to the same instrument, which is known already, without a session.

        Args:
            is_suspect: an exchange is under way on this one.
        """
        link = InstrumentLink(self._open_session, initialize=self._initialize, identify=self._identify)
        link.identity = self.identity
        link._is_suspect = is_suspect or self._is_suspect
        return link

    def introduce(self) -> None:
        """Open the session as ``open`` does, and take another instrument for the one to talk to, if there is another.

        Raises:
            LinkError: as for ``open``.
        """
        try:
            self.open()
        except OtherInstrumentError:
            self.identity = ""
            self.open()

    def open(self) -> None:
        """Open the session if there is none, see who answers and initialize the instrument.

        Raises:
            LinkError: it cannot be opened, or the instrument does not take the commands.
            OtherInstrumentError: another instrument answers than before.
        """
        if self._session is not None:
            return
        self._session = self._open_session()
        try:
            self._recognize()
            for command in self._initialize:
                self._exchange(command)
        except BaseException:
            self.break_off()
            raise

    def query(self, command: str) -> bytes:
        """Return the answer to a command, opening the session first if there is none.

        Raises:
            LinkError: there is no answer; the session is closed, and the next call opens it again.
        """
        self.open()
        try:
            return self._exchange(command) or b""
        except LinkError:
            self.break_off()
            raise

    def send(self, command: str) -> None:
        """Send a command that has no answer; errors as in ``query``."""
        self.open()
        try:
            self._exchange(command)
        except LinkError:
            self.break_off()
            raise

    def resynchronize(self) -> None:
        """Make sure, after an answer that made no sense, that the next one belongs to the next question.

        Raises:
            LinkError: that failed; the session is closed, and the next call opens it again.
        """
        if self._session is None:
            return
        self._is_suspect = True
        try:
            self._catch_up(self._session)
        except LinkError:
            self.break_off()
            raise

    def break_off(self) -> None:
        """Clear the instrument and close the session; nothing that it still brings is read."""
        if self._session is not None:
            self._is_suspect = True
            self._session.clear()
            self.close()

    def close(self) -> None:
        """Close the session; never raises."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _exchange(self, command: str) -> bytes | None:
        assert self._session is not None
        self._session.send(command)
        return self._session.receive() if has_answer(command) else None

    def _recognize(self) -> None:
        assert self._session is not None
        if self.identity or not self._identify:
            self._catch_up(self._session)
            return
        try:
            self._empty(self._session)
            self.identity = self._ask_identity(self._session)
        except (NoAnswerError, AnswerError):  # it does not know the question, and lives
            self._identify = False
            self._session.close()
            self._session = self._open_session()
            self._is_suspect = True
            self._empty(self._session)

    def _ask_identity(self, session: Session) -> str:
        usual_s = session.timeout_s
        session.timeout_s = IDENTITY_TIMEOUT_S if usual_s is None else min(IDENTITY_TIMEOUT_S, usual_s)
        session.send(IDENTITY)
        identity = as_text(session.receive())
        session.timeout_s = usual_s
        return identity

    def _empty(self, session: Session) -> None:
        """Throw away what is older than the next question. A device clear resets some instruments: only if it must."""
        if not session.marks_ends or (self._is_suspect and not session.clear()):
            session.discard()
        self._is_suspect = False

    def _catch_up(self, session: Session) -> None:
        self._empty(session)
        if not self.identity:
            return
        session.send(IDENTITY)
        answer = ""
        for _ in range(STALE_ANSWERS):
            try:
                answer = as_text(session.receive())
            except AnswerError:
                continue  # the rest of something
            except NoAnswerError:
                if answer:
                    break
                raise
            if answer == self.identity:
                return
        raise OtherInstrumentError(f"another instrument answers, {answer[:40]!r}; connect anew to go on with it")
