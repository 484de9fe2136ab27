"""How a receiver turns what it gets into rows of its ring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..messages import Spectrum

MOST_ROWS = 10**7


@dataclass(frozen=True)
class ReceiverOptions:
    """The options of ``StreamReceiver`` that can be changed while it runs.

    Args:
        buffer_length: rows of the ring. gc_interval: spectra between two garbage collections, 0 for none.
        pol: index of the product, or its name, such as "YY", "I" or "V". beam: from 0.
        freq_average: neighbouring channels that become one.

    Raises:
        ValueError, TypeError: one is wrong; the text names it.
    """

    buffer_length: int = 1200
    gc_interval: int = 100
    pol: int | str = 0
    beam: int = 0
    freq_average: int = 2

    def __post_init__(self) -> None:
        for name, least in (("buffer_length", 1), ("gc_interval", 0), ("beam", 0), ("freq_average", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer):
                raise TypeError(f"{name}: must be an integer, not {type(value).__name__}")
            if not least <= value <= MOST_ROWS:
                raise ValueError(f"{name}: {value} is not between {least} and {MOST_ROWS:,}")
        if isinstance(self.pol, bool) or not isinstance(self.pol, int | str):
            raise TypeError(f"pol: must be an index or a name, not {type(self.pol).__name__}")
        if isinstance(self.pol, int) and self.pol < 0:
            raise ValueError(f"pol: {self.pol} is below 0")

    def same_rows(self, other: ReceiverOptions) -> bool:
        """Tell whether rows made with other options mean the same as rows made with these."""
        return (self.pol, self.beam, self.freq_average) == (other.pol, other.beam, other.freq_average)

    def row(self, spectrum: Spectrum) -> np.ndarray | None:
        """Return the row of a spectrum, f4[ceil(nchan / freq_average)], or None when it has no such product."""
        names = spectrum.polarizations
        index = names.index(self.pol) if self.pol in names else self.pol
        if isinstance(index, str) or index >= len(names):
            return None
        return averaged(spectrum.power[index], self.freq_average)

    def frequencies(self, spectrum: Spectrum) -> np.ndarray:
        """Return the centres of a row's numbers, f8 Hz."""
        hz = spectrum.frequencies
        return averaged(
            spectrum.f0 + spectrum.df * np.arange(spectrum.power.shape[1]) if hz is None else hz, self.freq_average
        )


def averaged(values: np.ndarray, count: int) -> np.ndarray:
    """Average each ``count`` neighbours; the last group may have fewer."""
    starts = np.arange(0, len(values), count)
    sizes = np.diff(starts, append=len(values))
    with np.errstate(invalid="ignore", over="ignore"):
        return (np.add.reduceat(values, starts, dtype=np.float64) / sizes).astype(values.dtype)
