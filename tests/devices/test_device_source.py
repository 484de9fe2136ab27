"""Local devices as sources: readings, states, losses and commands arrive at the hub as those of any producer."""

from __future__ import annotations

import asyncio
import math

import pytest

from bench_drivers import Hanging, Simulation
from dockscope.core.dialects.base import Source, dialect_of, normalize_url, open_source, probe, schemes
from dockscope.core.hub import Hub
from dockscope.core.run_control import LinkState, Stage
from dockscope.devices.instrument import Instrument, InstrumentState
from dockscope.devices.source import DeviceSource
from fakes import FakeHub
from scpi_server import IDENTITY, ScpiServer
from watched import Watched, run

DRIVER = "device:pymeasure?instrument=bench_drivers.Simulation&reads=voltage&id=psu&rate=100"


@pytest.fixture(autouse=True)
def fresh():
    """The simulation without faults, and what hangs let go at the end."""
    Simulation.faults.clear()
    Hanging.let_go.clear()
    Hanging.entered.clear()
    yield
    Hanging.let_go.set()


def instrument(source: Source) -> Instrument:
    assert isinstance(source, DeviceSource)
    return source.instrument


def visa(server: ScpiServer, **options: object) -> str:
    asked = {"rate": 100, "timeout_s": 0.3, "id": "dmm"} | options
    return f"visa:{server.address}?" + "&".join(f"{key}={value}" for key, value in asked.items())


def test_a_visa_instrument_is_a_source(wait_for_async):
    """Its readings are a metric of the given name with the unit as label, at the time of their acquisition."""

    async def scenario():
        with ScpiServer() as server:
            async with Watched(visa(server, name="voltage", unit="V", query="MEAS?")) as watch:
                key = (watch.source.key, "voltage", (("unit", "V"),))
                await wait_for_async(lambda: key in watch.hub.series.curves and len(watch.hub.series.curves[key]) > 5)
                producer = watch.producer
                assert producer.link is LinkState.LIVE
                assert producer.hello is not None
                assert (producer.hello.name, producer.hello.host) == ("dmm", IDENTITY)
                assert not producer.hello.is_numbered
                assert watch.hub.series.curves[key].column("value")[:3].tolist() == [1.0, 2.0, 3.0]
            assert producer.link is LinkState.CLOSED

    run(scenario)


def test_traces_of_the_simulated_spectrum_analyzer_are_a_waterfall(wait_for_async):
    """Its frequencies are those that are set in it: rows of the band from 88 to 108 MHz, with the strongest carrier."""

    async def scenario():
        async with Watched("sim:spectrum_analyzer?id=sa&rate=20&seed=1") as watch:
            waterfalls = watch.hub.spectra.waterfalls
            await wait_for_async(lambda: any(len(w.blocks[-1]) > 3 for w in waterfalls.values() if w.blocks))
            (waterfall,) = waterfalls.values()
            axis, power = waterfall.blocks[-1].axis, waterfall.blocks[-1].power[-1, 0]
            assert (axis[0], axis[-1]) == pytest.approx((88e6, 108e6))
            assert min(abs(float(axis[power.argmax()]) - carrier) for carrier in (98.1e6, 95.8e6)) < 1e5

    run(scenario)


def test_pause_resume_stop_and_rate_are_what_the_stream_does(wait_for_async):
    """Commands are effective when the device has done them, and the run state is that of its stream."""

    async def scenario():
        async with Watched(DRIVER) as watch:
            await wait_for_async(lambda: watch.samples("psu") > 3)
            assert watch.is_run("RUNNING")()
            watch.source.send("pause")
            await wait_for_async(watch.is_run("PAUSED"))
            assert instrument(watch.source).state is InstrumentState.PAUSED
            count = watch.samples("psu")
            watch.source.send("set", {"name": "rate_hz", "value": 200})
            watch.source.send("resume")
            await wait_for_async(watch.is_run("RUNNING"))
            await wait_for_async(lambda: watch.samples("psu") > count)
            assert instrument(watch.source).spec.rate_hz == 200.0
            assert watch.producer.run is not None
            (rate,) = watch.producer.run.parameters
            assert (rate.name, rate.value, rate.unit) == ("rate_hz", 200.0, "Hz")
            watch.source.send("stop")
            await wait_for_async(watch.is_run("STOPPED"))
            assert instrument(watch.source).state is InstrumentState.CONNECTED

    run(scenario)


def test_each_command_has_its_outcome(wait_for_async):
    """What the device has done is effective, what it does not know is rejected with a sentence."""

    async def scenario():
        hub = FakeHub()
        source = open_source(DRIVER, hub)
        source.start()
        try:
            await wait_for_async(lambda: any(message.kind == "control" for message in hub.messages))
            asked = {
                source.send("pause"): (Stage.EFFECTIVE, ""),
                source.send("set", {"name": "rate_hz", "value": 0}): (Stage.REJECTED, "rate_hz is 0"),
                source.send("set", {"name": "rate_hz", "value": math.nan}): (Stage.REJECTED, "rate_hz is nan"),
                source.send("set", {"name": "speed", "value": 1}): (Stage.REJECTED, "no such setting"),
                source.send("set", {"name": "rate_hz", "value": True}): (Stage.REJECTED, "no such setting"),
            }
            outcome = {}
            await wait_for_async(lambda: outcome.update({id_: told for id_, *told in hub.stages}) or len(outcome) == 5)
            final = (Stage.EFFECTIVE, Stage.REJECTED)
            await wait_for_async(lambda: all(told[1] in final for told in {i: t for i, *t in hub.stages}.values()))
            for id_, _, stage, reason in hub.stages:
                if stage in final:
                    assert stage is asked[id_][0]
                    assert asked[id_][1] in reason
        finally:
            await source.close()

    run(scenario)


def test_a_lost_instrument_is_lost_and_comes_back(wait_for_async, expect_log):
    """The link is LOST with the reason while it is tried again, then LIVE, and curves are broken in between."""
    expect_log("dmm", logger="dockscope.devices")

    async def scenario():
        with ScpiServer() as server:
            hub = FakeHub()
            source = open_source(visa(server), hub)
            source.start()
            try:
                await wait_for_async(lambda: any(message.kind == "metric" for message in hub.messages))
                server.refuse()
                await wait_for_async(lambda: hub.links[-1][0] is LinkState.LOST)
                assert server.address in hub.links[-1][1]
                assert any(cause == "connecting" for cause, _ in hub.problems)
                before, gaps = len(hub.messages), len(hub.gaps_at)
                server.come_back()
                await wait_for_async(lambda: hub.links[-1][0] is LinkState.LIVE, 15.0)
                await wait_for_async(lambda: any(message.kind == "metric" for message in hub.messages[before:]))
                assert len(hub.gaps_at) > gaps
                assert len({hello.producer for hello in hub.hellos}) == 1
            finally:
                await source.close()
            assert hub.links[-1][0] is LinkState.CLOSED

    run(scenario)


def test_an_instrument_that_is_not_there_is_told_and_tried(wait_for_async, expect_log):
    """Before the first answer the link is CONNECTING and says why."""
    expect_log("dmm: connect: ", logger="dockscope.devices")

    async def scenario():
        with ScpiServer() as server:
            server.refuse()
            hub = FakeHub()
            source = open_source(visa(server), hub)
            source.start()
            try:
                await wait_for_async(lambda: hub.links[-1][1])
                assert hub.links[-1][0] is LinkState.CONNECTING
                assert len(hub.problems) == 1
                server.come_back()
                await wait_for_async(lambda: hub.links[-1][0] is LinkState.LIVE, 15.0)
            finally:
                await source.close()

    run(scenario)


def test_the_loop_is_not_held_by_a_device_that_hangs(expect_log):
    """Opening, steering and closing a source whose device does not answer return at once."""
    expect_log("did not end its last call", logger="dockscope.devices")

    async def scenario():
        hub = FakeHub()
        source = open_source(DRIVER.replace("Simulation", "Hanging").replace("voltage", "value"), hub)
        source.start()
        await asyncio.to_thread(Hanging.entered.wait, 10.0)
        source.send("pause")
        await source.close()
        assert not Hanging.let_go.is_set()  # it still hangs
        assert hub.links[-1][0] is LinkState.CLOSED

    run(scenario)


def test_a_source_can_be_opened_again(wait_for_async):
    """After disconnecting in the window the same source connects anew, with its rate as it was set."""

    async def scenario():
        hub = Hub()
        source = open_source(DRIVER, hub)
        for attempt in range(2):
            source.start()
            await wait_for_async(lambda: hub.producers[source.key].link is LinkState.LIVE)
            instrument(source).set_rate(50.0 + attempt)
            await wait_for_async(lambda: instrument(source).measured_rate_hz > 0.0)
            await source.close()
            assert instrument(source).spec.rate_hz == 50.0 + attempt
            assert instrument(source).state is InstrumentState.DISCONNECTED

    run(scenario)


def test_a_probe_connects_and_leaves(expect_log):
    """The Connect dialog learns who answers, or why nobody does, and the instrument is free again."""
    expect_log("dmm: connect: ", logger="dockscope.devices")

    async def scenario():
        with ScpiServer() as server:
            told = await probe(visa(server))
            assert told.ok
            assert IDENTITY in told.sentence
            assert told.streams == (("metric", "dmm"),)
            server.refuse()
            told = await probe(visa(server))
            assert not told.ok
            assert "dmm: connect: " in told.sentence
        told = await probe("visa:")
        assert not told.ok

    run(scenario)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        (" SIM:multimeter ", "sim:multimeter"),
        ("sim://multimeter?rate=10", "sim:multimeter"),
        ("visa:TCPIP::1.2.3.4::5::SOCKET?unit=V&rate=20.0", "visa:TCPIP::1.2.3.4::5::SOCKET?rate=20&unit=V"),
        ("device:system", "device:system"),
    ],
)
def test_one_spelling_of_a_url(url, normal):
    """URLs without slashes are known wherever URLs are, and have one spelling."""
    assert normalize_url(url) == normal


def test_wrong_urls_are_refused_in_a_sentence():
    """Other URLs still need their slashes, and a wrong device is told when it is opened."""
    assert {"visa:", "sim:", "device:", "conduit://"} <= set(schemes())
    for url in ("127.0.0.1:5560", "dockscope:127.0.0.1", "multimeter"):
        with pytest.raises(ValueError, match="is no URL"):
            dialect_of(url)
    for url, words in (("sim:oven", "must be one of"), ("visa:x?adress=1", "adress is not known")):
        with pytest.raises(ValueError, match=words):
            open_source(url, FakeHub())
