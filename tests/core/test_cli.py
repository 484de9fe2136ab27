"""The program ``dockscope`` from a shell: commands without a window, exit codes, stdout and stderr."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fakes import FakeProducer, RealProducer

PROGRAM = [sys.executable, "-m", "dockscope"]
NOBODY = "tcp://127.0.0.1:9"


def dockscope(*words: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Run the program to its end; an environment variable set to None is taken away."""
    merged = os.environ | {name: value for name, value in environment.items() if value is not None}
    for name in [name for name, value in environment.items() if value is None]:
        merged.pop(name, None)
    return subprocess.run([*PROGRAM, *words], check=False, capture_output=True, text=True, timeout=30, env=merged)


def one_line(text: str) -> bool:
    return text.count("\n") == 1 and "Traceback" not in text


@pytest.fixture(scope="module")
def real():
    with RealProducer() as producer:
        yield producer


def test_tail_prints_history_first_and_ends_in_time(real):
    """--json gives an object for each sample or message, from the first sample on, and ends after --seconds."""
    started_s = time.monotonic()
    done = dockscope("tail", real.url, "--json", "--seconds", "1")
    assert 1.0 <= time.monotonic() - started_s < 20.0  # starting Python on a busy machine included
    assert (done.returncode, done.stderr) == (0, "")
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    losses = [told for told in objects if told.get("name") == "loss"]
    steps = [told["fields"]["step"] for told in losses]
    assert steps == [float(step) for step in range(1, len(steps) + 1)]
    assert len(steps) > 20
    is_history = [told.get("history", False) for told in losses]
    assert is_history[0] is True
    assert is_history[-1] is False
    assert is_history == sorted(is_history, reverse=True)
    special = {
        told["name"]: (told["value"], told["labels"])
        for told in objects
        if told.get("name") != "loss"
        if "name" in told
    }
    assert special == {
        "nan": ("NaN", {"phase": "validation"}),
        "infinite": ("-Infinity", {"phase": "validation"}),
    }
    assert {"log", "control"} <= {told["kind"] for told in objects}
    assert {told["producer"] for told in objects} == {"real"}


def test_tail_for_people_can_be_narrowed(real):
    """?only= prints the named metrics, streams or kinds alone, a readable line each."""
    done = dockscope("tail", f"{real.url}?only=nan,log", "--seconds", "0.5")
    assert done.returncode == 0
    assert {line.split()[2] for line in done.stdout.splitlines()} == {"metric", "log"}
    assert "loss" not in done.stdout
    assert "nan nan phase=validation" in done.stdout


def test_tail_into_a_closed_pipe_ends_quietly(real):
    """tail | head ends with head, without a word on stderr."""
    command = f"{' '.join(PROGRAM)} tail {real.url} | head -n 2"
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True, timeout=20)
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_tail_is_flushed_and_ends_quietly_with_ctrl_c(real, number):
    """Lines arrive as they happen, and Ctrl-C ends without a traceback."""
    with subprocess.Popen(
        [*PROGRAM, "tail", real.url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as tail:
        assert tail.stdout is not None
        assert tail.stderr is not None
        assert "real" in tail.stdout.readline()
        tail.send_signal(number)
        tail.stdout.read()
        assert tail.stderr.read() == ""
    assert tail.returncode == 0


def test_tail_ends_with_the_run():
    """Without --seconds it ends by itself, with exit 0, when the run has ended."""
    words = [*PROGRAM, "tail", "--json"]
    with (
        RealProducer() as producer,
        subprocess.Popen([*words, producer.url], stdout=subprocess.PIPE, text=True) as tail,
    ):
        assert tail.stdout is not None
        tail.stdout.readline()
        assert producer.end() == 0
        last = [json.loads(line) for line in tail.stdout][-1]
    assert (last["kind"], last["run"], last["outcome"]) == ("control", "ENDED", "finished")
    assert tail.returncode == 0


def test_tail_of_nobody_fails_with_one_line():
    """Exit 1 and one clear line when nothing ever answered."""
    done = dockscope("tail", NOBODY, "--seconds", "0.5")
    assert (done.returncode, done.stdout) == (1, "")
    assert one_line(done.stderr)
    assert "Nothing listens at 127.0.0.1:9" in done.stderr


def test_control_pauses_tells_resumes_and_stops():
    """Each command exits 0 when it is effective, and status tells the state the producer reports."""
    with RealProducer() as producer:
        assert "PAUSED" in dockscope("control", producer.url, "pause").stdout
        status = json.loads(dockscope("control", producer.url, "status", "--json").stdout)
        assert (status["run"], status["effective"], status["producer"]) == ("PAUSED", True, "real")
        resumed = dockscope("control", producer.url, "resume", "--json")
        assert (resumed.returncode, json.loads(resumed.stdout)["run"]) == (0, "RUNNING")
        stopped = dockscope("control", producer.url, "stop")
        assert (stopped.returncode, stopped.stderr) == (0, "")
        assert producer.process.wait(5.0) == 0


def test_control_that_is_not_effective_fails():
    """A refusal, a command without effect in time, and nobody there are exit 1 with the reason in one line."""
    with FakeProducer() as producer:
        producer.answers["pause"] = [("accepted", "")]
        producer.answers["stop"] = [("rejected", "observe only")]
        slow = dockscope("control", producer.url, "pause", "--timeout", "0.7")
        refused = dockscope("control", producer.url, "stop", "--json")
    assert (slow.returncode, slow.stdout) == (1, "")
    assert "accepted, but not effective within 0.7 s" in slow.stderr
    assert refused.returncode == 1
    told = json.loads(refused.stdout)
    assert (told["effective"], told["stage"], told["reason"]) == (False, "rejected", "observe only")
    nobody = dockscope("control", NOBODY, "status", "--timeout", "0.5")
    assert nobody.returncode == 1
    assert one_line(nobody.stderr)


def test_list_shows_the_producers_of_this_machine(real):
    """Each with URL, name and process; as JSON without its token."""
    assert f"{real.url}  real  process {real.process.pid}" in dockscope("list").stdout
    entries = json.loads(dockscope("list", "--json").stdout)
    (mine,) = [entry for entry in entries if entry["pid"] == real.process.pid]
    assert set(mine) == {"name", "url", "pid", "producer"}


@pytest.mark.parametrize(
    "words",
    [
        ("tail",),
        ("tail", "localhost"),
        ("tail", "gopher://x:1"),
        ("tail", NOBODY, "--seconds", "soon"),
        ("control", NOBODY, "explode"),
        ("tial", NOBODY),
        ("--seconds", "-1"),
        ("--log-level", "LOUD", "list"),
        ("demo", "--no-such-option"),
    ],
)
def test_wrong_usage_is_exit_2(words):
    """Wrong words are told on stderr without a traceback, with exit 2, and nothing on stdout."""
    done = dockscope(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert done.stderr


def test_a_url_is_no_folder_for_settings():
    """A URL right after --temp-basedir is not swallowed as its folder: one line says what is missing."""
    done = dockscope("--temp-basedir", "tcp://127.0.0.1:5560")
    assert (done.returncode, done.stdout) == (2, "")
    assert one_line(done.stderr)
    assert "--temp-basedir needs a folder" in done.stderr


def test_version_and_help():
    """--version is data on stdout; --help names every command."""
    assert dockscope("--version").stdout.startswith("dockscope ")
    told = dockscope("--help").stdout
    assert all(word in told for word in ("tail", "control", "list", "doctor", "demo", "--temp-basedir", "--profile"))


@pytest.mark.parametrize("words", [(), ("demo",), ("dockscope://127.0.0.1:5560",)])
def test_a_window_without_a_display_ends_with_one_line(words):
    """Without a display one line says what to do, exit 1; the same when DISPLAY names a server that is not there."""
    done = dockscope(*words, DISPLAY=None, WAYLAND_DISPLAY=None, QT_QPA_PLATFORM=None)
    assert (done.returncode, done.stdout) == (1, "")
    assert one_line(done.stderr)
    assert "--screenshot" in done.stderr


def test_a_dead_display_is_told():
    """A DISPLAY nobody serves is told before Qt aborts on it."""
    done = dockscope(DISPLAY=":59321", WAYLAND_DISPLAY=None, QT_QPA_PLATFORM="xcb")
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert ":59321" in done.stderr


def test_without_the_gui_extra_the_window_names_the_command(tmp_path: Path):
    """Where PySide6 is not installed, the window ends with the pip command that adds it; other commands work."""
    blocker = "import sys; sys.meta_path.insert(0, type('Gone', (), {'find_spec': staticmethod(gone)})())"
    code = (
        "def gone(name, path=None, target=None):\n"
        "    if name.partition('.')[0] in ('PySide6', 'PySide6QtAds', 'pyqtgraph', 'qasync'):\n"
        "        raise ModuleNotFoundError(name, name=name)\n"
        f"{blocker}\n"
        "from dockscope.__main__ import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert "pip install 'dockscope[gui]'" in done.stderr
    listed = subprocess.run(
        [sys.executable, "-c", code, "list", "--json"], check=False, capture_output=True, text=True, timeout=20
    )
    assert listed.returncode == 0


@pytest.mark.parametrize(
    ("words", "function"),
    [
        (("list", "--json"), "find_local"),
        (("tail", NOBODY, "--seconds", "0.2"), "tail_command"),
        (("--temp-basedir", "{folder}", "--seconds", "0.2"), "run_session"),
        (("--temp-basedir", "{folder}", "demo", "--seconds", "0.5"), "_demo_task"),
    ],
    ids=["list", "tail", "window", "demo"],
)
def test_profile_is_written(tmp_path: Path, words, function):
    """--profile writes a cProfile record of what ran, for commands and for the window, that pstats reads."""
    import pstats

    path = tmp_path / "run.prof"
    filled = [word.format(folder=tmp_path) for word in words]
    done = dockscope("--profile", str(path), *filled)
    assert "Traceback" not in done.stderr
    recorded = pstats.Stats(str(path)).stats  # pyright: ignore[reportAttributeAccessIssue]
    assert function in {name for _, _, name in recorded}


@pytest.mark.parametrize("words", [("list",), ("--seconds", "0"), ("demo", "--seconds", "0")])
@pytest.mark.parametrize("place", ["nowhere/run.prof", "a-file/run.prof", "."])
def test_a_profile_that_cannot_be_written_is_told_at_once(tmp_path: Path, words, place):
    """No folder, no folder at all, a folder itself: one sentence before anything is opened, and exit 2."""
    (tmp_path / "a-file").write_text("")
    done = dockscope("--temp-basedir", str(tmp_path), "--profile", str(tmp_path / place), *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert one_line(done.stderr)
    assert "--profile" in done.stderr
    assert "cannot be written" in done.stderr
