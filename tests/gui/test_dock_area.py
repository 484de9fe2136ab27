"""Docks opened, closed, arranged, saved and restored."""

from __future__ import annotations

import base64
import json

import PySide6QtAds
import pytest
from PySide6.QtWidgets import QAbstractButton, QStackedWidget

from dockscope.gui.dock_area import MAX_DOCKS, DockArea
from dockscope.gui.dock_catalog import STANDING_KINDS


@pytest.fixture
def make_area(qtbot, context):
    """``make_area()`` makes one more area in a window of its own."""
    pages = []

    def make():
        page = QStackedWidget()
        area = DockArea(page, context)
        area._settle_timer.setInterval(15)
        page.addWidget(area.widget)
        page.resize(1280, 640)
        page.show()
        pages.append(page)
        qtbot.addWidget(page)
        return area

    return make


@pytest.fixture
def area(make_area, qtbot):
    area = make_area()
    area.reset()
    settle(area, qtbot)
    return area


def settle(area, qtbot):
    """Wait until the area has noticed an arrangement and laid it out."""
    with qtbot.waitSignal(area._settle_timer.timeout, timeout=2000):
        area._settle_timer.start()


def names(area):
    return [holder.objectName() for holder in area.holders()]


def holder(area, name):
    return next(holder for holder in area.holders() if holder.objectName() == name)


def visible(area):
    return {h.objectName() for h in area.holders() if not h.isClosed()}


def neighbours(area, name):
    """The docks that share an area, as tabs, with this one."""
    return {tab.objectName() for tab in holder(area, name).dockAreaWidget().dockWidgets()}


def test_the_default_layout_has_one_dock_of_every_kind(area):
    """All kinds are there and open; all but the parameters lie in front."""
    assert names(area) == [f"{kind}-1" for kind in STANDING_KINDS]
    assert visible(area) == set(names(area))
    assert {dock.kind for dock in area.docks() if dock.isVisible()} == set(STANDING_KINDS) - {"parameters"}
    assert neighbours(area, "parameters-1") == {"data-1", "parameters-1"}


def test_several_docks_of_a_kind_each_with_its_own_choice(area):
    """A second and third dock are tabs beside the first, and their view settings are their own."""
    second, third = area.add("placement"), area.add("placement")
    second.picker.choose(("a", "top"))
    third.picker.choose(("b", "bottom"))
    assert names(area)[-2:] == ["placement-2", "placement-3"]
    assert neighbours(area, "placement-3") == {"placement-1", "placement-2", "placement-3"}
    views = {dock["name"]: dock["view"] for dock in area.layout_state()["docks"]}
    assert views["placement-1"]["stream"] is None
    assert views["placement-2"]["stream"] == ["a", "top"]
    assert views["placement-3"]["stream"] == ["b", "bottom"]


def test_closing_the_first_of_a_kind_hides_it(area, qtbot):
    """It stays in the list, and its action of the View menu brings it back."""
    log = holder(area, "log-1")
    log.closeDockWidget()
    settle(area, qtbot)
    assert "log-1" in names(area)
    assert "log-1" not in visible(area)
    log.toggleViewAction().trigger()
    assert "log-1" in visible(area)
    log.closeDockWidget()
    area.show("log")
    assert "log-1" in visible(area)


def test_closing_a_further_one_removes_it(area, qtbot, context):
    """It leaves the list and the clock."""
    second = area.add("log")
    assert second in context.clock._docks
    with qtbot.waitSignal(area.docks_changed):
        holder(area, "log-2").closeDockWidget()
    assert "log-2" not in names(area)
    assert second not in context.clock._docks


def test_there_is_a_bound_on_docks(area):
    """One dock more than the bound is refused in a sentence."""
    while len(area.holders()) < MAX_DOCKS:
        area.add("parameters")
    with pytest.raises(ValueError, match="close one first"):
        area.add("parameters")


def test_floating_tabbed_hidden_and_closed_docks_come_back(area, make_area, qtbot):
    """Another area takes the saved layout over, through JSON as the settings file holds it."""
    area.add("metrics")
    area.dock("log-1").restore_view_state({"level": "Warning", "search": "disk"})
    holder(area, "waterfall-1").setFloating()
    holder(area, "data-1").setAutoHide(True)
    holder(area, "explorer-1").closeDockWidget()
    area.manager.addDockWidget(
        PySide6QtAds.CenterDockWidgetArea, holder(area, "placement-1"), holder(area, "log-1").dockAreaWidget()
    )
    settle(area, qtbot)
    saved = json.loads(json.dumps(area.layout_state()))
    other = make_area()
    assert other.restore_layout(saved)
    assert names(other)[-1] == "metrics-2" or "metrics-2" in names(other)
    assert holder(other, "waterfall-1").isInFloatingContainer()
    assert holder(other, "data-1").isAutoHide()
    assert holder(other, "explorer-1").isClosed()
    assert neighbours(other, "placement-1") == {"placement-1", "log-1"}
    assert other.dock("log-1").view_state() == {"level": "Warning", "search": "disk"}
    other.reset()
    settle(other, qtbot)
    assert visible(other) == {f"{kind}-1" for kind in STANDING_KINDS}
    assert not holder(other, "waterfall-1").isInFloatingContainer()
    assert not holder(other, "data-1").isAutoHide()


def good_state(area):
    return area.layout_state()["state"]


RUBBISH = {
    "nothing": lambda area: {},
    "wrong types": lambda area: {"docks": 7, "state": ["x"]},
    "docks of wrong types": lambda area: {"docks": [None, 3, [], {"name": 4}], "state": good_state(area)},
    "state no text": lambda area: {"docks": area.layout_state()["docks"], "state": None},
    "state no base64": lambda area: {"docks": area.layout_state()["docks"], "state": "ä<b>"},
    "random bytes": lambda area: {
        "docks": area.layout_state()["docks"],
        "state": base64.b64encode(bytes(range(256)) * 40).decode(),
    },
    "half a state": lambda area: {"docks": area.layout_state()["docks"], "state": good_state(area)[:400]},
    "hostile names": lambda area: {
        "docks": [
            {"name": name, "view": {}}
            for name in ("log-" + "9" * 5000, "log-0", "log-01", "log-٣", "log--1", "../x-1", "<b>-1", "-1", "", "os-1")
        ],
        "state": good_state(area),
    },
}


def test_an_unusable_layout_gives_way_to_the_default(area, make_area, qtbot):
    """Whatever the settings file holds: no exception, and every kind of dock is there and open."""
    other = make_area()  # the first one as at a start, without any dock yet
    for what, rubbish in RUBBISH.items():
        assert not other.restore_layout(rubbish(area)), what
        settle(other, qtbot)
        assert names(other) == [f"{kind}-1" for kind in STANDING_KINDS], what
        assert visible(other) == set(names(other)), what


def test_names_in_a_layout_have_one_spelling(area, make_area):
    """A dock is not made twice under two spellings of its number, and no number is too long to be read."""
    saved = area.layout_state()
    hostile = ("log-0", "log-01", "log-٣", "log-" + "9" * 5000, "metrics-" + "1" * 20)
    saved["docks"] += [{"name": name, "view": {}} for name in hostile]
    other = make_area()
    assert other.restore_layout(saved)
    assert sorted(names(other)) == sorted(f"{kind}-1" for kind in STANDING_KINDS)


def test_ten_thousand_docks_are_cut_to_the_bound(area, make_area):
    """A layout cannot make the window open docks without end."""
    saved = area.layout_state()
    saved["docks"] += [{"name": f"parameters-{number}", "view": {}} for number in range(2, 10_000)]
    other = make_area()
    other.restore_layout(saved)
    assert len(other.holders()) <= MAX_DOCKS


def test_a_layout_without_a_kind_leaves_that_kind_to_the_view_menu(area, make_area):
    """A layout of an earlier version lacks a kind: it is closed, and can be opened."""
    holder(area, "parameters-1").closeDockWidget()
    saved = area.layout_state()
    saved["docks"] = [dock for dock in saved["docks"] if dock["kind"] != "parameters"]
    other = make_area()
    assert other.restore_layout(saved)
    assert "parameters-1" in names(other)
    other.show("parameters")
    assert "parameters-1" in visible(other)


def test_undo_goes_back_step_by_step(area, qtbot):
    """Each change by the user is one step; when none is left, undo says so."""
    holder(area, "log-1").closeDockWidget()
    settle(area, qtbot)
    holder(area, "data-1").closeDockWidget()
    holder(area, "parameters-1").closeDockWidget()
    settle(area, qtbot)
    assert area.undo()
    assert {"data-1", "parameters-1"} <= visible(area)
    assert "log-1" not in visible(area)
    assert area.undo()
    assert visible(area) == set(names(area))


def test_the_first_arrangement_is_no_change_to_undo(make_area, qtbot):
    """Right after the start, with the default or a saved layout, there is nothing to undo."""
    area = make_area()
    area.reset()
    settle(area, qtbot)
    settle(area, qtbot)
    assert not area.undo()


def test_reset_can_be_undone(area, qtbot):
    """Reset is a change like any other."""
    holder(area, "log-1").closeDockWidget()
    settle(area, qtbot)
    area.reset()
    settle(area, qtbot)
    assert "log-1" in visible(area)
    assert area.undo()
    assert "log-1" not in visible(area)


def test_opening_another_layout_can_be_undone(area, qtbot):
    """A named layout opened by mistake is one step of undo."""
    saved = area.layout_state()
    holder(area, "log-1").closeDockWidget()
    settle(area, qtbot)
    area.restore_layout(saved)
    settle(area, qtbot)
    assert "log-1" in visible(area)
    assert area.undo()
    assert "log-1" not in visible(area)


def test_the_default_layout_gives_each_dock_room(area):
    """No dock of the default layout is a sliver: each has a fair part of the window."""
    for dock in area.docks():
        if dock.isVisible():
            assert dock.width() >= 200, dock.kind
            assert dock.height() >= 150, dock.kind


def test_another_theme_repaints_the_buttons_of_the_docks(area, context):
    """Close, detach and pin are drawn in the colours of the new theme, those that exist already too."""
    found = [b for b in area.widget.findChildren(QAbstractButton) if b.objectName() == "tabCloseButton"]
    before = [button.icon().cacheKey() for button in found]
    context.themes.choose("light")
    area.set_theme(context.themes.current)
    assert len(found) == len(STANDING_KINDS)
    assert not set(before) & {button.icon().cacheKey() for button in found}
