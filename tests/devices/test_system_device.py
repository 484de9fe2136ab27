"""The computer as a device: numbers that can be true, and graphics processors where nvidia-smi is."""

from __future__ import annotations

import psutil
import pytest

from dockscope.devices.system import SystemDevice, read_gpus

SMI = """#!/bin/sh
case "$1" in --query-gpu=index,utilization.gpu,memory.used,temperature.gpu,power.draw) ;; *) exit 1;; esac
echo "0, 35, 1024, 51, 120.5"
echo "1, 0, 3, 30, [N/A]"
"""


def reading(device, wait_for):
    device.connect()
    device.start_streaming(lambda _: None, 100.0)
    try:
        wait_for(lambda: device.statistics().samples > 3)
        return device.get_latest_data()
    finally:
        assert device.stop_streaming()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that is all of PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_a_reading_is_of_this_computer(folder, wait_for):
    """Percentages lie between 0 and 100, memory below what there is, rates are not negative; names carry units."""
    found = reading(SystemDevice("host"), wait_for)
    assert {"cpu_percent", "memory_percent", "memory_used_bytes", "disk_percent", "load_1min"} <= set(found)
    assert "network_received_bytes_per_s" in found
    assert all(0.0 <= value <= 100.0 for name, value in found.items() if name.endswith("percent"))
    assert all(value >= 0.0 for value in found.values())
    assert found["memory_used_bytes"] <= psutil.virtual_memory().total
    assert not [name for name in found if name.startswith("gpu")]


def test_graphics_processors_are_read_where_there_are_any(folder, wait_for):
    """The program nvidia-smi is asked, and what it does not know is left out."""
    (folder / "nvidia-smi").write_text(SMI)
    (folder / "nvidia-smi").chmod(0o755)
    found = reading(SystemDevice("host"), wait_for)
    assert {name: value for name, value in found.items() if name.startswith("gpu")} == {
        "gpu_0_percent": 35.0,
        "gpu_0_memory_used_bytes": 1024.0 * 2**20,
        "gpu_0_temperature_c": 51.0,
        "gpu_0_power_w": 120.5,
        "gpu_1_percent": 0.0,
        "gpu_1_memory_used_bytes": 3.0 * 2**20,
        "gpu_1_temperature_c": 30.0,
    }


def test_a_broken_graphics_program_costs_nothing_else(folder, wait_for):
    """A program that fails leaves its own numbers out and the others in."""
    (folder / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")
    (folder / "nvidia-smi").chmod(0o755)
    found = reading(SystemDevice("host"), wait_for)
    assert "cpu_percent" in found
    assert not [name for name in found if name.startswith("gpu")]


@pytest.mark.parametrize("text", ["", "nonsense\n", "0\n", ",,,,\n", "No devices were found\n"])
def test_any_output_is_survived(text):
    """What is not numbers is none."""
    assert read_gpus(text) == {}


def test_a_folder_that_is_not_there_is_told_at_once():
    """Connecting fails, not the first reading."""
    with pytest.raises(FileNotFoundError):
        SystemDevice("host", disk="/no/such/folder").connect()
