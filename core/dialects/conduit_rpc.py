"""Calls on the conduit wire: the methods a server offers, and the caller's side of them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, get_type_hints

from .conduit_connection import Connection
from .conduit_events import RpcFault, RpcRequest, fault_body

if TYPE_CHECKING:
    from .conduit_client import Client

logger = logging.getLogger("dockscope.conduit")

LISTALL = "listall"
INTERNAL = 1001
VALIDATION = 2000
METHOD_NOT_FOUND = 4000
RATE_LIMITED = 6000
_PLAIN = frozenset({str, int, float, bool, bytes, list, dict})


class Method(NamedTuple):
    """A method that can be called; ``takes_caller`` puts the calling connection before its parameters."""

    handler: Callable[..., Any]
    requires_auth: bool
    takes_caller: bool
    hints: Mapping[str, Any]


class RpcMethods:
    """The methods of one server, by name."""

    def __init__(self) -> None:
        self._methods: dict[str, Method] = {}

    def register(
        self,
        handler: Callable[..., Any],
        *,
        name: str | None = None,
        requires_auth: bool = True,
        takes_caller: bool = False,
    ) -> None:
        """Offer a function or coroutine function; a method of the same name is replaced."""
        known = name or getattr(handler, "__name__", "")
        self._methods[known] = Method(handler, requires_auth, takes_caller, _hints(handler, takes_caller))

    async def answer(self, caller: Connection, request: RpcRequest) -> Any:
        """Call what is asked for; returns the inner wrapper of the reply, whatever happens."""
        if request.method == LISTALL:
            methods = self.describe()
            return {"success": True, "data": {"methods": methods, "count": len(methods)}}
        method = self._methods.get(request.method)
        if method is None:
            return fault_body(RpcFault(f"RPC method not found: {request.method}", METHOD_NOT_FOUND))
        arguments = (caller,) if method.takes_caller else ()
        if not _fits(method.handler, arguments, request.params):
            return fault_body(RpcFault(_misfit(method.handler, arguments, request.params), VALIDATION))
        if wrong := [key for key, value in request.params.items() if not _is_a(method.hints.get(key), value)]:
            return fault_body(RpcFault(f"{request.method}() does not take this type of {wrong[0]!r}", VALIDATION))
        return await _answered(method.handler, arguments, request)

    def describe(self) -> list[dict[str, Any]]:
        """Return the methods as the built-in ``listall`` tells them."""
        return [_described(name, method) for name, method in self._methods.items()]


async def _answered(handler: Callable[..., Any], arguments: tuple[Any, ...], request: RpcRequest) -> Any:
    try:
        value = handler(*arguments, **request.params)
        if inspect.isawaitable(value):
            value = await value
    except Exception as error:
        logger.exception("the method %s failed", request.method)
        return fault_body(RpcFault(f"Error in {request.method}: {error}", INTERNAL))
    if isinstance(value, Mapping) and "success" in value:  # wrapped by the method itself
        return value
    return {"success": True, "data": value}


def _fits(handler: Callable[..., Any], arguments: tuple[Any, ...], params: Mapping[str, Any]) -> bool:
    try:
        inspect.signature(handler).bind(*arguments, **params)
    except TypeError:
        return False
    return True


def _misfit(handler: Callable[..., Any], arguments: tuple[Any, ...], params: Mapping[str, Any]) -> str:
    """Return Python's own words for parameters that do not fit: the call fails before anything of it runs."""
    try:
        handler(*arguments, **params)
    except TypeError as error:
        return str(error)
    return "the parameters do not fit"


def _hints(handler: Callable[..., Any], takes_caller: bool) -> Mapping[str, Any]:
    """Return the annotations of what a caller gives, and of what is returned."""
    try:
        hints = get_type_hints(handler)
    except Exception:  # noqa: BLE001 - an annotation may be any expression; its method works all the same
        return {}
    if takes_caller:
        hints.pop(next(iter(inspect.signature(handler).parameters)), None)
    return hints


def _is_a(hint: Any, value: Any) -> bool:
    """Tell whether a value is of a type that the wire knows; other annotations are the method's own business."""
    return hint not in _PLAIN or isinstance(value, hint) or (hint is float and isinstance(value, int))


def _described(name: str, method: Method) -> dict[str, Any]:
    return {
        "name": name,
        "description": inspect.getdoc(method.handler) or "",
        "parameters": {key: _type_name(hint) for key, hint in method.hints.items() if key != "return"},
        "return_type": _type_name(method.hints.get("return", Any)),
        "requires_auth": method.requires_auth,
    }


def _type_name(hint: Any) -> str:
    return getattr(hint, "__name__", str(hint))


def data(**parameters: Any) -> dict[str, Any]:
    """Return named parameters of a call: ``rpc.call("add", args=data(a=1, b=2))``."""
    return parameters


class RPC:
    """Calls to the server.

    Args:
        client: whose connection is used. default_timeout: seconds that a call may take.
    """

    def __init__(self, client: Client, default_timeout: float) -> None:
        self._client = client
        self.default_timeout = default_timeout

    async def call(
        self,
        method: str,
        args: Mapping[str, Any] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the name that the original has
        **parameters: Any,
    ) -> Any:
        """Call a method of the server.

        Args:
            method: its name. args: its parameters by name. timeout: seconds it may take. parameters: more of them.

        Returns:
            What the method returned.

        Raises:
            RPCError: the method failed, does not exist, or its parameters do not fit. RPCTimeout: no answer came.
            ConduitConnectionError: not connected, or the connection was lost meanwhile.
        """
        timeout_s = self.default_timeout if timeout is None else timeout
        return await self._client.connection.call(method, {**(args or {}), **parameters}, timeout_s)

    async def call_no_wait(self, method: str, args: Mapping[str, Any] | None = None, **parameters: Any) -> int:
        """Call a method without waiting for what it returns; returns the number of the call."""
        return await self._client.connection.tell(method, {**(args or {}), **parameters})

    async def discover(self) -> list[dict[str, Any]]:
        """Return what the server offers, as ``listall`` describes it.

        Raises:
            RPCError, ConduitConnectionError: see ``call``.
        """
        return (await self.call(LISTALL))["methods"]
