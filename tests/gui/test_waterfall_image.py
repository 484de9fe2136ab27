"""The picture of a waterfall, compared pixel by pixel with one computed the plain way."""

import itertools
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dockscope.core.messages import Spectrum
from dockscope.core.spectra import SpectrumStore
from dockscope.gui.channel_columns import ChannelColumns, strongest_of_rows
from dockscope.gui.color_maps import NAMES, color_indices, color_map, pixel_table
from dockscope.gui.row_times import coverage, pixel_rows
from dockscope.gui.waterfall_blocks import polarization_names
from dockscope.gui.waterfall_feed import Geometry, WaterfallFeed
from dockscope.gui.waterfall_image import HATCH_PERIOD, WaterfallImage

GAP, HATCH, NOTHING = 0xFF111111, 0xFF222222, 0xFF333333
T0 = 1_700_000_000.0


def plain_values(waterfall, polarization, geometry, k, x):
    """All values of one pixel by the rules alone, NaN left out; None when no row lies there."""
    found = None
    for block in waterfall.blocks:
        names = polarization_names(block)
        rows = rows_of_pixel_row(block, geometry, k) if polarization in names else []
        if rows:
            power = block.power[:, names.index(polarization)]
            values = [float(power[row, channel]) for row in rows for channel in channels_of_column(block, geometry, x)]
            found = (found or []) + [value for value in values if not math.isnan(value)]
    return found


def plain_coverage(block):
    """Start and end of each row, one at a time: its duration or the median of 16 spacings, slits closed."""
    t, told = block.t.tolist(), block.duration.tolist()
    spans = []
    for i in range(len(t)):
        length = told[i] if told[i] > 0 else plain_spacing(t, i)
        start, end = t[i] - length / 2, t[i] + length / 2
        if spans and 0 < start - spans[-1][1] <= 0.25 * length:
            start = spans[-1][1]
        spans.append((start, end))
    return spans


def plain_spacing(t, i):
    i = max(i, 1)  # the first row takes the spacing after it
    steps = [b - a for a, b in itertools.pairwise(t[max(0, i - 16) : i + 1]) if b > a]
    return float(np.median(steps)) if steps else 0.0


def rows_of_pixel_row(block, geometry, k):
    middle = (k + 0.5) * geometry.row_s
    spans = plain_coverage(block)
    return [
        i
        for i, (start, end) in enumerate(spans)
        if math.floor(block.t[i] / geometry.row_s) == k or start <= middle < end
    ]


def channels_of_column(block, geometry, x):
    step = (geometry.high_hz - geometry.low_hz) / geometry.width
    left = geometry.low_hz + x * step
    right = geometry.low_hz + (x + 1) * step
    inside = [c for c in range(block.nchan) if left <= block.axis[c] < right]
    if inside:
        return inside
    order = [c for c in np.argsort(block.axis, kind="stable") if math.isfinite(block.axis[c])]
    centers = block.axis[order]
    half = np.diff(centers) / 2
    edges = [centers[0] - half[0], *(centers[:-1] + half), centers[-1] + half[-1]]
    at = int(np.searchsorted(edges, left + step / 2, side="right")) - 1
    return [int(order[at])] if 0 <= at < len(order) else []


def plain_picture(waterfall, polarization, geometry, image, colors):
    """The whole picture by the rules alone, u4[height, width]."""
    result = np.zeros((geometry.height, geometry.width), dtype=np.uint32)
    for y in range(geometry.height):
        k = image.top - y if geometry.newest_on_top else image.bottom() + y
        columns = [plain_values(waterfall, polarization, geometry, k, x) for x in range(geometry.width)]
        for x, values in enumerate(columns):
            if any(each is not None for each in columns):
                strongest = max(values or [], key=lambda v: (abs(v), v), default=math.nan)
                result[y, x] = plain_pixel(strongest, image, colors)
            else:
                result[y, x] = HATCH if (k + x) % HATCH_PERIOD < 1 else GAP
    return result


def plain_pixel(value, image, colors):
    """The colour of one value; in dB that of its magnitude, where zero is darker than all."""
    if math.isnan(value):
        return NOTHING
    value = np.float32(value)
    if image.decibel:
        with np.errstate(divide="ignore"):
            value = np.log(np.abs(value)) * np.float32(10 / np.log(10))
    share = (value - np.float32(image.low)) * np.float32(256 / (image.high - image.low))
    red, green, blue = color_map(colors)[int(min(max(share, 0), 255))].tolist()
    return 0xFF000000 | red << 16 | green << 8 | blue


def finish(feed):
    while feed.step(0.001):
        pass


ODD = {"nan": np.nan, "zero": 0.0, "inf": np.inf, "-inf": -np.inf, "tiny": 1e-38}


class Scene:
    """A store with one stream and a feed that shows it, driven as the dock drives it."""

    def __init__(self, geometry):
        self.store = SpectrumStore()
        self.feed = WaterfallFeed()
        self.geometry = geometry
        self.polarization = "XX"
        self.colors, self.levels = "viridis", (-10.0, 20.0, True)
        self.t = T0
        self.random = np.random.default_rng(7)

    @property
    def waterfall(self):
        return self.store.waterfalls["p", "s"]

    def add(
        self, spacing=1.0, duration: float | None = 1.0, nchan=7, f0=100.0, df=10.0, negative=False, odd=None, late=0.0
    ):
        self.t += 0.0 if late else spacing
        power = self.random.exponential(size=(2, nchan)).astype("f4") * 10
        if negative:
            power[1] *= self.random.choice([-1, 1], nchan)
        if odd is not None:
            power[:, :: 3 if odd == "nan" else 2] = ODD[odd]
        names = ("XX", "Re XY*")
        spectrum = Spectrum(power=power, t=self.t - late, f0=f0, df=df, duration=duration, polarizations=names)
        if nchan == 5:  # in no order, and one without a frequency
            spectrum = msgspec.structs.replace(spectrum, frequencies=np.array([150.0, 90.0, math.nan, 171.0, 120.0]))
        self.store.append("p", "s", spectrum)

    def show(self, polarization):
        self.polarization = polarization
        self.feed.show(self.waterfall, polarization)
        self.restart()

    def restart(self, geometry=None):
        self.geometry = geometry or self.geometry
        image = WaterfallImage(self.geometry.width, self.geometry.height, newest_on_top=self.geometry.newest_on_top)
        self.color(image)
        self.feed.restart(self.geometry, image, self.feed.live_edge(self.geometry.row_s) or 0)

    def color(self, image):
        low, high, decibel = self.levels
        image.set_colors(pixel_table(self.colors, NOTHING), GAP, HATCH)
        image.set_levels(low, high, decibel=decibel)

    def recolor(self, colors=None, levels=None):
        self.colors, self.levels = colors or self.colors, levels or self.levels
        self.color(self.feed.image)
        self.feed.recolor()

    def follow(self):
        edge = self.feed.live_edge(self.geometry.row_s)
        assert edge is not None
        if self.feed.is_current():
            self.feed.scroll(edge)
            self.feed.take_new()
        else:
            self.restart()

    def do(self, what, value):
        if what == "rows":
            for row in value:
                self.add(**row)
            self.follow()
        elif what == "view":
            self.restart(value)
        elif what == "pan":
            self.feed.scroll(self.feed.image.top + value)
        elif what == "polarization":
            self.show(value)
        elif what == "work":
            self.feed.step(value)
        else:
            self.recolor(**{what: value})

    def check(self):
        expected = plain_picture(self.waterfall, self.polarization, self.geometry, self.feed.image, self.colors)
        np.testing.assert_array_equal(self.feed.image.picture(), expected)


def geometry(width=9, height=12, low=60.0, high=190.0, row_s=0.7, newest_on_top=True):
    return Geometry(width=width, height=height, low_hz=low, high_hz=high, row_s=row_s, newest_on_top=newest_on_top)


views = st.builds(
    geometry,
    width=st.integers(1, 16),
    height=st.integers(1, 14),
    low=st.floats(50, 140),
    high=st.floats(141, 260),
    row_s=st.sampled_from([0.11, 0.5, 1.0, 2.3]),
    newest_on_top=st.booleans(),
)
rows = st.fixed_dictionaries(
    {
        "spacing": st.sampled_from([1.0, 1.02, 0.9, 6.5, 40.0, 0.0]),
        "duration": st.sampled_from([None, None, 1.0, 0.4, 9.0]),
        "nchan": st.sampled_from([7, 7, 7, 40, 5]),
        "df": st.sampled_from([10.0, 10.0, -10.0]),
        "negative": st.booleans(),
        "odd": st.sampled_from([None, None, *ODD]),
        "late": st.sampled_from([0.0, 0.0, 0.0, 0.3, 1.5, 30.0]),
    }
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("rows"), st.lists(rows, min_size=1, max_size=4)),
        st.tuples(st.just("rows"), st.lists(rows, min_size=1, max_size=1)),
        st.tuples(st.just("view"), views),
        st.tuples(st.just("levels"), st.tuples(st.floats(-30, 0), st.floats(0.5, 30), st.booleans())),
        st.tuples(st.just("colors"), st.sampled_from(NAMES)),
        st.tuples(st.just("polarization"), st.sampled_from(["XX", "Re XY*"])),
        st.tuples(st.just("pan"), st.integers(-20, 20)),
        st.tuples(st.just("work"), st.sampled_from([0.0, 1e-5, 1.0])),
    ),
    max_size=14,
)


def run_scene(first, view, steps):
    """Do the steps to one scene, whether or not the work they leave is finished between them, and compare."""
    scene = Scene(view)
    scene.add(**first)
    scene.show("XX")
    for what, value in steps:
        scene.do(what, value)
    image = scene.feed.image
    finish(scene.feed)
    assert scene.feed.image is image
    scene.check()


@given(first=rows, view=views, steps=steps)
def test_whatever_happened_the_picture_is_that_of_the_kept_rows(first, view, steps):
    """After any rows (late, odd, gaps, other axes), zooms, pans, levels and colours each pixel is by the rules."""
    run_scene(first, view, steps)


@pytest.mark.soak
@given(first=rows, view=views, steps=steps)
def test_whatever_happened_for_long_the_picture_is_that_of_the_kept_rows(first, view, steps):
    """The same over thousands of sequences."""
    run_scene(first, view, steps)


@given(
    rows=st.lists(rows, min_size=70, max_size=90),
    view=views,
    late=st.lists(st.tuples(st.integers(0, 89), st.floats(0, 90)), max_size=8),
)
@settings(max_examples=12)
def test_rows_that_are_very_late_move_no_other_pixel(rows, view, late):
    """Also in a long block, late rows change what lies near them and nothing else; one too late begins a block."""
    scene = Scene(view)
    scene.add()
    scene.show("XX")
    lateness = dict(late)
    for i, row in enumerate(rows):
        scene.add(**row | {"nchan": 7, "df": 10.0, "late": lateness.get(i, 0.0)})
        if i % 3 == 0:
            scene.follow()
            scene.feed.step(0.0 if i % 2 else 1.0)
    scene.follow()
    finish(scene.feed)
    scene.check()


def test_a_late_row_is_shown_at_its_own_time():
    """A row that arrives after later ones appears between them without a new start."""
    scene = Scene(geometry(row_s=1.0))
    scene.add()
    scene.show("XX")
    for spacing in (1.0, 2.0, -1.0, 2.0):
        scene.add(spacing=spacing)
        scene.follow()
    finish(scene.feed)
    scene.check()


def test_a_late_row_makes_its_neighbours_shorter():
    """Without a told duration a row lasts as long as its spacing: what it no longer covers becomes a gap."""
    scene = Scene(geometry(height=40, row_s=1.0))
    scene.add(duration=None)
    scene.show("XX")
    scene.add(spacing=20.0, duration=None)
    scene.follow()
    finish(scene.feed)
    assert scene.feed.image.gaps() == []
    scene.add(duration=0.4, late=1.0)
    scene.follow()
    finish(scene.feed)
    scene.check()
    assert scene.feed.image.gaps() != []


def test_a_gap_keeps_its_time():
    """20 s without rows are 20 s of hatched picture, and the rows around it keep their height."""
    scene = Scene(geometry(height=60, row_s=0.5))
    for _ in range(4):
        scene.add()
    scene.add(spacing=21.0)
    scene.show("XX")
    finish(scene.feed)
    covered = [
        scene.feed.image.row(k) is not None for k in range(scene.feed.image.top, scene.feed.image.bottom() - 1, -1)
    ]
    assert covered[:2] == [True, True]
    assert covered[2:42] == [False] * 40
    assert covered[42:50] == [True] * 8


def test_a_wrong_clock_does_not_hold_the_picture_in_the_future():
    """After one row dated a year ahead the picture goes on following the rows that arrive."""
    scene = Scene(geometry(row_s=1.0))
    scene.add()
    scene.show("XX")
    scene.add(spacing=3e7)
    scene.follow()
    scene.t -= 3e7
    for _ in range(70):
        scene.add()
        scene.follow()
    finish(scene.feed)
    assert scene.feed.image.top == math.floor(scene.t + 0.5) - 1 or scene.feed.image.top == math.floor(scene.t)
    scene.check()


def test_levels_that_are_being_dragged_reach_the_whole_picture():
    """Levels that change faster than the picture can be coloured anew still change its old end."""
    scene = Scene(geometry(width=400, height=3000, row_s=0.01))
    scene.add(duration=100.0)
    scene.show("XX")
    finish(scene.feed)
    before = scene.feed.image.picture()[-1].copy()
    for drag in range(100):
        scene.recolor(levels=(-10.0, 21.0 + drag, True))
        scene.feed.step(1e-5)
        if (scene.feed.image.picture()[-1] != before).any():
            break
    else:
        pytest.fail("the old end keeps its colours")


def test_after_many_new_rows_a_new_picture_is_begun():
    """A few new rows are added to the picture; thousands at once are not worked through in one go."""
    scene = Scene(geometry(row_s=1.0))
    scene.add()
    scene.show("XX")
    for _ in range(50):
        scene.add()
    assert scene.feed.is_current()
    for _ in range(4100):
        scene.add()
    assert not scene.feed.is_current()
    scene.follow()
    finish(scene.feed)
    assert scene.feed.image.row(scene.feed.image.top) is not None


def test_evicted_rows_leave_no_error():
    """Rows that the store drops while the picture is being drawn are left out."""
    scene = Scene(geometry(height=30, row_s=1.0))
    scene.store.max_bytes = 4096 + 20 * 100
    for _ in range(60):
        scene.add()
    scene.show("XX")
    for _ in range(30):
        scene.add()
    scene.follow()
    finish(scene.feed)
    k = math.floor(scene.waterfall.blocks[0].t[-1])
    assert scene.feed.image.row(k) is not None


@given(
    nchan=st.integers(1, 60),
    width=st.integers(1, 50),
    low=st.floats(-5, 30),
    span=st.floats(0.3, 100),
    reverse=st.booleans(),
)
def test_a_burst_in_one_channel_never_vanishes(nchan, width, low, span, reverse):
    """However small the picture, the strongest channel of the window is in it, in the column of its frequency."""
    frequencies = np.arange(nchan, dtype=float)[:: -1 if reverse else 1]
    columns = ChannelColumns(frequencies, low, low + span, width)
    for channel in range(nchan):
        row = np.full((1, nchan), 1.0, dtype=np.float32)
        row[0, channel] = -50.0
        result = columns.reduce(columns.select(row))[0]
        x = (frequencies[channel] - low) / span * width
        if 0.001 < x % 1 < 0.999 and 0 < x < width:
            assert result[int(x)] == -50.0


def test_irregular_and_broken_frequencies_are_sorted_and_left_out():
    """Channels may come in any order; those without a finite frequency are not shown."""
    columns = ChannelColumns(np.array([30.0, 10.0, math.nan, 20.0, math.inf]), 5.0, 35.0, 3)
    row = np.array([[3.0, 1.0, 99.0, 2.0, 99.0]], dtype=np.float32)
    assert columns.reduce(columns.select(row)).tolist() == [[1.0, 2.0, 3.0]]


def test_rows_of_one_pixel_keep_the_strongest_with_its_sign():
    """Merging takes the larger magnitude and keeps the sign; NaN loses against any number."""
    merged = strongest_of_rows(np.array([[1.0, -5.0, np.nan], [2.0, 4.0, 7.0]], dtype=np.float32), np.array([0]))
    assert merged.tolist() == [[2.0, -5.0, 7.0]]


def test_missing_durations_are_the_median_spacing():
    """Without a told duration a row covers the median of the last 16 spacings, so a gap stays a gap."""
    t = T0 + np.array([0.0, 1.0, 2.0, 3.0, 13.0, 14.0])
    start, end = coverage(t, np.full(6, np.nan))
    np.testing.assert_allclose(end - start, 1.0)
    assert start[4] - end[3] == pytest.approx(9.0)


def test_jitter_between_rows_is_no_gap():
    """A slit of up to a quarter of a row is closed; a longer one is not."""
    start, end = coverage(np.array([0.0, 1.2, 2.5]), np.ones(3))
    assert start[1] == pytest.approx(end[0])
    assert start[2] > end[1]


def test_unusable_times_are_left_out():
    """A time that is not finite or beyond the calendar covers nothing, without any warning."""
    start, _ = coverage(np.array([np.nan, 1e300, np.inf, 5.0]), np.array([1.0, np.inf, np.nan, -1.0]))
    assert np.isnan(start[:3]).all()
    assert start[3] == 5.0
    rows = pixel_rows(np.array([np.nan, 5.0]), np.array([1.0, np.nan]), 2.0)
    assert rows.usable.tolist() == [False, True]
    assert (rows.first[1], rows.last[1]) == (2, 2)


@pytest.mark.parametrize("decibel", [True, False])
def test_colours_of_special_values(decibel):
    """NaN is drawn as nothing; zero, infinities and values beyond the levels take the outer colours."""
    values = np.array([np.nan, 0.0, np.inf, 1e30, -1e30], dtype=np.float32)
    found = color_indices(values, -10.0, 10.0, decibel=decibel).tolist()
    assert found == ([0, 1, 256, 256, 256] if decibel else [0, 129, 256, 256, 1])


@pytest.mark.parametrize("name", NAMES)
def test_colour_maps_go_from_dark_to_bright_in_256_steps(name):
    """Each map has 256 colours; all but the rainbow grow steadily brighter."""
    colors = color_map(name).astype(float)
    assert colors.shape == (256, 3)
    luminance = colors @ [0.2126, 0.7152, 0.0722]
    if name != "rainbow":
        assert (np.diff(luminance) > -0.8).all()
        assert luminance[-1] - luminance[0] > 150
