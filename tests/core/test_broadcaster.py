"""Broadcaster: what is published arrives, wrong calls say so, nothing ever blocks or harms the program."""

from __future__ import annotations

import asyncio
import datetime as dt
import inspect
import math
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from dockscope import Broadcaster, Parameter, PlacementFrame, PlacementScene
from raw_viewer import RawViewer, arrays

WaitFor = Callable[..., Any]
HUGE = 10**400  # an integer that no float holds


@pytest.fixture
def b() -> Iterator[Broadcaster]:
    with Broadcaster("tcp://127.0.0.1:0", name="trainer") as broadcaster:
        yield broadcaster


def late(b: Broadcaster) -> RawViewer:
    """Open a viewer that has received all that is retained."""
    assert b.flush(5)
    viewer = RawViewer(b.url)
    viewer.subscribe()
    return viewer


def test_the_readme_of_live_view_runs(b: Broadcaster) -> None:
    """The calls of the LiveView examples work: metrics with labels, data, logs, from threads and tasks."""
    b.publish_metric("loss", 0.5, epoch=1, step=100)
    b.publish_metric(name="accuracy", value=0.95, epoch=10, step=1000, phase="validation")
    b.publish_data("sensor_readings", {"sensor_1": 0.8, "timestamp": "2024-01-01T12:00:00"})
    b.publish_data(
        stream_name="activations", data={"layer_1": [0.1, 0.2], "timestamp": dt.datetime.now(dt.UTC).isoformat()}
    )
    b.publish_log("info", "Training step completed", step=100)
    b.publish_log(level="warning", message="High memory usage detected", memory_mb=8192, threshold_mb=4096)
    worker = threading.Thread(target=b.publish_metric, args=("loss", 0.4), kwargs={"epoch": 1, "step": 101})
    worker.start()
    worker.join()

    async def collect() -> None:
        b.publish_data("sensor_stream", {"value": 123})
        b.publish_metric("loss", 0.3, epoch=1, step=102)

    asyncio.run(collect())
    with late(b) as viewer:
        assert sorted(viewer.definitions().values(), key=str) == [
            ("accuracy", {"phase": "validation"}, ["epoch", "step"]),
            ("loss", {}, ["epoch", "step"]),
        ]
        assert [value for _, _, value, _ in viewer.samples("loss")] == [0.5, 0.4, 0.3]
        assert viewer.samples("loss")[0][3] == (1.0, 100.0)
        assert {header[3] for header in viewer.data if header[2] == "data"} == {
            "sensor_readings",
            "activations",
            "sensor_stream",
        }
        assert viewer.bodies("log")[1][2] == {"memory_mb": 8192, "threshold_mb": 4096}


def test_numbers_of_all_kinds_are_data(b: Broadcaster) -> None:
    """NaN, infinities, integers, booleans and NumPy scalars are values and columns like any other."""
    values: list[Any] = [math.nan, math.inf, -math.inf, 3, True, np.float32(0.5), np.int64(7), np.bool_(True)]
    for value in values:
        b.publish_metric("x", value, epoch=np.int32(2), nothing=None)
    with late(b) as viewer:
        received = [value for _, _, value, _ in viewer.samples("x")]
        assert math.isnan(received[0])
        assert received[1:] == [math.inf, -math.inf, 3.0, 1.0, 0.5, 7.0, 1.0]
        assert list(viewer.definitions().values()) == [("x", {}, ["epoch"])]


@pytest.mark.parametrize(
    ("error", "argument", "call"),
    [
        (TypeError, "name", lambda b: b.publish_metric(5, 1.0)),
        (TypeError, "name", lambda b: b.publish_metric(["x"], 1.0)),
        (ValueError, "name", lambda b: b.publish_metric("x" * 10_000, 1.0)),
        (ValueError, "name", lambda b: b.publish_metric("\ud800", 1.0)),
        (TypeError, "value", lambda b: b.publish_metric("x", "high")),
        (TypeError, "value", lambda b: b.publish_metric("x", 1j)),
        (ValueError, "value", lambda b: b.publish_metric("x", 2**53 + 1)),
        (ValueError, "step", lambda b: b.publish_metric("x", 1.0, step=2**60)),
        (TypeError, "where", lambda b: b.publish_metric("x", 1.0, where=[1])),
        (ValueError, "timestamp", lambda b: b.publish_metric("x", 1.0, timestamp=math.nan)),
        (ValueError, "timestamp", lambda b: b.publish_metric("x", 1.0, timestamp=dt.datetime(2024, 1, 1))),  # noqa: DTZ001
        (TypeError, "timestamp", lambda b: b.publish_log("info", "x", timestamp="now")),
        (TypeError, "values", lambda b: b.publish_metrics([("x", 1.0)])),
        (TypeError, "values", lambda b: b.publish_series("x", ["a"])),
        (ValueError, "values", lambda b: b.publish_series("x", np.ones((2, 2)))),
        (ValueError, "timestamps", lambda b: b.publish_series("x", np.ones(2), [1.0])),
        (ValueError, "epoch", lambda b: b.publish_series("x", np.ones(2), epoch=[1])),
        (ValueError, "stream_name", lambda b: b.publish_data("x" * 257, 1)),
        (TypeError, "data", lambda b: b.publish_data("x", object())),
        (TypeError, "level", lambda b: b.publish_log(3, "x")),
        (TypeError, "message", lambda b: b.publish_log("info", 3)),
        (TypeError, "where", lambda b: b.publish_log("info", "x", where=[1])),
        (ValueError, "status", lambda b: b.publish_status("fine", "x")),
        (ValueError, "frequencies", lambda b: b.publish_spectrum("s", [1.0, 2.0], frequencies=[1.0])),
        (ValueError, "duration", lambda b: b.publish_spectrum("s", [1.0], frequencies=[1.0], duration=-1)),
        (TypeError, "power", lambda b: b.publish_spectrum("s", [1j], frequencies=[1.0])),
        (TypeError, "scene", lambda b: b.publish_scene("s", {})),
        (TypeError, "frame", lambda b: b.publish_frame("s", None)),
        (TypeError, "energy", lambda b: b.publish_frame("s", PlacementFrame(np.zeros((1, 3)), energy="low"))),  # pyright: ignore[reportArgumentType]
        (ValueError, "outcome", lambda b: b.close("fine")),
        (ValueError, "timestamp", lambda b: b.publish_metric("x", 1.0, timestamp=HUGE)),
        (ValueError, "values", lambda b: b.publish_series("x", np.array(5.0))),
        (ValueError, "values", lambda b: b.publish_series("x", [1, [2, 3]])),
        (ValueError, "timestamps", lambda b: b.publish_series("x", [1, 2], [1.0, [2]])),
        (ValueError, "timestamps", lambda b: b.publish_series("x", [1, 2], [1.0, math.nan])),
        (ValueError, "timestamp:", lambda b: b.publish_series("x", [1, 2], timestamp=math.inf)),
        (ValueError, "gain", lambda b: b.publish_series("x", [1, 2], gain=[1, [2]])),
        (ValueError, "memory", lambda b: b.publish_log("info", "x", memory=2**64)),
        (TypeError, "power", lambda b: b.publish_spectrum("s", "loud", frequencies=[1.0, 2.0])),
        (TypeError, "power", lambda b: b.publish_spectrum("s", None, frequencies=[1.0, 2.0])),
        (ValueError, "power", lambda b: b.publish_spectrum("s", [[1, 2], [1]], frequencies=[1.0, 2.0])),
        (ValueError, "frequencies", lambda b: b.publish_spectrum("s", [1, 2], frequencies=[1, [2]])),
        (
            TypeError,
            "polarizations",
            lambda b: b.publish_spectrum("s", [[1], [2]], frequencies=[1], polarizations="XY"),
        ),
        (TypeError, "polarizations", lambda b: b.publish_spectrum("s", [[1], [2]], frequencies=[1], polarizations=2)),
        (ValueError, "duration", lambda b: b.publish_spectrum("s", [1], frequencies=[1], duration=HUGE)),
        (ValueError, "gain", lambda b: b.publish_spectrum("s", [1], frequencies=[1], gain=HUGE)),
        (ValueError, "gain", lambda b: b.publish_spectrum("s", [1], frequencies=[1], gain=2**53 + 1)),
        (TypeError, "stream", lambda b: b.publish_scene([], PlacementScene((), np.empty((0, 2))))),
        (ValueError, "scene", lambda b: b.publish_scene("s", PlacementScene((), np.empty((0, 2)), scene=-1))),
        (TypeError, "stream", lambda b: b.publish_frame([], PlacementFrame(np.zeros((1, 3))))),
        (TypeError, "position", lambda b: b.publish_frame("s", PlacementFrame("x"))),  # pyright: ignore[reportArgumentType]
        (ValueError, "energy", lambda b: b.publish_frame("s", PlacementFrame(np.zeros((1, 3)), energy=HUGE))),
        (ValueError, "iteration", lambda b: b.publish_frame("s", PlacementFrame(np.zeros((1, 3)), iteration=2**63))),
        (ValueError, "timestamp", lambda b: b.publish_data("s", 1, timestamp=time.time() * 1000)),
        (TypeError, "timeout", lambda b: b.flush("soon")),
        (TypeError, "choices", lambda b: b.control.parameter("p", 1, choices=5)),
        (ValueError, "minimum", lambda b: b.control.parameter("p", 1, minimum=HUGE)),
    ],
)
def test_wrong_arguments_raise_and_name_the_argument(
    b: Broadcaster, error: type[Exception], argument: str, call: Callable[[Any], None]
) -> None:
    """A call that cannot be right raises at once, its text begins with the argument, and nothing is published."""
    with pytest.raises(error, match=f"^{argument}"):
        call(b)
    assert b.flush(5)
    assert set(b.statistics()["published"]) <= {"control", "heartbeat"}


@pytest.mark.parametrize(
    ("error", "argument", "arguments"),
    [
        (TypeError, "url", {"url": 5560}),
        (TypeError, "name", {"name": 3}),
        (ValueError, "linger", {"linger": -1}),
        (TypeError, "history", {"history": "all"}),
        (ValueError, "max_fps", {"max_fps": 0}),
        (ValueError, "queue_bytes", {"queue_bytes": math.inf}),
    ],
)
def test_wrong_constructor_arguments_raise(error: type[Exception], argument: str, arguments: dict[str, Any]) -> None:
    """The constructor names what is wrong and leaves nothing open."""
    with pytest.raises(error, match=f"^{argument}"):
        Broadcaster(**{"url": "tcp://127.0.0.1:0", **arguments})


def test_timestamps_are_of_many_kinds(b: Broadcaster) -> None:
    """Unix seconds, aware datetimes and datetime64 give the same time, for single samples and for arrays."""
    aware = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    stamp = np.datetime64("2024-01-01T00:00:00")
    for timestamp in (aware.timestamp(), aware, stamp):
        b.publish_metric("x", 1.0, timestamp=timestamp)
    b.publish_series("x", [1.0, 2.0], np.array([stamp, stamp]))
    b.publish_series("x", [1.0, 2.0], timestamp=aware)
    with late(b) as viewer:
        assert {t for _, t, _, _ in viewer.samples("x")} == {aware.timestamp()}


def test_arrays_of_samples_keep_their_order_among_single_ones(b: Broadcaster) -> None:
    """publish_series and publish_metric of one series are one curve, in the order of the calls."""
    b.publish_metric("adc", 0.0)
    b.publish_series("adc", np.arange(1.0, 5.0), timestamps=np.arange(4.0))
    b.publish_metric("adc", 5.0)
    b.publish_series("adc", [6, 7], phase="x", gain=np.array([1, 2]), epoch=3)
    with late(b) as viewer:
        assert [value for _, _, value, _ in viewer.samples("adc")[:6]] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
        assert [row[2:] for row in viewer.samples("adc")[6:]] == [(6.0, (3.0, 1.0)), (7.0, (3.0, 2.0))]


def test_metrics_of_one_call_share_their_time(b: Broadcaster) -> None:
    """publish_metrics gives all its values one time and the same columns."""
    b.publish_metrics({"loss": 0.5, "accuracy": 0.9}, step=100, run="a")
    with late(b) as viewer:
        (one,), (two,) = viewer.samples("loss"), viewer.samples("accuracy")
        assert one[1] == two[1]
        assert one[3] == two[3] == (100.0,)


def test_what_is_published_is_detached_from_the_callers_arrays(b: Broadcaster) -> None:
    """An array may be changed as soon as the call has returned."""
    for size in (4, 100_000):
        array = np.zeros(size)
        b.publish_data(f"data {size}", array)
        array[:] = 1
    series = np.zeros(4)
    b.publish_series("series", series, copy=True)
    series[:] = 1
    with late(b) as viewer:
        for size in (4, 100_000):
            assert set(arrays(viewer.of("data", f"data {size}")[0])[""]) == {0.0}
        assert {value for _, _, value, _ in viewer.samples("series")} == {0.0}


def test_irregular_frequencies_are_sent_with_the_row(b: Broadcaster) -> None:
    """A regular axis is two numbers, whatever its direction; another one is an array."""
    b.publish_spectrum("s", np.ones(3), frequencies=[3.0, 2.0, 1.0], duration=0.5, unit="sfu", elevation=45)
    b.publish_spectrum("s", np.ones((1, 3)), frequencies=[1.0, 2.0, 4.0], timestamp=5)
    with late(b) as viewer:
        regular, other = viewer.of("spectrum", "s")
        assert (regular[6]["f0"], regular[6]["df"], len(regular[7])) == (3.0, -1.0, 1)
        assert regular[6]["fields"] == {"elevation": 45.0}
        assert arrays(other)["frequencies"] == (1.0, 2.0, 4.0)
        assert other[6]["t"] == 5.0


def test_frames_belong_to_the_newest_scene(b: Broadcaster) -> None:
    """A scene without number gets one, frames without number follow it, and frames of an old scene are not kept."""
    scene = PlacementScene(refs=("R1", "C1"), size=np.ones((2, 2)))
    for rotation in (0.0, 90.0):
        b.publish_scene("board", scene)
        frame = PlacementFrame.from_components({"C1": (1, 2, rotation), "R1": (3, 4, 0)}, scene)
        b.publish_frame("board", frame)
    with late(b) as viewer:
        (scene_body,), (frame_body,) = viewer.bodies("scene", "board"), viewer.bodies("frame", "board")
        assert frame_body["scene"] == scene_body["scene"] == 2
        assert arrays(viewer.of("frame", "board")[0])["position"] == (3.0, 4.0, 0.0, 1.0, 2.0, 90.0)


def test_max_fps_thins_frames_and_sends_the_last() -> None:
    """Of many frames few are passed on, the last one among them, and none counts as lost."""
    with Broadcaster("tcp://127.0.0.1:0", max_fps=20) as b, RawViewer(b.url) as viewer:
        viewer.subscribe()
        for index in range(100):
            b.publish_frame("board", PlacementFrame(position=np.zeros((1, 3)), index=index))
        viewer.pump_until(lambda: viewer.of("frame", "board") and viewer.bodies("frame", "board")[-1]["index"] == 99)
        frames = viewer.of("frame", "board")
        assert len(frames) < 20
        assert [header[4] for header in frames] == list(range(1, len(frames) + 1))


def test_a_held_frame_goes_out_before_the_next_scene() -> None:
    """Thinning keeps the order of frames and scenes: the last frame of a board comes before the board after it."""
    scene = PlacementScene(("a",), np.ones((1, 2)))
    with Broadcaster("tcp://127.0.0.1:0", max_fps=5) as b, RawViewer(b.url) as viewer:
        viewer.subscribe([["scene", "*"], ["frame", "*"]])
        b.publish_scene("board", scene)
        for index in range(3):
            b.publish_frame("board", PlacementFrame(position=np.zeros((1, 3)), index=index))
        b.publish_scene("board", scene)
        viewer.pump_until(lambda: len(viewer.of("scene", "board")) == 2 and len(viewer.of("frame", "board")) == 2)
        arrived = [(header[2], header[6]["scene"], header[6].get("index")) for header in viewer.data]
        assert arrived == [("scene", 1, None), ("frame", 1, 0), ("frame", 1, 2), ("scene", 2, None)]


def test_signatures_are_the_documented_ones() -> None:
    """Scripts depend on names, kinds and defaults of arguments."""

    def arguments(function: Any) -> str:
        parameters = list(inspect.signature(function).parameters.values())[1:]
        plain = [parameter.replace(annotation=inspect.Parameter.empty) for parameter in parameters]
        return str(inspect.Signature(plain))

    calls = [name for name in dir(Broadcaster) if name.startswith("publish_")]
    assert {name: arguments(getattr(Broadcaster, name)) for name in calls} == {
        "publish_metric": "(name, value, *, timestamp=None, **extra)",
        "publish_metrics": "(values, *, timestamp=None, **extra)",
        "publish_series": "(name, values, timestamps=None, *, copy=False, timestamp=None, **extra)",
        "publish_data": "(stream_name, data, *, timestamp=None)",
        "publish_log": "(level, message, *, timestamp=None, **fields)",
        "publish_status": "(status, message, *, timestamp=None)",
        "publish_spectrum": "(stream, power, *, frequencies, polarizations=None, duration=None, unit='', "
        "timestamp=None, **fields)",
        "publish_scene": "(stream, scene, *, timestamp=None)",
        "publish_frame": "(stream, frame, *, timestamp=None)",
    }
    assert arguments(Broadcaster.__init__) == (
        "(url, *, name=None, history=100000, history_bytes=268435456, queue_bytes=67108864, max_fps=None, "
        "linger=1.0, insecure=False)"
    )
    with Broadcaster("tcp://127.0.0.1:0") as b:
        assert list(inspect.signature(b.control.checkpoint).parameters) == ["timeout"]
        assert list(inspect.signature(b.control.wait_resume).parameters) == ["timeout"]
        assert list(inspect.signature(b.control.parameter).parameters) == [
            "name", "default", "minimum", "maximum", "choices", "unit",
        ]  # fmt: skip


def test_no_time_in_free_form_data_is_nan(b: Broadcaster) -> None:
    """A datetime64 becomes unix seconds, and NaT a NaN."""
    b.publish_data("times", {"a": np.datetime64("1970-01-02", "s"), "b": np.datetime64("NaT", "s")})
    with late(b) as viewer:
        (body,) = viewer.bodies("data", "times")
        assert body["a"] == 86_400.0
        assert math.isnan(body["b"])


def test_eight_threads_publish_at_once(b: Broadcaster) -> None:
    """Every sample of every thread arrives once, each thread's in its order."""
    per_thread = 5000

    def publish(thread: int) -> None:
        for index in range(per_thread):
            b.publish_metric(f"thread {thread}", float(index), step=index)

    threads = [threading.Thread(target=publish, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert b.flush(10)
    assert b.statistics()["published"]["metric"] + sum(b.statistics()["dropped"].values()) == 8 * per_thread
    with late(b) as viewer:
        for thread in range(8):
            assert [row[2] for row in viewer.samples(f"thread {thread}")] == [float(n) for n in range(per_thread)]


def test_joining_under_load_misses_nothing_and_doubles_nothing(b: Broadcaster) -> None:
    """Viewers that join while samples flow have every number from 1 on, exactly once."""
    stop = threading.Event()

    def publish() -> None:
        step = 0
        while not stop.is_set():
            for _ in range(20):
                b.publish_metric("x", float(step), step=step)
                b.publish_log("info", str(step))
                step += 1
            time.sleep(0.002)

    load = threading.Thread(target=publish)
    load.start()
    try:
        for _ in range(10):
            with RawViewer(b.url) as viewer:
                viewer.subscribe([["metric", "*"], ["log", "*"]])
                reached = len(viewer.samples("x"))
                viewer.pump_until(lambda viewer=viewer, reached=reached: len(viewer.samples("x")) > reached + 50)
                assert [row[0] for row in viewer.samples("x")] == list(range(1, len(viewer.samples("x")) + 1))
                numbers = [header[4] for header in viewer.of("log")]
                assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    finally:
        stop.set()
        load.join()


def test_history_keeps_the_shape_from_the_first_sample() -> None:
    """Beyond its bound old samples are thinned to minimum and maximum; the spans still cover every number."""
    with Broadcaster("tcp://127.0.0.1:0", history=2000) as b:
        value = np.zeros(50_000)
        value[777] = 9.0
        for part in np.split(value, 50):
            b.publish_series("x", part)
        with late(b) as viewer:
            rows = viewer.samples("x")
            assert 2000 < len(rows) < 6000
            assert max(row[2] for row in rows) == 9.0
            expected = 1
            for _, first, span in viewer.spans():
                assert first == expected
                expected += span
            assert expected == 50_001


def test_history_stays_within_its_bytes() -> None:
    """The largest streams give way when the memory for history is used up; the newest always stays."""
    with Broadcaster("tcp://127.0.0.1:0", history_bytes=2_000_000) as b:
        for index in range(60):
            b.publish_data("small", index)
            b.publish_spectrum("s", np.ones(50_000), frequencies=np.arange(50_000.0))
            b.publish_series("m", np.arange(10_000.0))
            assert b.flush(5)
            assert b.statistics()["history_bytes"] <= 2_000_000
        with late(b) as viewer:
            assert viewer.of("spectrum", "s")[-1][4] == 60
            assert viewer.bodies("data", "small") == [59]
            _, first, span = viewer.spans()[-1]
            assert first + span == 600_001


def test_a_viewer_that_reads_nothing_harms_nobody() -> None:
    """A stalled viewer costs the producer no memory and the others no message, and catches up with the newest."""
    with (
        Broadcaster("tcp://127.0.0.1:0", history_bytes=30_000_000) as b,
        RawViewer(b.url) as stalled,
        RawViewer(b.url) as reader,
    ):
        stalled.grants = False
        stalled.subscribe()
        reader.subscribe()
        big = PlacementFrame(position=np.zeros((100_000, 3), "f4"))
        for index in range(60):
            b.publish_frame("board", big)
            b.publish_series("m", np.full(1000, float(index)))
            reader.pump_until(lambda index=index: len(reader.of("frame", "board")) == index + 1)
        assert b.flush(5)
        assert b.statistics()["history_bytes"] <= 30_000_000
        stalled.pump()
        got = [header[4] for header in stalled.of("frame", "board")]
        stalled.grants = True
        stalled.grant(8_000_000)
        stalled.pump_until(lambda: len(stalled.samples("m")) == 60_000)
        stalled.pump_until(lambda: stalled.of("frame", "board")[-1][4] == 60)
        assert [header[4] for header in stalled.of("frame", "board")] == [*got, 60]
        assert [row[0] for row in reader.samples("m")] == list(range(1, 60_001))


def test_after_close_publishing_does_nothing_and_counts(b: Broadcaster) -> None:
    """Every publish call after close returns at once; statistics tell how many there were."""
    publish_metric = b.publish_metric
    publish_metric("x", 1.0)
    b.close()
    publish_metric("x", 1.0)
    b.publish_metrics({"x": 1.0, "y": 2.0})
    b.publish_series("x", [1.0])
    b.publish_log("info", "x")
    assert b.statistics()["discarded"] == 5
    assert not b.flush(0.1)
    assert b.control.checkpoint()
    b.close()


@pytest.mark.parametrize(
    ("left_with", "outcome"),
    [
        (RuntimeError("boom"), "error"),
        (KeyboardInterrupt(), "stopped"),
        (SystemExit(0), "finished"),
        (SystemExit("no data"), "error"),
    ],
)
def test_an_exception_leaving_the_block_is_told(b: Broadcaster, left_with: BaseException, outcome: str) -> None:
    """A run that raises has ended with an error, one that is interrupted was stopped."""
    with RawViewer(b.url) as viewer:
        viewer.subscribe()
        with pytest.raises(type(left_with)), b:
            raise left_with
        viewer.pump_until(lambda: viewer.bodies("control")[-1]["run"] == "ENDED")
        assert viewer.bodies("control")[-1]["outcome"] == outcome


def test_close_lets_go_of_paused_loops(b: Broadcaster, wait_for: WaitFor) -> None:
    """A loop that waits in a checkpoint goes on when the broadcaster is closed."""
    from dockscope.core.run_control import Command
    from dockscope.core.run_machine import Ask

    b.control.request(Ask(bytes(16), Command.PAUSE, {}, "ann@desk"))
    results: list[bool] = []
    loop = threading.Thread(target=lambda: results.append(b.control.checkpoint()))
    loop.start()
    wait_for(lambda: b.control.state().run == "PAUSED")
    b.close()
    loop.join(5)
    assert results == [True]


def test_a_dropped_broadcaster_frees_its_port(wait_for: WaitFor) -> None:
    """Without close or with-block the last reference ends it."""
    b = Broadcaster("tcp://127.0.0.1:0")
    url = b.url
    del b
    with Broadcaster(url) as again:
        assert again.url == url


def run_script(body: str) -> subprocess.CompletedProcess[str]:
    """Run a program that uses a Broadcaster in a process of its own."""
    script = "from dockscope import Broadcaster\n" + textwrap.dedent(body)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=30, check=False
    )


def test_a_forked_child_is_silent_and_does_not_hang() -> None:
    """In a forked child publish and checkpoint return at once, and the parent goes on undisturbed."""
    done = run_script(
        """
        import os, threading
        b = Broadcaster("tcp://127.0.0.1:0", name="forker")
        b.publish_metric("x", 1.0)
        busy = threading.Event()
        def publish():
            while not busy.is_set():
                b.publish_metric("x", 1.0)
                b.publish_log("info", "x")
        thread = threading.Thread(target=publish)
        thread.start()
        for _ in range(5):
            child = os.fork()
            if child == 0:
                b.publish_metric("x", 2.0)
                b.publish_data("d", [1])
                assert b.control.checkpoint()
                assert not b.flush(1)
                assert b.statistics()["discarded"] == 2
                b.close()
                del b
                os._exit(7)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        busy.set()
        thread.join()
        assert b.flush(5)
        print(b.statistics()["published"]["metric"] > 0)
        """
    )
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)


@pytest.mark.parametrize(
    ("ending", "outcome", "code"), [("pass", "finished", 0), ("raise RuntimeError('boom')", "error", 1)]
)
def test_a_program_that_just_ends_says_farewell(ending: str, outcome: str, code: int) -> None:
    """Without close the last messages go out at exit, with the outcome the program had."""
    script = f"""
from dockscope import Broadcaster
import sys
b = Broadcaster("tcp://127.0.0.1:0", linger=3)
print(b.url, flush=True)
sys.stdin.readline()
b.publish_metric("x", 1.0)
b.publish_log("info", "the last word")
{ending}
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True, bufsize=1
    )
    assert process.stdin
    assert process.stdout
    with process, RawViewer(process.stdout.readline().strip()) as viewer:
        viewer.subscribe()
        process.stdin.write("go\n")
        process.stdin.flush()
        viewer.pump_until(lambda: viewer.bodies("control")[-1]["run"] == "ENDED")
        assert process.wait(10) == code
    assert viewer.bodies("control")[-1]["outcome"] == outcome
    assert len(viewer.samples("x")) == 1
    assert viewer.bodies("log")[-1][1] == "the last word"


def test_importing_is_light_and_names_are_public() -> None:
    """`import dockscope` loads neither Qt nor NumPy nor ZeroMQ; a producer never loads Qt."""
    done = run_script(
        """
        import sys
        import dockscope
        assert sorted(dockscope.__all__) == ["Broadcaster", "Parameter", "PlacementFrame", "PlacementScene"]
        with Broadcaster("tcp://127.0.0.1:0") as b:
            b.publish_metric("x", 1.0)
        print([name for name in sys.modules if "PySide" in name or "pyqtgraph" in name or "qasync" in name])
        """
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
    script = "import sys, dockscope; print([m for m in ('numpy', 'zmq', 'msgspec') if m in sys.modules])"
    light = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert light.stdout == "[]\n"


def test_parameters_are_public(b: Broadcaster) -> None:
    """What control.parameter returns is the public Parameter."""
    assert isinstance(b.control.parameter("rate", 0.5), Parameter)


def test_subclasses_may_override_publish_metric() -> None:
    """The fast path does not hide a method that a subclass defines."""
    calls: list[str] = []

    class Counting(Broadcaster):
        def publish_metric(self, name: str, value: float, **extra: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            calls.append(name)
            super().publish_metric(name, value, **extra)

    with Counting("tcp://127.0.0.1:0") as b:
        b.publish_metric("x", 1.0, step=1)
        assert b.flush(5)
        assert b.statistics()["published"]["metric"] == 1
    assert calls == ["x"]
