"""Functions of the user that are called back: plain ones or coroutine functions, whose errors stay theirs."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable
from typing import Any

logger = logging.getLogger("dockscope.conduit")

Handler = Callable[..., Any]


async def call_each(handlers: Iterable[Handler], *arguments: Any) -> None:
    """Call handlers one after another; one that fails is told in the log and holds up no other."""
    for handler in list(handlers):
        try:
            outcome = handler(*arguments)
            if inspect.isawaitable(outcome):
                await outcome
        except Exception:
            logger.exception("the callback %s failed", getattr(handler, "__qualname__", handler))
