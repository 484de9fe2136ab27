"""How fast a demo's loop runs, and where it stands: it never goes 20 ms without a checkpoint."""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

_SLICE_S = 0.01
_COUNT = struct.Struct("<Q")


class Pace:
    """Keep a loop to so many rounds a second.

    Args:
        checkpoint: blocks while paused; False means stop.
        rate_hz: rounds a second at the moment; 0 means as fast as it goes.
    """

    def __init__(self, checkpoint: Callable[[], bool], rate_hz: Callable[[], float]) -> None:
        self._checkpoint = checkpoint
        self._rate_hz = rate_hz
        self._due_s = time.monotonic()

    def wait(self) -> bool:
        """Wait until the next round is due; False means stop. Time spent paused is not caught up."""
        rate_hz = self._rate_hz()
        self._due_s = max(self._due_s + (1.0 / rate_hz if rate_hz > 0.0 else 0.0), time.monotonic() - _SLICE_S)
        while self._checkpoint():
            left_s = self._due_s - time.monotonic()
            if left_s <= 0.0:
                return True
            time.sleep(min(left_s, _SLICE_S))
        return False


class CounterFile:
    """A count that other processes can read at any time: u64 little endian in a file mapped into memory.

    Args:
        path: the file, made or cut to 8 bytes; None keeps the count nowhere.
    """

    def __init__(self, path: Path | None) -> None:
        self._map: mmap.mmap | None = None
        if path is not None:
            path.write_bytes(_COUNT.pack(0))
            with path.open("r+b") as file:
                self._map = mmap.mmap(file.fileno(), _COUNT.size)

    def set(self, count: int) -> None:
        """Write the count."""
        if self._map is not None:
            _COUNT.pack_into(self._map, 0, count)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._map is not None:
            self._map.close()
