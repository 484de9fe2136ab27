"""What other packages add to dockscope through entry points."""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@cache
def installed(group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group. What is installed is looked at once: that takes a hundredth of a second."""
    from importlib.metadata import entry_points  # which the first paint need not wait for

    return tuple(entry_points(group=group))


def load(point: EntryPoint, what: str, logger: logging.Logger) -> Any:
    """Load what another package offers.

    Args:
        point: where it is. what: it is, for the sentence. logger: is told when it is broken.

    Returns:
        The object, or None when it cannot be loaded.
    """
    try:
        return point.load()
    except Exception:
        logger.exception("the %s plug-in %s (%s) cannot be loaded", what, point.name, point.value)
        return None
