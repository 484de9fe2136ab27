"""Credit on the viewer's side: honest producers are never held up for good, others cannot fill its memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import numpy as np
import pytest
import zmq

from dockscope import Broadcaster
from dockscope.core.dialects.base import Sink, open_source
from dockscope.core.hub import Hub
from dockscope.core.link_credit import (
    CREDIT_BYTES,
    MOST_UNINTERRUPTED_BYTES,
    STEP_BYTES,
    WITHHOLD_BYTES,
    LinkCredit,
)
from dockscope.core.messages import DataRecord, Kind
from dockscope.core.run_control import LinkState
from fakes import FakeHub, FakeProducer, frames_of


@asynccontextmanager
async def connected(url: str, hub: Sink):
    source = open_source(url, hub)
    source.start()
    try:
        yield source
    finally:
        await source.close()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 30.0))


MESSAGES = 40_000


class Hostile(FakeProducer):
    """Greets like an honest producer, then sends 80 MB on a grant of 4 MiB.

    Args:
        frames: of one message, given the subscription.
    """

    def __init__(self, frames: Callable[[bytes], list]) -> None:
        super().__init__(beats=0)
        self._frames = frames
        self.done = threading.Event()
        self.at_subscribe = self._flood

    def _flood(self, _: FakeProducer, routing_id: bytes, subscription: bytes) -> None:
        frames = self._frames(subscription)
        for _number in range(MESSAGES):
            with suppress(zmq.ZMQError):  # cut off
                self._socket.send_multipart([routing_id, *frames], zmq.NOBLOCK, copy=False)
        self.done.set()


def of_data(subscription: bytes) -> list:
    return frames_of(Kind.DATA, DataRecord({"a": np.zeros(2_000, "u1")}, 0.0), "s", 1, subscription)


def of_other_subscriptions(_: bytes) -> list:
    return of_data(bytes(16))


def of_garbage(_: bytes) -> list:
    return [b"\xc1" * 2_000]


@pytest.mark.parametrize("frames", [of_data, of_other_subscriptions, of_garbage])
def test_who_ignores_credit_is_cut_off(frames: Callable[[bytes], list], wait_for_async):
    """Who sends 80 MB on a grant of 4 MiB is cut after a bounded number of bytes, with one clear message."""

    async def scenario():
        hub = FakeHub()
        with Hostile(frames) as producer:
            async with connected(producer.url, hub):
                await wait_for_async(producer.subscribed)
                trickled = sum(message.nbytes for message in hub.messages)
                assert producer.done.wait(10.0)  # this thread reads nothing meanwhile, as under a long paint
                await wait_for_async(lambda: "overrun" in hub.causes(), 20.0)
                await wait_for_async(lambda: hub.state is LinkState.LOST)
                assert hub.causes().count("overrun") == 1
                taken = sum(message.nbytes for message in hub.messages) - trickled
                assert taken <= MOST_UNINTERRUPTED_BYTES + 3_000

    run(scenario)


def test_an_honest_producer_at_full_speed_is_never_cut_off(wait_for_async):
    """A slow viewer reads 100 MB without a pause: credit is withheld now and then, and all of it arrives."""

    async def scenario():
        hub = Hub(budget_bytes=2**30)
        with Broadcaster("tcp://127.0.0.1:0", history=5_000_000, history_bytes=2**30) as b:
            for number in range(40):
                values = np.full(100_000, float(number))
                b.publish_series("x", values, step=np.arange(100_000.0), copy=True)
                assert b.flush(10.0)
            async with connected(b.url, hub):
                await wait_for_async(lambda: hub.samples == 4_000_000, 25.0)
            (producer,) = hub.producers.values()
            assert (hub.lost, producer.problem) == (0, "")

    run(scenario)


def test_credit_is_withheld_until_the_connection_runs_dry():
    """After 8 MiB without a pause nothing is given back; once dry, all of it is, in one piece."""
    credit = LinkCredit()
    assert credit.due_bytes(0) == 0
    credit.grant()
    credit.drained(STEP_BYTES - 1)
    assert credit.due_bytes(STEP_BYTES - 1) == 0
    credit.drained(1)
    assert credit.due_bytes(STEP_BYTES) == STEP_BYTES
    credit.returned(b"i" * 16)
    assert credit.due_bytes(STEP_BYTES) == 0
    credit.drained(CREDIT_BYTES)
    assert credit.due_bytes(WITHHOLD_BYTES) == 0
    assert credit.due_bytes(0) == CREDIT_BYTES


def test_requests_of_the_present_subscription_are_known_again():
    """What rejects the subscription or a recent credit means us; an answer to anything else does not."""
    credit = LinkCredit()
    id_ = credit.grant()
    credit.returned(b"1" * 16)
    assert [credit.is_request(known) for known in (id_, b"1" * 16, b"2" * 16)] == [True, True, False]
    for number in range(20):
        credit.returned(bytes([number]) * 16)
    assert not credit.is_request(b"1" * 16)
    assert credit.is_request(bytes([19]) * 16)
