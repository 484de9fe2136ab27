"""A small box with which a dock chooses the stream that it shows."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

StreamKey = tuple[str, str]  # (producer key, stream name)


class StreamPicker(QComboBox):
    """Choose one stream, or follow the first that there is.

    The choice is kept while its stream is absent, so a dock comes back to it after a restart.

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
        self.addItem("First stream", None)
        for key, text in offered:
            self.addItem(text, key)
        self._select()
        self.blockSignals(False)

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

    def _select(self) -> None:
        keys = [None, *(key for key, _ in self._offered)]
        self.setCurrentIndex(keys.index(self.choice) if self.choice in keys else 0)

    def _on_activated(self, index: int) -> None:
        self.choice = None if index == 0 else self._offered[index - 1][0]
        self.chosen.emit()
