"""Send series in blocks at a rate: ``batches.py SAMPLES_PER_S SERIES SAMPLES_PER_BLOCK``.

Prints its URL, then sends from the line "go" on stdin until "stop", prints how many it sent, waits for the end.
"""

from __future__ import annotations

import sys
import threading
import time

import numpy as np

from dockscope import Broadcaster

ROUNDS = 32


def main() -> None:
    rate, series, block = map(int, sys.argv[1:4])
    stopped, gone = threading.Event(), threading.Event()
    with Broadcaster("tcp://127.0.0.1:0", name="batches") as broadcaster:
        print(broadcaster.url, flush=True)
        for line in sys.stdin:
            if line.startswith("go"):
                break
        threading.Thread(target=_listen, args=(stopped, gone), daemon=True).start()
        sent = send(broadcaster, rate, series, block, stopped)
        broadcaster.flush(10.0)
        print(sent, flush=True)
        gone.wait()


def _listen(stopped: threading.Event, gone: threading.Event) -> None:
    for line in sys.stdin:
        if line.startswith("stop"):
            stopped.set()
    stopped.set()
    gone.set()


def send(broadcaster: Broadcaster, rate: int, series: int, block: int, stopped: threading.Event) -> int:
    """Send until told to stop; every block of a series is another piece of a random walk."""
    walks = np.random.default_rng(1).normal(size=(ROUNDS, series, block)).cumsum(axis=2)
    names = [f"channel {index}" for index in range(series)]
    publish, offsets = broadcaster.publish_series, np.arange(block) * series / rate
    start, start_s, sent = time.monotonic(), time.time(), 0
    while not stopped.is_set():
        times = start_s + sent / rate + offsets
        for name, values in zip(names, walks[sent // (series * block) % ROUNDS], strict=True):
            publish(name, values, times)
        sent += series * block
        time.sleep(max(0.0, start + sent / rate - time.monotonic()))
    return sent


if __name__ == "__main__":
    main()
