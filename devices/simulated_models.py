"""What the simulated instruments measure: the state is pyvisa-sim's, noise and drift are made here.

pyvisa-sim answers constants and what was set. A measured value is made of that: drift is a random walk that a spring
pulls back (an Ornstein-Uhlenbeck process, exact for any interval), noise is white.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Ask = Callable[[str], str]  # a question that pyvisa-sim answers


class Measuring(Protocol):
    """The measuring part of an instrument."""

    def measure(self, question: str, ask: Ask) -> bytes | None:
        """Return the answer to a question for a measured value; None for all others."""
        ...


class Drift:
    """A random walk around 0 that forgets.

    Args:
        rng: where chance comes from. sigma: its standard deviation in the long run. tau_s: how long it remembers.
        clock: seconds, monotonic.
    """

    def __init__(
        self, rng: np.random.Generator, sigma: float, tau_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rng, self._sigma, self._tau_s, self._clock = rng, sigma, tau_s, clock
        self._value = float(rng.normal(0.0, sigma))
        self._at_s = clock()

    def value(self) -> float:
        """Return where it is now."""
        now = self._clock()
        kept = math.exp(-(now - self._at_s) / self._tau_s)
        self._value = self._value * kept + float(self._rng.normal(0.0, self._sigma)) * math.sqrt(1.0 - kept * kept)
        self._at_s = now
        return self._value


class Multimeter:
    """Measured values are those of the file, with 2e-6 noise and 1e-4 drift of the value."""

    NOISE, DRIFT, DRIFT_TAU_S = 2e-6, 1e-4, 60.0

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._drift = Drift(rng, self.DRIFT, self.DRIFT_TAU_S)

    def measure(self, question: str, ask: Ask) -> bytes | None:
        """Return the answer to a question for a measured value; None for all others."""
        if not question.startswith("MEAS:") or not (nominal := ask(question)):
            return None
        value = float(nominal) * (1.0 + self._drift.value() + float(self._rng.normal(0.0, self.NOISE)))
        return f"{value:+.8E}".encode()


class PowerSupply:
    """Feeds 10 ohm: the voltage as set until the current reaches its limit, then the current."""

    LOAD_OHM, NOISE_V, NOISE_A, DRIFT, DRIFT_TAU_S = 10.0, 5e-4, 1e-4, 2e-4, 120.0

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._drift = Drift(rng, self.DRIFT, self.DRIFT_TAU_S)

    def measure(self, question: str, ask: Ask) -> bytes | None:
        """Return the answer to a question for a measured value; None for all others."""
        if question not in {"MEAS:VOLT?", "MEAS:CURR?"}:
            return None
        set_v, limit_a, is_on = float(ask("VOLT?")), float(ask("CURR?")), ask("OUTP?") == "1"
        current_a = min(set_v / self.LOAD_OHM, limit_a) * (1.0 + self._drift.value()) if is_on else 0.0
        if question == "MEAS:CURR?":
            return f"{current_a + self._rng.normal(0.0, self.NOISE_A):.5f}".encode()
        return f"{current_a * self.LOAD_OHM + self._rng.normal(0.0, self.NOISE_V):.5f}".encode()


class SpectrumAnalyzer:
    """Sees some carriers of the FM band, which fade, above a floor of noise; traces in dBm."""

    FLOOR_DBM, FADING_DB, FADING_TAU_S = -95.0, 3.0, 20.0
    RESOLUTION = 1 / 200  # of the span
    CARRIERS = ((91.3e6, -55.0), (95.8e6, -42.0), (98.1e6, -38.0), (101.7e6, -61.0), (104.9e6, -48.0))  # Hz, dBm

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._fading = [Drift(rng, self.FADING_DB, self.FADING_TAU_S) for _ in self.CARRIERS]
        self.axis_hz: tuple[float, float] | None = None  # first and last frequency of the last trace

    def measure(self, question: str, ask: Ask) -> bytes | None:
        """Return the answer to a question for a trace; None for all others."""
        if question not in {"TRAC? TRACE1", "TRAC:DATA? TRACE1"}:
            return None
        trace = self._trace(float(ask("FREQ:CENT?")), float(ask("FREQ:SPAN?")), int(ask("SWE:POIN?")))
        if ask("FORM?").startswith("ASC"):
            return ",".join(f"{level:.3f}" for level in trace).encode()
        payload = trace.astype(">f4").tobytes()
        size = str(len(payload))
        return f"#{len(size)}{size}".encode() + payload

    def _trace(self, center_hz: float, span_hz: float, points: int) -> np.ndarray:
        self.axis_hz = (center_hz - span_hz / 2, center_hz + span_hz / 2)
        frequency_hz = np.linspace(*self.axis_hz, points)
        floor = 10.0 ** (self.FLOOR_DBM / 10.0) * self._rng.exponential(size=points)  # power of complex noise
        power = floor
        for (carrier_hz, level_dbm), fading in zip(self.CARRIERS, self._fading, strict=True):
            shape = np.exp(-0.5 * ((frequency_hz - carrier_hz) / (span_hz * self.RESOLUTION)) ** 2)
            power = power + 10.0 ** ((level_dbm + fading.value()) / 10.0) * shape
        return 10.0 * np.log10(power)


@dataclass(frozen=True, kw_only=True)
class Model:
    """A simulated instrument.

    Attributes:
        title: for a person. file: its pyvisa-sim file in resources/simulated. address: its resource there.
        query: what a stream asks when nothing else is said. unit: of that. make: its measuring part.
    """

    title: str
    file: str
    address: str
    query: str
    unit: str
    make: Callable[[np.random.Generator], Measuring]


MODELS = {
    "multimeter": Model(
        title="Multimeter",
        file="multimeter.yaml",
        address="USB0::0x1209::0xD0C1::DMM-1::INSTR",
        query="MEAS:VOLT:DC?",
        unit="V",
        make=Multimeter,
    ),
    "power_supply": Model(
        title="Power supply",
        file="power_supply.yaml",
        address="TCPIP0::127.0.0.1::5025::SOCKET",
        query="MEAS:VOLT?",
        unit="V",
        make=PowerSupply,
    ),
    "spectrum_analyzer": Model(
        title="Spectrum analyzer",
        file="spectrum_analyzer.yaml",
        address="TCPIP0::127.0.0.1::inst0::INSTR",
        query="TRAC? TRACE1",
        unit="dBm",
        make=SpectrumAnalyzer,
    ),
}
