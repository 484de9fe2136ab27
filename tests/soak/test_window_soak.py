"""Long forms of what the window must stand: a stop of ten seconds, a flood, many joins, a clumsy hand."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import numpy as np
import psutil
import pytest

from dockscope import Broadcaster
from dockscope.core.dialects.base import open_source
from dockscope.core.hub import Hub
from e2e.desktop import Desktop, ScriptProcess, Window, running, until
from soak.test_broadcaster_soak import Reader

WaitFor = Callable[..., Any]
PICTURE_SIDE = 2896  # 8.4 MB of grey
FLOOD = """
import sys, time
import numpy as np
from dockscope import Broadcaster
rate, series, block = int(sys.argv[2]), 100, 500
with Broadcaster(sys.argv[1], name="flood") as b:
    print(b.url, flush=True)
    started, sent = time.monotonic(), 0
    values = np.random.default_rng(1).normal(size=block).cumsum()
    while b.control.checkpoint():
        for index in range(series):
            b.publish_series(f"channel {index % 4}", values, copy=True, line=str(index // 4))
        sent += series * block
        time.sleep(max(0.0, started + sent / rate - time.monotonic()))
"""
BYTES = """
import sys, time
import numpy as np
from dockscope import Broadcaster
with Broadcaster(sys.argv[1], name="bytes") as b:
    print(b.url, flush=True)
    number = 0
    while b.control.checkpoint():
        number += 1
        b.publish_data("block", {"array": np.full(1_000_000, number % 256, "u1")})
        time.sleep(0.04)
"""


@pytest.fixture(scope="module")
def screen() -> Iterator[Desktop]:
    with running(Desktop()) as desktop:
        yield desktop


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


class Load:
    """10,000 samples and 30 pictures of 8 MB a second, with the time of each publish_metric call."""

    def __init__(self, b: Broadcaster) -> None:
        self.b, self.calls, self.samples, self.pictures = b, [0.0], 0, 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._publish), threading.Thread(target=self._show)]

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

    def _show(self) -> None:
        picture = np.zeros((PICTURE_SIDE, PICTURE_SIDE), "u1")
        due = time.perf_counter()
        while not self._stop.wait(max(0.0, due - time.perf_counter())):
            due += 1 / 30
            self.b.publish_data("camera", {"number": self.pictures, "picture": picture})
            self.pictures += 1

    def p99_us(self) -> float:
        calls, self.calls = self.calls, [0.0]
        return 1e6 * float(np.percentile(calls, 99))


@pytest.mark.soak
def test_a_stopped_window_costs_nothing_and_counts_what_it_lost(
    screen: Desktop, stack: ExitStack, tmp_path: Path, wait_for: WaitFor
) -> None:
    """SIGSTOP for 10 s: calls and memory stay, the other viewer loses nothing, the window then shows the newest."""
    with Broadcaster("tcp://127.0.0.1:0", name="load", linger=10) as b:
        window = stack.enter_context(running(Window(screen, tmp_path, b.url)))
        other = Reader(b.url)
        with Load(b) as load:
            wait_for(lambda: load.samples > 50_000, 30)
            load.p99_us()
            wait_for(lambda: load.samples > 150_000, 30)
            before, memory = load.p99_us(), psutil.Process().memory_info().rss
            os.kill(window.process.pid, signal.SIGSTOP)
            at = load.samples
            wait_for(lambda: load.samples > at + 100_000, 30)
            during, grown = load.p99_us(), psutil.Process().memory_info().rss - memory
            shown_after = load.pictures
            os.kill(window.process.pid, signal.SIGCONT)
            continued = time.monotonic()
            until(lambda: window.ask("latest", stream="camera") >= shown_after, "a picture newer than the stop")
            newest_s = time.monotonic() - continued
            at = load.samples
            wait_for(lambda: load.samples > at + 20_000, 30)
        until(lambda: window.ask("latest", stream="camera") == load.pictures - 1, "the last picture")
        until(lambda: window.ask("curves", name="loss")[0]["samples"] == load.samples, "every sample")
        kept = window.ask("streams", producer="load")
        b.close()
        others = other.result()
    camera = kept["data/camera"]
    print(
        f"publish p99 before {before:.1f} µs, stopped {during:.1f} µs; producer grew {grown / 2**20:.0f} MiB; newest "
        f"after {newest_s:.2f} s; {load.pictures} pictures = {camera['messages']} shown + {camera['lost']} lost"
    )
    assert during <= 2 * before + 5
    assert grown < 96 * 2**20
    assert newest_s < 2
    assert camera["messages"] + camera["lost"] == load.pictures
    assert camera["lost"] >= 250
    assert kept["metric/loss"]["lost"] == 0
    expected = 1
    for first, count, _ in others["spans"]["1"]:
        assert first == expected
        expected += count
    assert expected == load.samples + 1


async def join(url: str) -> tuple[int, int, bool]:
    """Join as a viewer does; give samples, how many are lost, and whether they are 0, 1, 2, … without a hole."""
    hub = Hub()
    source = open_source(url, hub)
    source.start()
    try:
        deadline = time.monotonic() + 10
        while hub.samples < 1000 or not hub.series.of_name("x"):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        already = hub.samples
        while hub.samples < already + 500:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        curve = hub.series.of_name("x")[0]
        steps = curve.column("step")
        return len(steps), hub.lost, np.array_equal(steps, np.arange(len(steps)))
    finally:
        await source.close()


@pytest.mark.parametrize("joins", [10, pytest.param(200, marks=pytest.mark.soak)])
def test_joins_under_load_miss_nothing_and_get_nothing_twice(joins: int) -> None:
    """Every viewer that joins has all samples from the first, each once, and goes on with the live ones."""
    stop = threading.Event()

    def publish(b: Broadcaster) -> None:
        step = 0
        while not stop.wait(0.005):
            for _ in range(50):
                b.publish_metric("x", float(step), step=step)
                step += 1

    with Broadcaster("tcp://127.0.0.1:0", history=10_000_000, history_bytes=2**30) as b:
        thread = threading.Thread(target=publish, args=(b,))
        thread.start()
        try:
            seen = [asyncio.run(join(b.url)) for _ in range(joins)]
        finally:
            stop.set()
            thread.join()
    print(f"{joins} joins, the last one with {seen[-1][0]} samples")
    assert [(lost, whole) for _, lost, whole in seen] == [(0, True)] * joins


@pytest.mark.soak
def test_the_windows_memory_stays_flat(screen: Desktop, stack: ExitStack, tmp_path: Path) -> None:
    """30 s at 25 MB/s through qasync and ZeroMQ leave nothing behind."""
    producer = stack.enter_context(running(ScriptProcess(BYTES, "tcp://127.0.0.1:0")))
    window = stack.enter_context(running(Window(screen, tmp_path, producer.url)))
    process = psutil.Process(window.process.pid)
    sizes = []
    for number in range(1, 9):
        until(lambda number=number: window.ask("totals")["messages"] > 120 * number, "messages", 30)
        sizes.append(process.memory_info().rss / 2**20)
    print("RSS every 5 s:", " ".join(f"{size:.0f}" for size in sizes), "MiB")
    assert sizes[-1] - sizes[1] < 16


@pytest.mark.soak
@pytest.mark.parametrize("rate", [1_000_000])
def test_the_windows_thread_is_never_held_up(screen: Desktop, stack: ExitStack, tmp_path: Path, rate: int) -> None:
    """A million samples a second into 100 curves: the heartbeat of the window's thread comes within a second."""
    producer = stack.enter_context(running(ScriptProcess(FLOOD, "tcp://127.0.0.1:0", str(rate))))
    window = stack.enter_context(running(Window(screen, tmp_path, producer.url)))
    until(lambda: window.ask("totals")["samples"] > 2 * rate, "the flood")
    window.ask("stalls")
    start, at = time.monotonic(), window.ask("totals")["samples"]
    until(lambda: time.monotonic() > start + 15, "15 s", 20)
    seconds, samples = time.monotonic() - start, window.ask("totals")["samples"] - at
    stalls, totals = window.ask("stalls"), window.ask("totals")
    print(f"{samples / seconds / 1e6:.2f} M samples/s, lost {totals['lost']}, stalls {stalls}, {totals['memory']}")
    assert stalls["worst"] < 1000


@pytest.mark.soak
def test_a_clumsy_hand_breaks_nothing(screen: Desktop, stack: ExitStack, tmp_path: Path) -> None:
    """Rubbish, quick reconnects, a long freeze, many docks, forgetting: it answers, connects and closes."""
    window = stack.enter_context(running(Window(screen, tmp_path, "demo")))
    until(lambda: len(window.ask("producers")) == 3, "the demo", 30)
    window.ask("stalls")
    for rubbish in ("<b>x</b>", "tcp://", "dockscope://" + "a" * 1500 + ":1", "%s%n://x:1"):
        screen.key("ctrl+o")
        until(lambda: window.ask("widget", name="answer"), "the dialog")
        screen.key("ctrl+a")
        screen.do("type", "--delay", 0, rubbish)
        window.button("Connect anyway")
        screen.key("Return")
        until(lambda: not window.ask("dialogs"), "the dialog to close")
    for width, height in ((640, 480), (1900, 1150), (320, 200), (1600, 1000)):
        screen.do(
            "search", "--onlyvisible", "--pid", window.process.pid, "--name", "^dockscope", "windowsize", width, height
        )
        answers_at_once(window)
    until(lambda: window.ask("window")["height"] == 1000, "its size again")
    for _ in range(20):
        menu(window, 0, "Disconnect")
        until(lambda: window.ask("explorer")[0]["badge"] == "Offline", "the link to be closed")
        menu(window, 0, "Connect")
        until(lambda: window.ask("explorer")[0]["badge"] != "Offline", "the link to be open")
    until(lambda: all(p["link"] == "LIVE" for p in window.ask("producers").values()), "live links")
    menu(window, 0, "Rename…")
    until(lambda: window.ask("dialogs"), "the question")
    screen.key("ctrl+a")
    screen.key("BackSpace")
    screen.key("Return")
    until(lambda: window.ask("explorer")[0]["name"] == "optimizer", "its own name again")
    place = window.ask("window")
    screen.do("mousemove", place["x"] + 200, place["y"] + place["height"] - 10, "click", 1)
    screen.key("space")
    until(lambda: window.ask("window")["frozen"], "the band")
    frozen = time.monotonic()
    until(lambda: time.monotonic() > frozen + 20, "20 s", 25)
    screen.key("space")
    until(lambda: not window.ask("window")["frozen"], "painting")
    for kind in ("Explorer", "Metrics", "Placement", "Waterfall", "Log", "Data", "Parameters"):
        for _ in range(5):
            docks = len(window.ask("window")["docks"])
            window.choose("View", "One more", kind)
            until(lambda docks=docks: len(window.ask("window")["docks"]) == docks + 1, f"one more {kind}")
    screen.key("ctrl+shift+r")
    until(lambda: len(window.ask("window")["docks"]) < 10, "the default layout")
    menu(window, 0, "Forget, with its data…")
    window.click_button("Forget")
    until(lambda: len(window.ask("explorer")) == 2, "two producers")
    print("worst stall", window.ask("stalls"))
    window.ask_to_close()
    assert window.process.wait(10) == 0
    assert "Traceback" not in window.told()
    assert "left over: []" in window.told()


def answers_at_once(window: Window) -> None:
    asked = time.monotonic()
    window.ask("window")
    assert time.monotonic() - asked < 1


def menu(window: Window, row: int, *entries: str) -> None:
    """Choose from the context menu of a producer in the Explorer."""
    asked: list[Any] = [None]

    def stands() -> Any:
        asked.append(window.ask("explorer")[row]["place"])
        return asked[-1] == asked[-2] and asked[-1]

    place = until(stands, "a row that stands still")
    window.desktop.do("mousemove", place["x"] + 40, place["y"] + 8, "click", 3)
    window.choose(*entries)
