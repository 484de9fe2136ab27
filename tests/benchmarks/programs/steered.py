"""Run a loop with a checkpoint every 5 ms; prints its URL, then the monotonic time at which each pause blocked it."""

from __future__ import annotations

import sys
import threading
import time

from dockscope import Broadcaster

STEP_S = 0.005


def main() -> None:
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    with Broadcaster("tcp://127.0.0.1:0", name="steered") as broadcaster:
        broadcaster.control.on_pause(lambda: print(time.monotonic(), flush=True))
        print(broadcaster.url, flush=True)
        step = 0
        while not ended.is_set():
            broadcaster.control.checkpoint(timeout=1.0)  # blocks while paused, and looks for the end now and then
            broadcaster.publish_metric("steered", step % 100, step=step)
            step += 1
            time.sleep(STEP_S)


if __name__ == "__main__":
    main()
