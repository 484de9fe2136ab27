"""dockscope: watch and steer what is running.

The public names are loaded when they are first used, so that ``import dockscope`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dockscope.core.broadcaster import Broadcaster
    from dockscope.core.messages import PlacementFrame, PlacementScene
    from dockscope.core.parameters import Parameter

__all__ = ["Broadcaster", "Parameter", "PlacementFrame", "PlacementScene"]

_HOMES = {
    "Broadcaster": "dockscope.core.broadcaster",
    "Parameter": "dockscope.core.parameters",
    "PlacementFrame": "dockscope.core.messages",
    "PlacementScene": "dockscope.core.messages",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
