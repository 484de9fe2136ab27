"""From voltages to power: FFT and polarization products."""

from __future__ import annotations

import numpy as np


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
            f4[ntime, nchan, 4]: the products of ``polarizations.PRODUCTS``.
        """
        spectra = np.fft.fft(voltages * self._window, axis=-1, norm="ortho").astype(np.complex64)
        x, y = np.fft.fftshift(spectra, axes=-1).transpose(1, 0, 2)
        cross = x * y.conj()
        return np.stack([_power(x), _power(y), np.real(cross), np.imag(cross)], axis=-1)


def _power(voltage: np.ndarray) -> np.ndarray:
    return np.real(voltage) ** 2 + np.imag(voltage) ** 2
