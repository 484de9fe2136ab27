"""The blocking calls that bring a device from one state to another; all run in the device's worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .catalog import make_device
from .device import StreamingDevice
from .spec import DeviceSpec
from .wishes import InstrumentError

STOP_S = 2.0

Take = Callable[[Any, float], None]
Listen = Callable[[str, str], None]


def connect(spec: DeviceSpec, device: Any, listen: Listen) -> tuple[Any, str]:
    """Make the device unless it is there, and connect it.

    Args:
        spec: which. device: as it was made before, or None. listen: takes what a new one tells of its own link.

    Returns:
        The device and how it names itself.
    """
    if device is None:
        device = make_device(spec)
        if callable(subscribe := getattr(device, "on_state", None)):
            subscribe(lambda state, detail="": listen(str(state), detail))
    if callable(connect := getattr(device, "connect", None)):
        connect()
    return device, str(getattr(device, "identity", "") or "")


def disconnect(device: Any) -> None:
    """Disconnect a device, if that is something it does."""
    if callable(disconnect := getattr(device, "disconnect", None)):
        disconnect()


def start(device: Any, rate_hz: float, take: Take) -> None:
    """Have it stream.

    Args:
        device: connected. rate_hz: readings a second. take: gets each with the unix time of its acquisition; of
            devices that do not tell, the time at which it came.
    """
    if isinstance(device, StreamingDevice):
        device.start_streaming(take, rate_hz, timed=True)
    elif callable(start := getattr(device, "start_streaming", None)):
        start(lambda value: take(value, time.time()), sample_rate=rate_hz)
    else:
        raise InstrumentError("it is no device that streams")


def stop(device: Any) -> bool:
    """End its stream; returns whether its thread ended."""
    ended = device.stop_streaming(timeout=STOP_S)
    return not device.is_streaming() if ended is None else bool(ended)


def look(device: Any) -> None:
    """Raise InstrumentError, with the reason, when the stream has ended by itself."""
    if not device.is_streaming():
        statistics = getattr(device, "statistics", None)
        reason = statistics().reason if callable(statistics) else ""
        raise InstrumentError(reason or "it ended by itself")
