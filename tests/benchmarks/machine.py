"""What the figures were measured on, without anything that tells whose machine it is."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = ("PySide6-Essentials", "PySide6-QtAds", "numpy", "pyzmq", "msgspec", "qasync", "pyqtgraph", "rerun-sdk")


def describe_machine() -> dict[str, str]:
    """Return processor, cores, memory, system, Python and the versions of the packages that matter."""
    return {
        "CPU": _cpu(),
        "Cores": str(len(os.sched_getaffinity(0))),
        "Memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "System": f"{_system()}, Linux {platform.release().partition('-')[0]}",
        "Screen": "Xvfb with openbox, 24 bits, no GPU",
        "Python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
