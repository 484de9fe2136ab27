"""Looking for instruments: who is there is listed, who does not answer does not hold it up."""

from __future__ import annotations

import shutil
import threading
import time
from importlib import resources
from pathlib import Path

import pytest
import pyvisa

from dockscope.core.link_address import LinkError
from dockscope.devices.scan import FoundResource, identify, scan
from dockscope.devices.visa import VISAStreamingDevice
from dockscope.devices.worker import abandoned_threads
from scpi_server import IDENTITY, ScpiServer


@pytest.fixture
def library(tmp_path: Path) -> str:
    """A VISA library with one multimeter, not shared with other tests."""
    file = tmp_path / "multimeter.yaml"
    with resources.as_file(resources.files("dockscope.resources") / "simulated" / file.name) as path:
        shutil.copyfile(path, file)
    return f"{file}@sim"


SERIAL = """
spec: "1.1"
devices:
  one:
    eom:
      ASRL INSTR: {q: "\\n", r: "\\n"}
    error: ERROR
resources:
  ASRL1::INSTR: {device: one}
"""
MULTIMETER = "USB0::0x1209::0xD0C1::DMM-1::0::INSTR"


def test_resources_and_who_they_are(library):
    """Each resource the library finds is listed with its identity."""
    assert scan(library) == [FoundResource(MULTIMETER, "dockscope,simulated multimeter,DMM-1,1.0")]


def test_addresses_that_no_library_finds():
    """A socket is asked when its address is given; one that refuses or says nothing is listed with the reason."""
    with ScpiServer() as server, ScpiServer(identity=None) as silent, ScpiServer() as gone:
        gone.refuse()
        found = {one.address: one for one in identify([server.address, silent.address, gone.address])}
    assert found[server.address].identity == IDENTITY
    assert "nothing came" in found[silent.address].note
    assert "refused" in found[gone.address].note


def test_a_scan_ends_in_time():
    """However many do not answer, all are listed within the limit."""
    with ScpiServer(identity=None) as silent:
        begin_s = time.monotonic()
        found = identify([silent.address] * 40, limit_s=0.5)
        assert time.monotonic() - begin_s < 4.0  # of 80 s that they take one by one, or 6 s by sixteens
        assert [one.address for one in found] == [silent.address] * 40
        assert all(one.note and not one.identity for one in found)


def test_what_is_open_is_not_asked(library):
    """A question of the scan could get the answer another one waits for."""
    device = VISAStreamingDevice("dmm", MULTIMETER, visa_library=library)
    device.connect()
    assert scan(library) == [FoundResource(MULTIMETER, note="it is in use here")]
    device.disconnect()


def test_serial_ports_are_listed_and_not_asked(tmp_path):
    """What hangs at a serial port may take the question for something else."""
    file = tmp_path / "serial.yaml"
    file.write_text(SERIAL)
    assert scan(f"{file}@sim") == [FoundResource("ASRL1::INSTR", note="a serial port is not asked")]


def test_a_library_that_hangs_is_left(monkeypatch, library, expect_log, wait_for):
    """A library that never lists its resources costs a thread, not the caller."""
    expect_log("left behind")
    released = threading.Event()
    monkeypatch.setattr(pyvisa.ResourceManager, "list_resources", lambda *_: released.wait() and ())
    with pytest.raises(LinkError, match="longer than 0"):
        scan(library, limit_s=0.2)
    released.set()
    wait_for(lambda: abandoned_threads() == 0)


def test_a_library_that_is_not_there_is_told():
    """One sentence instead of a list."""
    with pytest.raises(LinkError, match="library"):
        scan("/nowhere/libvisa.so")
