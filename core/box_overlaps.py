"""Which upright boxes overlap each other, by sweeping along x."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


def overlapping_boxes(centre: Floats, half: Floats) -> tuple[Ints, Ints, Floats]:
    """Find the pairs of boxes that overlap.

    Args:
        centre, half: f8[n, 2], the middle and half of width and height of each.

    Returns:
        (i, j, depth f8[k, 2] along x and y, both positive).
    """
    left, right = centre[:, 0] - half[:, 0], centre[:, 0] + half[:, 0]
    order = np.argsort(left)
    index = np.arange(len(order))
    following = np.searchsorted(left[order], right[order], "left") - index - 1
    following = np.maximum(following, 0)
    a = np.repeat(index, following)
    b = a + 1 + np.arange(len(a)) - np.repeat(np.cumsum(following) - following, following)
    i, j = order[a], order[b]
    depth = half[i] + half[j] - np.abs(centre[i] - centre[j])
    hit = (depth > 0.0).all(axis=1)
    return i[hit], j[hit], depth[hit]


def half_extents(size: Floats, degrees: Floats) -> Floats:
    """Return f8[n, 2], half width and height of the upright boxes around turned ones.

    Args:
        size: f8[n, 2] width, height. degrees: f8[n].
    """
    angle = np.radians(degrees)
    cosine, sine = np.abs(np.cos(angle)), np.abs(np.sin(angle))
    width, height = size[:, 0], size[:, 1]
    return np.stack((width * cosine + height * sine, width * sine + height * cosine), axis=1) / 2.0
