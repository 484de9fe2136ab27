"""What the spectrometer demo looks at: galactic background, carriers of stations, drifting solar bursts.

Flux densities are in sfu (solar flux units, 1e-22 W m⁻² Hz⁻¹) and functions of frequency and time only.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

BACKGROUND_AT_50_MHZ_SFU = 2.0
BURST_INTERVAL_S = 14.0


class Carrier(NamedTuple):
    """A station: ``angle_deg`` is that of its linear polarization, ``fading_s`` the period of its fading."""

    frequency_hz: float
    flux_sfu: float
    angle_deg: float
    fading_s: float


# Short-wave broadcast bands, citizens' band, six metres and old television, as a receiver at these frequencies meets.
CARRIERS = (
    Carrier(13.72e6, 900.0, 20.0, 7.0),
    Carrier(15.31e6, 1500.0, 65.0, 11.0),
    Carrier(17.785e6, 700.0, 110.0, 5.0),
    Carrier(21.605e6, 350.0, 35.0, 9.0),
    Carrier(27.185e6, 500.0, 80.0, 3.0),
    Carrier(50.11e6, 150.0, 140.0, 13.0),
    Carrier(55.25e6, 300.0, 45.0, 600.0),
    Carrier(77.25e6, 250.0, 10.0, 600.0),
)


class Burst(NamedTuple):
    """A solar type III burst: starts at the top of the band at ``start_s`` and drifts down.

    ``polarization`` is the degree of circular polarization, -1 … 1.
    """

    start_s: float
    peak_sfu: float
    polarization: float


def band_response(frequency_hz: np.ndarray) -> np.ndarray:
    """Return the power gain of antenna, cable and filter, f8[nchan].

    A short dipole loses towards low frequencies, the anti-aliasing filter cuts both edges, and the echo in 60 m of
    cable leaves a ripple.
    """
    f = frequency_hz / 1e6
    edges = 1.0 / ((1.0 + (14.5 / f) ** 12) * (1.0 + (f / 85.5) ** 60))
    ripple = 1.0 + 0.06 * np.cos(2 * np.pi * f / 2.1)
    return edges * ripple * (0.35 + 0.65 / (1.0 + (30.0 / f) ** 4))


def background_sfu(frequency_hz: np.ndarray) -> np.ndarray:
    """Return the galactic background, f8[nchan]: brightness falls as f^-2.55, so flux at one beam as f^-0.55."""
    return BACKGROUND_AT_50_MHZ_SFU * (frequency_hz / 50e6) ** -0.55


def burst_sfu(burst: Burst, frequency_hz: np.ndarray, t_s: float) -> np.ndarray:
    """Return the flux of a burst at a time, f8[nchan].

    The drift rate is -0.01 f^1.84 MHz/s with f in MHz (Alvarez and Haddock 1973a), integrated to the time at which
    each channel peaks; the decay time is 10^7.71 f^-0.95 s with f in Hz (Alvarez and Haddock 1973b).
    """
    f = frequency_hz / 1e6
    peak_s = burst.start_s + (f**-0.84 - (frequency_hz.max() / 1e6) ** -0.84) / (0.84 * 0.01)
    decay_s = 10**7.71 * frequency_hz**-0.95
    after = t_s - peak_s
    profile = np.where(after < 0.0, np.exp(-((after / (0.35 * decay_s)) ** 2)), np.exp(-np.maximum(after, 0) / decay_s))
    return burst.peak_sfu * (f / 40.0) ** -0.8 * profile


class Sun:
    """Bursts at random times, alone or in groups; it goes on while nobody looks.

    Args:
        random: draws the bursts.
    """

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self._next_s = 1.0
        self._bursts: list[Burst] = []

    def active_at(self, t_s: float) -> list[Burst]:
        """Return the bursts that shine at ``t_s`` seconds after the start; times must not go back."""
        while self._next_s < t_s + 2.0:
            self._draw_group()
        self._bursts = [burst for burst in self._bursts if burst.start_s > t_s - 40.0]
        return self._bursts

    def _draw_group(self) -> None:
        start_s = self._next_s
        for _ in range(int(self._random.integers(1, 4))):
            peak_sfu = 10 ** self._random.uniform(0.5, 2.0)
            self._bursts.append(Burst(start_s, peak_sfu, self._random.uniform(-0.5, 0.5)))
            start_s += self._random.uniform(0.6, 2.5)
        self._next_s += self._random.exponential(BURST_INTERVAL_S) + 4.0


def carrier_flux_sfu(carrier: Carrier, t_s: float) -> float:
    """Return the flux of a station at a time: it fades, and it is silent for a fifth of each 40 s."""
    if (t_s + carrier.frequency_hz / 1e6) % 40.0 < 8.0:
        return 0.0
    return carrier.flux_sfu * (0.55 + 0.45 * math.sin(2 * math.pi * t_s / carrier.fading_s))
