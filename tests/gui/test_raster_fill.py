"""Shapes written by numpy, compared with what is worked out for one shape or pixel at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QPainter

from dockscope.gui.raster_fill import MAX_STAMP_PX, fill_boxes, fill_density, stamp_boxes
from dockscope.gui.raster_picture import RasterPicture, rgb32

HEIGHT, WIDTH = 37, 53


def inside(position, size) -> np.ndarray:
    """Which pixels' middles are in a rotated box, and by how much they miss its border, f8[HEIGHT, WIDTH] each."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    turn = np.deg2rad(float(position[2]))
    dx, dy = x - float(position[0]), y - float(position[1])
    along = np.abs(dx * np.cos(turn) + dy * np.sin(turn)) - float(size[0]) / 2
    across = np.abs(dy * np.cos(turn) - dx * np.sin(turn)) - float(size[1]) / 2
    return np.maximum(along, across)


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), upright=st.booleans(), largest=st.sampled_from([3.0, 20.0, 200.0]))
def test_a_box_is_where_it_is(seed, upright, largest):
    """Every pixel whose middle is in the box is filled and no other, but for one that a thin box needs to be seen."""
    random = np.random.default_rng(seed)
    turn = random.choice([0.0, 90.0, 180.0, -90.0]) if upright else random.uniform(-400, 400)
    position = np.array([[random.uniform(-20, WIDTH + 20), random.uniform(-20, HEIGHT + 20), turn]], "f4")
    size = random.uniform(2.0, largest, (1, 2)).astype("f4")
    pixels = np.zeros((HEIGHT, WIDTH), np.uint32)
    fill_boxes(pixels, position, size, np.array([7], np.uint32))
    depth = inside(position[0], size[0])
    assert np.all(pixels[depth < -0.01] == 7)
    assert np.all(pixels[depth > 1.0] == 0)
    assert np.mean((pixels == 7) == (depth < 0)) > 0.97


def test_later_boxes_lie_over_earlier_ones_and_have_an_edge():
    """The order is that of drawing; an upright box has its edge all around."""
    pixels = np.zeros((HEIGHT, WIDTH), np.uint32)
    position = np.array([(20, 20, 0), (24, 20, 90)], "f4")
    size = np.array([(16, 10), (10, 16)], "f4")
    fill_boxes(pixels, position, size, np.array([1, 2], np.uint32), np.array([3, 4], np.uint32))
    assert pixels[20, 24] == 2
    assert pixels[20, 13] == 1
    assert set(pixels[15, 16:32].tolist()) == {4}
    assert set(pixels[15:25, 16].tolist()) == {4}
    assert pixels[20, 12] == 3


@pytest.mark.parametrize("seed", range(4))
def test_stamps_have_their_size_and_stay_in_the_picture(seed):
    """Upright boxes of a few pixels are as large as they should be, cut at the rim, and the rest is untouched."""
    random = np.random.default_rng(seed)
    middle = np.column_stack([random.uniform(-3, WIDTH + 3, 300), random.uniform(-3, HEIGHT + 3, 300)]).astype("f4")
    half = random.uniform(0.1, 3.0, (300, 2)).astype("f4")
    pixels = np.zeros((HEIGHT, WIDTH), np.uint32)
    stamp_boxes(pixels, middle, half, np.full(300, 9, np.uint32))
    expected = np.zeros_like(pixels)
    for (x, y), (wide, high) in zip(np.floor(middle - half + np.float32(0.5)), half, strict=True):
        side = np.clip(np.round(2 * np.array([wide, high])), 1, MAX_STAMP_PX)
        rows, columns = slice(max(0, int(y)), max(0, int(y + side[1]))), slice(max(0, int(x)), max(0, int(x + side[0])))
        expected[rows, columns] = 9
    assert np.array_equal(pixels, expected)


def test_density_tells_how_many_and_of_which_colour():
    """A pixel is the nearer to the colour of its specks the more there are; where none is, nothing is written."""
    pixels = np.full((HEIGHT, WIDTH), 0xFF123456, np.uint32)
    middle = np.array([(5.2, 5.5)] * 1 + [(9.5, 5.9)] * 6 + [(13.1, 5.1)] * 500 + [(-3, 5), (WIDTH + 1, 2)], "f4")
    kind = np.array([0] * 7 + [1] * 502, np.uint8)
    palette = np.array([0xFFFF0000, 0xFF00FF00], np.uint32)
    fill_density(pixels, middle, kind, palette, 0xFF000000, cover=0.2)
    assert 0x60 < (pixels[5, 5] >> 16 & 0xFF) < (pixels[5, 9] >> 16 & 0xFF) < 0xFF
    assert pixels[5, 13] == 0xFF00FF00
    assert (pixels != 0xFF123456).sum() == 3


def test_nothing_to_fill_is_no_error():
    """No boxes, or none in the picture, leave it as it is."""
    pixels = np.zeros((HEIGHT, WIDTH), np.uint32)
    for position in (np.zeros((0, 3), "f4"), np.array([(500, 500, 30)], "f4")):
        color = np.ones(len(position), np.uint32)
        size = np.ones((len(position), 2), "f4")
        fill_boxes(pixels, position, size, color, color)
        stamp_boxes(pixels, position[:, :2], size, color)
        fill_density(pixels, position[:, :2], color.astype(np.uint8), np.ones(2, np.uint32), 0, 0.5)
    assert not pixels.any()


def test_painter_and_numpy_draw_on_the_same_memory(qapp):
    """What one of them draws the other sees, also while a painter is open."""
    picture = RasterPicture(QSize(20, 10), 2.0)
    assert picture.pixels.shape == (20, 40)
    picture.fill("#102030")
    with QPainter(picture.image) as painter:
        painter.fillRect(0, 0, 5, 5, QColor("#ff0000"))
        assert picture.pixels[9, 9] == rgb32("#ff0000")
        picture.pixels[0, 0] = rgb32("#00ff00")
        painter.fillRect(15, 5, 5, 5, QColor("#0000ff"))
    assert picture.image.pixelColor(0, 0).name() == "#00ff00"
    assert picture.pixels[-1, -1] == rgb32("#0000ff")
    assert picture.fits(QSize(20, 10), 2.0)
    assert not picture.fits(QSize(20, 10), 1.0)
