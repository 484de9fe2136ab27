"""A table of figures as a widget: only what changed is written, and an empty one says why it is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from .figure_table import Column, Row, Table, words
from .plain_text import tooltip_text

CELL_PADDING_PX, HEAD_PADDING_PX = 12, 13
SCROLL_BAR_PX = 12
NUMBERS = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
MOST_TOOLTIP_LINES = 20


class FigureTree(QTreeWidget):
    """Show one table; lines of detail unfold below their row.

    Args:
        name: for screen readers. empty: sentence for when there is no row.
        widest_name: the names have room for this text at least.
        stretched: the column that takes the room that is left, 0 for the names.
    """

    def __init__(self, name: str, empty: str, *, widest_name: str, stretched: int = 0) -> None:
        super().__init__()
        self.empty, self._widest_name, self._stretched = empty, widest_name, stretched
        self._rows: tuple[Row, ...] = ()
        self._columns: tuple[Column, ...] = ()
        self.setAccessibleName(name)
        self.setUniformRowHeights(True)
        self.setRootIsDecorated(False)
        self.setIndentation(10)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setMinimumHeight(64)
        self.header().setStretchLastSection(False)
        self.header().setMinimumSectionSize(30)

    def show_table(self, table: Table) -> None:
        """Bring the rows up to date."""
        self._show_head(table)
        if table.rows == self._rows:
            return
        self._move_down(table.rows)
        while self.topLevelItemCount() > len(table.rows):
            self.takeTopLevelItem(self.topLevelItemCount() - 1)
        for at, row in enumerate(table.rows):
            item = self.topLevelItem(at) or self._new_item(at)
            if at >= len(self._rows) or row != self._rows[at]:
                self._write(item, row, self._rows[at] if at < len(self._rows) else None)
        if not table.rows or not self._rows:
            self.viewport().update()
        self._rows = table.rows

    def _move_down(self, rows: tuple[Row, ...]) -> None:
        """Insert what is new above the row that was the first, as in a list with the newest on top."""
        if not self._rows or self._rows[0] not in rows:
            return
        for at in range(rows.index(self._rows[0])):
            self._write(self._new_item(at), rows[at])
            self._rows = (*self._rows[:at], rows[at], *self._rows[at:])

    def _new_item(self, at: int) -> QTreeWidgetItem:
        item = QTreeWidgetItem()
        for column, figure in enumerate(self._columns, 1):
            if figure.write is not words:
                item.setTextAlignment(column, NUMBERS)
        self.insertTopLevelItem(at, item)
        return item

    def _write(self, item: QTreeWidgetItem, row: Row, before: Row | None = None) -> None:
        texts = [row.name, *(c.write(value) for c, value in zip(self._columns, row.values, strict=True))]
        for column, text in enumerate(texts):
            if item.text(column) != text:
                item.setText(column, text)
                if column == 0 or self._columns[column - 1].write is words:
                    item.setToolTip(column, tooltip_text(*(row.details or (text,))[:MOST_TOOLTIP_LINES]))
        if row.details != (before.details if before else ()):
            self.setRootIsDecorated(True)
            item.takeChildren()
            for line in row.details:
                QTreeWidgetItem(item, [line]).setFirstColumnSpanned(True)

    def _show_head(self, table: Table) -> None:
        if table.columns == self._columns:
            return
        self._columns = table.columns
        self.setHeaderLabels(["", *(column.title for column in table.columns)])
        metrics = self.fontMetrics()
        indentation_px = self.indentation() if self._stretched else 0  # of the arrow that unfolds a row
        name_px = metrics.horizontalAdvance(self._widest_name) + CELL_PADDING_PX + indentation_px
        widths_px = [name_px]
        for at, column in enumerate(table.columns, 1):
            self.headerItem().setToolTip(at, column.quantity[:1].upper() + column.quantity[1:])
            if column.write is not words:
                self.headerItem().setTextAlignment(at, NUMBERS)
            title_px = metrics.horizontalAdvance(column.title) + HEAD_PADDING_PX
            widths_px.append(max(title_px, metrics.horizontalAdvance(column.widest) + CELL_PADDING_PX))
        for at, width_px in enumerate(widths_px):
            self.header().resizeSection(at, width_px)
        self.header().setSectionResizeMode(self._stretched, QHeaderView.ResizeMode.Stretch)
        self.setMinimumWidth(sum(widths_px) + SCROLL_BAR_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.topLevelItemCount():
            with QPainter(self.viewport()) as painter:
                painter.setPen(self.palette().placeholderText().color())
                place = self.viewport().rect().adjusted(8, 4, -8, -4)
                painter.drawText(place, int(Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap), self.empty)
