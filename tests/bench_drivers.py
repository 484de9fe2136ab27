"""Instruments of pymeasure that tests need: over a simulation of their own, with faults on demand."""

from __future__ import annotations

import threading
from typing import Any, ClassVar, cast

import numpy as np
from pymeasure.adapters import FakeAdapter
from pymeasure.instruments import Channel, Instrument


class Simulation(Instrument):
    """A supply whose values the test sets; ``faults`` are raised by the next readings."""

    faults: ClassVar[list[Exception]] = []

    class Output(Channel):
        """One output."""

        level = 3.5

    first: Any = Instrument.ChannelCreator(cast("Any", Output), "A")

    def __init__(self, name: str = "Simulation", **_) -> None:
        super().__init__(FakeAdapter(), name, includeSCPI=False)
        self.limit = 1.0
        self.count = 0

    @property
    def voltage(self) -> float:
        """Measure, or fail as told."""
        if self.faults:
            raise self.faults.pop()
        self.count += 1
        return self.limit * self.count

    @property
    def trace(self) -> np.ndarray:
        """Measure a trace."""
        return np.arange(5.0)

    def ask(self, command: str, query_delay: float | None = None) -> str:
        """Answer with the question itself."""
        return f"{command} answered"


class Hanging(Instrument):
    """An instrument that cannot be opened before ``let_go`` is set, and does not say so."""

    let_go: ClassVar[threading.Event] = threading.Event()
    entered: ClassVar[threading.Event] = threading.Event()

    def __init__(self, **_) -> None:
        self.entered.set()
        self.let_go.wait(60)
        super().__init__(FakeAdapter(), "Hanging", includeSCPI=False)

    value = 1.0
