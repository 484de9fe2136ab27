"""What the demos compute is what they say: gradients, spectra, drift rates."""

from __future__ import annotations

import numpy as np
import pytest

from dockscope.core.demos.antenna import CrossedDipole
from dockscope.core.demos.correlator import Correlator
from dockscope.core.demos.perceptron import Adam, Perceptron
from dockscope.core.demos.sky import CARRIERS, Burst, Sun, background_sfu, band_response, burst_sfu
from dockscope.core.demos.spirals import boundary_picture, make_spirals
from dockscope.core.polarizations import PRODUCTS

NCHAN = 3072
FREQUENCY_HZ = 13.4e6 + np.arange(NCHAN) * (73.5e6 / NCHAN)


@pytest.fixture
def random():
    return np.random.default_rng(7)


def test_gradients_are_the_slopes_of_the_loss(random):
    """Every gradient agrees with the finite difference of the cross entropy."""
    points = make_spirals(random, per_class=20)
    model = Perceptron((2, 7, 5, 3), random)
    gradients = model.gradients(points.x, points.target).weights
    for weights, gradient in zip(model.weights, gradients, strict=True):
        for index in np.ndindex(weights.shape):
            kept = weights[index]
            weights[index] = kept + 1e-6
            above, _ = model.evaluate(points.x, points.target)
            weights[index] = kept - 1e-6
            below, _ = model.evaluate(points.x, points.target)
            weights[index] = kept
            assert (above - below) / 2e-6 == pytest.approx(gradient[index], abs=1e-7, rel=1e-4)


def test_training_learns_what_it_has_not_seen(random):
    """A few hundred steps of Adam classify at least nine in ten points of a validation set."""
    train, validation = make_spirals(random), make_spirals(random, per_class=100)
    model = Perceptron((2, 40, 24, 3), random)
    adam = Adam(model.weights)
    for _ in range(600):
        batch = random.integers(0, len(train.target), 50)
        adam.step(model.weights, model.gradients(train.x[batch], train.target[batch]).weights, 0.01)
    assert model.evaluate(*validation)[1] > 0.9


def test_the_boundary_picture_shows_the_classifier(random):
    """A classifier that is sure of the right half paints the right half in the colour of its class."""
    points = make_spirals(random, classes=2, per_class=1)

    def classify(x: np.ndarray) -> np.ndarray:
        right = (x[:, 0] > 0).astype(float)
        return np.stack([1.0 - right, right], axis=1)

    picture = boundary_picture(classify, points, pixels=64)
    assert (picture.shape, picture.dtype) == ((64, 64, 3), np.uint8)
    left, right = np.median(picture[:, :32], axis=(0, 1)), np.median(picture[:, 32:], axis=(0, 1))
    assert left[2] > left[0]  # the first colour is blue, the second orange
    assert right[0] > right[2]


def observe(antenna: CrossedDipole, t_s: float, blocks: int) -> np.ndarray:
    """Return f4[4, nchan]."""
    return Correlator(NCHAN).correlate(antenna.voltages(t_s, blocks)).mean(axis=0).T


def test_a_carrier_stands_in_its_channel_with_its_flux(random):
    """The station at 55.25 MHz is the peak of its neighbourhood, in its channel, polarized as it says."""
    row = observe(CrossedDipole(FREQUENCY_HZ, random), 0.0, 60)
    carrier = next(carrier for carrier in CARRIERS if carrier.frequency_hz == 55.25e6)
    channel = round((carrier.frequency_hz - FREQUENCY_HZ[0]) / (73.5e6 / NCHAN))
    near = slice(channel - 50, channel + 50)
    assert near.start + int(row[0, near].argmax()) == channel
    assert row[0, channel] > 20 * np.median(row[0, near])
    assert row[1, channel] / row[0, channel] == pytest.approx(np.tan(np.radians(carrier.angle_deg)) ** 2, rel=0.4)
    assert row[2, channel] == pytest.approx(np.sqrt(row[0, channel] * row[1, channel]), rel=0.2)
    assert list(PRODUCTS) == ["XX", "YY", "Re XY*", "Im XY*"]


def test_noise_is_as_strong_as_the_sky_says(random):
    """XX and YY of the quiet sky agree with the background times the band response; XY* averages out."""
    antenna = CrossedDipole(FREQUENCY_HZ, random)
    row = observe(antenna, 0.0, 200)
    quiet = slice(700, 1100)  # a stretch without stations
    expected = (background_sfu(FREQUENCY_HZ) * band_response(FREQUENCY_HZ))[quiet]
    for product in (0, 1):
        assert np.mean(row[product, quiet] / expected) == pytest.approx(1.0, abs=0.03)
    for product in (2, 3):
        assert np.mean(row[product, quiet] / expected) == pytest.approx(0.0, abs=0.03)


def test_a_burst_drifts_as_measured_ones_do():
    """The peak moves down in frequency at 0.01 f^1.84 MHz/s."""
    burst = Burst(start_s=0.0, peak_sfu=100.0, polarization=0.0)
    at_hz = [50e6, 48e6]
    times_s = np.arange(0.0, 10.0, 0.002)
    light = np.array([burst_sfu(burst, np.array([*at_hz, FREQUENCY_HZ[-1]]), t) for t in times_s])
    peak_s = times_s[light.argmax(axis=0)]
    rate_mhz_per_s = 2.0 / (peak_s[1] - peak_s[0])
    assert rate_mhz_per_s == pytest.approx(0.01 * 49**1.84, rel=0.05)


def test_the_sun_bursts_early_and_again_and_is_the_same_for_the_same_seed():
    """A short demonstration sees a burst, a long one many, and a seed repeats them."""

    def seen(seed: int) -> set[Burst]:
        sun = Sun(np.random.default_rng(seed))
        return {burst for t_s in range(120) for burst in sun.active_at(float(t_s))}

    assert min(burst.start_s for burst in seen(1)) <= 1.0
    assert len(seen(1)) >= 4
    assert seen(1) == seen(1) != seen(2)
