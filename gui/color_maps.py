"""Colour maps of the waterfall: tables of 32-bit pixels, pure numpy.

Viridis, inferno, magma and cividis are the matplotlib maps (public domain, CC0), kept as 17 colours at equal distances
and interpolated between them; the error of that is below 7 of 255. "rainbow" has the course of Turbo, "grey" is linear.
"""

from __future__ import annotations

import numpy as np

STEPS = 256

_COLORS = {
    "viridis": "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1f9f88 27ad81 3dbc74 5cc863 81d34d "
    "aadc32 d5e21a fde725",
    "inferno": "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 d04545 e35933 f1711f f98c0a fcaa0f "
    "f9c932 f2e865 fcffa4",
    "magma": "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 cf4070 e55064 f4695c fb8761 fea571 fec287 "
    "fde0a1 fcfdbf",
    "rainbow": "2e1238 3c3a96 4463d8 4489fb 36aaf9 1fcadd 1ae4b6 46f783 85ff54 b4f836 dae336 f5c53a fea130 f8751d "
    "e2460b bb2203 7a0403",
    "grey": "000000 ffffff",
}

NAMES = tuple(_COLORS)


def color_map(name: str) -> np.ndarray:
    """Return the colours of a map, lowest value first.

    Args:
        name: one of ``NAMES``.

    Returns:
        u1[256, 3] red, green, blue.
    """
    anchors = np.array([list(bytes.fromhex(color)) for color in _COLORS[name].split()], dtype=float)
    at = np.linspace(0, len(anchors) - 1, STEPS)
    channels = [np.interp(at, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def pixel_table(name: str, nothing: int) -> np.ndarray:
    """Return the table from colour index to pixel.

    Args:
        name: one of ``NAMES``.
        nothing: pixel for "no value here".

    Returns:
        u4[257] pixels as 0xffRRGGBB; index 0 is ``nothing``, 1 … 256 are the colours.
    """
    red, green, blue = color_map(name).astype(np.uint32).T
    colors = np.uint32(0xFF000000) | red << 16 | green << 8 | blue
    return np.concatenate([np.array([nothing], dtype=np.uint32), colors])


def color_indices(values: np.ndarray, low: float, high: float, *, decibel: bool) -> np.ndarray:
    """Turn linear values into indices of a pixel table.

    Args:
        values: f4, any shape, linear; NaN means no value.
        low, high: values of the first and the last colour, in dB when ``decibel``, else linear; low < high.
        decibel: show 10 log10 of the magnitude.

    Returns:
        intp of the same shape: 0 for NaN, else 1 … 256; beyond the levels the first and the last colour.
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        shown = to_decibel(values) if decibel else values.astype(np.float32)
        shown -= np.float32(low)
        shown *= np.float32(STEPS / (high - low))
        np.maximum(shown, 0, out=shown)
        np.minimum(shown, STEPS - 1, out=shown)
        np.fmax(shown, -1, out=shown)  # NaN passed both limits above and becomes -1 here
        shown += 1
    return shown.astype(np.intp)


def to_decibel(values: np.ndarray) -> np.ndarray:
    """Return 10 log10 of the magnitude of linear values, f4; -inf for 0."""
    with np.errstate(divide="ignore"):
        shown = np.log(np.abs(values, dtype=np.float32))
    shown *= np.float32(10 / np.log(10))
    return shown
