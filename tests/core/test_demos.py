"""The demos, each in its own process, seen through the wire."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import platformdirs
import psutil
import pytest
import zmq

from dockscope.core.demos.launch import DEMOS, DemoError, DemoProducers
from dockscope.core.messages import (
    ControlState,
    DataRecord,
    Kind,
    LogRecord,
    MetricBatch,
    SeriesDefinition,
    SeriesDefinitions,
    Spectrum,
    Status,
)
from dockscope.core.wire import DataMessage, Reply, Request, decode_message, encode_request, hello_from_result

DEADLINE_S = 15.0


class Viewer:
    """A viewer of one producer: everything that came, in order, with nothing between it and the wire."""

    def __init__(self, url: str) -> None:
        self.context = zmq.Context()
        viewer = os.urandom(16)
        self.links = {name: self._dealer(url, viewer + name.encode()) for name in "dc"}
        self.stages: dict[bytes, list[str]] = {}
        self.results: dict[bytes, object] = {}
        self.messages: list[DataMessage] = []
        self.producer: bytes | None = None
        self.token: bytes | None = None
        greeting = self.send("c", "hello", {"viewer": viewer, "name": "test", "host": "here", "pid": os.getpid()})
        self.wait(lambda: greeting in self.results, "the answer to hello")
        self.hello = hello_from_result(self.results[greeting])
        self.producer = self.hello.producer
        folder = Path(platformdirs.user_runtime_dir("dockscope"))
        (told,) = folder.glob(f"*-{self.producer.hex()[:8]}.json")
        self.token = bytes.fromhex(json.loads(told.read_text())["token"])
        topics = [[kind.value, "*"] for kind in Kind]
        self.send("d", "subscribe", {"topics": topics, "history": True, "credit": 64 * 2**20})

    def _dealer(self, url: str, identity: bytes) -> zmq.Socket:
        dealer = self.context.socket(zmq.DEALER)
        dealer.setsockopt(zmq.ROUTING_ID, identity)
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.setsockopt(zmq.RCVHWM, 0)
        dealer.connect(url)
        return dealer

    def send(self, link: str, command: str, args: dict) -> bytes:
        number = os.urandom(16)
        request = Request(id=number, command=command, args=args, producer=self.producer, token=self.token)
        self.links[link].send(encode_request(request))
        self.stages[number] = []
        return number

    def command(self, command: str, args: dict | None = None) -> bytes:
        """Send a command and wait until it is effective."""
        number = self.send("c", command, args or {})
        self.wait(lambda: "effective" in self.stages[number], f"effective {command}: {self.stages[number]}")
        return number

    def wait(self, condition: Callable[[], object], what: str, timeout_s: float = DEADLINE_S) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
            for link in self.links.values():
                while link.poll(10):
                    self._take(decode_message(link.recv_multipart()))

    def _take(self, message: Reply | DataMessage | None) -> None:
        if isinstance(message, Reply):
            self.stages[message.id].append(message.stage)
            self.results[message.id] = message.result
        elif message is not None:
            self.messages.append(message)

    def of(self, kind: type, stream: str = "") -> list:
        """Return the messages of one type and stream so far."""
        return [m.message for m in self.messages if isinstance(m.message, kind) and m.stream == stream]

    def run_state(self) -> ControlState | None:
        states = self.of(ControlState)
        return states[-1] if states else None

    def samples(self, name: str, **labels: str) -> dict[str, np.ndarray]:
        """Return the columns of one curve so far: t, value and its fields."""
        definition = self._definition(name, labels)
        columns = [_columns(batch, definition) for batch in self.of(MetricBatch)] if definition else []
        names = ("t", "value", *definition.fields) if definition else ("t", "value")
        return {key: np.concatenate([c[key] for c in columns] or [np.empty(0)]) for key in names}

    def _definition(self, name: str, labels: dict[str, str]) -> SeriesDefinition | None:
        wanted = (name, tuple(sorted(labels.items())))
        every = [definition for message in self.of(SeriesDefinitions) for definition in message.definitions]
        return next((definition for definition in every if (definition.name, definition.labels) == wanted), None)

    def close(self) -> None:
        for link in self.links.values():
            link.close()
        self.context.term()


def _columns(batch: MetricBatch, definition: SeriesDefinition) -> dict[str, np.ndarray]:
    names = ("t", "value", *definition.fields)
    found: dict[str, list[np.ndarray]] = {name: [np.empty(0)] for name in names}
    sample = field = 0
    widths = {}
    for number, count in zip(batch.series.tolist(), batch.count.tolist(), strict=True):
        # Every curve of the training demo has the fields step and epoch.
        width = widths.setdefault(number, len(definition.fields))
        if number == definition.id:
            found["t"].append(batch.t[sample : sample + count])
            found["value"].append(batch.value[sample : sample + count])
            for i, name in enumerate(definition.fields):
                found[name].append(batch.fields[field + i * count : field + (i + 1) * count])
        sample, field = sample + count, field + width * count
    return {name: np.concatenate(parts) for name, parts in found.items()}


@contextlib.contextmanager
def viewer_of(url: str) -> Iterator[Viewer]:
    viewer = Viewer(url)
    try:
        yield viewer
    finally:
        viewer.close()


@contextlib.contextmanager
def running(name: str, *arguments: str) -> Iterator[tuple[Viewer, DemoProducers]]:
    """Start one demo and watch it."""
    with DemoProducers([name], {name: arguments}) as demos, viewer_of(demos.urls()[0]) as viewer:
        yield viewer, demos


def test_training_streams_what_it_computes():
    """Loss and accuracy of both phases, learning rate and gradient norm with step and epoch; activations, logs."""
    with running("training") as (viewer, _):
        viewer.wait(lambda: len(viewer.samples("loss", phase="validation")["t"]) >= 2, "two epochs")
        viewer.wait(lambda: viewer.of(DataRecord, "activations"), "activations")
        loss = viewer.samples("loss", phase="train")
        np.testing.assert_array_equal(loss["step"], np.arange(1, len(loss["step"]) + 1))
        assert loss["epoch"][0] == 1 <= loss["epoch"][-1]
        assert np.median(loss["value"][-10:]) < loss["value"][:3].mean()
        for name, labels in (("accuracy", {"phase": "train"}), ("learning_rate", {}), ("grad_norm", {})):
            assert len(viewer.samples(name, **labels)["step"]) > 24
        assert viewer.samples("accuracy", phase="validation")["value"].max() <= 1.0
        value = viewer.of(DataRecord, "activations")[-1].value
        assert value["decision_boundary"].shape == (128, 128, 3)
        assert value["decision_boundary"].dtype == np.uint8
        assert value["layer_1"].shape == (64, 40)
        assert viewer.of(LogRecord)
        assert viewer.of(Status)
        assert viewer.hello.name == "training"


def test_training_is_paused_tuned_resumed_and_stopped():
    """Pause stops the steps, a new learning rate is used from the next step on, Stop ends the process with 0."""
    with running("training") as (viewer, demos):
        viewer.wait(lambda: len(viewer.samples("loss", phase="train")["t"]) > 5, "some steps")
        viewer.command("pause")
        viewer.wait(lambda: (state := viewer.run_state()) and state.run == "PAUSED", "PAUSED")
        heartbeats = len(viewer.messages)
        viewer.wait(lambda: len(viewer.messages) > heartbeats + 1, "signs of life while paused")
        before = viewer.samples("learning_rate")
        viewer.command("set", {"name": "learning_rate", "value": 0.5})
        viewer.command("resume")
        viewer.wait(lambda: len(viewer.samples("learning_rate")["t"]) > len(before["t"]) + 3, "steps after resume")
        after = viewer.samples("learning_rate")
        n = len(before["t"])
        assert after["step"][n] == before["step"][-1] + 1
        assert after["t"][n] - after["t"][n - 1] > 0.5
        assert after["value"][n] > 10 * after["value"][n - 1]
        viewer.command("stop")
        viewer.wait(lambda: (state := viewer.run_state()) and state.outcome == "stopped", "ENDED, stopped")
        viewer.wait(lambda: not demos.processes[0].running, "the end of the process")
        assert demos.processes[0].exit_code == 0


def test_a_diverged_training_goes_back():
    """A learning rate far too high makes the loss explode; the run says so and restores its last good weights."""
    with running("training") as (viewer, _):
        viewer.wait(lambda: len(viewer.samples("loss", phase="train")["t"]) > 2, "some steps")
        viewer.command("set", {"name": "learning_rate", "value": 1.0})
        viewer.wait(lambda: [log for log in viewer.of(LogRecord) if log.level == "warning"], "the warning")


def test_the_spectrometer_streams_rows_with_true_times():
    """Ten rows a second of 3072 channels and four products, on a regular axis, with duration and unit."""
    with running("spectrometer") as (viewer, _):
        viewer.wait(lambda: len(viewer.of(Spectrum, "beam1")) >= 15, "15 spectra")
        rows = viewer.of(Spectrum, "beam1")
        t = np.array([row.t for row in rows])
        assert np.diff(t).min() > 0.099
        assert np.median(np.diff(t)) == pytest.approx(0.1, abs=1e-4)
        assert -0.1 < time.time() - t[-1] < 20.0
        row = rows[-1]
        assert row.power.shape == (4, 3072)
        assert row.polarizations == ("XX", "YY", "Re XY*", "Im XY*")
        assert (row.f0, row.df) == pytest.approx((13.4e6, 73.5e6 / 3072))
        assert row.frequencies is None
        assert (row.duration, row.unit) == (pytest.approx(0.1), "sfu")
        assert row.power[:2].min() > 0.0
        assert np.isfinite(row.power).all()


def test_a_paused_spectrometer_leaves_a_true_gap():
    """While paused there are no rows, afterwards the rows carry the time at which they were taken."""
    with running("spectrometer") as (viewer, _):
        viewer.wait(lambda: len(viewer.of(Spectrum, "beam1")) >= 3, "some spectra")
        viewer.command("pause")
        paused_t = time.time()
        viewer.wait(lambda: time.time() > paused_t + 1.2, "the pause to last")
        resumed_t = time.time()
        viewer.command("resume")
        viewer.wait(lambda: viewer.of(Spectrum, "beam1")[-1].t > resumed_t + 0.3, "spectra after the pause")
        t = np.array([row.t for row in viewer.of(Spectrum, "beam1")])
        assert not ((t > paused_t + 0.1) & (t < resumed_t - 0.1)).any()
        assert np.sort(np.diff(t))[-1] >= 1.1


def run_alone(name: str, *arguments: str, **streams) -> subprocess.Popen:
    command = [sys.executable, "-m", f"dockscope.core.demos.{name}", "--url", "tcp://127.0.0.1:0", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **streams)


@pytest.mark.parametrize(
    ("name", "summary"), [("training", "steps "), ("spectrometer", "spectra ")], ids=["training", "spectrometer"]
)
def test_a_demo_runs_alone(name, summary):
    """The first line is the real URL, the last a summary; without a terminal nothing else is said; exit 0."""
    demo = run_alone(name, "--seconds", "0.5", "--seed", "3", stderr=subprocess.PIPE)
    out, err = demo.communicate(timeout=DEADLINE_S)
    url, last = out.splitlines()
    assert url.startswith("tcp://127.0.0.1:")
    assert not url.endswith(":0")
    assert last.startswith(summary)
    assert last.endswith("stopped by user: no")
    assert err == ""
    assert demo.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["training", "spectrometer"])
def test_a_signal_ends_a_demo_with_exit_0(name, number):
    """Ctrl-C and SIGTERM end a demo as a viewer's Stop does: summary, exit 0, no traceback."""
    demo = run_alone(name, stderr=subprocess.PIPE)
    assert demo.stdout is not None
    assert demo.stdout.readline().startswith("tcp://")
    demo.send_signal(number)
    out, err = demo.communicate(timeout=DEADLINE_S)
    assert out.strip().endswith("stopped by user: yes")
    assert err == ""
    assert demo.returncode == 0


def test_wrong_usage_is_exit_2():
    """An unknown option is told on stderr with exit code 2."""
    demo = run_alone("training", "--sekunden", "1", stderr=subprocess.PIPE)
    out, err = demo.communicate(timeout=DEADLINE_S)
    assert (out, demo.returncode) == ("", 2)
    assert "--sekunden" in err


def test_a_taken_port_is_one_line_and_exit_1():
    """A port that something else listens on is told in one line on stderr, without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        demo = run_alone("spectrometer", "--url", url, stderr=subprocess.PIPE)
        out, err = demo.communicate(timeout=DEADLINE_S)
    assert (out, demo.returncode) == ("", 1)
    assert len(err.splitlines()) == 1
    assert url.rpartition(":")[2] in err


def test_the_progress_bar_is_for_terminals():
    """On a terminal stderr shows the bar, and stdout is the same as without."""
    ours, theirs = pty.openpty()
    demo = run_alone("training", "--seconds", "0.6", stderr=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    seen = b""
    with contextlib.suppress(OSError):  # the end of a terminal is an error on Linux
        while piece := os.read(ours, 4096):
            seen += piece
    os.close(ours)
    out, _ = demo.communicate(timeout=DEADLINE_S)
    assert b"training" in seen
    assert b"epoch" in seen
    assert len(out.splitlines()) == 2
    assert demo.returncode == 0


def test_the_three_demos_start_together_on_free_ports():
    """Each of the three tells a URL of its own, and none lives when the block is left."""
    with DemoProducers() as demos:
        urls = demos.urls()
        assert len(set(urls)) == len(DEMOS) == 3
        assert all(process.running for process in demos.processes)
        processes = [psutil.Process(process.pid) for process in demos.processes]
    assert not any(process.is_running() for process in processes)


def test_a_demo_that_dies_at_start_is_named_with_its_last_words():
    """The error tells which demo, its exit code and what it said; the others are ended all the same."""
    with DemoProducers(["spectrometer", "training"], {"training": ["--nonsense"]}) as demos:
        with pytest.raises(DemoError, match=r"the training demo ended with exit code 2 .*--nonsense"):
            demos.urls()
        spectrometer = psutil.Process(demos.processes[0].pid)
        assert spectrometer.is_running()
    assert not spectrometer.is_running()


def test_a_demo_that_does_not_answer_is_killed():
    """A stopped process cannot end when asked: it is killed, and closing takes less than 2 s."""
    with DemoProducers(["training"]) as demos:
        demos.urls()
        process = psutil.Process(demos.processes[0].pid)
        process.suspend()
        started = time.monotonic()
    assert time.monotonic() - started < 20.0  # ten times the figure: the machine may be busy
    assert not process.is_running()


def test_demos_end_with_their_starter(wait_for):
    """When the program that started them is killed, the demos end by themselves."""
    code = (
        "from dockscope.core.demos.launch import DemoProducers\n"
        "demos = DemoProducers(['training']); demos.start(); demos.urls()\n"
        "print(demos.processes[0].pid, flush=True); input()"
    )
    starter = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    demo = psutil.Process(int(starter.stdout.readline()))
    starter.kill()
    starter.communicate()
    wait_for(lambda: not demo.is_running() or demo.status() == psutil.STATUS_ZOMBIE, 5.0, "the end of the demo")
