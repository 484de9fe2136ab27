"""The averaging stage of a data recorder that publishes: gulps of spectra in, one mean about every half second out."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np
import zmq

from ..access import bind_endpoint
from ..averaging import Averager
from ..binding import bind
from .ovro_packet import encode_packet

logger = logging.getLogger("dockscope.ovro")

TICKS_PER_S = 196_000_000
LINGER_MS = 500
QUEUED_PER_VIEWER = 120  # a minute; what a viewer that stopped reading may cost, 6 MB of the usual size


class AvgStreamingOp:
    """Average gulps over time and publish the mean, as OVRO's beam recorder does.

    It binds ``stream_addr:stream_port`` at once and warns when other machines reach that address. Publishing never
    waits for a viewer. ``process`` may be called from any thread.

    Args:
        log: takes what it tells; dockscope's own logger when not given.
        iring: what ``main`` reads: gulps, or pairs of a gulp and the unix seconds at which it ended.
        ntime_gulp: spectra of a whole gulp; shorter ones are averaged all the same, by their number.
        stream_interval: seconds between two means: as near to it as whole gulps allow.
        stream_addr, stream_port: where to publish; port 0 takes any free one, ``port`` tells.
        time_tag: start of the sequence in ticks at 196 MHz since 1970; the end of the first gulp when not given.
        axis: f0 and df in Hz, for other channels than those of the recorder; told in every header.
        clock: returns unix seconds.

    Raises:
        ValueError: an argument is wrong. OSError: the address cannot be bound.
    """

    def __init__(
        self,
        log: logging.Logger | None = None,
        iring: Iterable[Any] = (),
        ntime_gulp: int = 250,
        *,
        stream_interval: float = 0.5,
        stream_addr: str = "127.0.0.1",
        stream_port: int = 9798,
        time_tag: int | None = None,
        axis: tuple[float, float] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not 0.0 < stream_interval < 1e6:
            raise ValueError(f"stream_interval: {stream_interval} is no number of seconds")
        if ntime_gulp < 1:
            raise ValueError(f"ntime_gulp: {ntime_gulp} is no number of spectra")
        self.stream_interval, self.ntime_gulp, self.time_tag = stream_interval, ntime_gulp, time_tag
        self.stream_addr = stream_addr
        self.shutdown_event = threading.Event()
        self.gulps = self.sent = self.sent_bytes = self.failed = 0
        self._log = log or logger
        self._iring, self._axis, self._clock = iring, axis, clock
        self._lock = threading.Lock()
        self._averager = Averager()
        self._last_end_t: float | None = None  # of a gulp
        self._sent_t: float | None = None
        host = f"[{stream_addr}]" if ":" in stream_addr else stream_addr
        endpoint = bind_endpoint(f"tcp://{host}:{stream_port}", insecure=True)
        self._context = zmq.Context()
        self._socket: zmq.Socket[bytes] | None = self._context.socket(zmq.PUB)
        self._socket.setsockopt(zmq.SNDHWM, QUEUED_PER_VIEWER)
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)
        try:
            bind(self._socket, endpoint)
        except BaseException:
            self._context.destroy(linger=0)
            raise
        self.stream_port = int(self._socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
        self._log.info("streaming to %s:%d every %g s", stream_addr, self.stream_port, stream_interval)

    @property
    def port(self) -> int:
        """The port it is bound to."""
        return self.stream_port

    def main(self) -> None:
        """Process all gulps of ``iring``, until it ends or ``shutdown`` is called; the rest is published."""
        for entry in self._iring:
            if self.shutdown_event.is_set():
                break
            gulp, end_t = entry if isinstance(entry, tuple) else (entry, None)
            self.process(gulp, end_t)
        self.flush()
        self._log.info("streaming ended after %d gulps, %d sent", self.gulps, self.sent)

    def process(self, gulp: np.ndarray, end_t: float | None = None) -> bool:
        """Take one gulp; publish the mean when it is time.

        Args:
            gulp: [ntime, nbeam, nchan, npol] real powers, of one size from one call to the next: another size
                publishes what waits and begins anew.
            end_t: when the gulp ended, unix seconds; now when not given.

        Returns:
            Whether a mean was published.

        Raises:
            ValueError: it is no such array, or the operation was shut down.
        """
        gulp = np.asarray(gulp)
        if gulp.ndim != 4 or 0 in gulp.shape or gulp.dtype.kind not in "fiub":
            raise ValueError(f"gulp: {gulp.dtype} of shape {gulp.shape}, not real [ntime, nbeam, nchan, npol]")
        with self._lock:
            if self._socket is None:
                raise ValueError("gulp: the operation was shut down")
            end_t = self._clock() if end_t is None else end_t
            if not self._averager.fits(gulp):
                self._publish()
            step_s = 0.0 if self._last_end_t is None else end_t - self._last_end_t
            self._averager.add(gulp)
            self.gulps += 1
            self._last_end_t = end_t
            return self._is_due(end_t, step_s) and self._publish()

    def flush(self) -> bool:
        """Publish what waits, whether or not it is time; returns whether there was any."""
        with self._lock:
            return self._publish()

    def get_statistics(self) -> dict[str, Any]:
        """Return what was taken and sent so far, and the seconds since the last mean, or None."""
        with self._lock:
            age_s = None if self._sent_t is None or self._last_end_t is None else self._last_end_t - self._sent_t
            return {
                "gulps": self.gulps,
                "sent": self.sent,
                "sent_bytes": self.sent_bytes,
                "failed": self.failed,
                "waiting_gulps": self._averager.gulps,
                "waiting_s": age_s,
                "is_running": self._socket is not None,
            }

    def shutdown(self) -> None:
        """End ``main`` and close the socket within half a second, from any thread; what waits is published."""
        self.shutdown_event.set()
        with self._lock:
            if self._socket is None:
                return
            self._publish()
            self._context.destroy()
            self._socket = None
        self._log.info("streaming is shut down")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def _is_due(self, end_t: float, step_s: float) -> bool:
        """Tell whether this gulp's end is nearer to the interval than the next one's would be."""
        return self._sent_t is None or end_t - self._sent_t + step_s / 2 >= self.stream_interval

    def _publish(self) -> bool:
        mean = self._averager.take()
        if mean is None or self._socket is None or self._last_end_t is None:
            return False
        self._sent_t = self._last_end_t
        if self.time_tag is None:
            self.time_tag = round(self._last_end_t * TICKS_PER_S)
        frames = encode_packet(
            mean,
            time_tag=self.time_tag,
            timestamp=self._clock(),
            last_block_time=_block_time(self._last_end_t),
            axis=self._axis,
        )
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.ZMQError as error:
            self.failed += 1
            self._log.error("a mean could not be sent: %s", error)
            return False
        self.sent += 1
        self.sent_bytes += sum(map(len, frames))
        if self._log.isEnabledFor(logging.DEBUG):
            statistics = float(mean.min()), float(mean.mean()), float(mean.max())
            self._log.debug("sent %s, min %g, mean %g, max %g", mean.shape, *statistics)
        return True


def _block_time(t: float) -> str:
    """Return unix seconds as the recorder writes them: UTC, to the microsecond, without a fraction when it is zero."""
    return str(dt.datetime.fromtimestamp(t, dt.UTC).replace(tzinfo=None))
