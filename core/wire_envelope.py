"""The head of every message of the native wire: version and type, read before anything else is believed."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from .messages import ProtocolError
from .wire_values import decode_bytes

VERSION = 1
MAX_REQUEST_BYTES = 16 * 2**20
NO_ID = bytes(16)

Frame = Any  # bytes, memoryview or zmq.Frame: whatever shows its bytes as a buffer
Id = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]


class UnknownVersion(ProtocolError):  # noqa: N818 - a fact that is answered, not only an error
    """The other side speaks another version of the wire; ``version`` is what it said."""

    def __init__(self, version: int) -> None:
        super().__init__(f"speaks {version}, we speak {VERSION}")
        self.version = version


def read_envelope(frame: Frame, limit: int) -> tuple[str, memoryview]:
    """Read the type of a message without decoding the rest.

    Returns:
        The type and the whole frame as bytes.

    Raises:
        UnknownVersion: another version of the wire. ProtocolError: too long, or no header at all.
    """
    view = memoryview(frame)
    if view.nbytes > limit:
        raise ProtocolError(f"a header of {view.nbytes} bytes")
    if view.nbytes < 3 or not 0x92 <= view[0] <= 0x9F:  # an array of 2 to 15 elements
        raise ProtocolError("no dockscope header")
    parts = decode_bytes(view, list[msgspec.Raw])
    version = decode_bytes(parts[0], Annotated[int, msgspec.Meta(ge=0)])
    if version != VERSION:
        raise UnknownVersion(version)
    return decode_bytes(parts[1], Annotated[str, msgspec.Meta(max_length=32)]), view


def refuse_extension(code: int, payload: memoryview) -> Any:
    """Be the ext_hook where no extension belongs.

    Raises:
        ProtocolError: always.
    """
    raise ProtocolError("an extension where none belongs")
