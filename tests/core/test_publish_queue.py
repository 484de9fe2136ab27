"""The queue between the program and the I/O thread: bounded, oldest first, and every loss counted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from dockscope import Broadcaster
from dockscope.core.messages import DataRecord, Kind
from dockscope.core.metric_values import Block, SeriesKey
from dockscope.core.publish_queue import SAMPLE_BYTES, PublishQueue
from dockscope.core.wire import encode_payload
from raw_viewer import RawViewer


@pytest.fixture
def queue() -> Iterator[PublishQueue]:
    made = PublishQueue(2000 * SAMPLE_BYTES)
    yield made
    made.close()


def block(length: int) -> Block:
    return Block(SeriesKey("adc"), np.zeros(length), np.zeros(length), ())


def test_samples_beyond_the_bound_push_out_the_oldest(queue: PublishQueue) -> None:
    """Of more samples than fit the newest stay, and the others are counted as dropped metric samples."""
    for step in range(2500):
        queue.publish_metric("x", 0.5, step=step)
    assert queue.dropped() == {("metric", ""): 500}
    taken = queue.take_samples(10_000)
    assert [sample[3] for sample in taken] == list(range(500, 2500))
    assert queue.samples_gone == 2500
    assert not queue.waiting()


def test_messages_beyond_the_bound_push_out_the_oldest(queue: PublishQueue) -> None:
    """The bytes of queued messages are bounded; what gives way is counted by stream, and the newest always stays."""
    for stream in ("a", "b", "c"):
        queue.put_message(encode_payload(Kind.DATA, stream, DataRecord(np.zeros(40_000), 0.0)), 1)
    assert queue.dropped() == {("data", "a"): 1, ("data", "b"): 1}
    assert [item.payload.stream for item in iter(queue.take_message, None)] == ["c"]
    assert queue.nbytes == 0


def test_arrays_of_samples_count_by_their_bytes(queue: PublishQueue) -> None:
    """Blocks of samples are bounded in bytes and dropped as the many samples they are."""
    for _ in range(4):
        queue.put_block(block(15_000))
    assert queue.dropped() == {("metric", ""): 30_000}
    assert queue.nbytes <= 2000 * SAMPLE_BYTES
    assert len(queue.take_samples(10)) == 1, "a block is taken alone"


def test_only_the_first_of_many_calls_wakes_the_sleeper(queue: PublishQueue) -> None:
    """One byte goes through the socket pair however many samples come, and none while nobody sleeps."""
    queue.publish_metric("x", 0.5)
    with pytest.raises(BlockingIOError):
        queue.receiver.recv(10)
    queue.sleeping.append(True)
    for _ in range(10):
        queue.publish_metric("x", 0.5)
    assert queue.receiver.recv(10) == b"w"


def test_drops_are_told_to_viewers_by_the_heartbeat() -> None:
    """What was lost before it got a number arrives as a cumulative count."""
    with Broadcaster("tcp://127.0.0.1:0", queue_bytes=1) as b, RawViewer(b.url) as viewer:
        viewer.subscribe([["heartbeat", ""]])
        for _ in range(20):
            b.publish_metrics(dict.fromkeys(map(str, range(3000)), 0.5))
        dropped = b.statistics()["dropped"]
        assert dropped["metric", ""] >= 2000
        viewer.pump_until(
            lambda: (
                viewer.of("heartbeat")
                and viewer.bodies("heartbeat")[-1]["dropped"] == [["metric", "", *dropped.values()]]
            )
        )
        assert b.flush(5)
        assert b.statistics()["published"]["metric"] + dropped["metric", ""] == 60_000
