"""The kinds of devices: our own, and those of other packages, in a real process that has them installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dockscope.devices.catalog import kind_of, kinds, make_device
from dockscope.devices.spec import DeviceSpec

PLAIN = """
import threading

class Counter:
    def __init__(self, device_id, step=1, **kwargs):
        self.device_id, self.step, self.count = device_id, step, 0
        self._thread, self._stop = None, threading.Event()

    def start_streaming(self, callback, sample_rate=10.0):
        self._stop.clear()
        self._thread = threading.Thread(target=self._loop, args=(callback, sample_rate), daemon=True)
        self._thread.start()

    def stop_streaming(self, timeout=None):
        self._stop.set()
        self._thread.join(timeout)

    def is_streaming(self):
        return self._thread is not None and self._thread.is_alive()

    def _loop(self, callback, sample_rate):
        while not self._stop.wait(1.0 / sample_rate):
            with self._ld_lock:
                self.count += self.step
            callback(self.count)
"""
KIND = """
from dockscope.devices import StreamingDevice
from dockscope.devices.device_kind import DeviceKind, Field

class Die(StreamingDevice):
    def __init__(self, device_id, *, sides=6, **stream):
        super().__init__(device_id, **stream)
        self.sides, self.queue_size = sides, self._queue_size

    def _acquire_sample(self):
        return self.sides

KIND = DeviceKind("die", "A die", lambda spec: Die(spec.id, **spec.params), (Field("sides", "Sides", "6"),))
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH that holds a package with devices: a plain class, a kind, and two that are broken."""
    (tmp_path / "plain_devices.py").write_text(PLAIN)
    (tmp_path / "kind_devices.py").write_text(KIND)
    told = tmp_path / "other_devices-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: other-devices\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(
        "[dockscope.devices]\ncounter = plain_devices:Counter\ndie = kind_devices:KIND\ndie2 = kind_devices:Die\n"
        "broken = no_such_module:Device\nwrong = json:dumps\n"
    )
    (told / "RECORD").write_text("")
    return tmp_path


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, *words], check=False, capture_output=True, text=True, timeout=60, env=environment
    )


def test_devices_of_another_package_are_in_the_catalogue(installed):
    """The entry point's name is the kind; what is broken is told and left out; the options of the queue arrive."""
    code = (
        "from dockscope.devices.catalog import kinds, make_device\n"
        "from dockscope.devices.spec import DeviceSpec\n"
        "print(*kinds())\n"
        "print(make_device(DeviceSpec(id='a', kind='counter', params={'step': 3})).step)\n"
        "print(make_device(DeviceSpec(id='a', kind='die2', queue_size=7, params={'sides': 8})).queue_size)\n"
    )
    done = python(installed, "-c", code)
    assert done.stdout.split("\n")[:3] == ["visa sim system pymeasure qcodes counter die die2", "3", "7"]
    assert "the device plug-in broken (no_such_module:Device) cannot be loaded" in done.stderr
    assert "the device plug-in wrong (json:dumps) is neither a class nor a DeviceKind" in done.stderr


def test_a_plain_class_of_another_package_streams_by_its_url(installed):
    """Written without any import of dockscope, it is a source of the program as any other."""
    done = python(installed, "-m", "dockscope", "tail", "device:counter?step=2&rate=100", "--json", "--seconds", "2")
    assert done.returncode == 0, done.stderr
    samples = [line for line in map(json.loads, done.stdout.splitlines()) if line["kind"] == "metric"]
    values = [line["value"] for line in samples]
    assert values[:3] == [2.0, 4.0, 6.0]
    assert {line["name"] for line in samples} == {"counter"}


def test_our_own_kinds_say_what_they_need():
    """Each has a title, and an example for what is required."""
    for kind in kinds().values():
        assert kind.title
        assert all(field.example for field in kind.fields if field.is_required)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (DeviceSpec(id="a", kind="nothing"), "nothing is no kind of device: there are visa, sim"),
        (DeviceSpec(id="a", kind="visa"), "address is missing, such as address = 'TCPIP"),
        (DeviceSpec(id="a", kind="sim", params={"model": "oven"}), "model is 'oven', but must be one of multimeter"),
        (DeviceSpec(id="a", kind="system", params={"speed": 1}), "speed is not known to system, which has disk"),
        (DeviceSpec(id="a", kind="pymeasure", params={"instrument": "a.B", "reads": []}), "reads is missing"),
    ],
)
def test_a_wrong_device_is_refused_before_it_is_made(spec, words):
    """The sentence names the parameter and what may stand there."""
    with pytest.raises(ValueError, match=words[:20]) as refused:
        make_device(spec)
    assert words in str(refused.value)


def test_one_kind_is_found_by_its_name():
    """Our own kinds are there without any plug-in being loaded."""
    assert kind_of("system").name == "system"
