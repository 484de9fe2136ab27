"""The rows of the Devices dock as a model; only cells that changed are told to the view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor

from .device_row import STATE_WORDS, DeviceRow
from .plain_text import tooltip_text
from .theme import Theme

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
NO_INDEX = QModelIndex()
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Column:
    """One column: its title, what stands in it, the tone of that, and whether it is a number."""

    title: str
    tip: str
    text: Callable[[DeviceRow], str]
    tone: Callable[[DeviceRow], str] = lambda row: "text"
    is_number: bool = False


def _state_text(row: DeviceRow) -> str:
    symbol, word, _ = STATE_WORDS[row.state]
    return f"{symbol} {word}"


def rate_text(rate_hz: float | None) -> str:
    """Return a rate with its unit, "" when there is none."""
    return "" if rate_hz is None else f"{rate_hz:.4g} Hz"


def _count(count: int | None) -> str:
    return "" if count is None else f"{count:,}".replace(",", " ")


def _of_stream(row: DeviceRow) -> str:
    return "text" if row.measured_hz else "muted"


COLUMNS = (
    Column("State", "What the device does", _state_text, lambda row: STATE_WORDS[row.state][2]),
    Column("Name", "Its name · the name of its metric", lambda row: row.name),
    Column("Last value", "Its last reading", lambda row: row.value, _of_stream, is_number=True),
    Column(
        "Rate",
        "Readings a second that are asked for; F2 changes it",
        lambda row: rate_text(row.rate_hz),
        is_number=True,
    ),
    Column(
        "Measured",
        "Readings a second that really come",
        lambda row: rate_text(row.measured_hz),
        lambda row: "warning" if row.is_slow else "text",
        is_number=True,
    ),
    Column(
        "Errors",
        "Faults since it was opened; the Log names them",
        lambda row: _count(row.errors),
        lambda row: "warning" if row.errors else "muted",
        is_number=True,
    ),
    Column(
        "Dropped",
        "Readings that were given up because nobody took them in time",
        lambda row: _count(row.dropped),
        lambda row: "warning" if row.dropped else "muted",
        is_number=True,
    ),
    Column("Identity", "How the instrument names itself", lambda row: row.identity, lambda row: "muted"),
    Column(
        "Detail",
        "Why it is in this state",
        lambda row: row.detail,
        lambda row: STATE_WORDS[row.state][2] if row.state in ("failed", "retrying") else "muted",
    ),
)
RATE = next(at for at, column in enumerate(COLUMNS) if column.title == "Rate")


class DeviceModel(QAbstractTableModel):
    """Rows of devices in the order in which they were added.

    Signals:
        rate_typed(str, str): key of a device, and what was typed as its rate.
    """

    rate_typed = Signal(str, str)

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: list[DeviceRow] = []
        self._theme = theme

    def set_theme(self, theme: Theme) -> None:
        """Take over the colours of a theme."""
        self._theme = theme
        if self.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, len(COLUMNS) - 1))

    def show_rows(self, rows: Sequence[DeviceRow]) -> None:
        """Bring the rows up to date."""
        keys = {row.key for row in rows}
        for at in reversed([at for at, row in enumerate(self.rows) if row.key not in keys]):
            self.beginRemoveRows(QModelIndex(), at, at)
            del self.rows[at]
            self.endRemoveRows()
        changed: dict[int, list[int]] = {}  # rows by column: a signal for each cell would cost more than the cells
        for at, row in enumerate(rows):
            if at < len(self.rows) and self.rows[at].key == row.key:
                for column in _changed(self.rows[at], row):
                    changed.setdefault(column, []).append(at)
                self.rows[at] = row
            else:
                self.beginInsertRows(QModelIndex(), at, at)
                self.rows.insert(at, row)
                self.endInsertRows()
        for column, places in changed.items():
            self.dataChanged.emit(self.index(places[0], column), self.index(places[-1], column))

    def texts(self, row: DeviceRow) -> list[str]:
        """Return the cells of a row."""
        return [column.text(row) for column in COLUMNS]

    # what Qt asks

    def rowCount(self, parent: Index = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        row, column = self.rows[index.row()], COLUMNS[index.column()]
        if role == Role.DisplayRole:
            return column.text(row)
        if role == Role.ForegroundRole:
            return QColor(getattr(self._theme, column.tone(row)))
        if role == Role.TextAlignmentRole:
            return RIGHT if column.is_number else LEFT
        if role == Role.ToolTipRole:
            return _tip(row, column)
        if role == Role.EditRole and index.column() == RATE:
            return "" if row.rate_hz is None else f"{row.rate_hz:g}"
        return None

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:
        """Ask for another rate; the cell shows it when the device has it."""
        row = self.rows[index.row()]
        typed = str(value).strip()
        if typed != self.data(index, Role.EditRole):
            self.rate_typed.emit(row.key, typed)
        return False

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        can_edit = index.column() == RATE and self.rows[index.row()].spec is not None
        return flags | Qt.ItemFlag.ItemIsEditable if can_edit else flags

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        if role == Role.TextAlignmentRole:
            return RIGHT if column.is_number else LEFT
        return {Role.DisplayRole: column.title, Role.ToolTipRole: column.tip}.get(Role(role))


def _changed(before: DeviceRow, row: DeviceRow) -> list[int]:
    if row == before:
        return []
    return [
        at
        for at, column in enumerate(COLUMNS)
        if column.text(row) != column.text(before) or column.tone(row) != column.tone(before)
    ]


def _tip(row: DeviceRow, column: Column) -> str:
    lines = [line for line in (column.text(row), row.detail if column.title == "State" else "") if line]
    if column.title == "Dropped" and row.spec is not None:
        lines.append(f"{row.missed} ticks were missed because the device was still answering")
        lines.append(f"policy {row.spec.policy}, {row.spec.queue_size} may wait")
    if column.title == "Last value" and row.parts:
        lines = list(row.parts)
    if column.title == "Name" and row.spec is not None:
        lines.append(row.spec.url)
    return tooltip_text(*lines) if lines else ""
