"""From the start of the process to the end of the first paint."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from .entry import Entry, alternating
from .program import PROGRAMS, program

ROUNDS = 7
TIMEOUT_S = 60.0


def rows() -> Iterator[Entry]:
    """Yield startup."""
    with program("single", 1) as producer:
        started_ms("ours", producer.url)  # compiled modules and cached files are there from the second start on
        started_ms("peer")
        value, of_peer = alternating(
            lambda: started_ms("ours", producer.url), lambda: started_ms("peer"), rounds=ROUNDS
        )
    yield Entry("startup", value, "PySide6 with one pyqtgraph plot", of_peer)


def started_ms(*words: str) -> float:
    """Start a window and return when its first paint had ended."""
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(PROGRAMS / "first_paint.py"), *words],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    return (float(done.stdout) - start) * 1e3
