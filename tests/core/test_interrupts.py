"""Ctrl-C may strike at any place of a checkpoint: no lock may stay behind."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType

import pytest

from dockscope.core.broadcaster import Broadcaster
from dockscope.core.checkpoint import RunControl
from dockscope.core.run_control import Command
from dockscope.core.run_machine import Ask

DEADLINE_S = 5.0


class Interrupt:
    """Raise KeyboardInterrupt at the n-th place where signals are looked for: a function's start, a C call's end."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, frame: FrameType, event: str, argument: object) -> None:
        if event in ("call", "c_return"):
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt

    def strikes(self, call: Callable[[], object]) -> bool:
        """Run ``call`` and tell whether it was interrupted; False when it ended before the n-th place."""
        sys.setprofile(self)
        try:
            call()
        except KeyboardInterrupt:
            return True
        finally:
            sys.setprofile(None)
        return False


def in_time(call: Callable[[], object]) -> bool:
    """Run ``call`` in another thread and tell whether it came back."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    return not thread.is_alive()


def first_checkpoint() -> tuple[RunControl, Callable[[], object]]:
    control = RunControl(lambda event: None)
    return control, control.checkpoint


def paused_checkpoint() -> tuple[RunControl, Callable[[], object]]:
    control = RunControl(lambda event: None)
    control.request(Ask(bytes(16), Command.PAUSE, {}, "ann@desk"))
    return control, lambda: control.checkpoint(timeout=0.0)


def stopped_checkpoint() -> tuple[RunControl, Callable[[], object]]:
    control = RunControl(lambda event: None)
    control.request(Ask(bytes(16), Command.STOP, {}, "ann@desk"))
    return control, lambda: control.stop_requested


@pytest.mark.parametrize("make", [first_checkpoint, paused_checkpoint, stopped_checkpoint])
def test_an_interrupted_checkpoint_leaves_the_control_usable(make) -> None:
    """Wherever Ctrl-C strikes in a checkpoint, viewers' commands and the end of the run are carried out afterwards."""
    at = 1
    while True:
        control, call = make()
        interrupt = Interrupt(at)
        struck = interrupt.strikes(call)
        assert in_time(control.end), f"the lock stayed behind when place {at} was interrupted"
        if not struck:
            break
        at += 1
    assert at > 5


def test_an_interrupted_publish_leaves_the_broadcaster_usable() -> None:
    """Wherever Ctrl-C strikes in a publish call, the rest is published and the broadcaster closes."""
    with Broadcaster("tcp://127.0.0.1:0", name="struck") as broadcaster:
        calls = (
            lambda: broadcaster.publish_metric("loss", 1, phase="train"),
            lambda: broadcaster.publish_log("info", "text"),
            lambda: broadcaster.publish_series("adc", [1.0, 2.0]),
            lambda: broadcaster.flush(DEADLINE_S),
        )
        for call in calls:
            at = 1
            while Interrupt(at).strikes(call):
                at += 1
            assert at > 5
        assert in_time(lambda: broadcaster.flush(DEADLINE_S))
        assert broadcaster.flush(DEADLINE_S)
