"""The Log dock: logs, statuses, commands and their outcome in one table with filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QFontMetrics, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QTableView,
    QToolButton,
    QVBoxLayout,
)

from ..core.export import log_csv
from .dock import Dock, DockContext
from .log_model import COLUMNS, LEVELS, LogModel
from .plain_text import one_line
from .text_dialog import TextDialog
from .theme import Theme

if TYPE_CHECKING:
    from ..core.hub import Change

CHANGES = ("log", "status", "command", "problem", "producer", "control")
MAX_COPIED_ROWS = 100_000


class LogDock(Dock):
    """Show the hub's log, follow its tail, filter, search and copy."""

    kind = "log"
    title = "Log"

    def __init__(self, context: DockContext) -> None:
        super().__init__(context)
        self.model = LogModel(context.hub, context.themes.current, self)
        self.level = QComboBox(self)
        self.producer = QComboBox(self)
        self.search = QLineEdit(self)
        self.follow = QToolButton(self)
        self.table = QTableView(self)
        self._build_controls()
        self._build_table()
        self._lay_out()
        self.model.reload()

    def concerns(self, change: Change) -> bool:
        return change.kind in CHANGES

    def refresh(self, changes: set[Change] | None) -> None:
        if self.model.utc != self.context.settings.utc or changes is None:
            self.model.utc = self.context.settings.utc
            self._offer_producers()
        if changes is None or any(change.kind == "producer" for change in changes):
            self._offer_producers()
        if self.model.update():
            self.request_refresh()
        filtered = self.level.currentIndex() > 0 or self.search.text() or self.producer.currentData()
        waits = not self.model.rows and not filtered
        self.set_empty("Waiting for logs, statuses and commands." if waits else None)
        if self.follow.isChecked():
            self.table.scrollToBottom()

    def apply_theme(self, theme: Theme) -> None:
        self.model.set_theme(theme)

    def view_state(self) -> dict[str, Any]:
        return {"level": self.level.currentText(), "search": self.search.text()}

    def restore_view_state(self, state: dict[str, Any]) -> None:
        self.level.setCurrentIndex(max(0, self.level.findText(str(state.get("level", "")))))
        self.search.setText(str(state.get("search", ""))[:200])
        self._filter()

    def clear_data(self) -> None:
        self.hub.clear("log")
        self.model.reload()
        self.request_refresh()

    def csv(self) -> str | None:
        def name_of(key: str) -> str:
            producer = self.hub.producers.get(key)
            return producer.name if producer else key

        return log_csv(self.model.rows[-MAX_COPIED_ROWS:], name_of=name_of)

    def menu_actions(self) -> list[QAction]:
        copy = QAction("Copy selected rows", self)
        copy.setEnabled(self.table.selectionModel().hasSelection())
        copy.triggered.connect(self.copy_rows)
        return [copy]

    def copy_rows(self) -> None:
        """Put the selected rows on the clipboard, as lines of tab-separated text."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        lines = ["\t".join(self.model.cells(self.model.rows[row])) for row in rows]
        if lines:
            QGuiApplication.clipboard().setText("\n".join(lines))
            self.context.tell(f"Copied {len(lines)} row{'s' if len(lines) > 1 else ''}")

    def _build_controls(self) -> None:
        self.level.addItems([level.capitalize() for level in LEVELS])
        self.level.setToolTip("Lowest level shown")
        self.level.setAccessibleName("Lowest level shown")
        self.level.activated.connect(self._filter)
        self.producer.setToolTip("Producer shown")
        self.producer.setAccessibleName("Producer shown")
        self.producer.setMinimumContentsLength(8)
        self.producer.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.producer.activated.connect(self._filter)
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName("Search")
        self.search.setClearButtonEnabled(True)
        self.search.setMaxLength(200)
        self.search.textChanged.connect(self._filter)
        self.follow.setText("Follow")
        self.follow.setToolTip("Stay at the newest row (F)")
        self.follow.setCheckable(True)
        self.follow.setChecked(True)
        self.follow.clicked.connect(self.request_refresh)
        self.follow.toggled.connect(self._show_scroll_bar)
        self._offer_producers()
        for keys, slot in (("Ctrl+F", self.search.setFocus), ("Ctrl+C", self.copy_rows), ("F", self._start_following)):
            shortcut = QShortcut(QKeySequence(keys), self.table if keys == "Ctrl+C" or keys == "F" else self, slot)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def _build_table(self) -> None:
        table = self.table
        table.setModel(self.model)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setTextElideMode(Qt.TextElideMode.ElideRight)
        table.setTabKeyNavigation(False)
        table.setAccessibleName("Log")
        table.verticalHeader().hide()
        metrics = QFontMetrics(table.font())
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(metrics.height() + 5)
        header = table.horizontalHeader()
        header.setStretchLastSection(True)
        header.setHighlightSections(False)
        for column, sample in enumerate(("00:00:00.000 ", "spectrometer", "command")):
            header.resizeSection(column, metrics.horizontalAdvance(sample) + 10)
        self._show_scroll_bar(following=True)
        table.verticalScrollBar().valueChanged.connect(self._on_scroll)
        table.doubleClicked.connect(lambda index: self._tell_whole(index.row()))

    def _lay_out(self) -> None:
        controls = QHBoxLayout()
        controls.setContentsMargins(6, 4, 6, 2)
        controls.setSpacing(6)
        controls.addWidget(self.level)
        controls.addWidget(self.producer)
        controls.addWidget(self.search, 1)
        controls.addWidget(self.follow)
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(controls)
        column.addWidget(self.table, 1)

    def _offer_producers(self) -> None:
        wanted = [("All producers", None)]
        wanted += [(one_line(p.name, 32), p.key) for p in self.hub.producers.values()]
        if [(self.producer.itemText(i), self.producer.itemData(i)) for i in range(self.producer.count())] == wanted:
            return
        chosen = self.producer.currentData()
        self.producer.clear()
        for text, key in wanted:
            self.producer.addItem(text, key)
        self.producer.setCurrentIndex(max(0, self.producer.findData(chosen)))

    def _filter(self) -> None:
        self.model.set_filter(LEVELS[self.level.currentIndex()], self.search.text(), self.producer.currentData())
        self.request_refresh()

    def _start_following(self) -> None:
        self.follow.setChecked(True)
        self.request_refresh()

    def _show_scroll_bar(self, following: bool) -> None:
        """At the tail a scroll bar tells nothing; it comes as soon as the user scrolls away."""
        policy = Qt.ScrollBarPolicy
        self.table.setVerticalScrollBarPolicy(policy.ScrollBarAlwaysOff if following else policy.ScrollBarAsNeeded)

    def _on_scroll(self, value: int) -> None:
        """The user's scrolling decides: at the end it follows, above it stays."""
        bar = self.table.verticalScrollBar()
        if bar.isSliderDown() or self.table.underMouse() or self.table.hasFocus():
            self.follow.setChecked(value >= bar.maximum() - 4)

    def _tell_whole(self, row: int) -> None:
        """Show a whole row, which may be too long for its cell."""
        cells = zip(COLUMNS, self.model.cells(self.model.rows[row]), strict=True)
        TextDialog(self, "Log row", "\n".join(f"{name}: {text}" for name, text in cells)).open()
