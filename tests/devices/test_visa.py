"""An instrument on a real socket: what it answers, in which order, and what is asked in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import psutil
import pytest

from dockscope.core.link_address import LinkError
from dockscope.devices import VISAStreamingDevice, attach
from dockscope.devices.serial_settings import serial_settings
from dockscope.devices.supervised_link import LinkState
from scpi_server import IDENTITY, ScpiServer


@contextmanager
def connected(address: str, *args: Any, **options: Any) -> Iterator[VISAStreamingDevice]:
    device = VISAStreamingDevice("dmm", address, *args, **{"timeout_s": 0.3, **options})
    device.connect()
    try:
        yield device
    finally:
        device.disconnect()


@contextmanager
def streaming(device: VISAStreamingDevice, rate_hz: float = 200.0) -> Iterator[list[Any]]:
    samples: list[Any] = []
    device.start_streaming(samples.append, rate_hz)
    try:
        yield samples
    finally:
        device.stop_streaming()


def test_a_reading_streams_with_unit_and_name(wait_for):
    """The answer to the query arrives as a number at the rate asked for, and the device knows what it is."""
    with ScpiServer() as server, connected(server.address, unit="V", name="volts") as device:
        with streaming(device) as samples:
            wait_for(lambda: len(samples) >= 5)
        assert samples == [float(n + 1) for n in range(len(samples))]
        assert (device.unit, device.name, device.identity) == ("V", "volts", IDENTITY)
        assert device.link_state is LinkState.CONNECTED


@pytest.mark.parametrize(
    ("answer", "options"),
    [
        (b"1.5,2.5,-3E0\n", {}),
        (b"#212" + np.array([1.5, 2.5, -3.0], ">f4").tobytes() + b"\n", {}),
        (b"#212" + np.array([1.5, 2.5, -3.0], ">f4").tobytes(), {}),
        (b"#224" + np.array([1.5, 2.5, -3.0], "<f8").tobytes() + b"\n", {"block_format": "<f8"}),
        (b"#0" + np.array([1.5, 2.5, -3.0], ">f4").tobytes() + b"\n", {}),
    ],
)
def test_lists_and_blocks_stream_as_arrays(answer, options, wait_for):
    """Comma lists and blocks, with and without a terminator after them, arrive as arrays, time after time."""
    with (
        ScpiServer(answers={"TRAC?": answer}) as server,
        connected(server.address, "TRAC?", **options) as device,
        streaming(device) as samples,
    ):
        wait_for(lambda: len(samples) >= 4)
        assert device.ask("ECHO? between") == "between"
        wait_for(lambda: len(samples) >= 8)
        assert all(sample.tolist() == [1.5, 2.5, -3.0] for sample in samples)
        assert device.link_faults == {}


def test_newlines_inside_a_block_are_numbers(wait_for):
    """A block of newlines is read whole."""
    values = np.full(5000, 0x0A, "u1")
    answer = b"#45000" + values.tobytes() + b"\n"
    with (
        ScpiServer(answers={"TRAC?": answer}) as server,
        connected(server.address, "TRAC?", block_format="u1") as device,
        streaming(device) as samples,
    ):
        wait_for(lambda: len(samples) >= 3)
        assert all(np.array_equal(sample, values) for sample in samples)


def test_other_terminations(wait_for):
    """Answers and commands may end otherwise."""
    with (
        ScpiServer(identity="x\r", answers={"VAL?": b"7\r\n"}) as server,
        connected(server.address, "VAL?", read_termination="\r\n", write_termination="\r\n") as device,
        streaming(device) as samples,
    ):
        wait_for(lambda: len(samples) >= 3)
        assert set(samples) == {7.0}
        assert device.identity == "x"


def test_an_instrument_that_does_not_know_idn_works(wait_for):
    """Silence after *IDN? costs a moment when connecting, once, and nothing else."""
    with ScpiServer(identity=None) as server, connected(server.address) as device:
        assert device.identity == ""
        with streaming(device) as samples:
            wait_for(lambda: len(samples) >= 3)
            server.fail("close")
            wait_for(lambda: device.link_faults.get("link lost"))
            before = len(samples)
            wait_for(lambda: len(samples) > before)
        assert server.received.count("*IDN?") == 1


@pytest.fixture(autouse=True)
def faults_are_told(expect_log: Callable[..., None]) -> None:
    """Faults are logged; the tests that count them do so themselves."""
    expect_log(r"^dmm: ", logger="dockscope.devices", at_least=0)


def test_initialization_is_repeated_when_the_link_is_opened_again(wait_for):
    """Commands that prepare the instrument are sent after each opening, before any question."""
    with (
        ScpiServer(answers={"SYST:ERR?": b"0,none\n"}) as server,
        connected(server.address, initialize=["CONF:VOLT 10", "SYST:ERR?"]) as device,
        streaming(device) as samples,
    ):
        wait_for(lambda: samples)
        assert server.received[:4] == ["*IDN?", "CONF:VOLT 10", "SYST:ERR?", "MEAS?"]
        server.fail("reset")
        wait_for(lambda: server.received.count("CONF:VOLT 10") == 2)
        at = len(server.received) - 1 - server.received[::-1].index("CONF:VOLT 10")
        assert server.received[at - 1] == "*IDN?"


def test_identity_is_not_asked_when_not_wanted():
    """Some instruments beep at a question they do not know."""
    with ScpiServer() as server, connected(server.address, identify=False) as device:
        device.ask("ECHO? x")
        assert server.received == ["ECHO? x"]


def test_the_console_interleaves_with_the_stream(wait_for):
    """Commands asked from several threads while streaming at full speed each get their own answer."""
    answers: dict[str, list[str]] = {}

    def ask(word: str) -> None:
        answers[word] = [device.ask(f"ECHO? {word}{n}") for n in range(40)]

    with ScpiServer() as server, connected(server.address) as device, streaming(device, 1000.0) as samples:
        askers = [threading.Thread(target=ask, args=(word,)) for word in ("a", "b")]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
        wait_for(lambda: len(samples) >= 20)
    assert answers == {word: [f"{word}{n}" for n in range(40)] for word in ("a", "b")}
    assert samples == [float(n + 1) for n in range(len(samples))]


def test_a_command_without_answer_is_not_waited_for():
    """Without a question mark outside quotes nothing is read."""
    with ScpiServer() as server, connected(server.address) as device:
        assert device.ask("OUTP ON") == ""
        assert device.ask("DISP:TEXT 'what?'") == ""
        assert device.ask("ECHO? here") == "here"
        assert server.received[1:] == ["OUTP ON", "DISP:TEXT 'what?'", "ECHO? here"]
        assert device.link_faults == {}


@pytest.mark.parametrize("command", ["", "  ", "MEAS?\nMEAS?", "A\x00", "x" * 5000])
def test_what_is_no_command_is_refused(command):
    """Two messages in one would shift all answers that follow; nothing is sent."""
    with ScpiServer() as server, connected(server.address) as device:
        with pytest.raises(ValueError, match="command"):
            device.ask(command)
        assert server.received == ["*IDN?"]
    with pytest.raises(ValueError, match="command"):
        VISAStreamingDevice("dmm", "TCPIP::127.0.0.1::1::SOCKET", command)


@pytest.mark.parametrize(
    "options",
    [
        {"timeout_s": 0},
        {"timeout_s": float("nan")},
        {"stuck_after_s": -1.0},
        {"block_format": "complex"},
        {"initialize": ["a\nb"]},
        {"serial": {"baud": 9600}},
        {"serial": {"parity": "strange"}},
    ],
)
def test_wrong_arguments_are_refused_at_once(options):
    """What cannot work is said when the device is made."""
    with pytest.raises(ValueError, match=r"must be|cannot|unknown|one line|no setting|one of"):
        VISAStreamingDevice("dmm", "ASRL1::INSTR", **options)


def test_serial_settings_are_visa_attributes():
    """A person's words become the numbers of the VISA specification."""
    settings = {"baud_rate": 115200, "data_bits": 7, "parity": "even", "stop_bits": 2, "flow_control": "rts_cts"}
    assert list(serial_settings(settings).values()) == [115200, 7, 2, 20, 2]


@pytest.mark.parametrize("address", ["TCPIP::127.0.0.1::1::SOCKET", "nonsense", "GPIB0::7::INSTR"])
def test_what_cannot_be_connected_is_told_in_a_sentence(address):
    """Nobody there, no address, no interface: one kind of error, and nothing is left open."""
    device = VISAStreamingDevice("dmm", address, timeout_s=0.5)
    with pytest.raises(LinkError, match=r"\w"):
        device.connect()
    assert device.link_state is LinkState.CLOSED
    with pytest.raises(RuntimeError, match="not connected"):
        device.start_streaming(print)
    with pytest.raises(LinkError, match="not connected"):
        device.ask("*IDN?")


def test_an_unknown_library_is_told_in_a_sentence():
    """A VISA library that is not there is no crash."""
    device = VISAStreamingDevice("dmm", "GPIB0::7::INSTR", visa_library="/nowhere/libvisa.so")
    with pytest.raises(LinkError, match="library"):
        device.connect()


def ask_in_vain(device: VISAStreamingDevice, command: str) -> None:
    with pytest.raises(LinkError):
        device.ask(command)


def test_attached_it_answers_while_it_waits(wait_for):
    """The device lock is not held while an answer is waited for."""
    with ScpiServer() as server:
        device = attach(VISAStreamingDevice, "dmm", address=server.address, timeout_s=2.0)
        device.connect()
        server.fail("silent")
        asker = threading.Thread(target=ask_in_vain, args=(device, "ECHO? x"))
        asker.start()
        wait_for(lambda: "ECHO? x" in server.received)
        assert device.get_latest_data() is None
        assert asker.is_alive()
        device.disconnect()
        asker.join(5.0)
        assert not asker.is_alive()


def test_a_listener_that_raises_ends_nothing(wait_for, expect_log):
    """The stream goes on, and the log says who raised."""
    expect_log("dmm: a listener")
    with ScpiServer() as server:
        device = VISAStreamingDevice("dmm", server.address)
        device.on_state(lambda state, detail: 1 // 0)
        device.connect()
        with streaming(device) as samples:
            wait_for(lambda: samples)
        device.disconnect()


def test_many_connections_leave_nothing_open():
    """200 times connected and disconnected: no socket, file or thread stays."""
    process = psutil.Process()
    with ScpiServer() as server:
        device = VISAStreamingDevice("dmm", server.address)
        device.connect()
        device.disconnect()
        files, threads = process.num_fds(), threading.active_count()
        for _ in range(200):
            device.connect()
            assert device.ask("ECHO? x") == "x"
            device.disconnect()
        ours = [link for link in process.net_connections() if link.raddr and link.raddr.port == server.port]
        assert [link for link in ours if link.status != psutil.CONN_TIME_WAIT] == []
        assert process.num_fds() <= files + 2
        assert threading.active_count() <= threads + 2
        assert server.connections == 201
