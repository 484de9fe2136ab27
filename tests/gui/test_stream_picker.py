"""The choice of a stream in a dock."""

from __future__ import annotations

import pytest

from dockscope.gui.stream_picker import StreamPicker

A, B = ("p", "beam1"), ("p", "beam2")


@pytest.fixture
def picker(qtbot):
    picker = StreamPicker()
    qtbot.addWidget(picker)
    return picker


def shown(picker):
    return [picker.itemText(i) for i in range(picker.count())]


def test_the_first_entry_names_the_stream_it_stands_for(picker):
    """Without a choice the first stream is shown, and the box says which; with no stream it says so plainly."""
    picker.offer([])
    assert shown(picker) == ["First stream"]
    picker.offer([(A, "beam1 · sun"), (B, "beam2 · sun")])
    assert shown(picker) == ["beam1 · sun (first)", "beam1 · sun", "beam2 · sun"]
    assert picker.currentText() == "beam1 · sun (first)"
    assert picker.current() == A


def test_a_choice_is_kept_while_its_stream_is_away(picker):
    """Chosen, gone, back: nothing else is shown in its place."""
    picker.offer([(A, "beam1"), (B, "beam2")])
    picker.setCurrentIndex(2)
    picker.activated.emit(2)
    assert picker.current() == B
    picker.offer([(A, "beam1")])
    assert picker.current() is None
    picker.offer([(A, "beam1"), (B, "beam2")])
    assert picker.current() == B
    assert picker.currentText() == "beam2"
