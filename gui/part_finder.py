"""A line that finds a part by its name while it is typed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QToolButton, QWidget

MAX_QUERY = 64


def find_parts(refs: Sequence[str], query: str) -> list[int]:
    """Return the indices of the parts whose name has ``query`` in it, ignoring case.

    Equal names come first, then those that begin with it, short names before long ones.
    """
    wanted = query.casefold().strip()
    if not wanted:
        return []
    found = [(index, ref.casefold()) for index, ref in enumerate(refs)]
    found = [(index, ref) for index, ref in found if wanted in ref]
    found.sort(key=lambda pair: (pair[1] != wanted, not pair[1].startswith(wanted), len(pair[1]), pair[1]))
    return [index for index, _ in found]


class PartFinder(QWidget):
    """A search line with the number of finds; Enter goes to the next, Shift+Enter back, Escape closes.

    Signals:
        found(int): this part is to be selected and shown.
        closed(): the line is to go.
    """

    found = Signal(int)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._refs: Sequence[str] = ()
        self._finds: list[int] = []
        self._at = 0
        self.setAutoFillBackground(True)
        self.line = QLineEdit(self)
        self.line.setPlaceholderText("Part, such as U1")
        self.line.setAccessibleName("Find a part by its name")
        self.line.setMaxLength(MAX_QUERY)
        self.line.setFixedWidth(130)
        self.line.textChanged.connect(self._on_text)
        self.count = QLabel(self)
        self.count.setTextFormat(Qt.TextFormat.PlainText)
        close = QToolButton(self)
        close.setText("✕")
        close.setToolTip("Close the search (Esc)")
        close.setAccessibleName("Close the search")
        close.clicked.connect(self.closed)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 4, 4, 4)
        row.setSpacing(4)
        row.addWidget(self.line)
        row.addWidget(self.count)
        row.addWidget(close)

    def set_parts(self, refs: Sequence[str]) -> None:
        """Search in these names."""
        self._refs = refs
        if self.isVisible():
            self._finds = find_parts(refs, self.line.text())
            self._at = 0
            self._show_count()

    def open(self) -> None:
        """Show the line with its text selected, ready to type."""
        self.show()
        self.raise_()
        self.line.selectAll()
        self.line.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._show_count()

    def step(self, finds: int) -> None:
        """Go on to another find."""
        if self._finds:
            self._at = (self._at + finds) % len(self._finds)
            self._show_count()
            self.found.emit(self._finds[self._at])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.step(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        else:
            super().keyPressEvent(event)

    def _on_text(self, text: str) -> None:
        self._finds, self._at = find_parts(self._refs, text), 0
        self._show_count()
        if self._finds:
            self.found.emit(self._finds[0])

    def _show_count(self) -> None:
        if not self.line.text().strip():
            text = ""
        elif not self._finds:
            text = "no part"
        else:
            text = f"{self._at + 1} of {len(self._finds)}"
        self.count.setText(text)
        self.adjustSize()
        self.updateGeometry()
