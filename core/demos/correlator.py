"""From voltages to averaged power: FFT, polarization products, and the averaging chain of a data recorder."""

from __future__ import annotations

import numpy as np

PRODUCTS = ("XX", "YY", "Re XY*", "Im XY*")


class Correlator:
    """Channelize blocks of voltages and multiply the polarizations.

    Args:
        nchan: channels, and samples per block.
    """

    def __init__(self, nchan: int) -> None:
        window = np.hanning(nchan)  # keeps a strong carrier out of its neighbours
        self._window = (window / np.sqrt(np.mean(window**2))).astype(np.float32)

    def correlate(self, voltages: np.ndarray) -> np.ndarray:
        """Return the products of each block, channels in ascending frequency.

        Args:
            voltages: c8[ntime, 2, nchan] time samples of X and Y.

        Returns:
            f4[ntime, nchan, 4]: the products of ``PRODUCTS``.
        """
        spectra = np.fft.fft(voltages * self._window, axis=-1, norm="ortho").astype(np.complex64)
        x, y = np.fft.fftshift(spectra, axes=-1).transpose(1, 0, 2)
        cross = x * y.conj()
        return np.stack([_power(x), _power(y), np.real(cross), np.imag(cross)], axis=-1)


def _power(voltage: np.ndarray) -> np.ndarray:
    return np.real(voltage) ** 2 + np.imag(voltage) ** 2


class Averager:
    """Average gulps over time until an integration is full.

    Args:
        gulps: how many make one integration.
    """

    def __init__(self, gulps: int) -> None:
        self._gulps = gulps
        self._waiting: list[np.ndarray] = []

    def add(self, gulp: np.ndarray) -> np.ndarray | None:
        """Take one gulp.

        Args:
            gulp: f4[ntime, nbeam, nchan, npol].

        Returns:
            f4[nbeam, nchan, npol], the mean over time, when the integration is full; else None.
        """
        self._waiting.append(gulp.mean(axis=0))
        if len(self._waiting) < self._gulps:
            return None
        mean = np.mean(self._waiting, axis=0)
        self._waiting.clear()
        return mean
