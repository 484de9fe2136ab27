"""The dialog with which the user chooses the streams of a source."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from .plain_text import one_line

QUESTION = "{place} offers these {what}. All includes those that come later."


class StreamsDialog(QDialog):
    """Choose streams; accepted with a choice, rejected for all of them.

    Args:
        parent: window. place: host and port. names: of the streams. what: they are called there.
    """

    def __init__(self, parent: QWidget, place: str, names: Sequence[str], what: str = "streams") -> None:
        super().__init__(parent)
        self.setWindowTitle(what.capitalize())
        self.setMinimumSize(420, 320)
        question = QLabel(QUESTION.format(place=one_line(place, 80), what=what))
        question.setTextFormat(Qt.TextFormat.PlainText)
        question.setWordWrap(True)
        self.list = QListWidget(self)
        self.list.setAccessibleName(what.capitalize())
        self.list.setSpacing(2)
        for name in names:
            item = QListWidgetItem(one_line(name, 120))
            item.setData(Qt.ItemDataRole.UserRole, name)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable)
            item.setCheckState(Qt.CheckState.Unchecked)
            self.list.addItem(item)
        self.buttons = QDialogButtonBox(self)
        self.all_button = self.buttons.addButton("Take all", QDialogButtonBox.ButtonRole.RejectRole)
        self.chosen_button = self.buttons.addButton("Take chosen", QDialogButtonBox.ButtonRole.AcceptRole)
        self.all_button.setDefault(True)
        self.chosen_button.setEnabled(False)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.list.itemChanged.connect(self._offer)
        self.list.itemActivated.connect(_toggle)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        for part in (question, self.list, self.buttons):
            column.addWidget(part)

    def chosen(self) -> list[str]:
        """Return the names that are ticked."""
        items = [self.list.item(row) for row in range(self.list.count())]
        return [item.data(Qt.ItemDataRole.UserRole) for item in items if item.checkState() == Qt.CheckState.Checked]

    def _offer(self) -> None:
        """Let Return take the choice as soon as there is one."""
        is_chosen = bool(self.chosen())
        self.chosen_button.setEnabled(is_chosen)
        (self.chosen_button if is_chosen else self.all_button).setDefault(True)


def _toggle(item: QListWidgetItem) -> None:
    ticked = item.checkState() == Qt.CheckState.Checked
    item.setCheckState(Qt.CheckState.Unchecked if ticked else Qt.CheckState.Checked)
