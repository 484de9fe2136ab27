"""Voltages of a crossed dipole as a digitizer samples them: noise with a band shape, carriers, bursts."""

from __future__ import annotations

import numpy as np

from .sky import CARRIERS, Sun, background_sfu, band_response, burst_sfu, carrier_flux_sfu


class CrossedDipole:
    """Two polarizations, sampled at complex baseband around the middle of the band.

    A voltage is in sqrt(sfu): its mean square per channel is the flux density times the band response.

    Args:
        frequency_hz: f8[nchan] ascending, regular; a block has as many samples as there are channels.
        random: draws the noise and the bursts.
    """

    def __init__(self, frequency_hz: np.ndarray, random: np.random.Generator) -> None:
        self._frequency_hz = frequency_hz
        self._random = random
        self._sun = Sun(random)
        self._gain = band_response(frequency_hz)
        self._quiet_sfu = background_sfu(frequency_hz)
        nchan = len(frequency_hz)
        sample_s = np.arange(nchan) / (nchan * float(frequency_hz[1] - frequency_hz[0]))
        offsets_hz = [carrier.frequency_hz - float(frequency_hz[nchan // 2]) for carrier in CARRIERS]
        # A tone gathers in one channel what noise spreads over all of them, hence the division.
        self._tones = [
            (np.exp(2j * np.pi * offset_hz * sample_s) / np.sqrt(nchan)).astype(np.complex64)
            for offset_hz in offsets_hz
        ]

    def voltages(self, t_s: float, blocks: int) -> np.ndarray:
        """Sample some blocks.

        Args:
            t_s: seconds since the start; within the blocks, which are microseconds long, the sky stands still.
            blocks: how many.

        Returns:
            c8[blocks, 2, nchan]: time samples of polarization X and Y.
        """
        # Gaussian noise is as white in frequency as in time, so it gets its shape there.
        left, right = (
            self._noise(blocks) * np.sqrt(flux * self._gain / 2).astype(np.float32) for flux in self._circular_sfu(t_s)
        )
        spectrum = np.stack([left + right, 1j * (left - right)], axis=1, dtype=np.complex64)
        samples = np.fft.ifft(np.fft.ifftshift(spectrum, axes=-1), axis=-1, norm="ortho").astype(np.complex64)
        for carrier, tone in zip(CARRIERS, self._tones, strict=True):
            self._add_tone(samples, tone, carrier_flux_sfu(carrier, t_s), carrier.angle_deg)
        return samples

    def _circular_sfu(self, t_s: float) -> tuple[np.ndarray, np.ndarray]:
        # Unpolarized light is left and right circular waves of equal strength, so the background is both alike.
        left, right = self._quiet_sfu.copy(), self._quiet_sfu.copy()
        for burst in self._sun.active_at(t_s):
            flux = burst_sfu(burst, self._frequency_hz, t_s)
            left += flux * (1.0 + burst.polarization)
            right += flux * (1.0 - burst.polarization)
        return left, right

    def _noise(self, blocks: int) -> np.ndarray:
        pairs = self._random.standard_normal((blocks, len(self._frequency_hz), 2), dtype=np.float32)
        return pairs.view(np.complex64)[..., 0] * np.float32(np.sqrt(0.5))

    def _add_tone(self, samples: np.ndarray, tone: np.ndarray, flux_sfu: float, angle_deg: float) -> None:
        if flux_sfu <= 0.0:
            return
        phase = np.exp(2j * np.pi * self._random.random((len(samples), 1)))  # blocks are far apart in time
        wave = (np.sqrt(flux_sfu) * phase).astype(np.complex64) * tone
        samples[:, 0] += wave * np.float32(np.cos(np.radians(angle_deg)))
        samples[:, 1] += wave * np.float32(np.sin(np.radians(angle_deg)))
