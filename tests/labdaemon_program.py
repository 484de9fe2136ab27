"""The real labdaemon with devices and a task as in the captures, and devices of a guide; ends with its standard input.

Arguments: port, then perhaps a guide in Markdown and the name of a class in it, which becomes the device "guide".
"""

from __future__ import annotations

import itertools
import math
import re
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from labdaemon import LabDaemon
from labdaemon.server import LabDaemonServer
from loguru import logger


class SimDAQ:
    """Streams a counter, a time and a trace, or what ``set_reading`` names."""

    def __init__(self, device_id, rate_hz=50.0):
        self.device_id = device_id
        self._period_s = 1.0 / rate_hz
        self._thread = None
        self._stop = threading.Event()
        self._kind = "trace"
        self._starts = 0

    def connect(self):
        pass

    def disconnect(self):
        self.stop_streaming()

    def is_connected(self):
        return True

    def start_streaming(self, callback):
        if self._kind == "broken":
            raise RuntimeError("the shutter is closed")
        self._starts += 1
        self._stop.clear()
        self._thread = threading.Thread(target=self._loop, args=(callback,), daemon=True)
        self._thread.start()

    def stop_streaming(self, timeout=None):
        self._stop.set()

    def is_streaming(self):
        return self._thread is not None and self._thread.is_alive()

    def starts(self):
        return self._starts

    def set_reading(self, kind):
        self._kind = kind

    def fail(self):
        raise RuntimeError("simulated device fault")

    def _loop(self, callback):
        n = 0
        while not self._stop.wait(self._period_s):
            if self._kind != "silent":
                callback(self._reading(n))
            n += 1

    def _reading(self, n):
        if self._kind == "nested":
            return {"stage": {"x": float(n), "limits": {"low": -1.0}}, "state": "moving", "gain": math.nan}
        if self._kind == "number":
            return float(n)
        return {"n": n, "t": time.time(), "trace": [math.sin(n / 5 + i / 3) for i in range(32)]}


class SimLaser:
    """A device that does not stream."""

    def __init__(self, device_id):
        self.device_id = device_id
        self._nm = 1064.0

    def connect(self):
        pass

    def disconnect(self):
        pass

    def is_connected(self):
        return True

    def fail(self):
        raise RuntimeError("simulated device fault")

    def set_wavelength(self, nm, wait_s=0.0):
        time.sleep(wait_s)
        self._nm = nm


class SweepTask:
    """Runs until it is cancelled; can be paused."""

    def __init__(self, task_id, device_id, polite=True):
        self.task_id, self.device_ids, self._polite = task_id, [device_id], polite

    def run(self, context):
        steps = 0
        while not (context.cancel_event.wait(0.02)):
            context.resume_event.wait()
            steps += 1
        if not self._polite:
            raise RuntimeError("the sweep broke")
        return {"cancelled_at": steps}


def guide_device(guide, name):
    """Return a class of a guide, with the function given that it leaves open."""
    block = next(one for one in re.findall(r"```python\n(.*?)```", guide, re.DOTALL) if f"class {name}:" in one)
    names: dict[str, Any] = {"threading": threading, "time": time}
    exec(block, names)
    samples = itertools.count()
    return type(name, (names[name],), {"_acquire_sample": lambda self: {"sample": next(samples), "t": time.time()}})


def main():
    logger.remove()
    port = int(sys.argv[1])
    daemon = LabDaemon()
    kinds = {"SimDAQ": SimDAQ, "SimLaser": SimLaser}
    if len(sys.argv) > 2:
        kinds["Guide"] = guide_device(Path(sys.argv[2]).read_text(), sys.argv[3])
    daemon.register_plugins(devices=kinds, tasks={"SweepTask": SweepTask})
    for device, kind in (("daq1", "SimDAQ"), ("daq2", "SimDAQ"), ("laser1", "SimLaser")):
        daemon.add_device(device, kind)
    if "Guide" in kinds:
        daemon.add_device("guide", "Guide")
    LabDaemonServer(daemon, host="127.0.0.1", port=port).start()
    while socket.socket().connect_ex(("127.0.0.1", port)):
        time.sleep(0.01)
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
