"""``ZmqBroadcaster`` and ``MontyExperimentWithLiveView`` against a bare viewer and against our own source."""

from __future__ import annotations

import asyncio
import json
import math
import os
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import zmq

from dockscope.core.dialects.liveview import MontyExperimentWithLiveView, ZmqBroadcaster
from dockscope.core.run_control import LinkState, Stage
from idle import MOST_OF_A_CORE, idle_share
from monty import captured, captured_commands, free_ports, is_bound
from watched import Watched, run

PATIENCE_MS = 5_000


class Viewer:
    """A viewer as Monty's: SUB and PUB are bound, with bare ZeroMQ."""

    def __init__(self, context: zmq.Context, port: int) -> None:
        self.telemetry, self.commands = context.socket(zmq.SUB), context.socket(zmq.XPUB)
        self.telemetry.subscribe(b"")
        for socket, number in ((self.telemetry, port), (self.commands, port + 1)):
            socket.linger = 0
            socket.bind(f"tcp://127.0.0.1:{number}")

    def lines(self, count: int) -> list[bytes]:
        """Return the next messages, as they came."""
        found = []
        for _ in range(count):
            assert self.telemetry.poll(PATIENCE_MS), f"only {len(found)} of {count} messages came: {found}"
            found.append(self.telemetry.recv())
        return found

    def until(self, **fields: object) -> None:
        """Read up to a message with these fields."""
        while not fields.items() <= json.loads(self.lines(1)[0]).items():
            pass


@contextmanager
def viewer_at(port: int):
    """A bound SUB attaches nobody until it is read: a thread does so until somebody publishes."""
    with zmq.Context() as context:
        viewer = Viewer(context, port)
        reading = threading.Thread(target=viewer.telemetry.poll, args=(PATIENCE_MS,))
        reading.start()
        try:
            yield viewer, reading
        finally:
            reading.join()
            viewer.telemetry.close()
            viewer.commands.close()


def test_the_capture_is_published_byte_for_byte():
    """The calls that Monty's experiment made give the frames that it sent, in their order."""
    port = free_ports()
    with viewer_at(port) as (viewer, reading), ZmqBroadcaster(port) as broadcaster:
        for line in captured():
            told = json.loads(line)
            kind = told.pop("type")
            if kind == "metric":
                broadcaster.publish_metric(told.pop("name"), told.pop("value"), **told)
            elif kind == "data":
                broadcaster.publish_data(told.pop("stream"), told)
            elif kind == "log":
                broadcaster.publish_log(told.pop("level"), told.pop("message"), **told)
            else:
                broadcaster.publish_state(**told)
        reading.join()
        assert viewer.lines(len(captured())) == captured()


def test_the_experiment_begins_as_montys_does_and_obeys_the_captured_commands():
    """Its first state has the captured keys in their order; captured pause, resume and abort are obeyed and told."""
    port = free_ports()
    with viewer_at(port) as (viewer, reading):
        experiment = MontyExperimentWithLiveView({"zmq_port": port, "run_name": "driver_run"})
        reading.join()
        (first,) = viewer.lines(1)
        began = json.dumps(experiment.identity["experiment_start_time"]).encode()
        expected = captured()[0]
        start = json.dumps(json.loads(expected)["experiment_start_time"]).encode()
        assert first == expected.replace(start, began)
        stopped = threading.Event()

        def loop() -> None:
            while experiment.control.checkpoint():
                pass
            stopped.set()

        thread = threading.Thread(target=loop)
        thread.start()
        assert viewer.commands.poll(PATIENCE_MS)
        assert viewer.commands.recv() == b"\x01cmd:"
        experiment.setup(seed=42)
        viewer.until(status="running", seed=42)
        pause, resume, abort = captured_commands()
        for command, words in ((pause, ("pausing", "paused")), (resume, ("resuming", "running"))):
            viewer.commands.send(command)
            for word in words:
                viewer.until(status=word)
        viewer.commands.send(b"cmd:abort nonsense")
        viewer.commands.send(b'cmd:dance {"type": "dance", "payload": {}}')
        viewer.commands.send(abort)
        for word in ("aborting", "aborted"):
            viewer.until(status=word)
        assert stopped.wait(5.0)
        thread.join()
        experiment.close()
        assert not viewer.telemetry.poll(0)


def test_how_a_run_ends_is_told(wait_for_async):
    """As a context manager the experiment is completed, or in error with the words of its exception."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            await wait_for_async(lambda: is_bound(port))

            def work(name: str, error: Exception | None) -> None:
                with MontyExperimentWithLiveView({"zmq_port": port, "run_name": name}) as experiment:
                    experiment.broadcaster.publish_metric("loss", 1.0)
                    if error is not None:
                        raise error

            await asyncio.to_thread(work, "A", None)
            await wait_for_async(watched.is_run("ENDED"))
            assert watched.producer.run is not None
            assert watched.producer.run.outcome == "finished"
            with pytest.raises(RuntimeError):
                await asyncio.to_thread(work, "B", RuntimeError("no memory"))
            key = f"{watched.source.key}#2"
            await wait_for_async(lambda: key in watched.hub.producers)
            second = watched.hub.producers[key]
            await wait_for_async(lambda: second.run is not None and second.run.run == "ENDED")
            assert second.run is not None
            assert (second.name, second.run.outcome, second.run.reason) == ("B", "error", "no memory")

    run(scenario)


def test_our_experiment_confirms_pause_resume_and_stop(wait_for_async):
    """Each becomes effective in the viewer when the loop is at its checkpoint, and the run is CLOSED, not lost."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            await wait_for_async(lambda: is_bound(port))

            def work() -> None:
                with MontyExperimentWithLiveView({"zmq_port": port, "run_name": "A"}) as experiment:
                    while experiment.control.checkpoint():
                        time.sleep(0.001)  # a step of the loop

            worker = asyncio.ensure_future(asyncio.to_thread(work))
            await wait_for_async(watched.is_run("RUNNING"))
            for command, state in (("pause", "PAUSED"), ("resume", "RUNNING"), ("stop", "ENDED")):
                id_ = watched.source.send(command)
                await wait_for_async(lambda id_=id_: watched.hub.commands[id_].stage is Stage.EFFECTIVE)
                assert watched.is_run(state)()
            await worker
            await wait_for_async(watched.is_link(LinkState.CLOSED))

    run(scenario)


def test_numpy_and_nan_and_hidden_keys_arrive(wait_for_async):
    """NumPy scalars, NaN, and data keys called type and stream arrive in the viewer as they were published."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            await wait_for_async(lambda: is_bound(port))

            def work() -> None:
                with ZmqBroadcaster(port) as broadcaster:
                    broadcaster.publish_metric("loss", np.float32(0.5), step=np.int64(1))
                    broadcaster.publish_metric("loss", float("nan"), step=2)
                    broadcaster.publish_metric("loss", np.array(3), step=3)
                    broadcaster.publish_data("s", {"type": "sensor", "stream": "other", "v": np.arange(3)})
                    broadcaster.publish_log("info", "m", type="io", n=np.int64(2))

            await asyncio.to_thread(work)
            await wait_for_async(lambda: watched.samples() == 3 and watched.hub.data.entries)
            values = watched.curve().column("value").tolist()
            assert (values[0], math.isnan(values[1]), values[2]) == (0.5, True, 3.0)
            assert watched.curve().column("step").tolist() == [1, 2, 3]
            entry = watched.hub.data.entries[watched.source.key, "s"]
            assert entry.value == {"type": "sensor", "stream": "other", "v": [0, 1, 2]}
            row = next(row for row in watched.hub.log.rows if row.source == "log")
            assert row.fields == {"type": "io", "n": 2}
            assert not watched.producer.problem

    run(scenario)


def test_many_threads_share_a_broadcaster(wait_for_async):
    """Threads publish at once and every message arrives whole, where Monty's socket had no lock."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            await wait_for_async(lambda: is_bound(port))

            def publish(broadcaster: ZmqBroadcaster, name: str) -> None:
                for step in range(500):
                    broadcaster.publish_metric(name, step, step=step)

            def work() -> None:
                with ZmqBroadcaster(port) as broadcaster:
                    threads = [threading.Thread(target=publish, args=(broadcaster, f"m{i}")) for i in range(4)]
                    for thread in threads:
                        thread.start()
                    for thread in threads:
                        thread.join()
                    assert broadcaster.dropped == 0

            await asyncio.to_thread(work)
            await wait_for_async(lambda: watched.producer.samples == 2000)
            for index in range(4):
                assert watched.curve(f"m{index}").column("value").tolist() == list(range(500))
            assert not watched.producer.problem

    run(scenario)


def test_a_viewer_that_comes_late_is_told_the_state(wait_for_async):
    """Name and status were published before anybody listened; who comes later has them with the next message."""

    async def scenario():
        port = free_ports()
        with MontyExperimentWithLiveView({"zmq_port": port, "run_name": "early"}) as experiment:
            async with Watched(f"liveview://*:{port}") as watched:
                await wait_for_async(watched.is_link(LinkState.LIVE))

                def is_named() -> bool:
                    experiment.broadcaster.publish_metric("loss", 1.0)
                    return watched.producer.name == "early"

                await wait_for_async(is_named)
                await wait_for_async(watched.is_run("RUNNING"))

    run(scenario)


def test_a_viewer_that_does_not_read_costs_nothing_but_messages(expect_log):
    """Publishing never waits: what the queue cannot hold is dropped and counted, and told once."""
    port = free_ports()
    expect_log("messages are dropped")
    with viewer_at(port) as (viewer, reading), ZmqBroadcaster(port) as broadcaster:
        payload = {"x": "x" * 20_000}
        for _ in range(40_000):
            broadcaster.publish_data("s", payload)
            if broadcaster.dropped:
                break
        assert broadcaster.dropped
        viewer.telemetry.setsockopt(zmq.RCVTIMEO, 0)
        reading.join()
        viewer.telemetry.close()


def test_wrong_arguments_are_told_at_the_call():
    """The argument is named; what is published after close, or by one that is not enabled, is nothing."""
    port = free_ports()
    with ZmqBroadcaster(port, enabled=False) as broadcaster:
        for call, argument in (
            (lambda: broadcaster.publish_metric("m", "x"), "value"),  # type: ignore[arg-type]
            (lambda: broadcaster.publish_metric(1, 1.0), "name"),  # type: ignore[arg-type]
            (lambda: broadcaster.publish_data("s", [1]), "data"),  # type: ignore[arg-type]
            (lambda: broadcaster.publish_data(None, {}), "stream_name"),  # type: ignore[arg-type]
            (lambda: broadcaster.publish_log("info", 3), "message"),  # type: ignore[arg-type]
            (lambda: broadcaster.publish_log(3, "m"), "level"),  # type: ignore[arg-type]
        ):
            with pytest.raises(TypeError, match=f"^{argument}: "):
                call()
        broadcaster.publish_metric("m", 1.0)
    broadcaster.publish_metric("m", 1.0)
    for wrong in (0, 65536, "5555", True):
        with pytest.raises(ValueError, match="zmq_port"):
            ZmqBroadcaster(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="zmq_host"):
        ZmqBroadcaster(port, "no host/")
    experiment = MontyExperimentWithLiveView({"zmq_port": port, "enable_liveview": False})
    experiment.broadcaster.publish_metric("m", 1.0)
    assert experiment.control.checkpoint()
    experiment.close()


def test_another_machine_is_warned_of_once(expect_log):
    """The address that the caller gives is obeyed, with one warning when it is not this machine."""
    expect_log("another machine")
    with ZmqBroadcaster(free_ports(), "192.0.2.1") as broadcaster:
        broadcaster.publish_metric("m", 1.0)


def test_a_forked_child_publishes_nothing():
    """In a forked child the broadcaster does nothing, and its end takes nothing from the parent."""
    port = free_ports()
    with viewer_at(port) as (viewer, reading), ZmqBroadcaster(port) as broadcaster:
        child = os.fork()
        if not child:
            broadcaster.publish_metric("child", 1.0)
            broadcaster.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        broadcaster.publish_metric("parent", 1.0)
        reading.join()
        assert json.loads(viewer.lines(1)[0])["name"] == "parent"


def test_the_listener_for_commands_sleeps():
    """Waiting for commands takes under a hundredth of a core, where Monty's takes a whole one."""
    port = free_ports()
    experiment = MontyExperimentWithLiveView({"zmq_port": port, "run_name": "A"})
    share = idle_share()
    experiment.close()
    assert share < MOST_OF_A_CORE
