"""What devices log, for the viewers of a bench too."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from ..core.broadcaster import Broadcaster
from ..core.wire_values import check_text

LONGEST = 500


class PublishingHandler(logging.Handler):
    """Publish log records.

    Args:
        broadcaster: gets them.
    """

    def __init__(self, broadcaster: Broadcaster) -> None:
        super().__init__(logging.WARNING)
        self._broadcaster = broadcaster

    def emit(self, record: logging.LogRecord) -> None:
        """Publish one; a text that no viewer could show is none."""
        text = record.getMessage()[:LONGEST].encode("utf-8", "replace").decode()
        level = "error" if record.levelno >= logging.ERROR else "warning"
        self._broadcaster.publish_log(level, check_text(text or record.name, "message"))


@contextmanager
def published_log(broadcaster: Broadcaster) -> Iterator[None]:
    """Publish what devices log, from WARNING on, for the length of a block."""
    handler, logger = PublishingHandler(broadcaster), logging.getLogger("dockscope.devices")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
