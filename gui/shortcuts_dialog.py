"""F1: every action of the window and its shortcut."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QLabel, QVBoxLayout, QWidget

# Keys of the docks themselves; they work in the dock that has the focus.
DOCK_KEYS = (
    ("Follow the live end", "F"),
    ("Fit the view", "0, Home"),
    ("Find (a part, a log line)", "Ctrl+F"),
    ("Previous, next kept frame", ",  ."),
    ("Copy selected rows", "Ctrl+C"),
)


class ShortcutsDialog(QDialog):
    """List shortcuts in two columns: of the window, and of docks."""

    def __init__(self, parent: QWidget, actions: dict[str, QAction]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        grid = QGridLayout()
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(6)
        rows = [(action.text().rstrip("…"), action.shortcut().toString()) for action in actions.values()]
        for row, (text, keys) in enumerate(rows):
            grid.addWidget(_label(text), row, 0)
            grid.addWidget(_key(keys), row, 1)
        heading = _label("In the dock that has the focus")
        heading.setStyleSheet("font-weight: 600;")
        grid.addWidget(heading, 0, 3, 1, 2)
        for row, (text, keys) in enumerate(DOCK_KEYS, 1):
            grid.addWidget(_label(text), row, 3)
            grid.addWidget(_key(keys), row, 4)
        grid.setColumnMinimumWidth(2, 30)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(grid)
        column.addWidget(buttons)


def _label(text: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def _key(text: str) -> QLabel:
    label = _label(text)
    label.setObjectName("key")
    return label
