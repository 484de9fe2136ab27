"""Long forms: a stopped viewer under full load, and many viewers that join it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import numpy as np
import psutil
import pytest

from dockscope import Broadcaster, PlacementFrame
from raw_viewer import RawViewer

WaitFor = Callable[..., Any]
PARTS = 700_000  # 8.4 MB a frame
READER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from raw_viewer import RawViewer, arrays
seen, frames, spans = 0, [], {}
with RawViewer(sys.argv[2]) as viewer:
    viewer.subscribe(credit=32 * 2**20)
    print("ready", flush=True)
    while not (viewer.bodies("control") and viewer.bodies("control")[-1]["run"] == "ENDED"):
        viewer.pump(0.05)
        for header in viewer.data:
            if header[2] == "frame":
                frames.append(header[4])
            if header[2] == "metric":
                columns = arrays(header)
                for series, first, count in zip(columns["series"], columns["first"], columns["count"]):
                    spans.setdefault(series, []).append((first, count, columns.get("span", (count,))[0]))
        viewer.data = [header for header in viewer.data if header[2] == "control"][-1:]
print(json.dumps({"frames": frames, "spans": spans}), flush=True)
"""


class Reader:
    """A viewer in a process of its own, that can be stopped."""

    def __init__(self, url: str) -> None:
        tests = str(Path(__file__).parents[1])
        self.process = subprocess.Popen(
            [sys.executable, "-c", READER, tests, url], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self.process.stdout
        assert self.process.stdout.readline() == "ready\n"

    def result(self) -> dict[str, Any]:
        assert self.process.stdout
        with self.process:
            return json.loads(self.process.stdout.readline())


class Load:
    """10,000 metric samples and 30 frames of 8 MB a second, with the time of each publish_metric call."""

    def __init__(self, b: Broadcaster) -> None:
        self.b = b
        self.calls: list[float] = []
        self.samples = 0
        self.frames = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._publish), threading.Thread(target=self._frames)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _publish(self) -> None:
        due = time.perf_counter()
        while not self._stop.wait(max(0.0, due - time.perf_counter())):
            due += 0.01
            for _ in range(100):
                before = time.perf_counter()
                self.b.publish_metric("loss", 0.5, step=self.samples)
                self.calls.append(time.perf_counter() - before)
                self.samples += 1

    def _frames(self) -> None:
        position = np.zeros((PARTS, 3), "f4")
        due = time.perf_counter()
        while not self._stop.wait(max(0.0, due - time.perf_counter())):
            due += 1 / 30
            self.b.publish_frame("board", PlacementFrame(position=position, index=self.frames))
            self.frames += 1

    def p99(self) -> float:
        calls, self.calls = self.calls, []
        return float(np.percentile(calls, 99))


def _covered(spans: list[list[int]]) -> tuple[int, int]:
    """Walk through the runs of a series; give the last number and how many samples were left out."""
    expected, thinned = 1, 0
    for first, count, span in spans:
        assert first == expected, "a sample is missing or came twice"
        expected, thinned = first + span, thinned + span - count
    return expected - 1, thinned


@pytest.mark.soak
def test_a_stopped_viewer_costs_nothing(wait_for: WaitFor) -> None:
    """SIGSTOP for 10 s: the publish call and the memory stay as they were, the other viewer loses nothing."""
    with Broadcaster("tcp://127.0.0.1:0", history_bytes=128 * 2**20, linger=10) as b:
        stopped, other = Reader(b.url), Reader(b.url)
        with Load(b) as load:
            wait_for(lambda: load.samples > 30_000, 20)
            load.p99()
            wait_for(lambda: load.samples > 130_000, 30)
            before = load.p99()
            memory = psutil.Process().memory_info().rss
            os.kill(stopped.process.pid, signal.SIGSTOP)
            at = load.samples
            wait_for(lambda: load.samples > at + 100_000, 30)
            during = load.p99()
            grown = psutil.Process().memory_info().rss - memory
            os.kill(stopped.process.pid, signal.SIGCONT)
            at = load.samples
            wait_for(lambda: load.samples > at + 20_000, 20)
        b.close()
        results = [stopped.result(), other.result()]
    print(
        f"publish_metric p99 before {1e6 * before:.1f} µs, during {1e6 * during:.1f} µs; grown {grown / 2**20:.0f} MiB"
    )
    assert during <= 2 * before + 5e-6  # the slack is for what else this machine does
    assert grown < 96 * 2**20
    ours, others = results
    assert ours["frames"][-1] == load.frames
    assert _covered(ours["spans"]["1"]) == (load.samples, 0)
    assert others["frames"] == list(range(others["frames"][0], load.frames + 1))
    assert _covered(others["spans"]["1"]) == (load.samples, 0)


@pytest.mark.soak
def test_two_hundred_joins_under_load() -> None:
    """No viewer that joins misses a sample or gets one twice."""
    stop = threading.Event()

    def publish(b: Broadcaster) -> None:
        step = 0
        while not stop.wait(0.005):
            for _ in range(50):
                b.publish_metric("x", float(step), step=step)
                b.publish_log("info", str(step))
                step += 1

    with Broadcaster("tcp://127.0.0.1:0", history=1_000_000) as b:
        thread = threading.Thread(target=publish, args=(b,))
        thread.start()
        try:
            for _ in range(200):
                with RawViewer(b.url) as viewer:
                    viewer.subscribe([["metric", "*"], ["log", "*"]])
                    at = len(viewer.spans())
                    viewer.pump_until(lambda viewer=viewer, at=at: len(viewer.spans()) > at + 5)
                    expected = 1
                    for _, first, span in viewer.spans():
                        assert first == expected
                        expected += span
                    numbers = [header[4] for header in viewer.of("log")]
                    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        finally:
            stop.set()
            thread.join()


@pytest.mark.soak
def test_an_idle_broadcaster_takes_no_time() -> None:
    """With nothing to do less than 1 % of a core is used."""
    with Broadcaster("tcp://127.0.0.1:0") as b:
        assert b.flush(5)
        before = time.process_time()
        threading.Event().wait(10)
        assert time.process_time() - before < 0.1
