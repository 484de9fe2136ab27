"""The frequencies of a message's channels: as its header tells, else by the channel plan of OVRO's beam recorder."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..messages import ProtocolError
from .ovro_packet import Header

CHANNEL_HZ = 196e6 / 8192
FIRST_CHANNEL = 600
LARGEST_MHZ = 1e5  # a smaller number is in MHz: nobody looks at 100 kHz with this, nor at 100 GHz
MOST_HZ = 1e15
IRREGULAR = 1e-3  # of a channel; less is rounding
NO_FREQUENCIES = "the frequencies in its header are none"


class Axis(NamedTuple):
    """Centre of the first channel and spacing, Hz; all centres f8[nchan] when they are not regular, else None."""

    f0: float
    df: float
    frequencies: np.ndarray | None = None


def axis_of(header: Header, nchan: int) -> Axis:
    """Return where ``nchan`` channels lie.

    Raises:
        ProtocolError: the header tells frequencies that are none.
    """
    if header.frequencies is not None:
        return _listed(header.frequencies, nchan)
    spacing_hz = CHANNEL_HZ
    if header.df is not None:
        spacing_hz = _hertz(header.df, header.f0)
    elif header.bw is not None:
        spacing_hz = _hertz(header.bw, header.bw) / nchan
    if header.f0 is not None:
        return _checked(_hertz(header.f0, header.f0), spacing_hz)
    first = FIRST_CHANNEL if header.chan0 is None else header.chan0
    return _checked(first * CHANNEL_HZ, spacing_hz)


def _listed(frequencies: list[float], nchan: int) -> Axis:
    if len(frequencies) != nchan:
        raise ProtocolError(f"{len(frequencies)} frequencies for {nchan} channels")
    hz = np.array(frequencies, dtype=np.float64)
    if not np.all(np.abs(hz) < MOST_HZ):  # NaN neither
        raise ProtocolError(NO_FREQUENCIES)
    if np.abs(hz).max() < LARGEST_MHZ:
        hz *= 1e6
    f0 = float(hz[0])
    df = float(hz[-1] - hz[0]) / (nchan - 1) if nchan > 1 else CHANNEL_HZ
    axis = _checked(f0, df)
    regular = np.abs(hz - (f0 + df * np.arange(nchan))) <= abs(df) * IRREGULAR
    return axis if regular.all() else Axis(f0, df, hz)


def _hertz(number: float, beside: float | None) -> float:
    """Read a number in the unit that the number beside it seems to have."""
    return number * 1e6 if abs(number if beside is None else beside) < LARGEST_MHZ else number


def _checked(f0: float, df: float) -> Axis:
    if not (math.isfinite(f0) and math.isfinite(df) and abs(f0) < MOST_HZ and 0 < abs(df) < MOST_HZ):
        raise ProtocolError(NO_FREQUENCIES)
    return Axis(f0, df)
