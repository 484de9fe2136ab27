"""``StreamReceiver``: rows against the captures, reading from threads, memory, options; and ``dockscope receive``."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from dockscope.core.dialects.object_times import iso_seconds
from dockscope.core.dialects.ovro import AvgStreamingOp, StreamReceiver
from dockscope.core.dialects.spectrum_ring import SpectrumRing
from idle import MOST_OF_A_CORE, idle_share
from ovro_recorder import Recorder, block_at, captured, message, recorder
from watched import free_port

PROGRAM = [sys.executable, "-m", "dockscope"]
START_T = iso_seconds("2026-11-21 08:00:00") or 0.0


def spectrum(value: float, nchan: int = 3072, npol: int = 4) -> np.ndarray:
    return np.full((1, nchan, npol), value, dtype="<f4")


@pytest.fixture
def sender():
    with recorder() as sender:
        yield sender


@pytest.fixture
def receiver(sender, wait_for):
    with StreamReceiver(stream_port=sender.port, buffer_length=8) as receiver:
        wait_for(sender.is_heard)
        yield receiver


def frames_of(receiver: StreamReceiver) -> int:
    return receiver.get_buffer_status()["total_frames"]


def test_the_capture_becomes_rows_of_the_ring(sender, wait_for):
    """Product 0 with pairs of channels averaged: f4[n, 1536], oldest first, each with its own time."""
    messages = captured("ovro")
    with StreamReceiver(stream_port=sender.port) as receiver:
        assert receiver.get_latest_data(10).shape == (0, 1536)
        wait_for(sender.is_heard)
        for sent in messages:
            sender.send(sent.frames)
        wait_for(lambda: frames_of(receiver) == len(messages))
    latest = receiver.get_latest(1200)
    expected = [sent.power[0, :, 0].reshape(1536, 2).mean(axis=1, dtype="f8") for sent in messages]
    assert (latest.rows.dtype, receiver.ring_buffer.shape) == (np.float32, (1200, 1536))
    np.testing.assert_allclose(latest.rows, expected, rtol=1e-6)
    np.testing.assert_array_equal(receiver.get_latest_data(n_frames=2), latest.rows[-2:])
    frequencies = receiver.get_frequencies()
    assert frequencies is not None
    assert frequencies[0] == 196e6 * 600.5 / 8192


def test_defect_each_spectrum_has_the_time_of_the_one_before(sender, receiver, wait_for):
    """Times belong to their rows, before and after the ring has wrapped."""
    for i in range(11):
        sender.send(message(spectrum(float(i)), block_at(i / 2)))
        wait_for(lambda i=i: frames_of(receiver) == i + 1)
        rows, times = receiver.get_latest(100)
        assert times.tolist() == [START_T + value / 2 for value in rows[:, 0].tolist()]
    latest = receiver.get_latest(100)
    assert latest.rows[:, 0].tolist() == [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]


def test_defect_nothing_is_served_once_per_wrap_and_zeros_before_it(sender, receiver, wait_for):
    """There is a newest row at every index of the ring, and never one that was not received."""
    for i in range(9):
        sender.send(message(spectrum(i + 1.0), block_at(i / 2)))
        wait_for(lambda i=i: frames_of(receiver) == i + 1)
        rows = receiver.get_latest_data(5)
        assert rows[:, 0].tolist() == [float(value) for value in range(max(1, i - 3), i + 2)]
    assert receiver.buffer_index == 1


def test_defect_an_unparsable_time_ends_the_processing(sender, receiver, wait_for, expect_log):
    """The stand-in's time of "%f" is told once; its rows are kept at their times of sending."""
    expect_log("is no time", logger="dockscope.ovro")
    for sent in captured("sunspec_dummy"):
        sender.send(sent.frames)
    wait_for(lambda: frames_of(receiver) == len(captured("sunspec_dummy")))
    latest = receiver.get_latest(3)
    assert latest.t.tolist() == [sent.told["timestamp"] for sent in captured("sunspec_dummy")[-3:]]


def test_defect_other_shapes_are_dropped(sender, receiver, wait_for):
    """Another number of channels begins a ring of that width; two products, doubles and odd numbers are fine."""
    sender.send(message(spectrum(1.0), block_at(1.0)))
    sender.send(message(np.arange(5, dtype=">f8").reshape(1, 5, 1), block_at(2.0)))
    wait_for(lambda: frames_of(receiver) == 2)
    assert receiver.get_latest_data(9).tolist() == [[0.5, 2.5, 4.0]]
    sender.send(message(spectrum(2.0, 1536, 2), block_at(3.0)))
    wait_for(lambda: frames_of(receiver) == 3)
    assert receiver.get_buffer_status()["buffer_shape"] == (8, 768)


def test_gaps_are_counted_and_bad_messages_too(sender, receiver, wait_for, expect_log):
    """Lost and refused spectra are in the status; reception goes on."""
    expect_log("2 spectra are missing", logger="dockscope.ovro")
    expect_log("was refused", logger="dockscope.ovro")
    for i in (0, 1, 2, 5):
        sender.send(message(spectrum(1.0, 8), block_at(float(i))))
    sender.send([b"data", b"{}", b""])
    sender.send(message(spectrum(1.0, 8), block_at(6.0)))
    wait_for(lambda: frames_of(receiver) == 5)
    status = receiver.get_buffer_status()
    assert (status["lost_frames"], status["refused_frames"]) == (2, 1)
    assert "refused" in status["last_problem"]


def test_readers_never_see_half_a_row(sender, receiver, wait_for):
    """While rows are written, each that is read has one value throughout, and they ascend."""
    ended = threading.Event()
    wrong: list[np.ndarray] = []

    def read() -> None:
        while not ended.is_set():
            rows = receiver.get_latest_data(8)
            steps = np.diff(rows[:, 0])
            if not (np.all(rows == rows[:, :1]) and np.all(steps == 1.0)):
                wrong.append(rows)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(300):
        sender.send(message(spectrum(float(i)), block_at(i / 2)))
    wait_for(lambda: frames_of(receiver) == 300, 20.0)
    ended.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_status_tells_ring_link_and_newest_spectrum(sender, receiver, wait_for):
    """Index, shape, running state, and statistics of what came last."""
    wait_for(lambda: receiver.get_buffer_status()["is_connected"])
    status = receiver.get_buffer_status()
    assert (status["buffer_index"], status["buffer_shape"], status["is_running"]) == (0, (8, 1536), True)
    assert status["latest"] is None
    power = spectrum(2.0)
    power[0, :2, 0] = np.nan
    sender.send(message(power, block_at(1.0)))
    wait_for(lambda: frames_of(receiver) == 1)
    status = receiver.get_buffer_status()
    assert (status["buffer_index"], status["frames"], status["is_full"]) == (1, 1, False)
    assert {name: status["latest"][name] for name in ("t", "min", "max", "mean")} == {
        "t": START_T + 1.0,
        "min": 2.0,
        "max": 2.0,
        "mean": 2.0,
    }
    assert np.isnan(receiver.get_latest_data(1)[0, 0])


def test_it_may_start_before_the_sender_and_stop_and_start_again(wait_for, expect_log):
    """Nobody there is told and waited for; after stop what was received stays; a second start goes on."""
    expect_log("Nothing listens", logger="dockscope.ovro")
    port = free_port()
    receiver = StreamReceiver(stream_port=port)
    receiver.start()
    receiver.start()
    wait_for(lambda: "Nothing listens" in receiver.get_buffer_status()["last_problem"])
    with recorder(port) as sender:
        for round_ in (1, 2):
            wait_for(sender.is_heard, 10.0)
            sender.send(message(spectrum(float(round_), 8), block_at(float(round_))))
            wait_for(lambda round_=round_: frames_of(receiver) == round_)
            receiver.stop()
            receiver.stop()
            assert not receiver.running
            assert receiver.get_buffer_status()["link"] == "CLOSED"
            wait_for(lambda: not sender.is_heard())
            receiver.start()
        receiver.stop()
    assert receiver.get_latest_data(5)[:, 0].tolist() == [1.0, 2.0]


def test_options_can_be_changed_while_it_runs(sender, receiver, wait_for, expect_log):
    """A longer or shorter ring keeps the newest rows; another product, beam or averaging begins an empty one."""
    expect_log("no product 7", logger="dockscope.ovro")
    power = np.arange(16, dtype="<f4").reshape(2, 2, 4)
    for i in range(4):
        sender.send(message(power + i, block_at(float(i))))
    wait_for(lambda: frames_of(receiver) == 4)
    assert receiver.configure(buffer_length=2, gc_interval=5)["buffer_length"] == 2
    assert receiver.get_latest_data(9).tolist() == [[4.0], [5.0]]
    assert (receiver.buffer_length, receiver.gc_interval) == (2, 5)
    for options, row in (
        ({"pol": "I"}, [0.5, 4.5]),
        ({"pol": "V"}, [3.0, 7.0]),
        ({"pol": 1, "beam": 1}, [9.0, 13.0]),
    ):
        receiver.configure(freq_average=1, **options)
        assert receiver.get_latest_data(9).shape[0] == 0
        total = frames_of(receiver)
        sender.send(message(power, block_at(float(total))))
        wait_for(lambda total=total: frames_of(receiver) == total + 1)
        assert receiver.get_latest_data(9).tolist() == [row]
    receiver.configure(pol=7)
    sender.send(message(power, block_at(7.0)))
    wait_for(lambda: receiver.get_buffer_status()["refused_frames"] == 1)
    assert receiver.get_configuration() == {
        "stream_addr": "127.0.0.1",
        "stream_port": sender.port,
        "buffer_length": 2,
        "gc_interval": 5,
        "pol": 7,
        "beam": 1,
        "freq_average": 1,
    }


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"buffer_length": 0}, ValueError),
        ({"buffer_length": 1.5}, TypeError),
        ({"gc_interval": -1}, ValueError),
        ({"pol": -1}, ValueError),
        ({"pol": None}, TypeError),
        ({"freq_average": True}, TypeError),
    ],
)
def test_wrong_options_are_told(options, error):
    """They are refused by name, at the start and later, and change nothing."""
    (name,) = options
    with pytest.raises(error, match=name):
        StreamReceiver(**options)
    receiver = StreamReceiver()
    before = receiver.get_configuration()
    with pytest.raises(error, match=name):
        receiver.configure(**options)
    with pytest.raises(TypeError, match="no_such"):
        receiver.configure(no_such=1)
    assert receiver.get_configuration() == before


def test_a_wrong_address_is_told():
    """A port that is none is a ValueError of the constructor."""
    with pytest.raises(ValueError, match="port"):
        StreamReceiver(stream_port=99_999)
    assert StreamReceiver("::1").get_configuration()["stream_addr"] == "::1"


def test_garbage_is_collected_every_so_many_spectra(sender, receiver, wait_for):
    """``gc_interval`` counts spectra; figures of collections and of the work are told."""
    receiver.configure(gc_interval=2)
    for i in range(5):
        sender.send(message(spectrum(1.0, 8), block_at(i / 2)))
    wait_for(lambda: frames_of(receiver) == 5)
    wait_for(lambda: receiver.get_performance_metrics()["gc_collections"] == 2)
    figures = receiver.get_performance_metrics()
    assert figures["frames_since_gc"] == 1
    assert 0.0 < figures["processing_mean_ms"] <= figures["processing_max_ms"]
    assert figures["update_hz"] > 0.0
    assert receiver.force_garbage_collection() >= 0
    assert receiver.get_performance_metrics()["gc_collections"] == 3


def test_memory_is_told_and_given_back(sender, receiver, wait_for):
    """The ring is 7.4 MB by default; optimizing drops the older half and keeps the newest rows with their times."""
    assert StreamReceiver().get_memory_info()["ring_buffer_mb"] == pytest.approx(7.4e6 / 2**20, rel=0.02)
    for i in range(8):
        sender.send(message(spectrum(float(i), 8), block_at(i / 2)))
    wait_for(lambda: frames_of(receiver) == 8)
    told = receiver.optimize_memory()
    assert told["frames_dropped"] == 4
    assert told["objects_collected"] >= 0
    assert {"rss_mb", "vms_mb", "gc_objects", "gc_garbage"} <= told["memory_after"].keys()
    latest = receiver.get_latest(9)
    assert latest.rows[:, 0].tolist() == [4.0, 5.0, 6.0, 7.0]
    assert latest.t.tolist() == [START_T + value / 2 for value in latest.rows[:, 0].tolist()]
    assert receiver.optimize_memory(keep_frames=1)["frames_dropped"] == 3
    sender.send(message(spectrum(8.0, 8), block_at(4.0)))
    wait_for(lambda: frames_of(receiver) == 9)
    assert receiver.get_latest_data(9)[:, 0].tolist() == [7.0, 8.0]


def test_the_ring_can_be_written_without_a_stream():
    """Rows written by hand are read like received ones, also after the ring has wrapped."""
    receiver = StreamReceiver(buffer_length=5)
    for i in range(12):
        receiver.ring_buffer[receiver.buffer_index, :] = float(i)
        receiver.buffer_index = (receiver.buffer_index + 1) % receiver.buffer_length
        rows = receiver.get_latest_data(n_frames=3)
        assert rows[:, 0].tolist() == [float(value) for value in range(max(0, i - 2), i + 1)]
    assert np.isnan(receiver.get_latest(3).t).all()


def test_the_ring_matches_a_list():
    """Whatever is appended, resized and read, the ring holds the newest rows of a list."""
    random = np.random.default_rng(5)
    ring, expected, length = SpectrumRing(4, 2), [], 4
    for i in range(500):
        if random.random() < 0.1:
            length = int(random.integers(1, 9))
            ring.resize(length)
            expected = expected[-length:]
        ring.append(np.array([i, i], dtype="f4"), float(i))
        expected = [*expected, float(i)][-length:]
        count = int(random.integers(0, 12))
        latest = ring.latest(count)
        assert latest.t.tolist() == expected[len(expected) - min(count, len(expected)) :]
        assert latest.rows[:, 0].tolist() == latest.t.tolist()


def test_defect_the_receiver_waits_busily(receiver, wait_for):
    """A receiver to which nothing comes uses under 1 % of a core."""
    wait_for(lambda: receiver.get_buffer_status()["is_connected"])
    assert idle_share() < MOST_OF_A_CORE


def test_our_two_sides_together(wait_for):
    """What the averaging stage publishes, the receiver holds: mean of the gulps, time of the last block."""
    with (
        AvgStreamingOp(stream_port=0) as operation,
        StreamReceiver(stream_port=operation.port, freq_average=1) as receiver,
    ):
        wait_for(lambda: receiver.get_buffer_status()["is_connected"])
        t = START_T
        while not frames_of(receiver):  # a PUB tells nobody when its subscriber is there
            t += 1.0
            operation.process(np.zeros((1, 1, 8, 4)), t)
            threading.Event().wait(0.02)
        total = frames_of(receiver)
        operation.process(np.full((10, 1, 8, 4), 1.0), t + 0.2)
        operation.process(np.full((30, 1, 8, 4), 5.0), t + 0.5)
        wait_for(lambda: receiver.get_latest(1).t[0] == t + 0.5)
        assert frames_of(receiver) > total
        assert receiver.get_latest_data(1).tolist() == [[4.0] * 8]


def test_it_logs_what_happens(sender, wait_for, caplog):
    """Connection and buffer are INFO and DEBUG of dockscope.ovro."""
    with caplog.at_level(logging.DEBUG, "dockscope.ovro"), StreamReceiver(stream_port=sender.port) as receiver:
        wait_for(sender.is_heard)
        sender.send(message(spectrum(1.0, 8), block_at(1.0)))
        wait_for(lambda: frames_of(receiver) == 1)
    for words in ("receiving from", "is LIVE", "spectrum 1 at", "stopped after 1 spectra"):
        assert words in caplog.text


def test_a_program_that_does_not_stop_it_still_ends(sender):
    """The thread ends with the process."""
    code = (
        "from dockscope.core.dialects.ovro import StreamReceiver\n"
        f"StreamReceiver(stream_port={sender.port}).start()\n"
        "print('end')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


class Program:
    """``dockscope receive`` in a process of its own."""

    def __init__(self, sender: Recorder, *words: str):
        self.process = subprocess.Popen(
            [*PROGRAM, "receive", "--port", str(sender.port), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ,
        )

    def end(self) -> tuple[int, str, str]:
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


def test_receive_from_the_command_line(sender, wait_for):
    """All options of the original; Ctrl-C ends it with a last line; --json has status, performance and memory."""
    options = ("--addr", "127.0.0.1", "--buffer-length", "5", "--gc-interval", "2", "--log-level", "DEBUG")
    program = Program(sender, *options, "--json")
    wait_for(sender.is_heard, 20.0)
    for i in range(7):
        sender.send(message(spectrum(1.0), block_at(i / 2)))
    assert program.process.stderr is not None
    log = ""
    while "spectrum 7" not in log:
        log += program.process.stderr.readline()
    code, out, _ = program.end()
    assert code == 0
    assert "garbage collection" in log
    told = json.loads(out)
    assert (told["status"]["total_frames"], told["status"]["buffer_shape"]) == (7, [5, 1536])
    assert told["performance"]["gc_collections"] == 3
    assert told["memory"]["rss_mb"] > 10


def test_receive_without_a_sender_says_so():
    """Nobody there: one line why, a last line, exit 1; wrong options are exit 2."""
    done = subprocess.run(
        [*PROGRAM, "receive", "--port", str(free_port()), "--seconds", "1"],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert "Nothing listens" in done.stderr
    assert "connecting: 0 spectra, 0 of 1200 rows" in done.stdout
    wrong = subprocess.run(
        [*PROGRAM, "receive", "--buffer-length", "0"], check=False, capture_output=True, text=True, timeout=30
    )
    assert wrong.returncode == 2
