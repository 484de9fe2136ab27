"""``json+zmq://`` against real publishers in processes of their own, in a hub and from the command line."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

import pytest
import zmq

from dockscope.core.dialects.base import normalize_url, open_source, probe
from dockscope.core.dialects.only import url_names
from dockscope.core.dialects.subscriber import Batch, Subscriber
from dockscope.core.hub import Hub
from dockscope.core.run_control import Command, LinkState, RunState, Stage, allowed
from foreign import Publisher
from watched import Watched, free_port, run

PROGRAM = [sys.executable, "-m", "dockscope"]


@pytest.mark.parametrize(
    ("form", "prefix"),
    [("json", ""), ("msgpack", ""), ("cbor", ""), ("topic", "robot."), ("two", "robot."), ("three", "robot.")],
)
def test_every_form_of_message_becomes_metrics_and_data(form, prefix, wait_for_async):
    """Numbers are metrics under dotted names and their topic, step is a field of them, text goes to the data."""

    async def scenario():
        with Publisher(form) as publisher:
            async with Watched(publisher.url) as watched:
                await wait_for_async(lambda: watched.samples(f"{prefix}loss") >= 10)
                curve = watched.curve(f"{prefix}loss")
                steps = curve.column("step").tolist()
                assert steps == list(range(int(steps[0]), int(steps[0]) + len(steps)))
                assert curve.column("value").tolist() == pytest.approx([1.0 / (step + 1) for step in steps])
                assert watched.curve(f"{prefix}imu.x").column("value").tolist()[0] == steps[0]
                assert set(watched.curve(f"{prefix}imu.ok").column("value").tolist()) == {1.0}
                if form == "three":
                    assert curve.column("t").tolist() == [1_700_000_000 + step for step in steps]
                entry = watched.hub.data.entries[watched.source.key, prefix[:-1] or "messages"]
                assert entry.value == {"state": "run"}
                assert not watched.producer.problem
                assert not watched.producer.lost

    run(scenario)


def test_a_publisher_that_comes_back_is_found_and_its_gap_is_a_gap(wait_for_async):
    """Its end is LOST, its return LIVE with no click; the curve goes on, and its line is broken where it was away."""

    async def scenario():
        port = free_port()
        async with Watched(f"json+zmq://127.0.0.1:{port}") as watched:
            await wait_for_async(lambda: watched.producer.problem)
            assert watched.producer.link is LinkState.CONNECTING
            with Publisher("json", f"tcp://127.0.0.1:{port}"):
                await wait_for_async(lambda: watched.samples() >= 10, 10.0)
                assert watched.producer.link is LinkState.LIVE
            await wait_for_async(watched.is_link(LinkState.LOST))
            before = watched.samples()
            with Publisher("json", f"tcp://127.0.0.1:{port}"):
                await wait_for_async(lambda: watched.samples() > before, 10.0)
                assert watched.producer.link is LinkState.LIVE
            assert watched.curve("loss").breaks.tolist() == [before]
        assert watched.producer.link is LinkState.CLOSED

    run(scenario)


def test_publishers_can_connect_to_us(wait_for_async):
    """``*`` binds loopback; two publishers are both read, and LOST only when the last has left."""

    async def scenario():
        port = free_port()
        async with Watched(f"json+zmq://*:{port}") as watched:
            assert watched.source.waits
            assert "waiting" in watched.producer.link_detail
            with Publisher("json", f"tcp://127.0.0.1:{port}", connects=True):
                await wait_for_async(lambda: watched.samples() >= 5)
                with Publisher("two", f"tcp://127.0.0.1:{port}", connects=True):
                    await wait_for_async(lambda: watched.samples("robot.loss") >= 5)
                before = watched.samples()
                await wait_for_async(lambda: watched.samples() > before + 5)
                assert watched.producer.link is LinkState.LIVE
            await wait_for_async(watched.is_link(LinkState.LOST))

    run(scenario)


def test_a_unix_socket_is_connected_to(tmp_path_factory, wait_for_async):
    """``json+zmq+ipc:///path`` reads a publisher on a Unix socket."""

    async def scenario():
        path = tmp_path_factory.mktemp("s") / "p"
        with Publisher("json", f"ipc://{path}") as publisher:
            async with Watched(publisher.url) as watched:
                await wait_for_async(lambda: watched.samples() >= 5)

    run(scenario)


def test_topic_and_only_narrow_a_source(wait_for_async):
    """``?topic=`` is the filter of the subscription, ``?only=`` keeps these names of metrics, streams or kinds."""

    async def scenario():
        with Publisher("two") as publisher:
            async with Watched(f"{publisher.url}?topic=rob&only=robot.imu.x") as watched:
                await wait_for_async(lambda: watched.samples("robot.imu.x") >= 5)
                assert watched.hub.series.names() == ["robot.imu.x"]
                assert not watched.hub.data.entries
            async with Watched(f"{publisher.url}?topic=other") as watched:
                await wait_for_async(watched.is_link(LinkState.LIVE))
                id_ = watched.source.send("pause")  # a round trip through the loop, with nothing received
                assert watched.hub.commands[id_].stage is Stage.REJECTED
                assert not watched.hub.samples

    run(scenario)


def test_what_only_publishes_takes_no_commands(wait_for_async):
    """Pause and Stop are refused with a sentence, their tooltip is another, and loss is said to be unknown."""

    async def scenario():
        with Publisher() as publisher:
            async with Watched(publisher.url) as watched:
                await wait_for_async(watched.is_link(LinkState.LIVE))
                hello = watched.producer.hello
                assert hello is not None
                assert not hello.is_numbered
                why = allowed(Command.PAUSE, RunState.RUNNING, LinkState.LIVE, hello.capabilities, hello.role)
                assert why == "this producer cannot be paused"
                state = watched.hub.commands[watched.source.send("stop")]
                assert state.stage is Stage.REJECTED
                assert "takes no commands" in state.reason
                assert not watched.source.retry(state.id)

    run(scenario)


def test_bad_messages_are_counted_and_the_link_lives_on(wait_for_async):
    """What is none of the forms is told once, and what follows is read."""

    async def scenario():
        with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
            publisher.linger = 0
            port = publisher.bind_to_random_port("tcp://127.0.0.1")
            async with Watched(f"json+zmq://127.0.0.1:{port}") as watched:
                await wait_for_async(lambda: publisher.poll(0))
                for frames in ([b"no json"], [b"t", b"{}", b"3", b"four"], [b"{" * 5000], [b""], [b'{"a": 1}']):
                    publisher.send_multipart(frames)
                await wait_for_async(lambda: watched.samples("a") == 1)
                assert "refused" in watched.producer.problem
                assert len([row for row in watched.hub.log.rows if row.fields.get("cause") == "bad_message"]) == 1
                assert watched.producer.link is LinkState.LIVE
                publisher.send(b'{"big": "' + b"x" * 17 * 2**20 + b'"}')
                await wait_for_async(lambda: "cut off" in watched.producer.problem, 10.0)
                await wait_for_async(watched.is_link(LinkState.LIVE), 10.0)

    run(scenario)


def test_log_lines_go_to_the_log(wait_for_async):
    """An object with a level and a message is a row of the log, with its own time and its other entries as fields."""

    async def scenario():
        with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
            publisher.linger = 0
            port = publisher.bind_to_random_port("tcp://127.0.0.1")
            async with Watched(f"json+zmq://127.0.0.1:{port}") as watched:
                await wait_for_async(lambda: publisher.poll(0))
                publisher.send_json({"level": "WARN", "message": "hot", "time": 1_700_000_000_000, "deg": 81.5})
                await wait_for_async(lambda: [row for row in watched.hub.log.rows if row.source == "log"])
                row = next(row for row in watched.hub.log.rows if row.source == "log")
                assert (row.level, row.message, row.t, row.fields) == ("warning", "hot", 1_700_000_000, {"deg": 81.5})
                assert not watched.hub.series.names()

    run(scenario)


def test_a_url_has_one_spelling_and_wrong_ones_are_told():
    """The key of a source does not depend on how its URL was written; a wrong URL is a sentence."""
    assert normalize_url(" JSON+ZMQ://*:5556 ") == "json+zmq://*:5556"
    assert normalize_url("json+zmq://127.0.0.1:5556/?only=b,a&topic=x%20y") == (
        "json+zmq://127.0.0.1:5556?only=b,a&topic=x%20y"
    )
    with_comma = "json+zmq://127.0.0.1:5556?only=a%2Cb,c%26d%3De%2Bf"
    assert normalize_url(with_comma) == with_comma
    assert url_names(with_comma) == ("a,b", "c&d=e+f")
    assert normalize_url("json+zmq://127.0.0.1:5556?only=a+b,,&&only=") == "json+zmq://127.0.0.1:5556?only=a%20b"
    for wrong, why in (
        ("json+zmq://host:1?" + "&".join(["only=a"] * 17), "more than 16 options"),
        ("json+zmq://host", "needs a host and a port"),
        ("json+zmq://host:99999", "no valid port"),
        ("json+zmq://me:secret@host:1", "no user name and no password"),
        ("json+zmq://host:1?user=x", "only ?only"),
        ("json+zmq+ipc://", "path of a Unix socket"),
    ):
        with pytest.raises(ValueError, match=why.replace("?", r"\?")):
            normalize_url(wrong)


def test_other_machines_are_let_in_only_when_asked():
    """Binding every interface needs the address written out and ``insecure``; the sentence says so."""
    with pytest.raises(ValueError, match="--insecure"):
        open_source("json+zmq://0.0.0.0:5556", Hub())
    source = open_source("json+zmq://0.0.0.0:5556", Hub(), insecure=True)
    assert source.waits


def test_probe_says_in_a_sentence_what_is_there():
    """A publisher, one that is silent, a free and a taken address, and nobody: each has its own plain sentence."""

    async def scenario():
        port = free_port()
        with Publisher() as publisher, zmq.Context() as context, context.socket(zmq.PUB) as silent:
            silent.linger = 0
            silent_port = silent.bind_to_random_port("tcp://127.0.0.1")
            there = await probe(publisher.url)
            assert there.ok
            assert "publishes JSON" in there.sentence
            assert ("metric", "loss") in there.streams
            assert "sent nothing yet" in (await probe(f"json+zmq://127.0.0.1:{silent_port}")).sentence
            taken = await probe(f"json+zmq://*:{silent_port}")
            assert (taken.ok, "is taken" in taken.sentence) == (False, True)
        free = await probe(f"json+zmq://*:{port}")
        assert (free.ok, "will wait" in free.sentence) == (True, True)
        nobody = await probe(f"json+zmq://127.0.0.1:{port}")
        assert (nobody.ok, "Nothing listens" in nobody.sentence) == (False, True)

    run(scenario)


def dockscope(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *words], check=False, capture_output=True, text=True, timeout=30, env=os.environ)


def test_tail_and_control_from_the_command_line():
    """``tail --json`` prints its samples; ``control`` says in one line that there is nothing to control, exit 1."""
    with Publisher() as publisher:
        told = dockscope("tail", publisher.url, "--json", "--seconds", "1.5")
        assert (told.returncode, told.stderr) == (0, "")
        objects = [json.loads(line) for line in told.stdout.splitlines()]
        assert {told["kind"] for told in objects} == {"metric", "data"}
        loss = next(told for told in objects if told.get("name") == "loss")
        assert loss["fields"].keys() == {"step"}
        for verb in ("pause", "status"):
            refused = dockscope("control", publisher.url, verb)
            assert refused.returncode == 1
            assert refused.stderr.count("\n") == 1
            assert "takes no commands" in refused.stderr


def test_who_publishes_is_told_before_the_first_message(wait_for_async):
    """A message that is read before the connection is reported does not come before its greeting."""

    async def scenario():
        with Publisher() as publisher:
            subscriber = Subscriber(publisher.endpoint, where="here", max_message_bytes=1000)
            told: list[str] = []
            subscriber.push_back(Batch([b'{"a": 1}'], 0.0, 0.0))
            reading = asyncio.ensure_future(
                subscriber.read(
                    lambda batch: told.append("batch"), on_up=lambda: told.append("up"), on_down=lambda: None
                )
            )
            await wait_for_async(lambda: len(told) >= 4)
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            subscriber.close()
            assert told[:2] == ["up", "batch"]
            assert told.count("up") == 1

    run(scenario)
