"""Ten minutes of faults at random: nothing hangs, nobody is lost, every fault is told."""

from __future__ import annotations

import faulthandler
import random
import threading
import time
from collections.abc import Callable

import psutil
import pytest

from dockscope.devices import VISAStreamingDevice
from dockscope.devices.query_device import QueryDevice
from dockscope.devices.simulated import SimulatedDevice
from dockscope.devices.simulated_models import MODELS
from dockscope.devices.supervised_link import LinkState
from dockscope.devices.worker import abandoned_threads
from scpi_server import ScpiServer

SOAK_S = 600.0
FAULTY_EVERY_S = 0.5
LONGEST_SILENCE_S = 30.0  # the longest pause of the back-off is 5 s
TOLD_AS = {"timeout": "no answer", "garbage": "bad answer", "disconnect": "link lost"}
SERVER_FAULTS = ("silent", "late", "garbage", "half", "close", "reset")


class Watched:
    """A device, how much it delivered, and the longest time it was silent."""

    def __init__(self, device: QueryDevice) -> None:
        self.device = device
        self.count = 0
        self.longest_silence_s = 0.0
        self._last_s = time.monotonic()
        device.connect()
        device.start_streaming(self._on_sample, 50.0)

    def _on_sample(self, _: object) -> None:
        self.count += 1
        self.look()
        self._last_s = time.monotonic()

    def look(self) -> None:
        self.longest_silence_s = max(self.longest_silence_s, time.monotonic() - self._last_s)


@pytest.mark.soak
def test_faults_at_random_for_ten_minutes(wait_for: Callable, expect_log: Callable, log_watch) -> None:
    """Twins with the fault switch at random and a real socket that fails: all stream on, all kinds are in the log."""
    expect_log(r"^(multimeter|power_supply|spectrum_analyzer|socket): ", logger="dockscope.devices", at_least=4)
    faulthandler.cancel_dump_traceback_later()  # it takes longer than a test that hangs
    chance = random.Random(5)
    process = psutil.Process()
    with ScpiServer(one_line=True) as server:
        twins = [
            SimulatedDevice(model, model, fault="random", fault_share=0.05, timeout_s=0.3, seed=n)
            for n, model in enumerate(MODELS)
        ]
        socket = VISAStreamingDevice("socket", server.address, timeout_s=0.3)
        watched = [Watched(device) for device in (*twins, socket)]
        until_s = time.monotonic() + SOAK_S
        settled: tuple[int, int] | None = None
        pause = threading.Event()
        while time.monotonic() < until_s:
            pause.wait(FAULTY_EVERY_S)
            server.send_late()
            if socket.link_state is LinkState.CONNECTED:  # else they pile up faster than they are met
                server.fail(chance.choice(SERVER_FAULTS))
            for one in watched:
                one.look()
            if settled is None and time.monotonic() > until_s - 0.8 * SOAK_S:
                settled = process.num_fds(), process.memory_info().rss
        for twin in twins:
            twin.set_fault("")
        server.recover()
        for one in watched:
            before = one.count
            wait_for(lambda one=one, before=before: one.count > before + 20, timeout_s=20.0)
            assert one.device.link_state is LinkState.CONNECTED
            assert one.longest_silence_s < LONGEST_SILENCE_S, one.device.device_id
            one.device.disconnect()
    for twin in twins:
        for fault, kind in TOLD_AS.items():
            assert twin.link_faults[kind] >= twin.injected_faults[fault]
            assert log_watch.seen(f"^{twin.device_id}: {kind}")
    assert set(socket.link_faults) == {"no answer", "bad answer", "link lost"}
    assert all(log_watch.seen(f"^socket: {kind}") for kind in socket.link_faults)
    wait_for(lambda: abandoned_threads() == 0)
    assert settled is not None
    assert process.num_fds() <= settled[0] + 5
    assert process.memory_info().rss <= settled[1] + (50 << 20)
