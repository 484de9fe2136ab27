"""How much of a core this process uses while it waits."""

from __future__ import annotations

import gc
import threading
import time

MOST_OF_A_CORE = 0.01
SPAN_S = 2.0
MOST_SPANS = 3


def idle_share() -> float:
    """Return the share of a core that all threads of this process use; the least of up to three spans of two seconds.

    It is CPU time, so a busy machine does not matter; of what else this process had to do, one span will be free.
    """
    gc.collect()
    share = _share()
    for _ in range(MOST_SPANS - 1):
        if share < MOST_OF_A_CORE:
            break
        share = min(share, _share())
    return share


def _share() -> float:
    began_s, used_s = time.monotonic(), time.process_time()
    threading.Event().wait(SPAN_S)
    return (time.process_time() - used_s) / (time.monotonic() - began_s)
