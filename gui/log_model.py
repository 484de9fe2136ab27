"""The table behind the Log dock: the rows of the hub's log that pass a level and a text filter."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from .plain_text import one_line
from .theme import Theme

if TYPE_CHECKING:
    from ..core.hub import Hub
    from ..core.records import LogRow

Index = QModelIndex | QPersistentModelIndex
COLUMNS = ("Time", "From", "Kind", "Message")
LEVELS = ("debug", "info", "warning", "error")
RANK = {
    "debug": 0,
    "trace": 0,
    "info": 1,
    "complete": 1,
    "warning": 2,
    "warn": 2,
    "error": 3,
    "critical": 3,
    "fatal": 3,
}
TONES = {0: "muted", 2: "warning", 3: "error"}
# The field of a row that its kind or its message tells already, by source.
TOLD_ALREADY = {"status": "status", "command": "stage", "viewer": "cause"}
MAX_NEW_ROWS = 2000
MAX_SHOWN_CHARACTERS = 2000
NO_INDEX = QModelIndex()


def rank(level: str) -> int:
    """Return how grave a level is, 0 to 3; an unknown one counts as info."""
    return RANK.get(level.lower(), 1)


def row_text(row: LogRow) -> str:
    """Return message and fields in one plain line."""
    told = TOLD_ALREADY.get(row.source)
    fields = "  ".join(f"{one_line(name, 60)}={_value(value)}" for name, value in row.fields.items() if name != told)
    line = one_line(row.message, MAX_SHOWN_CHARACTERS)
    return (f"{line}  {fields}" if fields else line)[:MAX_SHOWN_CHARACTERS]


class LogModel(QAbstractTableModel):
    """Rows that pass the filter, newest last."""

    def __init__(self, hub: Hub, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hub = hub
        self._theme = theme
        self.rows: list[LogRow] = []
        self.utc = False
        self._next_serial = 0
        self._cleared = hub.log.cleared
        self._minimum_rank = 0
        self._needle = ""
        self._producer: str | None = None

    def set_filter(self, minimum_level: str, needle: str, producer: str | None) -> None:
        """Show rows of at least this level that contain the text, ignoring case, of one producer or of all."""
        self._minimum_rank = rank(minimum_level)
        self._needle = needle.lower()
        self._producer = producer
        self.reload()

    def set_theme(self, theme: Theme) -> None:
        """Take over the colours of a theme."""
        self._theme = theme
        if self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, len(COLUMNS) - 1))

    def reload(self) -> None:
        """Read the whole log anew."""
        self.beginResetModel()
        self._cleared = self._hub.log.cleared
        rows = self._hub.log.since(0)
        self.rows = [row for row in rows if self._passes(row)]
        self._next_serial = rows[-1].serial + 1 if rows else self._hub.log.first_serial
        self.endResetModel()

    def update(self) -> bool:
        """Take in new rows and let go of those the log dropped; True when more new rows wait for the next frame."""
        if self._cleared != self._hub.log.cleared:  # rows may be gone from between others
            self.reload()
            return False
        self._drop_old()
        fresh = self._hub.log.since(self._next_serial)
        more = len(fresh) > MAX_NEW_ROWS
        fresh = fresh[:MAX_NEW_ROWS]
        if not fresh:
            return False
        self._next_serial = fresh[-1].serial + 1
        passing = [row for row in fresh if self._passes(row)]
        if passing:
            self.beginInsertRows(NO_INDEX, len(self.rows), len(self.rows) + len(passing) - 1)
            self.rows += passing
            self.endInsertRows()
        return more

    def _drop_old(self) -> None:
        first = self._hub.log.first_serial
        gone = 0
        while gone < len(self.rows) and self.rows[gone].serial < first:
            gone += 1
        if gone:
            self.beginRemoveRows(NO_INDEX, 0, gone - 1)
            del self.rows[:gone]
            self.endRemoveRows()

    def _passes(self, row: LogRow) -> bool:
        if rank(row.level) < self._minimum_rank or (self._producer is not None and row.producer != self._producer):
            return False
        return not self._needle or self._needle in f"{self._from(row)} {row.source} {row_text(row)}".lower()

    def _from(self, row: LogRow) -> str:
        producer = self._hub.producers.get(row.producer)
        return one_line(producer.name, 60) if producer else row.producer

    def cells(self, row: LogRow) -> tuple[str, str, str, str]:
        """Return the texts of one row, in the order of COLUMNS."""
        return (self._time(row.t), self._from(row), _kind(row), row_text(row))

    def _time(self, t: float) -> str:
        zone = dt.UTC if self.utc else None
        try:
            return dt.datetime.fromtimestamp(t, zone).strftime("%H:%M:%S.%f")[:-3]
        except (ValueError, OverflowError, OSError):
            return "–"  # a time stamp from the network that is no time

    # Qt's part

    def rowCount(self, parent: Index = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.cells(row)[index.column()]
        if role == Qt.ItemDataRole.ForegroundRole:
            tone = TONES.get(rank(row.level)) or ("text" if index.column() == 3 else "muted")
            return QColor(getattr(self._theme, tone))
        return None


def _kind(row: LogRow) -> str:
    if row.source == "status":
        return str(row.fields.get("status", row.level))
    return row.level if row.source == "log" else row.source


def _value(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else one_line(str(value))
