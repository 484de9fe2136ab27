"""The averaging chain of a data recorder: spectra of many gulps become one mean."""

from __future__ import annotations

import numpy as np


class Averager:
    """Average gulps over time, each by the number of its spectra.

    Attributes:
        gulps: taken since the last mean.
    """

    def __init__(self) -> None:
        self.gulps = 0
        self._spectra = 0
        self._sum: np.ndarray | None = None

    def fits(self, gulp: np.ndarray) -> bool:
        """Tell whether a gulp can be averaged with those that were taken."""
        return self._sum is None or self._sum.shape == gulp.shape[1:]

    def add(self, gulp: np.ndarray) -> None:
        """Take one gulp.

        Args:
            gulp: [ntime, nbeam, nchan, npol] real numbers, at least one spectrum.

        Raises:
            ValueError: it does not fit.
        """
        if not self.fits(gulp) or not len(gulp):
            raise ValueError(f"gulp: of shape {gulp.shape}, which does not fit those before it")
        total = gulp.sum(axis=0, dtype=np.float64)
        self._sum = total if self._sum is None else self._sum + total
        self._spectra += len(gulp)
        self.gulps += 1

    def take(self) -> np.ndarray | None:
        """Return the mean over all that was taken, f4[nbeam, nchan, npol], and begin anew; None when there is none."""
        if self._sum is None:
            return None
        with np.errstate(over="ignore"):  # beyond single precision is infinite there
            mean = (self._sum / self._spectra).astype(np.float32)
        self.gulps, self._spectra, self._sum = 0, 0, None
        return mean
