"""A console for one device: a command, its answer, and what was said before."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from .awaited import Awaited
from .history_line import HistoryLine
from .plain_text import tooltip_text
from .theme import Theme

if TYPE_CHECKING:
    from ..devices.instrument import Instrument

MOST_LINES = 400
LONGEST_COMMAND = 1000
LONGEST_ANSWER = 4000
NOTHING_CHOSEN = "Choose a device to talk to it"
OFFLINE = "not connected: Connect or Start it first"
MUTE = "this kind of device takes no commands"
NO_ANSWER = "done, it has no answer"


class DeviceConsole(QWidget):
    """Send single commands to the chosen device, also while it streams.

    Args:
        theme: the theme in force.

    Signals:
        exchanged(str, str, str, bool): key, command, the answer or why there is none, and whether it went well.
    """

    exchanged = Signal(str, str, str, bool)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._key = ""
        self._instrument: Instrument | None = None
        self._said: dict[str, deque[tuple[str, str]]] = {}
        self.heading = QLabel(NOTHING_CHOSEN)
        self.heading.setTextFormat(Qt.TextFormat.PlainText)
        self.heading.setStyleSheet("font-weight: 600;")
        self.heading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)  # a long name is cut
        self.transcript = QPlainTextEdit()
        self.transcript.setReadOnly(True)
        self.transcript.setMaximumBlockCount(MOST_LINES)
        self.transcript.setTabChangesFocus(True)
        self.transcript.setAccessibleName("What was said")
        self.line = HistoryLine()
        self.line.setAccessibleName("Command")
        self.line.setPlaceholderText("*IDN?")
        self.line.setMaxLength(LONGEST_COMMAND)
        self.line.setToolTip("Enter sends it, the arrow keys bring back earlier commands")
        self.send_button = QPushButton("Send")
        self.line.returnPressed.connect(self.send)
        self.send_button.clicked.connect(self.send)
        self._lay_out()
        self.show_device("", "", None)

    def show_device(self, key: str, name: str, instrument: Instrument | None) -> None:
        """Talk to another device, or to none.

        Args:
            key: of its producer, "" for none. name: for the heading. instrument: None while it is not open.
        """
        self._instrument = instrument
        heading = f"Console: {name}" if key else NOTHING_CHOSEN
        if self.heading.text() != heading:
            self.heading.setText(heading)
            self.heading.setToolTip(tooltip_text(heading))
        if self.line.isEnabled() is not bool(key):
            self.line.setEnabled(bool(key))
            self.send_button.setEnabled(bool(key))
        if key != self._key:
            self._key = key
            self._write_anew()

    def forget(self, key: str) -> None:
        """Forget what was said to a device."""
        self._said.pop(key, None)

    def set_theme(self, theme: Theme) -> None:
        """Take over the colours of a theme."""
        self._theme = theme
        self._write_anew()

    def clear(self) -> None:
        """Forget all that was said."""
        self._said.clear()
        self._write_anew()

    def send(self) -> None:
        """Send what was typed."""
        command = self.line.take()
        if not command or not self._key:
            return
        key, instrument = self._key, self._instrument
        self._say(key, f"> {command}", "muted")
        if instrument is None or instrument.device is None:
            self._answer(key, command, OFFLINE, is_good=False)
        elif not callable(getattr(instrument.device, "ask", None)):
            self._answer(key, command, MUTE, is_good=False)
        else:
            Awaited(self, instrument.ask(command), partial(self._on_answer, key, command))

    def _on_answer(self, key: str, command: str, answered: Future[str]) -> None:
        error = answered.exception()
        if error is not None:
            self._answer(key, command, str(error) or type(error).__name__, is_good=False)
        else:
            self._answer(key, command, answered.result() or NO_ANSWER, is_good=True)

    def _answer(self, key: str, command: str, text: str, *, is_good: bool) -> None:
        more = f" … {len(text)} characters" if len(text) > LONGEST_ANSWER else ""
        shown = "".join(c if c.isprintable() or c == "\n" else "·" for c in text[:LONGEST_ANSWER]) + more
        self._say(key, shown if is_good else f"✕ {shown}", "text" if is_good else "error")
        self.exchanged.emit(key, command, shown, is_good)

    def _say(self, key: str, text: str, tone: str) -> None:
        self._said.setdefault(key, deque(maxlen=MOST_LINES)).append((text, tone))
        if key == self._key:
            self._write(text, tone)

    def _write_anew(self) -> None:
        self.transcript.clear()
        for text, tone in self._said.get(self._key, ()):
            self._write(text, tone)

    def _write(self, text: str, tone: str) -> None:
        form = QTextCharFormat()
        form.setForeground(QColor(getattr(self._theme, tone)))
        cursor = QTextCursor(self.transcript.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        if not self.transcript.document().isEmpty():
            cursor.insertBlock()
        cursor.insertText(text, form)
        self.transcript.verticalScrollBar().setValue(self.transcript.verticalScrollBar().maximum())

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(6, 2, 6, 6)
        row.setSpacing(6)
        row.addWidget(self.line, 1)
        row.addWidget(self.send_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self.heading.setContentsMargins(8, 3, 8, 0)
        column.addWidget(self.heading)
        column.addWidget(self.transcript, 1)
        column.addLayout(row)
