"""The Data dock: the latest value of every data stream as a tree, with rate and size; pictures are shown."""

from __future__ import annotations

import html
import itertools
import time
from collections import Counter
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

from .age_words import age_words
from .data_summary import MAX_CHILDREN, children, has_children, is_picture, picture, summary
from .dock import Dock, DockContext
from .plain_text import one_line

if TYPE_CHECKING:
    from ..core.hub import Change
    from ..core.records import DataEntry

# Further streams are counted in a last row: nobody reads a thousand rows, and each costs time four times a second.
MAX_STREAMS = 500
EMPTY = "Waiting for data streams.\nA producer sends them with publish_data."


class ValueItem(QTreeWidgetItem):
    """A row that knows its value as it is: Qt would make a copy of it, and of all that lies inside."""

    value: Any = None


class StreamRow:
    """The top row of one stream, and what is worked out once for each value."""

    def __init__(self, tree: QTreeWidget) -> None:
        self.item = ValueItem(tree)
        self.summary = ""
        self.first_picture: Any = None

    def take(self, value: Any) -> bool:
        """Take over the latest value; False when it is the one that is shown already."""
        if value is self.item.value and self.summary:
            return False
        self.item.value = value
        self.summary = summary(value)
        self.first_picture = _find(value)
        _set_indicator(self.item, value)
        return True


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
        self._rows: dict[tuple[str, str], StreamRow] = {}
        self._more = ValueItem()
        self._pictured: Any = None
        self._arranged_by_user = False
        self._arranging = False
        self.tree.itemExpanded.connect(self._on_opened)
        self.tree.itemCollapsed.connect(self._on_opened)

    def concerns(self, change: Change) -> bool:
        return change.kind in ("data", "producer")

    def refresh(self, changes: set[Change] | None) -> None:
        """Nothing here: values that a person reads change four times a second, in ``refresh_text``."""
        if changes is None:
            self.refresh_text()

    def refresh_text(self) -> None:
        entries = self.hub.data.entries
        self.set_empty(None if entries else EMPTY)
        shown = dict(itertools.islice(entries.items(), MAX_STREAMS))
        for key in [key for key in self._rows if key not in shown]:
            self.tree.takeTopLevelItem(self.tree.indexOfTopLevelItem(self._rows.pop(key).item))
        streams = Counter(stream for _, stream in shown)
        for key, entry in shown.items():
            self._update_stream(key, entry, ambiguous=streams[entry.stream] > 1)
        self._count_more(len(entries) - len(shown))
        self._show_picture()
        self._open_what_fits()

    def clear_data(self) -> None:
        self.hub.clear("data")
        self.request_refresh()

    def menu_actions(self) -> list[QAction]:
        item = self._current()
        copy = QAction("Copy value", self)
        copy.setEnabled(item is not None)
        copy.triggered.connect(lambda: QGuiApplication.clipboard().setText(_whole(item.value) if item else ""))
        return [copy]

    def _update_stream(self, key: tuple[str, str], entry: DataEntry, *, ambiguous: bool) -> None:
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = StreamRow(self.tree)
        producer = self.hub.producers.get(entry.producer)
        name = f"{entry.stream} – {producer.name}" if ambiguous and producer else entry.stream
        if row.take(entry.value) and row.item.isExpanded():
            self._fill(row.item)
        now = time.time()
        age_s = max(0.0, now - entry.t)
        rate_hz = entry.meter.per_second(now)
        rate = f"{rate_hz:.1f}/s" if rate_hz > 0 else age_words(age_s)
        _set_text(row.item, 0, one_line(name))
        row.item.setToolTip(0, html.escape(one_line(name)))
        _set_text(row.item, 1, f"{rate}  {_size(entry.nbytes)}  {row.summary}")

    def _open_what_fits(self) -> None:
        """Until the user opens or closes a row: open streams as long as no scroll bar is needed."""
        if self._arranged_by_user or not self._rows:
            return
        room = self.tree.viewport().height() // max(1, self.tree.sizeHintForRow(0))
        used = self.tree.topLevelItemCount()
        self._arranging = True
        for row in self._rows.values():
            inner = min(len(row.item.value), MAX_CHILDREN + 1) if has_children(row.item.value) else 0
            opens = 0 < inner <= room - used
            used += inner if opens else 0
            row.item.setExpanded(opens)
        self._arranging = False

    def _on_opened(self) -> None:
        self._arranged_by_user = self._arranged_by_user or not self._arranging

    def _count_more(self, count: int) -> None:
        """Say in a last row how many streams are not listed."""
        index = self.tree.indexOfTopLevelItem(self._more)
        if index >= 0 and (not count or index < self.tree.topLevelItemCount() - 1):
            self.tree.takeTopLevelItem(index)
            index = -1
        if count:
            self._more.setText(0, "…")
            self._more.setText(1, f"{count:,} more streams")
            if index < 0:
                self.tree.addTopLevelItem(self._more)

    def _fill(self, item: QTreeWidgetItem) -> None:
        """Bring the rows below an open row up to date, and those below open rows among them."""
        value = item.value if isinstance(item, ValueItem) else None
        pairs = list(children(value)) if has_children(value) else []
        while item.childCount() > len(pairs):
            item.takeChild(item.childCount() - 1)
        for row, (name, inner) in enumerate(pairs):
            child = item.child(row) or ValueItem(item)
            assert isinstance(child, ValueItem)
            if inner is not child.value or child.text(0) != name:
                self._fill_child(child, name, inner)

    def _fill_child(self, child: ValueItem, name: str, value: Any) -> None:
        text = summary(value)
        _set_text(child, 0, name)
        if child.text(1) != text:
            child.setText(1, text)
            child.setToolTip(1, html.escape(text))
        child.value = value
        _set_indicator(child, value)
        if child.isExpanded():
            self._fill(child)

    def _show_picture(self) -> None:
        """Show the selected value when it is a picture, else the first picture among the streams."""
        item = self._current()
        value = item.value if item is not None and is_picture(item.value) else None
        if value is None:
            value = next((found for row in self._rows.values() if (found := row.first_picture) is not None), None)
        if value is not self._pictured:
            self._pictured = value
            self.preview.show_image(picture(value))

    def _current(self) -> ValueItem | None:
        item = self.tree.currentItem()
        return item if isinstance(item, ValueItem) else None


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


def _find(value: Any) -> Any:
    """Return the first value that is a picture: this one, or one directly inside it."""
    if is_picture(value):
        return value
    return next((inner for _, inner in children(value) if is_picture(inner)), None)


def _set_indicator(item: ValueItem, value: Any) -> None:
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
