"""Receive averaged spectra in a thread of its own and keep the newest in a ring, for programs that want the numbers."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import asdict
from typing import Any, Self

import numpy as np

from .base import open_source
from .quiet_sink import QuietSink
from .receiver_figures import MIB
from .receiver_intake import ReceiverIntake
from .receiver_options import ReceiverOptions
from .spectrum_ring import Latest

logger = logging.getLogger("dockscope.ovro")

STOP_S = 5.0


class StreamReceiver:
    """Keep the newest spectra of one product of one beam, neighbouring channels averaged.

    ``start`` and ``stop`` may be called again and again, all reading methods from any thread. It connects by itself as
    soon as somebody publishes, and again after an interruption. What it meets is logged to ``dockscope.ovro``.

    Args:
        stream_addr, stream_port: where the spectra are published.
        buffer_length, gc_interval, pol, beam, freq_average: see ``ReceiverOptions``.

    Raises:
        ValueError, TypeError: an argument is wrong; the text names it.
    """

    def __init__(
        self,
        stream_addr: str = "127.0.0.1",
        stream_port: int = 9798,
        buffer_length: int = 1200,
        gc_interval: int = 100,
        *,
        pol: int | str = 0,
        beam: int = 0,
        freq_average: int = 2,
    ) -> None:
        host = f"[{stream_addr}]" if ":" in stream_addr else stream_addr
        self.stream_addr, self.stream_port = stream_addr, stream_port
        self._url = f"ovro://{host}:{stream_port}"
        open_source(self._url, QuietSink())  # so that a wrong address is told here
        options = ReceiverOptions(buffer_length, gc_interval, pol, beam, freq_average)
        self._intake = ReceiverIntake(f"{host}:{stream_port}", options)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None

    # -- running ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to receive; nothing happens when it does already."""
        if self.running:
            logger.info("already receiving from %s:%d", self.stream_addr, self.stream_port)
            return
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._receive(ready)), name="dockscope-receiver", daemon=True
        )
        self._thread.start()
        ready.wait()
        logger.info("receiving from %s:%d into %d rows", self.stream_addr, self.stream_port, self.buffer_length)

    def stop(self) -> None:
        """End; what was received stays to be read. Nothing happens when it does not run."""
        thread, self._thread = self._thread, None
        if thread is None or self._loop is None or self._leave is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._leave.set)
        except RuntimeError:
            pass  # the loop has ended on its own
        thread.join(STOP_S)
        logger.info("stopped after %d spectra", self._intake.frames)

    @property
    def running(self) -> bool:
        """Whether it receives, or waits for somebody to publish."""
        return self._thread is not None and self._thread.is_alive()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def _receive(self, ready: threading.Event) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        ready.set()
        source = open_source(self._url, self._intake)
        source.start()
        try:
            await self._leave.wait()
        finally:
            await source.close()

    # -- reading ------------------------------------------------------------------------------------------------

    def get_latest_data(self, n_frames: int = 1) -> np.ndarray:
        """Return copies of the newest spectra, oldest first.

        Args:
            n_frames: how many; there are fewer when fewer were received.

        Returns:
            f4[n, channels].
        """
        return self._intake.ring.latest(n_frames).rows

    def get_latest(self, n_frames: int = 1) -> Latest:
        """Return the newest spectra together with their times, unix seconds: each has its own."""
        return self._intake.ring.latest(n_frames)

    def get_frequencies(self) -> np.ndarray | None:
        """Return the centres of the ring's channels, f8 Hz; None before the first spectrum."""
        return self._intake.frequencies

    @property
    def ring_buffer(self) -> np.ndarray:
        """f4[buffer_length, channels], the ring itself, in which rows change at any time; see ``get_latest_data``."""
        return self._intake.ring.rows

    @property
    def buffer_index(self) -> int:
        """Which row of ``ring_buffer`` is written next; set it after rows were written by hand."""
        return self._intake.ring.index

    @buffer_index.setter
    def buffer_index(self, index: int) -> None:
        self._intake.ring.index = index

    @property
    def buffer_length(self) -> int:
        """Rows of the ring."""
        return self._intake.options.buffer_length

    @property
    def gc_interval(self) -> int:
        """Spectra between two garbage collections, 0 for none."""
        return self._intake.options.gc_interval

    def get_buffer_status(self) -> dict[str, Any]:
        """Return the state of ring and link, counts, and what the newest spectrum is like.

        Returns:
            ``latest`` is None, or has ``t`` (unix seconds), ``age_s``, ``min``, ``max``, ``mean``.
        """
        return {"is_running": self.running, **self._intake.status()}

    # -- figures, memory, configuration -------------------------------------------------------------------------

    def get_performance_metrics(self) -> dict[str, Any]:
        """Return milliseconds per spectrum, spectra per second, size of the ring, garbage collections."""
        return self._intake.figures.performance() | {"ring_buffer_mb": self._intake.ring.nbytes / MIB}

    def get_memory_info(self) -> dict[str, Any]:
        """Return the memory of this process and of the ring in MiB, and Python's objects."""
        return self._intake.figures.memory(self._intake.ring.nbytes)

    def force_garbage_collection(self) -> int:
        """Run Python's garbage collection now and return how many objects it found."""
        found = self._intake.figures.collect()
        logger.info("garbage collection: %d objects", found)
        return found

    def optimize_memory(self, keep_frames: int | None = None) -> dict[str, Any]:
        """Drop old spectra, give their memory back, and collect garbage.

        Args:
            keep_frames: how many of the newest stay, half of the ring when None.

        Returns:
            ``memory_before``, ``memory_after`` (see ``get_memory_info``), ``objects_collected``, ``frames_dropped``.
        """
        before = self.get_memory_info()
        dropped = self._intake.forget_old(keep_frames)
        collected = self.force_garbage_collection()
        after = self.get_memory_info()
        return {
            "frames_dropped": dropped,
            "objects_collected": collected,
            "memory_before": before,
            "memory_after": after,
        }

    def get_configuration(self) -> dict[str, Any]:
        """Return the address and all options."""
        return {"stream_addr": self.stream_addr, "stream_port": self.stream_port, **asdict(self._intake.options)}

    def configure(self, **options: Any) -> dict[str, Any]:
        """Change options while it runs.

        Another ``buffer_length`` keeps the newest spectra. Another ``pol``, ``beam`` or ``freq_average`` begins an
        empty ring, as its rows mean something else.

        Args:
            options: of ``ReceiverOptions``.

        Returns:
            The configuration now.

        Raises:
            ValueError, TypeError: an option is wrong, or there is none of that name; nothing was changed.
        """
        self._intake.configure(options)
        logger.info("configured: %s", options)
        return self.get_configuration()
