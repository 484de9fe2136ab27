"""A line for commands that remembers them: the arrow keys bring them back."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit

MOST_REMEMBERED = 200


class HistoryLine(QLineEdit):
    """A line edit with a history; what was being typed is kept below the newest entry."""

    def __init__(self) -> None:
        super().__init__()
        self._history: list[str] = []
        self._at = 0
        self._draft = ""

    def take(self) -> str:
        """Return what was typed, remember it, and begin an empty line."""
        text = self.text().strip()
        if text:
            self._history = [*(known for known in self._history if known != text), text][-MOST_REMEMBERED:]
        self._at, self._draft = len(self._history), ""
        self.clear()
        return text

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Up:
            self._go(-1)
        elif event.key() == Qt.Key.Key_Down:
            self._go(1)
        elif event.key() == Qt.Key.Key_Escape:
            self.clear()
            self._at = len(self._history)
        else:
            super().keyPressEvent(event)

    def _go(self, steps: int) -> None:
        at = min(max(self._at + steps, 0), len(self._history))
        if at == self._at:
            return
        if self._at == len(self._history):
            self._draft = self.text()
        self._at = at
        self.setText(self._draft if at == len(self._history) else self._history[at])
