"""The start of the window, in a process of its own: it is painted before anything heavy is imported or connected."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dockscope.core.settings import Settings, SourceSetting

URL = "dockscope://127.0.0.1:9"
# Each of them costs more than it is worth before somebody sees the window: event loops, sockets, dialogs, commands.
LATE = (
    "asyncio",
    "concurrent.futures",
    "email",
    "importlib.metadata",
    "multiprocessing",
    "qasync",
    "rich",
    "ssl",
    "typer",
    "zmq",
    "zmq.asyncio",
    "dockscope.core.cli",
    "dockscope.core.demos.launch",
    "dockscope.core.link",
    "dockscope.devices",
    "dockscope.gui.connect_dialog",
    "dockscope.gui.devices_dock",
    "dockscope.gui.performance_dock",
    "dockscope.gui.settings_dialog",
    "dockscope.gui.shortcuts_dialog",
)
# Tells which modules there are when the window has been painted, and which at the end.
PROGRAM = """
import json, sys
from dockscope.__main__ import main
from dockscope.gui.main_window import MainWindow
painted = []
show = MainWindow.show
def watched(window):
    window.painted.connect(lambda: painted.extend(sys.modules))
    show(window)
MainWindow.show = watched
code = main(sys.argv[1:])
sys.stdout.write(json.dumps({"code": code, "painted": painted, "end": list(sys.modules)}))
"""


def before_and_after(*arguments: str) -> tuple[set[str], set[str]]:
    """Run the window; return the modules at its first paint, and those that came later."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    told = json.loads(done.stdout)
    assert told["code"] == 0, done.stderr
    return set(told["painted"]), set(told["end"]) - set(told["painted"])


def test_heavy_modules_come_after_the_first_paint(tmp_path: Path):
    """With nothing to connect, none of them is there when the window is seen; the loop's own come right after."""
    before, after = before_and_after("--temp-basedir", str(tmp_path), "--seconds", "0")
    assert "dockscope.gui.metrics_dock" in before
    assert sorted(set(LATE) & before) == []
    assert {"asyncio", "qasync"} <= after


@pytest.mark.parametrize("way", ["url", "saved"])
def test_sources_are_opened_after_the_first_paint(tmp_path: Path, way):
    """A URL of the command line, or one of the last session: its link is made when the window has been seen."""
    arguments = ["--temp-basedir", str(tmp_path), "--seconds", "0"]
    if way == "url":
        arguments.append(URL)
    else:
        from dockscope.core.paths import Paths

        settings = Settings(Paths.below(tmp_path).settings_file)
        settings.sources = [SourceSetting(URL, "mine", "trainer")]
        settings.connect_at_start = True
        settings.save()
    before, after = before_and_after(*arguments)
    assert sorted(set(LATE) & before) == []
    assert "dockscope.core.link" in after


def test_saved_devices_are_listed_without_loading_what_they_need(tmp_path: Path):
    """A device of the last session stands there as offline: nothing of devices is imported for it."""
    from dockscope.core.paths import Paths

    settings = Settings(Paths.below(tmp_path).settings_file)
    settings.sources = [SourceSetting("sim:multimeter?rate=50")]
    settings.save()
    before, after = before_and_after("--temp-basedir", str(tmp_path), "--seconds", "0")
    assert sorted(set(LATE) & before) == []
    assert "dockscope.devices" not in after


def test_the_demo_is_started_after_the_first_paint(tmp_path: Path):
    """Its processes are started when the window has been seen."""
    before, after = before_and_after("--temp-basedir", str(tmp_path), "--seconds", "0.5", "demo")
    assert sorted(set(LATE) & before) == []
    assert "dockscope.core.demos.launch" in after
