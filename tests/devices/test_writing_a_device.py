"""The programs of docs/devices.md, section "Writing a device", run as they are written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

DOCUMENT = (Path(__file__).parents[2] / "docs" / "devices.md").read_text()
SECTION = DOCUMENT.partition("\n## Writing a device\n")[2].partition("\n## ")[0]
SUBCLASS, PLAIN = re.findall(r"^```python\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)


def output_of(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_a_subclass_streams_and_counts():
    """It prints times and temperatures, and counts what it printed."""
    *samples, statistics = output_of(SUBCLASS)
    assert samples
    assert all(re.fullmatch(r"\d{10}\.\d\d 2[01]\.\d\d °C", sample) for sample in samples)
    assert f"delivered={len(samples)}, " in statistics


def test_a_plain_class_streams_and_stops():
    """It counts in its steps, also after the reset, and says that its thread ended."""
    *values, ended = output_of(PLAIN)
    assert values[0] == "5"
    assert ended == "True"
