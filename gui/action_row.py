"""Buttons for actions, of which those that find no room move into a menu."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

SPACING_PX = 2


class ActionRow(QWidget):
    """A button for each action, in a row that can be as narrow as the one button that opens the others.

    Args:
        actions: the most wanted first; the last ones move into the menu first.
    """

    def __init__(self, actions: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons = [self._button(action) for action in actions]
        self.more = QToolButton(self)
        self.more.setText("⋯")
        self.more.setToolTip("More controls")
        self.more.setAccessibleName("More controls")
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.more.setMenu(QMenu(self.more))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACING_PX)
        # The row decides itself what has room; its layout must not ask for more.
        row.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)
        for button in (*self.buttons, self.more):
            row.addWidget(button)
        row.addStretch(1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._fit()

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(action)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        button.setAccessibleName(action.text())
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def sizeHint(self) -> QSize:
        widths = [button.sizeHint().width() for button in self.buttons]
        return QSize(sum(widths) + SPACING_PX * (len(widths) - 1), self._height())

    def minimumSizeHint(self) -> QSize:
        return QSize(self.more.sizeHint().width(), self._height())

    def _height(self) -> int:
        return max(button.sizeHint().height() for button in (*self.buttons, self.more))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show as many buttons as have room beside the one that opens the menu with the others."""
        widths = [button.sizeHint().width() + SPACING_PX for button in self.buttons]
        shown = len(widths)
        if sum(widths) - SPACING_PX > self.width():
            room = self.width() - self.more.sizeHint().width()
            shown = next(count for count in range(len(widths), -1, -1) if sum(widths[:count]) <= max(room, 0))
        for index, button in enumerate(self.buttons):
            button.setVisible(index < shown)
        self.more.setVisible(shown < len(self.buttons))
        menu = self.more.menu()
        hidden = [button.defaultAction() for button in self.buttons[shown:]]
        if menu.actions() != hidden:
            for action in menu.actions():
                menu.removeAction(action)
            menu.addActions(hidden)
