"""``dockscope run``: the devices of a bench file, published for any window."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TextIO

from ..core.broadcaster import Broadcaster
from ..core.checkpoint import RunControl
from ..core.headless import ended_by_signals, within
from ..core.run_control import RunState
from .bench import Bench
from .bench_file import read_bench
from .bench_publisher import BenchPublisher
from .logged_faults import published_log

STEER_EVERY_S = 0.05
LOOK_EVERY_S = 0.2
SETTLE_S = 3.0  # that streams may take to end before a pause or a stop is said to be so


async def run_bench(
    path: Path, url: str, output: TextIO, *, seconds: float | None = None, insecure: bool = False
) -> int:
    """Publish until time is up, a viewer stops it, or a signal comes.

    Args:
        path: of the bench file. url: where to publish. output: gets the real URL.
        seconds: from now; None without end. insecure: the URL may be one that other machines reach.

    Returns:
        The exit code: 1 when a device did not let go in time.

    Raises:
        BenchError: the file is wrong. ValueError: the URL is. OSError: it cannot be bound.
    """
    specs = read_bench(path)
    over = asyncio.Event()
    with Broadcaster(url, name=path.stem, insecure=insecure) as broadcaster, published_log(broadcaster):
        publisher = BenchPublisher(broadcaster)
        bench = Bench(on_change=publisher.on_change, on_samples=publisher.on_samples)
        try:
            for spec in specs:
                publisher.declare(bench.add(spec))
            bench.start_all()
            output.write(f"{broadcaster.url}\n")
            output.flush()
            with ended_by_signals(over):
                async with asyncio.TaskGroup() as tasks:
                    side = [
                        tasks.create_task(_steer(broadcaster.control, bench, over)),
                        tasks.create_task(_look(bench, publisher)),
                    ]
                    await within(over, seconds)
                    for task in side:
                        task.cancel()
        finally:
            has_ended = await asyncio.to_thread(bench.close)
        broadcaster.publish_status("complete", f"The bench {path.stem} has ended")
    return 0 if has_ended else 1


async def _look(bench: Bench, publisher: BenchPublisher) -> None:
    while True:
        publisher.look(bench)
        await asyncio.sleep(LOOK_EVERY_S)


async def _steer(control: RunControl, bench: Bench, over: asyncio.Event) -> None:
    """Let viewers pause, resume and stop all streams. It is said to be so when the streams have done it."""
    while True:
        run = control.state().run
        if run == RunState.STOPPING.value:
            await _settle(bench.stop_all)
        elif run == RunState.PAUSING.value:
            await _settle(bench.pause_all)
        was_pausing = run == RunState.PAUSING.value
        if not await control.checkpoint_async():
            over.set()
            return
        if was_pausing:
            await _settle(bench.resume_all)
        await asyncio.sleep(STEER_EVERY_S)


async def _settle(ask: Callable[[], list[Future[None]]]) -> None:
    """Ask all devices, and wait until they have done it; one that hangs is not waited for longer than the rest."""
    asked = [asyncio.wrap_future(future) for future in ask()]
    if asked:
        done, _ = await asyncio.wait(asked, timeout=SETTLE_S)
        for future in done:
            future.exception()  # its fault has been told; nobody else waits for it
