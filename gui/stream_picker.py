"""A small box with which a dock chooses the stream that it shows."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QWidget

StreamKey = tuple[str, str]  # (producer key, stream name)
TEXT_MARGIN_PX = 3


class StreamPicker(QComboBox):
    """Choose one stream, or follow the first that there is.

    The choice is kept while its stream is absent, so a dock comes back to it after a restart. While there is nothing
    to choose the box takes no room.

    Signals:
        chosen(): the user picked another stream.
    """

    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.choice: StreamKey | None = None
        self._offered: list[tuple[StreamKey, str]] = []
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.setToolTip("Stream shown in this dock")
        self.setAccessibleName("Stream")
        self.activated.connect(self._on_activated)

    def offer(self, streams: Iterable[tuple[StreamKey, str]]) -> None:
        """List these streams: pairs of key and text to show. Keeps the choice."""
        offered = list(streams)
        if offered == self._offered and self.count():
            return
        self._offered = offered
        self.blockSignals(True)
        self.clear()
        self.addItem(f"{offered[0][1]} (first)" if offered else "First stream", None)
        for key, text in offered:
            self.addItem(text, key)
        self._select()
        self.blockSignals(False)
        self._show_if_needed()

    def current(self) -> StreamKey | None:
        """Return the stream to show now: the choice, or the first offered when there is no choice."""
        keys = [key for key, _ in self._offered]
        if self.choice is not None:
            return self.choice if self.choice in keys else None
        return keys[0] if keys else None

    def choose(self, key: StreamKey | None) -> None:
        """Set the choice, as restored from settings."""
        self.choice = key
        self._select()
        self._show_if_needed()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint as usual, but a text that is too long ends in an ellipsis instead of being cut."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        field = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        room_px = field.width() - 2 * TEXT_MARGIN_PX
        option.currentText = self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room_px)
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def _show_if_needed(self) -> None:
        self.setVisible(len(self._offered) > 1 or self.choice is not None)

    def _select(self) -> None:
        keys = [None, *(key for key, _ in self._offered)]
        self.setCurrentIndex(keys.index(self.choice) if self.choice in keys else 0)

    def _on_activated(self, index: int) -> None:
        self.choice = None if index == 0 else self._offered[index - 1][0]
        self.chosen.emit()
