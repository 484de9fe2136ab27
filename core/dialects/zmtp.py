"""The first words of ZeroMQ's own protocol, ZMTP, to learn of which kind a socket is; bytes in, bytes out, no I/O.

ZMTP 3.x (rfc.zeromq.org/spec/23): a greeting of 64 bytes from each side, then a READY command that names the socket
type. ZMTP 2.0 (spec 15): the socket type is a byte of the greeting. We never send READY: the peer sees a visitor that
left during the handshake, and no message.
"""

from __future__ import annotations

from ..messages import ProtocolError

SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
GREETING = SIGNATURE + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
GREETING_BYTES = len(GREETING)
VERSION_BYTES = 12  # of the greeting, up to the version
MAX_COMMAND_BYTES = 4096
NULL = b"NULL"
OLD_TYPES = ("PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB")
_SHORT_COMMAND, _LONG_COMMAND = 0x04, 0x06


class ZmtpVisit:
    """Follow what a peer says from the start of a connection.

    Attributes:
        speaks: it began as ZMTP does. socket_type: such as "ROUTER", "" until it is known.
        mechanism: of its security when that is not NULL; the socket type stays unknown then.
    """

    def __init__(self) -> None:
        self.speaks = False
        self.socket_type = ""
        self.mechanism = ""
        self._received = b""
        self._answered = False

    @property
    def is_over(self) -> bool:
        """Tell whether there is nothing more to learn."""
        return bool(self.socket_type or self.mechanism)

    def feed(self, data: bytes) -> bytes:
        """Take what arrived.

        Returns:
            What to send.

        Raises:
            ProtocolError: this is not ZMTP, or not all the way.
        """
        self._received += data
        if len(self._received) > GREETING_BYTES + MAX_COMMAND_BYTES + 9:
            raise ProtocolError("more than a greeting and a command")
        if self.speaks:
            return self._read_greeting()
        self._read_signature()
        return GREETING[:VERSION_BYTES] + self._read_greeting() if self.speaks else b""

    def _read_signature(self) -> None:
        head = self._received[: len(SIGNATURE)]
        if head and (head[0] != 0xFF or (len(head) == len(SIGNATURE) and not head[-1] & 1)):
            raise ProtocolError("no ZMTP signature")
        self.speaks = len(head) == len(SIGNATURE)

    def _read_greeting(self) -> bytes:
        """Read on; the rest of our greeting follows the peer's, which would be cut off by one it does not like."""
        received = self._received
        if len(received) < VERSION_BYTES or self.is_over:
            return b""
        if received[10] < 3:
            if received[11] >= len(OLD_TYPES):
                raise ProtocolError(f"socket type {received[11]}")
            self.socket_type = OLD_TYPES[received[11]]
        elif len(received) >= GREETING_BYTES:
            mechanism = received[12:32].rstrip(b"\0")
            if mechanism != NULL:
                self.mechanism = mechanism.decode("ascii", "replace") or "none"
                return b""
            self._read_command(received[GREETING_BYTES:])
            if not self._answered:
                self._answered = True
                return GREETING[VERSION_BYTES:]
        return b""

    def _read_command(self, frame: bytes) -> None:
        if not frame:
            return
        if frame[0] not in (_SHORT_COMMAND, _LONG_COMMAND):
            raise ProtocolError("no ZMTP command after the greeting")
        head = 2 if frame[0] == _SHORT_COMMAND else 9
        if len(frame) < head:
            return
        size = int.from_bytes(frame[1:head], "big")
        if size > MAX_COMMAND_BYTES:
            raise ProtocolError(f"a ZMTP command of {size} bytes")
        if len(frame) >= head + size:
            self.socket_type = socket_type_of(frame[head : head + size])


def socket_type_of(command: bytes) -> str:
    """Return the socket type that a READY command names.

    Raises:
        ProtocolError: it is another command, broken, or names none.
    """
    name_length = command[0] if command else 0
    if command[1 : 1 + name_length] != b"READY":
        raise ProtocolError("a ZMTP command that is not READY")
    position = 1 + name_length
    while position < len(command):
        start = position + 1 + command[position]
        stop = start + 4 + int.from_bytes(command[start : start + 4], "big")
        if start + 4 > len(command) or stop > len(command):
            raise ProtocolError("a ZMTP property that is cut off")
        if command[position + 1 : start].lower() == b"socket-type":
            return command[start + 4 : stop].decode("ascii", "replace")[:16] or "none"
        position = stop
    raise ProtocolError("READY without a socket type")
