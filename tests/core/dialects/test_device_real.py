"""The real labdaemon as the other side: watched, steered, switched off and on again."""

from __future__ import annotations

import asyncio
import io
import json
import math
import time

import pytest

from device_replay import Followed, LabDaemon
from dockscope.core.control_command import control
from dockscope.core.dialects.base import probe
from dockscope.core.dialects.device_http import device_server
from dockscope.core.dialects.device_sse import parse
from dockscope.core.run_control import LinkState, Stage
from dockscope.core.tail import tail
from watched import Watched, run


@pytest.fixture(scope="module")
def lab():
    """One server for all tests of this file that leave it as it was."""
    with LabDaemon() as lab:
        yield lab


async def set_to(seen: Followed, name: str, value: object, wait_for_async) -> list[Stage]:
    """Set a parameter; gives the stages of the command."""
    id_ = seen.source.send("set", {"name": name, "value": value})
    await wait_for_async(lambda: {Stage.EFFECTIVE, Stage.REJECTED} & set(seen.stages(id_)), timeout_s=15.0)
    return seen.stages(id_)


def test_nested_readings_and_what_is_no_number(lab, wait_for_async):
    """Nested numbers are metrics with dotted names, NaN among them, the rest is data; devices are listed."""

    async def scenario():
        await lab.call("daq1", "set_reading", "nested")
        async with Watched(lab.url) as seen:
            await wait_for_async(lambda: seen.samples("daq1.stage.x") > 3)
            assert seen.curve("daq1.stage.limits.low").column("value")[-1] == -1.0
            assert math.isnan(seen.curve("daq1.gain").column("value")[-1])
            assert seen.hub.data.entries[seen.source.key, "daq1"].value == {"state": "moving"}
            await wait_for_async(lambda: seen.samples("daq2.n") > 3)
            listed = seen.hub.data.entries[seen.source.key, "devices"].value
            assert listed["daq2"] | {"streaming": None} == {
                "type": "SimDAQ",
                "connected": True,
                "streaming": None,
                "task": None,
                "error": None,
            }
            assert (seen.producer.role, seen.producer.link) == ("operate", LinkState.LIVE)
        await lab.call("daq1", "set_reading", "trace")

    run(scenario)


def test_a_server_that_was_switched_off_is_found_again(wait_for_async):
    """The server dies and another comes up at its port: both devices stream again with no click."""

    async def scenario():
        with LabDaemon() as first:
            async with Watched(first.url) as seen:
                await wait_for_async(lambda: seen.samples("daq1.n") > 3 and seen.samples("daq2.n") > 3)
                first.end()
                await wait_for_async(lambda: seen.producer.link is LinkState.LOST)
                before = seen.samples("daq1.n"), seen.samples("daq2.n")
                with LabDaemon(first.port):
                    await wait_for_async(
                        lambda: seen.samples("daq1.n") > before[0] + 3 and seen.samples("daq2.n") > before[1] + 3,
                        timeout_s=20.0,
                    )
                    assert seen.producer.link is LinkState.LIVE
                    assert before[0] in seen.curve("daq1.n").breaks

    run(scenario)


def test_streams_are_stopped_and_started(lab, wait_for_async):
    """A tick in the parameters stops one device and starts it again; the other streams on all the while."""

    async def scenario():
        async with Followed(lab.url, topics=None) as seen:
            await wait_for_async(lambda: seen.parameters() == {"daq1 stream": True, "daq2 stream": True})
            assert await set_to(seen, "daq1 stream", False, wait_for_async) == [Stage.REQUESTED, Stage.EFFECTIVE]
            assert seen.parameters() == {"daq1 stream": False, "daq2 stream": True}
            devices = await asyncio.to_thread(lab.ask, "GET", "/devices")
            assert [one["streaming"] for one in devices["devices"]] == [False, True, False]
            starts = (await lab.call("daq1", "starts"))["result"]
            assert await set_to(seen, "daq1 stream", True, wait_for_async) == [Stage.REQUESTED, Stage.EFFECTIVE]
            assert seen.parameters()["daq1 stream"] is True
            assert (await lab.call("daq1", "starts"))["result"] == starts + 1

    run(scenario)


def test_stop_and_resume_of_all(lab, wait_for_async):
    """Stop ends the streams that come to us, Resume brings them back; the run state says paused in between."""

    async def scenario():
        async with Followed(lab.url, topics=None) as seen:
            await wait_for_async(lambda: seen.parameters() == {"daq1 stream": True, "daq2 stream": True})
            for command, streams, state in (("stop", False, "PAUSED"), ("resume", True, "RUNNING")):
                id_ = seen.source.send(command)
                await wait_for_async(lambda id_=id_: Stage.EFFECTIVE in seen.stages(id_), timeout_s=15.0)
                assert set(seen.parameters().values()) == {streams}
                assert seen.states()[-1].run == state

    run(scenario)


def test_a_start_that_fails_is_refused_in_the_servers_words(lab, wait_for_async):
    """The answer has status 200 whatever happens: only a sign of life makes the start effective."""

    async def scenario():
        async with Followed(f"{lab.url}?only=daq2", topics=None) as seen:
            await wait_for_async(lambda: seen.parameters() == {"daq2 stream": True})
            await set_to(seen, "daq2 stream", False, wait_for_async)
            await lab.call("daq2", "set_reading", "broken")
            id_ = seen.source.send("set", {"name": "daq2 stream", "value": True})
            await wait_for_async(lambda: Stage.REJECTED in seen.stages(id_))
            assert seen.reason(id_) == "the shutter is closed"
            assert seen.parameters() == {"daq2 stream": False}
            await lab.call("daq2", "set_reading", "silent")
            assert Stage.EFFECTIVE in await set_to(seen, "daq2 stream", True, wait_for_async)  # by the first ping
        await lab.call("daq2", "set_reading", "trace")

    run(scenario)


def test_tasks_are_paused_resumed_and_cancelled(lab, wait_for_async):
    """Each is confirmed by the server's answer, a cancellation once the task has ended; its end is a row of the log."""

    async def scenario():
        async with Followed(lab.url, topics=None) as seen:
            await wait_for_async(lambda: seen.hub.state is LinkState.LIVE)
            await lab.begin_task("sweep1")
            await lab.begin_task("sweep2", polite=False, device_id="daq2")
            await wait_for_async(lambda: "sweep2 task" in seen.parameters())
            assert Stage.EFFECTIVE in await set_to(seen, "sweep1 task", "paused", wait_for_async)
            assert (seen.parameters()["sweep1 task"], seen.parameters()["sweep2 task"]) == ("paused", "running")
            assert await set_to(seen, "sweep2 task", "cancelled", wait_for_async) == [
                Stage.REQUESTED,
                Stage.ACCEPTED,
                Stage.EFFECTIVE,
            ]
            assert "sweep2 task" not in seen.parameters()
            assert any("task sweep2 failed" in text and "the sweep broke" in text for text in seen.hub.texts())
            assert seen.states()[-1].run == "PAUSED"
            for command in ("resume", "pause", "stop"):
                id_ = seen.source.send(command)
                await wait_for_async(lambda id_=id_: Stage.EFFECTIVE in seen.stages(id_))
            assert any("task sweep1 has ended" in text for text in seen.hub.texts())

    run(scenario)


def test_a_device_that_somebody_else_streams_is_waited_for(lab, wait_for_async):
    """The server streams a device to one client: the second says so, and takes over when the first has left."""

    async def scenario():
        url = f"{lab.url}?only=daq1"
        async with Watched(url) as first:
            await wait_for_async(lambda: first.samples("daq1.n") > 3)
            async with Watched(url) as second:
                await wait_for_async(lambda: "already streaming" in second.producer.problem)
                assert second.producer.link is LinkState.LIVE
                await first.source.close()
                await wait_for_async(lambda: second.samples("daq1.n") > 3, timeout_s=15.0)

    run(scenario)


def test_a_server_that_is_busy_is_not_lost(lab, wait_for_async):
    """A device call holds up the whole server for two seconds: the link stays live, and goes on afterwards."""

    async def scenario():
        async with Watched(f"{lab.url}?only=daq1") as seen:
            await wait_for_async(lambda: seen.samples("daq1.n") > 3)
            await lab.call("laser1", "set_wavelength", 780.0, 2.0)
            samples = seen.samples("daq1.n")
            await wait_for_async(lambda: seen.samples("daq1.n") > samples + 3)
            assert seen.producer.link is LinkState.LIVE
            assert len(seen.curve("daq1.n").breaks) == 0

    run(scenario)


def test_errors_of_devices_are_told_and_cleared(lab, wait_for_async):
    """An error that the server records is a row of the log; unticking it clears it there, and again."""

    async def scenario():
        async with device_server(parse(lab.url)) as server:
            for _ in range(2):
                with pytest.raises(OSError, match="400"):
                    await lab.call("laser1", "fail")
                async with Followed(lab.url, topics=None) as seen:
                    await wait_for_async(lambda: "laser1 error" in seen.parameters())
                    assert "laser1: RuntimeError: simulated device fault" in seen.hub.texts()
                    error = await server.device_error("laser1")
                    assert error is not None
                    assert error.message == "simulated device fault"
                    assert Stage.EFFECTIVE in await set_to(seen, "laser1 error", False, wait_for_async)
                    assert "laser1 error" not in seen.parameters()
                    assert await server.device_error("laser1") is None

    run(scenario)


def test_tcp_and_the_dialog_recognize_it(lab):
    """Behind ``tcp://`` the device server is found; the answer says what it is and what it has."""

    async def scenario():
        result = await probe(f"tcp://127.0.0.1:{lab.port}")
        assert (result.ok, result.url, result.role) == (True, lab.url, "operate")
        assert result.sentence == f"A device server at 127.0.0.1:{lab.port} with 3 devices"
        assert [stream for _, stream in result.streams] == ["daq1", "daq2", "laser1"]

    run(scenario)


def test_tail_prints_readings(lab):
    """``tail --json`` prints metrics with their own times, and with ``?only=`` nothing else."""

    async def scenario():
        output = io.StringIO()
        assert await tail(f"{lab.url}?only=daq1", output, json=True, seconds=1.0) == 0
        lines = [json.loads(line) for line in output.getvalue().splitlines()]
        assert {line["kind"] for line in lines} == {"metric", "data"}
        samples = [line for line in lines if line["kind"] == "metric"]
        assert {line["name"] for line in samples} == {"daq1.n"}
        assert [line["value"] for line in samples] == list(range(len(samples)))
        assert abs(samples[-1]["t"] - time.time()) < 60

    run(scenario)


def test_control_from_the_command_line(lab):
    """Status, pause, resume and stop act on tasks; a device's stream is stopped when the URL names it."""

    async def scenario():
        async def told(verb: str, only: str = "") -> tuple[int, dict]:
            output = io.StringIO()
            code = await control(lab.url + only, verb, output, json=True)
            return code, json.loads(output.getvalue())

        assert (await told("status"))[1]["run"] == "RUNNING"
        code, answer = await told("pause")
        assert (code, answer["reason"]) == (1, "no task runs here that could be paused")
        await lab.begin_task("sweep9")
        assert [(await told(verb, "?only=laser1"))[0] for verb in ("pause", "resume", "stop")] == [0, 0, 0]
        assert (await told("stop"))[0] == 1
        async with Watched(f"{lab.url}?only=daq1"):
            code, answer = await told("stop", "?only=daq1")
            assert (code, answer["stage"]) == (0, "effective")

    run(scenario)
