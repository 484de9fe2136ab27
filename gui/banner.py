"""Bands across the window: one that says that painting is frozen, one for a run that ended, failed or was lost."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from .frame_clock import FrameClock
from .icons import icon
from .theme import Theme, ThemeSwitch


class Band(QWidget):
    """A coloured line of plain text across the window."""

    def __init__(self, themes: ThemeSwitch, tone: str) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._tone = tone
        self.label = QLabel(self)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setWordWrap(True)  # else a long sentence would set the least width of the window
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(12, 3, 6, 3)
        self.row.addWidget(self.label, 1)
        themes.changed.connect(self.apply_theme)
        self.apply_theme(themes.current)
        self.hide()

    def set_tone(self, tone: str, theme: Theme) -> None:
        """Change the colour."""
        self._tone = tone
        self.apply_theme(theme)

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours of a theme."""
        color = getattr(theme, self._tone)
        self.setStyleSheet(
            f"Band, FreezeBand, EventBanner {{ background: {theme.raised}; border-left: 4px solid {color};"
            f" border-bottom: 1px solid {theme.border}; }} QLabel {{ color: {color}; font-weight: 600; }}"
        )


class FreezeBand(Band):
    """Say for how long painting has been frozen and how to go on."""

    def __init__(self, themes: ThemeSwitch, clock: FrameClock) -> None:
        super().__init__(themes, "accent")
        self._clock = clock
        self.label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        clock.freeze_changed.connect(self._on_freeze)
        clock.text_ticked.connect(self._write)

    def _on_freeze(self, frozen: bool) -> None:
        self._write()
        self.setVisible(frozen)

    def _write(self) -> None:
        if self._clock.frozen_since is not None:
            frozen_s = time.monotonic() - self._clock.frozen_since
            self.label.setText(f"Frozen {frozen_s:.0f} s – Space")


class EventBanner(Band):
    """Tell the newest event that needs attention until the user closes it."""

    def __init__(self, themes: ThemeSwitch) -> None:
        super().__init__(themes, "warning")
        self._themes = themes
        self._on_action: Callable[[], object] | None = None
        self._about: object = None
        self.action = QPushButton(self)
        self.action.clicked.connect(self._act)
        self.dismiss = QToolButton(self)
        self.dismiss.setToolTip("Close this message")
        self.dismiss.setAccessibleName("Close this message")
        self.dismiss.clicked.connect(self.hide)
        self.row.addWidget(self.action)
        self.row.addWidget(self.dismiss)
        self.apply_theme(themes.current)

    def tell(
        self,
        sentence: str,
        tone: str,
        action: str = "",
        on_action: Callable[[], object] | None = None,
        *,
        about: object = None,
    ) -> None:
        """Show a sentence, with a button when there is something to do; ``about`` is for ``withdraw``."""
        self._about = about
        self.label.setText(sentence)
        self.set_tone(tone, self._themes.current)
        self._on_action = on_action
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self.show()

    def withdraw(self, about: object) -> None:
        """Close the message about this, which holds no longer; another one stays."""
        if about is not None and about == self._about:
            self.hide()

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        if hasattr(self, "dismiss"):
            self.dismiss.setIcon(icon("close", theme))

    def _act(self) -> None:
        self.hide()
        if self._on_action is not None:
            self._on_action()
