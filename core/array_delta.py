"""What changed from one array to the next, exact to the bit, in less room than the array when little changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_WORTH_IT = 0.75  # of the array's bytes: a larger change is not worth taking apart
# Of arrays above this many elements so many are looked at first: comparing all of them takes milliseconds.
_LARGE, _SAMPLE = 500_000, 5_000


@dataclass(frozen=True, eq=False)
class ArrayDelta:
    """The elements of an array that differ from the array before it.

    Args:
        places: u4[k] their ascending positions in C order, or u1 bits over all positions, whichever is smaller.
        bits: u1/u2/u4/u8[k] their new bit patterns.
        is_mask: whether ``places`` are bits.
    """

    places: np.ndarray
    bits: np.ndarray
    is_mask: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not len(self.bits)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self.places.nbytes + self.bits.nbytes

    def apply(self, array: np.ndarray) -> None:
        """Turn the array before into the array after, in place."""
        flat = _bit_patterns(array)
        if self.is_mask:
            flat[np.unpackbits(self.places, count=len(flat)).view(bool)] = self.bits
        else:
            flat[self.places] = self.bits


def array_delta(before: np.ndarray, after: np.ndarray) -> ArrayDelta | None:
    """Return what turns one array into the other; None when the whole array is the better record.

    Two NaN and two zeros are told apart by their bits.

    Args:
        before, after: of any shape, with elements of 1, 2, 4 or 8 bytes.
    """
    if not _alike(before, after) or after.size >= 2**32:
        return None
    old, new = _bit_patterns(before), _bit_patterns(after)
    if len(new) > _LARGE and float(np.mean(old[:: len(new) // _SAMPLE] != new[:: len(new) // _SAMPLE])) > _WORTH_IT:
        return None
    differs = old != new
    changed = int(np.count_nonzero(differs))
    is_mask = 4 * changed > len(new) / 8
    nbytes = changed * new.itemsize + (len(new) // 8 + 1 if is_mask else 4 * changed)
    if nbytes > _WORTH_IT * new.nbytes:
        return None
    places = np.packbits(differs) if is_mask else np.flatnonzero(differs).astype(np.uint32)
    return ArrayDelta(places, new[differs], is_mask)


def _alike(before: np.ndarray, after: np.ndarray) -> bool:
    return before.dtype == after.dtype and before.shape == after.shape and after.dtype.itemsize in (1, 2, 4, 8)


def _bit_patterns(array: np.ndarray) -> np.ndarray:
    """Return the elements in C order as unsigned integers; a view, if the array lies so in memory."""
    return np.ascontiguousarray(array).reshape(-1).view(f"u{array.dtype.itemsize}")
