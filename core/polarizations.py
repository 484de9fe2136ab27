"""Polarization products of two crossed dipoles, their names, and the Stokes parameters that follow from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

XX, YY, REAL, IMAGINARY = PRODUCTS = ("XX", "YY", "Re XY*", "Im XY*")
INTENSITY, CIRCULAR = "I", "V"

# As recorders of this kind spell them.
_SPELLINGS = {
    "CR": REAL,
    "XY_REAL": REAL,
    "RE(XY*)": REAL,
    "CI": IMAGINARY,
    "XY_IMAG": IMAGINARY,
    "IM(XY*)": IMAGINARY,
} | {name.upper(): name for name in (*PRODUCTS, INTENSITY, CIRCULAR)}


def product_names(count: int, told: Sequence[str] = ()) -> tuple[str, ...]:
    """Name the products of a spectrum.

    Args:
        count: how many there are. told: names that came with them; others than ``count`` are not believed.

    Returns:
        The told ones in one spelling; else XX, YY and their cross products for four, XX and YY for two, else numbers.
    """
    if len(told) == count:
        names = [name.strip() for name in told]
        return tuple(_SPELLINGS.get(name.upper(), name) for name in names)
    if count in (2, 4):
        return PRODUCTS[:count]
    return tuple(f"pol {index}" for index in range(count))


def with_stokes(power: np.ndarray, names: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Add the Stokes parameters I and V that follow from the products and are not there already.

    I is the mean of XX and YY, so V is the imaginary part of XY*: both are half of what IEEE Std 211 names so.

    Args:
        power: f4[npol, nchan]. names: of the products.

    Returns:
        f4[npol + derived, nchan], and all names.
    """
    rows: list[np.ndarray] = []
    derived: list[str] = []
    if INTENSITY not in names and XX in names and YY in names:
        with np.errstate(invalid="ignore", over="ignore"):
            rows.append(power[names.index(XX)] / 2 + power[names.index(YY)] / 2)
        derived.append(INTENSITY)
    if CIRCULAR not in names and IMAGINARY in names:
        rows.append(power[names.index(IMAGINARY)])
        derived.append(CIRCULAR)
    return (np.vstack([power, *rows]) if rows else power), (*names, *derived)
