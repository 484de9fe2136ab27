"""Sources of other packages: the dialect of docs/dialects.md, installed into a folder, opened in a real process."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "dockscope"]
DOCS = Path(__file__).parents[2] / "docs" / "dialects.md"


def documented_dialect() -> str:
    """Return the code of the whole dialect that the documentation shows."""
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    (code,) = [block for block in blocks if "DIALECT = " in block]
    return code


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH that holds a package with two entry points: ``tick``, and ``broken``."""
    (tmp_path / "tick_source.py").write_text(documented_dialect())
    told = tmp_path / "tick_source-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: tick-source\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(
        "[dockscope.sources]\ntick = tick_source:DIALECT\nbroken = no_such_module:DIALECT\nwrong = tick_source:parse\n"
    )
    (told / "RECORD").write_text("")
    return tmp_path


@pytest.fixture
def ticker() -> Iterator[int]:
    """The port of a server that sends three lines, one of them no number, to each who comes, and waits."""
    connections: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # closed: the test is over
                return
            connections.append(connection)
            connection.sendall(b"1.5\nno number\n2.5\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in connections:
        connection.close()


def dockscope(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run([*PROGRAM, *words], check=False, capture_output=True, text=True, timeout=30, env=environment)


def test_a_source_of_another_package_is_opened_by_its_url(installed, ticker):
    """The entry point's name is the scheme; the documented dialect runs in the program as one of ours."""
    url = f"tick://127.0.0.1:{ticker}"
    told = dockscope(installed, "tail", url, "--seconds", "1.5")
    assert told.returncode == 0
    assert [line.split()[-2:] for line in told.stdout.splitlines()] == [["tick", "1.5"], ["tick", "2.5"]]
    assert told.stderr.count("\n") == 1
    assert "no number" in told.stderr
    refused = dockscope(installed, "control", url, "stop")
    assert refused.returncode == 1
    assert "takes no commands" in refused.stderr


@pytest.mark.parametrize(("scheme", "why"), [("broken", "cannot be loaded"), ("wrong", "is no dockscope")])
def test_a_broken_source_of_another_package_is_told(installed, scheme, why):
    """It does no harm to the others, and its scheme is refused with the reason in the log."""
    told = dockscope(installed, "tail", f"{scheme}://127.0.0.1:1", "--seconds", "1")
    assert told.returncode == 2
    assert why in told.stderr
    assert "tick://" in told.stderr.replace("\n", "")  # among the schemes there are
