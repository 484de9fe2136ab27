"""The table of devices: columns, selection, a rate edited in place, rows copied."""

from __future__ import annotations

import csv
import io
from typing import Any, cast

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QFontMetrics, QGuiApplication, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from .device_model import COLUMNS, RATE, DeviceModel, Index
from .device_row import DeviceRow

WIDEST = {
    "State": "▶ Connecting",
    "Rate": "100.5 Hz",
    "Measured": "100.5 Hz",
    "Errors": "10 000",
    "Dropped": "10 000",
}
# The other columns share what is left by these weights, and are no narrower than these texts.
SHARED = {
    "Name": (4, "multimeter · voltage"),
    "Last value": (3, "+0.12345678 mV"),
    "Identity": (3, "Keysight,34465A"),
    "Detail": (5, "not connected"),
}
PADDING_PX = 18
TICKS = QAbstractItemView.EditTrigger


class TonedDelegate(QStyledItemDelegate):
    """Keep the tones of the cells in selected rows, which have another ground instead."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        told = cast(Any, option)  # PySide6 does not tell its attributes
        if told.state & QStyle.StateFlag.State_Selected:
            # The table's own palette has the colours of the style sheet instead.
            painter.fillRect(told.rect, QGuiApplication.palette().button())
            told.state &= ~QStyle.StateFlag.State_Selected
        super().paint(painter, option, index)


class DeviceTable(QTableView):
    """Show devices.

    Signals:
        chosen(): other rows are selected.
    """

    chosen = Signal()

    def __init__(self, model: DeviceModel) -> None:
        super().__init__()
        self.rows = model
        self._is_by_hand = False
        self.setModel(model)
        self.setAccessibleName("Devices")
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setItemDelegate(TonedDelegate(self))
        self.setEditTriggers(TICKS.DoubleClicked)
        self._size()
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen.emit())
        model.rowsInserted.connect(self._on_inserted)

    def selected(self) -> list[DeviceRow]:
        """Return the selected rows, from the top."""
        return [self.rows.rows[at] for at in sorted(index.row() for index in self.selectionModel().selectedRows())]

    def choose(self, key: str) -> None:
        """Select one device."""
        at = next((at for at, row in enumerate(self.rows.rows) if row.key == key), None)
        if at is not None:
            self.selectRow(at)
            self.setCurrentIndex(self.rows.index(at, 0))

    def edit_rate(self) -> None:
        """Let the user type the rate of the current row."""
        if self.currentIndex().isValid():
            cell = self.rows.index(self.currentIndex().row(), RATE)
            self.setCurrentIndex(cell)
            self.edit(cell)

    def copy(self) -> int:
        """Put the selected rows on the clipboard as lines of tab-separated text; returns how many."""
        lines = ["\t".join(self.rows.texts(row)) for row in self.selected()]
        if lines:
            QGuiApplication.clipboard().setText("\n".join(lines))
        return len(lines)

    def csv(self) -> str:
        """Return all rows as CSV text."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow([column.title for column in COLUMNS])
        writer.writerows(self.rows.texts(row) for row in self.rows.rows)
        return text.getvalue()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F2:
            self.edit_rate()
            return
        super().keyPressEvent(event)

    def _on_inserted(self, _parent: QModelIndex, first: int, _last: int) -> None:
        """One device is always chosen, so that the commands mean something."""
        if not self.selectionModel().hasSelection():
            self.selectionModel().setCurrentIndex(
                self.rows.index(first, 0),
                QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows,
            )

    def _size(self) -> None:
        metrics = QFontMetrics(self.font())
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(metrics.height() + 7)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(36)
        self._least_px = {}
        for at, column in enumerate(COLUMNS):
            widest = WIDEST.get(column.title) or SHARED[column.title][1]
            width_px = PADDING_PX + max(metrics.horizontalAdvance(text) for text in (widest, column.title))
            header.resizeSection(at, width_px)
            self._least_px[at] = width_px
        header.sectionResized.connect(lambda *_: self._note_by_hand())

    def _share(self) -> None:
        """Give the columns of words what the others leave."""
        left_px = self.viewport().width() - sum(self._least_px.values())
        weights = sum(weight for weight, _ in SHARED.values())
        for at, column in enumerate(COLUMNS):
            if column.title in SHARED:
                more_px = max(0, left_px) * SHARED[column.title][0] // weights
                self.horizontalHeader().resizeSection(at, self._least_px[at] + more_px)

    def _note_by_hand(self) -> None:
        """Leave the columns as they are once the user has moved one."""
        if QGuiApplication.mouseButtons():
            self._is_by_hand = True

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self._is_by_hand:
            self._share()
