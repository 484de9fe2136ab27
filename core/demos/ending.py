"""How a demo ends from outside: by Ctrl-C, by SIGTERM, and together with the program that started it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

FOLLOW_STDIN = "DOCKSCOPE_DEMO_FOLLOWS_STDIN"


def end_by_signals() -> None:
    """Make the first Ctrl-C or SIGTERM raise KeyboardInterrupt, and end the process when its starter is gone.

    Call it once, from the main thread, before the loop. Further signals are ignored: the farewell to the viewers, which
    is bounded, must not be torn. With the environment variable FOLLOW_STDIN set, stdin is the reading end of a pipe
    that only the starter holds open: its end means that the starter is gone, however it died.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _on_first_signal)
    if os.environ.get(FOLLOW_STDIN):
        threading.Thread(target=_end_with_stdin, name="follow-stdin", daemon=True).start()


def _on_first_signal(number: int, frame: FrameType | None) -> None:
    for other in (signal.SIGINT, signal.SIGTERM):
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
