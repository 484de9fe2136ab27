"""The Metrics dock as its user meets it: plots, legend, axes, crosshair, settings."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from dockscope.core.messages import Hello, Kind, MetricBatch, SeriesDefinition, SeriesDefinitions
from dockscope.gui.metric_chooser import MetricChooser
from dockscope.gui.metrics_dock import MetricsDock
from dockscope.gui.theme import contrast

KEY = "dockscope://127.0.0.1:5560"  # the producer of the fixtures

# What the offscreen platform says when a popup opens.
popups = pytest.mark.qt_log_ignore("This plugin does not support (raise|grabbing the keyboard)", extend=True)

T0 = 1_700_000_000.0
TRAIN, VALIDATION = (("phase", "train"),), (("phase", "validation"),)


@pytest.fixture
def send(deliver):
    """``send(name, t, value, labels=(), **fields)``: samples of one series."""
    known: dict[object, list[int]] = {}

    def put(name, t, value, labels=(), **fields):
        series = known.setdefault((name, labels), [len(known) + 1, 1])
        if series[1] == 1:
            definition = SeriesDefinition(series[0], name, labels, tuple(fields))
            deliver(Kind.SERIES, "", SeriesDefinitions((definition,)))
        n = len(t)
        columns = [np.asarray(column, float) for column in fields.values()]
        batch = MetricBatch(
            series=np.array([series[0]], "u4"),
            first=np.array([series[1]], "u8"),
            count=np.array([n], "u4"),
            t=np.asarray(t, float),
            value=np.asarray(value, float),
            fields=np.concatenate(columns) if columns else np.empty(0),
        )
        deliver(Kind.METRIC, "", batch)
        series[1] += n

    return put


@pytest.fixture
def dock(context, qtbot):
    """A dock of the size that it has in the default layout at 1280×720."""
    dock = MetricsDock(context)
    qtbot.addWidget(dock)
    dock.resize(640, 330)
    with qtbot.waitExposed(dock):
        dock.show()
    yield dock
    dock.dispose()


@pytest.fixture
def shown(dock, qtbot):
    """``shown(condition)`` waits until the dock has done what it had to and the condition holds."""

    def wait(condition=lambda: True):
        def settled():
            idle = not (dock._redraw_timer.isActive() or dock._rest_timer.isActive())
            return idle and not dock.context.clock._timer.isActive() and condition()

        qtbot.waitUntil(settled, timeout=5000)

    return wait


def two_phases(send, n=100):
    step = np.arange(n) * 10
    send("loss", T0 + np.arange(n), 1 / (1 + np.arange(n)), TRAIN, step=step)
    send("loss", T0 + np.arange(0, n, 10), 2 / (1 + np.arange(0, n, 10)), VALIDATION)


def ten_metrics(send):
    for number in range(10):
        send(f"metric {number}", T0 + np.arange(50), np.arange(50) * number, step=np.arange(50))


def picture(plot):
    return plot.grab().toImage()


def has_color(plot, color, rect=None):
    """Whether any pixel of the plot area comes near a colour."""
    image = picture(plot)
    area = (rect or plot.area()).toRect()
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    for y in range(area.top(), area.bottom()):
        for x in range(area.left(), area.right()):
            pixel = image.pixelColor(x, y)
            if sum(abs(a - b) for a, b in zip((pixel.red(), pixel.green(), pixel.blue()), wanted, strict=True)) < 60:
                return True
    return False


def test_says_what_it_waits_for(dock, hub, shown):
    """Without samples a sentence says what is missing, with and without a producer."""
    shown(lambda: "publish_metric" in dock.empty_text)
    hub.forget(KEY)
    dock.request_refresh()
    shown(lambda: "connected" in dock.empty_text)


def test_one_plot_per_name_with_labels_overlaid(dock, send, shown):
    """Each metric name has a plot; its labels are curves in it, in the theme's colours."""
    two_phases(send)
    send("accuracy", T0 + np.arange(5), np.arange(5))
    shown(lambda: dock.names == ["loss", "accuracy"])
    loss = dock.plots["loss"]
    assert [entry.label for entry in loss.legend().entries] == ["train", "validation"]
    assert has_color(loss, dock.theme.curve(0))
    assert has_color(loss, dock.theme.curve(1))
    assert not has_color(dock.plots["accuracy"], dock.theme.curve(1))


def test_ten_metrics_need_no_scroll_bar(dock, send, shown):
    """In the default layout as many as fit are shown; "+4 more" shows all, and then it scrolls."""
    ten_metrics(send)
    shown(lambda: len(dock.names) == 6)
    assert dock.bar.more_button.text() == "+4 more"
    assert dock.bar.more_button.isVisible()
    assert not dock.grid.verticalScrollBar().isVisible()
    dock.bar.more_button.click()
    shown(lambda: len(dock.names) == 10 and dock.grid.verticalScrollBar().isVisible())
    assert not dock.bar.more_button.isVisible()
    dock.resize(1500, 900)
    dock.choose_metrics("fit")
    shown(lambda: len(dock.names) == 10 and not dock.grid.verticalScrollBar().isVisible())


@pytest.mark.parametrize(("width", "height"), [(300, 240), (640, 330), (900, 600), (1500, 900)])
def test_controls_stay_inside(dock, send, shown, width, height):
    """No control reaches over the border or is narrower than its text."""
    ten_metrics(send)
    dock.resize(width, height)
    shown(lambda: bool(dock.names))
    for child in dock.bar.children():
        if child.isWidgetType() and child.isVisible():
            assert dock.bar.rect().contains(child.geometry()), child
            assert child.width() >= child.minimumSizeHint().width(), child


@popups
def test_chooser_chooses(dock, send, shown):
    """Ticks in the list decide which metrics are shown; the search line narrows the list."""
    ten_metrics(send)
    shown(lambda: bool(dock.names))
    dock.bar.metrics_button.click()
    chooser = dock.chooser
    chooser._search.setText("metric 7")
    assert [chooser._list.item(row).isHidden() for row in range(10)].count(False) == 1
    for row in range(6):
        if row != 3:
            chooser._list.item(row).setCheckState(Qt.CheckState.Unchecked)
    chooser._list.item(7).setCheckState(Qt.CheckState.Checked)
    shown(lambda: dock.names == ["metric 3", "metric 7"])
    chooser.close()
    dock.choose_metrics([])
    shown(lambda: dock._nothing.isVisible())


@popups
def test_thousands_of_metrics_are_listed_bit_by_bit(dock, send, shown, qtbot):
    """The list opens with the first names; the rest follows, keeps its ticks, and is searched as well."""
    names = [f"metric {k}" for k in range(2000)]
    chooser = MetricChooser(dock)
    chooser.open_below(dock.bar, names, [], ["metric 3", "metric 1999"])
    assert chooser._list.count() < len(names)
    assert chooser.names() == ["metric 3", "metric 1999"]
    chooser._search.setText("1999")
    qtbot.waitUntil(lambda: chooser._list.count() == len(names))
    assert chooser.names() == ["metric 3", "metric 1999"]
    assert [k for k in range(2000) if not chooser._list.item(k).isHidden()] == [1999]
    chooser.close()


def test_plots_are_made_for_what_is_in_sight(dock, send, shown):
    """With hundreds of metrics that scroll, only those in sight have a plot, also after scrolling."""
    for k in range(300):
        send(f"metric {k}", [T0, T0 + 1], [0, k])
    dock.choose_metrics("all")
    shown(lambda: len(dock.names) == 300)
    assert len(dock.grid.visible_plots()) < 30
    bar = dock.grid.verticalScrollBar()
    bar.setValue(bar.maximum())
    shown(lambda: "metric 299" in dock.plots and dock.plots["metric 299"].scene() is not None)
    assert dock.plots["metric 299"].isVisible()
    assert len(dock.plots) <= 130


def test_many_curves_of_a_plot_are_painted_in_slices(dock, send, shown, monkeypatch):
    """Curves that do not fit into a frame are prepared in several; what is shown in the end is all of them."""
    monkeypatch.setattr("dockscope.gui.metrics_dock.FRAME_S", 0.0)
    monkeypatch.setattr("dockscope.gui.metrics_dock.LEAST_S", 0.0)
    for k in range(20):
        send("m", [T0, T0 + 10], [k, k], (("k", str(k)),))
    shown(lambda: (scene := dock.plots["m"].scene()) is not None and len(scene.lines) == 20)
    image = dock.plots["m"].grab().toImage()
    area, mapping = dock.plots["m"].area(), dock.plots["m"].scene().mapping
    x = int(area.center().x())
    empty = {dock.theme.surface.lower(), dock.theme.grid.lower()}
    for k in range(20):
        y = float(mapping.y_px(np.array([float(k)]))[0])
        assert {image.pixelColor(x, round(y) + d).name() for d in (-1, 0, 1)} - empty


def test_legend_switches_a_curve(dock, send, shown, qtbot):
    """A click switches a curve off and on, a double click leaves only that one, another brings all back."""
    two_phases(send)
    shown(lambda: "loss" in dock.plots and len(dock.plots["loss"].legend().rects) == 2)
    plot = dock.plots["loss"]

    def entry(number):
        return plot.legend().rects[number].center().toPoint()

    def shows():
        return [view.shown for view in plot.views]

    qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=entry(0))
    shown(lambda: shows() == [False, True])
    assert not has_color(plot, dock.theme.curve(0))
    qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=entry(0))
    shown(lambda: shows() == [True, True])
    for expected in ([False, True], [True, True]):
        qtbot.mouseClick(plot, Qt.MouseButton.LeftButton, pos=entry(1))
        qtbot.mouseDClick(plot, Qt.MouseButton.LeftButton, pos=entry(1))
        shown(lambda expected=expected: shows() == expected)


def test_a_series_without_the_field_is_greyed(dock, send, shown):
    """On a field axis a curve without that field is grey in the legend; a plot without any says so."""
    two_phases(send)
    send("accuracy", T0 + np.arange(5), np.arange(5))
    shown(lambda: len(dock.names) == 2)
    dock.choose_x("field:step")
    shown(lambda: 900 < dock.axis.high < 2000)
    assert [entry.is_possible for entry in dock.plots["loss"].legend().entries] == [True, False]
    assert "step" in dock.plots["accuracy"].message()
    dock.choose_x("time")
    shown(lambda: dock.axis.low >= T0 - 1)
    assert dock.plots["accuracy"].message() == ""


def test_relative_time_then_a_field(dock, send, hub, shown):
    """After relative time a field axis still shows the samples, and the runs lie over one another on both."""
    two_phases(send)
    hub.greet(KEY, Hello(producer=b"q" * 16, name="trainer"), "operate")
    two_phases_again(send, hub)
    dock.choose_x("relative")
    shown(lambda: 99 <= dock.axis.high <= 110)
    dock.choose_x("field:step")
    shown(lambda: dock.axis.high > 900)
    assert dock.plots["loss"].message() == ""
    roles = [entry.role for entry in dock.plots["loss"].scene().lines]
    assert roles.count("old") == 1
    assert roles[-1] == "main"


def two_phases_again(send, hub):
    definition = SeriesDefinition(1, "loss", TRAIN, ("step",))
    hub.series.define(KEY, SeriesDefinitions((definition,)))
    n = 100
    batch = MetricBatch(
        series=np.array([1], "u4"), first=np.array([1], "u8"), count=np.array([n], "u4"),
        t=T0 + 500 + np.arange(n), value=np.ones(n), fields=np.arange(n) * 10.0,
    )  # fmt: skip
    hub.series.append(KEY, batch)


def test_a_restart_leaves_a_gap(dock, send, hub, shown):
    """Between two runs nothing is drawn on the time axis."""
    two_phases(send)
    hub.greet(KEY, Hello(producer=b"q" * 16, name="trainer"), "operate")
    two_phases_again(send, hub)
    dock.request_refresh()
    shown(lambda: dock.axis.high > T0 + 590)
    plot = dock.plots["loss"]
    area = plot.area()
    area.setLeft(plot.scene().mapping.x_px(np.array([T0 + 150]))[0])
    area.setRight(plot.scene().mapping.x_px(np.array([T0 + 450]))[0])
    assert not has_color(plot, dock.theme.curve(0), area)


def test_logarithmic_axis_says_what_it_skips(dock, send, shown):
    """On a logarithmic y axis values at or below zero are left out and the plot says so."""
    send("loss", T0 + np.arange(10), [1, 10, 0, 100, -3, 1, 1, 1, 1, 1])
    shown(lambda: "loss" in dock.names)
    assert dock.plots["loss"].message() == ""
    dock.bar.log_button.click()
    shown(lambda: "≤ 0" in dock.plots["loss"].message())
    dock.choose_log_of("loss", False)
    shown(lambda: dock.plots["loss"].message() == "")


def test_smoothing_lies_over_the_faded_curve(dock, send, shown):
    """With smoothing the raw curve stays, faded, under its average; without it there is one line again."""
    send("loss", T0 + np.arange(400), np.random.default_rng(3).normal(0, 1, 400))
    shown(lambda: "loss" in dock.names)
    dock.bar.slider.setValue(90)
    shown(lambda: [entry.role for entry in dock.plots["loss"].scene().lines] == ["faded", "main"])
    raw, smooth = dock.plots["loss"].scene().lines
    assert smooth.lines.length_px < raw.lines.length_px / 3
    dock.bar.slider.setValue(0)
    shown(lambda: [entry.role for entry in dock.plots["loss"].scene().lines] == ["main"])


def test_follows_until_the_user_pans(dock, send, shown, qtbot):
    """New samples move the axis; after a pan they do not; F and the Follow button bring it back to the end."""
    send("loss", T0 + np.arange(100), np.arange(100))
    shown(lambda: dock.axis.high >= T0 + 99)
    plot = dock.plots["loss"]
    centre = plot.area().center().toPoint()
    qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=centre)
    drag(plot, centre, centre + QPoint(60, 0))
    qtbot.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=centre + QPoint(60, 0))
    shown(lambda: not dock.axis.follow)
    held = (dock.axis.low, dock.axis.high)
    assert not dock.bar.follow_button.isChecked()
    send("loss", T0 + 100 + np.arange(100), np.arange(100))
    shown()
    assert (dock.axis.low, dock.axis.high) == held
    QTest.keyClick(plot, Qt.Key.Key_F)
    shown(lambda: dock.axis.follow and dock.axis.high >= T0 + 199)
    assert dock.bar.follow_button.isChecked()


def drag(widget, start, end):
    """Move the mouse with the left button held, as QTest cannot."""
    from PySide6.QtGui import QMouseEvent

    for share in (0.3, 0.6, 1.0):
        at = QPointF(start + (end - start) * share)
        left = Qt.MouseButton.LeftButton
        event = QMouseEvent(
            QEvent.Type.MouseMove, at, widget.mapToGlobal(at), Qt.MouseButton.NoButton, left, Qt.KeyboardModifier(0)
        )
        QApplication.sendEvent(widget, event)


def wheel(widget, at, notches, modifiers=Qt.KeyboardModifier.NoModifier):
    event = QWheelEvent(
        QPointF(at), QPointF(widget.mapToGlobal(at)), QPoint(), QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


def test_wheel_zooms_all_plots_around_the_mouse(dock, send, shown, qtbot):
    """The wheel zooms the shared x axis around the mouse; a double click shows everything again."""
    two_phases(send)
    send("accuracy", T0 + np.arange(100), np.arange(100))
    shown(lambda: len(dock.names) == 2)
    plot = dock.plots["loss"]
    at = plot.area().center().toPoint()
    before = plot.scene().mapping
    fixed = before.x_at(at.x())
    wheel(plot, at, 3)
    shown(lambda: dock.axis.high - dock.axis.low < 0.6 * (before.high - before.low))
    assert plot.scene().mapping.x_at(at.x()) == pytest.approx(fixed, abs=0.5)
    assert dock.plots["accuracy"].scene().mapping.low == plot.scene().mapping.low
    wheel(plot, at, 1, Qt.KeyboardModifier.ShiftModifier)
    assert plot.y_by_hand
    qtbot.mouseDClick(plot, Qt.MouseButton.LeftButton, pos=at)
    shown(lambda: dock.axis.follow and not plot.y_by_hand)


def test_the_unit_that_all_curves_have_is_told_in_the_title(dock, send, shown):
    """A label “unit” that is the same everywhere stands beside the name; where units differ none does."""
    send("voltage", T0 + np.arange(3), np.arange(3), (("unit", "mV"),))
    send("level", T0 + np.arange(3), np.arange(3), (("unit", "dB"),))
    send("level", T0 + np.arange(3), np.arange(3), (("unit", "V"),))
    send("loss", T0 + np.arange(3), np.arange(3))
    shown(lambda: len(dock.names) == 3)
    assert {name: plot.title for name, plot in dock.plots.items()} == {
        "voltage": "voltage (mV)",
        "level": "level",
        "loss": "loss",
    }


def test_span_keeps_to_the_end(dock, send, shown):
    """A span shows only the newest part while following."""
    send("loss", T0 + np.arange(1000), np.arange(1000))
    shown(lambda: dock.axis.low == T0)
    dock.bar.span_box.setCurrentIndex(1)
    dock.bar.span_box.activated.emit(1)
    shown(lambda: 0 <= dock.axis.low - (T0 + 999 - 60) < 0.5)  # by whole pixels


def test_crosshair_shows_all_values_in_the_dock(dock, send, shown, qtbot):
    """Under the mouse every curve's value is read out, inside the dock; the other plots show the same moment."""
    two_phases(send)
    send("accuracy", T0 + np.arange(100), np.arange(100))
    shown(lambda: len(dock.names) == 2 and dock.plots["loss"].scene() is not None)
    plot = dock.plots["loss"]
    x = T0 + 50
    plot.hovered.emit(x)
    assert [row.label for row in dock.crosshair.readout.rows] == ["train", "validation"]
    assert dock.crosshair.readout.rows[0].value == "0.01961"
    assert dock.body.rect().contains(dock.crosshair.readout.geometry())
    assert dock.plots["accuracy"].legend().entries[0].value == "50"
    picture(plot)
    plot.hovered.emit(None)
    assert not dock.crosshair.readout.isVisible()
    assert dock.plots["accuracy"].legend().entries[0].value == "99"


def test_a_plot_can_be_enlarged(dock, send, shown, qtbot):
    """A double click on the title lets one plot fill the dock; Escape brings the others back."""
    ten_metrics(send)
    shown(lambda: len(dock.names) == 6)
    qtbot.mouseDClick(dock.plots["metric 1"], Qt.MouseButton.LeftButton, pos=QPoint(20, 8))
    shown(lambda: dock.names == ["metric 1"])
    QTest.keyClick(dock.plots["metric 1"], Qt.Key.Key_Escape)
    shown(lambda: len(dock.names) == 6)


def test_csv_is_what_is_visible(dock, send, shown):
    """The table has the visible range of the shown curves, with fields, run and ISO times."""
    two_phases(send)
    shown(lambda: dock.names == ["loss"])
    dock.toggle_curve(dock.plots["loss"], 1)
    dock.axis.show(T0 + 9.5, T0 + 12.5)
    shown(lambda: not dock.plots["loss"].views[1].shown)
    rows = list(csv.DictReader(io.StringIO(dock.csv() or "")))
    assert [row["step"] for row in rows] == ["100", "110", "120"]
    assert rows[0]["t"] == "2023-11-14T22:13:30.000000Z"
    assert json.loads(rows[0]["labels"]) == {"phase": "train"}
    assert (rows[0]["name"], rows[0]["producer"], rows[0]["run"]) == ("loss", "trainer", "1")
    assert float(rows[0]["value"]) == 1 / 11


def test_settings_come_back(dock, context, send, shown, qtbot):
    """What a dock tells of its view makes another one look the same; rubbish leaves the defaults."""
    two_phases(send)
    shown(lambda: "loss" in dock.plots)
    dock.choose_x("field:step")
    dock.smooth(0.5)
    dock.toggle_curve(dock.plots["loss"], 1)
    state = json.loads(json.dumps(dock.view_state()))
    other = MetricsDock(context)
    qtbot.addWidget(other)
    other.restore_view_state(state)
    assert other.options == dock.options
    assert other.axis.choice == "field:step"
    other.restore_view_state({"x": [], "hidden": "all", "metrics": 3})
    assert other.view_state() == MetricsDock(context).view_state()
    other.dispose()


@popups
@pytest.mark.parametrize("name", ["<b>bold</b><img src=x>", "x" * 250, "a\nb", "%s %d", "", "ß∂ƒ 漢字 \u202e"])
def test_odd_names_are_shown_literally(dock, send, shown, name):
    """A name with markup, of great length or with odd characters is shown as it is, elided, and nothing breaks."""
    send(name, T0 + np.arange(5), np.arange(5), ((name or "l", "<i>x</i>"),))
    shown(lambda: dock.names == [name])
    plot = dock.plots[name]
    picture(plot)
    menu = dock.context_menu()
    assert menu.actions()
    menu.deleteLater()
    dock.bar.metrics_button.click()
    dock.chooser.close()


def test_odd_values_are_painted(dock, send, shown):
    """NaN, infinities, a constant and huge values are data like any other, linear and logarithmic, smoothed or not."""
    odd = [1, np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 0, 1]
    send("odd", T0 + np.arange(9), odd)
    send("nothing", T0 + np.arange(9), np.full(9, np.nan))
    send("constant", T0 + np.arange(9), np.full(9, 7.0))
    send("one", [T0], [3.0])
    shown(lambda: len(dock.names) == 4)
    for log in (False, True):
        for weight in (0.0, 0.9):
            dock.choose_log(log)
            dock.smooth(weight)
            shown()
            for plot in dock.plots.values():
                picture(plot)
    assert has_color(dock.plots["one"], dock.theme.curve(0))


@popups
def test_context_menu_opens_over_a_plot(dock, send, shown):
    """The menu offers what concerns the plot under the mouse, copies and clears; it opens over plots, too."""
    two_phases(send)
    shown(lambda: "loss" in dock.plots)
    plot = dock.plots["loss"]
    at = plot.mapTo(dock, plot.area().center().toPoint())
    QApplication.sendEvent(dock, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, dock.mapToGlobal(at)))
    menu = next(child for child in dock.findChildren(QMenu) if child.isVisible())
    texts = [action.text() for action in menu.actions()]
    assert "Logarithmic y axis here" in texts
    assert "Copy visible data as CSV" in texts
    menu.close()
    inner = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, plot.rect().center(), plot.mapToGlobal(QPoint(5, 5)))
    inner.setAccepted(True)
    plot.contextMenuEvent(inner)
    assert not inner.isAccepted()


def test_clear_removes_the_metrics(dock, send, hub, shown):
    """Clear data empties what the dock shows, also the metrics for which there was no room."""
    ten_metrics(send)
    shown(lambda: len(dock.names) == 6)
    dock.clear_data()
    shown(lambda: bool(dock.empty_text))
    assert hub.series.names() == []


def test_a_long_history_is_smoothed_in_slices(dock, send, shown):
    """Smoothing a long history is spread over frames and is complete in the end."""
    n = 120_000
    send("loss", T0 + np.arange(n) / 100, np.random.default_rng(0).normal(0, 1, n))
    shown(lambda: "loss" in dock.names)
    dock.smooth(0.9)
    view = dock.plots["loss"].views[0]
    shown(lambda: view.smoothed is not None and len(view.smoothed.values) == n)


def test_a_failure_while_painting_is_told_once(dock, send, shown, expect_log, log_watch):
    """An error in painting is logged once and leaves the widget paintable."""
    send("loss", T0 + np.arange(5), np.arange(5))
    shown(lambda: "loss" in dock.plots)
    plot = dock.plots["loss"]
    expect_log("could not be painted")
    good, plot._fonts = plot._fonts, None
    picture(plot)
    picture(plot)
    plot._fonts = good
    assert len(log_watch.seen("could not be painted")) == 1
    assert has_color(plot, dock.theme.curve(0))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_texts_are_readable(dock, send, shown, context, theme):
    """Every text colour that is painted has a contrast of 4.5:1 on the plot, the values in curve colours too."""
    context.themes.choose(theme)
    send("loss", T0 + np.arange(5), np.arange(5))
    shown(lambda: "loss" in dock.plots)
    plot = dock.plots["loss"]
    assert plot.theme.name == theme
    colors = [plot.theme.text, plot.theme.muted, *plot.theme.curves]
    assert min(contrast(color, plot.theme.surface) for color in colors) >= 4.5


def test_hidden_and_unchanged_docks_cost_nothing(dock, send, shown, context):
    """A hidden dock is not refreshed, and a producer's change does not make lines anew."""
    two_phases(send)
    shown(lambda: "loss" in dock.plots)
    scene = dock.plots["loss"].scene()
    dock.hide()
    send("loss", T0 + 100 + np.arange(10), np.ones(10), TRAIN, step=np.arange(10))
    QApplication.processEvents()
    assert dock.plots["loss"].scene() is scene
    dock.show()
    shown(lambda: dock.plots["loss"].scene() is not scene)


def test_a_frozen_dock_stays_where_it_is(dock, send, shown, context):
    """While frozen a resize or another scale does not show newer samples; after it the end is followed again."""
    send("loss", T0 + np.arange(100), np.arange(100))
    shown(lambda: dock.axis.high >= T0 + 99)
    high = dock.axis.high
    context.clock.set_frozen(True)
    send("loss", T0 + 100 + np.arange(100), np.arange(100))
    dock.resize(700, 400)
    dock.choose_log(True)
    shown(lambda: dock.plots["loss"].log)
    assert dock.axis.high == high
    dock.choose_x("relative")
    shown(lambda: dock.axis.high > 199)
    context.clock.set_frozen(False)
    dock.choose_x("time")
    shown(lambda: dock.axis.high > T0 + 199)


def test_controls_are_reachable_by_keyboard_and_named(dock, send, shown):
    """Each control takes the focus with Tab, and has a name for screen readers and a tooltip."""
    two_phases(send)
    shown(lambda: "loss" in dock.plots)
    bar = dock.bar
    for control in (bar.metrics_button, bar.x_box, bar.span_box, bar.log_button, bar.slider, bar.follow_button):
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert control.accessibleName()
        assert control.toolTip()
    assert "loss" in dock.plots["loss"].accessibleName()
    assert dock.plots["loss"].focusPolicy() & Qt.FocusPolicy.TabFocus


def test_plots_that_do_not_fit_into_a_frame_follow_one_after_another(dock, send, shown, monkeypatch):
    """However long the lines of each plot take, after a pan all plots show the same stretch, fitted to it."""
    ten_metrics(send)
    shown(lambda: len(dock.names) == 6)
    monkeypatch.setattr("dockscope.gui.metrics_dock.FRAME_S", 0.0)
    monkeypatch.setattr("dockscope.gui.metrics_dock.LEAST_S", 0.0)  # one plot per turn of the loop
    plot = dock.plots["metric 3"]
    before = plot.y_range
    dock.axis.show(T0 + 10, T0 + 20)
    plot.panned.emit(0.0)
    shown(lambda: all(p.scene().mapping.low == dock.axis.low == T0 + 10 for p in dock.plots.values()))
    assert plot.y_range[1] < before[1]
