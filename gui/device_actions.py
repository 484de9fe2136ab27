"""The commands of the Devices dock: their texts, tooltips and keys."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

TEXTS = (
    ("add", "Add…", "Add an instrument by its address, a simulated one, or this computer (Insert)"),
    ("scan", "Scan…", "Look for instruments and ask who they are"),
    ("start", "Start", "Connect when needed, and stream"),
    ("pause", "Pause", "End the stream until Resume; the connection stays"),
    ("resume", "Resume", "Go on streaming"),
    ("stop", "Stop", "End the stream; the connection stays"),
    ("connect", "Connect", "Connect without streaming, as to send commands"),
    ("disconnect", "Disconnect", "End the stream and the connection"),
    ("console", "Console", "Send single commands to the chosen device"),
    ("rate", "Change the rate", "Type another rate into its cell (F2)"),
    ("edit", "Edit…", "Change how the device is asked"),
    ("remove", "Remove…", "Close the device and remove its data (Delete)"),
    ("open", "Open bench…", "Add the devices of a bench file"),
    ("save", "Save bench…", "Write all devices into a bench file"),
    ("copy", "Copy rows", "Copy the chosen rows as text (Ctrl+C)"),
)
KEYS = {"add": "Ins", "remove": "Del", "copy": "Ctrl+C"}  # in the table


def make_device_actions(parent: QWidget) -> dict[str, QAction]:
    """Make the commands as children of ``parent``, by name; those with keys work in the widgets they are added to."""
    actions = {}
    for name, text, tip in TEXTS:
        action = actions[name] = QAction(text, parent)
        action.setToolTip(tip)
        if name in KEYS:
            action.setShortcut(QKeySequence(KEYS[name]))
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    actions["console"].setCheckable(True)
    actions["console"].setChecked(True)
    return actions
