"""Reading one whole answer, not a byte more, from whatever hands out bytes."""

from __future__ import annotations

import enum
from typing import Protocol

from .answers import MAX_ANSWER_BYTES, block_length, is_block, shown
from .instrument_errors import AnswerError

CHUNK_BYTES = 64 << 10


class Ending(enum.Enum):
    """Why a read returned."""

    NOTHING = "as many bytes as asked for"
    LINE = "the terminator came, which inside a block is just a number"
    MESSAGE = "the interface says that the message is over"


class ByteSource(Protocol):
    """What an answer is read from: a VISA session."""

    marks_ends: bool
    """Whether the interface itself tells where a message ends (GPIB, USB, VXI-11); sockets and serial lines do not."""

    def read_some(self, most: int, *, to_terminator: bool) -> tuple[bytes, Ending]:
        """Return up to ``most`` bytes, one at least, and why no more; waits for them."""
        ...

    def read_if_there(self) -> bytes:
        """Return the next byte if one comes at once, else nothing."""
        ...


class AnswerReader:
    """Read answers one after the other.

    Args:
        source: where the bytes come from. terminator: what ends a message, possibly nothing.
        most: bytes an answer may have.
    """

    def __init__(self, source: ByteSource, terminator: bytes, most: int = MAX_ANSWER_BYTES) -> None:
        self._source = source
        self._terminator = terminator
        self._most = most
        self._terminator_due = False  # after a block: some instruments send it and some do not

    def read(self) -> bytes:
        """Return the next answer without its terminator.

        Raises:
            AnswerError: it is too long or no proper block; the rest of it is still to come.
            NoAnswerError, LinkLostError: from the source.
        """
        answer, ending = self._start()
        if not is_block(answer):
            return self._line(answer, ending)
        if answer[1:2] == b"0":
            return self._indefinite(answer, ending)
        return self._definite(answer, ending)

    @property
    def expects_terminator(self) -> bool:
        """Tell whether what ended the last answer may still come."""
        return self._terminator_due

    def forget(self) -> None:
        """Expect nothing of what was read before: everything was discarded."""
        self._terminator_due = False

    def _start(self) -> tuple[bytearray, Ending]:
        """Read far enough to tell a block from a line."""
        answer, ending = self._more(bytearray(), self._first_bytes())
        if self._terminator_due and answer and self._terminator.startswith(answer[:1]):
            while len(answer) < len(self._terminator) and ending is Ending.NOTHING:
                answer, ending = self._more(answer, len(self._terminator) - len(answer))
            answer = answer.removeprefix(self._terminator)
            ending = Ending.NOTHING if not answer else ending
        self._terminator_due = False
        while len(answer) < 2 and ending is Ending.NOTHING:
            answer, ending = self._more(answer, 2 - len(answer))
        return answer, ending

    def _first_bytes(self) -> int:
        # Some USB instruments lose what is left of a message that was read in parts.
        return CHUNK_BYTES if self._source.marks_ends else 2

    def _line(self, answer: bytearray, ending: Ending) -> bytes:
        while ending is Ending.NOTHING:
            answer, ending = self._more(answer, CHUNK_BYTES)
        return bytes(answer.removesuffix(self._terminator))

    def _definite(self, answer: bytearray, ending: Ending) -> bytes:
        while (length := block_length(answer)) is None:
            answer, ending = self._more_of_block(answer, 1, ending)
        if length > self._most:
            raise AnswerError(f"a block of {length} bytes is more than the {self._most} allowed")
        while len(answer) < length:
            answer, ending = self._more_of_block(answer, length - len(answer), ending)
        if self._source.marks_ends:
            if len(answer) == length and ending is not Ending.MESSAGE:
                answer, ending = self._more(answer, CHUNK_BYTES, in_block=True)
        else:
            self._terminator_due = True
        if rest := bytes(answer[length:]).strip():
            raise AnswerError(f"a block is followed by {shown(rest)}")
        return bytes(answer[:length])

    def _indefinite(self, answer: bytearray, ending: Ending) -> bytes:
        if self._source.marks_ends:
            while ending is not Ending.MESSAGE:
                answer, ending = self._more(answer, CHUNK_BYTES, in_block=True)
            return bytes(answer.removesuffix(self._terminator))
        # Numbers may look like the terminator; the real one is that after which nothing comes.
        while len(answer) == 2 or not answer.endswith(self._terminator):
            answer, _ = self._more(answer, CHUNK_BYTES)
            while answer.endswith(self._terminator) and (byte := self._source.read_if_there()):
                answer += byte
        return bytes(answer.removesuffix(self._terminator))

    def _more_of_block(self, answer: bytearray, most: int, ending: Ending) -> tuple[bytearray, Ending]:
        if ending is Ending.MESSAGE:
            raise AnswerError(f"a block ended too early: {shown(bytes(answer))}")
        return self._more(answer, most, in_block=True)

    def _more(self, answer: bytearray, most: int, *, in_block: bool = False) -> tuple[bytearray, Ending]:
        room = self._most + len(self._terminator) - len(answer)
        if room <= 0:
            raise AnswerError(f"an answer is longer than the {self._most} bytes allowed: {shown(bytes(answer))}")
        chunk, ending = self._source.read_some(min(most, room, CHUNK_BYTES), to_terminator=not in_block)
        answer += chunk
        return answer, ending
