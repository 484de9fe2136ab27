"""A link and a hub against a real Broadcaster in a process of its own, which is stopped, killed and started again."""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections.abc import Awaitable, Callable

import numpy as np
import psutil
import qasync
from PySide6.QtWidgets import QApplication

from dockscope.core.dialects.base import open_source
from dockscope.core.messages import DataRecord, Kind
from dockscope.core.run_control import LinkState, Stage
from fakes import FakeHub, FakeProducer, RealProducer
from watched import Watched, run

CURVE = ("loss", ())


def run_on_qt(app: QApplication, scenario: Callable[[], Awaitable[None]]) -> None:
    with qasync.QEventLoop(app) as loop:
        loop.run_until_complete(asyncio.wait_for(scenario(), 30.0))
    # Its timers end in the thread that collects it, and Qt complains when that is the thread of a later test.
    del loop
    gc.collect()


async def steer(watched: Watched, wait_for_async) -> None:
    await wait_for_async(lambda: watched.samples() >= 10)
    assert watched.producer.role == "operate"
    for command, state in (("pause", "PAUSED"), ("resume", "RUNNING"), ("stop", "ENDED")):
        id_ = watched.source.send(command)
        await wait_for_async(lambda id_=id_: watched.hub.commands[id_].stage is Stage.EFFECTIVE)
        await wait_for_async(watched.is_run(state))
    await wait_for_async(watched.is_link(LinkState.CLOSED))
    assert watched.producer.run is not None
    assert watched.producer.run.outcome == "stopped"


def test_a_real_run_is_paused_resumed_and_stopped(wait_for_async):
    """Each command is effective, the run state follows on the producer's word, and the end is no loss."""

    async def scenario():
        with RealProducer() as producer:
            async with Watched(producer.url) as watched:
                await steer(watched, wait_for_async)
            assert producer.end() == 0

    run(scenario)


def test_the_same_under_qasync(qapp: QApplication, wait_for_async):
    """A link works on Qt's event loop as on asyncio's own."""

    async def scenario():
        with RealProducer() as producer:
            async with Watched(producer.url) as watched:
                await steer(watched, wait_for_async)

    run_on_qt(qapp, scenario)


def test_large_messages_leave_no_memory_behind_under_qasync(qapp: QApplication, wait_for_async):
    """Half a gigabyte of 8 MB messages through Qt's event loop leaves the process as large as it was."""
    image = np.zeros((8, 2**20), "u1")

    async def scenario():
        hub = FakeHub()
        with FakeProducer() as producer:
            source = open_source(producer.url, hub)
            source.start()
            await wait_for_async(producer.subscribed)
            sizes = []
            for _ in range(60):
                producer.publish(Kind.DATA, DataRecord(image, 0.0), "image")
                await wait_for_async(lambda: hub.of_kind(Kind.DATA))
                hub.messages.clear()
                sizes.append(psutil.Process().memory_info().rss)
            await source.close()
        assert max(sizes[30:]) - max(sizes[:30]) < 32 * 2**20

    run_on_qt(qapp, scenario)


def test_a_killed_producer_is_lost_and_its_successor_found(wait_for_async):
    """kill -9 is LOST in 1 to 2 s; on the same URL a new run is reached without a click, and an old Stop misses it."""

    async def scenario():
        with RealProducer() as first:
            async with Watched(first.url) as watched:
                await wait_for_async(lambda: watched.samples() >= 10)
                before = watched.samples()
                first.process.kill()
                killed_s = time.monotonic()
                stop = watched.source.send("stop")
                await wait_for_async(watched.is_link(LinkState.LOST))
                assert time.monotonic() - killed_s < 2.0
                assert not watched.hub.commands[stop].open
                with RealProducer(first.url) as second:
                    await wait_for_async(watched.is_link(LinkState.LIVE), timeout_s=8.0)
                    await wait_for_async(lambda: watched.samples() > before + 10)
                    assert watched.producer.run_index == 1
                    assert watched.hub.commands[stop].stage in (Stage.LOST, Stage.REJECTED)
                    assert second.process.poll() is None
                    await watched.source.close()

    run(scenario)


def test_a_frozen_producer_is_noticed_and_recovers_without_loss(wait_for_async):
    """SIGSTOP is STALE after about 4 s and LOST soon after; continued, the same run is live again, nothing missing."""

    async def scenario():
        with RealProducer() as producer:
            async with Watched(producer.url) as watched:
                await wait_for_async(lambda: watched.samples() >= 10)
                producer.signal(signal.SIGSTOP)
                frozen_s = time.monotonic()
                await wait_for_async(lambda: watched.producer.link in (LinkState.STALE, LinkState.LOST), 6.0)
                assert time.monotonic() - frozen_s > 2.0
                await wait_for_async(watched.is_link(LinkState.LOST), timeout_s=6.0)
                assert 3.5 < time.monotonic() - frozen_s < 7.0
                producer.signal(signal.SIGCONT)
                await wait_for_async(watched.is_link(LinkState.LIVE), timeout_s=8.0)
                before = watched.samples()
                await wait_for_async(lambda: watched.samples() > before + 20)
                assert watched.producer.run_index == 0
                steps = watched.hub.series.curves[watched.source.key, *CURVE].column("step")
                assert steps.tolist() == [float(step) for step in range(1, len(steps) + 1)]
                assert watched.hub.lost == 0

    run(scenario)
