"""The panel with everything known of the selected part."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from .placement_facts import Fact

PART_ROLE = Qt.ItemDataRole.UserRole


class PlacementInspector(QWidget):
    """Lists facts as a tree; what the user opened stays open from part to part.

    Signals:
        part_chosen(int): a row that stands for another part was activated.
        closed(): the panel is to go.
    """

    part_chosen = Signal(int)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folded = {"Pads": True, "Nets": False, "Forces": False, "Overlaps": False}
        self.name = QLabel(self)
        self.name.setTextFormat(Qt.TextFormat.PlainText)
        self.name.setStyleSheet("font-weight: 600;")
        close = QToolButton(self)
        close.setText("✕")
        close.setToolTip("Deselect the part (Esc)")
        close.setAccessibleName("Deselect the part")
        close.clicked.connect(self.closed)
        self.tree = QTreeWidget(self)
        self._set_up_tree()
        top = QHBoxLayout()
        top.setContentsMargins(8, 2, 2, 0)
        top.addWidget(self.name, 1)
        top.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.tree, 1)

    def _set_up_tree(self) -> None:
        tree = self.tree
        tree.setColumnCount(2)
        tree.setHeaderHidden(True)
        tree.setIndentation(10)
        tree.setUniformRowHeights(True)
        tree.setAccessibleName("What is known of the part")
        tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        tree.header().setStretchLastSection(True)
        tree.header().setMaximumSectionSize(120)
        tree.itemActivated.connect(self._on_activated)
        tree.itemExpanded.connect(lambda item: self._folded.update({item.text(0): False}))
        tree.itemCollapsed.connect(lambda item: self._folded.update({item.text(0): True}))

    def show_part(self, name: str, facts: list[Fact]) -> None:
        """Show the facts of a part; rows that stay the same keep their place and selection."""
        if self.name.text() != name:
            self.name.setText(name)
            self.tree.scrollToTop()
        root = self.tree.invisibleRootItem()
        assert root is not None
        _fill(root, facts)
        self.tree.blockSignals(True)
        for row in range(self.tree.topLevelItemCount()):
            item = self.tree.topLevelItem(row)
            if item is not None:
                item.setExpanded(not self._folded.get(item.text(0), True))
        self.tree.blockSignals(False)

    def rows(self) -> list[tuple[str, str]]:
        """Return the names and values of all rows, from the top, folded ones included."""
        root = self.tree.invisibleRootItem()
        assert root is not None
        return [(item.text(0), item.text(1)) for item in _items(root)]

    def _on_activated(self, item: QTreeWidgetItem) -> None:
        part = item.data(0, PART_ROLE)
        if isinstance(part, int):
            self.part_chosen.emit(part)


def _children(parent: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    children = (parent.child(row) for row in range(parent.childCount()))
    return [child for child in children if child is not None]


def _items(parent: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    found = []
    for child in _children(parent):
        found += [child, *_items(child)]
    return found


def _fill(parent: QTreeWidgetItem, facts: Sequence[Fact]) -> None:
    """Make the children of an item these facts, changing as little as possible."""
    while parent.childCount() > len(facts):
        parent.takeChild(parent.childCount() - 1)
    parent.addChildren([QTreeWidgetItem() for _ in range(len(facts) - parent.childCount())])
    for item, fact in zip(_children(parent), facts, strict=True):
        for column, text in enumerate((fact.name, fact.value)):
            if item.text(column) != text:
                item.setText(column, text)
                item.setToolTip(column, html.escape(text))
        if item.data(0, PART_ROLE) != fact.part:
            item.setData(0, PART_ROLE, fact.part)
        _fill(item, fact.below)
