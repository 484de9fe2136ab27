"""The queue between acquisition and callback: bounded, four policies, everything counted."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockscope.devices.sample_queue import Policy, SampleQueue

NEVER_WAITS = [policy for policy in Policy if policy is not Policy.BLOCK]


def drained(queue: SampleQueue[int]) -> list[int]:
    """Take all that waits."""
    return [sample for _ in range(len(queue)) if (sample := queue.get()) is not None]


def filled(size: int, policy: str, count: int) -> SampleQueue[int]:
    queue: SampleQueue[int] = SampleQueue(size, policy)
    for number in range(count):
        queue.put(number)
    return queue


def test_drop_oldest_keeps_the_newest():
    """The oldest give way."""
    queue = filled(3, "drop_oldest", 10)
    assert drained(queue) == [7, 8, 9]
    assert queue.dropped == 7


def test_drop_newest_keeps_the_oldest():
    """New ones find no place."""
    queue = filled(3, "drop_newest", 10)
    assert queue.put(10) is False
    assert drained(queue) == [0, 1, 2]
    assert queue.dropped == 8


def test_decimate_spreads_what_is_left():
    """Every second waiting sample goes each time it is full, and as many of the new ones."""
    queue = filled(4, "decimate", 5)
    assert drained(queue) == [0, 2, 4]
    queue = filled(4, "decimate", 16)
    assert drained(queue) == [0, 4, 8, 12]
    assert queue.dropped == 12


def test_decimate_takes_all_again_once_it_ran_dry():
    """As soon as the callback has caught up, nothing is dropped any more."""
    queue = filled(4, "decimate", 100)
    assert [queue.put(number) for number in range(4)].count(True) < 4
    drained(queue)
    dropped = queue.dropped
    assert [queue.put(number) for number in range(4)] == [True] * 4
    assert queue.dropped == dropped


def test_block_makes_the_one_who_puts_wait(wait_for):
    """It goes on when there is room, or when the queue is closed."""
    queue = filled(2, "block", 2)
    put: list[bool] = []
    thread = threading.Thread(target=lambda: [put.append(queue.put(number)) for number in (2, 3)])
    thread.start()
    assert queue.get() == 0
    wait_for(lambda: put == [True])
    assert len(queue) == 2
    queue.close(discard=True)
    thread.join(5.0)
    assert put == [True, False]
    assert queue.dropped == 3
    assert queue.get() is None


def test_a_closed_queue_is_taken_to_its_end():
    """What waits when acquisition ends is still called back with; nothing more comes in."""
    queue = filled(5, "drop_oldest", 2)
    queue.close()
    assert queue.put(2) is False
    assert [queue.get(), queue.get(), queue.get()] == [0, 1, None]
    assert queue.dropped == 1


@pytest.mark.parametrize("rate_hz", [10.0, 1000.0])
def test_close_wakes_the_one_who_takes(rate_hz):
    """A thread that waits for samples ends with the queue, whether it gathers them or not."""
    queue: SampleQueue[int] = SampleQueue(100, rate_hz=rate_hz)
    taken: list[int | None] = []
    thread = threading.Thread(target=lambda: taken.append(queue.get()))
    thread.start()
    queue.close()
    thread.join(5.0)
    assert taken == [None]


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_a_fast_stream_is_gathered_but_never_held_back(size):
    """One sample alone comes through, and so do more than fit into the queue."""
    queue: SampleQueue[int] = SampleQueue(size, "block", rate_hz=1e5)
    taken: list[int] = []

    def take():
        while (sample := queue.get()) is not None:
            taken.append(sample)

    thread = threading.Thread(target=take)
    thread.start()
    for number in range(3000):
        queue.put(number)
    queue.close()
    thread.join(10.0)
    assert taken == list(range(3000))


@given(
    st.sampled_from(NEVER_WAITS),
    st.integers(1, 9),
    st.lists(st.booleans(), max_size=200),
)
def test_bounded_in_order_and_counted(policy, size, steps):
    """Never more wait than the size, order is kept, and each sample was taken, waits, or is counted as dropped."""
    queue: SampleQueue[int] = SampleQueue(size, policy)
    put, taken = 0, []
    for is_put in steps:
        if is_put:
            queue.put(put)
            put += 1
        elif len(queue):
            taken.append(queue.get())
        assert len(queue) <= size
    waiting = drained(queue)
    assert taken + waiting == sorted(set(taken + waiting))
    assert len(taken) + len(waiting) + queue.dropped == put


@pytest.mark.parametrize(
    ("size", "policy", "sentence"),
    [(0, "block", "queue_size must be at least 1, not 0"), (5, "newest", "policy must be one of drop_oldest, drop_n")],
)
def test_wrong_arguments_are_told(size, policy, sentence):
    """The sentence names the argument and what it may be."""
    with pytest.raises(ValueError, match=sentence):
        SampleQueue(size, policy)
