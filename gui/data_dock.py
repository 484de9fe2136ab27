"""The Data dock: the latest value of every data stream as a tree, with rate and size; pictures are shown."""

from __future__ import annotations

import html
import time
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QGuiApplication, QImage, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from .data_summary import children, has_children, picture, summary
from .dock import Dock, DockContext

if TYPE_CHECKING:
    from ..core.hub import Change
    from ..core.records import DataEntry

VALUE = Qt.ItemDataRole.UserRole
STREAM = Qt.ItemDataRole.UserRole + 1
EMPTY = "Waiting for data streams.\nA producer sends them with publish_data."


class DataDock(Dock):
    """Show the newest value of each stream; what the user has opened or selected stays so."""

    kind = "data"
    title = "Data"

    def __init__(self, context: DockContext) -> None:
        super().__init__(context)
        self.tree = QTreeWidget(self)
        self.tree.setColumnCount(2)
        self.tree.setHeaderLabels(["Stream", "Latest value"])
        self.tree.setIndentation(12)
        self.tree.setUniformRowHeights(True)
        self.tree.setAccessibleName("Data streams")
        self.tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.tree.header()
        header.setStretchLastSection(True)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.resizeSection(0, 116)
        self.tree.itemExpanded.connect(self._fill)
        self.tree.currentItemChanged.connect(lambda *_: self._show_picture())
        self.preview = PicturePreview(self)
        self.preview.hide()
        splitter = QSplitter(Qt.Orientation.Vertical, self)
        splitter.addWidget(self.tree)
        splitter.addWidget(self.preview)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        splitter.setChildrenCollapsible(False)
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(splitter)
        self._items: dict[tuple[str, str], QTreeWidgetItem] = {}
        self._shown: dict[tuple[str, str], int] = {}

    def concerns(self, change: Change) -> bool:
        return change.kind in ("data", "producer")

    def refresh(self, changes: set[Change] | None) -> None:
        """Nothing here: values that a person reads change four times a second, in ``refresh_text``."""
        if changes is None:
            self._shown.clear()
            self.refresh_text()

    def refresh_text(self) -> None:
        entries = self.hub.data.entries
        self.set_empty(None if entries else EMPTY)
        for key in [key for key in self._items if key not in entries]:
            self.tree.takeTopLevelItem(self.tree.indexOfTopLevelItem(self._items.pop(key)))
        for key, entry in entries.items():
            self._update_stream(key, entry)
        self._show_picture()

    def clear_data(self) -> None:
        self.hub.clear("data")
        self.request_refresh()

    def menu_actions(self) -> list[QAction]:
        item = self.tree.currentItem()
        copy = QAction("Copy value", self)
        copy.setEnabled(item is not None)
        copy.triggered.connect(lambda: QGuiApplication.clipboard().setText(_whole(item.data(0, VALUE)) if item else ""))
        return [copy]

    def _update_stream(self, key: tuple[str, str], entry: DataEntry) -> None:
        item = self._items.get(key)
        if item is None:
            item = QTreeWidgetItem(self.tree)
            item.setData(0, STREAM, key)
            self._items[key] = item
        producer = self.hub.producers.get(entry.producer)
        same_name = sum(stream == entry.stream for _, stream in self.hub.data.entries) > 1
        name = f"{entry.stream} – {producer.name}" if same_name and producer else entry.stream
        _set_text(item, 0, " ".join(name.split())[:200])
        age_s = time.time() - entry.t
        rate = f"{entry.rate_hz:.1f}/s" if entry.rate_hz > 0 and age_s < 10 else f"{max(0.0, age_s):.0f} s ago"
        _set_text(item, 1, f"{rate}  {_size(entry.nbytes)}  {summary(entry.value)}")
        if self._shown.get(key) != entry.messages:
            self._shown[key] = entry.messages
            item.setData(0, VALUE, entry.value)
            _set_indicator(item, entry.value)
            if not item.childCount() and self.tree.topLevelItemCount() <= 2:
                item.setExpanded(True)
            if item.isExpanded():
                self._fill(item)

    def _fill(self, item: QTreeWidgetItem) -> None:
        """Bring the rows below an open row up to date, and those below open rows among them."""
        value = item.data(0, VALUE)
        pairs = list(children(value)) if has_children(value) else []
        while item.childCount() > len(pairs):
            item.takeChild(item.childCount() - 1)
        for row, (name, inner) in enumerate(pairs):
            child = item.child(row) or QTreeWidgetItem(item)
            _set_text(child, 0, name)
            _set_text(child, 1, summary(inner))
            child.setToolTip(1, html.escape(child.text(1)))
            child.setData(0, VALUE, inner)
            _set_indicator(child, inner)
            if child.isExpanded():
                self._fill(child)

    def _show_picture(self) -> None:
        """Show the selected value when it is a picture, else the first picture among the streams."""
        item = self.tree.currentItem()
        image = picture(item.data(0, VALUE)) if item is not None else None
        if image is None:
            image = next((found for entry in self.hub.data.entries.values() if (found := _find(entry.value))), None)
        self.preview.show_image(image)


class PicturePreview(QWidget):
    """Show a picture as large as fits, with its proportions kept."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._image: QImage | None = None
        self.setMinimumHeight(60)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Picture")

    def sizeHint(self) -> QSize:
        return QSize(160, 130)

    def show_image(self, image: QImage | None) -> None:
        """Take another picture, or none."""
        self._image = image
        self.setVisible(image is not None)
        self.update()

    def paintEvent(self, event: object) -> None:
        if self._image is None:
            return
        with QPainter(self) as painter:
            room = self.size() * 1.0
            size = self._image.size().scaled(room, Qt.AspectRatioMode.KeepAspectRatio)
            left, top = (self.width() - size.width()) // 2, (self.height() - size.height()) // 2
            painter.drawPixmap(left, top, QPixmap.fromImage(self._image.scaled(size)))


def _find(value: Any) -> QImage | None:
    """Return the first picture in a value or directly inside it."""
    if (image := picture(value)) is not None:
        return image
    return next((image for _, inner in children(value) if (image := picture(inner)) is not None), None)


def _set_indicator(item: QTreeWidgetItem, value: Any) -> None:
    policy = QTreeWidgetItem.ChildIndicatorPolicy
    item.setChildIndicatorPolicy(policy.ShowIndicator if has_children(value) else policy.DontShowIndicator)


def _set_text(item: QTreeWidgetItem, column: int, text: str) -> None:
    if item.text(column) != text:
        item.setText(column, text)


def _size(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    return f"{count / 1e3:.1f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"


def _whole(value: Any) -> str:
    return str(value)[:1_000_000]
