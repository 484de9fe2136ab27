"""What the program published and the I/O thread has not taken yet: two bounded queues that drop their oldest.

Metric samples go through one deque with no lock at all, for append and popleft are atomic; encoded messages go through
another, whose bytes are counted under a lock. The I/O thread is woken by a byte through a socket pair, but only when it
sleeps: while it is busy, publishing makes no system call.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import Counter, deque
from itertools import repeat, starmap
from typing import Any, NamedTuple, Protocol

from .messages import Kind
from .metric_values import Block, SeriesKey, number, split_extra
from .timestamps import unix_seconds
from .wire import Payload
from .wire_values import EXACT, check_text

SAMPLE_BYTES = 256  # what one queued sample costs in this process, with its tuple and numbers
MAX_NAMES = 65_536

# (name, t, value, step or None), or (name, t, value, (key, columns)), or ("", 0.0, 0.0, Block)
Sample = tuple[str, float, float, Any]


class PublishMetric(Protocol):
    """The call that publishes one sample."""

    def __call__(
        self, name: str, value: float, *, step: float | None = None, timestamp: Any = None, **extra: Any
    ) -> None:
        """Publish one sample of a metric."""


class Queued(NamedTuple):
    """An encoded message on its way to the I/O thread; ``sent_ns`` is when it was published."""

    payload: Payload
    sent_ns: int


class PublishQueue:
    """Take what any thread publishes, without ever blocking it.

    Args:
        max_bytes: bound of the encoded messages, and of the samples, in memory.
    """

    def __init__(self, max_bytes: int) -> None:
        self.samples: deque[Sample] = deque()
        self.messages: deque[Queued] = deque()
        self.message_bytes = 0
        self._dropped: Counter[tuple[str, str]] = Counter()
        self.sleeping: list[bool] = []  # not empty while the I/O thread waits for something to happen
        self.names: set[str] = set()  # metric names that were checked
        self.open = True
        self.samples_gone = 0  # taken or dropped, since the start
        self.messages_gone = 0
        self._max_bytes = max_bytes
        self._max_samples = max(1000, max_bytes // SAMPLE_BYTES)
        self._block_bytes = 0
        self._discarded = 0
        self._finished = False
        self._lock = threading.Lock()
        self.receiver, self._sender = socket.socketpair()
        self.receiver.setblocking(False)
        self._sender.setblocking(False)
        self.publish_metric, self._detach_metric = self._bind()

    def _bind(self) -> tuple[PublishMetric, Any]:
        """Make the hot path: a closure over local names, measured at twice the speed of a method."""
        samples, sleeping, names, limit = self.samples, self.sleeping, self.names, self._max_samples
        append, now, check, shed, wake = samples.append, time.time, self.check_sample, self._shed_samples, self.wake
        low, high = -EXACT, EXACT

        def publish_metric(
            name: str, value: float, *, step: float | None = None, timestamp: Any = None, **extra: Any
        ) -> None:
            try:
                plain = name in names and type(value) is float and timestamp is None and not extra
            except TypeError:  # a name that cannot be hashed; what costs nothing until it happens
                plain = False
            if plain and (step is None or (type(step) is int and low <= step <= high)):
                append((name, now(), value, step))
            else:
                append(check(name, value, timestamp, extra if step is None else {**extra, "step": step}))
            if len(samples) > limit:
                shed()
            if sleeping:
                wake()

        def detach() -> None:
            nonlocal append
            append = self._discard

        return publish_metric, detach

    def check_sample(self, name: Any, value: Any, timestamp: Any, extra: dict[str, Any]) -> Sample:
        """Check one sample that is not of the plainest form.

        Raises:
            TypeError, ValueError: the text names the argument.
        """
        self.check_name(name)
        checked = number(value, "value")
        t = unix_seconds(timestamp)
        labels, fields, columns = split_extra(extra)
        if not fields and not labels:
            return name, t, checked, None
        if fields == ("step",) and not labels:
            return name, t, checked, columns[0]
        return name, t, checked, (SeriesKey(name, labels, fields), columns)

    def check_name(self, name: Any) -> None:
        """Check a metric name, once for each.

        Raises:
            TypeError, ValueError: not text, or longer than 256 bytes.
        """
        check_text(name, "name")
        if len(self.names) < MAX_NAMES:
            self.names.add(str(name))

    def put_samples(self, samples: list[Sample]) -> None:
        """Queue samples that are checked."""
        if not self.open:
            self._discard(number=len(samples))
            return
        self.samples.extend(samples)
        if len(self.samples) > self._max_samples:
            self._shed_samples()
        if self.sleeping:
            self.wake()

    def put_block(self, block: Block) -> None:
        """Queue many samples of one series."""
        if not self.open:
            self._discard(number=len(block.value))
            return
        with self._lock:
            self._block_bytes += _block_bytes(block)
            self.samples.append(("", 0.0, 0.0, block))
        while self._block_bytes > self._max_bytes and len(self.samples) > 1:
            self._shed_one()
        if self.sleeping:
            self.wake()

    def put_message(self, payload: Payload, sent_ns: int) -> None:
        """Queue an encoded message; the oldest give way when the bytes are too many."""
        if not self.open:
            self._discard()
            return
        with self._lock:
            self.messages.append(Queued(payload, sent_ns))
            self.message_bytes += payload.nbytes
            while self.message_bytes > self._max_bytes and len(self.messages) > 1:
                oldest = self.messages.popleft().payload
                self.message_bytes -= oldest.nbytes
                self.messages_gone += 1
                self._drop(oldest.kind.value, oldest.stream)
        if self.sleeping:
            self.wake()

    def take_message(self) -> Queued | None:
        """Take the oldest message, or None; for the I/O thread."""
        with self._lock:
            if not self.messages:
                return None
            queued = self.messages.popleft()
            self.message_bytes -= queued.payload.nbytes
            self.messages_gone += 1
            return queued

    def take_samples(self, limit: int) -> list[Sample]:
        """Take the oldest samples; for the I/O thread. While blocks wait they come one at a time: each is much work."""
        number, popleft = min(limit, len(self.samples)), self.samples.popleft
        taken: list[Sample] = []
        with contextlib.suppress(IndexError):  # a publishing thread may shed at the same time
            if self._block_bytes:
                for _ in range(number):
                    taken.append(popleft())
                    if type(taken[-1][3]) is Block:
                        break
            else:
                taken.extend(starmap(popleft, repeat((), number)))  # a quarter of the time of the loop above
        with self._lock:
            self.samples_gone += len(taken)
            if self._block_bytes:
                self._block_bytes -= sum(_block_bytes(sample[3]) for sample in taken if type(sample[3]) is Block)
        return taken

    def waiting(self) -> bool:
        """Tell whether anything is queued."""
        return bool(self.samples or self.messages)

    @property
    def nbytes(self) -> int:
        """Estimate the memory of what is queued, bytes."""
        return self.message_bytes + self._block_bytes + SAMPLE_BYTES * len(self.samples)

    def _shed_samples(self) -> None:
        while len(self.samples) > self._max_samples:
            self._shed_one()

    def _shed_one(self) -> None:
        with self._lock, contextlib.suppress(IndexError):
            extra = self.samples.popleft()[3]
            self.samples_gone += 1
            block = extra if type(extra) is Block else None
            self._block_bytes -= 0 if block is None else _block_bytes(block)
            self._drop(Kind.METRIC.value, "", 1 if block is None else len(block.value))

    def _discard(self, _sample: Sample | None = None, number: int = 1) -> None:
        """Count what is published after the end, or in a forked child."""
        with self._lock:
            self._discarded += number

    @property
    def discarded(self) -> int:
        """Samples and messages published after the end, or in a forked child."""
        if not self._finished:
            return self._discarded
        # A thread that was in the middle of its call when all ended has queued what nobody takes any more.
        samples = sum(len(one[3].value) if type(one[3]) is Block else 1 for one in list(self.samples))
        return self._discarded + samples + len(self.messages)

    def drop(self, kind: str, stream: str, number: int = 1) -> None:
        """Count what is lost before it has a number."""
        with self._lock:
            self._drop(kind, stream, number)

    def _drop(self, kind: str, stream: str, number: int = 1) -> None:
        self._dropped[kind, stream] += number

    def dropped(self) -> dict[tuple[str, str], int]:
        """Return what was lost before it had a number, by kind and stream."""
        with self._lock:
            return dict(self._dropped)

    def wake(self) -> None:
        """Wake the I/O thread when it sleeps; only the first of many callers pays for it."""
        with contextlib.suppress(IndexError, OSError):  # another thread woke it, or it is gone
            self.sleeping.pop()
            self._sender.send(b"w")

    def was_woken(self) -> None:
        """Read the wake-up bytes away; for the I/O thread."""
        with contextlib.suppress(BlockingIOError):
            while self.receiver.recv(4096):
                continue

    def shut(self) -> None:
        """From now on count what is published, and keep none of it."""
        self.open = False
        self._detach_metric()

    def detach(self) -> None:
        """Do the same in a forked child, whose locks and sockets belong to its parent."""
        self.shut()
        self.sleeping.clear()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the socket pair; for the I/O thread, at its end."""
        self._finished = True
        self.sleeping.clear()
        self.receiver.close()
        self._sender.close()


def _block_bytes(block: Block) -> int:
    return 8 * len(block.value) * (2 + len(block.columns))
