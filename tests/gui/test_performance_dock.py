"""The Performance dock: what it tells is what happened, and closed it does nothing."""

from __future__ import annotations

import csv
import io
import threading
import time

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QPainter
from PySide6.QtWidgets import QSplitter, QWidget

from dockscope.core.messages import DataRecord, Kind
from dockscope.core.stall_watch import Stall
from dockscope.gui.dock import Dock
from dockscope.gui.frame_graph import FrameGraph
from dockscope.gui.loop_recorder import HISTORY_S, LoopRecorder
from dockscope.gui.painted_widget import PaintedWidget
from dockscope.gui.performance_dock import PerformanceDock
from dockscope.gui.performance_figures import IngestRates, dock_table, frame_table, memory_table, stall_table
from dockscope.gui.theme import DARK

from .conftest import KEY


class FakeClock:
    """Time that goes on when it is told to."""

    def __init__(self):
        self.t = 100.0

    def __call__(self):
        return self.t

    def pass_s(self, seconds):
        self.t += seconds


class SlowPaint(PaintedWidget):
    """Paint for as long as it was told to."""

    busy_s = 0.0

    def paint(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        busy(self.busy_s)


class FakeDock(Dock):
    """A dock whose refresh and paint take a known time at least."""

    kind = "fake"
    title = "Fake"

    def __init__(self, context):
        super().__init__(context)
        self.busy_s = 0.0
        self.canvas = SlowPaint(self.body)
        self.canvas.resize(50, 50)

    def refresh(self, changes):
        busy(self.busy_s)
        self.canvas.update()


def busy(seconds):
    """Take time as Python code does."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def recorder(clock):
    """A recorder whose wall clock is the fake one; its thread used a tenth of the time."""
    return LoopRecorder(clock, lambda: clock.t / 10)


@pytest.fixture
def other(qtbot, context):
    """A dock to be measured."""
    return FakeDock(context)


@pytest.fixture
def dock(qtbot, context, other):
    """The dock beside another one in a window, recording."""
    window = QSplitter()
    dock = PerformanceDock(context)
    window.addWidget(dock)
    window.addWidget(other)
    window.resize(1600, 300)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: context.clock.recorder is not None and bool(dock.recorder.works))
    yield dock
    dock.dispose()


def values(table, name):
    """Return the values of a row by quantity."""
    row = next(row for row in table.rows if row.name == name)
    return {column.quantity: value for column, value in zip(table.columns, row.values, strict=True)}


def test_frames_are_those_of_the_clock(recorder, hub, clock):
    """Rate and percentiles of the intervals that were fed."""
    for _ in range(100):
        clock.pass_s(0.020)
        recorder.frame(clock.t, 0.020)
    clock.pass_s(0.080)
    recorder.frame(clock.t, 0.080)
    frames = values(frame_table(recorder, hub), "all")
    assert frames["frame interval, median"] == 0.020
    assert frames["frame interval, last"] == frames["frame interval, longest"] == 0.080
    assert frames["frames"] == pytest.approx(97 / 2.0, abs=1.0)


def test_the_work_of_a_dock_is_told_in_time_and_share(recorder, clock):
    """A dock that refreshed 30 ms and painted 10 ms in a second took 4 % of the loop; the busiest is first."""
    recorder.refresh("Idle", lambda: clock.pass_s(0.010))
    recorder.refresh("Metrics", lambda: clock.pass_s(0.030))
    recorder.work("Metrics").paint.add(0.010)
    clock.pass_s(0.960)
    table = dock_table(recorder)
    assert [row.name for row in table.rows][:2] == ["Metrics", "Idle"]
    metrics = values(table, "Metrics")
    assert metrics["refresh, last"] == pytest.approx(0.030)
    assert metrics["paint, median"] == pytest.approx(0.010)
    assert metrics["share of the loop"] == pytest.approx(0.04)
    assert values(table, "Everything else")["share of the loop"] == pytest.approx(0.1 - 0.05)


def test_a_refresh_that_had_nothing_to_do_does_not_count(recorder, clock):
    """A dock that was asked and not concerned keeps the median of its real refreshes."""
    recorder.refresh("Log", lambda: False)
    assert "Log" not in recorder.works
    assert recorder.doing == ""


def test_a_pause_does_not_count(recorder, clock):
    """Shares are of the time in which somebody looked."""
    clock.pass_s(1.0)
    recorder.pause()
    clock.pass_s(50.0)
    assert recorder.elapsed_s == pytest.approx(1.0)
    recorder.go_on()
    clock.pass_s(1.0)
    assert recorder.elapsed_s == pytest.approx(2.0)
    assert recorder.thread_s == pytest.approx(0.2)


def test_ingest_rates_are_differences_of_totals(hub, deliver):
    """Messages and bytes per second of each producer; nothing before the second look."""
    rates = IngestRates()
    rates.look(hub, 10.0)
    assert rates.of(KEY) == (0.0, 0.0, 0.0)
    for number in range(50):
        deliver(Kind.DATA, "sizes", DataRecord(number, 1.0))
    rates.look(hub, 12.0)
    assert rates.of(KEY) == (25.0, 0.0, 50 * 100 / 2.0)
    assert values(rates.table(hub), "trainer")["messages"] == 25.0
    hub.forget(KEY)
    rates.look(hub, 13.0)
    assert rates.table(hub).rows == ()


def test_memory_is_by_store_and_against_the_budget(hub, deliver):
    """Each store, their sum, the bound and the process."""
    deliver(Kind.DATA, "sizes", DataRecord("x" * 1000, 1.0))
    table = memory_table(hub, 123)
    assert [row.name for row in table.rows[:-3]] == [name.capitalize() for name in hub.memory()]
    assert values(table, "All stores")["held"] == sum(hub.memory().values()) > 0
    assert values(table, "Budget")["held"] == hub.budget_bytes
    assert values(table, "Process")["held"] == 123


def test_stalls_are_listed_newest_first_and_bounded(recorder, hub):
    """The list has an end, the count has none; a producer is told by its name."""
    for number in range(1000):
        recorder.stall(Stall(float(number), 0.06, 0.05, "painting Metrics", KEY, (f"a/b.py:{number} f",)))
    table = stall_table(recorder, hub, utc=True)
    assert len(table.rows) < 1000
    assert "1000" in table.title
    assert table.rows[0].name == "00:16:39"
    newest = values(table, table.rows[0].name)
    assert newest["what ran"] == "painting Metrics: receiving from trainer: a/b.py:999 f"
    assert newest["length"] == 0.06
    assert newest["processor time of it"] == 0.05


def test_the_graph_shows_the_longest_interval_of_each_column(qtbot):
    """A short stall must not vanish between two pixels."""
    graph = FrameGraph(DARK)
    qtbot.addWidget(graph)
    now = 1000.0
    graph.show_frames(now, [(now - HISTORY_S - 1, 9.0), (now - 10.01, 0.2), (now - 10.0, 0.016), (now, 0.03)], "")
    columns = graph.columns(20)
    assert columns[9:11].max() == 0.2
    assert columns[-1] == 0.03
    assert columns.max() == 0.2


def test_refresh_and_paint_of_another_dock_are_measured(dock, other, qtbot, context):
    """Both take at least as long as they were made to, and under the dock's own name."""
    work = dock.recorder.work("Fake")
    other.busy_s, other.canvas.busy_s = 0.004, 0.006
    refreshed, painted = work.refresh.count, work.paint.count
    other.request_refresh()
    qtbot.waitUntil(lambda: work.refresh.count > refreshed and work.paint.count > painted)
    assert work.refresh.spread().max_s >= 0.004
    assert work.paint.spread().max_s >= 0.006


def test_painting_goes_on_as_without_it(dock, other, qtbot):
    """A dock looks the same whether its paints are timed or not."""
    timed = other.canvas.grab().toImage()
    dock.hide()
    assert other.canvas.grab().toImage() == timed


def test_a_slow_slot_is_a_stall_with_its_name(dock, qtbot):
    """What blocked the loop is named by file, line and function, within a list a person can read."""

    def slow_slot():
        busy(0.15)

    QTimer.singleShot(0, slow_slot)
    mine = "test_a_slow_slot_is_a_stall_with_its_name.<locals>.slow_slot"
    qtbot.waitUntil(lambda: any(mine in line for stall in dock.recorder.stalls for line in stall.lines))
    stall = next(stall for stall in dock.recorder.stalls if any(mine in line for line in stall.lines))
    assert stall.duration_s >= 0.13
    qtbot.waitUntil(lambda: dock.stalls.topLevelItemCount() >= 1)
    item = next(
        item
        for item in map(dock.stalls.topLevelItem, range(dock.stalls.topLevelItemCount()))
        if any(mine in item.child(at).text(0) for at in range(item.childCount()))
    )
    assert "test_performance_dock.py" in item.text(3)


def test_a_slow_refresh_is_a_stall_of_its_dock(dock, other, qtbot):
    """The stall says which dock was being refreshed."""
    other.busy_s = 0.15
    other.request_refresh()
    qtbot.waitUntil(lambda: any(stall.doing == "refreshing Fake" for stall in dock.recorder.stalls))


def test_hidden_it_records_nothing_and_leaves_nothing_behind(dock, other, qtbot, context):
    """No recorder, no thread, no filter; shown again it goes on."""
    dock.hide()
    assert context.clock.recorder is None
    assert not [thread for thread in threading.enumerate() if thread.name == "dockscope-stalls"]
    painted = dock.recorder.work("Fake").paint.count
    other.canvas.repaint()
    assert dock.recorder.work("Fake").paint.count == painted
    dock.show()
    assert context.clock.recorder is dock.recorder


def test_reset_forgets_what_was_recorded(dock, qtbot):
    """Stalls, intervals and work begin anew; so does Clear data of the menu."""
    dock.recorder.stall(Stall(1.0, 0.06, 0.05, "", "", ()))
    qtbot.mouseClick(dock.reset, Qt.MouseButton.LeftButton)
    assert dock.recorder.stall_count == 0
    assert dock.stalls.topLevelItemCount() == 0
    assert dock.recorder.elapsed_s < 5.0


def test_csv_has_one_value_per_line(dock):
    """Table, name, quantity, value, unit: nothing has to be read out of a layout."""
    dock.recorder.stall(Stall(0.0, 0.06, 0.05, "painting Fake", "", ("a/b.py:1 f", "c.py:2 g")))
    rows = list(csv.DictReader(io.StringIO(dock.csv())))
    assert list(rows[0]) == ["table", "name", "quantity", "value", "unit"]
    assert {row["table"] for row in rows} == {"frames", "dock", "producer", "memory", "stall"}
    # A busy machine may have stalled the test's own loop as well.
    stalls = [(row["quantity"], row["value"], row["unit"]) for row in rows if row["table"] == "stall"]
    assert ("length", "0.06", "s") in stalls
    assert {"a/b.py:1 f", "c.py:2 g"} <= {value for quantity, value, _ in stalls if quantity == "stack"}


def test_a_name_is_no_formula_in_the_csv(dock, hub):
    """What a producer calls itself must not be calculated by a spreadsheet."""
    hub.rename(KEY, "=1+1")
    rows = list(csv.DictReader(io.StringIO(dock.csv())))
    assert {row["name"] for row in rows if row["table"] == "producer"} == {"'=1+1"}


def test_its_menu_copies_text(dock, told):
    """The same figures as a text for a message or a ticket."""
    action = next(action for action in dock.context_menu().actions() if action.text() == "Copy as text")
    action.trigger()
    copied = QGuiApplication.clipboard().text()
    assert "Refresh and paint, ms" in copied
    assert "trainer" in copied
    assert told == ["Figures copied as text"]


def test_empty_parts_say_why(dock, hub, qtbot):
    """No producer and no stall are sentences and not white space."""
    hub.forget(KEY)
    qtbot.waitUntil(lambda: dock.ingest.topLevelItemCount() == 0)
    assert dock.ingest.empty == "Nothing connected"
    assert "50 ms" in dock.stalls.empty


def test_narrow_it_stands_in_one_column(dock, qtbot):
    """Beside other docks the parts are one below the other and can be scrolled."""
    splitter = dock.findChild(QSplitter)
    assert splitter.orientation() == Qt.Orientation.Horizontal
    dock.window().resize(900, 300)
    qtbot.waitUntil(lambda: splitter.orientation() == Qt.Orientation.Vertical)
    assert isinstance(splitter.parentWidget(), QWidget)


@pytest.fixture
def window(open_window, hub):
    """The whole window with one producer."""
    return open_window(hub=hub)


def test_f12_opens_and_closes_it(window, qtbot):
    """Closed at the start and not even made; F12 puts it along the bottom, F12 again takes it away."""
    main = window.show()
    assert "performance-1" not in [holder.objectName() for holder in main.docks.holders()]
    qtbot.keyClick(main, Qt.Key.Key_F12)
    dock = main.docks.dock("performance-1")
    window.until(lambda: dock.isVisible() and window.clock.recorder is not None)
    assert dock.width() > main.width() * 0.9
    qtbot.keyClick(main, Qt.Key.Key_F12)
    window.until(lambda: not dock.isVisible() and window.clock.recorder is None)
    qtbot.keyClick(main, Qt.Key.Key_F12)
    window.until(dock.isVisible)


def test_f12_shows_it_where_nothing_is_listed(open_window, qtbot):
    """The welcome page makes room for it and comes back."""
    bench = open_window()
    main = bench.show()
    assert main.welcome.isVisible()
    qtbot.keyClick(main, Qt.Key.Key_F12)
    bench.until(lambda: main.docks.dock("performance-1").isVisible())
    qtbot.keyClick(main, Qt.Key.Key_F12)
    bench.until(main.welcome.isVisible)


def test_the_view_menu_has_it_once(window):
    """One entry with its key, none under One more."""
    main = window.show()
    main.window_actions["performance"].trigger()
    main._view_menu.aboutToShow.emit()
    entries = [action.text() for action in main._view_menu.actions()]
    assert entries.count("Performance") == 1
    more = next(action.menu() for action in main._view_menu.actions() if action.text() == "One more")
    assert "Performance" not in [action.text() for action in more.actions()]


def test_a_layout_keeps_it_open(window, qtbot):
    """Saved open it comes back open; a reset of the layout takes it away; a second one is refused."""
    main = window.show()
    main.window_actions["performance"].trigger()
    window.until(lambda: main.docks.dock("performance-1").isVisible())
    layout = main.docks.layout_state()
    main.docks.reset()
    assert "performance-1" not in [holder.objectName() for holder in main.docks.holders()]
    window.until(lambda: window.clock.recorder is None)
    second = {**layout, "docks": [*layout["docks"], {"name": "performance-2", "kind": "performance", "view": {}}]}
    assert main.docks.restore_layout(second)
    window.until(lambda: main.docks.dock("performance-1").isVisible())
    assert "performance-2" not in [holder.objectName() for holder in main.docks.holders()]
