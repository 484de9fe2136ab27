"""Instruments of pymeasure and QCoDeS as devices: any parameter is a reading."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from dockscope.devices.pymeasure_adapter import PymeasureDevice
from dockscope.devices.qcodes_adapter import QcodesDevice
from scpi_server import ScpiServer

FAKE = "fakes.SwissArmyFake"
DUMMY = "mock_instruments.DummyInstrument"
CHANNELS = "mock_instruments.DummyChannelInstrument"


def readings(device, count=3):
    """Connect, return the first readings of a stream, and leave the device."""
    found, enough = [], threading.Event()

    def take(value):
        found.append(value)
        if len(found) >= count:
            enough.set()

    device.connect()
    try:
        device.start_streaming(take, 200.0)
        assert enough.wait(10.0)
    finally:
        assert device.stop_streaming()
        device.disconnect()
    return found[:count]


def test_properties_of_pymeasure_are_read():
    """One property gives its value, several a dict by name, channels by a dotted one; settings are set before."""
    device = PymeasureDevice("a", instrument="bench_drivers.Simulation", reads="voltage", settings={"limit": 2})
    first, second, third = readings(device)
    assert second - first == third - second == 2
    assert device.identity == "Simulation"
    both = PymeasureDevice("b", instrument="bench_drivers.Simulation", reads=["limit", "first.level"])
    assert readings(both, 1) == [{"limit": 1.0, "first.level": 3.5}]


def test_a_driver_of_pymeasure_itself_is_found():
    """A class is named as it stands below pymeasure.instruments; options go to it."""
    device = PymeasureDevice("a", instrument=FAKE, reads="voltage, wave", options={"wait": 0.0})
    assert set(readings(device, 1)[0]) == {"voltage", "wave"}


def test_an_instrument_of_pymeasure_can_be_asked():
    """A question is answered, other commands are sent."""
    device = PymeasureDevice("a", instrument="bench_drivers.Simulation", reads="voltage")
    device.connect()
    assert device.ask("*IDN?") == "*IDN? answered"
    assert device.ask("*RST") == ""
    device.disconnect()


def test_pymeasure_speaks_over_visa():
    """A driver of a real instrument reads over a socket, opened with its address and options."""
    with ScpiServer(answers={":READ?": b"1.25\n"}) as server:
        options = {"visa_library": "@py", "read_termination": "\n", "write_termination": "\n"}
        device = PymeasureDevice(
            "a", instrument="keithley.Keithley2000", reads="voltage", address=server.address, options=options
        )
        assert readings(device) == [1.25] * 3


def test_parameters_of_qcodes_are_read():
    """Parameters give their values and units, submodules by a dotted name; settings are set before."""
    device = QcodesDevice(
        "a-b", instrument=DUMMY, reads=["ch1", "ch2"], settings={"ch1": 1.25}, options={"gates": ["ch1", "ch2"]}
    )
    assert readings(device, 1) == [{"ch1": 1.25, "ch2": 0}]
    assert device.units == {"ch1": "V", "ch2": "V"}
    assert "QCoDeS" in device.identity
    channel = QcodesDevice("c", instrument=CHANNELS, reads="A.temperature", settings={"A.temperature": 4})
    assert readings(channel, 1) == [4]


def test_an_instrument_of_qcodes_can_be_connected_again():
    """QCoDeS knows every instrument by a name: leaving one frees it."""
    device = QcodesDevice("a", instrument=DUMMY, reads="ch1", options={"gates": ["ch1"]})
    assert readings(device, 1) == readings(device, 1) == [0]


@pytest.mark.parametrize(
    ("made", "error", "words"),
    [
        (lambda: PymeasureDevice("a", instrument="Keithley2000", reads="x"), ValueError, "like module.Class"),
        (lambda: PymeasureDevice("a", instrument="os.path", reads="x"), ValueError, "no instrument"),
        (lambda: PymeasureDevice("a", instrument="no_such.Thing", reads="x"), ModuleNotFoundError, "no_such"),
        (lambda: PymeasureDevice("a", instrument="keithley.__dict__", reads="x"), ValueError, "like module.Class"),
        (lambda: PymeasureDevice("a", instrument=FAKE, reads="__class__"), ValueError, "names of parameters"),
        (lambda: PymeasureDevice("a", instrument=FAKE, reads=[]), ValueError, "names of parameters"),
        (lambda: QcodesDevice("a", instrument="json.JSONDecoder", reads="x"), ValueError, "no instrument"),
        (lambda: QcodesDevice("a", instrument=DUMMY, reads="_x"), ValueError, "names of parameters"),
    ],
)
def test_a_wrong_class_or_name_is_refused(made, error, words):
    """Only classes of instruments are made, and only public names are read."""
    with pytest.raises(error, match=words):
        made()


@pytest.mark.parametrize(
    "device",
    [
        lambda: PymeasureDevice("a", instrument="bench_drivers.Simulation", reads="nothing"),
        lambda: PymeasureDevice("a", instrument="bench_drivers.Simulation", reads="voltage", settings={"nothing": 1}),
        lambda: QcodesDevice("a", instrument=DUMMY, reads="nothing", options={"gates": ["ch1"]}),
        lambda: QcodesDevice("a", instrument=DUMMY, reads="no.ch1", options={"gates": ["ch1"]}),
    ],
)
def test_a_parameter_that_is_not_there_is_told_when_connecting(device):
    """The instrument is left again, so that it can be connected once the name is right."""
    made = device()
    with pytest.raises((AttributeError, ValueError), match="no"):
        made.connect()
    made.disconnect()


def test_the_packages_are_imported_only_when_used():
    """The catalogue of kinds, and a device of this computer, load neither of them."""
    code = (
        "import sys\n"
        "from dockscope.devices.catalog import kinds, make_device\n"
        "from dockscope.devices.spec import DeviceSpec\n"
        "kinds(); make_device(DeviceSpec(id='a', kind='system'))\n"
        "print([name for name in ('pymeasure', 'qcodes', 'pyvisa', 'PySide6') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
