"""The blocking calls that bring a device from one state to another; all run in the device's worker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .bench_errors import EndedError, InstrumentError, UnfitError
from .catalog import make_device
from .device import StreamingDevice
from .spec import DeviceSpec

STOP_S = 2.0
EXTRA = "'dockscope[devices]'"
IN_EXTRA = ("pyvisa", "pyvisa_py", "pyvisa_sim")

Take = Callable[[Any, float], None]
Listen = Callable[[str, str], None]


def make(spec: DeviceSpec, listen: Listen) -> Any:
    """Make the device, not connected yet.

    Args:
        spec: which. listen: takes (state, sentence) when it tells of its own link.

    Raises:
        UnfitError: it cannot be made as it is described.
    """
    try:
        device = make_device(spec)
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        raise UnfitError(
            f"{package} is not installed here: pip install {EXTRA if package in IN_EXTRA else package}"
        ) from error
    except (ValueError, TypeError, ImportError) as error:
        raise UnfitError(str(error) or type(error).__name__) from error
    if callable(subscribe := getattr(device, "on_state", None)):
        subscribe(lambda state, detail="": listen(str(state), detail))
    return device


def connect(device: Any) -> str:
    """Connect a device, if that is something it does; returns how it names itself."""
    if callable(connect := getattr(device, "connect", None)):
        connect()
    return str(getattr(device, "identity", "") or "")


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
    """Raise EndedError, with the reason, when the stream has ended by itself."""
    if not device.is_streaming():
        statistics: Any = getattr(device, "statistics", None)
        reason = "" if statistics is None else statistics().reason
        raise EndedError(reason or "it ended by itself", is_logged=bool(reason))
