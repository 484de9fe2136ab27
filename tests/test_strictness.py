"""The rules of conftest.py themselves: what must fail a test does, what is fine does not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

# Name of the test and what its report must say; an empty text means that it passes.
CASES = {
    "stray_log": ('logging.getLogger("dockscope.x").warning("hello")', "stray log record: WARNING dockscope.x: hello"),
    "expected_log": ('expect_log("^hel"); logging.getLogger("dockscope.x").warning("hello")', ""),
    "missing_log": ('expect_log("^hello$")', "expected at least 1 log record"),
    "warning": ('warnings.warn("careful")', "UserWarning: careful"),
    "thread": ('threading.Thread(target=time.sleep, args=(9,), daemon=True, name="lazy").start()', "thread: lazy"),
    "dead_thread": ("t = threading.Thread(target=int, args=('x',)); t.start(); t.join()", "invalid literal for int"),
    "socket": ("keep.append(socket.create_server(('127.0.0.1', 0)))", "left over: socket"),
    # What has passed a message has an I/O thread that bears its name, by which it is found.
    "context": (
        "c = zmq.Context(); a = c.socket(zmq.PULL); b = c.socket(zmq.PUSH); keep.extend([c, a, b]); "
        "b.connect(f\"tcp://127.0.0.1:{a.bind_to_random_port('tcp://127.0.0.1')}\"); b.send(b'x'); a.recv()",
        "left over: zmq context",
    ),
    "closed": ("c = zmq.Context(); c.socket(zmq.PUB).close(); c.term()", ""),
    "child": ("keep.append(subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1))", "left over: child process"),
    "task": (
        "loop = asyncio.new_event_loop(); keep.extend([loop, loop.create_task(asyncio.sleep(9))]); loop.close()",
        "left over: asyncio task",
    ),
    "deadline": ('wait_for(lambda: False, 0.02, "the impossible")', "not within 0.02 s: the impossible"),
    "value": ("assert wait_for(lambda: 7) == 7", ""),
    "qt_message": ('from PySide6.QtCore import qCritical; qCritical("oh dear")', "Qt messages with level DEBUG"),
}  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of pytest on all cases, run in another process under a copy of conftest.py."""
    folder = tmp_path_factory.mktemp("cases")
    conftest = (HERE / "conftest.py").read_text()
    assert "GRACE_S = 3.0" in conftest
    (folder / "conftest.py").write_text(conftest.replace("GRACE_S = 3.0", "GRACE_S = 0.1"))
    (folder / "pyproject.toml").write_text((HERE.parent / "pyproject.toml").read_text())
    tests = "\n".join(f"def test_{name}(expect_log, wait_for):\n    {body}" for name, (body, _) in CASES.items())
    modules = "asyncio, logging, socket, subprocess, sys, threading, time, warnings, zmq"
    (folder / "test_cases.py").write_text(f"import {modules}\nkeep = []\n{tests}\n")
    command = [sys.executable, "-m", "pytest", "-rA", "--tb=short", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=folder).stdout


@pytest.mark.parametrize("name", list(CASES))
def test_a_rule_holds(report, name):
    """Each offence fails its own test with a text that names it; the harmless counterpart passes."""
    failed = re.findall(rf"^(?:FAILED|ERROR) test_cases.py::test_{name}\b", report, re.MULTILINE)
    text = CASES[name][1]
    assert bool(failed) == bool(text), report
    assert text in report
