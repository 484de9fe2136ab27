"""The Data dock: the latest value of each data stream as a tree."""

from __future__ import annotations

import statistics
import struct
import time
import zlib

import numpy as np
import pytest
from PySide6.QtCore import QBuffer
from PySide6.QtGui import QColor, QGuiApplication, QImage, QImageWriter

from dockscope.core.messages import DataRecord, Kind
from dockscope.gui.data_dock import MAX_STREAMS, DataDock
from dockscope.gui.data_summary import MAX_CHILDREN, picture, summary

from .conftest import KEY


@pytest.fixture
def dock(context, qtbot):
    dock = DataDock(context)
    qtbot.addWidget(dock)
    dock.resize(420, 400)
    dock.show()
    return dock


@pytest.fixture
def put(dock, deliver):
    """``put(stream, value)`` delivers a value and lets the dock read it."""

    def deliver_one(stream, value):
        deliver(Kind.DATA, stream, DataRecord(value, time.time()))
        dock.refresh_text()

    return deliver_one


def row(dock, *path):
    """The row at this path of names."""
    items = [dock.tree.topLevelItem(i) for i in range(dock.tree.topLevelItemCount())]
    for depth, name in enumerate(path):
        found = next(item for item in items if item.text(0) == name)
        if depth == len(path) - 1:
            return found
        items = [found.child(i) for i in range(found.childCount())]
    raise AssertionError(path)


def test_an_empty_dock_names_what_sends_data(dock, qtbot):
    """Without streams: how they come."""
    qtbot.waitUntil(lambda: "publish_data" in dock.empty_text)


def test_values_are_a_tree_with_rate_and_size(dock, put):
    """The stream's row has age or rate, size and a summary; below it are the entries."""
    put("state", {"layer": {"mean": 0.5, "n": 3}, "name": "conv", "flag": True, "none": None, "xs": [1, 2.5]})
    assert "5 entries" in row(dock, "state").text(1)
    assert "100 B" in row(dock, "state").text(1)
    assert row(dock, "state", "name").text(1) == "conv"
    assert row(dock, "state", "flag").text(1) == "True"
    assert row(dock, "state", "none").text(1) == "None"
    assert row(dock, "state", "xs").text(1) == "[1, 2.5]"
    row(dock, "state", "layer").setExpanded(True)
    assert row(dock, "state", "layer", "mean").text(1) == "0.5"


def test_what_is_open_and_selected_stays_so(dock, put):
    """A new value changes texts, not the user's place in the tree."""
    put("state", {"a": {"x": 1}, "b": 2})
    row(dock, "state", "a").setExpanded(True)
    dock.tree.setCurrentItem(row(dock, "state", "a", "x"))
    put("state", {"a": {"x": 7}, "b": 3, "c": 4})
    assert row(dock, "state", "a").isExpanded()
    assert dock.tree.currentItem() is row(dock, "state", "a", "x")
    assert row(dock, "state", "a", "x").text(1) == "7"
    put("state", {"a": {"x": 8}})
    assert row(dock, "state").childCount() == 1


def test_a_stream_that_comes_again_is_shown_again(dock, put, hub):
    """After clearing, the first new value appears although the count of its messages is the same as before."""
    put("state", {"a": 1})
    dock.clear_data()
    dock.refresh_text()
    assert dock.empty_text
    put("state", {"a": 2})
    assert row(dock, "state", "a").text(1) == "2"
    hub.clear("data")
    dock.refresh(None)
    put("state", {"a": 3})
    assert row(dock, "state", "a").text(1) == "3"


def test_a_key_that_changes_is_renamed(dock, put):
    """Another name for an equal value is seen."""
    put("state", {"a": 1, "b": 2})
    put("state", {"c": 1, "b": 2})
    assert row(dock, "state", "c").text(1) == "1"


def test_streams_open_by_themselves_as_far_as_there_is_room(dock, put, qtbot):
    """Small values are seen at once; nothing opens that would need a scroll bar, and the user's choice stays."""
    qtbot.waitExposed(dock)
    put("small", {"a": 1})
    assert row(dock, "small").isExpanded()
    put("large", {f"k{i}": i for i in range(100)})
    assert not row(dock, "large").isExpanded()
    assert row(dock, "small").isExpanded()
    assert dock.tree.verticalScrollBar().maximum() == 0
    row(dock, "small").setExpanded(False)
    row(dock, "large").setExpanded(True)
    put("small", {"a": 2})
    assert not row(dock, "small").isExpanded()
    assert row(dock, "large").isExpanded()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.arange(6, dtype="<f4").reshape(2, 3), "float32 2×3  0 … 5, mean 2.5"),
        (np.array([np.nan, 1.0, np.inf]), "float64 3  1 … 1, mean 1"),
        (np.array([np.nan]), "float64 1  no finite value"),
        (np.zeros((0, 4)), "float64 0×4"),
        (np.array(3, dtype="<i8"), "int64 scalar  3 … 3, mean 3"),
        (b"\0" * 2000, "2,000 bytes"),
        (float("nan"), "nan"),
        (1.23456789, "1.23457"),
        (2**63 - 1, "9223372036854775807"),
        ([], "0 items"),
        ({}, "0 entries"),
        ([[1], [2]], "2 items"),
        ([True, 2**63 - 1], "[1, 9.223e+18]"),
    ],
)
def test_summaries(value, words):
    """Arrays by type, shape and range; everything in one short plain line."""
    assert summary(value).replace("[]", "0 items") == words


def test_hostile_names_and_texts_are_shown_literally(dock, put):
    """Markup, line breaks and endless names: one bounded plain line, an escaped tooltip."""
    put("<b>x</b>\n%s {0}", {"<img src=x>\0" * 3: "<b>" + "y" * 10_000})
    top = dock.tree.topLevelItem(0)
    assert top.text(0) == "<b>x</b> %s {0}"
    child = top.child(0)
    assert "\0" not in child.text(0)
    assert len(child.text(1)) <= 200
    assert child.toolTip(1).startswith("&lt;b&gt;")


def test_deep_values_open_level_by_level(dock, put):
    """Sixty levels cost nothing until they are opened."""
    value = {"end": 1}
    for _ in range(60):
        value = {"in": value}
    put("deep", value)
    item = row(dock, "deep")
    item.setExpanded(True)
    while item.childCount():
        item = item.child(0)
        item.setExpanded(True)
    assert item.text(0) == "end"


def test_a_huge_value_shows_its_beginning(dock, put):
    """Of 10,000 entries the first are listed and the rest is counted."""
    put("many", {f"k{i}": i for i in range(10_000)})
    item = row(dock, "many")
    item.setExpanded(True)
    assert item.childCount() == MAX_CHILDREN + 1
    assert item.child(MAX_CHILDREN).text(1) == "9,800 more"


def test_very_many_streams_are_counted(dock, deliver, hub):
    """The tree lists a bounded number of streams and says how many there are besides."""
    for number in range(MAX_STREAMS + 30):
        deliver(Kind.DATA, f"s{number}", DataRecord(number, time.time()))
    dock.refresh_text()
    assert dock.tree.topLevelItemCount() == MAX_STREAMS + 1
    assert dock.tree.topLevelItem(MAX_STREAMS).text(1) == "30 more streams"
    hub.clear("data", KEY)
    dock.refresh_text()
    assert dock.tree.topLevelItemCount() == 0


def median_ms(dock, deliver, stream, values):
    """Return the CPU time of a refresh: others on the machine do not matter."""
    spent = []
    for value in values:
        deliver(Kind.DATA, stream, DataRecord(value, time.time()))
        started = time.thread_time()
        dock.refresh_text()
        spent.append((time.thread_time() - started) * 1e3)
    return statistics.median(spent[1:])


def test_large_values_are_cheap(dock, deliver):
    """A dict of 10,000 entries, 8 MB of floats and an 8 MB picture: ten times the 10 ms of a refresh are never met."""
    numbers = [np.random.default_rng(i).normal(size=1_000_000) for i in range(3)]
    pixels = [np.full((2048, 4096), i, dtype="u1") for i in range(5)]
    assert median_ms(dock, deliver, "dict", [{f"k{i}": i + n for i in range(10_000)} for n in range(5)]) < 100
    assert median_ms(dock, deliver, "floats", numbers) < 100
    assert median_ms(dock, deliver, "picture", pixels) < 100


def test_an_unchanged_value_is_not_worked_out_again(dock, deliver):
    """Four times a second only ages change: an array's figures are taken once."""
    floats = np.zeros(1000)
    deliver(Kind.DATA, "floats", DataRecord(floats, time.time()))
    dock.refresh_text()
    shown = dock.tree.topLevelItem(0).text(1)
    floats[:] = 7.0  # behind the store's back: only who reads the array again can tell
    dock.refresh_text()
    assert dock.tree.topLevelItem(0).text(1) == shown
    deliver(Kind.DATA, "floats", DataRecord(floats, time.time()))
    dock.refresh_text()
    assert dock.tree.topLevelItem(0).text(1) != shown


def png(width, height):
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor("#102030"))
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    assert QImageWriter(buffer, b"png").write(image)
    return bytes(buffer.data().data())


def png_bomb():
    """A PNG of a few bytes that claims 60,000 by 60,000 pixels."""
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", len(head)) + b"IHDR" + head + struct.pack(">I", zlib.crc32(b"IHDR" + head))
    return b"\x89PNG\r\n\x1a\n" + chunk


@pytest.mark.parametrize(
    "value",
    [
        np.zeros((20, 30), dtype="u1"),
        np.zeros((20, 30, 1), dtype="u1"),
        np.zeros((20, 30, 3), dtype="u1"),
        np.zeros((20, 30, 4), dtype="u1")[::1],
        np.zeros((40, 30), dtype="u1")[::2],
        png(30, 20),
    ],
)
def test_pictures_are_recognized(value):
    """Grey, RGB and RGBA arrays, also with gaps in memory, and picture files."""
    image = picture(value)
    assert image is not None
    assert (image.width(), image.height()) == (30, 20)


@pytest.mark.parametrize(
    "value",
    [
        np.zeros((20, 30)),
        np.zeros(600, dtype="u1"),
        np.zeros((20, 30, 2), dtype="u1"),
        np.zeros((4, 30), dtype="u1"),
        b"GIF89a",
        png(30, 20)[:20],
        png_bomb(),
        "text",
    ],
)
def test_what_is_no_picture_shows_none(value):
    """Other arrays, other files, a damaged file and one that claims gigapixels are no pictures."""
    assert picture(value) is None


def test_a_picture_is_shown_and_follows_the_selection(dock, put, qtbot):
    """The first picture among the streams is shown, another one when it is selected; without one the place is free."""
    put("plain", {"a": 1})
    assert not dock.preview.isVisible()
    put("camera", {"frame": np.full((20, 30), 200, dtype="u1")})
    assert dock.preview.isVisible()
    qtbot.waitExposed(dock)
    centre = dock.preview.grab().toImage().pixelColor(dock.preview.width() // 2, dock.preview.height() // 2)
    assert centre.red() == 200
    put("other", np.full((20, 30), 90, dtype="u1"))
    dock.tree.setCurrentItem(row(dock, "other"))
    centre = dock.preview.grab().toImage().pixelColor(dock.preview.width() // 2, dock.preview.height() // 2)
    assert centre.red() == 90


def test_copy_value(dock, put):
    """The context menu copies the whole value of the selected row."""
    put("state", {"a": [1, 2]})
    dock.tree.setCurrentItem(row(dock, "state", "a"))
    next(action for action in dock.menu_actions() if action.text() == "Copy value").trigger()
    assert QGuiApplication.clipboard().text() == "[1, 2]"


def test_the_same_name_of_two_producers_is_told_apart(dock, put, hub):
    """Two streams of one name carry the names of their producers."""
    put("state", 1)
    hub.add("other", "other", "second")
    hub.data.put("other", "state", DataRecord(2, time.time()), 9, time.time())
    dock.refresh_text()
    assert {dock.tree.topLevelItem(i).text(0) for i in range(2)} == {"state – trainer", "state – second"}
