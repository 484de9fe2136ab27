"""Measure the budgets of the design: ``python -m tests.benchmarks.run build/bench.json [--row NAME] [--page FILE]``.

Prints a table on stdout and writes the file. A missed budget is marked and is no failure; a row that broke is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..e2e.desktop import Desktop, running
from .catalog import BY_NAME, ROWS
from .entry import Entry
from .machine import describe_machine
from .report import HEADING, Result, is_met, page, result_of, table_line

# Modules beside this one, and the rows whose entries each measures.
MEASURES: dict[str, tuple[str, ...]] = {
    "publish_metric": ("publish_metric_call", "publish_metric_floor", "publish_metric_flush"),
    "ingest_batched": ("ingest_batched",),
    "ingest_answers": ("ingest_batched",),
    "ingest_json": ("ingest_json",),
    "latency": ("latency",),
    "plot_history": ("plot_history",),
    "plot_motion": ("plot_history",),
    "waterfall": ("waterfall_row", "waterfall_large"),
    "canvas": ("canvas_parts",),
    "canvas_motion": ("canvas_parts",),
    "control": ("control_round_trip",),
    "startup": ("startup",),
    "memory": ("memory",),
}
SCREEN_PX = (2560, 1600)
LONGEST_S = 300.0  # for one module
NEEDED = ("Xvfb", "openbox", "xdotool")
XDG = ("RUNTIME_DIR", "CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME")


def main() -> int:
    """Run the measures, print a table on stdout and write the files."""
    options = _options()
    if missing := [program for program in NEEDED if not shutil.which(program)]:
        print(f"missing: {', '.join(missing)}; .ci/packages installs them", file=sys.stderr)
        return 1
    started = time.monotonic()
    wanted = [name for name, figure in BY_NAME.items() if options.row in (None, figure.row)]
    results, broken = _measure_all(options.row, wanted)
    absent = [name for name in wanted if name not in {result["name"] for result in results}]
    options.file.parent.mkdir(parents=True, exist_ok=True)
    options.file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    if options.page is not None and options.row is None and not absent:
        options.page.write_text(page(results, describe_machine()))
    missed = sum(is_met(result) is False for result in results)
    print(f"{len(results)} figures in {time.monotonic() - started:.0f} s, {missed} missed their budget", flush=True)
    for what, names in (("broke", broken), ("not measured", absent)):
        if names:
            print(f"{what}: {', '.join(names)}", file=sys.stderr)
    return 1 if broken or absent else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the budgets of the design.")
    parser.add_argument("file", type=Path, help="where the JSON goes")
    parser.add_argument("--row", choices=ROWS, help="only this row")
    parser.add_argument("--page", type=Path, help="where the page for people goes, after a run of all rows")
    return parser.parse_args()


def _measure_all(row: str | None, wanted: list[str]) -> tuple[list[Result], list[str]]:
    """Return the results, printed as they come, in the order of the catalogue, and the modules that broke."""
    found: dict[str, Result] = {}
    broken = []
    print(HEADING, flush=True)
    with _surroundings() as environment:
        for module in (name for name, rows in MEASURES.items() if row in (None, *rows)):
            with _process(module, environment) as process:
                assert process.stdout is not None
                for line in process.stdout:
                    result = result_of(Entry(**json.loads(line)))
                    if result["name"] in wanted:
                        found[result["name"]] = result
                        print(table_line(result), flush=True)
            if process.returncode:
                broken.append(module)
    return [found[name] for name in wanted if name in found], broken


@contextmanager
def _surroundings() -> Iterator[dict[str, str]]:
    """Yield an environment with a desktop of its own and with folders that are not the user's."""
    with tempfile.TemporaryDirectory(prefix="dsb-") as home, running(Desktop(*SCREEN_PX)) as desktop:
        own = {}
        for name in XDG:
            folder = Path(home) / name.lower()
            folder.mkdir(mode=0o700)
            own[f"XDG_{name}"] = str(folder)
        yield {**desktop.environment, **own}


@contextmanager
def _process(module: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a module's measures; whatever they started ends with them, and all of it when it takes too long."""
    command = [sys.executable, "-m", f"{__package__}.measure", module]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    watchdog = threading.Timer(LONGEST_S, lambda: _end(process))
    watchdog.start()
    try:
        yield process
        process.wait()
    finally:
        watchdog.cancel()
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # all have ended
    process.wait()


if __name__ == "__main__":
    raise SystemExit(main())
