"""The table of devices: columns, selection, a rate edited in place, rows copied."""

from __future__ import annotations

import csv
import io

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QFontMetrics, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from .device_model import COLUMNS, RATE, DeviceModel
from .device_row import DeviceRow

WIDEST = {
    "State": "▶ Connecting",
    "Name": "multimeter · voltage",
    "Last value": "+0.12345678 mV",
    "Rate": "100.5 Hz",
    "Measured": "100.5 Hz",
    "Errors": "10 000",
    "Dropped": "10 000",
    "Identity": "Keysight Technologies,34465A",
}
PADDING_PX = 16
TICKS = QAbstractItemView.EditTrigger


class DeviceTable(QTableView):
    """Show devices.

    Signals:
        chosen(): other rows are selected.
    """

    chosen = Signal()

    def __init__(self, model: DeviceModel) -> None:
        super().__init__()
        self.rows = model
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
        for at, column in enumerate(COLUMNS):
            if column.title in WIDEST:
                header.resizeSection(at, metrics.horizontalAdvance(WIDEST[column.title]) + PADDING_PX)
