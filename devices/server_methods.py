"""The methods of a device that may be called from far: public functions of its class, and nothing else it has."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .server_errors import RequestError

START, STOP = "start_streaming", "stop_streaming"

Described = dict[str, Any]

_JSON_TYPES = {
    "int": "integer",
    "float": "number",
    "str": "string",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
    "None": "null",
    "NoneType": "null",
}
_PLAIN = (bool, int, float, str, type(None))


def public_methods(kind: type) -> list[str]:
    """Return the names of the methods of a class that may be called, in alphabetical order."""
    return sorted(name for name in dir(kind) if not name.startswith("_") and _is_method(kind, name))


def describe(kind: type) -> list[Described]:
    """Return name, parameters and documentation of each method of a class that may be called."""
    return [_described(kind, name) for name in public_methods(kind)]


def find_method(device: object, device_id: str, name: str) -> Callable[..., Any]:
    """Return a method to call.

    Raises:
        RequestError: there is no such method, or it may not be called.
    """
    if name.startswith("_"):
        raise RequestError(400, "InvalidRequest", "Private methods cannot be called remotely")
    if name == START:
        raise RequestError(400, "InvalidRequest", f"a stream is started by GET /stream/devices/{device_id}")
    if not _is_method(type(device), name):
        raise RequestError(404, "MethodNotFound", f"Method '{name[:100]}' not found on device '{device_id}'")
    return getattr(device, name)


def _is_method(kind: type, name: str) -> bool:
    """Look without running any code of the device, as properties would."""
    found = inspect.getattr_static(kind, name, None)
    return inspect.isfunction(found) or isinstance(found, staticmethod | classmethod)


def _described(kind: type, name: str) -> Described:
    method = getattr(kind, name)
    try:
        parameters = list(inspect.signature(method).parameters.values())
    except (ValueError, TypeError):
        parameters = []
    if inspect.isfunction(inspect.getattr_static(kind, name)):
        parameters = parameters[1:]  # self
    told: Described = {"name": name, "parameters": [_parameter(one) for one in parameters]}
    if doc := inspect.getdoc(method):
        told["doc"] = doc
    return told


def _parameter(parameter: inspect.Parameter) -> Described:
    kind = parameter.annotation
    word = kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind))
    told: Described = {"name": parameter.name, "type": _JSON_TYPES.get(word, "any")}
    told["required"] = parameter.default is parameter.empty
    if parameter.default is not parameter.empty:
        default = parameter.default
        told["default"] = default if isinstance(default, _PLAIN) else str(default)
    return told
