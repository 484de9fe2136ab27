"""Publishing from eight threads at once to a viewer that does not read: every loss has a counter, to the last one."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dockscope import Broadcaster, PlacementFrame, PlacementScene
from dockscope.core.dialects.base import open_source
from dockscope.core.hub import Hub
from dockscope.core.producers import Producer

THREADS = 8
SERIES_SAMPLES = 40
BURST = {f"burst {number}": 0.5 for number in range(1500)}  # more than the queue of samples holds
KINDS = ("metric", "data", "log", "frame")
FRAME = PlacementFrame(np.zeros((3, 3)))


def publish_all(b: Broadcaster, thread: int, number: int) -> None:
    """Publish one of everything."""
    b.publish_metric("loss", float(number), step=number, worker=str(thread))
    b.publish_metrics({"a": 1.0, "b": 2.0}, epoch=number)
    b.publish_series("adc", np.arange(float(SERIES_SAMPLES)), copy=True, channel=str(thread))
    b.publish_data(f"data {thread}", {"number": number, "array": np.zeros(500)})
    b.publish_log("info", "told", number=number)
    b.publish_frame("board", FRAME)
    if number % 100 == 0:
        b.publish_metrics(BURST)


def handed_over(rounds: int) -> dict[str, int]:
    """Count what all threads publish together, by kind."""
    each = THREADS * rounds
    bursts = THREADS * len(range(0, rounds, 100))
    samples = (3 + SERIES_SAMPLES) * each + bursts * len(BURST)
    return {"metric": samples, "data": each, "log": each, "frame": each}


def accounted(told: dict[str, Any]) -> Counter[str]:
    """Count what a broadcaster's own figures know of, by kind."""
    return Counter(told["published"]) + by_kind(told["dropped"]) + by_kind(told["thinned"])


def by_kind(counts: dict[tuple[str, str], int]) -> Counter[str]:
    total: Counter[str] = Counter()
    for (kind, _), count in counts.items():
        total[kind] += count
    return total


def work(b: Broadcaster, rounds: int) -> None:
    """Publish from all threads and wait for them."""
    start = threading.Barrier(THREADS)

    def publish(thread: int) -> None:
        start.wait()
        for number in range(rounds):
            publish_all(b, thread, number)

    threads = [threading.Thread(target=publish, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def arrived(producer: Producer, kind: str) -> int:
    return sum(info.messages for (other, _), info in producer.streams.items() if other == kind)


def known(producer: Producer, kind: str) -> int:
    """Count what a viewer has, or knows that it has not."""
    missed = sum(info.gaps for (other, _), info in producer.streams.items() if other == kind)
    return arrived(producer, kind) + missed + (producer.thinned if kind == "metric" else 0)


@pytest.mark.parametrize("rounds", [300, pytest.param(20_000, marks=pytest.mark.soak)])
def test_what_eight_threads_publish_is_received_or_counted(rounds: int, wait_for_async: Callable[..., Any]) -> None:
    """Handed over = published + dropped + thinned; published = received + missed + thinned on the way; exactly."""

    async def scenario(b: Broadcaster) -> None:
        b.publish_scene("board", PlacementScene(("A", "B", "C"), np.ones((3, 2))))
        for thread in range(THREADS):  # what a viewer counts begins with the first number it has seen
            publish_all(b, thread, 1)
        assert b.flush(10.0)
        hub = Hub(budget_bytes=2**30)
        source = open_source(b.url, hub)
        source.start()
        try:
            (producer,) = hub.producers.values()
            await wait_for_async(lambda: arrived(producer, "frame") and not producer.catching_up, 10.0)
            before = accounted(b.statistics())
            work(b, rounds)  # in this thread, so the viewer reads nothing meanwhile
            assert b.flush(30.0)
            told = b.statistics()
            grown = accounted(told) - before
            assert {kind: grown[kind] for kind in KINDS} == handed_over(rounds)
            published = {kind: told["published"][kind] for kind in KINDS}
            await wait_for_async(lambda: {kind: known(producer, kind) for kind in KINDS} == published, 20.0)
            await wait_for_async(lambda: producer.losses.queue == sum(told["dropped"].values()), 5.0, "heartbeat")
            assert producer.losses.refused == 0
            assert sum(told["dropped"].values()) > 0
            assert sum(told["thinned"].values()) > 0
        finally:
            await source.close()

    with Broadcaster("tcp://127.0.0.1:0", history=1_000, queue_bytes=128 * 1024, max_fps=50) as b:
        asyncio.run(scenario(b))
