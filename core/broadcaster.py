"""What a program calls to be watched and steered."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from .access import TokenFile, bind_endpoint
from .checkpoint import RunControl
from .ending import Ending, detach_in_child, outcome_of
from .frame_rate import FrameRate
from .history import History
from .io_thread import IoThread
from .messages import DataRecord, Hello, Kind, LogRecord, Message, PlacementFrame, PlacementScene, Spectrum, Status
from .metric_values import make_block
from .publish_arguments import amount, frequency_axis, names, positive, scalar
from .publish_queue import PublishQueue
from .run_control import Command
from .scene_numbers import SceneNumbers
from .shared_frames import share
from .timestamps import unix_nanoseconds, unix_seconds
from .wire import encode_payload
from .wire_arrays import real_numbers
from .wire_encode import MAX_FIELDS
from .wire_values import check_text

MEBI = 2**20
CAPABILITIES = tuple(command.value for command in Command)


class Broadcaster:
    """Publish what a program does, and let viewers pause, resume and stop it.

    Every ``publish_…`` is synchronous, may be called from any thread and from async code, never blocks, and raises only
    for wrong arguments. What nobody takes in time is dropped, oldest first, and counted. After ``close`` and in a
    forked child publishing does nothing.

    Args:
        url: where viewers connect, ``tcp://127.0.0.1:5560`` or ``ipc:///path``; port 0 takes any free one.
        name: what viewers call this producer; None is the script's name.
        history: newest samples of each series kept for viewers that come later; older ones keep their shape.
        history_bytes: memory for all that is kept.
        queue_bytes: memory for what is published and not yet taken.
        max_fps: placement frames a second that are passed on; the last one always is.
        linger: seconds that the end may take until the last messages are out.
        insecure: allow an address that other machines reach.

    Raises:
        TypeError, ValueError: a wrong argument. OSError: the port is taken, or the address cannot be bound.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str | None = None,
        history: int = 100_000,
        history_bytes: int = 256 * MEBI,
        queue_bytes: int = 64 * MEBI,
        max_fps: float | None = None,
        linger: float = 1.0,
        insecure: bool = False,
    ) -> None:
        self.name = check_text(_script_name() if name is None else name, "name")
        self._linger_s = amount(linger, "linger")
        rate = FrameRate(None if max_fps is None else positive(max_fps, "max_fps"))
        kept = History(
            int(amount(history, "history")),
            int(amount(history_bytes, "history_bytes")),
            int(amount(queue_bytes, "queue_bytes")),
        )
        endpoint = bind_endpoint(url, insecure)
        self._queue = PublishQueue(int(queue_bytes))
        try:
            self._io = IoThread(endpoint, queue=self._queue, history=kept, rate=rate)
        except BaseException:
            self._queue.close()
            raise
        self._url = _told_url(url, self._io.endpoint)
        self._control = RunControl(self._io.emit)
        self._scenes = SceneNumbers()
        if type(self).publish_metric is Broadcaster.publish_metric:
            self.publish_metric = self._queue.publish_metric
        self._start()

    def _start(self) -> None:
        producer = secrets.token_bytes(16)
        tokens = TokenFile(self._url, producer, self.name)
        tokens.write()
        hello = Hello(
            producer=producer,
            name=self.name,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=metadata.version("dockscope"),
            started_ns=time.time_ns(),
            capabilities=CAPABILITIES,
        )
        self._io.start(hello, tokens, self._control)
        self._ending = Ending(self._queue, self._control, self._io, tokens, self._linger_s)
        self._finalizer = weakref.finalize(self, self._ending.end_of_process)
        os.register_at_fork(after_in_child=detach_in_child(weakref.ref(self._ending)))

    # -- the run -----------------------------------------------------------------------------------------------

    @property
    def control(self) -> RunControl:
        """Pause, resume, stop and live parameters."""
        return self._control

    @property
    def url(self) -> str:
        """Where viewers connect, with the real port."""
        return self._url

    @property
    def viewers(self) -> int:
        """How many viewers are subscribed now."""
        return len(self._io.publisher.subscriptions)

    def statistics(self) -> dict[str, Any]:
        """Tell what has happened so far.

        Returns:
            ``published`` messages by kind (metric: samples), ``dropped`` likewise by (kind, stream), ``thinned``
            frames kept back by ``max_fps``, ``discarded`` after close or in a forked child: together all that was
            handed over. ``viewers``, ``sent_bytes``, ``queue_bytes`` and ``history_bytes`` waiting and kept,
            ``malformed`` messages received.
        """
        publisher = self._io.publisher
        return {
            "published": dict(publisher.published),
            "dropped": publisher.dropped(),
            "thinned": publisher.thinned(),
            "discarded": self._queue.discarded,
            "viewers": self.viewers,
            "sent_bytes": publisher.sent_bytes(),
            "queue_bytes": publisher.queue_bytes,
            "history_bytes": self._io.history.nbytes,
            "malformed": self._io.complaints.count,
        }

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was published so far is numbered, kept, and on its way as far as viewers take it.

        Args:
            timeout: longest wait, seconds; None is without end. No viewer is ever waited for.

        Returns:
            True when done, False when the time was over or the broadcaster is closed.
        """
        longest_s = None if timeout is None else amount(timeout, "timeout")
        if not self._queue.open or not self._io.alive:
            return False
        return self._io.flush(longest_s)

    def close(self, outcome: str | None = None) -> None:
        """Send what waits to viewers that take it, tell all that the run has ended, and free the port.

        Args:
            outcome: "finished", "stopped" or "error"; None is "stopped" when a loop obeyed a stop, else "finished".

        Raises:
            ValueError: another outcome.
        """
        if outcome not in (None, "finished", "stopped", "error"):
            raise ValueError(f"outcome: {outcome!r} is none of finished, stopped, error")
        self._ending.end(outcome)
        self._finalizer.detach()

    def __enter__(self) -> Self:
        """Give itself, to be closed at the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close, with the outcome that the block had."""
        self.close(outcome_of(error))

    # -- publishing --------------------------------------------------------------------------------------------

    def publish_metric(self, name: str, value: float, *, timestamp: Any = None, **extra: Any) -> None:
        """Publish one sample of a metric.

        Args:
            name: of the metric and its plot, at most 256 bytes.
            value: any real number; NaN and infinities are data too.
            timestamp: unix seconds, an aware datetime or a datetime64; None is now.
            extra: numbers become columns; text becomes labels, and each combination of labels a curve of its own;
                None is left out.

        Raises:
            TypeError, ValueError: names the argument.
        """
        self._queue.publish_metric(name, value, timestamp=timestamp, **extra)

    def publish_metrics(self, values: Mapping[str, float], *, timestamp: Any = None, **extra: Any) -> None:
        """Publish one sample of several metrics, at one time and with the same extras; see ``publish_metric``."""
        if not isinstance(values, Mapping):
            raise TypeError(f"values: must be a mapping of names to numbers, not {type(values).__name__}")
        t = unix_seconds(timestamp)
        self._queue.put_samples([self._queue.check_sample(name, value, t, extra) for name, value in values.items()])

    def publish_series(
        self,
        name: str,
        values: Any,
        timestamps: Any = None,
        *,
        copy: bool = False,
        timestamp: Any = None,
        **extra: Any,
    ) -> None:
        """Publish many samples of a metric as arrays.

        Args:
            name: of the metric.
            values: n numbers.
            timestamps: n times (unix seconds or datetime64), or one for all; None is now.
            copy: False uses the arrays themselves, which must stay as they are until ``flush``.
            timestamp: one time for all samples, when ``timestamps`` is not given.
            extra: as for ``publish_metric``; a column may be an array of n numbers.

        Raises:
            TypeError, ValueError: names the argument.
        """
        self._queue.check_name(name)
        if timestamps is None:
            timestamps = unix_seconds(timestamp)
        block = make_block(name, values, timestamps, extra, copy)
        if len(block.value):
            self._queue.put_block(block)

    def publish_data(self, stream_name: str, data: Any, *, timestamp: Any = None) -> None:
        """Publish the latest value of a free-form stream.

        Args:
            stream_name: at most 256 bytes.
            data: text, numbers, None, bytes, arrays, datetimes, and lists and dicts of them, nested at most 64 deep.
            timestamp: see ``publish_metric``.

        Raises:
            TypeError, ValueError: names the argument.
        """
        self._put(Kind.DATA, stream_name, DataRecord(data, 0.0), timestamp, "stream_name")

    def publish_log(self, level: str, message: str, *, timestamp: Any = None, **fields: Any) -> None:
        """Publish a log line.

        Args:
            level: such as debug, info, warning, error.
            message: text; beyond 64 KiB it is cut and says so.
            timestamp: see ``publish_metric``.
            fields: text and numbers shown with it; None is left out.

        Raises:
            TypeError, ValueError: names the argument.
        """
        check_text(level, "level", 64)
        if len(fields) > MAX_FIELDS:
            raise ValueError(f"fields: more than {MAX_FIELDS}")
        kept = {check_text(key, "fields"): scalar(item, key) for key, item in fields.items() if item is not None}
        self._put(Kind.LOG, "", LogRecord(level, message, kept, unix_seconds(timestamp)), None)

    def publish_status(self, status: str, message: str, *, timestamp: Any = None) -> None:
        """Publish the phase the program is in.

        Args:
            status: info, warning, error or complete.
            message: text.
            timestamp: see ``publish_metric``.

        Raises:
            TypeError, ValueError: names the argument.
        """
        self._put(Kind.STATUS, "", Status(status, message, unix_seconds(timestamp)), None)

    def publish_spectrum(
        self,
        stream: str,
        power: Any,
        *,
        frequencies: Any,
        polarizations: Sequence[str] | None = None,
        duration: float | None = None,
        unit: str = "",
        timestamp: Any = None,
        **fields: float,
    ) -> None:
        """Publish one row of a waterfall.

        Args:
            stream: its name.
            power: f4[channels] or f4[polarizations, channels], linear.
            frequencies: Hz, centre of each channel.
            polarizations: their names.
            duration: of the integration, seconds.
            unit: of power.
            timestamp: middle of the integration; see ``publish_metric``.
            fields: numbers that belong to the row.

        Raises:
            TypeError, ValueError: names the argument.
        """
        rows = np.atleast_2d(real_numbers(power, "power"))
        f_hz, f0, df = frequency_axis(frequencies, rows.shape[-1])
        spectrum = Spectrum(
            power=rows,
            t=unix_seconds(timestamp),
            f0=f0,
            df=df,
            duration=None if duration is None else amount(duration, "duration"),
            unit=unit,
            polarizations=names(polarizations, "polarizations"),
            fields=fields,
            frequencies=f_hz,
        )
        self._put(Kind.SPECTRUM, stream, spectrum, None)

    def publish_scene(self, stream: str, scene: PlacementScene, *, timestamp: Any = None) -> None:
        """Publish the fixed part of a placement: board, parts, nets.

        Args:
            stream: its name; frames of the same stream belong to it.
            scene: its number 0 is replaced by a new one.
            timestamp: see ``publish_metric``.

        Raises:
            TypeError, ValueError: names the argument.
        """
        if not isinstance(scene, PlacementScene):
            raise TypeError(f"scene: must be a PlacementScene, not {type(scene).__name__}")
        check_text(stream, "stream")
        self._put(Kind.SCENE, stream, self._scenes.number(stream, scene), timestamp)

    def publish_frame(self, stream: str, frame: PlacementFrame, *, timestamp: Any = None) -> None:
        """Publish where the parts are now.

        Args:
            stream: that of the scene.
            frame: its scene number 0 is replaced by that of the stream's newest scene.
            timestamp: see ``publish_metric``.

        Raises:
            TypeError, ValueError: names the argument.
        """
        if not isinstance(frame, PlacementFrame):
            raise TypeError(f"frame: must be a PlacementFrame, not {type(frame).__name__}")
        check_text(stream, "stream")
        self._put(Kind.FRAME, stream, self._scenes.fill_in(stream, frame), timestamp)

    def _put(self, kind: Kind, stream: str, message: Message, timestamp: Any, argument: str = "stream") -> None:
        """Encode in the caller's thread, so that its mistakes are its exceptions, and queue."""
        sent_ns = unix_nanoseconds(timestamp)
        check_text(stream, argument)
        self._queue.put_message(share(encode_payload(kind, stream, message, copy=False)), sent_ns)


def _script_name() -> str:
    return Path(sys.argv[0]).stem[:64] or "producer" if sys.argv else "producer"


def _told_url(url: str, endpoint: str) -> str:
    scheme = url.partition("://")[0]
    return f"{scheme}://{endpoint.partition('://')[2]}"
