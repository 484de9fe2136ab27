"""The actions that switch layers of a placement picture; the same for buttons and context menu."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from .placement_style import Switches

ON_BUTTONS = ("ratsnest", "forces", "overlaps")

# name in Switches: short text, text in the menu, tooltip
SWITCHES = {
    "ratsnest": ("Nets", "Ratsnest", "Ratsnest: the shortest tree of every net"),
    "forces": (
        "Forces",
        "Force arrows",
        "Force arrows of all parts, a colour for each kind; a selected part always shows its own",
    ),
    "overlaps": ("Overlaps", "Overlap marks", "Mark parts that overlap"),
    "top": ("Parts on top", "Parts on top", "Parts on the top side"),
    "bottom": ("Parts on the bottom", "Parts on the bottom", "Parts on the bottom side"),
    "pads": ("Pads", "Pads", "Pads, where they are large enough to be seen"),
    "names": ("Names", "Names", "Names, where parts are large enough for them"),
    "legend": ("Legend", "Legend", "Colours of sides, forces and modules"),
}


def switch_actions(switches: Switches, parent: QObject) -> dict[str, QAction]:
    """Make a checkable action for each layer, by its name in ``Switches``."""
    actions = {}
    for name, (short, text, tip) in SWITCHES.items():
        action = QAction(text, parent)
        action.setIconText(short)
        action.setToolTip(tip)
        action.setCheckable(True)
        action.setChecked(getattr(switches, name))
        actions[name] = action
    return actions
