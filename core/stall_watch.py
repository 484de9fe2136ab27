"""Notice when a thread's event loop stands still, and see from another thread what it was doing.

The watched thread beats regularly. A second thread looks 100 times a second at how old the last beat is, and while it
is too old writes down the stack of the watched thread. Code that keeps the interpreter lock without letting go cannot
be seen in the act; what is then written down is the place to which it came back.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import NamedTuple

from .hub import Hub

STALL_S = 0.050
BEAT_S = 0.010
DEEPEST = 40
MOST_SAMPLES = 200  # of one stall: two seconds of it
NOTHING_SEEN = "outside of Python"
LOOP_FUNCTIONS = frozenset({"run_forever", "exec"})  # when it is found in the loop itself, native code runs


@dataclass(frozen=True)
class Stall:
    """A time in which the event loop answered nobody.

    Args:
        t: its begin, unix seconds. duration_s: its length, up to a beat less than it was.
        cpu_s: processor time that the thread got in it; far less than its length means that it waited for its turn.
        doing: what the program said it was at, "" unknown. source: key of the producer whose message was being taken.
        lines: "file:line function", where the thread was found most often; the innermost first.
    """

    t: float
    duration_s: float
    cpu_s: float
    doing: str
    source: str
    lines: tuple[str, ...]

    @property
    def where(self) -> str:
        """The innermost line."""
        return self.lines[0] if self.lines else NOTHING_SEEN


class _Sample(NamedTuple):
    beat: float  # the beat that was too old
    doing: str
    source: str
    stack: tuple[tuple[CodeType, int], ...]  # innermost first


class StallWatch:
    """Watch the thread that starts it.

    Args:
        on_stall: called in ``beat``, so in the watched thread, once a stall is over.
        doing: what the program is at, called from the watching thread.
        unseen: names of modules that only hand on, and are left out of stacks.
    """

    def __init__(
        self,
        on_stall: Callable[[Stall], None],
        doing: Callable[[], str] = lambda: "",
        unseen: Collection[str] = (),
    ) -> None:
        self._on_stall, self._doing, self._unseen = on_stall, doing, frozenset(unseen)
        self._clock = time.perf_counter
        self._cpu_at = 0.0
        self._watched = 0
        self._beat_at = 0.0
        self._samples: list[_Sample] = []
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; from now on ``beat`` must be called every BEAT_S."""
        if self._thread is not None:
            return
        self._watched = threading.get_ident()
        self._beat_at, self._cpu_at = self._clock(), time.thread_time()
        self._stopped.clear()
        self._thread = threading.Thread(target=self._look, name="dockscope-stalls", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the watching thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._stopped.set()
            thread.join()
            self._samples = []

    def beat(self) -> None:
        """Show that the loop runs; tells of the stall that ended with this."""
        before, now = self._beat_at, self._clock()
        cpu_before, cpu_now = self._cpu_at, time.thread_time()
        self._beat_at, self._cpu_at = now, cpu_now
        samples = self._samples
        if samples:
            self._samples = []
        late_s = now - before - BEAT_S
        if late_s > STALL_S and self._thread is not None:
            seen = [sample for sample in samples if sample.beat == before]
            self._on_stall(_stall(time.time() - late_s, late_s, cpu_now - cpu_before, seen))

    def _look(self) -> None:
        while not self._stopped.wait(BEAT_S):
            beat = self._beat_at
            if self._clock() - beat > STALL_S / 2 and len(self._samples) < MOST_SAMPLES:
                self._samples.append(self._sample(beat))

    def _sample(self, beat: float) -> _Sample:
        frame: FrameType | None = sys._current_frames().get(self._watched)
        stack: list[tuple[CodeType, int]] = []
        source = ""
        while frame is not None and len(stack) < DEEPEST:
            if frame.f_globals.get("__name__") not in self._unseen:
                stack.append((frame.f_code, frame.f_lineno))
            if frame.f_code is Hub.receive.__code__:
                source = str(frame.f_locals.get("key", ""))
            frame = frame.f_back
        return _Sample(beat, self._doing(), source, tuple(stack))


def _stall(t: float, duration_s: float, cpu_s: float, samples: list[_Sample]) -> Stall:
    """Sum up the samples of one stall: the stack that was seen most often, whatever the line in it."""
    if not samples:
        return Stall(t, duration_s, cpu_s, "", "", ())
    seen = Counter(_functions(sample) for sample in samples)
    commonest, _ = seen.most_common(1)[0]
    typical = next(sample for sample in samples if _functions(sample) == commonest)
    native = bool(typical.stack) and typical.stack[0][0].co_name in LOOP_FUNCTIONS
    lines = () if native else tuple(_line(*place) for place in typical.stack)
    return Stall(t, duration_s, cpu_s, typical.doing, typical.source, lines)


def _functions(sample: _Sample) -> tuple[CodeType, ...]:
    return tuple(code for code, _ in sample.stack)


def _line(code: CodeType, number: int) -> str:
    """Return "folder/file.py:line function"."""
    file = "/".join(code.co_filename.replace("\\", "/").split("/")[-2:])
    return f"{file}:{number} {code.co_qualname}"
