"""What viewer and producer tell of themselves in hello, to and from the wire's maps."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from .messages import Hello, ProtocolError
from .wire_decode import Name, Number
from .wire_envelope import Id


def hello_result(hello: Hello) -> dict[str, Any]:
    """Write what a producer tells of itself as the wire's map."""
    return msgspec.structs.asdict(hello)


class HelloArgs(msgspec.Struct, frozen=True):
    """What a viewer tells of itself; ``viewer`` is the secret that its routing ids begin with."""

    viewer: Id
    name: Name = ""
    host: Name = ""
    pid: Number = 0


def hello_args(args: Any) -> HelloArgs:
    """Read what a viewer tells of itself.

    Raises:
        ProtocolError: these are not the arguments of hello.
    """
    try:
        return msgspec.convert(args, HelloArgs)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"hello: {error}") from None


class _HelloResult(msgspec.Struct):
    producer: Id
    name: Name
    host: Name = ""
    pid: Number = 0
    version: Name = ""
    started_ns: Number = 0
    clock_ns: Number = 0
    capabilities: Annotated[list[Name], msgspec.Meta(max_length=64)] = []
    streams: Annotated[list[tuple[Name, Name]], msgspec.Meta(max_length=65_536)] = []
    role: Annotated[str, msgspec.Meta(pattern="^(observe|operate)$")] = "observe"


def hello_from_result(result: Any) -> Hello:
    """Read what a producer told of itself.

    Raises:
        ProtocolError: it is not the result of hello.
    """
    try:
        told = msgspec.convert(result, _HelloResult)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"hello: {error}") from None
    return Hello(
        **{
            **msgspec.structs.asdict(told),
            "capabilities": tuple(told.capabilities),
            "streams": tuple(told.streams),
        }
    )
