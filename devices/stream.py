"""One stream of a device, from start to stop: a thread that acquires, a queue, a thread that calls back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from .pacing import Pacer
from .sample_queue import SampleQueue
from .stream_statistics import StreamStatistics

logger = logging.getLogger("dockscope.devices")

ERRORS_IN_A_ROW = 10  # of the callback; one more ends the stream
PREDECESSOR_LIMIT_S = 2.0


class Stream:
    """The threads and counts of one stream. Once stopped it never delivers again, even when a thread of it still lives.

    Args:
        device_id: for names of threads and the log. acquire: returns a sample, in the acquisition thread.
        keep_going: told an error of ``acquire``, returns whether the stream goes on. callback: called with
            (value, t), t in unix s taken right after the acquisition. rate_hz: ticks of the acquisition.
        queue: between the two threads. latest: sample of an earlier stream. after: an earlier stream; when its
            acquisition still runs, the first sample waits for its end, at most 2 s.
    """

    def __init__(
        self,
        device_id: str,
        *,
        acquire: Callable[[], Any],
        keep_going: Callable[[Exception], bool],
        callback: Callable[[Any, float], object],
        rate_hz: float,
        queue: SampleQueue[tuple[Any, float]],
        latest: Any = None,
        after: Stream | None = None,
    ) -> None:
        self.latest = latest
        self.is_abandoned = False
        self._device_id = device_id
        self._acquire = acquire
        self._keep_going = keep_going
        self._callback = callback
        self._pacer = Pacer(rate_hz)
        self._queue = queue
        self._samples = self._delivered = self._callback_errors = self._acquisition_errors = 0
        self._reason = ""
        self._told: set[type[Exception]] = set()
        self._predecessor = after and after._acquisition
        self._acquisition = threading.Thread(target=self._acquire_all, name=f"acquisition of {device_id}", daemon=True)
        self._delivery = threading.Thread(target=self._deliver_all, name=f"callback of {device_id}", daemon=True)

    @property
    def is_stopped(self) -> bool:
        """Tell whether it was stopped, or ended by itself."""
        return self._pacer.is_stopped

    @property
    def is_running(self) -> bool:
        """Tell whether it acquires, or still calls back with what it acquired."""
        return not self.is_stopped and (self._acquisition.is_alive() or self._delivery.is_alive())

    def statistics(self) -> StreamStatistics:
        """Return the counts of this stream."""
        return StreamStatistics(
            samples=self._samples,
            delivered=self._delivered,
            dropped=self._queue.dropped,
            missed=self._pacer.missed,
            callback_errors=self._callback_errors,
            acquisition_errors=self._acquisition_errors,
            reason=self._reason,
        )

    def start(self) -> None:
        """Start both threads."""
        self._delivery.start()
        try:
            self._acquisition.start()
        except RuntimeError:  # the system gives no more threads
            self.stop()
            raise

    def stop(self) -> None:
        """Ask both threads to end and discard what waits; returns at once."""
        self._pacer.stop()
        self._queue.close(discard=True)

    def join(self, limit_s: float) -> list[threading.Thread]:
        """Wait for the end of the threads; one of its own threads does not wait for itself.

        Acquisition does not wait for the callback either, which may be waiting for acquisition in a stop of its own.

        Returns:
            The threads that did not end in time.
        """
        until_s = time.monotonic() + limit_s
        caller = threading.current_thread()
        if caller is self._acquisition:
            return []
        awaited = [thread for thread in (self._acquisition, self._delivery) if thread is not caller]
        for thread in awaited:
            thread.join(max(0.0, until_s - time.monotonic()))
        return [thread for thread in awaited if thread.is_alive()]

    def _acquire_all(self) -> None:
        try:
            if self._predecessor is not None:
                self._let_end(self._predecessor)
                self._predecessor = None
            while self._pacer.wait() and self._acquire_one():
                pass
        finally:
            self._queue.close()

    def _let_end(self, predecessor: threading.Thread) -> None:
        until_s = time.monotonic() + PREDECESSOR_LIMIT_S
        while predecessor.is_alive() and not self.is_stopped and time.monotonic() < until_s:
            predecessor.join(0.02)

    def _acquire_one(self) -> bool:
        try:
            value = self._acquire()
            t = time.time()
        except Exception as error:  # noqa: BLE001 - drivers raise anything; the device decides
            return not self.is_stopped and self._outlives(error)
        if self.is_stopped:
            return False
        self._samples += 1
        self.latest = value
        self._queue.put((value, t))
        return True

    def _outlives(self, error: Exception) -> bool:
        self._acquisition_errors += 1
        try:
            if self._keep_going(error):
                return True
        except Exception as hook_error:  # noqa: BLE001 - the same
            error = hook_error
        if not self.is_stopped:
            self._end(f"acquiring a sample failed: {_sentence(error)}")
        return False

    def _deliver_all(self) -> None:
        errors_in_a_row = 0
        try:
            while (sample := self._queue.get()) is not None:
                try:
                    self._callback(*sample)
                except Exception as error:  # noqa: BLE001 - callbacks raise anything
                    errors_in_a_row += 1
                    self._count(error)
                    if errors_in_a_row > ERRORS_IN_A_ROW:
                        self._end(f"its callback failed {errors_in_a_row} times in a row, last with {_sentence(error)}")
                        break
                else:
                    errors_in_a_row = 0
                    self._delivered += 1
        finally:
            self.stop()

    def _count(self, error: Exception) -> None:
        self._callback_errors += 1
        if type(error) not in self._told:
            self._told.add(type(error))
            logger.warning(
                "%s: its callback raised %s; more errors of this kind are only counted",
                *(self._device_id, _sentence(error)),
            )
            logger.debug("%s: where its callback raised", self._device_id, exc_info=error)

    def _end(self, reason: str) -> None:
        self._reason = reason
        logger.error("%s stopped streaming: %s", self._device_id, reason)


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
