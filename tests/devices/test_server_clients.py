"""The device server with real clients: those of labdaemon, several at once, and dockscope's own ``http://``."""

from __future__ import annotations

import asyncio

import pytest
from labdaemon.server import ServerAPI, ServerAPIError, SSEClient
from loguru import logger

from device_replay import Followed
from dockscope.core.asker import Asker
from dockscope.core.dialects.base import probe
from dockscope.core.run_control import LinkState, Stage
from dockscope.devices import attach
from dockscope.devices.server import DeviceServer
from served_lab import DrivenDevice, Laser, ask
from watched import Watched, run


class SweepTask:
    """Runs until it is cancelled; can be paused."""

    def __init__(self, task_id, device_id="laser1"):
        self.device_ids = [device_id]
        self.speed = 1.0

    def run(self, context):
        while not context.cancel_event.wait(0.01):
            context.resume_event.wait()
        return {"speed": self.speed}

    def set_parameter(self, key, value):
        self.speed = value


@pytest.fixture
def device():
    """A device that streams what the test emits."""
    return attach(DrivenDevice, "daq1")


@pytest.fixture
def server(device):
    """A server of it, a laser and sweeps."""
    logger.remove()  # labdaemon's client would print what it does
    with DeviceServer(port=0) as server:
        server.add_device(device)
        server.add_device(attach(Laser, "laser1"))
        server.register({"Laser": Laser}, {"SweepTask": SweepTask})
        yield server


@pytest.fixture
def api(server):
    """The real client of requests."""
    api = ServerAPI(server.url)
    yield api
    api.close()


class Listening:
    """The real client of streams, for the length of a ``with`` block."""

    def __init__(self, url):
        self.events = []
        self._client = SSEClient(url, on_event=self.events.append)

    def __enter__(self):
        self._client.start_device_stream("daq1")
        return self

    def __exit__(self, *_):
        self._client.stop_stream()
        self._client._session.close()

    def data(self):
        return [event["data"] for event in list(self.events) if event["event"] == "device_data"]


def test_several_real_clients_get_every_reading(server, device, wait_for):
    """Three at once: each gets all in order, none is refused, and the device is stopped after the last."""
    with Listening(server.url) as one, Listening(server.url) as two:
        with Listening(server.url) as three:
            wait_for(lambda: server.clients("daq1") == 3 and device.is_streaming())
            for number in range(300):
                device.emit({"n": number, "trace": [0.5] * 64})
            for client in (one, two, three):
                wait_for(lambda client=client: len(client.data()) == 300)
                assert [data["n"] for data in client.data()] == list(range(300))
                assert [event["id"] for event in client.events if "id" in event] == [str(n) for n in range(300)]
        wait_for(lambda: server.clients("daq1") == 2)
        device.emit({"n": 300})
        wait_for(lambda: one.data()[-1] == two.data()[-1] == {"n": 300})
        assert device.stops == 0
    wait_for(lambda: device.stops == 1)
    assert device.starts == 1


def test_the_real_client_uses_devices(api, device, wait_for):
    """Every request of its interface about devices is answered as it expects."""
    assert [one["device_id"] for one in api.list_devices()["devices"]] == ["daq1", "laser1"]
    assert api.get_device("laser1")["device_type"] == "Laser"
    assert "set_wavelength" in [one["name"] for one in api.get_device_methods("laser1")["methods"]]
    assert api.call_device_method("laser1", "set_wavelength", kwargs={"nm": 633.0})["success"] is True
    assert api.call_device_method("laser1", "get_wavelength")["result"] == 633.0
    assert api.add_device("laser2", "Laser", nm=780.0)["device_id"] == "laser2"
    assert api.connect_device("laser2")["connected"] is True
    assert api.disconnect_device("laser2")["connected"] is False
    assert api.stop_device_stream("daq1")["status"] == "stopped"
    with pytest.raises(ServerAPIError, match="TypeError"):
        api.call_device_method("laser1", "set_wavelength")
    assert api.get_device_error("laser1")["error"]["type"] == "TypeError"
    with pytest.raises(ServerAPIError):  # this client cannot read an answer without a body
        api.clear_device_error("laser1")
    assert api.get_device("laser1")["last_error"] is None


def test_the_real_client_runs_tasks(api, wait_for):
    """Every request of its interface about tasks is answered as it expects."""
    assert api.execute_task("sweep1", "SweepTask", {"device_id": "laser1"})["status"] == "started"
    assert api.list_tasks()["tasks"] == [{"task_id": "sweep1", "task_type": "SweepTask", "running": True}]
    with pytest.raises(ServerAPIError, match="DeviceInUse"):
        api.call_device_method("laser1", "get_wavelength")
    assert api.pause_task("sweep1") == {"status": "paused"}
    assert api.resume_task("sweep1") == {"status": "resumed"}
    assert api.set_task_parameter("sweep1", "speed", 2.5)["value"] == 2.5
    assert api.cancel_task("sweep1") == {"status": "cancellation_requested"}
    told = wait_for(lambda: not (told := api.get_task("sweep1"))["running"] and told)
    assert told["result"] == {"speed": 2.5}


def test_windows_watch_one_device_together(server, device, wait_for_async):
    """Two sources and a real client of one device: metrics, NaN among them, come to all; nobody is refused."""

    async def scenario():
        async with Watched(server.url) as one, Watched(f"{server.url}?only=daq1") as two:
            with Listening(server.url) as other:
                await wait_for_async(lambda: server.clients("daq1") == 3 and device.is_streaming())
                for number in range(200):
                    device.emit({"n": number, "gain": float("nan"), "span": [float("-inf"), 2.0]})
                for seen in (one, two):
                    await wait_for_async(lambda seen=seen: seen.samples("daq1.n") == 200)
                    assert seen.curve("daq1.n").column("value").tolist() == list(range(200))
                    assert str(seen.curve("daq1.gain").column("value")[-1]) == "nan"
                    assert seen.curve("daq1.span.0").column("value")[-1] == float("-inf")
                    assert (seen.producer.link, seen.producer.problem) == (LinkState.LIVE, "")
                await wait_for_async(lambda: len(other.data()) == 200)
        await wait_for_async(lambda: device.stops == 1)

    run(scenario)


def test_a_window_steers_streams_and_tasks(server, device, wait_for_async):
    """Start and stop of a device's stream, pause, resume and cancel of a task, each confirmed by the server's word."""

    async def scenario():
        async with Followed(server.url, topics=None) as seen:

            async def done(command, **args):
                id_ = seen.source.send(command, args or None)
                await wait_for_async(lambda: {Stage.EFFECTIVE, Stage.REJECTED} & set(seen.stages(id_)), timeout_s=15.0)
                assert Stage.EFFECTIVE in seen.stages(id_), seen.reason(id_)

            await wait_for_async(lambda: seen.parameters() == {"daq1 stream": True})
            await done("set", name="daq1 stream", value=False)
            assert (device.is_streaming(), device.starts) == (False, 1)
            await done("set", name="daq1 stream", value=True)
            assert (device.is_streaming(), device.starts) == (True, 2)
            body = {"task_id": "sweep1", "task_type": "SweepTask"}
            await asyncio.to_thread(ask, server, "POST", "/tasks", body)
            await wait_for_async(lambda: seen.parameters().get("sweep1 task") == "running", timeout_s=10.0)
            for command, state in (("pause", "paused"), ("resume", "running")):
                await done(command)
                assert seen.parameters()["sweep1 task"] == state
            await done("stop")
            assert "sweep1 task" not in seen.parameters()
            assert not device.is_streaming()

    run(scenario)


def test_losses_are_told_in_the_window(server, device, wait_for_async, expect_log):
    """Readings that cannot be sent are missing in the numbers: the source says how many were lost, the curve breaks."""
    expect_log("daq1: readings are left out: Unsendable", logger="dockscope.devices")

    class Unsendable:
        """Has no meaning in JSON, as the log says once."""

    async def scenario():
        async with Watched(f"{server.url}?only=daq1") as seen:
            await wait_for_async(lambda: server.clients("daq1") == 1 and device.is_streaming())
            device.emit(1.0, Unsendable(), Unsendable(), 2.0)
            await wait_for_async(lambda: seen.samples("daq1") == 2)
            assert "2 readings of daq1 were lost" in seen.producer.problem
            assert len(seen.curve("daq1").breaks) == 1

    run(scenario)


def test_the_dialog_recognizes_it(server):
    """Behind ``tcp://`` it is found as the device server that it is."""

    async def scenario():
        result = await probe(f"tcp://127.0.0.1:{server.port}")
        assert (result.ok, result.url) == (True, server.url)
        assert result.sentence == f"A device server at 127.0.0.1:{server.port} with 2 devices"

    run(scenario)


def test_a_window_shows_the_token_when_it_is_asked_for(device, wait_for_async):
    """With the right one it streams; it is sent to nobody who does not ask; a wrong one is refused in words."""

    async def scenario():
        with DeviceServer(port=0, token="correct-horse") as server:
            server.add_device(device)
            assert (await probe(server.url)).sentence.endswith("which asks for its token")
            async with Followed(server.url, topics=None, asker=Asker("correct-horse")) as seen:
                await wait_for_async(lambda: seen.parameters() == {"daq1 stream": True})
                assert server.clients("daq1") == 1
            for asker, words in ((Asker("wrong"), "the token was refused"), (None, "its token is needed")):
                async with Followed(server.url, topics=None, asker=asker) as seen:
                    await wait_for_async(lambda seen=seen, words=words: words in seen.hub.links[-1][1])
                    assert seen.hub.state is not LinkState.LIVE

    run(scenario)
