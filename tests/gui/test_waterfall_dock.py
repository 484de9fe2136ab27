"""The Waterfall dock through its widgets, on a real hub."""

from dataclasses import dataclass

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from dockscope.core.hub import Change, Hub
from dockscope.core.messages import Hello, Kind, Spectrum
from dockscope.core.settings import Settings
from dockscope.gui.dock import DockContext
from dockscope.gui.frame_clock import FrameClock
from dockscope.gui.theme import ThemeSwitch
from dockscope.gui.waterfall_dock import WaterfallDock

T0 = 1_700_000_000.0
NAMES = ("XX", "YY", "Re XY*")
NCHAN = 64


@dataclass
class FakeArrival:
    """What a source hands to the hub."""

    kind: Kind
    stream: str
    n: int
    message: Spectrum
    nbytes: int = 100
    sent_ns: int = int(T0 * 1e9)


class Bench:
    """A hub with one producer, and a dock on it."""

    def __init__(self, qtbot, tmp_path):
        self.hub = Hub()
        self.hub.add("p", "dockscope://127.0.0.1:5562")
        self.hub.greet("p", Hello(producer=b"x" * 16, name="spectrometer"), "operate")
        self.settings = Settings(path=tmp_path / "settings.json", utc=True)
        self.clock = FrameClock(self.hub.take_changes)
        self.hub.on_change = self.clock.arm
        self.told = []
        self.themes = ThemeSwitch("dark")
        self.dock = WaterfallDock(
            DockContext(
                hub=self.hub,
                settings=self.settings,
                themes=self.themes,
                clock=self.clock,
                tell=self.told.append,
                actions={},
            )
        )
        qtbot.addWidget(self.dock)
        self.dock.resize(600, 340)
        self.dock.show()
        self.t = T0
        self.n = 0

    def add(self, count=1, spacing=1.0, stream="beam", nchan=NCHAN, names=NAMES, scale=1.0, **fields):
        for _ in range(count):
            power = np.full((len(names), nchan), scale, dtype=np.float32)
            power[:, nchan // 4] = 100 * scale
            power[-1] *= -1
            spectrum = Spectrum(
                power=power,
                t=self.t,
                f0=1.4e9,
                df=1e5,
                **{"duration": 1.0, "unit": "sfu", "polarizations": names} | fields,
            )
            self.n += 1
            self.hub.receive("p", FakeArrival(kind=Kind.SPECTRUM, stream=stream, n=self.n, message=spectrum))
            self.t += spacing

    def settle(self):
        """Refresh the dock as the clock would and let it finish its slices."""
        self.dock.refresh(None)
        while self.dock.feed.busy:
            self.dock.feed.step(1.0)
        self.dock.refresh_text()
        while self.dock.feed.busy:
            self.dock.feed.step(1.0)

    def choose(self, combo, text):
        index = combo.findText(text)
        assert index >= 0
        combo.setCurrentIndex(index)
        combo.activated.emit(index)

    def at(self, hz, t):
        view = self.dock.view
        return QPointF(view.x_of(hz), view.y_of_time(t)).toPoint()


@pytest.fixture
def bench(qtbot, qapp, tmp_path):
    made = Bench(qtbot, tmp_path)
    yield made
    made.clock.stop()
    made.dock.dispose()
    qapp.setStyleSheet("")  # of a theme that the test chose


def test_an_empty_dock_says_what_it_waits_for(bench):
    """Without spectra the dock shows a sentence, with them the picture, and after clearing the sentence again."""
    bench.settle()
    assert "Waiting for spectra" in bench.dock.empty_text
    bench.add(3)
    bench.settle()
    assert bench.dock.empty_text == ""
    bench.dock.clear_data()
    bench.settle()
    assert "Waiting for spectra" in bench.dock.empty_text
    assert bench.hub.spectra.waterfalls == {}
    bench.add(3)
    bench.settle()
    assert bench.dock.empty_text == ""


def test_rows_reach_the_screen_through_the_clock(bench, wait_for, qtbot):
    """A row that arrives is shown without any call from outside, at the upper edge."""
    bench.add(5)
    qtbot.waitUntil(lambda: bench.dock.empty_text == "" and not bench.dock.feed.busy)
    image = bench.dock.feed.image
    qtbot.waitUntil(lambda: bench.dock.feed.image.row(bench.dock.feed.image.top) is not None)
    before = image.top
    bench.add(5)
    qtbot.waitUntil(lambda: bench.dock.feed.image.top > before)
    assert bench.dock.feed.image is image


def test_mouse_readout_tells_frequency_time_and_value(bench):
    """Under the mouse: the frequency, the time in the chosen zone, the value with its unit and in dB."""
    bench.add(30)
    bench.settle()
    carrier_hz = 1.4e9 + NCHAN // 4 * 1e5
    QTest.mouseMove(bench.dock.view, bench.at(carrier_hz, T0 + 20.2))
    text = bench.dock.view.readout()
    number, unit = text[0].split()
    assert float(number) == pytest.approx(1.4016, abs=1e-5)
    assert unit == "GHz"
    assert text[1].startswith("2023-11-14 22:13:40.")
    assert text[1].endswith("UTC")
    assert text[2] == "100 sfu   20.00 dB"
    assert bench.dock.spectrum.hover_hz == pytest.approx(carrier_hz, abs=1e5)


def test_readout_in_a_gap_says_so(bench):
    """Where no row is, the readout says that it is a gap."""
    bench.add(5)
    bench.t += 20
    bench.add(5)
    bench.settle()
    QTest.mouseMove(bench.dock.view, bench.at(1.403e9, T0 + 15))
    assert bench.dock.view.readout()[-1] == "no data: a gap"
    assert bench.dock.feed.image.gaps() != []


def test_readout_of_the_spectrum_lists_the_curves(bench):
    """Over the spectrum the readout has a line for each curve shown."""
    bench.add(5)
    bench.settle()
    plot = bench.dock.spectrum
    QTest.mouseMove(plot, QPoint(int(plot.x_of(1.4e9 + NCHAN // 4 * 1e5)), int(plot.area().center().y())))
    lines = plot.readout()
    assert lines[1:4] == ["Max hold  20.00 dB (sfu)", "Current  20.00 dB (sfu)", "Average  20.00 dB (sfu)"]
    bench.dock._buttons["Average"].click()
    assert [line.split("  ")[0] for line in plot.readout()[1:]] == ["Max hold", "Current", "Cursor"]


def test_average_is_the_mean_and_max_hold_the_maximum(bench):
    """The average is over the rows stated, maximum hold over all rows since it was restarted."""
    bench.add(10, scale=9.0)
    bench.settle()
    bench.add(12, scale=1.0)
    bench.add(4, scale=2.0)
    bench.choose(bench.dock.controls.panel.average, "16 rows")
    bench.settle()
    lines = {line.split(",")[0]: [float(x) for x in line.split(",")[1:]] for line in bench.dock.csv().splitlines()[1:]}
    assert lines[repr(1.4e9)] == [2.0, pytest.approx((12 + 8) / 16), 9.0]
    bench.dock.reset_hold()
    bench.add(2, scale=3.0)
    bench.settle()
    assert bench.dock.csv().splitlines()[1].split(",")[3] == "3"


def test_wheel_drag_and_keys_zoom_and_pan_and_lose_nothing(bench):
    """The wheel zooms about the mouse, dragging pans, and a double click or F shows all and follows again."""
    bench.add(100)
    bench.settle()
    view, window = bench.dock.view, bench.dock.window_shown
    whole = (view.low_hz, view.high_hz)
    keep = view.hz_at(view.area().center().x())
    for _ in range(4):
        view.zoom_asked.emit(0.8, 1.0, view.area().center())
    assert view.high_hz - view.low_hz == pytest.approx((whole[1] - whole[0]) * 0.8**4)
    assert view.hz_at(view.area().center().x()) == pytest.approx(keep)
    start = view.area().center().toPoint()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(view, start + QPoint(0, -5))
    QTest.mouseMove(view, start + QPoint(0, -60))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=start + QPoint(0, -60))
    assert window.following is False
    assert not bench.dock.controls.follow.isChecked()
    bench.settle()
    top = bench.dock.feed.image.top
    bench.add(5)
    bench.settle()
    assert bench.dock.feed.image.top == top, "what was panned to stays"
    QTest.keyClick(view, Qt.Key.Key_F)
    bench.settle()
    assert (view.low_hz, view.high_hz) == whole
    assert bench.dock.feed.image.top > top
    assert bench.dock.controls.follow.isChecked()
    QTest.keyClick(view, Qt.Key.Key_Plus)
    assert view.high_hz - view.low_hz < whole[1] - whole[0]
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=start)
    assert (view.low_hz, view.high_hz) == whole


def test_time_span_and_direction(bench):
    """The span chosen is the height of the picture; newest at the bottom turns it round."""
    bench.add(100)
    bench.settle()
    dock = bench.dock
    for text, span_s in (("1 min", 60.0), ("5 min", 300.0), ("15 min", 900.0)):
        bench.choose(dock.controls.span, text)
        geometry = dock.feed.geometry
        assert geometry.row_s * geometry.height == pytest.approx(span_s)
    bench.choose(dock.controls.span, "All kept")
    bench.settle()
    assert dock.feed.geometry.row_s * dock.feed.geometry.height == pytest.approx(100.0)
    newest_y = dock.view.y_of_time(bench.t)
    bench.choose(dock.controls.panel.direction, "At the bottom")
    bench.settle()
    assert newest_y < dock.view.area().center().y() < dock.view.y_of_time(bench.t)


def test_levels_follow_slowly_and_can_be_set_by_hand(bench):
    """Automatic levels leave small changes alone; dragging or typing fixes them until automatic is asked for again."""
    bench.add(30)
    bench.settle()
    dock = bench.dock
    before = (dock.levels.low, dock.levels.high)
    bench.add(5, scale=1.01)
    bench.settle()
    assert (dock.levels.low, dock.levels.high) == before
    dock.spectrum.bar.levels_dragged.emit(-3.0, 17.0)
    assert (dock.levels.low, dock.levels.high, dock.levels.automatic) == (-3.0, 17.0, False)
    panel = dock.controls.panel
    assert panel.low.text() == "-3.00"
    assert not panel.automatic.isChecked()
    panel.high.selectAll()
    QTest.keyClicks(panel.high, "12.5")
    QTest.keyClick(panel.high, Qt.Key.Key_Return)
    assert (dock.levels.low, dock.levels.high) == (-3.0, 12.5)
    panel.high.selectAll()
    QTest.keyClicks(panel.high, "nonsense")
    QTest.keyClick(panel.high, Qt.Key.Key_Return)
    assert panel.high.text() == "12.50"
    panel.automatic.click()
    assert dock.levels.automatic
    bench.settle()
    assert dock.levels.high > 15


def test_negative_products_are_shown_in_db_by_magnitude_and_linear_with_sign(bench):
    """Re XY* may be negative: dB shows the magnitude, linear the sign."""
    bench.add(30)
    bench.settle()
    dock = bench.dock
    bench.choose(dock.controls.polarization, "Re XY*")
    bench.settle()
    QTest.mouseMove(dock.view, bench.at(1.4e9 + NCHAN // 4 * 1e5, T0 + 20))
    assert dock.view.readout()[2] == "-100 sfu   20.00 dB"
    assert dock.levels.low > -20
    bench.choose(dock.controls.scale, "Linear")
    bench.settle()
    assert dock.levels.low < 0
    assert dock.csv().splitlines()[1].split(",")[1] == "-1"


def test_another_axis_begins_a_new_block(bench):
    """After a change of channels the older rows stay at their own frequencies and the place is marked."""
    bench.add(20)
    bench.add(20, nchan=128)
    bench.settle()
    dock = bench.dock
    assert len(dock.view.blocks) == 1
    assert "128 channels" in dock.view.blocks[0][1]
    QTest.mouseMove(dock.view, bench.at(1.4e9 + 100 * 1e5, T0 + 10))
    assert "no channel here" in dock.view.readout()
    QTest.mouseMove(dock.view, bench.at(1.4e9 + 32 * 1e5, T0 + 30))
    assert "100 sfu   20.00 dB" in dock.view.readout()


def test_names_from_the_wire_are_plain_text(bench, qtbot):
    """Markup and very long names of streams, units and polarizations are shown as they are and bounded."""
    bad = "<b onclick=x>" * 15
    bench.add(3, stream=bad, names=("<i>X</i>", "Y", "Z"), unit="<h1>" * 200)
    bench.settle()
    dock = bench.dock
    assert dock.controls.picker.itemText(1).startswith("<b onclick=x>")
    assert len(dock.controls.picker.itemText(1)) < 130
    assert dock.controls.polarization.currentText() == "<i>X</i>"
    assert len(dock.view.unit) <= 60
    assert not dock.grab().isNull()


@pytest.mark.parametrize(
    "odd",
    [
        {"f0": 1e300},
        {"f0": -1e9, "df": -1e-12},
        {"df": 0.0},
        {"df": 1e-300},
        {"df": 1e290},
        {"frequencies": np.full(4, np.nan)},
        {"frequencies": np.array([3.0, np.inf, 1.0, 1.0])},
        {"power": np.full((1, 4), np.nan, dtype=np.float32)},
        {"power": np.array([[0.0, np.inf, -np.inf, 3e38]], dtype=np.float32)},
        {"power": np.zeros((1, 1), dtype=np.float32)},
        {"t": 0.0},
        {"t": 1e300},
        {"t": -1e10},
        {"duration": 1e300},
        {"duration": -1.0},
        {"duration": np.nan},
    ],
    ids=repr,
)
def test_odd_spectra_harm_nothing(bench, odd):
    """Values at the edge of what the wire allows are drawn or left out, zoomed or not, and break nothing."""
    usual = {
        "power": np.ones((1, 4), dtype=np.float32),
        "t": T0,
        "f0": 1e9,
        "df": 1e3,
        "duration": 1.0,
        "polarizations": ("XX",),
    }
    fields = usual | odd
    if fields["power"].shape[1] == 1:
        fields.pop("frequencies", None)
    dock = bench.dock
    for i in range(3):
        bench.hub.receive("p", FakeArrival(Kind.SPECTRUM, "odd", i + 1, Spectrum(**fields)))
        bench.settle()
    for decibel in ("Linear", "dB"):
        bench.choose(dock.controls.scale, decibel)
        for plot in (dock.view, dock.spectrum):
            QTest.mouseMove(plot, plot.area().center().toPoint())
            assert plot.readout()
            plot.zoom_asked.emit(0.5, 0.5, plot.area().center())
            plot.pan_asked.emit(30.0, 30.0)
        bench.settle()
        assert not dock.grab().isNull()
    bench.choose(dock.controls.span, "All kept")
    bench.settle()
    assert not dock.grab().isNull()


def test_view_settings_come_back(bench, qtbot, tmp_path):
    """What view_state returns restores the choices; nonsense in it changes nothing and breaks nothing."""
    import json

    bench.add(10)
    bench.settle()
    dock = bench.dock
    bench.choose(dock.controls.polarization, "YY")
    bench.choose(dock.controls.scale, "Linear")
    bench.choose(dock.controls.panel.colors, "Inferno")
    dock.spectrum.bar.levels_dragged.emit(1.0, 2.0)
    dock._buttons["Max hold"].click()
    dock.controls.picker.choose(("p", "beam"))
    state = json.loads(json.dumps(dock.view_state()))
    other = WaterfallDock(dock.context)
    qtbot.addWidget(other)
    other.restore_view_state(state)
    assert other.view_state()["splitter"]
    expected = {key: value for key, value in state.items() if key != "splitter"}
    assert {key: value for key, value in other.view_state().items() if key != "splitter"} == expected
    other.restore_view_state(
        {"color_map": ["x"], "levels": [5, 1], "span_s": -1, "curves": 5, "stream": [1], "splitter": "x", "decibel": 3}
    )
    assert other.view_state()["color_map"] == "viridis"
    assert other.view_state()["stream"] == ["p", "beam"]
    other.dispose()


def test_a_stream_that_is_missing_is_waited_for(bench):
    """A chosen stream that is not there is named, and shown when it comes."""
    bench.dock.controls.picker.choose(("p", "other"))
    bench.add(3)
    bench.settle()
    assert "other" in bench.dock.empty_text
    bench.add(3, stream="other")
    assert bench.dock.concerns(Change("spectrum", "p", "other"))
    bench.settle()
    assert bench.dock.empty_text == ""


def test_frozen_shows_nothing_newer(bench):
    """While painting is frozen zooming works on what stands; rows that arrived since appear afterwards."""
    bench.add(30)
    bench.settle()
    view = bench.dock.view
    bench.clock.set_frozen(True)
    bench.add(20)
    view.zoom_asked.emit(0.5, 0.5, view.area().center())
    image = bench.dock.feed.image
    assert image.top * bench.dock.feed.geometry.row_s < T0 + 30.5
    bench.clock.set_frozen(False)
    bench.settle()
    assert bench.dock.feed.image.top * bench.dock.feed.geometry.row_s > T0 + 45


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [(490, 330), (900, 600)])
def test_nothing_is_clipped(bench, theme, size):
    """At the size of the default layout and larger every control has the room it needs."""
    bench.themes.choose(theme)
    bench.add(10)
    bench.dock.resize(*size)
    bench.settle()
    controls = bench.dock.controls
    for widget in (controls.polarization, controls.span, controls.scale, controls.follow, controls.view):
        assert widget.isVisible()
        assert widget.width() >= min(widget.sizeHint().width(), widget.maximumWidth())
        assert controls.rect().contains(widget.geometry())
    ticks = bench.dock.view.time_ticks()
    assert len(ticks) >= 2
    assert ticks[0].date == "2023-11-14"
    assert all(bench.dock.fontMetrics().horizontalAdvance(tick.text) < bench.dock.view.left_px - 6 for tick in ticks)


def test_every_control_is_reachable_and_named(bench):
    """Controls and plots take the keyboard focus and have a name for a screen reader."""
    dock = bench.dock
    controls, panel = dock.controls, dock.controls.panel
    for widget in (
        *(controls.picker, controls.polarization, controls.span, controls.scale, controls.follow, controls.view),
        *(panel.colors, panel.automatic, panel.low, panel.high, panel.average, panel.direction, panel.reset_hold),
        *(dock.spectrum, dock.view, dock.spectrum.bar, *dock._buttons.values()),
    ):
        assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus, widget
        assert widget.accessibleName() or widget.text(), widget


def test_the_context_menu_is_the_docks_own(bench):
    """The dock offers its own entries, picture, CSV and clear; nothing of another library appears."""
    bench.add(3)
    bench.settle()
    menu = bench.dock.context_menu()
    texts = [action.text() for action in menu.actions() if action.text()]
    assert texts[:3] == ["Follow and show all channels", "Restart max hold", "Automatic levels"]
    assert {"Copy picture", "Copy visible data as CSV", "Clear data"} <= set(texts)
    menu.deleteLater()


def test_the_stream_choice_takes_room_only_when_there_is_one(bench):
    """One stream is named in the dock's title; the list of streams comes with the second and never cuts a name."""
    bench.add(stream="beam")
    bench.settle()
    picker = bench.dock.controls.picker
    assert not picker.isVisible()
    bench.add(stream="a stream with quite a long name")
    bench.settle()
    assert picker.isVisible()
    bench.choose(picker, picker.itemText(2))
    bench.settle()
    picker.setFixedWidth(110)
    narrow = picker.grab().toImage()
    picker.setItemText(2, picker.itemText(2)[:12] + "x" * 40)
    assert picker.grab().toImage() == narrow, "what does not fit is left out at an ellipsis"
