"""A producer in a process of its own: ``python real_producer.py URL [NAME]``; prints its URL, runs until stopped.

It publishes a metric, checks for requests every 5 ms, and ends when stopped or when its stdin closes.
"""

from __future__ import annotations

import sys
import threading
import time

from dockscope import Broadcaster


def main() -> None:
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    with Broadcaster(sys.argv[1], name=sys.argv[2] if len(sys.argv) > 2 else "real") as broadcaster:
        broadcaster.publish_log("warning", "started <b>bold</b>", step=0)
        broadcaster.publish_metrics({"nan": float("nan"), "infinite": float("-inf")}, phase="validation")
        print(broadcaster.url, flush=True)
        step = 0
        while not ended.is_set() and broadcaster.control.checkpoint():
            step += 1
            broadcaster.publish_metric("loss", 1.0 / step, step=step)
            time.sleep(0.005)


if __name__ == "__main__":
    main()
