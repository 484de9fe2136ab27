"""One local device followed on the loop: its states, its readings, its losses."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any

from ..core.dialects.reception import Reception
from ..core.link_address import LinkError
from ..core.messages import Hello, Kind
from ..core.run_control import Command
from ..core.turns import Turns
from .device_inbox import DeviceInbox
from .instrument import Instrument, InstrumentState
from .losses import LossWatch
from .reading_delivery import ReadingDelivery
from .source_control import SourceControl
from .spec import DeviceSpec

TICK_S = 0.2
LOSSES_EVERY_S = 5.0  # told together
DOWN = frozenset(
    {
        InstrumentState.DISCONNECTED,
        InstrumentState.CONNECTING,
        InstrumentState.RETRYING,
        InstrumentState.FAILED,
    }
)
LEFT_WORDS = "{id} was disconnected here; it can be started again"


class SourceSession:
    """Follow a device (see ``ForeignSource``), which outlives each connection to it.

    Args:
        spec: which device. turns: say when to deliver. make_control: makes what steers an instrument.
        subscribes: False to look at it only, and stream nothing.

    Attributes:
        instrument: the device; another one after an end and a new start.
        rests: connect it only, and stream when that is asked for.
    """

    def __init__(
        self,
        spec: DeviceSpec,
        turns: Turns,
        *,
        make_control: Callable[[Instrument], SourceControl],
        subscribes: bool,
    ) -> None:
        self._spec, self._turns, self._make_control, self._subscribes = spec, turns, make_control, subscribes
        self.rests = False
        self._id = os.urandom(16)
        self._delivery: ReadingDelivery | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reset()

    def _reset(self) -> None:
        """Have a device of its own, which nobody has asked for anything yet."""
        self._state, self._detail, self._told_trouble = InstrumentState.CONNECTING, "", ""
        self._gaps, self._losses = LossWatch(), LossWatch()
        self._losses_due_s = time.monotonic() + LOSSES_EVERY_S
        self._inbox = inbox = DeviceInbox()
        self.instrument = Instrument(
            self._spec, on_change=inbox.on_change, on_samples=inbox.on_samples, on_fault=inbox.on_fault
        )
        self._control = self._make_control(self.instrument)

    def start(self) -> None:
        """Have the device connect and stream; needs a running event loop."""
        if self._inbox.is_shut:
            self._spec = self.instrument.spec
            self._reset()
        self._inbox.open(asyncio.get_running_loop())
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)
        if self._subscribes and not self.rests:
            self.instrument.start()
        else:
            self.instrument.connect()

    def end(self) -> None:
        """Hear nothing more of the device."""
        self._inbox.shut()
        if self._timer is not None:
            self._timer.cancel()

    def steer(self, command: str, args: dict[str, Any]) -> str | None:
        """Begin a command (see ``ForeignSource``)."""
        return self._control.steer(command, args)

    async def connect(self, reception: Reception) -> None:
        """Follow the device until it is not connected any more (see ``ForeignSource``)."""
        if self._delivery is None:  # the numbers of its series hold for as long as the source lives
            self._delivery = ReadingDelivery(reception)
        while not self._take_news():
            self._tell_trouble()
            self._tell_faults(reception)
            await self._inbox.filled()
        self._told_trouble = ""
        reception.up(self._hello())
        self._control.forget()
        while self._take_news():
            self._control.tell(reception)
            await self._deliver(reception)
            self._tell_faults(reception)
            await self._inbox.filled()
        await self._deliver(reception)
        self._tell_trouble()
        raise LinkError(LEFT_WORDS.format(id=self._spec.id))

    def _take_news(self) -> bool:
        """Take the states up to the next that begins or ends a connection; returns whether it is connected then."""
        was_up = self._state not in DOWN
        while self._inbox.news:
            self._state, self._detail = self._inbox.news.popleft()
            if (self._state not in DOWN) is not was_up:
                self._inbox.wake()  # for what comes after it
                break
        return self._state not in DOWN

    def _tell_trouble(self) -> None:
        """Raise why there is no connection, once until the reason changes; how long it is waited for is none."""
        trouble = self._detail.partition(";")[0]
        if trouble and trouble != self._told_trouble:
            self._told_trouble = trouble
            raise LinkError(self._detail)

    def _hello(self) -> Hello:
        return Hello(
            self._id,
            self._spec.id,
            host=self.instrument.identity,
            pid=os.getpid(),
            capabilities=tuple(Command),
            streams=((Kind.METRIC.value, self._spec.metric),),
            role="operate",
            is_numbered=False,
        )

    async def _deliver(self, reception: Reception) -> None:
        while self._inbox.readings:
            await self._turns.take(lambda until_s: self._deliver_some(reception, until_s))

    def _deliver_some(self, reception: Reception, until_s: float) -> None:
        assert self._delivery is not None
        reception.heard()
        readings = self._inbox.readings
        while readings and time.monotonic() < until_s:
            reading = readings.popleft()
            if reading is None:
                self._delivery.deliver()
                reception.gap(self._spec.metric)
            else:
                self._delivery.take(self.instrument, *reading)
        self._delivery.deliver()

    def _tell_faults(self, reception: Reception) -> None:
        """Tell what went wrong, apart from what is told as the reason of a lost connection."""
        faults = self._inbox.faults
        while faults:
            sentence = faults.popleft()
            if not self._told_trouble or self._told_trouble not in sentence:
                reception.problem(f"fault {sentence[:60]}", sentence)

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)
        self.instrument.tick()
        if self._gaps.look(self.instrument).dropped:
            self._inbox.mark_gap()
        if time.monotonic() >= self._losses_due_s:
            self._losses_due_s = time.monotonic() + LOSSES_EVERY_S
            overrun, self._inbox.overrun = self._inbox.overrun, 0
            for sentence in self._losses.look(self.instrument).sentences(self.instrument, overrun):
                self._inbox.on_fault(self.instrument, sentence)
