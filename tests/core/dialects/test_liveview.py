"""``liveview://`` against experiments like Monty's own, in processes of their own, and against the capture."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from contextlib import ExitStack

import pytest
import zmq

from dockscope.core.dialects.base import normalize_url, open_source, probe
from dockscope.core.hub import Hub, Producer
from dockscope.core.run_control import LinkState, Stage
from idle import MOST_OF_A_CORE, idle_share
from monty import Monty, free_ports
from watched import Watched, run


def named(watched: Watched, name: str) -> Producer | None:
    return next((p for p in watched.hub.producers.values() if p.name == name), None)


def runs(watched: Watched, name: str, state: str = "RUNNING") -> bool:
    producer = named(watched, name)
    return producer is not None and producer.run is not None and producer.run.run == state


def samples(watched: Watched, name: str) -> int:
    producer = named(watched, name)
    curve = watched.hub.series.curves.get((producer.key, "loss", ())) if producer else None
    return 0 if curve is None else len(curve)


def test_the_capture_becomes_what_it_tells(wait_for_async):
    """Metrics, evidence per object, pictures per sensor, mesh, data, log and state of a real experiment are there."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            with Monty(port, "A", "replay"):
                await wait_for_async(watched.is_run("ENDED"))
                assert watched.producer.name == "driver_run"
                assert watched.producer.run is not None
                assert watched.producer.run.outcome == "stopped"
                assert not watched.producer.problem
            await wait_for_async(watched.is_link(LinkState.CLOSED))
            series, data = watched.hub.series, watched.hub.data
            assert sorted(series.names()) == ["evidence", "learning_rate", "loss"]
            mug = series.curves[watched.source.key, "evidence", (("object", "mug"),)]
            assert mug.column("value").tolist() == [0.12103749756380472, -0.04346390223966265]
            assert mug.column("step").tolist() == [0, 1]
            assert mug.column("episode").tolist() == [1, 1]
            assert mug.column("t").tolist() == [1795245557.9197373, 1795245557.998559]
            assert watched.curve().column("epoch").tolist() == [1]
            values = {stream: entry.value for (_, stream), entry in data.entries.items()}
            assert sorted(values) == [
                "evidence_chart",
                "mesh_viewer",
                "sensor_images/patch",
                "sensor_images/view_finder",
                "sensor_readings",
                "state",
            ]
            for picture in ("camera_image", "depth_image"):
                assert values["sensor_images/patch"][picture].startswith(b"\x89PNG")
            assert values["mesh_viewer"]["mesh_url"] == "/m/mug.glb"
            assert values["evidence_chart"]["target_object"] == "mug"
            assert (values["state"]["seed"], values["state"]["status"]) == (42, "aborted")
            assert values["state"]["learning_module_count"] == 2
            told = [(row.level, row.message, row.fields) for row in watched.hub.log.rows if row.source == "log"]
            assert told == [
                ("info", "Training step completed", {"step": 100}),
                ("warning", "High memory usage detected", {"memory_mb": 8192, "threshold_mb": 4096}),
            ]

    run(scenario)


def test_runs_are_told_apart_and_one_end_aborts_nobody(wait_for_async):
    """Two runs are two producers with their own curves; when one completes no command is sent, the other goes on."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            assert "waiting" in watched.producer.link_detail
            with Monty(port, "A") as first, Monty(port, "B") as second:
                await wait_for_async(lambda: samples(watched, "A") > 5 and samples(watched, "B") > 5)
                assert len(watched.hub.producers) == 2
                await asyncio.to_thread(first.complete)
                await wait_for_async(lambda: runs(watched, "A", "ENDED"))
                before = samples(watched, "B")
                await wait_for_async(lambda: samples(watched, "B") > before + 20)
                assert runs(watched, "B")
                for name in ("A", "B"):
                    producer = named(watched, name)
                    assert producer is not None
                    steps = watched.hub.series.curves[producer.key, "loss", ()].column("step").tolist()
                    assert steps == list(range(len(steps)))
                assert await asyncio.to_thread(second.received) == []

    run(scenario)


def test_stop_reaches_the_run_that_is_meant_alone(wait_for_async):
    """Stop of one of two runs is its abort, effective on its word; the other gets nothing and runs on."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            with Monty(port, "A") as first, Monty(port, "B") as second:
                await wait_for_async(lambda: runs(watched, "A") and runs(watched, "B"))
                producer = named(watched, "B")
                assert producer is not None
                id_ = watched.source.parts[producer.key].send("stop", {"reason": "enough"})
                await wait_for_async(lambda: watched.hub.commands[id_].stage is Stage.EFFECTIVE)
                (command,) = await asyncio.to_thread(second.received)
                assert (command["type"], command["payload"]) == ("abort", {"reason": "enough"})
                assert runs(watched, "A")
                before = samples(watched, "A")
                await wait_for_async(lambda: samples(watched, "A") > before + 5)
                assert await asyncio.to_thread(first.received) == []

    run(scenario)


def test_the_source_steers_all_its_runs(wait_for_async):
    """A command to the source, or to each run in one go, is sent to all of them."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            with Monty(port, "A") as first, Monty(port, "B") as second:
                await wait_for_async(lambda: runs(watched, "A") and runs(watched, "B"))
                watched.source.send("stop")
                await wait_for_async(lambda: runs(watched, "A", "ENDED") and runs(watched, "B", "ENDED"))
                assert [state.stage for state in watched.hub.commands.values()] == [Stage.EFFECTIVE] * 2
                for ended in (first, second):
                    assert [told["type"] for told in await asyncio.to_thread(ended.received)] == ["abort"]

    run(scenario)


def test_runs_that_cannot_be_told_apart_are_not_hit_by_each_others_stop(wait_for_async):
    """Two runs of one process: Stop of one is refused, as it would reach both; both together are stopped."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            with ExitStack() as stack:
                context = stack.enter_context(zmq.Context())
                for name in ("A", "B"):
                    publisher = stack.enter_context(context.socket(zmq.XPUB))
                    publisher.connect(f"tcp://127.0.0.1:{port}")
                    await wait_for_async(lambda publisher=publisher: publisher.poll(0))
                    publisher.send_json({"type": "state", "run_name": name, "status": "running"})
                commands = stack.enter_context(context.socket(zmq.SUB))
                commands.subscribe(b"cmd:")
                commands.connect(f"tcp://127.0.0.1:{port + 1}")
                await wait_for_async(lambda: runs(watched, "A") and runs(watched, "B"))
                id_ = watched.source.parts[watched.source.key].send("stop")
                await wait_for_async(lambda: watched.hub.commands[id_].stage is Stage.REJECTED)
                assert "would reach B as well" in watched.hub.commands[id_].reason
                assert not commands.poll(0)
                for part in watched.source.parts.values():
                    part.send("stop")
                await wait_for_async(lambda: commands.poll(0))
                assert commands.recv().startswith(b'cmd:abort {"type": "abort", "payload": {"reason": "User requested')

    run(scenario)


def test_pause_is_sent_and_not_confirmed_when_the_run_does_not_react(wait_for_async):
    """Monty's own experiment ignores pause: it gets it, and the viewer says that nobody confirmed it."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            with Monty(port, "A") as experiment:
                await wait_for_async(lambda: runs(watched, "A"))
                ids = [watched.source.send(command) for command in ("pause", "resume")]
                for id_ in ids:
                    await wait_for_async(lambda id_=id_: watched.hub.commands[id_].stage is Stage.UNCONFIRMED)
                assert runs(watched, "A")
                assert watched.source.retry(ids[0])
                told = [await asyncio.to_thread(experiment.next_received) for _ in range(3)]
                assert told == ["pause", "resume", "pause"]

    run(scenario)


def test_who_takes_no_commands_says_so(wait_for_async):
    """A process that only publishes refuses Stop with a sentence, and set is no command of LiveView."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            with Monty(port, "A", "deaf"):
                await wait_for_async(lambda: runs(watched, "A"))
                stop, other = watched.source.send("stop"), watched.source.send("set", {"name": "x"})
                assert watched.hub.commands[other].stage is Stage.REJECTED
                await wait_for_async(lambda: watched.hub.commands[stop].stage is Stage.REJECTED)
                assert "only publishes" in watched.hub.commands[stop].reason

    run(scenario)


def test_a_run_that_vanishes_is_lost_and_the_next_of_its_name_is_a_new_run(wait_for_async):
    """Killed is LOST; started again it is the same producer and another run; under another name another producer."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            with Monty(port, "A") as first:
                await wait_for_async(lambda: samples(watched, "A") > 5)
                await asyncio.to_thread(first.kill)
            await wait_for_async(watched.is_link(LinkState.LOST))
            with Monty(port, "A"):
                await wait_for_async(watched.is_link(LinkState.LIVE))
                assert watched.producer.run_index == 1
            await wait_for_async(watched.is_link(LinkState.CLOSED))
            with Monty(port, "B"):
                await wait_for_async(lambda: samples(watched, "B") > 5)
                assert [p.name for p in watched.hub.producers.values()] == ["A", "B"]

    run(scenario)


def test_a_viewer_that_comes_late_learns_what_it_can(wait_for_async):
    """Without any name the run is called by the address, its counters say that it runs; the first name is its."""

    async def scenario():
        port = free_ports()
        with Monty(port, "A", "silent"):
            async with Watched(f"liveview://*:{port}") as watched:
                await wait_for_async(lambda: watched.samples() > 5)
                assert watched.producer.name == f"127.0.0.1:{port}"
                await wait_for_async(watched.is_run("RUNNING"))
                with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
                    publisher.linger = 0
                    publisher.connect(f"tcp://127.0.0.1:{port}")
                    await wait_for_async(lambda: publisher.poll(0))
                    publisher.send_json({"type": "metric", "name": "cpu", "value": 1})
                    second = f"127.0.0.1:{port} (2)"
                    await wait_for_async(lambda: named(watched, second) is not None)
                    publisher.send_json({"type": "data", "stream": "s", "run_name": "late", "x": 1})
                    await wait_for_async(lambda: named(watched, "late") is not None)
                    assert named(watched, second) is None
                    assert len(watched.hub.producers) == 2

    run(scenario)


def test_a_process_beside_the_run_sends_for_it(wait_for_async):
    """Data on another connection that name a connected run go to that run."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            with Monty(port, "A"), zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
                publisher.linger = 0
                await wait_for_async(lambda: runs(watched, "A"))
                publisher.connect(f"tcp://127.0.0.1:{port}")
                await wait_for_async(lambda: publisher.poll(0))
                publisher.send_json({"type": "data", "stream": "mesh_viewer", "url": "/x.glb", "run_name": "A"})
                await wait_for_async(lambda: (watched.source.key, "mesh_viewer") in watched.hub.data.entries)
                entry = watched.hub.data.entries[watched.source.key, "mesh_viewer"]
                assert entry.value == {"mesh_url": "/x.glb", "run_name": "A"}
                assert len(watched.hub.producers) == 1

    run(scenario)


def test_state_is_merged(wait_for_async):
    """A patch changes what it has, null clears a field, and metrics, streams and logs inside it are not lost."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
                publisher.linger = 0
                publisher.connect(f"tcp://127.0.0.1:{port}")
                await wait_for_async(lambda: publisher.poll(0))
                line = {"level": "error", "message": "hot", "timestamp": "2024-01-01T00:00:00Z"}
                for fields in (
                    {"run_name": "A", "seed": 1, "model_path": "m", "status": "running"},
                    {"seed": None, "metrics": {"loss": 0.5, "bad": "x"}, "recent_logs": [line]},
                    {"data_streams": {"s": {"x": 1}}, "recent_logs": [line, {"level": "info", "message": "new"}]},
                    {"status": "error", "error_message": "no memory"},
                ):
                    publisher.send_json({"type": "state", **fields})
                await wait_for_async(watched.is_run("ENDED"))
                run_told, status = watched.producer.run, watched.producer.status
                assert run_told is not None
                assert status is not None
                assert (run_told.outcome, run_told.reason) == ("error", "no memory")
                assert (status.status, status.message) == ("error", "error: no memory")
                state = watched.hub.data.entries[watched.source.key, "state"].value
                assert state == {
                    "run_name": "A",
                    "model_path": "m",
                    "status": "error",
                    "error_message": "no memory",
                }
                assert watched.hub.data.entries[watched.source.key, "s"].value == {"x": 1}
                assert watched.samples() == 1
                told = [(row.message, row.t) for row in watched.hub.log.rows if row.source == "log"]
                assert told[0] == ("hot", 1_704_067_200)
                assert [message for message, _ in told] == ["hot", "new"]

    run(scenario)


def test_pictures_keep_the_one_before_and_bad_messages_are_told(wait_for_async):
    """A null picture leaves the one before; what cannot be read is counted, and what follows is read."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
                publisher.linger = 0
                publisher.connect(f"tcp://127.0.0.1:{port}")
                await wait_for_async(lambda: publisher.poll(0))
                pictures = {"type": "data", "stream": "sensor_images", "run_name": "A:eye"}
                publisher.send_json({**pictures, "camera_image": "YQ==", "depth_image": "Yg==", "step": 1})
                publisher.send_json({**pictures, "camera_image": None, "depth_image": "Yw==", "step": 2})
                for bad in (b"no json", b'{"type": "?"}', json.dumps({**pictures, "camera_image": "%"}).encode()):
                    publisher.send(bad)
                publisher.send_multipart([b"two", b"frames"])
                publisher.send_json({"type": "metric", "name": "loss", "value": 1})
                await wait_for_async(lambda: watched.samples() == 1)
                entry = watched.hub.data.entries[watched.source.key, "sensor_images/eye"]
                assert entry.value == {"camera_image": b"a", "depth_image": b"c", "step": 2}
                assert "refused" in watched.producer.problem
                assert watched.producer.link is LinkState.LIVE

    run(scenario)


def test_only_narrows_a_source(wait_for_async):
    """``?only=`` keeps these names of metrics, streams or kinds."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}?only=loss,mesh_viewer") as watched:
            with Monty(port, "A", "replay"):
                await wait_for_async(watched.is_run("ENDED"))
            assert watched.hub.series.names() == ["loss"]
            assert [stream for _, stream in watched.hub.data.entries] == ["mesh_viewer"]
            assert not [row for row in watched.hub.log.rows if row.source == "log"]

    run(scenario)


def test_a_run_is_closed_alone_and_opened_again(wait_for_async):
    """Closing one run's part leaves the other; start() of the source opens it again, as does a new run of its name."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            with Monty(port, "A"), Monty(port, "B"):
                await wait_for_async(lambda: samples(watched, "A") > 5 and samples(watched, "B") > 5)
                key = f"{watched.source.key}#2"
                second = watched.hub.producers[key]
                await watched.source.parts[key].close()
                assert second.link is LinkState.CLOSED
                before, other = second.samples, watched.producer.samples
                await wait_for_async(lambda: watched.producer.samples > other + 10)
                assert second.samples == before
                watched.source.start()
                await wait_for_async(lambda: second.link is LinkState.LIVE and second.samples > before)

    run(scenario)


def test_tcp_recognizes_liveview_among_those_who_connect(wait_for_async):
    """``tcp://*:port`` is LiveView by the first message, which is not lost; other JSON stays JSON."""

    async def scenario():
        port = free_ports()
        async with Watched(f"tcp://*:{port}") as watched:
            with Monty(port, "A") as experiment:
                await wait_for_async(lambda: samples(watched, "A") > 5)
                assert watched.source.url == f"liveview://*:{port}"
                curve = watched.hub.series.curves[watched.source.key, "loss", ()]
                assert curve.column("step").tolist()[0] == 0
                assert list(watched.source.parts) == [watched.source.key]
                id_ = watched.source.send("stop")
                await wait_for_async(lambda: watched.hub.commands[id_].stage is Stage.EFFECTIVE)
                assert [told["type"] for told in await asyncio.to_thread(experiment.received)] == ["abort"]

    run(scenario)


def test_a_taken_command_port_leaves_the_telemetry(wait_for_async):
    """Without the port above everything is read, and a command says why it cannot be sent; the probe says both."""

    async def scenario():
        port = free_ports()
        assert (await probe(f"liveview://*:{port}")).sentence.startswith("Free: ")
        with zmq.Context() as context, context.socket(zmq.REP) as other:
            other.bind(f"tcp://127.0.0.1:{port + 1}")
            told = await probe(f"liveview://*:{port}")
            assert (told.ok, "no commands can be sent" in told.sentence) == (True, True)
            async with Watched(f"liveview://*:{port}") as watched:
                with Monty(port, "A", "deaf"):
                    await wait_for_async(lambda: samples(watched, "A") > 5)
                    assert "Commands cannot be sent" in watched.producer.problem
                    state = watched.hub.commands[watched.source.send("stop")]
                    assert (state.stage, "port is taken" in state.reason) == (Stage.REJECTED, True)

    run(scenario)


def test_an_idle_source_takes_no_time(wait_for_async):
    """Waiting for a run, and with one that is silent, it uses under a hundredth of a core."""

    async def scenario():
        port = free_ports()
        async with Watched(f"liveview://*:{port}") as watched:
            with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
                publisher.connect(f"tcp://127.0.0.1:{port}")
                await wait_for_async(lambda: publisher.poll(0) and watched.producer.link is LinkState.LIVE)
                assert await asyncio.to_thread(idle_share) < MOST_OF_A_CORE

    run(scenario)


def test_a_url_has_one_spelling_and_wrong_ones_are_told():
    """The host is the address to bind; other machines are let in only when asked for."""
    assert normalize_url(" LIVEVIEW://127.0.0.1:5555/ ") == normalize_url("liveview://*:5555") == "liveview://*:5555"
    with pytest.raises(ValueError, match="highest is 65534"):
        normalize_url("liveview://*:65535")
    for url in ("liveview://0.0.0.0:5555", "liveview://192.0.2.1:5555"):
        with pytest.raises(ValueError, match="--insecure"):
            open_source(url, Hub())
        assert open_source(url, Hub(), insecure=True).waits


def test_tail_and_control_from_the_command_line():
    """``tail --json`` names the run of each line; ``control stop`` waits for a run and is effective on its word."""
    port = free_ports()
    url, program = f"liveview://*:{port}", [sys.executable, "-m", "dockscope"]
    with Monty(port, "A"), Monty(port, "B"):
        tail = [*program, "tail", url, "--json", "--seconds", "2"]
        told = subprocess.run(tail, check=False, capture_output=True, text=True, timeout=30, env=os.environ)
        assert (told.returncode, told.stderr) == (0, "")
        lines = [json.loads(line) for line in told.stdout.splitlines()]
        assert {"metric", "data", "control"} <= {line["kind"] for line in lines}
        control = [*program, "control", url, "stop", "--json"]
        stopped = subprocess.run(control, check=False, capture_output=True, text=True, timeout=30, env=os.environ)
        assert stopped.returncode == 0, stopped.stderr + stopped.stdout
        assert json.loads(stopped.stdout)["outcome"] == "stopped"
