"""The Connect dialog: a URL, what is found on this machine, and what answered before it is added."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from .plain_text import one_line
from .theme import ThemeSwitch

if TYPE_CHECKING:
    from ..core.dialects.base import ProbeResult
    from ..core.discovery import LocalProducer

PROBE_DELAY_MS = 350


class ConnectDialog(QDialog):
    """Ask for a URL, probe it as it is typed, and accept it only when something answered - or by "Connect anyway".

    Signals:
        accepted_url(str): the user wants this URL connected.
    """

    accepted_url = Signal(str)

    def __init__(
        self,
        parent: QWidget,
        *,
        themes: ThemeSwitch,
        recent: list[str],
        find_local: Callable[[], list[LocalProducer]],
        probe: Callable[[str], Awaitable[ProbeResult]],
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Connect")
        self.setMinimumWidth(520)
        self._themes = themes
        self._find_local = find_local
        self._probe = probe
        self._task: asyncio.Task[None] | None = None
        self._wanted = False  # the user said yes before the answer came
        self._result: ProbeResult | None = None
        self.url = QComboBox(self)
        self.url.setEditable(True)
        self.url.setAccessibleName("URL")
        self.url.addItems(recent)
        self.url.setCurrentText(recent[0] if recent else "")
        line = self.url.lineEdit()
        assert line is not None
        line.setPlaceholderText("tcp://127.0.0.1:5560")
        line.setMaxLength(1024)
        line.selectAll()
        self.found = QListWidget(self)
        self.found.setAccessibleName("Producers on this machine")
        self.found.setFixedHeight(112)
        self.answer = _plain_label()
        self.answer.setObjectName("answer")
        self.answer.setMinimumHeight(54)
        self.buttons = QDialogButtonBox(self)
        self.connect_button = QPushButton("Connect")
        self.connect_button.setDefault(True)
        self.buttons.addButton(self.connect_button, QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        self._lay_out()
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(PROBE_DELAY_MS)
        self._delay.timeout.connect(self._start_probe)
        self.url.editTextChanged.connect(self._on_text)
        self.found.currentItemChanged.connect(self._on_found)
        self.found.itemDoubleClicked.connect(lambda _item: self._on_accept())
        self.buttons.accepted.connect(self._on_accept)
        self.buttons.rejected.connect(self.reject)
        self._list_local()
        self._on_text(self.url.currentText())

    def done(self, result: int) -> None:
        """Close the dialog and give up a probe that is under way."""
        self._delay.stop()
        self._give_up()
        super().done(result)

    def _give_up(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(6)
        for part in (
            _plain_label("URL"),
            self.url,
            _plain_label("On this machine"),
            self.found,
            self.answer,
            self.buttons,
        ):
            column.addWidget(part)

    def _list_local(self) -> None:
        for producer in self._find_local():
            name = one_line(producer.name, 60)
            item = QListWidgetItem(f"{name}    {producer.url}    process {producer.pid}")
            item.setData(Qt.ItemDataRole.UserRole, producer.url)
            self.found.addItem(item)
        if not self.found.count():
            item = QListWidgetItem("No running producer was found")
            item.setFlags(Qt.ItemFlag.NoItemFlags)
            self.found.addItem(item)

    def _on_found(self, item: QListWidgetItem | None) -> None:
        if item is not None and (url := item.data(Qt.ItemDataRole.UserRole)):
            self.url.setCurrentText(url)

    def _on_text(self, text: str) -> None:
        self._result = None
        self._wanted = False
        self._give_up()
        self.connect_button.setText("Connect")
        self.connect_button.setEnabled(bool(text.strip()))
        if text.strip():
            self._say("Asking…", "muted")
            self._delay.start()
        else:
            self._delay.stop()
            self._say("Type a URL, or choose a producer above.", "muted")

    def _start_probe(self) -> None:
        self._task = asyncio.ensure_future(self._ask(self.url.currentText().strip()))

    async def _ask(self, url: str) -> None:
        result = await self._probe(url)
        if self._task is not asyncio.current_task():
            return  # given up as the answer came, which asyncio.wait_for then hands over instead of the cancellation
        self._result = result
        if result.ok:
            self._say(_told(result), "ok")
        else:
            self._say(result.sentence, "error")
            self.connect_button.setText("Connect anyway")
        self.connect_button.setEnabled(True)
        if self._wanted and result.ok:
            self._on_accept()

    def _say(self, sentence: str, tone: str) -> None:
        self.answer.setText(sentence)
        self.answer.setStyleSheet(f"color: {getattr(self._themes.current, tone)};")

    def _on_accept(self) -> None:
        url = self.url.currentText().strip()
        if not url:
            return
        if self._result is None:
            self._wanted = True
            self.connect_button.setEnabled(False)
            return
        # What was recognized behind tcp:// is connected to as what it is.
        self.accepted_url.emit(self._result.url if self._result.ok else url)
        self.accept()


def _told(result: ProbeResult) -> str:
    """Say who answered, what we may do there and what there is to see; of an address to wait on only the first."""
    who = one_line(result.sentence, 160)
    if not result.name:
        return who
    streams = one_line(", ".join(sorted({stream or kind for kind, stream in result.streams})), 160)
    return f"{who} – you may {'operate it' if result.role == 'operate' else 'only observe it'}\n{streams}"


def _plain_label(text: str = "") -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label
