"""``dockscope run``: a bench in a process of its own, seen and steered from another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dockscope.core.run_control import LinkState
from scpi_server import ScpiServer
from watched import Watched, run

PROGRAM = [sys.executable, "-m", "dockscope"]
HOST = '[[device]]\nid = "host"\nkind = "system"\nrate_hz = 20\n'


def voltmeter(server: ScpiServer) -> str:
    return (
        f'[[device]]\nid = "dmm"\nkind = "visa"\naddress = "{server.address}"\nrate_hz = 50\ntimeout_s = 0.3\n'
        'name = "voltage"\nunit = "V"\n'
    )


@pytest.fixture
def server():
    with ScpiServer() as server:
        yield server


class Run:
    """A bench that runs in a process of its own.

    Attributes:
        url: where it publishes. stderr: what it said, after the end. returncode: likewise.
    """

    def __init__(self, path: Path) -> None:
        words = [*PROGRAM, "run", str(path)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        self.stderr = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        _, self.stderr = self.process.communicate(timeout=20)
        self.returncode = self.process.returncode


def bench(tmp_path: Path, *tables: str) -> Path:
    path = tmp_path / "lab.toml"
    path.write_text("\n".join(tables))
    return path


def test_a_bench_is_seen_and_steered_by_any_viewer(tmp_path, server, wait_for_async):
    """Metrics of all devices arrive; pause, resume, rate and stop reach the streams, and the run ends by the stop."""

    async def scenario():
        with Run(bench(tmp_path, voltmeter(server), HOST)) as lab:
            async with Watched(lab.url) as watch:
                key = (watch.source.key, "dmm.voltage", (("unit", "V"),))
                curves = watch.hub.series.curves
                await wait_for_async(lambda: key in curves and watch.samples("host.cpu_percent") > 1, 15.0)
                assert watch.producer.hello is not None
                assert watch.producer.hello.name == "lab"
                listed = watch.hub.data.entries
                await wait_for_async(lambda: (watch.source.key, "devices") in listed)
                watch.source.send("pause")
                await wait_for_async(watch.is_run("PAUSED"))
                asked, count = server.measured, len(curves[key])
                await wait_for_async(lambda: len(curves[key]) == count)
                assert server.measured == asked  # the stream had ended before it was said to be paused
                watch.source.send("resume")
                await wait_for_async(lambda: len(curves[key]) > count)
                assert watch.is_run("RUNNING")()
                watch.source.send("set", {"name": "dmm rate", "value": 200.0})
                await wait_for_async(lambda: server.measured > asked + 20)
                watch.source.send("stop")
                await wait_for_async(watch.is_link(LinkState.CLOSED), 10.0)
                assert watch.producer.run is not None
                assert watch.producer.run.outcome == "stopped"
            assert lab.process.wait(timeout=10) == 0

    run(scenario)


def test_every_fault_is_named_in_the_log(tmp_path, server, wait_for):
    """A device that is lost is told to viewers and on stderr, and goes on when it is there again."""
    with Run(bench(tmp_path, voltmeter(server), HOST)) as lab:
        tail = subprocess.Popen(
            [*PROGRAM, "tail", lab.url, "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert tail.stdout is not None
        try:
            lines = map(json.loads, tail.stdout)
            assert next(line for line in lines if line.get("name") == "dmm.voltage")["labels"] == {"unit": "V"}
            server.refuse()
            lost = next(line for line in lines if line["kind"] == "log" and line["level"] == "warning")
            assert lost["message"].startswith("dmm: ")
            server.come_back()
            t = lost["t"]
            assert next(line for line in lines if line.get("name") == "dmm.voltage" and line["t"] > t + 0.01)
        finally:
            tail.terminate()
            tail.communicate(timeout=20)
    assert lab.returncode == 0
    assert "dmm: " in lab.stderr
    assert "Traceback" not in lab.stderr


def test_a_bench_runs_for_the_time_that_is_given(tmp_path):
    """After --seconds it ends by itself, with exit code 0, and prints nothing but its URL on stdout."""
    words = [*PROGRAM, "run", str(bench(tmp_path, HOST)), "--seconds", "0.5", "--url", "tcp://127.0.0.1:0"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("dockscope://127.0.0.1:") or done.stdout.startswith("tcp://127.0.0.1:")
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read"),
        ('[[device]]\nid = "a"\nkind = "nothing"\n', "lab.toml, line 1, device a: nothing is no kind of device"),
    ],
)
def test_a_wrong_bench_is_wrong_usage(tmp_path, text, words):
    """One sentence on stderr and exit code 2, without a traceback."""
    path = tmp_path / "lab.toml"
    if text is not None:
        path.write_text(text)
    done = subprocess.run([*PROGRAM, "run", str(path)], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_local_instrument_can_be_tailed(server):
    """A URL without slashes works on the command line as any other."""
    url = f"visa:{server.address}?rate=100&unit=V&id=dmm"
    done = subprocess.run(
        [*PROGRAM, "tail", url, "--json", "--seconds", "2"], capture_output=True, text=True, timeout=30, check=True
    )
    samples = [line for line in map(json.loads, done.stdout.splitlines()) if line["kind"] == "metric"]
    assert [line["value"] for line in samples[:3]] == [1.0, 2.0, 3.0]
    assert samples[0]["producer"] == "dmm"
    assert samples[0]["labels"] == {"unit": "V"}


@pytest.mark.parametrize(
    ("word", "code", "words"),
    [("sim:multimeter", 1, "display"), ("nothing:x", 2, "neither a command nor a URL"), ("lab.toml", 2, "neither")],
)
def test_the_window_takes_urls_without_slashes(word, code, words):
    """A device's URL is one for the window, which here has no display; other words are wrong usage."""
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    done = subprocess.run([*PROGRAM, word], capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == code
    assert words in done.stderr
