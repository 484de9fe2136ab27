"""Looking for instruments: who is there is listed, who does not answer does not hold it up."""

from __future__ import annotations

import shutil
import time
from importlib import resources
from pathlib import Path

import pytest

from dockscope.core.link_address import LinkError
from dockscope.devices.scan import FoundResource, scan
from dockscope.devices.visa import VISAStreamingDevice
from scpi_server import IDENTITY, ScpiServer


@pytest.fixture
def library(tmp_path: Path) -> str:
    """A VISA library with one multimeter, not shared with other tests."""
    file = tmp_path / "multimeter.yaml"
    with resources.as_file(resources.files("dockscope.resources") / "simulated" / file.name) as path:
        shutil.copyfile(path, file)
    return f"{file}@sim"


MULTIMETER = "USB0::0x1209::0xD0C1::DMM-1::0::INSTR"


def test_resources_and_who_they_are(library):
    """Each resource the library finds is listed with its identity."""
    assert scan(library) == [FoundResource(MULTIMETER, "dockscope,simulated multimeter,DMM-1,1.0")]


def test_addresses_that_no_library_finds_are_asked_too():
    """A socket is asked when its address is given; one that refuses or says nothing is listed with the reason."""
    with ScpiServer() as server, ScpiServer(identity=None) as silent, ScpiServer() as gone:
        gone.refuse()
        found = {one.address: one for one in scan("@py", also=[server.address, silent.address, gone.address])}
    assert found[server.address].identity == IDENTITY
    assert "nothing came" in found[silent.address].note
    assert "refused" in found[gone.address].note


def test_a_scan_ends_in_time():
    """Whoever does not answer within the limit is listed without identity."""
    with ScpiServer(identity=None) as silent:
        begin_s = time.monotonic()
        (found,) = (one for one in scan("@py", limit_s=0.5, also=[silent.address]) if one.address == silent.address)
        assert found == FoundResource(silent.address, note="it did not answer in time")
        assert time.monotonic() - begin_s < 2.0


def test_what_is_open_is_not_asked(library):
    """A question of the scan could get the answer another one waits for."""
    device = VISAStreamingDevice("dmm", MULTIMETER, visa_library=library)
    device.connect()
    assert scan(library) == [FoundResource(MULTIMETER, note="it is in use here")]
    device.disconnect()


def test_serial_ports_are_listed_and_not_asked(library):
    """What hangs at a serial port may take the question for something else."""
    (found,) = (one for one in scan(library, also=["ASRL/dev/ttyS9::INSTR"]) if one.address.startswith("ASRL"))
    assert found.note == "a serial port is not asked"


def test_a_library_that_is_not_there_is_told():
    """One sentence instead of a list."""
    with pytest.raises(LinkError, match="library"):
        scan("/nowhere/libvisa.so")
