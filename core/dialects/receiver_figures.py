"""What a receiver knows of its own work: time per spectrum, rate, memory, garbage collections."""

from __future__ import annotations

import gc
import statistics
import time
from collections import deque
from typing import Any

import psutil

MIB = 2**20
KEPT = 240  # spectra, two minutes of the usual rate


class ReceiverFigures:
    """Count; all calls but ``performance`` and ``memory`` come from one thread at a time."""

    def __init__(self) -> None:
        self._work_ms: deque[float] = deque(maxlen=KEPT)
        self._arrivals_s: deque[float] = deque(maxlen=KEPT)
        self.collections = 0
        self.collected = 0
        self.collecting_ms = 0.0
        self.since_collection = 0
        self.optimizations = 0

    def note_spectrum(self, began_s: float, ended_s: float) -> None:
        """Take note of one stored spectrum: when its processing began and ended, ``time.perf_counter`` seconds."""
        self._work_ms.append((ended_s - began_s) * 1e3)
        self._arrivals_s.append(ended_s)
        self.since_collection += 1

    def collect(self) -> int:
        """Run Python's garbage collection and return how many objects it found."""
        began_s = time.perf_counter()
        found = gc.collect()
        self.collecting_ms = (time.perf_counter() - began_s) * 1e3
        self.collections += 1
        self.collected += found
        self.since_collection = 0
        return found

    def performance(self) -> dict[str, Any]:
        """Return milliseconds per spectrum (last, mean, longest), spectra per second, collections and optimizations."""
        work_ms, arrivals_s = list(self._work_ms), list(self._arrivals_s)
        span_s = arrivals_s[-1] - arrivals_s[0] if len(arrivals_s) > 1 else 0.0
        return {
            "processing_ms": work_ms[-1] if work_ms else None,
            "processing_mean_ms": statistics.fmean(work_ms) if work_ms else None,
            "processing_max_ms": max(work_ms, default=None),
            "update_hz": (len(arrivals_s) - 1) / span_s if span_s > 0 else None,
            "gc_collections": self.collections,
            "gc_collected": self.collected,
            "gc_last_ms": self.collecting_ms,
            "frames_since_gc": self.since_collection,
            "memory_optimizations": self.optimizations,
        }

    def memory(self, ring_bytes: int) -> dict[str, Any]:
        """Return the memory of this process in MiB, that of the ring, and Python's objects."""
        process = psutil.Process()
        used = process.memory_info()
        return {
            "rss_mb": used.rss / MIB,
            "vms_mb": used.vms / MIB,
            "percent": process.memory_percent(),
            "ring_buffer_mb": ring_bytes / MIB,
            "gc_objects": len(gc.get_objects()),
            "gc_garbage": len(gc.garbage),
            "gc_collections": self.collections,
            "gc_collected": self.collected,
        }
