"""The optimizer as a producer: what it publishes, and how it stops, in this process and in one of its own."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import platformdirs
import pytest
import zmq

from dockscope.core import wire
from dockscope.core.demos.optimizer import Optimizer, sample_board
from dockscope.core.demos.pace import CounterFile, Pace
from dockscope.core.demos.placer import Placer
from dockscope.core.demos.problem import Problem
from dockscope.core.demos.progress import ProgressBar
from dockscope.core.messages import Kind, PlacementFrame, PlacementScene

DEADLINE_S = 20.0
SUMMARY = re.compile(
    r"^hpwl (\d+\.\d) -> (\d+\.\d), overlaps (\d+), iterations (\d+), stopped by user: (yes|no)$", re.MULTILINE
)


def words(text: str) -> tuple[str, ...]:
    """The five values of the summary line in what a run said."""
    found = SUMMARY.search(text)
    assert found is not None, text
    return found.groups()


class FakeControl:
    """A control that lets so many checkpoints pass and then wants the loop to stop."""

    def __init__(self, checkpoints: float = float("inf")) -> None:
        self.left = checkpoints
        self.parameters: dict[str, SimpleNamespace] = {}

    def checkpoint(self) -> bool:
        self.left -= 1
        return self.left >= 0

    def parameter(self, name, default, *, minimum=None, maximum=None, unit=""):
        return self.parameters.setdefault(name, SimpleNamespace(value=default, minimum=minimum, maximum=maximum))


class FakeBroadcaster:
    """Keeps what is published, in order, as (kind, stream or name, value)."""

    def __init__(self, control: FakeControl) -> None:
        self.control = control
        self.published: list[tuple[str, str, object]] = []

    def publish_metrics(self, values, **extra):
        self.published += [("metric", name, {"value": value, **extra}) for name, value in values.items()]

    def publish_scene(self, stream, scene):
        self.published.append(("scene", stream, scene))

    def publish_frame(self, stream, frame):
        self.published.append(("frame", stream, frame))

    def publish_data(self, stream, data):
        self.published.append(("data", stream, data))

    def publish_log(self, level, message, **fields):
        self.published.append(("log", level, message))

    def publish_status(self, status, message):
        self.published.append(("status", status, message))

    def of(self, kind, name=None) -> list:
        return [value for k, n, value in self.published if k == kind and name in (None, n)]


@pytest.fixture(scope="module")
def sample():
    return sample_board()


def optimizer(sample, broadcaster, iterations=40, counter=None, rate_hz=0.0) -> Optimizer:
    placer = Placer(Problem.of(sample), iterations, 1)
    return Optimizer(
        broadcaster,
        sample,
        placer,
        iterations=iterations,
        seed=1,
        rate_hz=rate_hz,
        counter=counter or CounterFile(None),
    )


@pytest.fixture(scope="module")
def whole_run(sample):
    broadcaster = FakeBroadcaster(FakeControl())
    run = optimizer(sample, broadcaster)
    with ProgressBar("test") as bar:
        stopped = run.run(bar)
    return broadcaster, run, run.finish(stopped)


def test_a_whole_run_is_told(whole_run):
    """Scene first, then frames of every phase in the vocabulary of placement, metrics with step, and the end."""
    broadcaster, run, summary = whole_run
    assert broadcaster.published[0][0] == "scene"
    frames = broadcaster.of("frame", "board")
    phases = list(dict.fromkeys(frame.phase for frame in frames))
    assert phases == ["initial", "refinement", "legalization", "final"]
    assert [frame.iteration for frame in frames if frame.phase == "refinement"] == list(range(1, 41))
    for name in ("energy", "hpwl", "overlaps", "temperature"):
        steps = [sample["step"] for sample in broadcaster.of("metric", name)]
        assert steps == list(range(len(frames)))
    assert len(broadcaster.of("metric", "max_move")) == 40
    assert [name for kind, name, _ in broadcaster.published if kind == "status"] == ["info"] * 3 + ["complete"]
    assert broadcaster.of("log", "info")
    assert broadcaster.of("data", "optimizer")[-1]["iteration"] == 40
    start, end, overlaps, iterations, stopped = words(summary)
    assert float(end) <= float(start) / 2
    assert (overlaps, iterations, stopped, run.iterations) == ("0", "40", "no", 40)


def test_frames_tell_what_is_true(whole_run, sample):
    """Movement counts from the first frame, overlaps and wire length are those of the positions, modules are given."""
    broadcaster, _, _ = whole_run
    (scene,) = broadcaster.of("scene")
    frames = broadcaster.of("frame")
    first, middle, last = frames[0], frames[20], frames[-1]
    assert not first.movement.any()
    assert np.allclose(middle.movement[:, :2], middle.position[:, :2] - first.position[:, :2], atol=1e-3)
    assert np.allclose(middle.movement[:, 2], np.hypot(*middle.movement[:, :2].T), atol=1e-3)
    assert middle.overlap_count == len(middle.overlap) > 0
    assert set(middle.force_kind.tolist()) <= {0, 1, 2}
    assert len(middle.force) == len(middle.force_owner) == len(middle.force_kind) > 0
    assert (last.overlap_count, last.total_wire_length < first.total_wire_length / 2) == (0, True)
    assert [scene.modules[i][0] for i in last.module] == sample.part_modules()


def test_everything_published_fits_the_wire(whole_run):
    """Scene and frames are taken by the wire's encoder and come out of its decoder as they were."""
    broadcaster, _, _ = whole_run
    messages = [(Kind.SCENE, broadcaster.of("scene")[0]), (Kind.FRAME, broadcaster.of("frame")[5])]
    for kind, message in messages:
        payload = wire.encode_payload(kind, "board", message)
        received = wire.decode_message([wire.data_header(payload, 1, 1, bytes(16)), *payload.frames])
        assert isinstance(received, wire.DataMessage)
        assert isinstance(received.message, PlacementScene | PlacementFrame)


@pytest.mark.parametrize("checkpoints", [0, 7, 100])
def test_stop_ends_the_run_where_it_is(sample, checkpoints):
    """Stop is obeyed at the next checkpoint in every phase; the overlaps left are counted, not hidden."""
    broadcaster = FakeBroadcaster(FakeControl(checkpoints))
    run = optimizer(sample, broadcaster, iterations=10)
    with ProgressBar("test") as bar:
        stopped = run.run(bar)
    summary = run.finish(stopped)
    _, _, overlaps, iterations, said = words(summary)
    assert (stopped, said, int(iterations)) == (True, "yes", min(checkpoints, 10))
    assert int(overlaps) == broadcaster.of("frame")[-1].overlap_count > 0
    assert broadcaster.of("status", "warning")


def test_parameters_are_live(sample):
    """Attraction, repulsion, cooling and rate can be tuned within bounds, and the next iteration obeys."""
    broadcaster = FakeBroadcaster(FakeControl(2))
    run = optimizer(sample, broadcaster)
    parameters = broadcaster.control.parameters
    assert sorted(parameters) == ["attraction", "cooling", "rate", "repulsion"]
    assert all(p.minimum is not None and p.minimum < p.maximum for p in parameters.values())
    parameters["attraction"].value = 0.0
    with ProgressBar("test") as bar:
        run.run(bar)
    assert 0 not in broadcaster.of("frame")[1].force_kind


def test_the_counter_file_counts(sample, tmp_path):
    """The number of the iteration can be read from the file while it runs."""
    path = tmp_path / "counter"
    with CounterFile(path) as counter:
        run = optimizer(sample, FakeBroadcaster(FakeControl(7)), counter=counter)
        with ProgressBar("test") as bar:
            run.run(bar)
        assert struct.unpack("<Q", path.read_bytes()) == (7,)


def test_the_pace_is_kept_and_checks_often():
    """Ten rounds at 50 a second take 0.2 s, with a checkpoint at least every 20 ms; a stop ends the waiting."""
    checks: list[float] = []

    def checkpoint() -> bool:
        checks.append(time.monotonic())
        return True

    pace = Pace(checkpoint, lambda: 50.0)
    started = time.monotonic()
    assert all(pace.wait() for _ in range(10))
    assert time.monotonic() - started >= 0.18
    assert len(checks) >= 20
    assert not Pace(lambda: False, lambda: 1.0).wait()


class Remote:
    """The least a program needs to command a producer: one DEALER, hello, and the token of this user."""

    def __init__(self, url: str) -> None:
        self._context = zmq.Context()
        self._link = self._context.socket(zmq.DEALER)
        viewer = os.urandom(16)
        self._link.setsockopt(zmq.ROUTING_ID, viewer + b"c")
        self._link.setsockopt(zmq.LINGER, 0)
        self._link.connect(url)
        self._producer = self._token = None
        hello = self.ask("hello", {"viewer": viewer, "name": "test", "host": "here", "pid": os.getpid()})
        self._producer = hello["producer"]
        (told,) = Path(platformdirs.user_runtime_dir("dockscope")).glob(f"*-{self._producer.hex()[:8]}.json")
        self._token = bytes.fromhex(json.loads(told.read_text())["token"])

    def ask(self, command: str, args: dict):
        """Return the result of a command once it is effective."""
        number = os.urandom(16)
        self._link.send(wire.encode_request(wire.Request(number, command, args, self._producer, self._token)))
        while self._link.poll(int(DEADLINE_S * 1000)):
            reply = wire.decode_message(self._link.recv_multipart())
            if isinstance(reply, wire.Reply) and reply.id == number and reply.stage != "accepted":
                assert reply.stage == "effective", reply.reason
                return reply.result
        raise AssertionError(f"{command} was not effective within {DEADLINE_S} s")

    def close(self) -> None:
        self._link.close()
        self._context.term()


def start(*arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "dockscope.core.demos.optimizer", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def started():
    running: list[subprocess.Popen] = []

    def begin(*arguments: str) -> subprocess.Popen:
        running.append(start("--url", "tcp://127.0.0.1:0", *arguments))
        return running[-1]

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_a_run_by_itself(started):
    """The first line is the real URL, the last the summary; wire length is halved, nothing overlaps, exit 0."""
    process = started("--iterations", "150", "--seed", "4", "--rate", "0")
    out, err = process.communicate(timeout=DEADLINE_S)
    url, *_, last = out.splitlines()
    assert re.fullmatch(r"tcp://127\.0\.0\.1:[1-9]\d*", url)
    begin, end, overlaps, iterations, stopped = words(last)
    assert float(end) <= float(begin) / 2
    assert (overlaps, iterations, stopped) == ("0", "150", "no")
    assert (process.returncode, err) == (0, "")


def test_pause_stops_its_counter(started, tmp_path, wait_for):
    """Within 200 ms of Pause the iterations stand still, Resume moves them on, Stop ends the process with exit 0."""
    path = tmp_path / "counter"
    process = started("--iterations", "1000000", "--rate", "200", "--counter-file", str(path))

    def count() -> int:
        return struct.unpack("<Q", path.read_bytes())[0]

    remote = Remote(process.stdout.readline().strip())
    try:
        wait_for(lambda: count() > 20, DEADLINE_S)
        asked = time.monotonic()
        remote.ask("pause", {})
        assert time.monotonic() - asked < 2.0  # ten times the figure: the machine may be busy
        standing = count()
        remote.ask("ping", {"sent_ns": time.time_ns()})
        deadline = time.monotonic() + 0.3
        wait_for(lambda: time.monotonic() > deadline)
        assert count() == standing
        remote.ask("resume", {})
        wait_for(lambda: count() > standing + 5, DEADLINE_S)
        remote.ask("stop", {})
    finally:
        remote.close()
    out, err = process.communicate(timeout=DEADLINE_S)
    assert words(out)[4] == "yes"
    assert int(words(out)[3]) == count()
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_cleanly(started, number):
    """Ctrl-C and SIGTERM end the run as Stop does: summary, exit 0, no traceback."""
    process = started("--iterations", "1000000")
    assert process.stdout.readline().startswith("tcp://")
    process.send_signal(number)
    out, err = process.communicate(timeout=DEADLINE_S)
    assert words(out)[4] == "yes"
    assert (process.returncode, err) == (0, "")


def test_a_board_that_cannot_be_read(started, tmp_path):
    """A missing or broken board is one line on stderr and exit 1; no URL is told."""
    broken = tmp_path / "broken.kicad_pcb"
    broken.write_text("(kicad_pcb\n(footprint")
    for path, message in ((broken, "line 2"), (tmp_path / "missing.kicad_pcb", "missing.kicad_pcb")):
        process = started(str(path))
        out, err = process.communicate(timeout=DEADLINE_S)
        assert (out, process.returncode) == ("", 1)
        assert err.startswith("optimizer: ")
        assert err.count("\n") == 1
        assert message in err


def test_a_taken_port():
    """A port that is in use is named in one line on stderr, exit 1."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = start("--url", f"tcp://127.0.0.1:{port}")
        out, err = process.communicate(timeout=DEADLINE_S)
    assert (out, process.returncode, err.count("\n")) == ("", 1, 1)
    assert str(port) in err


def test_wrong_usage():
    """Numbers that make no sense are wrong usage: exit 2 and the option named."""
    for option in ("--iterations", "--rate", "--seed"):
        process = start(option, "-1")
        out, err = process.communicate(timeout=DEADLINE_S)
        assert (out, process.returncode) == ("", 2)
        assert option in err
