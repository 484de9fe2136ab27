"""Every window-wide action: its text, tooltip, shortcut and icon, in one table that menus, toolbar and F1 read."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from .icons import icon
from .theme import Theme


@dataclass(frozen=True)
class ActionSpec:
    """How one action presents itself. ``icon`` is the name of a file in resources/icons, or ""."""

    name: str
    text: str
    tooltip: str
    shortcut: str
    icon: str = ""


SPECS = (
    ActionSpec("connect", "Connect…", "Connect to a producer by its URL", "Ctrl+O", "connect"),
    ActionSpec("disconnect", "Disconnect", "Close the link; the producer runs on", "Ctrl+D", "disconnect"),
    ActionSpec("devices", "Devices", "Show or hide the instruments of this computer", "Ctrl+I"),
    ActionSpec("demo", "Start the demo", "Start three bundled producers and connect to them", "Ctrl+Shift+D"),
    ActionSpec("pause", "Pause", "Ask the target to pause its loop", "Ctrl+P", "pause"),
    ActionSpec("resume", "Resume", "Ask the target to go on", "Ctrl+R", "resume"),
    ActionSpec("stop", "Stop", "Ask the target to end its run", "Ctrl+.", "stop"),
    ActionSpec("freeze", "Freeze", "Stop painting only: producers run on, data keep arriving", "Space", "freeze"),
    ActionSpec("screenshot", "Screenshot", "Save a picture of the window", "Ctrl+Shift+S", "screenshot"),
    ActionSpec("layouts", "Layouts", "Save, open or reset an arrangement of docks", "Ctrl+L", "layouts"),
    ActionSpec("reset_layout", "Reset layout", "Bring back the default arrangement of docks", "Ctrl+Shift+R"),
    ActionSpec("undo_layout", "Undo layout change", "Go back to the arrangement before the last change", "Ctrl+Z"),
    ActionSpec("theme", "Theme", "Switch between dark and light", "Ctrl+T", "theme"),
    ActionSpec("settings", "Settings…", "Theme, units, notifications, connect at start", "Ctrl+,", "settings"),
    ActionSpec("shortcuts", "Keyboard shortcuts", "List every action and its shortcut", "F1"),
    ActionSpec("performance", "Performance", "Show or hide what the window's time is spent on", "F12"),
    ActionSpec("full_screen", "Full screen", "Fill the screen, or go back to a window", "F11"),
    ActionSpec("quit", "Quit", "Close the window; producers run on", "Ctrl+Q"),
)


def make_actions(parent: QWidget, theme: Theme) -> dict[str, QAction]:
    """Make the actions of SPECS as children of ``parent``, by name."""
    actions = {}
    for spec in SPECS:
        action = QAction(spec.text, parent)
        action.setObjectName(spec.name)
        action.setShortcut(QKeySequence(spec.shortcut))
        shown = QKeySequence(spec.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{spec.tooltip} ({shown})")
        action.setStatusTip(spec.tooltip)
        parent.addAction(action)
        actions[spec.name] = action
    paint_icons(actions, theme)
    return actions


def paint_icons(actions: dict[str, QAction], theme: Theme) -> None:
    """Give the actions icons in the colours of the theme."""
    for spec in SPECS:
        if spec.icon:
            actions[spec.name].setIcon(icon(spec.icon, theme))
