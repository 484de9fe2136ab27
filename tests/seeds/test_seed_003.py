"""Every code example of the streaming system's document, with its import lines changed, against a live other side.

The port is a free one instead of 9798, and ``python stream_receiver.py`` is ``dockscope receive``. The recorder that
``dr_beam.py`` starts needs the observatory; a spectrometer whose gulps go through our AvgStreamingOp stands for it.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dockscope.core.dialects.ovro import StreamReceiver
from watched import free_port

DOCUMENT = (Path(__file__).parent / "003_streaming.md").read_text()
BLOCK = re.compile(r"^ *```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
PYTHON = [
    body.replace("from stream_receiver import", "from dockscope.core.dialects.ovro import")
    for language, body in BLOCK.findall(DOCUMENT)
    if language == "python"
]
USAGE, MEMORY = PYTHON
COMMANDS = [
    line.strip()
    for language, body in BLOCK.findall(DOCUMENT)
    if language == "bash"
    for line in body.splitlines()
    if line.strip() and not line.strip().startswith(("#", "cd ", "pip "))
]


@pytest.fixture
def port() -> Iterator[int]:
    """The port at which a recorder streams, as ``dr_beam.py`` starts one."""
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "dockscope.core.demos.spectrometer"),
            *("--url", "tcp://127.0.0.1:0", "--ovro", str(port), "--seconds", "60"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    yield port
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 0


def at(port: int, example: str) -> str:
    assert "9798" in example
    return example.replace("9798", str(port))


def test_the_document_has_these_examples():
    """Two of Python, and four commands: nothing in it is left out here."""
    assert len(PYTHON) == 2
    programs = [command.split()[1] for command in COMMANDS]
    assert programs == ["dr_beam.py", "stream_receiver.py", "test_receiver.py", "stream_receiver.py"]


def test_programmatic_usage(port, wait_for):
    """Create, start, read the last ten frames, read the status, stop."""
    start, rest = at(port, USAGE).split("# Get latest data")
    names: dict[str, Any] = {}
    exec(start, names)
    receiver = names["receiver"]
    assert isinstance(receiver, StreamReceiver)
    wait_for(lambda: receiver.get_buffer_status()["total_frames"] >= 3, 20.0)
    exec(rest, names)
    latest = names["latest_data"]
    assert (latest.dtype, latest.shape[1]) == (np.float32, 1536)
    assert 3 <= len(latest) <= 10
    assert np.all(latest > 0)
    assert names["status"]["buffer_shape"] == (1200, 1536)
    assert names["status"]["is_running"]
    assert not receiver.running


def test_memory_optimization(port, wait_for, capsys):
    """Memory information, forced garbage collection, optimization."""
    with StreamReceiver(stream_port=port) as receiver:
        wait_for(lambda: receiver.get_buffer_status()["total_frames"] >= 1, 20.0)
        names: dict[str, Any] = {"receiver": receiver}
        exec(MEMORY, names)
    assert re.fullmatch(r"Memory usage: \d+\.\dMB\n", capsys.readouterr().out)
    assert names["collected"] >= 0
    assert names["optimization_result"]["memory_after"]["rss_mb"] > 0


@pytest.mark.parametrize("command", [command for command in COMMANDS if "stream_receiver.py" in command])
def test_the_receiver_from_the_command_line(port, command):
    """Its options are those of the document; spectra arrive and Ctrl-C ends it."""
    words = shlex.split(command)[2:]
    if "--port" in words:
        words[words.index("--port") + 1] = str(port)
    else:
        words += ["--port", str(port)]
    words += [] if "--log-level" in words else ["--log-level", "DEBUG"]  # by which the test knows that one came
    process = subprocess.Popen(
        [sys.executable, "-m", "dockscope", "receive", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert process.stderr is not None
    while "spectrum 1 at" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "of 1200 rows" in told


def test_ring_buffer_functionality():
    """``test_receiver.py``: the ring works without a stream; frames written by hand are read back in order."""
    receiver = StreamReceiver(stream_addr="127.0.0.1", stream_port=9798, buffer_length=5)
    frame = np.random.default_rng(1).random(1536).astype(np.float32)
    for i in range(10):
        receiver.ring_buffer[receiver.buffer_index, :] = frame + i
        receiver.buffer_index = (receiver.buffer_index + 1) % receiver.buffer_length
    np.testing.assert_array_equal(receiver.get_latest_data(n_frames=3), [frame + 7, frame + 8, frame + 9])
