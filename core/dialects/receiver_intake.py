"""What a receiver makes of the spectra it gets: rows of a ring, counts, and words for what went wrong."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np

from ..accounting import Numbering
from ..messages import Spectrum
from ..problems import Problems
from ..run_control import LinkState
from ..wire import DataMessage
from .quiet_sink import QuietSink
from .receiver_figures import MIB, ReceiverFigures
from .receiver_options import ReceiverOptions
from .spectrum_ring import Latest, SpectrumRing

logger = logging.getLogger("dockscope.ovro")

USUAL_CHANNELS = 3072


class ReceiverIntake(QuietSink):
    """The sink of a receiver's source; one thread delivers, any number read.

    Args:
        where: host and port, for the log. options: to begin with.

    Attributes:
        ring: the newest rows. figures: of the work. frequencies: f8[channels] Hz, or None before the first spectrum.
    """

    def __init__(self, where: str, options: ReceiverOptions) -> None:
        super().__init__()
        self.options = options
        self.ring = SpectrumRing(options.buffer_length, -(-USUAL_CHANNELS // options.freq_average))
        self.figures = ReceiverFigures()
        self.frequencies: np.ndarray | None = None
        self.frames = 0
        self._where = where
        self._lock = threading.Lock()  # of the options, and of what has to change together with them
        self._numbering = Numbering()
        self._refused = 0
        self._problem = ""
        self._problems = Problems(time.monotonic)
        self._link, self._detail = LinkState.CLOSED, ""

    def configure(self, options: dict[str, Any]) -> None:
        """Change options; rows that would mean something else are forgotten.

        Raises:
            ValueError, TypeError: an option is wrong, or there is none of that name; nothing was changed.
        """
        with self._lock:
            changed = replace(self.options, **options)
            if not changed.same_rows(self.options):
                self.ring.clear()
                self.frequencies = None
            if changed.buffer_length != self.options.buffer_length:
                self.ring.resize(changed.buffer_length)
            self.options = changed

    def forget_old(self, keep: int | None) -> int:
        """Drop all rows but the newest ``keep``, half of the ring when None; returns how many were dropped."""
        with self._lock:
            length = self.options.buffer_length
            self.figures.optimizations += 1
            return self.ring.resize(length, -(-length // 2) if keep is None else max(0, keep))

    def status(self) -> dict[str, Any]:
        """Return the state of ring and link, counts, and what the newest row is like."""
        with self._lock:
            return {
                "buffer_index": self.ring.index,
                "buffer_shape": self.ring.rows.shape,
                "buffer_length": self.options.buffer_length,
                "buffer_mb": self.ring.nbytes / MIB,
                "frames": len(self.ring),
                "is_full": len(self.ring) == self.options.buffer_length,
                "is_connected": self._link is LinkState.LIVE,
                "link": self._link.value,
                "link_detail": self._detail,
                "total_frames": self.frames,
                "lost_frames": self._numbering.lost,
                "refused_frames": self._refused,
                "last_problem": self._problem,
                "latest": _statistics(self.ring.latest(1)),
            }

    def receive(self, key: str, message: DataMessage) -> None:
        """Take a spectrum."""
        spectrum = message.message
        began_s = time.perf_counter()
        if not isinstance(spectrum, Spectrum):
            return
        with self._lock:
            if message.stream != f"beam{self.options.beam + 1}":
                return
            self._numbering.take(message.n)
            row = self.options.row(spectrum)
            if row is not None:
                self.ring.append(row, spectrum.t)
                self.frequencies = self.options.frequencies(spectrum)
                self.frames += 1
                self.figures.note_spectrum(began_s, time.perf_counter())
        if row is None:
            names = ", ".join(spectrum.polarizations)
            self.problem(key, "pol", f"{self._where} sends no product {self.options.pol!r}: {names}", refused=1)
        else:
            logger.debug("spectrum %d at %.6f, next row %d", self.frames, spectrum.t, self.ring.index)
            self._collect_garbage()

    def link(self, key: str, state: LinkState, detail: str = "") -> None:
        """Take the link state."""
        with self._lock:
            before, self._link, self._detail = self._link, state, detail
        if before is not state:
            logger.info("%s is %s", self._where, f"{state.value} {detail}".strip())

    def problem(self, key: str, cause: str, sentence: str, refused: int = 0) -> None:
        """Take a trouble; each cause is logged once in five seconds."""
        with self._lock:
            self._refused += refused or cause == "bad_message"
            self._problem = sentence
        shown = self._problems.sentence("", cause, sentence)
        if shown is not None:
            logger.warning("%s", shown)

    def _collect_garbage(self) -> None:
        if 0 < self.options.gc_interval <= self.figures.since_collection:
            found = self.figures.collect()
            logger.debug("garbage collection: %d objects in %.1f ms", found, self.figures.collecting_ms)


def _statistics(newest: Latest) -> dict[str, float | None] | None:
    if not len(newest.rows):
        return None
    t = float(newest.t[0])
    finite = newest.rows[0][np.isfinite(newest.rows[0])]
    known: dict[str, float | None] = {"min": None, "max": None, "mean": None}
    if len(finite):
        known = {"min": float(finite.min()), "max": float(finite.max()), "mean": float(finite.mean(dtype="f8"))}
    return {"t": t, "age_s": time.time() - t, **known}
