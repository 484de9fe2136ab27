"""The producer's answers over time: silent viewers, remembered requests, repeated complaints, slow histories."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest

from dockscope.core.complaints import Complaints
from dockscope.core.frame_rate import FrameRate
from dockscope.core.history import History
from dockscope.core.messages import Hello
from dockscope.core.publish_queue import PublishQueue
from dockscope.core.publisher import Publisher
from dockscope.core.request_desk import RequestDesk
from dockscope.core.run_machine import Ask
from dockscope.core.wire import Request, encode_request

PRODUCER = bytes(range(16))
VIEWER = bytes(reversed(range(16)))


class FakeClock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class FakeTokens:
    """One token operates."""

    def role(self, token: bytes | None) -> str:
        return "operate" if token == b"right" else "observe"


class Counter:
    """A desk with everything around it, but no socket."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.queue = PublishQueue(1_000_000)
        self.history = History(1000, 1_000_000, 1_000_000)
        self.publisher = Publisher(self.queue, self.history, FrameRate(None))
        self.asked: list[Ask] = []
        self.sent: list[tuple[bytes, list[Any]]] = []
        self.complaints: list[str] = []
        self.reachable = True
        self.desk = RequestDesk(
            hello=Hello(PRODUCER, "trainer"),
            tokens=FakeTokens(),
            publisher=self.publisher,
            history=self.history,
            control=self.asked.append,
            send=self.send,
            complaints=Complaints(self.complaints.append, self.clock),
            clock=self.clock,
        )

    def send(self, routing_id: bytes, frames: list[Any]) -> bool:
        self.sent.append((routing_id, msgpack.unpackb(bytes(frames[0]))))
        return self.reachable

    def ask(self, command: str, args: Any, link: bytes = b"c", token: bytes | None = b"right", **more: Any) -> bytes:
        id_ = more.get("id", os.urandom(16))
        self.desk.handle([VIEWER + link, encode_request(Request(id_, command, args, PRODUCER, token))])
        return id_

    def hello(self) -> None:
        self.ask("hello", {"viewer": VIEWER, "name": "ann", "host": "desk", "pid": 1})


@pytest.fixture
def counter() -> Iterator[Counter]:
    made = Counter()
    made.hello()
    made.sent.clear()
    yield made
    made.queue.close()


SUBSCRIBE = {"topics": [["log", "*"]], "history": True, "credit": 1000}


def test_a_viewer_silent_for_a_minute_is_dropped(counter: Counter) -> None:
    """Sixty seconds without a request on either link end the subscription; any request keeps it."""
    counter.ask("subscribe", SUBSCRIBE, b"d")
    for _ in range(3):
        counter.clock.now += 50
        counter.ask("ping", {"sent_ns": 1})
        counter.desk.forget_silent()
    assert counter.publisher.subscriptions
    counter.clock.now += 61
    counter.desk.forget_silent()
    assert not counter.publisher.subscriptions
    for command, args, link, reason in (
        ("credit", [bytes(16), 5], b"d", "subscribe first"),
        ("ping", {"sent_ns": 1}, b"c", "say hello first"),
        ("pause", {}, b"c", "say hello first"),
    ):
        counter.ask(command, args, link)
        assert counter.sent[-1][1][3:5] == ["rejected", reason]


def test_bye_and_an_unreachable_link_end_the_subscription(counter: Counter) -> None:
    """A viewer that says bye, or whose link is gone, is no longer sent anything."""
    counter.ask("subscribe", SUBSCRIBE, b"d")
    counter.ask("bye", {})
    assert not counter.publisher.subscriptions
    counter.hello()
    subscription = {**SUBSCRIBE, "topics": [["heartbeat", "*"]]}
    counter.ask("subscribe", subscription, b"d")
    counter.reachable = False
    counter.publisher.publish_heartbeat()
    counter.desk.pump_all()
    assert not counter.publisher.subscriptions


def test_the_last_1024_requests_are_remembered(counter: Counter) -> None:
    """A repeat within the last 1,024 requests reaches the run once; of older ones the open ones are kept longest."""
    first = counter.ask("pause", {})
    for _ in range(1023):
        counter.ask("dance", {})
    counter.ask("pause", {}, id=first)
    assert [ask.id for ask in counter.asked] == [first]
    for _ in range(10):
        counter.ask("dance", {})
    counter.ask("pause", {}, id=first)
    assert len(counter.asked) == 1


def test_operating_once_allowed_stays_allowed_for_that_viewer(counter: Counter) -> None:
    """A request with the token makes its viewer an operator; without any token it observes."""
    counter.hello()
    counter.ask("pause", {}, token=b"right")
    counter.ask("resume", {}, token=None)
    assert [ask.command.value for ask in counter.asked] == ["pause", "resume"]
    assert {ask.by for ask in counter.asked} == {"ann@desk"}


def test_one_cause_is_told_once_in_five_seconds(counter: Counter) -> None:
    """However much garbage comes, and however varied, viewers are told once per interval."""
    for length in range(100):
        counter.desk.handle([VIEWER + b"c", bytes(length)])
    assert len(counter.complaints) == 1
    counter.clock.now += 5.1
    counter.desk.handle([VIEWER + b"c", b""])
    assert len(counter.complaints) == 2


def test_many_series_are_replayed_in_few_messages(counter: Counter) -> None:
    """Ten thousand short series come in messages of many series each."""
    for step in range(3):
        counter.queue.put_samples([(f"m{index}", 1.0, 0.5, step) for index in range(10_000)][:3000])
        counter.publisher.drain()
    counter.ask("subscribe", {"topics": [["metric", ""]], "credit": 2**30}, b"d")
    kinds = [message[2] for _, message in counter.sent if message[1] == "data"]
    assert kinds == ["series", "metric"]
