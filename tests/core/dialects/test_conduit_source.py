"""``conduit://`` as a source: in a hub, from the command line, against our server, the original and the captures."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from conduit_original import original_server
from conduit_raw import (
    CALL,
    CAPTURED,
    PASSWORD,
    PROOF,
    RawPeer,
    frame,
    item,
    our_server,
    raw_server,
    run,
    sent_by,
    whole,
)
from dockscope.core.asker import Asker, read_password
from dockscope.core.dialects import conduit_source, conduit_visit
from dockscope.core.dialects.base import normalize_url, open_source, probe, schemes
from dockscope.core.hub import Hub, Producer
from dockscope.core.messages import ControlState, DataRecord, Kind
from dockscope.core.run_control import Command, LinkState, RunState, allowed
from fakes import FakeHub

PROGRAM = [sys.executable, "-m", "dockscope"]
OUR_LOG = "dockscope.conduit"


class AnsweringAsker(Asker):
    """Somebody who gives these passwords one after another, then none, and chooses these streams."""

    def __init__(self, *passwords: str, chosen: Sequence[str] | None = None) -> None:
        super().__init__()
        self.answers, self.chosen = list(passwords), chosen
        self.asked: list[tuple[str, bool]] = []
        self.offered: list[list[str]] = []

    async def password(self, place: str) -> str | None:
        self.asked.append((place, self.was_refused(place)))
        if self.answers:
            self.remember(place, self.answers.pop(0))
        return self.known(place)

    async def streams(self, place: str, names: Sequence[str], what: str = "streams") -> Sequence[str] | None:
        self.offered.append(list(names))
        return self.chosen


class Watched:
    """A hub with one source on it."""

    def __init__(self, url: str, asker: Asker | None = None, **options: Any) -> None:
        self.hub = Hub()
        self.source = open_source(url, self.hub, asker=Asker(PASSWORD) if asker is None else asker, **options)

    @property
    def producer(self) -> Producer:
        return self.hub.producers[self.source.key]

    def samples(self, name: str) -> list[float]:
        curve = self.hub.series.curves.get((self.source.key, name, ()))
        return [] if curve is None else curve.column("value").tolist()

    def is_link(self, state: LinkState):
        return lambda: self.producer.link is state


@asynccontextmanager
async def watched(port: int, query: str = "", **options: Any) -> AsyncIterator[Watched]:
    one = Watched(f"conduit://127.0.0.1:{port}{query}", **options)
    one.source.start()
    try:
        yield one
    finally:
        await one.source.close()


@asynccontextmanager
async def listening(port: int, query: str = "", asker: Asker | None = None) -> AsyncIterator[FakeHub]:
    """The same with a sink that writes everything down."""
    hub = FakeHub()
    given = Asker(PASSWORD) if asker is None else asker
    source = open_source(f"conduit://127.0.0.1:{port}{query}", hub, asker=given)
    source.start()
    try:
        yield hub
    finally:
        await source.close()


def test_numbers_are_metrics_and_the_rest_is_data(wait_for_async):
    """Nested numbers become metrics with dotted names under their stream, at their own time; other values are data."""

    async def scenario():
        async with our_server(name="lab") as (_, streams, port):
            sensors, level = streams.create("sensors"), streams.create("level")
            async with watched(port) as watch:
                await wait_for_async(lambda: sensors.subscriber_count and level.subscriber_count)
                t = time.time() - 100
                moment = {"timestamp": t, "temperature": 21.5, "pos": {"x": 1, "ok": True}, "note": "calm"}
                await sensors.push(moment)
                await level.push(7)
                await wait_for_async(lambda: watch.samples("level") == [7.0])
                assert watch.samples("sensors.temperature") == [21.5]
                assert watch.samples("sensors.pos.x") == watch.samples("sensors.pos.ok") == [1.0]
                curve = watch.hub.series.curves[watch.source.key, "sensors.temperature", ()]
                assert curve.column("t").tolist() == [t]
                hello = watch.producer.hello
                assert hello is not None
                assert (hello.name, hello.is_numbered) == ("lab", False)
                assert hello.streams == (("data", "sensors"), ("data", "level"))
                assert watch.is_link(LinkState.LIVE)()
            await wait_for_async(lambda: sensors.subscriber_count == 0)
            async with listening(port) as hub:
                await wait_for_async(lambda: sensors.subscriber_count)
                for number in range(3):
                    await sensors.push({"note": "calm", "frame": b"\0" * 9, "n": number})
                await wait_for_async(lambda: len(hub.values()) == 3)
                assert hub.values()[0] == {"note": "calm", "frame": b"\0" * 9}
                assert {message.stream for message in hub.of_kind(Kind.DATA)} == {"sensors"}
                record = hub.of_kind(Kind.DATA)[0].message
                assert isinstance(record, DataRecord)
                assert abs(record.t - time.time()) < 10

    run(scenario)


def test_the_controls_say_that_there_are_none(wait_for_async):
    """The wire has no pause and no stop: the server offers no commands, and the tooltip says so."""

    async def scenario():
        async with our_server() as (_, _, port), watched(port) as watch:
            await wait_for_async(watch.is_link(LinkState.LIVE))
            hello = watch.producer.hello
            assert hello is not None
            assert hello.capabilities == ()
            for command, words in ((Command.PAUSE, "cannot be paused"), (Command.STOP, "cannot be stopped")):
                refusal = allowed(command, RunState.RUNNING, LinkState.LIVE, hello.capabilities, hello.role)
                assert refusal == f"this producer {words}"
            watch.source.send("pause")
            (asked,) = watch.hub.commands.values()
            assert "takes no commands" in asked.reason

    run(scenario)


def test_the_original_server_is_a_source(wait_for_async, expect_log):
    """A real netconduit server is connected to as it is; what it sends of streams not asked for is left out."""
    expect_log("", logger="conduit", at_least=0)
    expect_log("StreamReaderProtocol", logger="asyncio", at_least=0)

    async def scenario():
        async with original_server() as (_, streams, port):
            streams.create("sensors")
            streams.create("other")
            async with watched(port, "?only=sensors") as watch:
                await wait_for_async(lambda: streams.get("sensors").subscriber_count)
                await streams.push_to_clients("other", {"x": 1})
                await streams.push_to_clients("sensors", {"temperature": 21.5})
                await wait_for_async(lambda: watch.samples("sensors.temperature") == [21.5])
                assert watch.samples("other.x") == []

    run(scenario)


def test_a_lost_server_comes_back_without_a_click(wait_for_async):
    """The link goes lost and live again by itself, subscribes anew, and the curve is broken where nobody listened."""

    async def scenario():
        async with our_server() as (server, streams, port):
            stream = streams.create("s")
            async with watched(port) as watch:
                await wait_for_async(lambda: stream.subscriber_count)
                await stream.push({"x": 1})
                await wait_for_async(lambda: watch.samples("s.x") == [1.0])
                await server.stop()
                await wait_for_async(watch.is_link(LinkState.LOST))
                async with our_server(port=port) as (_, streams, _port):
                    stream = streams.create("s")
                    await wait_for_async(watch.is_link(LinkState.LIVE), 15.0)
                    await wait_for_async(lambda: stream.subscriber_count)
                    await stream.push({"x": 2})
                    await wait_for_async(lambda: 2.0 in watch.samples("s.x"))
                assert watch.samples("s.x") == [1.0, 2.0]
                assert watch.hub.series.curves[watch.source.key, "s.x", ()].breaks.tolist() == [1]

    run(scenario)


def test_a_dead_server_is_noticed(wait_for_async, monkeypatch):
    """A server that stops answering is lost after the heartbeat's patience, though its socket stands."""
    monkeypatch.setattr(conduit_visit, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(conduit_visit, "PATIENCE_S", 0.5)

    async def scenario():
        silent: list[bool] = []

        async def serve(peer: RawPeer) -> None:
            if silent:
                return
            await replies(peer, {"stream_list": {"streams": []}})
            silent.append(True)
            await peer.reader.read()

        async with raw_server(serve) as port, watched(port) as watch:
            await wait_for_async(watch.is_link(LinkState.LIVE))
            await wait_for_async(watch.is_link(LinkState.LOST))

    run(scenario)


async def replies(peer: RawPeer, answers: dict[str, Any]) -> None:
    """Let a client in and answer its calls, as long as each is new."""
    await peer.read()
    peer.writer.write(frame(8, {"session_token": "t", "server_info": {"name": "raw", "version": "1"}}))
    for _ in range(len(answers)):
        call = await peer.read_type(CALL)
        inner = {"success": True, "data": answers[call.payload["method"]]}
        peer.writer.write(frame(3, {"success": True, "result": inner}, call.id))


def test_streams_can_be_narrowed_and_come_later(wait_for_async, monkeypatch):
    """Without ``?only`` streams that come later are taken too; with it only those named, looked for until there."""
    monkeypatch.setattr(conduit_source, "LIST_AGAIN_S", 0.05)

    async def scenario():
        async with our_server() as (_, streams, port):
            first = streams.create("first")
            async with watched(port) as everything, watched(port, "?only=later,never") as some:
                await wait_for_async(lambda: first.subscriber_count == 1)
                later = streams.create("later")
                await wait_for_async(lambda: later.subscriber_count == 2)
                assert first.subscriber_count == 1
                await later.push(1)
                await wait_for_async(lambda: everything.samples("later") == some.samples("later") == [1.0])
                await later.close()
                later = streams.create("later")
                await wait_for_async(lambda: later.subscriber_count == 2)
                await later.push(2)
                await wait_for_async(lambda: some.samples("later") == [1.0, 2.0])
            async with listening(port, "?only=never") as hub:
                await wait_for_async(lambda: hub.problems)
                assert hub.problems[0] == ("missing", f"127.0.0.1:{port} has no stream never yet: it is looked for")

    run(scenario)


def test_the_asker_chooses_once(wait_for_async):
    """Where there is somebody to ask, the streams are chosen; the choice goes into the URL, and holds."""

    async def scenario():
        async with our_server() as (server, streams, port):
            a, b = streams.create("a"), streams.create("b, c")
            asker = AnsweringAsker(PASSWORD, chosen=["b, c"])
            async with watched(port, asker=asker) as watch:
                await wait_for_async(lambda: b.subscriber_count)
                assert a.subscriber_count == 0
                assert watch.source.url == watch.producer.url == f"conduit://127.0.0.1:{port}?only=b%2C%20c"
                assert normalize_url(watch.source.url) == watch.source.url
                (connection,) = server.connections
                await connection.close()
                await wait_for_async(lambda: b.subscriber_count == 0)
                await wait_for_async(lambda: b.subscriber_count)
                assert asker.offered == [["a", "b, c"]]

    run(scenario)


# passwords


def test_a_refused_password_is_asked_for_again(wait_for_async, expect_log):
    """The password is asked for when a server has answered, again when it was refused, and kept after that."""
    expect_log("the password is wrong", logger=OUR_LOG)

    async def scenario():
        async with our_server() as (server, _, port):
            asker = AnsweringAsker("wrong", PASSWORD)
            async with watched(port, asker=asker) as watch:
                await wait_for_async(watch.is_link(LinkState.LIVE))
                place = f"127.0.0.1:{port}"
                assert asker.asked == [(place, False), (place, True)]
                (connection,) = server.connections
                await connection.close()
                await wait_for_async(lambda: not server.connections)
                await wait_for_async(lambda: server.connections)
                assert len(asker.asked) == 2
                assert PASSWORD not in watch.source.url + watch.source.key

    run(scenario)


def test_nobody_is_asked_twice_who_declined(wait_for_async):
    """Without a password nothing is connected, and the link says what to do; Connect asks again, at once."""

    async def scenario():
        async with our_server() as (server, _, port):
            asker = AnsweringAsker()
            async with watched(port, asker=asker) as watch:
                await wait_for_async(lambda: "a password is needed" in watch.producer.link_detail)
                assert "DOCKSCOPE_PASSWORD" in watch.producer.link_detail
                await asyncio.sleep(1.0)
                assert len(asker.asked) == 1
                assert watch.producer.link is LinkState.CONNECTING
                assert server.connection_count == 0
                asker.answers = [PASSWORD]
                watch.source.start()
                await wait_for_async(watch.is_link(LinkState.LIVE))
                watch.source.start()  # which changes nothing for who is connected
                assert len(asker.asked) == 2

    run(scenario)


def test_no_password_is_asked_for_or_sent_where_no_conduit_answers(wait_for_async):
    """A port with something else behind it gets no proof of a password, and the person no question."""

    async def scenario():
        seen = bytearray()

        async def serve(peer: RawPeer) -> None:
            seen.extend(await peer.reader.read(1000))
            peer.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await peer.writer.drain()

        async with raw_server(serve) as port:
            asker = AnsweringAsker(PASSWORD)
            async with watched(port, asker=asker) as watch, watched(port) as knows:
                await wait_for_async(lambda: "is no conduit server" in watch.producer.link_detail)
                await wait_for_async(lambda: "is no conduit server" in knows.producer.link_detail)
                assert asker.asked == []
        assert PROOF.encode() not in seen

    run(scenario)


def test_passwords_come_from_file_and_environment(tmp_path, monkeypatch):
    """A file's first line is the password; odd files are told in a sentence; the environment is the other way."""
    file = tmp_path / "password"
    file.write_text("geheim ß\r\nsecond line\n")
    assert read_password(file) == "geheim ß"
    for content, words in ((b"", "must begin"), (b"\n", "must begin"), (b"\xff", "UTF-8"), (b"x" * 5000, "4096")):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=words):
            read_password(file)
    with pytest.raises(ValueError, match="No such file"):
        read_password(tmp_path / "none")
    monkeypatch.setenv("DOCKSCOPE_PASSWORD", "from environment")
    asker = Asker.of_environment()
    assert asker.known("here:1") == "from environment"
    asker.refuse("here:1")
    assert (asker.known("here:1"), asker.known("there:1")) == (None, "from environment")
    asker.remember("here:1", "right")
    assert asker.known("here:1") == "right"


# command line


def command(*words: str, password: str | None = PASSWORD, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "DOCKSCOPE_PASSWORD"}
    if password is not None:
        environment["DOCKSCOPE_PASSWORD"] = password
    return subprocess.run(
        [*PROGRAM, *words], capture_output=True, text=True, timeout=30, check=False, env=environment, **options
    )


def test_tail_and_control_from_the_command_line(tmp_path, wait_for_async):
    """``tail --json`` prints metrics and data of all streams, or of those named; ``control`` says that it cannot."""

    async def scenario():
        async with our_server(name="lab") as (_, streams, port):
            url = f"conduit://127.0.0.1:{port}"
            a, b = streams.create("a"), streams.create("b")

            async def feed() -> None:
                while True:
                    await a.push({"x": 1, "deep": {"y": float("nan")}})
                    await b.push({"text": "t", "bytes": b"123"})
                    await asyncio.sleep(0.02)

            feeding = asyncio.ensure_future(feed())
            all_, some = await asyncio.gather(
                asyncio.to_thread(command, "tail", url, "--json", "--seconds", "2"),
                asyncio.to_thread(command, "tail", f"{url}?only=a", "--json", "--seconds", "2"),
            )
            lines = [json.loads(line) for line in all_.stdout.splitlines()]
            assert (all_.returncode, all_.stderr) == (0, "")
            told = {(one["kind"], one.get("name", one["stream"])) for one in lines}
            assert told == {("metric", "a.x"), ("metric", "a.deep.y"), ("data", "b")}
            data = next(one for one in lines if one["kind"] == "data")
            assert (data["producer"], data["data"]) == ("lab", {"text": "t", "bytes": {"bytes": 3}})
            assert next(one for one in lines if one.get("name") == "a.deep.y")["value"] == "NaN"
            assert len([one for one in lines if one["kind"] == "data"]) > 5  # each of them, not the newest only
            names = {json.loads(line)["name"] for line in some.stdout.splitlines()}
            assert names == {"a.x", "a.deep.y"}
            file = tmp_path / "password"
            file.write_text(PASSWORD)
            words = ("control", url, "pause", "--json", "--password-file", str(file))
            control = await asyncio.to_thread(command, *words, password=None)
            assert control.returncode == 1
            assert "takes no commands" in json.loads(control.stdout)["reason"]
            feeding.cancel()

    run(scenario)


def test_a_missing_or_wrong_password_is_told_at_the_command_line(expect_log):
    """Without a terminal and a password, or with a wrong one, tail ends with 1 and a sentence; bad files with 2."""
    expect_log("the password is wrong", logger=OUR_LOG)

    async def scenario():
        async with our_server() as (_, _, port):
            url = f"conduit://127.0.0.1:{port}"
            none, wrong = await asyncio.gather(
                asyncio.to_thread(command, "tail", url, password=None, stdin=subprocess.DEVNULL),
                asyncio.to_thread(command, "tail", url, password="wrong", stdin=subprocess.DEVNULL),
            )
            assert none.returncode == wrong.returncode == 1
            assert "a password is needed: DOCKSCOPE_PASSWORD, --password-file" in none.stderr
            assert "refused: Invalid password" in wrong.stderr
            assert "wrong" not in wrong.stderr
            bad = await asyncio.to_thread(command, "tail", url, "--password-file", "/none/there")
            assert bad.returncode == 2
            assert "No such file" in bad.stderr

    run(scenario)


@pytest.mark.parametrize("scheme", ["conduit", "tcp"])
def test_a_password_is_asked_for_at_the_terminal(scheme, expect_log):
    """At a terminal the password is asked for, and not shown; also when ``tcp://`` turns out to be conduit."""
    expect_log("do not start with the conduit mark", at_least=0)  # tcp:// asks for HTTP first

    async def scenario():
        async with our_server() as (_, streams, port):
            stream = streams.create("s")
            ours, theirs = pty.openpty()
            environment = {key: value for key, value in os.environ.items() if key != "DOCKSCOPE_PASSWORD"}
            tail = subprocess.Popen(  # noqa: ASYNC220 - its pipes are read in threads
                [*PROGRAM, "tail", f"{scheme}://127.0.0.1:{port}", "--seconds", "8"],
                stdin=theirs,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment,
                start_new_session=True,  # so that there is no other terminal than this one
            )
            with tail:
                assert tail.stderr is not None
                prompt = await asyncio.to_thread(tail.stderr.read, len("Password for conduit://"))
                assert prompt == "Password for conduit://"
                os.write(ours, f"{PASSWORD}\n".encode())
                while not stream.subscriber_count and tail.poll() is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
                assert stream.subscriber_count == 1
                await stream.push(5)
                assert tail.stdout is not None
                assert "s 5" in await asyncio.to_thread(tail.stdout.readline)
                tail.kill()
                await asyncio.to_thread(tail.wait)
            os.close(theirs)
            os.close(ours)

    run(scenario)


# finding out, URLs, captures


def test_probing_tells_what_is_there(monkeypatch, expect_log):
    """Where a password was taken before the streams are told, else that one is asked for; nobody there is told too."""
    expect_log("do not start with the conduit mark")  # tcp:// asks for HTTP first
    monkeypatch.delenv("DOCKSCOPE_PASSWORD", raising=False)

    async def scenario():
        async with our_server(name="lab") as (_, streams, port):
            streams.create("a")
            url = f"conduit://127.0.0.1:{port}"
            asker = Asker()
            asker.remember(f"127.0.0.1:{port}", PASSWORD)
            known = await probe(url, asker=asker)
            assert (known.ok, known.name, known.streams, known.role) == (True, "lab", (("data", "a"),), "observe")
            assert known.sentence == f"lab, a conduit server at 127.0.0.1:{port}"
            unknown = await probe(url, asker=Asker(PASSWORD))  # which is for any place, and not for half an address
            assert (unknown.ok, unknown.streams) == (True, ())
            assert unknown.sentence.endswith("it will ask for a password")
            found = await probe(f"tcp://127.0.0.1:{port}", asker=asker)
            assert (found.ok, found.url, found.name) == (True, url, "lab")
        nobody = await probe(url)
        assert not nobody.ok
        assert f"127.0.0.1:{port}" in nobody.sentence

    run(scenario)


def test_tcp_recognizes_conduit_without_a_password(wait_for_async, expect_log):
    """``tcp://`` becomes ``conduit://``; to find out, nothing but the question who is there is sent."""
    expect_log("do not start with the conduit mark")  # tcp:// asks for HTTP first

    async def scenario():
        asker = AnsweringAsker()
        async with our_server() as (server, _, port):
            hub = Hub()
            source = open_source(f"tcp://127.0.0.1:{port}", hub, asker=asker)
            source.start()
            await wait_for_async(lambda: source.url == f"conduit://127.0.0.1:{port}", 10.0)
            await wait_for_async(lambda: asker.asked)
            assert server.connection_count == 0
            await source.close()

    run(scenario)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("conduit://127.0.0.1", "needs a host and a port"),
        ("conduit://*:8080", "is connected to"),
        ("conduit://me:secret@host:8080", "no user name and no password"),
        ("conduit://host:8080?password=x", "only ?only=NAME,NAME"),
    ],
)
def test_wrong_urls_are_told(url, words):
    """A URL without a port, with a password or another option is refused in a sentence that does not repeat it."""
    with pytest.raises(ValueError, match=re.escape(words)) as caught:
        normalize_url(url)
    assert "secret" not in str(caught.value)
    assert "conduit://" in schemes()
    assert normalize_url("conduit://Host:8080?only=b,a") == "conduit://host:8080?only=b,a"


def test_the_captured_server_is_a_source(wait_for_async):
    """Replayed byte for byte, what the real server sent becomes the metrics and data that it meant."""

    async def scenario():
        answers = {told["payload"]["method"]: told["corr"] for told in CAPTURED if told["type"] == "0x2"}
        recorded = {told["corr"]: told for told in CAPTURED if told["dir"] == "<" and told["type"] == "0x3"}

        def reply(call) -> bytes:
            """Give the captured reply, with the number of this call in its header."""
            corr = 3 if call.payload["method"] == "stream_subscribe" else answers[call.payload["method"]]
            data = whole(recorded[corr])
            return data[:16] + call.id.to_bytes(8, "big") + data[24:]

        async def serve(peer: RawPeer) -> None:
            asked = await peer.read()
            if asked.payload["password_hash"] != PROOF:
                peer.writer.write(whole(sent_by("<", 9)[0]))
                return
            peer.writer.write(whole(sent_by("<", 8)[0]))
            for _ in range(3):
                peer.writer.write(reply(await peer.read_type(CALL)))
            for told in (*sent_by("<", 1), *sent_by("<", 5)):
                peer.writer.write(whole(told))
            assert [(await peer.read()).type for _ in range(2)] == [6, 6]
            await peer.reader.read()

        async with raw_server(serve) as port, watched(port) as watch:
            await wait_for_async(lambda: watch.samples("system_metrics.cpu") == [1.0])
            assert watch.samples("sensors.temperature") == [20.71735609089952]
            assert watch.samples("sensors.humidity") == [50.0]
            assert watch.samples("sensors.n") == [8.0]
            curve = watch.hub.series.curves[watch.source.key, "sensors.humidity", ()]
            assert curve.column("t").tolist() == [1795245788.1977348]
            assert watch.samples("video_frames.frame") == []
            hello = watch.producer.hello
            assert hello is not None
            assert hello.name == "conduit_server"
            assert [name for _, name in hello.streams] == ["sensors", "system_metrics"]

    run(scenario)


def test_bad_items_are_told_and_the_link_lives_on(wait_for_async):
    """What is nested too deep, no item or of an unknown type is refused; the next item is shown."""

    async def scenario():
        deep: Any = 1
        for _ in range(80):
            deep = [deep]

        async def serve(peer: RawPeer) -> None:
            listed = {"streams": [{"name": "s", "active": True}, {"name": 5}, "odd", {"name": "off", "active": False}]}
            await replies(peer, {"stream_list": listed, "stream_subscribe": {"subscribed": True, "stream": "s"}})
            odd = frame(1, {"type": "stream_data", "data": 5}) + frame(
                1, {"type": "stream_data", "data": {"stream": 1}}
            )
            peer.writer.write(odd + item("s", {"x": deep}) + frame(0x77, {}) + item("s", {1: 2, "x": 3}))
            await peer.reader.read()

        async with raw_server(serve) as port, listening(port) as hub:
            await wait_for_async(lambda: hub.of_kind(Kind.METRIC))
            assert hub.states == [LinkState.CONNECTING, LinkState.LIVE]
            causes = [sentence for _, sentence in hub.problems]
            assert any("nested deeper" in sentence for sentence in causes)
            assert any("unknown type" in sentence for sentence in causes)
            assert hub.hellos[0].streams == (("data", "s"),)
            assert not any(isinstance(message.message, ControlState) for message in hub.messages)

    run(scenario)
