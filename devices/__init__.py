"""Instruments on their own threads.

``VISAStreamingDevice`` is loaded when it is first used: other devices need no VISA.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# Not lazily: whoever loads the module first would leave it here under the name of the function.
from .attach import attach
from .device import StreamingDevice

if TYPE_CHECKING:
    from .visa import VISAStreamingDevice

__all__ = ["StreamingDevice", "VISAStreamingDevice", "attach"]


def __getattr__(name: str) -> Any:
    """Load the class that needs VISA."""
    if name != "VISAStreamingDevice":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .visa import VISAStreamingDevice

    globals()[name] = VISAStreamingDevice
    return VISAStreamingDevice


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
