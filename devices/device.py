"""The base of devices that stream: subclasses say how a sample is acquired, everything else is here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Self

from .abandoned import abandon, stop_limit_s
from .lock import DeviceLock
from .locked_methods import give_lock, unlocked
from .pacing import checked_rate_hz
from .sample_queue import SampleQueue
from .stream import Stream
from .stream_statistics import StreamStatistics


class StreamingDevice:
    """A device whose ``_acquire_sample`` is called at a rate in a thread of its own.

    Samples go through a bounded queue to a second thread, which calls back: a callback that takes its time, or
    raises, does not disturb acquisition. ``_ld_lock`` is there before ``__init__``; public methods of subclasses run
    inside it, the streaming threads outside.

    Args:
        device_id: its name. queue_size: samples that wait for the callback at most.
        policy: what happens beyond, one of drop_oldest, drop_newest, block and decimate; see ``sample_queue.Policy``.

    Raises:
        ValueError: an argument is out of bounds.
    """

    _ld_lock: DeviceLock

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """Give the device its lock before ``__init__``."""
        device = super().__new__(cls)
        give_lock(device)
        return device

    def __init__(self, device_id: str, *, queue_size: int = 1000, policy: str = "drop_oldest") -> None:
        SampleQueue(queue_size, policy)  # checks both at the call, not at the first start
        self.device_id = device_id
        self._queue_size = queue_size
        self._policy = policy
        self._stream: Stream | None = None
        self._earlier = StreamStatistics()
        self._changing = threading.Lock()

    def connect(self) -> None:
        """Open the link to the device; nothing here."""

    def disconnect(self) -> None:
        """Stop streaming; subclasses close their link after it."""
        self.stop_streaming()

    def start_streaming(
        self, callback: Callable[..., object], sample_rate: float = 10.0, *, timed: bool = False
    ) -> None:
        """Acquire samples and call back with each, outside the lock, until stopped.

        Args:
            callback: called with (value), or with (value, t), in the callback thread of the stream.
            sample_rate: samples per second. timed: hand the time of the acquisition over, t in unix s.

        Raises:
            RuntimeError: it is streaming. TypeError, ValueError: an argument is wrong.
        """
        if not callable(callback):
            raise TypeError(f"callback must be callable, not {type(callback).__name__}")
        rate_hz = checked_rate_hz(sample_rate)
        with self._changing:
            before = self._stream
            if before is not None and before.is_running:
                raise RuntimeError(f"{self.device_id} is already streaming")
            stream = Stream(
                self.device_id,
                acquire=self._acquire_sample,
                keep_going=self._on_acquisition_error,
                callback=callback if timed else lambda value, _: callback(value),
                rate_hz=rate_hz,
                queue=SampleQueue(self._queue_size, self._policy, rate_hz=rate_hz),
                latest=before and before.latest,
                after=before,
            )
            stream.start()
            if before is not None:
                self._earlier += before.statistics()
            self._stream = stream

    def stop_streaming(self, timeout: float | None = None) -> bool:
        """Stop, and wait for the end of both threads; nothing is called back after the return.

        From the callback it waits for acquisition alone, from ``_acquire_sample`` for nothing; the calling thread ends
        on its return. A thread that does not end in time is left behind: it never delivers again, and the log tells of
        it. While this waits, ``_ld_lock`` is released, also when other public methods of this thread hold it.

        Args:
            timeout: the longest wait in s for both together; 10 s when not given.

        Returns:
            Whether all threads ended.
        """
        with self._changing:
            stream = self._stream
        if stream is None:
            return True
        stream.stop()
        limit_s = stop_limit_s(timeout)
        with self._ld_lock.released():
            stuck = stream.join(limit_s)
            if stuck:
                self._leave(stream, stuck, limit_s)
        return not stuck

    def is_streaming(self) -> bool:
        """Tell whether samples are acquired or still called back with."""
        with self._changing:
            return self._stream is not None and self._stream.is_running

    def get_latest_data(self) -> Any:
        """Return the sample that was acquired last; None before the first."""
        return self._stream and self._stream.latest

    def get_error_count(self) -> int:
        """Return how many callbacks raised, in all streams of this device."""
        return self.statistics().callback_errors

    @unlocked
    def statistics(self) -> StreamStatistics:
        """Return the counts of all streams of this device; answers at once."""
        with self._changing:
            return self._earlier + self._stream.statistics() if self._stream else self._earlier

    def _leave(self, stream: Stream, stuck: list[threading.Thread], limit_s: float) -> None:
        with self._changing:
            is_known, stream.is_abandoned = stream.is_abandoned, True
        if not is_known:
            names = " and ".join(thread.name for thread in stuck)
            abandon(stuck, f"{names} did not end within {limit_s:g} s, left behind")
            self._ld_lock.disown(stuck)

    def _acquire_sample(self) -> Any:
        """Return one sample; called in the acquisition thread, outside the lock."""
        raise NotImplementedError(f"{type(self).__name__} does not say how a sample is acquired")

    def _on_acquisition_error(self, error: Exception) -> bool:
        """Decide whether the stream goes on after an error of ``_acquire_sample``; it ends here."""
        del error
        return False
