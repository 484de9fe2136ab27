"""The set-up of Python's logging for the command line and the window; a producer's program keeps its own."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable

ROOT = "dockscope"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LINE = "%(asctime)s.%(msecs)03d %(levelname)s %(name)s: %(message)s"


class UtcFormatter(logging.Formatter):
    """Log lines with times in UTC, which do not jump twice a year."""

    converter = time.gmtime


def configure_logging(level: str = "WARNING", debug_flags: Iterable[str] = ()) -> logging.Handler:
    """Send dockscope's log records to stderr.

    Args:
        level: one of LEVELS, in any case.
        debug_flags: subjects that log at DEBUG whatever the level, such as ``link`` for the logger dockscope.link.

    Returns:
        The handler, for whoever wants to take it away again.

    Raises:
        ValueError: no such level.
    """
    if level.upper() not in LEVELS:
        raise ValueError(f"--log-level: {level!r} is none of {', '.join(LEVELS)}")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(UtcFormatter(LINE, datefmt="%H:%M:%S"))
    root = logging.getLogger(ROOT)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for flag in debug_flags:
        logging.getLogger(f"{ROOT}.{flag}").setLevel(logging.DEBUG)
    return handler
