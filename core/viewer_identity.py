"""Who a viewer says it is: what a producer logs as the origin of a command."""

from __future__ import annotations

import getpass
import os
import platform
from typing import Any


def about_us(viewer: bytes) -> dict[str, Any]:
    """Return the arguments of hello.

    Args:
        viewer: id of the viewer, 16 bytes.
    """
    return {"viewer": viewer, "name": _user(), "host": platform.node()[:255], "pid": os.getpid()}


def _user() -> str:
    try:
        return getpass.getuser()[:64]
    except (OSError, KeyError):  # a process without an account, as in some containers
        return "viewer"
