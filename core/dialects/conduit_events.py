"""What frames of the conduit wire say: frozen nouns, read from frames and written to bytes. No I/O."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..messages import ProtocolError
from .conduit_frame import Frame, FrameType, encode_frame

MAX_TEXT_CHARACTERS = 1024
STREAM_DATA = "stream_data"
STREAM_CLOSED = "stream_closed"


def password_hash(password: str) -> str:
    """Return what goes over the wire for a password: 64 hex characters.

    It is unsalted and can be replayed, as this wire has it; only TLS keeps it from who listens.
    """
    return hashlib.sha256(password.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AuthRequest:
    """The first frame of a client. An empty hash asks who is there and proves nothing."""

    password_hash: str = field(repr=False)
    client_info: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuthSuccess:
    """The server lets a client in."""

    session_token: str = field(repr=False)
    server_info: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuthFailure:
    """The server refuses a client, and closes."""

    reason: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message of either side: a type by name, and any value."""

    type: str
    data: Any


@dataclass(frozen=True, slots=True)
class RpcRequest:
    """A call; its reply carries the same id."""

    id: int
    method: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RpcFault:
    """Why a call failed."""

    message: str
    code: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RpcReply:
    """What came of a call: the value, or the fault."""

    id: int
    value: Any = None
    fault: RpcFault | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """A frame whose type is all it says: ping, pong, pause, resume, and those that nobody acts on."""

    type: FrameType


Event = AuthRequest | AuthSuccess | AuthFailure | Message | RpcRequest | RpcReply | Signal


def read_event(frame: Frame) -> Event:
    """Return what a frame says.

    Raises:
        ProtocolError: its payload is not what its type asks for.
    """
    match frame.type:
        case FrameType.MESSAGE:
            body = _mapping(frame)
            return Message(_text(body, "type"), body.get("data"))
        case FrameType.RPC_REQUEST:
            body = _mapping(frame)
            return RpcRequest(frame.correlation_id, _text(body, "method"), _names(body.get("params")))
        case FrameType.RPC_RESPONSE | FrameType.RPC_ERROR:
            return _reply(frame)
        case FrameType.AUTH_REQUEST:
            body = _mapping(frame)
            return AuthRequest(_text(body, "password_hash"), _names(body.get("client_info")))
        case FrameType.AUTH_SUCCESS:
            body = _mapping(frame)
            return AuthSuccess(_text(body, "session_token"), _names(body.get("server_info")))
        case FrameType.AUTH_FAILURE:
            return AuthFailure(_text(_mapping(frame), "reason"))
        case signal:
            return Signal(signal)


def write_event(event: Event, *, compress: bool = False) -> bytes:
    """Return the frame that says this.

    Raises:
        TypeError, ValueError: a value that the wire cannot carry.
    """
    match event:
        case Message(type_, data):
            return encode_frame(FrameType.MESSAGE, {"type": type_, "data": data}, compress=compress)
        case RpcRequest(id_, method, params):
            payload = {"method": method, "params": dict(params)}
            return encode_frame(FrameType.RPC_REQUEST, payload, correlation_id=id_, compress=compress)
        case RpcReply(id_, value, fault):
            inner = {"success": True, "data": value} if fault is None else fault_body(fault)
            return write_reply(id_, inner, compress=compress)
        case AuthRequest(hash_, info):
            return encode_frame(FrameType.AUTH_REQUEST, {"password_hash": hash_, "client_info": dict(info)})
        case AuthSuccess(token, info):
            return encode_frame(FrameType.AUTH_SUCCESS, {"session_token": token, "server_info": dict(info)})
        case AuthFailure(reason):
            return encode_frame(FrameType.AUTH_FAILURE, {"reason": reason})
        case Signal(type_):
            return encode_frame(type_)


def write_reply(id_: int, inner: Any, *, compress: bool = False) -> bytes:
    """Return the frame of a reply whose inner wrapper is made already; faults travel in it as well."""
    payload = {"success": True, "result": inner}
    return encode_frame(FrameType.RPC_RESPONSE, payload, correlation_id=id_, compress=compress)


def fault_body(fault: RpcFault) -> dict[str, Any]:
    """Return the inner wrapper of a fault."""
    body: dict[str, Any] = {"success": False, "error": fault.message}
    if fault.code is not None:
        body["code"] = fault.code
    if fault.details:
        body["details"] = dict(fault.details)
    return body


def stream_item(stream: str, item: Any, timestamp: float) -> Message:
    """Return the message that carries one item of a stream; ``timestamp`` is unix seconds."""
    return Message(STREAM_DATA, {"stream": stream, "data": item, "timestamp": timestamp})


def _reply(frame: Frame) -> RpcReply:
    """Unwrap twice: the outer wrapper says success even for a fault, only the inner one tells."""
    body = _mapping(frame)
    if frame.type is FrameType.RPC_ERROR or body.get("success") is False:
        return RpcReply(frame.correlation_id, fault=_fault(body))
    inner = body.get("result")
    if not isinstance(inner, dict) or "success" not in inner:
        return RpcReply(frame.correlation_id, inner)
    if inner["success"] is not True:
        return RpcReply(frame.correlation_id, fault=_fault(inner))
    return RpcReply(frame.correlation_id, inner.get("data"))


def _fault(body: Mapping[Any, Any]) -> RpcFault:
    message, code, details = body.get("error"), body.get("code"), body.get("details")
    return RpcFault(
        message[:MAX_TEXT_CHARACTERS] if isinstance(message, str) else "unknown error",
        code if type(code) is int else None,
        details if isinstance(details, dict) else {},
    )


def _mapping(frame: Frame) -> dict[Any, Any]:
    if not isinstance(frame.payload, dict):
        raise ProtocolError(f"{frame.type.name}: the payload is no object")
    return frame.payload


def _text(body: Mapping[Any, Any], key: str) -> str:
    text = body.get(key)
    if not isinstance(text, str) or len(text) > MAX_TEXT_CHARACTERS:
        raise ProtocolError(f"{key} is missing, no text, or longer than {MAX_TEXT_CHARACTERS} characters")
    return text


def _names(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(type(key) is str for key in value):
        raise ProtocolError("named values are expected here")
    return value
