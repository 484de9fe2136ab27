"""Samples that are added to a picture give the picture that is made of all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QImage

from dockscope.core.curve import Curve
from dockscope.gui.curve_view import CurveView
from dockscope.gui.metric_plot import MetricPlot
from dockscope.gui.theme import DARK
from dockscope.gui.x_axis import XAxis

SPAN = 100.0


@pytest.fixture
def make_plot(qtbot):
    def make(*curves: Curve) -> MetricPlot:
        plot = MetricPlot("loss", DARK)
        qtbot.addWidget(plot)
        plot.resize(360, 220)
        plot.show()
        plot.set_views([CurveView(curve, curve.name, "p") for curve in curves])
        return plot

    return make


def axis() -> XAxis:
    shown = XAxis()
    shown.show(0.0, SPAN)
    return shown


def append(curve: Curve, t, values) -> None:
    curve.append(np.asarray(t, "f8"), np.asarray(values, "f8"), (), ())


def columns_of(plot: MetricPlot) -> dict[int, tuple[float, float]]:
    """Return the smallest and largest y of all ends of lines in each pixel column."""
    scene = plot.scene()
    assert scene is not None
    found: dict[int, tuple[float, float]] = {}
    for entry in scene.lines:
        points = np.concatenate([entry.lines.segments.reshape(-1, 2), entry.lines.dots])
        for x, y in points.tolist():
            column = min(int(x - plot.area().left() + 1e-6), plot.pixels() - 1)
            low, high = found.get(column, (y, y))
            found[column] = (min(low, y), max(high, y))
    return found


def brute(plot: MetricPlot, t: np.ndarray, values: np.ndarray) -> dict[int, tuple[float, float]]:
    """Return the same from all samples."""
    scene = plot.scene()
    assert scene is not None
    places = np.minimum((t / SPAN * plot.pixels() + 1e-6).astype(int), plot.pixels() - 1)
    y = scene.mapping.y_px(values)
    finite = np.isfinite(values)
    return {
        column: (y[chosen].min(), y[chosen].max())
        for column in np.unique(places[finite]).tolist()
        for chosen in [(places == column) & finite]
    }


def picture(plot: MetricPlot) -> np.ndarray:
    image = plot.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width()).copy()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, 900), st.floats(0.001, 9.0), st.booleans()), min_size=2, max_size=9),
    st.integers(0, 2**32),
)
def test_every_column_shows_what_all_samples_say(make_plot, chunks, seed):
    """Whatever came in which pieces, with gaps or without: smallest and largest value of each column are drawn."""
    random, curve = np.random.default_rng(seed), Curve("p", "loss", ())
    plot, shown, now = make_plot(curve), axis(), 0.0
    plot.y_range, plot.y_by_hand = (-4.0, 4.0), True
    for number, (count, length, has_gap) in enumerate(chunks):
        t = now + np.sort(random.uniform(0, length, count))
        values = random.uniform(-3.9, 3.9, count)
        if has_gap:
            values[count // 2] = np.nan
        now += length
        append(curve, t[t < SPAN], values[t < SPAN])
        plot.prepare(shown, exact=number == 0)
    drawn, expected = columns_of(plot), brute(plot, curve.column("t"), curve.column("value"))
    for column, (low, high) in expected.items():
        if (column - 1 in expected) or (column + 1 in expected) or column in drawn:
            assert drawn[column] == pytest.approx((low, high), abs=1e-6)
    assert set(drawn) <= set(expected)


def test_the_picture_is_the_one_made_anew(make_plot):
    """Added to many times, a plot of three curves looks as one that was made of everything at once."""
    curves = [Curve("p", f"loss {number}", ()) for number in range(3)]
    random = np.random.default_rng(1)
    grown, shown = make_plot(*curves), axis()
    for step in range(40):
        for number, curve in enumerate(curves):
            t = step * 2.0 + np.arange(200) / 100
            append(curve, t, number + random.normal(0, 0.2, 200))
        grown.prepare(shown, exact=step == 0)
        grown.grab()
    fresh = make_plot(*curves)
    fresh.y_range, fresh.y_by_hand = grown.y_range, True
    fresh.prepare(shown, exact=True)
    differing = (picture(grown) != picture(fresh)).mean()
    assert differing < 0.02, "more than where smooth lines were painted over smooth lines"


def test_only_what_is_new_is_made_and_anything_else_starts_anew(make_plot):
    """New samples add a piece to the lines; late ones, another range, another stretch or many pieces make all anew."""
    curve = Curve("p", "loss", ())
    plot, shown = make_plot(curve), axis()

    def lines() -> int:
        scene = plot.scene()
        assert scene is not None
        return len(scene.lines)

    append(curve, np.arange(1000) / 20, np.sin(np.arange(1000)))
    plot.prepare(shown, exact=True)
    assert lines() == 1
    append(curve, [50.0, 50.1], [0.1, 0.2])
    plot.prepare(shown, exact=False)
    assert lines() == 2
    plot.prepare(shown, exact=False)
    assert lines() == 2, "nothing is new"
    append(curve, [50.2], [7.0])
    plot.prepare(shown, exact=False)
    assert lines() == 1
    assert plot.y_range is not None
    assert plot.y_range[1] > 7.0
    curve.insert(np.array([20.01]), np.array([3.0]), (), [])
    plot.prepare(shown, exact=False)
    assert lines() == 1
    shown.pan(0.01)
    plot.prepare(shown, exact=False)
    assert lines() == 1
    for step in range(300):
        append(curve, [51.0 + step / 10], [0.0])
        plot.prepare(shown, exact=False)
        assert lines() <= 101
