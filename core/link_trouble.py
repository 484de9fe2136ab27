"""What can go wrong with a link, each as one sentence for a person: what, where, what to do."""

from __future__ import annotations

import enum

MAX_SENTENCE = 140
CONNECTING = "connecting"  # the cause of whatever keeps a foreign source from being connected


class Trouble(enum.StrEnum):
    """Causes; the text has a place for where it happened and is at most 140 characters with it."""

    NOBODY = "Nothing listens at {where}: start the producer there, or check host and port"
    NO_HOST = "There is no host {where}: check the spelling, or the network"
    SILENT_HOST = "{where} does not answer: check that the machine runs and no firewall is between"
    FOREIGN = "Something else than a dockscope producer listens at {where}: check the port"
    NO_HELLO = "{where} speaks ZeroMQ but is not a dockscope producer: check the port"
    VERSION = "{where} speaks another version of dockscope's wire: use the same version on both sides"
    REFUSED = "{where} refused us ({detail}): check that both sides have the same version"
    BROKE_OFF = "{where} sent something too large or malformed and was cut off; connecting anew by itself"
    OVERRUN = "{where} sends on without being asked and was cut off: its sender ignores the credit of the wire"
    NO_HISTORY = "{where} broke off twice while sending: shown from now on without its history"
    BAD_MESSAGE = "A message of {where} was refused ({detail}): its sender breaks the format"
    UNKNOWN_TYPE = "{where} sends messages this version does not know; they are left out: update dockscope"
    INTERNAL = "A message of {where} could not be stored ({detail}): please report this"
    TOO_MANY = "Too many commands to {where} are open: wait for its answers"

    @property
    def cause(self) -> str:
        """Return a short name that tells equal troubles from others."""
        return self.name.lower()

    @property
    def while_connecting(self) -> bool:
        """Tell whether it is why there is no connection, rather than something that happens on one."""
        return self in _WHILE_CONNECTING

    def sentence(self, where: str, detail: str = "") -> str:
        """Fill in where it happened; long names and details are cut so that the sentence stays readable."""
        room = MAX_SENTENCE - len(self.value.format(where="", detail=""))
        detail = clipped(detail, max(16, room - min(len(where), room // 2))) if detail else ""
        return clipped(self.value.format(where=clipped(where, room - len(detail)), detail=detail), MAX_SENTENCE)


_WHILE_CONNECTING = frozenset(
    {
        Trouble.NOBODY,
        Trouble.NO_HOST,
        Trouble.SILENT_HOST,
        Trouble.FOREIGN,
        Trouble.NO_HELLO,
        Trouble.VERSION,
        Trouble.REFUSED,
    }
)
# Causes that are over once there is a connection.
CONNECTING_CAUSES = frozenset({CONNECTING, *(trouble.cause for trouble in _WHILE_CONNECTING)})


def clipped(text: str, length: int) -> str:
    """Make ``text`` one printable line of at most ``length`` characters."""
    line = "".join(sign if sign.isprintable() else " " for sign in text[: 4 * length])
    return line if len(line) <= length else f"{line[: length - 1]}…"
