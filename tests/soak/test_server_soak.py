"""The device server for long: clients come and go, by hundreds, while the device streams and is called."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from dockscope.devices import StreamingDevice
from dockscope.devices.server import DeviceServer
from served_lab import EventReader, call


class Busy(StreamingDevice):
    """Streams the number of its calls."""

    calls = 0

    def touch(self):
        self.calls += 1
        return self.calls

    def _acquire_sample(self):
        return self.calls


@pytest.mark.soak
def test_hundreds_of_clients_come_and_go(wait_for):
    """Three at a time, 900 in all, each with calls: every one is served, and no thread, socket or file stays."""
    device = Busy("busy")
    failures = []

    def visit():
        try:
            for _ in range(300):
                with EventReader(server, "busy") as reader:
                    first = int(reader.event()["id"])
                    assert [number for number, _ in reader.readings(3)] == [first + 1, first + 2, first + 3]
                assert call(server, "busy", "touch")[0] == 200
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)

    with DeviceServer(port=0) as server:
        server.add_device(device, rate_hz=200.0)
        open_before = len(list(Path("/proc/self/fd").iterdir()))
        visitors = [threading.Thread(target=visit) for _ in range(3)]
        for visitor in visitors:
            visitor.start()
        for visitor in visitors:
            visitor.join()
        assert failures == []
        assert device.calls == 900
        wait_for(lambda: server.clients("busy") == 0 and not device.is_streaming())
        wait_for(lambda: len(list(Path("/proc/self/fd").iterdir())) <= open_before)
        wait_for(lambda: threading.active_count() <= 4, timeout_s=15.0)
