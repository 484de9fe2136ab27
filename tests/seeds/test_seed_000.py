"""Every code example of LiveView's streaming guide, with its import lines changed, against a live viewer.

The functions that the guide leaves open are given here.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dockscope.core.dialects.liveview import MontyExperimentWithLiveView
from monty import free_ports, is_bound
from watched import Watched, run

GUIDE = Path(__file__).parent / "000_liveview.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
THEIRS = "from contrib.liveview_experiment.src.monty_experiment_with_liveview import"
EXAMPLES = [
    block.replace(THEIRS, "from dockscope.core.dialects.liveview import")
    for block in BLOCK.findall(GUIDE.read_text("utf-8"))
]
QUICK_START, THREADS, ASYNC_TASKS, METRICS, STREAMS, LOGS, TRAINING, SENSORS, BACKGROUND = EXAMPLES


@pytest.fixture
def port() -> int:
    """The port of the viewer."""
    return free_ports()


def execute(example: str, **given: Any) -> dict[str, Any]:
    """Run an example; gives its names."""
    names = {"datetime": dt.datetime, **given}
    exec(compile(example, "<example>", "exec"), names)
    return names


def shown(port: int, wait_for_async: Any, work: Callable[[Any], Any], until: Callable[[Watched], Any]) -> None:
    """Let ``work(experiment)`` run in a thread until a viewer has seen what it should."""

    async def scenario() -> None:
        async with Watched(f"liveview://*:{port}") as watched:
            await wait_for_async(lambda: is_bound(port))
            experiment = await asyncio.to_thread(MontyExperimentWithLiveView, {"zmq_port": port, "run_name": "seed"})
            working = asyncio.ensure_future(asyncio.to_thread(work, experiment))
            await wait_for_async(lambda: until(watched))
            await working
            await asyncio.to_thread(experiment.close)
            assert watched.producer.name == "seed"
            assert not watched.producer.problem

    run(scenario)


def value(watched: Watched, stream: str) -> Any:
    """Return the newest value of a data stream, or None."""
    entry = watched.hub.data.entries.get((watched.source.key, stream))
    return None if entry is None else entry.value


def test_quick_start(port, wait_for_async):
    """Quick Start: metric, data and log of the example are in the viewer."""

    def work(_: Any) -> None:
        names = execute(QUICK_START, config={"zmq_port": port, "run_name": "seed"})
        names["experiment"].close()

    async def scenario():
        async with Watched(f"liveview://*:{port}") as watched:
            await wait_for_async(lambda: is_bound(port))
            await asyncio.to_thread(work, None)
            await wait_for_async(watched.is_run("ENDED"))
            assert watched.curve().column("epoch").tolist() == [1]
            assert watched.curve().column("step").tolist() == [100]
            assert value(watched, "sensor_readings") == {
                "sensor_1": 0.8,
                "sensor_2": 0.3,
                "timestamp": "2024-01-01T12:00:00",
            }
            row = next(row for row in watched.hub.log.rows if row.source == "log")
            assert (row.level, row.message, row.fields) == ("info", "Training step completed", {"step": 100})

    run(scenario)


def test_from_threads(port, wait_for_async):
    """From Threads: a thread publishes as the main one does."""

    def work(made: Any) -> None:
        execute(THREADS, experiment=made)["thread"].join()

    shown(
        port,
        wait_for_async,
        work,
        lambda watched: watched.samples() == 1 and value(watched, "sensor_data") == {"value": 123},
    )


def test_from_async_tasks(port, wait_for_async):
    """From Async Tasks: a task publishes at 10 Hz, and what an instrument gives as NumPy scalars is data."""
    given = iter(range(4))

    def collect() -> dict[str, Any]:
        return {"reading": np.float32(next(given))}

    def work(made: Any) -> None:
        async def loop() -> None:
            task = execute(ASYNC_TASKS, experiment=made, collect_sensor_data=collect)["task"]
            with pytest.raises(RuntimeError):  # StopIteration, which ends the endless example
                await task

        asyncio.run(loop())

    shown(port, wait_for_async, work, lambda watched: value(watched, "sensor_stream") == {"reading": 3.0})


def test_metrics(port, wait_for_async):
    """Metrics: numbers beside the value are its columns, text is a label of its curve."""

    def seen(watched: Watched) -> bool:
        curve = watched.hub.series.curves.get((watched.source.key, "accuracy", (("phase", "validation"),)))
        return curve is not None and [curve.column(name).tolist() for name in ("value", "epoch", "step")] == [
            [0.95],
            [10],
            [1000],
        ]

    shown(port, wait_for_async, lambda made: execute(METRICS, broadcaster=made.broadcaster), seen)


def test_data_streams(port, wait_for_async):
    """Data Streams: any data under a name, with the time they tell."""

    def seen(watched: Watched) -> bool:
        told = value(watched, "activations")
        return bool(told) and told["layer_1"] == [0.1, 0.2, 0.3] and set(told) == {"layer_1", "layer_2", "timestamp"}

    shown(port, wait_for_async, lambda made: execute(STREAMS, broadcaster=made.broadcaster), seen)


def test_logs(port, wait_for_async):
    """Logs: level, message and fields are a row of the log."""

    def seen(watched: Watched) -> bool:
        rows = [(row.level, row.message, row.fields) for row in watched.hub.log.rows if row.source == "log"]
        return rows == [("warning", "High memory usage detected", {"memory_mb": 8192, "threshold_mb": 4096})]

    shown(port, wait_for_async, lambda made: execute(LOGS, broadcaster=made.broadcaster), seen)


def test_monitoring_a_training_loop(port, wait_for_async):
    """Monitoring a Training Loop: every hundredth step is a sample of two metrics, every thousandth an activation."""

    def work(made: Any) -> None:
        names = execute(
            TRAINING,
            num_epochs=2,
            dataloader=range(1001),
            train_step=lambda batch: 1.0 / (batch + 1),
            lr=0.001,
            get_layer_activations=lambda: {"layer_1": np.ones(3)},
        )
        names["training_loop"](made)

    def seen(watched: Watched) -> bool:
        return (
            watched.samples() == watched.samples("learning_rate") == 22
            and watched.curve().column("step").tolist() == [*range(0, 1001, 100)] * 2
            and value(watched, "activations") == {"layer_1": [1.0, 1.0, 1.0]}
        )

    shown(port, wait_for_async, work, seen)


def test_monitoring_sensor_data(port, wait_for_async):
    """Monitoring Sensor Data: arrays of instruments are lists in the viewer."""
    given = iter(range(3))

    def read() -> Any:
        return SimpleNamespace(camera=np.zeros((2, 2), "u1"), lidar=[1.5], imu={"x": np.float64(next(given))})

    def work(made: Any) -> None:
        names = execute(SENSORS, asyncio=asyncio, read_sensors=read)
        with pytest.raises(RuntimeError):
            asyncio.run(names["sensor_monitor"](made))

    def seen(watched: Watched) -> bool:
        told = value(watched, "sensors")
        return bool(told) and told["imu"] == {"x": 2.0} and told["camera"] == [[0, 0], [0, 0]]

    shown(port, wait_for_async, work, seen)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # how its endless thread is ended
def test_background_metrics_collection(port, wait_for_async):
    """Background Metrics Collection: a daemon thread publishes once a second, with the time it tells."""
    ended, asked = threading.Event(), []

    def cpu() -> float:
        asked.append(1)
        if len(asked) > 1:
            raise SystemExit  # ends the endless loop of the example
        return 12.5

    def work(made: Any) -> None:
        given = {"get_cpu_usage": cpu, "get_memory_usage": lambda: 512, "get_gpu_usage": lambda: np.nan}
        execute(BACKGROUND, experiment=made, **given)["thread"].join()
        ended.set()

    def seen(watched: Watched) -> bool:
        told = value(watched, "system_metrics")
        return ended.is_set() and (told["cpu_percent"], told["memory_mb"]) == (12.5, 512)

    shown(port, wait_for_async, work, seen)
