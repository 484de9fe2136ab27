"""Publish single samples at about a rate: ``single.py SAMPLES_PER_S``; prints its URL, ends with its stdin."""

from __future__ import annotations

import random
import sys
import threading
import time

from dockscope import Broadcaster


def main() -> None:
    mean_s = 1.0 / float(sys.argv[1])
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    draw = random.Random(1)  # uneven intervals, so that no pattern forms with the frames
    with Broadcaster("tcp://127.0.0.1:0", name="single") as broadcaster:
        print(broadcaster.url, flush=True)
        step = 0
        while not ended.is_set():
            broadcaster.publish_metric("single", draw.random(), timestamp=time.time(), step=step)
            step += 1
            time.sleep(draw.uniform(0.5, 1.5) * mean_s)


if __name__ == "__main__":
    main()
