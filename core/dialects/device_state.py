"""What is known of a device server at a moment, and what of it a viewer is told as run state and parameters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from typing import Any

from ..messages import ControlState, ParameterState
from ..run_control import RunState
from .device_listing import Device
from .device_stream import DeviceStream
from .device_tasks import CANCELLED, PAUSED, RUNNING, TaskBook

STREAM, ERROR, TASK = "stream", "error", "task"  # last words of the names of parameters


class DeviceState:
    """Devices, their streams and tasks, always on the server's word.

    Args:
        on_change: is called when something is otherwise than before.

    Attributes:
        names: that the source is narrowed to, none for all. devices: as listed, by id. tasks: as listed.
        streams: by device, of those that are streamed to us or can be.
    """

    def __init__(self, names: Collection[str], on_change: Callable[[], None]) -> None:
        self.names = names
        self.devices: dict[str, Device] = {}
        self.streams: dict[str, DeviceStream] = {}
        self.tasks = TaskBook()
        self._on_change = on_change
        self._waiting: list[asyncio.Future[None]] = []

    def take_devices(self, devices: Iterable[Device]) -> None:
        """Take a new list of devices."""
        self.devices = {device.id: device for device in devices}
        self.mark()

    def told_task(self, task: str, state: str) -> None:
        """Take note of what the server said of a task."""
        self.tasks.told(task, state)
        self.mark()

    def told_stopped(self, device: str) -> None:
        """Take note that the server stopped a stream."""
        if device in self.devices:
            self.devices[device] = self.devices[device]._replace(is_streaming=False)
        if device in self.streams:
            self.streams[device].is_stopped = True
        self.mark()

    def mark(self) -> None:
        """Say that something is otherwise than before."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)
        self._on_change()

    async def changed(self) -> None:
        """Wait for the next change."""
        self._waiting.append(asyncio.get_running_loop().create_future())
        await self._waiting[-1]

    def tasks_here(self) -> list[str]:
        """Return the running tasks that the source is about."""
        return self.tasks.within(self.names, self.devices.values())

    def streams_here(self) -> list[str]:
        """Return the devices whose streams this source may stop: ours, and those that it names."""
        return [id_ for id_ in self.devices if id_ in self.names or (id_ in self.streams and self._is_ours(id_))]

    def stopped_here(self) -> list[str]:
        """Return the devices that could stream to us but are not wanted to."""
        return [id_ for id_, stream in self.streams.items() if not stream.is_wanted]

    def is_streaming(self, device: str) -> bool:
        """Tell whether a device streams to us, or to somebody else."""
        return self.devices[device].is_streaming or (device in self.streams and self._is_ours(device))

    def _is_ours(self, device: str) -> bool:
        return self.streams[device].is_on and not self.streams[device].is_stopped

    def control(self) -> ControlState:
        """Return run state and parameters."""
        idle = not self.tasks.running and bool(self.streams) and len(self.stopped_here()) == len(self.streams)
        run = RunState.PAUSED if self.tasks.all_paused or idle else RunState.RUNNING
        streaming = sum(map(self.is_streaming, self.devices))
        words = f"devices that stream: {streaming} of {len(self.devices)}, tasks that run: {len(self.tasks.running)}"
        return ControlState(run.value, reason=words, parameters=tuple(self._parameters()))

    def _parameters(self) -> Iterable[ParameterState]:
        for id_, device in self.devices.items():
            if id_ in self.streams:
                yield ParameterState(f"{id_} {STREAM}", "bool", self.is_streaming(id_))
            if device.error is not None and (not self.names or id_ in self.names):
                yield ParameterState(f"{id_} {ERROR}", "bool", True)
        for id_ in self.tasks_here():
            choices = (RUNNING, PAUSED, CANCELLED)
            yield ParameterState(f"{id_} {TASK}", "str", self.tasks.state(id_), choices=choices)

    def listing(self) -> dict[str, Any]:
        """Return all devices as they are shown to a person."""
        return {
            id_: {
                "type": device.type,
                "connected": device.is_connected,
                "streaming": self.is_streaming(id_),
                "task": device.owner or None,
                "error": device.error.sentence if device.error else None,
            }
            for id_, device in self.devices.items()
        }
