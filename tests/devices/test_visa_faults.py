"""An instrument that fails: the stream goes on, no answer is taken for another's, and nothing waits for ever."""

from __future__ import annotations

import itertools
import os
import pty
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import pyvisa

from dockscope.core.link_address import LinkError
from dockscope.devices import VISAStreamingDevice
from dockscope.devices.instrument_errors import NoAnswerError
from dockscope.devices.query_device import QueryDevice
from dockscope.devices.supervised_link import LinkState
from dockscope.devices.worker import abandoned_threads
from scpi_server import ScpiServer

FAULT_KINDS = {
    "silent": "no answer",
    "late": "no answer",
    "half": "no answer",
    "garbage": "bad answer",
    "close": "link lost",
    "reset": "link lost",
}


@contextmanager
def streaming(device: QueryDevice, rate_hz: float = 100.0) -> Iterator[list[Any]]:
    samples: list[Any] = []
    device.connect()
    device.start_streaming(samples.append, rate_hz)
    try:
        yield samples
    finally:
        device.disconnect()


def more(samples: list[Any], count: int = 3) -> Callable[[], bool]:
    at_least = len(samples) + count
    return lambda: len(samples) >= at_least


def rising(samples: list[float]) -> bool:
    return all(after > before for before, after in itertools.pairwise(samples))


@pytest.mark.parametrize("fault", FAULT_KINDS)
def test_the_stream_goes_on_after_a_fault(fault, wait_for, expect_log):
    """Whatever happens to one answer is told by its kind and costs that sample; pyvisa-py alone never recovers."""
    expect_log(f"^dmm: {FAULT_KINDS[fault]}, asked 'MEAS\\?'")
    with ScpiServer() as server:
        device = VISAStreamingDevice("dmm", server.address, timeout_s=0.2)
        states: list[LinkState] = []
        device.on_state(lambda state, detail: states.append(state))
        with streaming(device) as samples:
            wait_for(more(samples))
            server.fail(fault)
            wait_for(lambda: device.link_faults.get(FAULT_KINDS[fault]))
            server.send_late()
            wait_for(more(samples, 10))
            assert rising(samples)
            assert samples[-1] + 3 > server.measured
            assert device.link_faults == {FAULT_KINDS[fault]: 1}
            assert device.statistics().acquisition_errors == 1
            assert device.link_state is LinkState.CONNECTED
        lost = [] if fault == "garbage" else [LinkState.RETRYING, LinkState.CONNECTED]
        assert states == [LinkState.CONNECTED, *lost, LinkState.CLOSED]


def test_pyvisa_alone_takes_a_late_answer_for_the_next():
    """The defect that makes the link be opened again: on one session all answers after a late one are shifted."""
    with ScpiServer() as server:
        manager = pyvisa.ResourceManager("@py")
        instrument: Any = manager.open_resource(server.address, read_termination="\n", timeout=100)
        instrument.write_termination = "\n"
        server.fail("late")
        with pytest.raises(pyvisa.VisaIOError, match="Timeout"):
            instrument.query("ECHO? first")
        server.send_late()
        assert instrument.query("ECHO? second") == "first"
        instrument.close()


def test_a_late_answer_is_never_taken_for_the_next(wait_for, expect_log):
    """Behind a gateway a late answer comes on the new connection, and is thrown away there."""
    expect_log("no answer", at_least=1)
    with ScpiServer(one_line=True) as server:
        device = VISAStreamingDevice("dmm", server.address, timeout_s=0.2)
        with streaming(device, 50.0) as samples:
            for _ in range(4):
                faults = device.link_faults.get("no answer", 0)
                server.fail("late")
                connections = server.connections
                wait_for(lambda faults=faults: device.link_faults.get("no answer", 0) > faults)
                wait_for(lambda connections=connections: server.connections > connections)
                server.send_late()
                wait_for(more(samples))
            assert device.link_faults == {"no answer": 4}
        assert rising(samples)
        assert server.measured - len(samples) <= 6


def test_an_answer_in_two_lines_does_not_shift_those_that_follow(wait_for, expect_log):
    """Garbage may look like several answers; the next question still gets its own."""
    expect_log("bad answer", at_least=1)
    with ScpiServer() as server:
        device = VISAStreamingDevice("dmm", server.address, timeout_s=0.5)
        with streaming(device) as samples:
            for _ in range(5):
                wait_for(more(samples))
                server.fail("garbage", b"what?\n98765\n98766\n")
            wait_for(more(samples))
        assert rising(samples)
        assert max(samples) < 98765


def test_what_nobody_asked_for_is_not_taken_for_an_answer(wait_for):
    """An instrument that sends more than its answer does not shift those that follow."""
    count = itertools.count(1)
    answers = {"VAL?": lambda _: f"{next(count)}\n99999\n".encode()}
    with ScpiServer(answers=answers) as server:
        device = VISAStreamingDevice("dmm", server.address, "VAL?")
        with streaming(device) as samples:
            wait_for(more(samples, 10))
        assert samples == [float(n + 1) for n in range(len(samples))]
        assert device.link_faults == {}


def test_bad_answers_are_counted_and_told_once(wait_for, log_watch, expect_log):
    """An instrument that answers nonsense fills the statistics, not the log."""
    expect_log("bad answer")
    with ScpiServer() as server:
        device = VISAStreamingDevice("dmm", server.address)
        with streaming(device) as samples:
            server.fail("garbage", b"nonsense\n", times=8)
            wait_for(lambda: device.link_faults.get("bad answer") == 8)
            wait_for(more(samples))
        assert len(log_watch.seen("bad answer")) == 1
        assert device.statistics().acquisition_errors == 8


def test_a_slow_answer_is_an_answer(wait_for):
    """An answer within the timeout is taken, however late."""
    with ScpiServer() as server:
        device = VISAStreamingDevice("dmm", server.address, timeout_s=2.0)
        with streaming(device) as samples:
            server.fail("slow", 0.3)
            wait_for(more(samples, 10))
        assert samples == [float(n + 1) for n in range(len(samples))]
        assert device.link_faults == {}


def test_an_instrument_that_went_away_is_found_again(wait_for, expect_log):
    """While nobody is there the link is tried with growing pauses, and told; then the stream goes on."""
    expect_log("link lost")
    with ScpiServer() as server:
        device = VISAStreamingDevice("dmm", server.address, timeout_s=0.5)
        with streaming(device) as samples:
            wait_for(more(samples))
            server.refuse()
            wait_for(lambda: device.link_faults.get("link lost", 0) >= 3)
            assert device.link_state is LinkState.RETRYING
            assert "opened again after" in device.link_detail
            server.come_back()
            wait_for(more(samples))
            assert (device.link_state, device.link_detail) == (LinkState.CONNECTED, "")


def test_another_instrument_at_the_address_is_told(wait_for, expect_log):
    """The readings of another instrument are not taken for those of the one before, until it is connected anew."""
    expect_log("other instrument, asked 'MEAS\\?': another instrument answers, 'spare'")
    expect_log("link lost")
    with ScpiServer() as server:
        device = VISAStreamingDevice("dmm", server.address, timeout_s=0.2)
        with streaming(device) as samples:
            wait_for(more(samples))
            server.identity = "spare"
            server.fail("close")
            wait_for(lambda: "another instrument" in device.link_detail)
        device.connect()
        assert device.identity == "spare"
        device.disconnect()


def test_blocks_that_are_never_right_are_asked_for_with_pauses(wait_for, expect_log):
    """What makes the link be opened again does so after growing pauses, not at the rate of the stream."""
    expect_log("bad answer")
    with ScpiServer(answers={"TRAC?": b"#2x4\n"}) as server:
        device = VISAStreamingDevice("dmm", server.address, "TRAC?", timeout_s=0.2)
        with streaming(device, 1000.0):
            wait_for(lambda: device.link_faults.get("bad answer", 0) >= 3)
            assert device.link_state is LinkState.RETRYING
            assert server.connections <= 5


def test_the_console_tells_and_recovers(expect_log):
    """A question without answer is an error for who asked; the next one gets its own answer."""
    expect_log("no answer, asked 'ECHO")
    with ScpiServer() as server:
        device = VISAStreamingDevice("dmm", server.address, timeout_s=0.1)
        device.connect()
        server.fail("late")
        with pytest.raises(LinkError, match=r"nothing came within 0\.1 s"):
            device.ask("ECHO? first")
        server.send_late()
        assert device.ask("ECHO? second") == "second"
        device.disconnect()


def test_endless_bytes_are_cut_off(wait_for, expect_log):
    """An answer without end is refused at its limit, and the stream goes on."""
    expect_log("bad answer.*allowed")
    with ScpiServer() as server:
        device = VISAStreamingDevice("dmm", server.address, timeout_s=2.0, max_answer_bytes=1000)
        with streaming(device) as samples:
            server.fail("garbage", b"9" * 100_000)
            wait_for(lambda: device.link_faults.get("bad answer"))
            wait_for(more(samples))
            assert rising(samples)


def test_a_query_that_never_returns_holds_nothing_up(wait_for):
    """Without timeout and without answer: stopping and disconnecting take a moment, and others stream on."""
    with ScpiServer() as server, ScpiServer() as other_server:
        device = VISAStreamingDevice("dmm", server.address, timeout_s=None)
        other = VISAStreamingDevice("other", other_server.address)
        with streaming(other) as others, streaming(device) as samples:
            wait_for(more(samples))
            server.fail("silent", times=0)
            asked = server.measured
            wait_for(lambda: server.measured > asked)
            wait_for(more(others, 20))
            begin_s = time.monotonic()
            assert device.stop_streaming(timeout=5.0)
            device.disconnect()
            assert time.monotonic() - begin_s < 4.0  # of minutes it would wait
            server.recover()
            device.connect()
            device.start_streaming(samples.append, 100.0)
            wait_for(more(samples))
            assert rising(samples)
    wait_for(lambda: abandoned_threads() == 0)


def test_a_query_over_its_limit_is_given_up(wait_for, expect_log):
    """The watchdog ends what no timeout ends; the stream goes on with a new session."""
    expect_log("dmm: stuck, asked 'MEAS")
    expect_log("left behind")
    with ScpiServer() as server:
        device = VISAStreamingDevice("dmm", server.address, timeout_s=None, stuck_after_s=0.3)
        with streaming(device) as samples:
            wait_for(more(samples))
            server.fail("silent")
            wait_for(lambda: device.link_faults.get("stuck"))
            wait_for(more(samples))
            assert rising(samples)
        wait_for(lambda: abandoned_threads() == 0)  # closing its session let the thread end


class HangingDriver:
    """A session whose read hangs in the driver when told to; not even closing it helps."""

    timeout_s: float | None = 1.0
    marks_ends = False

    def __init__(self, hang: threading.Event, hanging: threading.Event, released: threading.Event) -> None:
        self._hang, self._hanging, self._released = hang, hanging, released

    def send(self, message: str) -> None:
        self._asked = message

    def receive(self) -> bytes:
        if self._asked != "*IDN?" and self._hang.is_set():
            self._hanging.set()
            self._released.wait()
        return b"driver" if self._asked == "*IDN?" else b"1.0"

    def discard(self) -> None: ...

    def clear(self) -> bool:
        return False

    def close(self) -> None: ...


class HangingDevice(QueryDevice):
    """A device behind such a driver."""

    def __init__(self, stuck_after_s: float) -> None:
        super().__init__("hung", "MEAS?", stuck_after_s=stuck_after_s)
        self.hang, self.hanging, self.released = threading.Event(), threading.Event(), threading.Event()

    def _open_session(self) -> HangingDriver:
        return HangingDriver(self.hang, self.hanging, self.released)


def test_a_driver_that_hangs_costs_its_thread_only(wait_for, expect_log):
    """The thread in it is left behind and counted; the stream goes on in another, and asking works."""
    expect_log("hung: stuck")
    expect_log("left behind")
    device = HangingDevice(stuck_after_s=0.2)
    try:
        with streaming(device) as samples:
            wait_for(more(samples))
            device.hang.set()
            wait_for(lambda: device.link_faults.get("stuck") == 1)
            assert abandoned_threads() == 1
            device.hang.clear()
            wait_for(more(samples))
            assert device.ask("MEAS?") == "1.0"
    finally:
        device.released.set()
    wait_for(lambda: abandoned_threads() == 0)


def ask_in_vain(device: QueryDevice) -> None:
    with pytest.raises(LinkError):
        device.ask("MEAS?")


def test_disconnecting_leaves_a_hanging_driver_behind(wait_for, expect_log):
    """Also before the watchdog's time: disconnect returns, and the device can be connected again."""
    expect_log("left behind")
    device = HangingDevice(stuck_after_s=60.0)
    device.hang.set()
    device.connect()
    asker = threading.Thread(target=ask_in_vain, args=(device,))
    asker.start()
    wait_for(device.hanging.is_set)
    device.disconnect()
    asker.join(2.0)
    assert not asker.is_alive()
    assert abandoned_threads() == 1
    device.hang.clear()
    device.connect()
    assert device.ask("MEAS?") == "1.0"
    device.disconnect()
    device.released.set()
    wait_for(lambda: abandoned_threads() == 0)


class GpibLike:
    """A session of an interface that has a device clear; notes what is done, and may stay silent."""

    timeout_s: float | None = 1.0
    marks_ends = True

    def __init__(self, done: list[str], silent: threading.Event) -> None:
        self._done, self._silent = done, silent

    def send(self, message: str) -> None:
        self._done.append(message)

    def receive(self) -> bytes:
        if self._silent.is_set():
            self._silent.clear()
            raise NoAnswerError("nothing came")
        return b"gpib"

    def discard(self) -> None:
        self._done.append("discard")

    def clear(self) -> bool:
        self._done.append("clear")
        return True

    def close(self) -> None:
        self._done.append("close")


class GpibLikeDevice(QueryDevice):
    """A device behind such an interface."""

    def __init__(self) -> None:
        super().__init__("gpib", "MEAS?")
        self.done: list[str] = []
        self.silent = threading.Event()

    def _open_session(self) -> GpibLike:
        return GpibLike(self.done, self.silent)


def test_a_device_clear_is_sent_after_a_fault_only(expect_log):
    """It resets some instruments, so connecting and disconnecting does without; after a fault it comes first."""
    expect_log("gpib: no answer")
    device = GpibLikeDevice()
    device.connect()
    device.ask("A?")
    device.disconnect()
    assert device.done == ["*IDN?", "A?", "close"]
    device.connect()
    device.silent.set()
    with pytest.raises(LinkError, match="nothing came"):
        device.ask("B?")
    assert device.done[3:] == ["*IDN?", "B?", "clear", "close"]
    device.ask("C?")
    assert device.done[7:] == ["clear", "*IDN?", "C?"]
    device.disconnect()


@contextmanager
def serial_instrument(answer: Callable[[str], bytes | None]) -> Iterator[str]:
    """An instrument at the other end of a pseudo terminal; yields its VISA address."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)

    def serve() -> None:
        received = b""
        while True:
            try:
                received += os.read(ours, 1000)
            except OSError:
                return
            while b"\n" in received:
                line, _, received = received.partition(b"\n")
                if line == b"END":
                    return
                if (reply := answer(line.decode())) is not None:
                    os.write(ours, reply)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"ASRL{os.ttyname(theirs)}::INSTR"
    finally:
        os.write(theirs, b"END\n")
        thread.join(5.0)
        os.close(ours)
        os.close(theirs)


def test_a_serial_line_keeps_its_late_answers_and_they_are_thrown_away(wait_for, expect_log):
    """Opening a serial line again does not empty it: what is late is told from the answer by the identity before."""
    expect_log("line: no answer")
    kept: list[bytes] = []
    count = 0

    def answer(command: str) -> bytes | None:
        nonlocal count
        if command == "*IDN?":
            late = b"".join(kept)
            kept.clear()
            return late + b"serial instrument\n"
        count += 1
        if count % 7 == 0:
            kept.append(f"{count}\n".encode())
            return None
        return f"{count}\n".encode()

    with serial_instrument(answer) as address:
        device = VISAStreamingDevice("line", address, timeout_s=0.2, serial={"baud_rate": 115200})
        with streaming(device) as samples:
            wait_for(lambda: len(samples) >= 20, timeout_s=20.0)
            assert device.identity == "serial instrument"
        assert all(sample % 7 for sample in samples)
        assert rising(samples)
