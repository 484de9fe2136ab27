"""``AvgStreamingOp`` on a real socket: what it averages, when it publishes, and its bytes against the captures."""

from __future__ import annotations

import itertools
import json
import logging
import threading
import time

import numpy as np
import pytest
import zmq

from dockscope.core.dialects.object_times import iso_seconds
from dockscope.core.dialects.ovro import AvgStreamingOp
from ovro_recorder import captured
from watched import free_port


class Listener:
    """A plain SUB, as the receiver of the original has; it has subscribed when the block begins."""

    def __init__(self, operation: AvgStreamingOp):
        self._operation = operation

    def __enter__(self):
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.SUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.SUBSCRIBE, b"data")
        self.socket.connect(f"tcp://127.0.0.1:{self._operation.port}")
        for t in itertools.count(1.0):  # PUB tells nobody who subscribed: publish until it arrives
            if self.socket.poll(20):
                break
            assert t < 1000, "what is published does not arrive"
            self._operation.process(np.full((1, 1, 1, 1), -1.0), t)
        self._operation.flush()
        while self.socket.poll(50):
            self.socket.recv_multipart()
        return self

    def __exit__(self, *_):
        self.socket.close()
        self._context.term()

    def next(self) -> list[bytes]:
        assert self.socket.poll(5000), "nothing came"
        return self.socket.recv_multipart()

    def next_told(self) -> dict:
        return json.loads(self.next()[1])


@pytest.mark.parametrize("name", ["ovro"])
def test_the_bytes_are_those_of_the_recorder(name):
    """Fed with what the recorder averaged, it sends the captured messages, byte for byte."""
    clock = iter([sent.told["timestamp"] for sent in captured(name)])
    sends: list[float] = []
    operation = AvgStreamingOp(stream_port=0, clock=lambda: sends.pop() if sends else 1.0)
    with operation, Listener(operation) as listener:
        operation.time_tag = captured(name)[0].told["time_tag"]
        for sent in captured(name):
            sends.append(next(clock))
            gulp = np.broadcast_to(sent.power, (250, *sent.power.shape))
            operation.process(gulp, iso_seconds(sent.told["last_block_time"]))
            operation.flush()
            assert listener.next() == sent.frames


def test_gulps_become_a_mean_each_half_second():
    """250 × 1 × 3072 × 4 in gulps of a quarter of a second: two become one, dated with the end of the second."""
    random = np.random.default_rng(3)
    gulps = random.normal(5.0, 1.0, size=(4, 250, 1, 3072, 4)).astype("f4")
    start_t = 1_795_245_772.0
    with AvgStreamingOp(stream_interval=0.5, stream_port=0) as operation, Listener(operation) as listener:
        operation.process(np.zeros((250, 1, 3072, 4), "f4"), start_t)
        listener.next()
        published = [operation.process(gulp, start_t + 0.25 * (i + 1)) for i, gulp in enumerate(gulps)]
        assert published == [False, True, False, True]
        for pair in (gulps[:2], gulps[2:]):
            _, header, payload = listener.next()
            told = json.loads(header)
            assert (told["data_shape"], told["data_type"]) == ([1, 3072, 4], "<f4")
            mean = np.frombuffer(payload, "<f4").reshape(1, 3072, 4)
            np.testing.assert_allclose(mean, pair.mean(axis=(0, 1), dtype="f8"), rtol=1e-6)
        assert told["last_block_time"] == "2026-11-21 07:22:53"


@pytest.mark.parametrize(("step_s", "gulps_each"), [(0.25, 2), (0.2501, 2), (0.2499, 2), (0.3, 2), (1.03, 1), (0.1, 5)])
def test_the_interval_is_kept_as_near_as_whole_gulps_allow(step_s, gulps_each):
    """Gulps of any length are averaged in equal numbers; one longer than the interval is published alone."""
    with AvgStreamingOp(stream_port=0) as operation:
        published = [operation.process(np.ones((2, 1, 3, 4)), 100.0 + step_s * i) for i in range(21)]
    assert published == [i % gulps_each == 0 for i in range(21)]


def test_time_goes_by_the_data_and_nothing_is_left_out():
    """An hour of gulps is averaged in no time: no sleep, none skipped, and the last ones are published at the end."""
    ring = [(np.full((10, 1, 4, 4), i), 1000.0 + 0.25 * i) for i in range(14_401)]
    began_s = time.monotonic()
    operation = AvgStreamingOp(iring=ring, stream_port=0)
    operation.main()
    operation.shutdown()
    assert time.monotonic() - began_s < 20.0
    told = operation.get_statistics()
    assert (told["gulps"], told["sent"], told["failed"], told["waiting_gulps"]) == (14_401, 7201, 0, 0)


def test_another_shape_publishes_what_waits():
    """Beams, channels and products are those of the gulps; a change loses nothing."""
    with AvgStreamingOp(stream_port=0) as operation, Listener(operation) as listener:
        operation.process(np.ones((2, 1, 8, 4)), 2.0)
        operation.process(np.ones((2, 1, 8, 4)), 2.1)
        operation.process(np.ones((2, 2, 8, 1), dtype="i2"), 3.0)
        assert [listener.next_told()["data_shape"] for _ in range(3)] == [[1, 8, 4], [1, 8, 4], [2, 8, 1]]


def test_channels_of_its_own_are_told():
    """With ``axis`` the header tells where the channels lie."""
    with AvgStreamingOp(stream_port=0, axis=(50e6, 1e4)) as operation, Listener(operation) as listener:
        operation.process(np.ones((2, 1, 8, 4)), 2.0)
        told = listener.next_told()
        assert (told["f0"], told["df"]) == (50e6, 1e4)


@pytest.mark.parametrize("wrong", [np.ones((2, 8, 4)), np.ones((0, 1, 8, 4)), np.ones((1, 1, 8, 4), dtype="c8")])
def test_what_is_no_gulp_is_a_value_error(wrong):
    """Wrong dimensions, no spectra and complex numbers are told at the call."""
    with AvgStreamingOp(stream_port=0) as operation, pytest.raises(ValueError, match="gulp"):
        operation.process(wrong)


def test_wrong_arguments_and_a_taken_port_are_told():
    """Each is an exception with a sentence that names it."""
    with pytest.raises(ValueError, match="stream_interval"):
        AvgStreamingOp(stream_interval=0.0)
    with pytest.raises(ValueError, match="ntime_gulp"):
        AvgStreamingOp(ntime_gulp=0)
    with AvgStreamingOp(stream_port=0) as operation, pytest.raises(OSError, match=f"port {operation.port} is taken"):
        AvgStreamingOp(stream_port=operation.port)


def test_an_address_that_others_reach_is_obeyed_with_a_warning(expect_log):
    """The library binds what its caller says, and says what that means."""
    expect_log("without encryption", logger="dockscope.access")
    AvgStreamingOp(stream_addr="0.0.0.0", stream_port=0).shutdown()


def test_defect_shutdown_hangs_with_a_viewer_that_does_not_read():
    """A viewer that stopped reading holds up neither publishing nor the end; its queue is bounded."""
    operation = AvgStreamingOp(stream_port=0)
    with Listener(operation):
        began_s = time.monotonic()
        for i in range(400):
            operation.process(np.ones((1, 1, 3072, 4), "f4"), 2.0 + i)
        operation.shutdown()
        assert time.monotonic() - began_s < 10.0
        assert operation.sent > 400
    with pytest.raises(ValueError, match="shut down"):
        operation.process(np.ones((1, 1, 8, 4)))


def test_shutdown_from_another_thread_ends_main(wait_for):
    """An endless ring is left within a moment, as the signal handling of a recorder needs it."""

    def gulps():
        while True:
            yield np.ones((1, 1, 8, 4))

    operation = AvgStreamingOp(iring=gulps(), stream_port=free_port())
    thread = threading.Thread(target=operation.main)
    thread.start()
    wait_for(lambda: operation.gulps > 3)
    operation.shutdown_event.set()
    thread.join(5.0)
    assert not thread.is_alive()
    operation.shutdown()
    operation.shutdown()
    assert not operation.get_statistics()["is_running"]


def test_operations_and_statistics_are_logged(caplog):
    """Start and end are INFO, each mean with its statistics DEBUG."""
    with caplog.at_level(logging.DEBUG, "dockscope.ovro"), AvgStreamingOp(stream_port=0) as operation:
        operation.process(np.full((1, 1, 8, 4), 3.0), 2.0)
    assert "every 0.5 s" in caplog.text
    assert "min 3, mean 3, max 3" in caplog.text
    assert "shut down" in caplog.text
