"""Keys: each means one thing, and F1 tells all of them."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLabel, QMainWindow

from dockscope.gui.actions import SPECS, make_actions, paint_icons
from dockscope.gui.shortcuts_dialog import DOCK_KEYS, ShortcutsDialog
from dockscope.gui.theme import DARK, LIGHT


@pytest.fixture
def window(qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    return window


def test_every_spec_is_complete_and_its_key_unique(window):
    """Text, tooltip, a key that Qt understands; no key twice, none of a dock's own."""
    keys = [QKeySequence(spec.shortcut).toString() for spec in SPECS]
    assert all(keys)
    assert len(set(keys)) == len(keys)
    assert len({spec.name for spec in SPECS}) == len(SPECS)
    dock_keys = {key.strip() for _, several in DOCK_KEYS for key in several.replace(",  .", "").split(",")}
    assert not dock_keys & set(keys)
    assert all(spec.text and spec.tooltip for spec in SPECS)


def test_tooltips_name_the_key(window):
    """What can be clicked says how it is typed."""
    for action in make_actions(window, DARK).values():
        assert action.shortcut().toString(QKeySequence.SequenceFormat.NativeText) in action.toolTip()


def test_icons_follow_the_theme(window):
    """Another theme gives another picture to each action that has one."""
    actions = make_actions(window, DARK)
    with_icon = [spec.name for spec in SPECS if spec.icon]
    before = {name: actions[name].icon().pixmap(18).toImage() for name in with_icon}
    paint_icons(actions, LIGHT)
    assert all(actions[name].icon().pixmap(18).toImage() != before[name] for name in with_icon)


def test_the_dialog_lists_window_and_dock_keys(window):
    """Two columns: all actions, and the keys of the dock that has the focus."""
    actions = make_actions(window, DARK)
    dialog = ShortcutsDialog(window, actions)
    texts = [label.text() for label in dialog.findChildren(QLabel)]
    for action in actions.values():
        at = texts.index(action.text().rstrip("…"))
        assert texts[at + 1] == action.shortcut().toString()
    for text, key in DOCK_KEYS:
        assert texts[texts.index(text) + 1] == key
