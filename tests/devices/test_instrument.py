"""One device of a bench: it strives for what was asked last, and says what it really does."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

import pytest

from bench_drivers import Hanging, Simulation
from dockscope.devices.instrument import Instrument, InstrumentError, InstrumentState
from dockscope.devices.spec import DeviceSpec
from scpi_server import ScpiServer

SIMULATION = {"instrument": "bench_drivers.Simulation", "reads": "voltage"}


class Watched(Instrument):
    """An instrument that writes down what it tells."""

    def __init__(self, **spec: Any) -> None:
        self.states: list[InstrumentState] = []
        self.samples: list[tuple[float, Any]] = []
        self.faults: list[str] = []
        super().__init__(
            DeviceSpec(**spec),
            on_change=lambda told: self.states.append(told.state),
            on_samples=lambda _, samples: self.samples.extend(samples),
            on_fault=lambda _, sentence: self.faults.append(sentence),
        )


@pytest.fixture
def made(wait_for):
    """``made(**spec)`` makes an instrument, of the simulation when nothing is said; it is closed at the end."""
    instruments: list[Watched] = []
    over = threading.Event()

    def make(**spec: Any) -> Watched:
        instrument = Watched(**{"id": "dmm", "kind": "pymeasure", "rate_hz": 100.0, "params": SIMULATION} | spec)
        instruments.append(instrument)
        return instrument

    def tick() -> None:
        while not over.wait(0.02):
            for instrument in instruments:
                instrument.tick()

    ticker = threading.Thread(target=tick)
    ticker.start()
    Simulation.faults.clear()
    Hanging.let_go.clear()
    Hanging.entered.clear()
    yield make
    Hanging.let_go.set()
    over.set()
    ticker.join()
    for instrument in instruments:
        instrument.close()


def done(future: Future[Any]) -> Any:
    return future.result(10.0)


def visa(server: ScpiServer, **params: Any) -> dict[str, Any]:
    return {"kind": "visa", "params": {"address": server.address, "timeout_s": 0.3} | params}


def test_start_pause_resume_stop_disconnect(made, wait_for):
    """Each is so when its future is done, and the states are told in their order."""
    instrument = made()
    assert instrument.state is InstrumentState.DISCONNECTED
    done(instrument.start())
    assert instrument.state is InstrumentState.STREAMING
    assert instrument.identity == "Simulation"
    wait_for(lambda: len(instrument.samples) > 3)
    done(instrument.pause())
    count = len(instrument.samples)
    assert instrument.state is InstrumentState.PAUSED
    assert not instrument.device.is_streaming()
    done(instrument.resume())
    wait_for(lambda: len(instrument.samples) > count)
    done(instrument.stop())
    assert instrument.state is InstrumentState.CONNECTED
    done(instrument.disconnect())
    assert instrument.state is InstrumentState.DISCONNECTED
    told = [InstrumentState(name) for name in ["connecting", "connected", "streaming", "paused"]]
    assert [state for n, state in enumerate(instrument.states) if instrument.states[:n][-1:] != [state]][:4] == told
    assert instrument.faults == []


def test_readings_have_the_time_of_their_acquisition(made, wait_for):
    """Times grow, are those of the readings, and the last one can be asked for."""
    instrument = made()
    done(instrument.start())
    wait_for(lambda: len(instrument.samples) > 10)
    done(instrument.stop())
    times = [t for t, _ in instrument.samples]
    assert times == sorted(times)
    assert [value for _, value in instrument.samples] == [float(n) for n in range(2, len(times) + 2)]
    assert (instrument.last_t, instrument.last_value) == instrument.samples[-1]


def test_another_rate_begins_the_stream_anew(made, wait_for):
    """The rate that is measured follows the one that is asked, and is what would be saved."""
    instrument = made()
    done(instrument.start())
    done(instrument.set_rate(500.0))
    assert instrument.spec.rate_hz == 500.0
    assert instrument.state is InstrumentState.STREAMING
    wait_for(lambda: instrument.measured_rate_hz > 200.0)
    with pytest.raises(ValueError, match="rate_hz is 0"):
        instrument.set_rate(0.0)


def test_a_device_that_is_not_there_is_tried_until_it_is(made, wait_for, log_watch):
    """The future tells of the first refusal, the log each reason once; it goes on, and connects when it can."""
    log_watch.expect("dmm: connect: .*", logger="dockscope.devices")
    with ScpiServer() as server:
        server.refuse()
        instrument = made(**visa(server))
        with pytest.raises(InstrumentError, match="dmm: connect: "):
            done(instrument.start())
        assert instrument.state is InstrumentState.RETRYING
        assert "connect" in instrument.detail
        wait_for(lambda: instrument.fault_count > 3)
        logged = [record.getMessage() for record in log_watch.seen("dmm: connect: .*", logger="dockscope.devices")]
        assert len(logged) == len(set(logged)) < instrument.fault_count
        server.come_back()
        wait_for(lambda: instrument.samples, 10.0)
        assert instrument.state is InstrumentState.STREAMING
        assert instrument.detail == ""
        assert instrument.identity == "dockscope,scpi server,1,0"
        assert instrument.close()


def test_a_link_that_the_device_mends_itself_is_told(made, wait_for, expect_log):
    """While a VISA device opens its link again the instrument is retrying; then it streams on."""
    expect_log("link lost|no answer", logger="dockscope.devices")
    with ScpiServer() as server:
        instrument = made(**visa(server))
        done(instrument.start())
        server.fail("silent", times=2)
        wait_for(lambda: InstrumentState.RETRYING in instrument.states)
        count = len(instrument.samples)
        wait_for(lambda: len(instrument.samples) > count and instrument.state is InstrumentState.STREAMING)
        assert instrument.faults
        assert instrument.close()


def test_a_stream_that_ends_by_itself_is_begun_again(made, wait_for, expect_log):
    """An error of a driver is named, and the device is connected anew."""
    expect_log("stopped streaming: .*the cable is out", logger="dockscope.devices")
    instrument = made()
    done(instrument.start())
    Simulation.faults.append(OSError("the cable is out"))
    wait_for(lambda: instrument.faults)
    assert "the cable is out" in instrument.faults[0]
    count = len(instrument.samples)
    wait_for(lambda: len(instrument.samples) > count and instrument.state is InstrumentState.STREAMING)
    assert instrument.error_count == 2  # the reading, and the stream that it ended


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"params": {"instrument": "no_such.Thing", "reads": "x"}}, "no_such is not installed here"),
        ({"params": {"instrument": "os.path", "reads": "x"}}, "no instrument"),
        ({"kind": "nothing"}, "no kind of device"),
        ({"kind": "system", "params": {"disk": 5, "x": 1}}, "x is not known"),
    ],
)
def test_what_no_repetition_mends_fails(made, wait_for, expect_log, spec, words):
    """A device that is wrong as it is described is not tried again until somebody asks."""
    expect_log(words, logger="dockscope.devices", at_least=2)
    instrument = made(**spec)
    for attempt in (1, 2):
        with pytest.raises(InstrumentError, match=words):
            done(instrument.start())
        assert instrument.state is InstrumentState.FAILED
        assert len(instrument.faults) == attempt
    done(instrument.stop())
    assert words in instrument.detail
    done(instrument.disconnect())
    assert instrument.state is InstrumentState.DISCONNECTED


def test_nothing_waits_for_a_device_that_hangs(made, expect_log):
    """While it is being made every method returns at once, and closing leaves its thread behind."""
    expect_log("did not end its last call|did not return", logger="dockscope.devices")
    instrument = made(params={"instrument": "bench_drivers.Hanging", "reads": "value"})
    started = instrument.start()
    assert Hanging.entered.wait(10.0)
    assert instrument.state is InstrumentState.CONNECTING
    left = instrument.disconnect()
    with pytest.raises(InstrumentError, match="disconnect was asked meanwhile"):
        done(started)
    assert not left.done()
    assert not instrument.close(0.1)


def test_a_later_wish_withdraws_an_earlier_one(made, wait_for):
    """Who waits for the earlier one is told so."""
    instrument = made(params={"instrument": "bench_drivers.Hanging", "reads": "value"})
    started = instrument.start()
    stopped = instrument.stop()
    with pytest.raises(InstrumentError, match="stop was asked meanwhile"):
        done(started)
    assert done(stopped) is None
    Hanging.let_go.set()
    wait_for(lambda: instrument.state is InstrumentState.CONNECTED)


def test_a_device_can_be_asked_and_called(made):
    """Commands go to the device between its readings; what is no public method of it is refused."""
    instrument = made()
    with pytest.raises(InstrumentError, match="dmm is not connected"):
        done(instrument.ask("*IDN?"))
    done(instrument.start())
    assert done(instrument.ask("*IDN?")) == "*IDN? answered"
    assert done(instrument.call("get_error_count")) == 0
    for method in ("_read", "__init__", "nothing", "device_id"):
        with pytest.raises(InstrumentError, match="has no command"):
            done(instrument.call(method))
    with pytest.raises(TypeError):
        done(instrument.call("ask", (), {"no": 1}))


def test_a_device_can_be_made_without_being_connected(made):
    """So it can be asked what it has."""
    instrument = made()
    done(instrument.prepare())
    assert instrument.device is not None
    assert instrument.state is InstrumentState.DISCONNECTED


def test_pausing_leaves_a_device_alone_that_was_not_started(made):
    """The toolbar reaches all devices; those that nobody started are not connected by it."""
    instrument = made()
    for ask in (instrument.pause, instrument.stop):
        done(ask())
        assert instrument.state is InstrumentState.DISCONNECTED
    with pytest.raises(InstrumentError, match="not connected"):
        done(instrument.resume())
    assert instrument.device is None


def test_a_closed_instrument_takes_nothing_more(made):
    """Every request is refused, and closing again does no harm."""
    instrument = made()
    done(instrument.start())
    assert instrument.close()
    for ask in (instrument.start, instrument.stop, lambda: instrument.ask("x")):
        with pytest.raises(InstrumentError, match="is closed"):
            done(ask())
    assert instrument.close()
