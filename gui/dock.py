"""What every dock is: a view of the hub's stores that is refreshed by the frame clock only."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QGuiApplication, QPixmap, QShowEvent
from PySide6.QtWidgets import QFileDialog, QLabel, QMenu, QStackedLayout, QVBoxLayout, QWidget

from .theme import Theme, ThemeSwitch

if TYPE_CHECKING:
    from ..core.hub import Change, Hub
    from ..core.settings import Settings
    from .frame_clock import FrameClock

logger = logging.getLogger("dockscope.gui.dock")


@dataclass(frozen=True, kw_only=True)
class DockContext:
    """What a dock is given.

    Args:
        hub: producers and stores, read only for docks.
        settings: the user's settings (``utc``, …).
        themes: the theme in force.
        clock: refreshes the dock.
        tell: shows one plain sentence to the user.
        actions: window-wide actions a dock may offer, by name, such as "connect".
    """

    hub: Hub
    settings: Settings
    themes: ThemeSwitch
    clock: FrameClock
    tell: Callable[[str], None]
    actions: dict[str, Callable[..., Any]]


class Dock(QWidget):
    """Base of all docks.

    A subclass sets ``kind`` and ``title``, puts its widgets into ``self.body`` and overrides ``concerns``, ``refresh``
    and what else it needs. It never paints on its own when data arrive.

    Signals:
        title_changed(str): text for the dock's tab.
    """

    kind: ClassVar[str] = ""
    title: ClassVar[str] = ""
    title_changed = Signal(str)

    def __init__(self, context: DockContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context
        self.hub = context.hub
        self.body = QWidget(self)
        self._empty = QLabel(self)
        self._empty.setTextFormat(Qt.TextFormat.PlainText)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._empty.setForegroundRole(self._empty.foregroundRole())
        self._pages = QStackedLayout()
        self._pages.addWidget(self.body)
        self._pages.addWidget(self._empty)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addLayout(self._pages)
        context.themes.changed.connect(self._on_theme)
        context.clock.add(self)

    # what a subclass overrides

    def concerns(self, change: Change) -> bool:
        """Tell whether this change can alter what is shown; must be cheap."""
        return True

    def refresh(self, changes: set[Change] | None) -> None:
        """Bring the view up to date; None means that anything may have changed. Under 10 ms."""
        raise NotImplementedError

    def refresh_text(self) -> None:
        """Update numbers that a person reads; called four times a second while visible and not frozen."""

    def apply_theme(self, theme: Theme) -> None:
        """Take over the colours of a theme."""

    def view_state(self) -> dict[str, Any]:
        """Return the view's settings as JSON values."""
        return {}

    def restore_view_state(self, state: dict[str, Any]) -> None:
        """Take over settings from ``view_state``; what is unknown or invalid is left at its default."""

    def clear_data(self) -> None:
        """Remove the data that this dock shows from their store."""

    def csv(self) -> str | None:
        """Return what is visible as CSV text, or None when this dock has no table."""
        return None

    def menu_actions(self) -> list[QAction]:
        """Return actions of this dock's own for its context menu."""
        return []

    def picture(self) -> QPixmap:
        """Return the picture of this dock."""
        return self.grab()

    # what the base does

    @property
    def label(self) -> str:
        """What tells this dock from others: its kind's title, and its number unless it is the first of its kind."""
        number = self.objectName().rpartition("-")[2]
        return f"{self.title} {number}" if number.isdigit() and number != "1" else self.title

    @property
    def theme(self) -> Theme:
        return self.context.themes.current

    def set_empty(self, sentence: str | None) -> None:
        """Show a sentence that says what this dock waits for, or the dock itself when None."""
        if sentence is None:
            self._pages.setCurrentWidget(self.body)
            return
        if self._empty.text() != sentence:
            self._empty.setText(sentence)
        self._pages.setCurrentWidget(self._empty)

    @property
    def empty_text(self) -> str:
        """The sentence shown in place of the body, or ""."""
        return self._empty.text() if self._pages.currentWidget() is self._empty else ""

    def adopt_view_state(self, state: dict[str, Any]) -> None:
        """Take over view settings that come from a file: where they are unusable, the rest stays as it is."""
        try:
            self.restore_view_state(state)
        except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
            logger.info("view settings of %s are unusable: %s", self.objectName() or self.kind, error)

    def request_refresh(self) -> None:
        """Ask the clock for a full refresh, after a change of the view's own settings."""
        self.context.clock.request(self)

    def dispose(self) -> None:
        """Leave the clock and the theme; the dock is gone for good."""
        self.context.clock.remove(self)
        self.context.themes.changed.disconnect(self._on_theme)

    def context_menu(self) -> QMenu:
        """Build the context menu: the dock's own actions, then copy, save and clear."""
        menu = QMenu(self)
        own = self.menu_actions()
        menu.addActions(own)
        if own:
            menu.addSeparator()
        menu.addAction("Copy picture", self.copy_picture)
        menu.addAction("Save picture as PNG…", self.save_picture)
        if type(self).csv is not Dock.csv:  # not called here: a table of a million rows takes seconds
            menu.addAction("Copy visible data as CSV", self.copy_csv)
            menu.addAction("Save visible data as CSV…", self.save_csv)
        menu.addSeparator()
        menu.addAction("Clear data", self.clear_data)
        return menu

    def copy_picture(self) -> None:
        """Put the picture of this dock on the clipboard."""
        QGuiApplication.clipboard().setPixmap(self.picture())
        self.context.tell("Picture copied")

    def copy_csv(self) -> None:
        """Put what is visible on the clipboard as CSV."""
        QGuiApplication.clipboard().setText(self.csv() or "")
        self.context.tell("Visible data copied as CSV")

    def save_picture(self) -> None:
        """Ask for a file name and write the picture there."""
        picture = self.picture()  # before the dialog lies over the dock
        if path := self._ask_file("PNG picture (*.png)", ".png"):
            if picture.save(str(path), "PNG"):
                self.context.tell(f"Saved {path.name}")
            else:
                self.context.tell(f"Cannot write {path}: choose another folder")

    def save_csv(self) -> None:
        """Ask for a file name and write what is visible there as CSV."""
        text = self.csv() or ""
        if path := self._ask_file("CSV table (*.csv)", ".csv"):
            try:
                path.write_text(text, encoding="utf-8")
            except OSError as error:
                self.context.tell(f"Cannot write {path}: {error.strerror}")
            else:
                self.context.tell(f"Saved {path.name}")

    def _ask_file(self, name_filter: str, suffix: str) -> Path | None:
        stamp = dt.datetime.now(dt.UTC).astimezone().strftime("%Y-%m-%d_%H-%M-%S")
        name, _ = QFileDialog.getSaveFileName(self, "Save", f"{self.kind}_{stamp}{suffix}", name_filter)
        if not name:
            return None
        path = Path(name)
        return path if path.suffix else path.with_suffix(suffix)

    def _on_theme(self, theme: Theme) -> None:
        self.apply_theme(theme)
        self.request_refresh()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.context_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.request_refresh()
