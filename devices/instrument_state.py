"""The states of a device, and the steps between them."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any, NamedTuple

STEP_S = 10.0  # after which a call of the device is given up


class InstrumentState(enum.StrEnum):
    """What a device does, as far as it has told."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    STREAMING = "streaming"
    PAUSED = "paused"
    RETRYING = "retrying"
    FAILED = "failed"


class Step(NamedTuple):
    """A blocking call towards what is wanted; ``done`` takes its result, and returns a fault to tell or ""."""

    name: str
    call: Callable[[], Any]
    done: Callable[[Any], str]
    limit_s: float = STEP_S
