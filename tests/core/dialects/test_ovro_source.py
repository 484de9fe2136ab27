"""``ovro://`` against publishers of what OVRO's recorder sent: in a hub, behind tcp://, from the command line."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

from dockscope.core.dialects.base import normalize_url, open_source, probe
from dockscope.core.dialects.object_times import iso_seconds
from dockscope.core.hub import Hub
from dockscope.core.run_control import LinkState, Stage
from dockscope.core.spectra import Waterfall
from idle import MOST_OF_A_CORE, idle_share
from ovro_recorder import Captured, Recorder, block_at, captured, message, recorder
from watched import Watched, free_port, run

PROGRAM = [sys.executable, "-m", "dockscope"]


def waterfall(watched: Watched, stream: str = "beam1") -> Waterfall:
    return watched.hub.spectra.waterfalls[watched.source.key, stream]


def rows(watched: Watched, stream: str = "beam1") -> int:
    found = watched.hub.spectra.waterfalls.get((watched.source.key, stream))
    return 0 if found is None else found.rows


async def show(watched: Watched, sender: Recorder, messages: list[Captured], wait_for_async: Any) -> None:
    """Send messages and wait until each is a row."""
    await wait_for_async(sender.is_heard)
    for sent in messages:
        sender.send(sent.frames)
    await wait_for_async(lambda: rows(watched) == len(messages))


def test_the_capture_becomes_a_waterfall(wait_for_async):
    """Each captured spectrum is a row at its own time, with named products, I, V and the frequencies of the plan."""

    async def scenario():
        messages = captured("ovro")
        with recorder() as sender:
            async with Watched(sender.url) as watched:
                await show(watched, sender, messages, wait_for_async)
                (block,) = waterfall(watched).blocks
                assert block.t.tolist() == [iso_seconds(sent.told["last_block_time"]) for sent in messages]
                assert block.polarizations == ("XX", "YY", "Re XY*", "Im XY*", "I", "V")
                assert block.frequencies[[0, 3071]].tolist() == pytest.approx([14.3554687e6, 87.83154e6])
                for row, sent in zip(block.power, messages, strict=True):
                    np.testing.assert_array_equal(row[:4], sent.power[0].T)
                    np.testing.assert_array_equal(row[4], (sent.power[0, :, 0] + sent.power[0, :, 1]) / 2)
                    np.testing.assert_array_equal(row[5], sent.power[0, :, 3])
                hello = watched.producer.hello
                assert hello is not None
                assert hello.is_numbered
                assert (watched.producer.lost, watched.producer.problem) == (0, "")

    run(scenario)


def test_defect_an_unparsable_time_stops_everything(wait_for_async):
    """A time of "%f" is told once; each spectrum is shown at its time of sending, and loss is said to be unknown."""

    async def scenario():
        messages = captured("sunspec_dummy")
        with recorder() as sender:
            async with Watched(sender.url) as watched:
                await show(watched, sender, messages, wait_for_async)
                assert waterfall(watched).blocks[0].t.tolist() == [sent.told["timestamp"] for sent in messages]
                assert "is no time" in watched.producer.problem
                assert len([row for row in watched.hub.log.rows if row.fields.get("cause") == "time"]) == 1
                hello = watched.producer.hello
                assert hello is not None
                assert not hello.is_numbered

    run(scenario)


def test_defect_other_shapes_are_dropped(wait_for_async):
    """1536 channels, two products, several beams, doubles: each is shown, a change begins another block."""

    async def scenario():
        shapes = [(1, 1536, 4), (1, 3072, 2), (3, 100, 1)]
        with recorder() as sender:
            async with Watched(sender.url) as watched:
                await wait_for_async(sender.is_heard)
                for index, shape in enumerate(shapes):
                    power = np.full(shape, index + 1, dtype="<f8")
                    sender.send(message(power, block_at(float(index))))
                await wait_for_async(lambda: rows(watched, "beam3") == 1)
                blocks = waterfall(watched).blocks
                assert [block.power.shape for block in blocks] == [(1, 6, 1536), (1, 3, 3072), (1, 1, 100)]
                assert blocks[1].polarizations == ("XX", "YY", "I")
                assert [float(block.power.max()) for block in blocks] == [1.0, 2.0, 3.0]

    run(scenario)


def test_what_is_missing_is_counted_and_told(wait_for_async):
    """The wire has no numbers: a hole in the times is so many lost spectra, and a line of the log."""

    async def scenario():
        power = np.ones((2, 8, 4), dtype="<f4")
        with recorder() as sender:
            async with Watched(sender.url) as watched:
                await wait_for_async(sender.is_heard)
                for index in (0, 1, 2, 3, 7, 8):
                    sender.send(message(power, block_at(index / 2)))
                await wait_for_async(lambda: rows(watched, "beam2") == 6)
                lost = {stream: info.lost for (_, stream), info in watched.producer.streams.items()}
                assert lost == {"beam1": 3, "beam2": 3}
                assert "3 spectra are missing before 08:00:03" in watched.producer.problem
                sender.send(message(power, block_at(3000.0), time_tag=1))
                await wait_for_async(lambda: rows(watched) == 7)
                assert watched.producer.lost == 6

    run(scenario)


def test_a_recorder_that_comes_back_is_found(wait_for_async):
    """Its end is LOST, its return LIVE with no click; what it sent meanwhile counts as lost."""

    async def scenario():
        port, power = free_port(), np.ones((1, 8, 4), dtype="<f4")
        async with Watched(f"ovro://127.0.0.1:{port}") as watched:
            await wait_for_async(lambda: "Nothing listens" in watched.producer.problem)
            with recorder(port) as sender:
                await wait_for_async(sender.is_heard, 10.0)
                for index in range(3):
                    sender.send(message(power, block_at(float(index))))
                await wait_for_async(lambda: rows(watched) == 3)
                assert watched.producer.link is LinkState.LIVE
            await wait_for_async(watched.is_link(LinkState.LOST))
            with recorder(port) as sender:
                await wait_for_async(sender.is_heard, 10.0)
                sender.send(message(power, block_at(6.0)))
                await wait_for_async(lambda: rows(watched) == 4)
                assert watched.producer.link is LinkState.LIVE
                assert watched.producer.lost == 3
        assert watched.producer.link is LinkState.CLOSED

    run(scenario)


def test_bad_messages_are_told_and_the_next_are_read(wait_for_async):
    """What is no message of this kind is one row of the log; the link lives on."""

    async def scenario():
        power = np.ones((1, 8, 4), dtype="<f4")
        with recorder() as sender:
            async with Watched(sender.url) as watched:
                await wait_for_async(sender.is_heard)
                for frames in ([b"data"], [b"data", b"{}", b""], [b""], message(power, nchan=9), [b"x"] * 20):
                    sender.send(frames)
                sender.send(message(power, block_at(1.0)))
                await wait_for_async(lambda: rows(watched) == 1)
                assert "refused" in watched.producer.problem
                assert len([row for row in watched.hub.log.rows if row.fields.get("cause") == "bad_message"]) == 1

    run(scenario)


def test_only_narrows_to_beams(wait_for_async):
    """``?only=beam2`` keeps that beam."""

    async def scenario():
        with recorder() as sender:
            async with Watched(f"{sender.url}?only=beam2") as watched:
                await wait_for_async(sender.is_heard)
                sender.send(message(np.ones((3, 8, 4), dtype="<f4"), block_at(1.0)))
                await wait_for_async(lambda: rows(watched, "beam2") == 1)
                assert list(watched.hub.spectra.waterfalls) == [(watched.source.key, "beam2")]

    run(scenario)


def test_what_only_publishes_takes_no_commands(wait_for_async):
    """Pause is refused with a sentence."""

    async def scenario():
        with recorder() as sender:
            async with Watched(sender.url) as watched:
                await wait_for_async(watched.is_link(LinkState.LIVE))
                state = watched.hub.commands[watched.source.send("pause")]
                assert (state.stage, "takes no commands" in state.reason) == (Stage.REJECTED, True)

    run(scenario)


def test_an_idle_link_costs_next_to_nothing(wait_for_async):
    """A link on which nothing comes uses under 1 % of a core."""

    async def scenario():
        with recorder() as sender:
            async with Watched(sender.url) as watched:
                await wait_for_async(watched.is_link(LinkState.LIVE))
                assert await asyncio.to_thread(idle_share) < MOST_OF_A_CORE

    run(scenario)


def test_tcp_recognizes_the_recorder_by_its_first_message(wait_for_async):
    """However late that comes, it is not taken for JSON; the first spectrum is the first row."""

    async def scenario():
        hub = Hub()
        with recorder() as sender:
            source = open_source(f"tcp://127.0.0.1:{sender.port}", hub)
            source.start()
            await wait_for_async(lambda: "sent nothing yet" in hub.producers[source.key].link_detail, 10.0)
            assert source.waits
            silent = await probe(f"tcp://127.0.0.1:{sender.port}")
            assert (silent.ok, "sent nothing yet" in silent.sentence) == (True, True)
            for sent in captured("ovro"):
                sender.send(sent.frames)
            await wait_for_async(lambda: hub.spectra.waterfalls)
            assert source.url == hub.producers[source.key].url == sender.url
            found = hub.spectra.waterfalls[source.key, "beam1"]
            await wait_for_async(lambda: found.rows == len(captured("ovro")))
            await source.close()

    run(scenario)


def test_a_silent_publisher_that_leaves_is_told(wait_for_async):
    """Behind tcp:// the publisher that ended before it sent anything is looked for again."""

    async def scenario():
        hub, port = Hub(), free_port()
        source = open_source(f"tcp://127.0.0.1:{port}", hub)
        with recorder(port):
            source.start()
            await wait_for_async(lambda: "sent nothing yet" in hub.producers[source.key].link_detail, 10.0)
        await wait_for_async(lambda: "Nothing listens" in hub.producers[source.key].link_detail, 10.0)
        await source.close()

    run(scenario)


def test_a_url_has_one_spelling_and_the_probe_a_sentence():
    """The key does not depend on how a URL was written; who answers is told in words."""
    assert normalize_url(" OVRO://localhost:9798/ ") == "ovro://127.0.0.1:9798"
    with pytest.raises(ValueError, match="needs a host and a port"):
        normalize_url("ovro://host")

    async def scenario():
        with recorder() as sender, Sending(sender):
            there = await probe(sender.url)
            assert (there.ok, "beam recorder" in there.sentence) == (True, True)
            assert ("spectrum", "beam1") in there.streams
            recognized = await probe(f"tcp://127.0.0.1:{sender.port}")
            assert (recognized.ok, recognized.url) == (True, sender.url)

    run(scenario)


def test_tail_and_control_from_the_command_line():
    """``tail --json`` prints shape, products, frequencies and time; ``control`` says that nothing can be controlled."""
    with recorder() as sender, Sending(sender):
        told = _dockscope("tail", sender.url, "--json", "--seconds", "1.5")
        assert (told.returncode, told.stderr) == (0, "")
        first = json.loads(told.stdout.splitlines()[0])
        assert (first["kind"], first["stream"], first["shape"]) == ("spectrum", "beam1", [6, 3072])
        assert first["polarizations"] == ["XX", "YY", "Re XY*", "Im XY*", "I", "V"]
        assert first["t"] == iso_seconds(captured("ovro")[0].told["last_block_time"])
        assert first["f0"] == 14_355_468.75
        refused = _dockscope("control", sender.url, "pause")
        assert (refused.returncode, "takes no commands" in refused.stderr) == (1, True)


class Sending:
    """Send the first captured message again and again from a thread."""

    def __init__(self, sender):
        self._sender, self._ended = sender, threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        frames = captured("ovro")[0].frames
        while not self._ended.wait(0.02):
            self._sender.send(frames)


def _dockscope(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *words], check=False, capture_output=True, text=True, timeout=30, env=os.environ)
