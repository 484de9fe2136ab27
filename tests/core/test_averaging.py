"""The averaging chain, and the polarization products with what follows from them."""

from __future__ import annotations

import numpy as np
import pytest

from dockscope.core.averaging import Averager
from dockscope.core.polarizations import PRODUCTS, product_names, with_stokes


def test_the_mean_is_that_of_all_spectra():
    """Gulps count by their length, the next integration starts empty, and the result is single precision."""
    random = np.random.default_rng(7)
    averager = Averager()
    assert averager.take() is None
    for _ in range(2):
        gulps = [random.normal(size=(length, 1, 16, 4)).astype("f4") for length in (5, 1, 3)]
        for gulp in gulps:
            averager.add(gulp)
        assert averager.gulps == 3
        mean = averager.take()
        assert mean is not None
        assert mean.dtype == np.float32
        np.testing.assert_allclose(mean, np.concatenate(gulps).mean(axis=0, dtype="f8"), rtol=1e-6)
        assert averager.gulps == 0


def test_the_mean_of_whole_numbers_is_exact():
    """A thousand large equal values average to themselves: the sum is kept in double precision."""
    averager = Averager()
    for _ in range(4):
        averager.add(np.full((250, 1, 3, 1), 167_923.94, dtype="f4"))
    assert np.all(averager.take() == np.float32(167_923.94))


def test_a_gulp_of_another_shape_is_refused():
    """What cannot be averaged with what waits is a ValueError, as is a gulp without spectra."""
    averager = Averager()
    averager.add(np.zeros((2, 1, 8, 4)))
    for wrong in (np.zeros((2, 1, 9, 4)), np.zeros((0, 1, 8, 4))):
        with pytest.raises(ValueError, match="does not fit"):
            averager.add(wrong)


def test_products_are_named_by_number_or_as_told():
    """Four and two products have their usual names, told ones one spelling, and a wrong number of names is no help."""
    assert product_names(4) == PRODUCTS
    assert product_names(2) == ("XX", "YY")
    assert product_names(1) == ("pol 0",)
    assert product_names(4, ["xx", "YY", "CR", "CI"]) == PRODUCTS
    assert product_names(2, ["I", "sky"]) == ("I", "sky")
    assert product_names(3, ["I"]) == ("pol 0", "pol 1", "pol 2")


def test_stokes_follow_from_the_products():
    """I is (XX + YY)/2, V the imaginary part of XY*; what is there already, or cannot be known, is not added."""
    power = np.array([[4.0, np.nan], [2.0, 1.0], [0.5, 0.5], [-1.0, 3.0]], dtype="f4")
    rows, names = with_stokes(power, PRODUCTS)
    assert names == (*PRODUCTS, "I", "V")
    np.testing.assert_array_equal(rows, [*power, [3.0, np.nan], [-1.0, 3.0]])
    assert rows.dtype == np.float32
    assert with_stokes(power[:2], ("XX", "YY"))[1] == ("XX", "YY", "I")
    assert with_stokes(power[:2], ("I", "V"))[1] == ("I", "V")
    assert with_stokes(power[:1], ("pol 0",))[1] == ("pol 0",)
    largest = np.full((2, 1), np.finfo("f4").max, dtype="f4")
    assert with_stokes(largest, ("XX", "YY"))[0][2] == np.finfo("f4").max
