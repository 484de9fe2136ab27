"""The producers on this machine, found by their token files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from dockscope.core.discovery import find_local
from fakes import RealProducer


def test_running_producers_are_found_and_ended_ones_are_not():
    """A producer is listed with URL, name and process while it runs, and not after its end."""
    with RealProducer(name="zeta") as zeta, RealProducer(name="alpha") as alpha:
        found = [producer for producer in find_local() if producer.pid in (zeta.process.pid, alpha.process.pid)]
        assert [(producer.name, producer.url) for producer in found] == [("alpha", alpha.url), ("zeta", zeta.url)]
        assert "token" not in repr(found)
    assert not {zeta.process.pid, alpha.process.pid} & {producer.pid for producer in find_local()}


def test_the_file_of_a_killed_producer_is_removed(tmp_path: Path):
    """A file whose process is gone is ignored and removed; what is no token file is left alone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    dead = tmp_path / f"{process.pid}-00000000.json"
    alive = tmp_path / f"{os.getpid()}-11111111.json"
    for path, pid in ((dead, process.pid), (alive, os.getpid())):
        told = {"url": "tcp://127.0.0.1:1", "producer": 32 * "1", "name": "n", "pid": pid, "token": 64 * "0"}
        path.write_text(json.dumps(told))
    broken = tmp_path / "1-22222222.json"
    broken.write_text("{")
    assert [producer.pid for producer in find_local(tmp_path)] == [os.getpid()]
    assert not dead.exists()
    assert broken.exists()


def test_a_missing_folder_holds_nobody(tmp_path: Path):
    """Before the first producer there is no folder, and nobody in it."""
    assert find_local(tmp_path / "none") == []
