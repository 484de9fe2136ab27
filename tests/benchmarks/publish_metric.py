"""What publishing costs the loop that is watched: the call itself, and the I/O thread's share of the GIL."""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import rerun
import zmq

from dockscope import Broadcaster
from dockscope.core.io_thread import IoThread

from .entry import ROUNDS, Entry, alternating

CALLS_PER_S = 100_000
BURST = 500
SECONDS = 0.6


def rows() -> Iterator[Entry]:
    """Yield publish_metric_call, publish_metric_floor and publish_metric_flush."""
    with Broadcaster("tcp://127.0.0.1:0", name="bench") as broadcaster:

        def ours() -> float:
            publish = broadcaster.publish_metric
            return paced(lambda i: publish("loss", 0.5, step=i))

        with tempfile.TemporaryDirectory() as folder:
            log = _rerun(Path(folder))
            value, of_rerun = alternating(ours, lambda: paced(log))
        yield Entry("publish_metric_call", value, "rerun.log(Scalars) into a file", of_rerun)
        value, of_floor = alternating(ours, lambda: paced(_floor()), rounds=7)
        yield Entry("publish_metric_floor", value, "deque(maxlen=100_000, full).append", of_floor)
    yield Entry("publish_metric_flush", statistics.median(_flush_us() for _ in range(ROUNDS)))


def paced(call: Callable[[int], object]) -> float:
    """Make calls in bursts at a given rate.

    Returns:
        µs per call, the pauses between the bursts not counted.
    """
    spent_s, calls = 0.0, 0
    start = time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        begin = time.perf_counter()
        for i in range(calls, calls + BURST):
            call(i)
        spent_s += time.perf_counter() - begin
        calls += BURST
        time.sleep(max(0.0, start + calls / CALLS_PER_S - time.perf_counter()))
    return spent_s / calls * 1e6


def _floor() -> Callable[[int], object]:
    full = [("loss", 0.5, i, 0.0) for i in range(100_000)]
    append = deque(full, maxlen=len(full)).append
    now = time.time
    return lambda i: append(("loss", 0.5, i, now()))


def _rerun(folder: Path) -> Callable[[int], object]:
    rerun.init("dockscope-bench")
    rerun.save(str(folder / "bench.rrd"))

    def log(i: int) -> None:
        rerun.set_time("step", sequence=i)
        rerun.log("loss", rerun.Scalars(0.5))

    return log


def _flush_us() -> float:
    """Return CPU time of the I/O thread per sample, µs, but what it spends in poll, which leaves the GIL to others."""
    before = set(threading.enumerate())
    with Broadcaster("tcp://127.0.0.1:0", name="bench") as broadcaster:
        (thread,) = set(threading.enumerate()) - before
        waits = _TimedPoller(broadcaster._io)
        publish = broadcaster.publish_metric
        paced(lambda i: publish("loss", 0.5, step=i))
        broadcaster.flush(5.0)
        start_s, start = _cpu_s(thread) - waits.spent_s, time.perf_counter()
        calls = 0
        while time.perf_counter() - start < 2 * SECONDS:
            for i in range(BURST):
                publish("loss", 0.5, step=i)
            calls += BURST
            time.sleep(max(0.0, start + calls / CALLS_PER_S - time.perf_counter()))
        broadcaster.flush(5.0)
        return (_cpu_s(thread) - waits.spent_s - start_s) / calls * 1e6


class _TimedPoller(zmq.Poller):
    """Takes the place of the poller of an I/O thread and adds up the CPU time of its polls."""

    def __init__(self, io_thread: IoThread) -> None:
        super().__init__()
        self.spent_s = 0.0
        for socket, events in io_thread._poller.sockets:
            self.register(socket, events)
        io_thread._poller = self

    def poll(self, timeout: int | None = None) -> list[tuple[Any, int]]:
        start_s = time.thread_time()
        events = super().poll(timeout)
        self.spent_s += time.thread_time() - start_s
        return events


def _cpu_s(thread: threading.Thread) -> float:
    return int(Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text().split()[0]) / 1e9
