"""The dialog that asks for the password of a source."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from .plain_text import one_line

KEPT = "It is kept in memory until dockscope ends, and never saved."
MAX_CHARACTERS = 1024


class PasswordDialog(QDialog):
    """Ask for a password.

    Args:
        parent: window. place: host and port. refused: the one given before was wrong.
    """

    def __init__(self, parent: QWidget, place: str, *, refused: bool) -> None:
        super().__init__(parent)
        self.setWindowTitle("Password")
        self.setMinimumWidth(420)
        shown = one_line(place, 80)
        question = QLabel(f"{shown} refused the password. Try again:" if refused else f"{shown} asks for a password:")
        note = QLabel(KEPT)
        for label in (question, note):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self.password = QLineEdit(self)
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.password.setAccessibleName("Password")
        self.password.setMaxLength(MAX_CHARACTERS)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.connect_button = self.buttons.addButton("Connect", QDialogButtonBox.ButtonRole.AcceptRole)
        self.connect_button.setDefault(True)
        self.connect_button.setEnabled(False)
        self.password.textChanged.connect(lambda text: self.connect_button.setEnabled(bool(text)))
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        for part in (question, self.password, note, self.buttons):
            column.addWidget(part)
        self.password.setFocus()
