"""A data set that no straight line separates: interleaved spirals, and a picture of what a classifier makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

EXTENT = 1.25  # pictures and points cover ±EXTENT in both directions
_COLOURS = np.array([(86, 156, 214), (229, 140, 78), (106, 176, 118), (190, 120, 190)], dtype=np.float64)


class Points(NamedTuple):
    """x: f8[n, 2] positions; target: i8[n] class of each."""

    x: np.ndarray
    target: np.ndarray


def make_spirals(
    random: np.random.Generator,
    *,
    classes: int = 3,
    per_class: int = 300,
    noise: float = 0.05,
    mislabelled: float = 0.03,
) -> Points:
    """Draw points along one spiral arm per class, in random order.

    Args:
        random: draws them.
        classes: number of arms, at most 4.
        per_class: points of each arm.
        noise: standard deviation of the distance from the arm.
        mislabelled: share of points with a class drawn at random, which no honest classifier can learn.
    """
    radius = np.sqrt(random.uniform(0.02, 1.0, (classes, per_class)))
    angle = 2 * np.pi * np.arange(classes)[:, None] / classes + 1.5 * np.pi * radius
    arms = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    x = (arms + random.normal(0.0, noise, arms.shape)).reshape(-1, 2)
    target = np.repeat(np.arange(classes), per_class)
    wrong = random.random(len(target)) < mislabelled
    target[wrong] = random.integers(0, classes, int(wrong.sum()))
    order = random.permutation(len(target))
    return Points(x[order], target[order])


def boundary_picture(classify: Callable[[np.ndarray], np.ndarray], points: Points, *, pixels: int = 128) -> np.ndarray:
    """Paint the decision regions, as strong in colour as the classifier is sure, with the points on top.

    Args:
        classify: gives f8[n, classes] probabilities for f8[n, 2] positions.
        points: drawn in the full colour of their class.
        pixels: width and height.

    Returns:
        u1[pixels, pixels, 3] RGB, the first row at the top.
    """
    axis = np.linspace(-EXTENT, EXTENT, pixels)
    grid = np.stack(np.meshgrid(axis, axis[::-1]), axis=-1).reshape(-1, 2)
    probability = np.nan_to_num(classify(grid))
    colours = _COLOURS[: probability.shape[1]]
    picture = (0.25 + 0.45 * (probability @ colours) / 255.0).reshape(pixels, pixels, 3) * 255.0
    column = np.clip(((points.x[:, 0] + EXTENT) / (2 * EXTENT) * pixels).astype(int), 0, pixels - 1)
    row = np.clip(((EXTENT - points.x[:, 1]) / (2 * EXTENT) * pixels).astype(int), 0, pixels - 1)
    picture[row, column] = colours[points.target]
    return np.ascontiguousarray(picture.clip(0, 255).astype(np.uint8))
