"""The parts of the Metrics dock that need no window: smoothing, lines, ticks, arrangement, labels, the x axis."""

from __future__ import annotations

import datetime as dt
import math
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QFontMetricsF

from dockscope.core.curve import Curve
from dockscope.gui.axis_ticks import time_ticks
from dockscope.gui.curve_lines import FAR_PX, Mapping, make_lines, y_extent
from dockscope.gui.curve_view import curve_labels, run_starts
from dockscope.gui.metrics_options import MetricsOptions
from dockscope.gui.plain_text import menu_text, one_line, tooltip_text
from dockscope.gui.plot_arrangement import arrange, first_names
from dockscope.gui.plot_legend import LegendEntry, lay_out
from dockscope.gui.plot_painter import label_places
from dockscope.gui.plot_scene import y_ticks
from dockscope.gui.readout import choose_place
from dockscope.gui.smoothing import SmoothedCurve, exponential_sums, weight_sums
from dockscope.gui.value_axis import duration_text, log_ticks, short_value, value_ticks
from dockscope.gui.x_axis import XAxis

T0 = 1_700_000_000.0


def make_curve(t, value, labels=(), producer="p", name="loss"):
    curve = Curve(producer, name, labels)
    curve.append(np.asarray(t, float), np.asarray(value, float), (), ())
    return curve


def plain_average(values, weight):
    """The definition, one sample after another."""
    total = weights = 0.0
    result = []
    for y in values:
        total, weights = weight * total, weight * weights
        if math.isfinite(y):
            total, weights = total + y, weights + 1
        result.append(total / weights if math.isfinite(y) else y)
    return np.array(result)


def mapping(low=0.0, high=10.0, bottom=0.0, top=10.0, log=False):
    return Mapping(QRectF(0, 0, 100, 100), low, high, bottom, top, log)


# smoothing


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.9, 0.99])
def test_average_is_the_definition(weight):
    """The moving average equals the sum of its definition, NaN and infinities having no weight."""
    values = np.random.default_rng(1).normal(3, 1, 2000)
    values[[0, 5, 6, 900]] = np.nan, np.inf, np.nan, -np.inf
    smoothed = SmoothedCurve(make_curve(np.arange(2000), values), weight)
    assert smoothed.extend(10_000)
    np.testing.assert_allclose(smoothed.values, plain_average(values, weight), rtol=1e-6)


def test_average_of_pieces_is_the_average_of_the_whole():
    """Samples that arrive in pieces, and a long history done in slices, give the same average."""
    values = np.random.default_rng(2).normal(0, 1, 3000)
    curve = make_curve(np.arange(1000), values[:1000])
    smoothed = SmoothedCurve(curve, 0.95)
    while not smoothed.extend(170):
        pass
    for start in range(1000, 3000, 7):
        part = values[start : start + 7]
        curve.append(np.arange(start, start + len(part), dtype=float), part, (), ())
        assert smoothed.extend(100)
    np.testing.assert_allclose(smoothed.values, plain_average(values, 0.95), rtol=1e-6, atol=1e-8)


def test_average_starts_anew_with_each_run():
    """A restarted producer's average does not begin with its predecessor's."""
    curve = make_curve(np.arange(50), np.full(50, 100.0))
    curve.start_run()
    curve.append(np.arange(50, 60, dtype=float), np.full(10, 1.0), (), ())
    smoothed = SmoothedCurve(curve, 0.9)
    smoothed.extend(1000)
    np.testing.assert_allclose(smoothed.values[50:], 1.0)


def test_average_follows_samples_that_arrive_late_or_are_thinned():
    """When samples are put in before others the average is computed anew; of thinned ones it stays what it was."""
    curve = make_curve(np.arange(0, 600, 2), np.arange(0, 600, 2))
    smoothed = SmoothedCurve(curve, 0.8)
    smoothed.extend(1000)
    curve.insert(np.array([101.0]), np.array([5.0]), (), ())
    smoothed.extend(1000)
    np.testing.assert_allclose(smoothed.values, plain_average(curve.column("value"), 0.8), rtol=1e-6)
    average = dict(zip(curve.column("t").tolist(), smoothed.values.tolist(), strict=True))
    assert curve.thin(64)
    assert len(curve) < len(average)
    np.testing.assert_array_equal(smoothed.values, [average[t] for t in curve.column("t").tolist()])
    curve.append(np.array([600.0]), np.array([7.0]), (), ())
    assert smoothed.extend(1000)
    assert len(smoothed.values) == len(curve)


def test_sums_of_ones_by_formula():
    """The geometric series gives what summing gives."""
    np.testing.assert_allclose(weight_sums(500, 0.97, 4.0), exponential_sums(np.ones(500), 0.97, 4.0), rtol=1e-7)


# lines


def test_lines_are_broken_at_a_gap():
    """Nothing joins the samples on either side of a break."""
    curve = make_curve([0, 1, 2], [1, 1, 1])
    curve.break_line()
    curve.append(np.array([7.0, 8.0]), np.array([1.0, 1.0]), (), ())
    lines = make_lines(curve.reduce("t", 0, 10, 100), mapping())
    x = [(round(a), round(b)) for a, _, b, _ in lines.segments]
    assert x == [(0, 10), (10, 20), (70, 80)]


def test_a_lone_sample_is_a_dot():
    """A sample that is joined to nothing is still seen."""
    lines = make_lines(make_curve([5], [5]).reduce("t", 0, 10, 100), mapping())
    assert lines.dots.tolist() == [[50, 50]]
    assert not len(lines.segments)


def test_values_that_a_logarithm_does_not_have_are_skipped_and_said():
    """On a logarithmic axis zero and below leave a gap, and the lines tell so; on a linear one they do not."""
    reduced = make_curve([1, 2, 3, 4, 5], [10, 0, 10, -5, 1]).reduce("t", 0, 10, 100)
    lines = make_lines(reduced, mapping(bottom=0, top=1, log=True))
    assert lines.skipped
    assert not np.isnan(lines.segments).any()
    assert len(lines.segments) == 0
    assert len(lines.dots) == 3
    assert not make_lines(reduced, mapping(bottom=-10, top=10)).skipped
    assert y_extent(reduced, 0, 10, 0, log=True) == (0, 1)


@pytest.mark.parametrize("log", [False, True])
def test_any_number_can_be_drawn(log):
    """NaN, infinities and far values give finite pixels within what Qt can paint."""
    values = [1, np.nan, np.inf, 1, -np.inf, 1e300, -1e300, 1e-300, 5, 5e-324]
    for n in (1, 100):
        curve = make_curve(np.arange(10 * n) / n, np.repeat(values, n))
        lines = make_lines(curve.reduce("t", 0, 10, 40), mapping(log=log))
        assert len(lines.segments)
        assert np.isfinite(lines.segments).all()
        assert np.abs(lines.segments).max() <= FAR_PX + 1


def test_a_cut_line_keeps_its_slope():
    """A line between two samples far outside the window is cut, not bent."""
    lines = make_lines(make_curve([-1e6, 1e6], [-1e6, 1e6]).reduce("t", 0, 10, 100), mapping())
    ((x1, y1, x2, y2),) = lines.segments
    assert (x1 - 0) == pytest.approx(100 - y1)
    assert (x2 - 0) == pytest.approx(100 - y2)


# texts and ticks


def test_ticks_are_round_and_inside():
    """Ticks lie in the range and are written with the same number of digits."""
    assert [tick.text for tick in value_ticks(0, 1, 5)] == ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert [tick.text for tick in value_ticks(0, 4e5, 4)] == ["0", "100k", "200k", "300k", "400k"]
    assert [tick.text for tick in value_ticks(1e-5, 4e-5, 3)] == ["1e-5", "2e-5", "3e-5", "4e-5"]
    assert value_ticks(math.nan, 1, 5) == value_ticks(1, 1, 5) == value_ticks(0, math.inf, 5) == []


@pytest.mark.parametrize(("low", "high"), [(-3, 4), (0, 1.2), (0.1, 0.2), (-320, 300), (5, 5 + 1e-9)])
def test_logarithmic_ticks_are_inside(low, high):
    """Whatever the range, ticks lie in it, ascend and are not too many."""
    places = [tick.value for tick in log_ticks(low, high, 5)]
    assert places == sorted(places)
    assert all(low - 1e-6 <= place <= high + 1e-6 for place in places)
    assert len(places) <= 12


def test_numbers_are_short():
    """A value is shown with about four digits, whatever its size."""
    texts = [short_value(v) for v in (0.0, 0.12345, 32404.2, 1.5e7, 1.25e-7, math.nan, -math.inf, 9999.7)]
    assert texts == ["0", "0.1235", "32404", "15M", "1.25e-7", "NaN", "-∞", "10000"]
    assert [duration_text(t, 1) for t in (5, 65, 3725, -90)] == ["5 s", "1:05", "1:02:05", "-1:30"]


def test_received_text_is_shown_literally():
    """Markup, line breaks and length of a received name do no harm."""
    assert one_line("a\nb\x00c") == "a b c"
    assert len(one_line("x" * 10_000)) == 200
    assert menu_text("R&D") == "R&&D"
    assert "<b>" not in tooltip_text("<b>bold</b>")


# arrangement


def test_ten_plots_fill_a_small_dock_without_scrolling():
    """Where ten plots have no room, as many as fit are shown; with more room all are, in rows without holes."""
    assert arrange(10, 640, 296, may_scroll=False).row_lengths() == [3, 3]
    assert arrange(10, 900, 560, may_scroll=False).row_lengths() == [2, 2, 3, 3]
    many = arrange(10, 640, 296, may_scroll=True)
    assert (sum(many.row_lengths()), many.fits) == (10, False)
    assert arrange(0, 640, 296, may_scroll=False).row_lengths() == []
    assert arrange(3, 10, 10, may_scroll=False).row_lengths() == [1]


def test_every_producer_is_seen_first():
    """When there is room for three, each producer's first metric comes before any producer's second."""
    assert first_names([["a", "b", "c"], ["x"], ["m", "n"]], 3) == ["a", "x", "m"]
    assert first_names([["a", "b"], ["b", "c"]], 5) == ["a", "b", "c"]


def test_the_readout_leaves_the_curve_end_free():
    """The box is inside the dock and neither over the mouse nor over the end of a curve, wherever the mouse is."""
    bounds, plot = QRectF(0, 0, 640, 330), QRectF(0, 40, 210, 140)
    end = QPointF(190, 100)
    for x in range(30, 210, 20):
        for y in range(50, 170, 20):
            box = choose_place(QPointF(x, y), 150, 60, bounds, [end], plot)
            assert bounds.contains(box)
            assert not box.contains(QPointF(x, y))
            assert not box.contains(end)


@pytest.mark.parametrize("number", [1, 2, 5, 40])
@pytest.mark.parametrize("width", [60, 200, 600])
def test_the_legend_stays_inside_and_counts_the_rest(qapp, number, width):
    """Entries lie inside the plot without overlapping, in no more rows than allowed; those left out are counted."""
    entries = [
        LegendEntry(f"curve number {i}", "0.1234", "#ffffff", shown=True, is_possible=True) for i in range(number)
    ]
    area = QRectF(8, 20, width, 0)
    for rows in (1, 3):
        legend = lay_out(entries, QFontMetricsF(qapp.font()), area, 15.0, rows)
        assert len(legend.rects) + legend.more == number
        assert legend.rows <= rows
        for i, rect in enumerate(legend.rects):
            assert area.left() <= rect.left()
            assert rect.right() <= area.right() + 0.01
            assert rect.bottom() <= area.top() + rows * 15
            assert not any(rect.intersects(other) for other in legend.rects[:i])
            assert legend.at(rect.center()) == i


# curves of one plot


def test_labels_tell_curves_apart():
    """What all curves share is left out; producers are named when there are several; nothing is said twice."""
    phases = [make_curve([0], [0], (("gpu", "0"), ("phase", phase))) for phase in ("train", "validation")]
    assert curve_labels(phases, {"p": "trainer"}) == ["train", "validation"]
    both = [make_curve([0], [0]), make_curve([0], [0], producer="q")]
    assert curve_labels(both, {"p": "one", "q": "two"}) == ["one", "two"]
    assert len(set(curve_labels(both, {"p": "same", "q": "same"}))) == 2


def test_runs_start_together():
    """On a relative axis all curves of a run count from its first sample, also one that begins later."""
    loss = make_curve([100, 110], [0, 0])
    late = make_curve([105, 108], [0, 0], (("phase", "validation"),))
    for curve, t in ((loss, [200.0, 210.0]), (late, [203.0, 204.0])):
        curve.start_run()
        curve.append(np.array(t), np.zeros(2), (), ())
    only_second = make_curve([206], [0], name="accuracy")
    starts = run_starts([late, loss, only_second])
    assert list(starts.values()) == [[100, 200], [100, 200], [200]]


# x axis and settings


def test_the_axis_follows_until_it_is_moved():
    """It shows the newest samples until it is panned or zoomed, and refuses stretches that have no size."""
    axis = XAxis(span_s=60)
    assert axis.follow_end([(0, 100), (20, 500)])
    assert axis.low == pytest.approx(440, abs=0.01)  # to a pixel
    assert 500 < axis.high < 502
    axis.pan(-0.5)
    assert not axis.follow_end([(0, 900)])
    low = axis.low
    for bad in ((5, 5), (math.nan, 1), (1, math.inf), (2, 1)):
        axis.show(*bad)
    axis.zoom(1e-30)
    assert axis.low == low
    axis.follow = True
    assert axis.follow_end([(0, 900)])
    assert axis.low == pytest.approx(840, abs=0.01)


def test_settings_survive_and_rubbish_does_not():
    """Settings come back as they were; each invalid one is left at its default."""
    options = MetricsOptions(
        x="field:step", span_s=60.0, log_y=True, log_of={"loss": False}, smoothing=0.5, metrics=["a"], enlarged="a"
    )
    options.hidden = {("p", "loss", (("phase", "train"),))}
    assert MetricsOptions.from_json(options.to_json()) == options
    rubbish = {
        "x": 5, "span_s": "long", "log_y": 1, "log_of": [3], "smoothing": math.nan,
        "metrics": {"a": 1}, "enlarged": 7, "hidden": [1, ["p"], ["p", "n", [["a"]]], None],
    }  # fmt: skip
    assert MetricsOptions.from_json(rubbish) == MetricsOptions()
    assert MetricsOptions.from_json({"smoothing": 50, "x": "field:"}) == MetricsOptions(smoothing=0.99)


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("low", "high"), [(2340.0, 8900.0), (1500.0, 9000.0), (0.21, 0.74), (1.01, 1.99)])
def test_a_y_axis_has_at_least_two_numbers(low, high, log):
    """One number on an axis tells no scale: a small plot has two, too."""
    ends = (math.log10(low), math.log10(high)) if log else (low, high)
    ticks = y_ticks(*ends, 2, log=log)
    assert 2 <= len(ticks) <= 5
    assert all(ends[0] <= tick.value <= ends[1] for tick in ticks)


def test_labels_of_a_scrolling_axis_do_not_flicker():
    """Each label stays as long as there is room for it while the axis moves by single pixels; none overlap."""
    shown = []
    for shift in range(120):
        low = T0 + shift / 10
        ticks = time_ticks(low, low + 30, 10, utc=True, today=dt.date(2023, 11, 14))
        places = [(tick.value - low) / 30 * 300 + 30 for tick in ticks]
        labels = label_places(ticks, places, [46.0] * len(ticks), 338.0)
        lefts = sorted(left for _, left in labels)
        assert all(b - a >= 46 for a, b in pairwise(lefts))
        shown.append({ticks[k].value for k, _ in labels})
    for before, after in pairwise(shown):
        gone = before - after
        assert all(value < min(after) for value in gone), "a label goes only at the left end"
        assert all(value > max(before) for value in after - before), "and comes only at the right end"
    assert min(len(labels) for labels in shown) >= 2
