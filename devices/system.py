"""The computer itself as a device: processor, memory, disk, network, and graphics processors of NVIDIA."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import Any

import psutil

from .device import StreamingDevice

GPU_EVERY_S = 1.0  # nvidia-smi is a process of its own: more often it would be the load that it measures
GPU_LIMIT_S = 5.0
MEBI = 2**20
_GPU_QUERY = "index,utilization.gpu,memory.used,temperature.gpu,power.draw"
_GPU_NAMES = ("percent", "memory_used_bytes", "temperature_c", "power_w")

Readings = dict[str, float]


class SystemDevice(StreamingDevice):
    """Read this computer; a reading is a dict of numbers, whose names carry their units.

    Args:
        device_id: its name. disk: a folder on the disk whose filling is read.
        options: of the stream, as ``StreamingDevice`` takes them.
    """

    def __init__(self, device_id: str, *, disk: str = "/", **options: Any) -> None:
        super().__init__(device_id, **options)
        self._disk = disk
        self._counters: tuple[float, Readings] | None = None
        self._gpu: tuple[float, Readings] = (0.0, {})
        self._smi: str | None = None

    @property
    def identity(self) -> str:
        """Processors and memory of this computer."""
        return f"{psutil.cpu_count() or 1} processors, {psutil.virtual_memory().total / 2**30:.1f} GiB of memory"

    def connect(self) -> None:
        """Take the counters from which the first reading counts."""
        psutil.disk_usage(self._disk)  # a folder that is not there is told now
        self._smi = shutil.which("nvidia-smi")
        psutil.cpu_percent()
        self._counters = (time.monotonic(), _counters())

    def _acquire_sample(self) -> Readings:
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        return {
            "cpu_percent": psutil.cpu_percent(),
            "load_1min": psutil.getloadavg()[0],
            "memory_percent": memory.percent,
            "memory_used_bytes": float(memory.total - memory.available),
            "swap_percent": swap.percent,
            "disk_percent": psutil.disk_usage(self._disk).percent,
            **self._rates(),
            **self._graphics(),
        }

    def _rates(self) -> Readings:
        now_s, counted = time.monotonic(), _counters()
        before_s, before = self._counters or (now_s, counted)
        self._counters = (now_s, counted)
        passed_s = max(now_s - before_s, 1e-3)
        # A counter that fell was begun anew, as when a network card was taken out.
        return {
            f"{name}_per_s": max(0.0, number - before[name]) / passed_s
            for name, number in counted.items()
            if name in before
        }

    def _graphics(self) -> Readings:
        asked_s, readings = self._gpu
        if self._smi is None or time.monotonic() - asked_s < GPU_EVERY_S:
            return readings
        try:
            asked = [self._smi, f"--query-gpu={_GPU_QUERY}", "--format=csv,noheader,nounits"]
            done = subprocess.run(asked, capture_output=True, text=True, timeout=GPU_LIMIT_S, check=True)
        except (OSError, subprocess.SubprocessError):
            readings = {}  # as when the driver is being exchanged: asked again in a second
        else:
            readings = read_gpus(done.stdout)
        self._gpu = (time.monotonic(), readings)
        return readings


def read_gpus(text: str) -> Readings:
    """Read what nvidia-smi prints, for each processor number, load in %, MiB, °C and W; what it lacks is left out."""
    readings: Readings = {}
    for line in text.splitlines():
        index, *words = (word.strip() for word in line.split(","))
        for name, word in zip(_GPU_NAMES, words, strict=False):
            try:
                number = float(word)
            except ValueError:  # "[N/A]"
                continue
            readings[f"gpu_{index}_{name}"] = number * MEBI if name.endswith("bytes") else number
    return readings


def _counters() -> Readings:
    """Return bytes counted since the start of the computer, by name; disks may be hidden in a container."""
    disk, network = psutil.disk_io_counters(), psutil.net_io_counters()
    counted = {}
    if disk is not None:
        counted |= {"disk_read_bytes": float(disk.read_bytes), "disk_written_bytes": float(disk.write_bytes)}
    if network is not None:
        counted |= {
            "network_received_bytes": float(network.bytes_recv),
            "network_sent_bytes": float(network.bytes_sent),
        }
    return counted
